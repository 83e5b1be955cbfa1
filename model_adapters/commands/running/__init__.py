"""A session on the command line: where its trace is, a file or a database, and its way to an exit status."""

from model_adapters.commands.running.places import (
    TracePlace,
    begun,
    resumed,
    resumed_trace,
    written_trace,
)
from model_adapters.commands.running.recording import Recording

__all__ = ["Recording", "TracePlace", "begun", "resumed", "resumed_trace", "written_trace"]
