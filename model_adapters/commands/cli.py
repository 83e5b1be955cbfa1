"""The `cml` command: each layer's commands under one name.

Nothing is imported before Ctrl-C is provided for, and no command before it is called.
"""

import os
import signal

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and end the process."""
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            # Nothing is under way yet: Ctrl-C ends the process at once.
            signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)
    from cml.terminal.entry import run
    from model_adapters.commands.command_table import cml_command

    run(cml_command())


if __name__ == "__main__":
    main()
