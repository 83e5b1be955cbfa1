"""Traces as journals: a session whose process died goes on from there (Embed/resume)."""

from interpreter.journals.past import Past, Running, past_of
from interpreter.journals.reopening import Reopened, own, reopened

__all__ = ["Past", "Reopened", "Running", "own", "past_of", "reopened"]
