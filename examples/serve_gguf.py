"""llama.cpp's own server on a GGUF file, out of the wheel that `.[llamacpp]` installs.

    python examples/serve_gguf.py FILE.gguf [--port 8000] [--sessions 4] [--context-tokens 8192]

It prints its address and serves until it is stopped (Ctrl-C). Then, in another terminal:

    cml run "Plan my trip." --tools examples/travel_tools.py --backend openai:http://127.0.0.1:8000/v1
"""

import argparse
import signal

import xllamacpp


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", metavar="FILE.gguf")
    parser.add_argument("--port", type=int, default=8000, help="0 for any that is free")
    parser.add_argument("--sessions", type=int, default=4, help="how many at a time")
    parser.add_argument("--context-tokens", type=int, default=8192, help="of all of them together")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = given.file
    parameters.port = given.port
    parameters.n_parallel = given.sessions
    parameters.n_ctx = given.context_tokens
    parameters.kv_unified = True
    parameters.verbosity = 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = given.threads
    parameters.endpoint_slots = True  # a session then keeps its slot, and what was read in it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
