"""Traces as journals: a session whose process died goes on from there (Embed/resume, Embed/owner)."""

from interpreter.journals.database import JournalError
from interpreter.journals.leases import Journals, Kept, Owned
from interpreter.journals.opening import open_journals
from interpreter.journals.past import Past, Running, past_of
from interpreter.journals.reopening import Reopened, abandon, is_under_way, own, reopened

__all__ = [
    "JournalError",
    "Journals",
    "Kept",
    "Owned",
    "Past",
    "Reopened",
    "Running",
    "abandon",
    "is_under_way",
    "open_journals",
    "own",
    "past_of",
    "reopened",
]
