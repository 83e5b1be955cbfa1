"""Backends: from `hf:FOLDER` or `script:FILE` on the command line to a session.

A new one is a room of its own with a `Backend`, and a line in the table.
"""

import threading
from collections.abc import Collection, Mapping
from typing import Final

from msgspec.structs import replace

from interpreter.session import Session
from model_adapters.embedded.automatic import AUTO
from model_adapters.errors import OptionNotTakenError, UnknownBackendError
from model_adapters.given_sessions import DECLARES, PYTHON, SCRIPT
from model_adapters.hf.opening import HF
from model_adapters.llamacpp.opening import LLAMACPP
from model_adapters.openai_compat.opening import OPENAI
from model_adapters.opening import Backend, Opened, Option, Request, asked_of, spelled

__all__ = [
    "BACKENDS",
    "BackendSessions",
    "Opened",
    "Request",
    "open_backend",
    "require_backend",
    "spellings",
]

BACKENDS: Final[Mapping[str, Backend]] = {
    "auto": AUTO,
    "hf": HF,
    "llamacpp": LLAMACPP,
    "openai": OPENAI,
    "script": SCRIPT,
    "python": PYTHON,
}
"""Every backend by what stands before the colon. Heavy packages are imported where one is opened."""


def open_backend(request: Request) -> Opened:
    """Return a session of the backend that a request names.

    Args:
        request: What is wanted.

    Raises:
        AdapterError: The backend is unknown, cannot be had, or does not take what is asked for.
        MissingExtraError: It needs a package that is not installed.
        HostError: What was opened breaks the contract of spec/5-embedding.md.
    """
    backend, rest = _named(request.backend)
    asked = asked_of(request)
    _require_taken(backend.takes, asked, request.backend)
    opened = backend.open(request, rest)
    if backend.takes is None:
        try:
            _require_taken(opened.takes, asked, request.backend)
        except OptionNotTakenError:
            opened.session.close()
            raise
    return opened


class BackendSessions:
    """Sessions of a backend that the command line names; what is loaded is loaded once.

    Attributes:
        model: What decodes, in words; empty before the first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: Opened | None = None
        self.model = ""

    def open(self, request: Request) -> Opened:
        """Open one more; all of them are of the backend of the first request, and of its profile.

        Raises:
            AdapterError: It cannot be had.
            MissingExtraError: It needs a package that is not installed.
        """
        with self._lock:
            if self._opened is not None and self._opened.another:
                return replace(self._opened, session=self._opened.another(request))
            self._opened = open_backend(request)
            self.model = self._opened.model
            return self._opened

    def session(self, request: Request) -> Session:
        """Open one more, and return the session alone.

        Raises:
            AdapterError: It cannot be had.
            MissingExtraError: It needs a package that is not installed.
        """
        return self.open(request).session

    def forget(self) -> None:
        """Load anew for the next session: one of the old ones hangs, and holds what it has."""
        self._opened = None


def require_backend(word: str, given: Collection[Option] = ()) -> None:
    """Find out before any work whether a word names a backend, and what it names is there.

    Args:
        word: As on the command line.
        given: The options that stand there.

    Raises:
        UnknownBackendError: It names none.
        OptionNotTakenError: It takes none of these options, or not all.
        FileFaultError: It names a file that cannot be read.
    """
    backend, rest = _named(word)
    _require_taken(backend.takes, given, word)
    backend.require(rest)


def _require_taken(takes: Collection[Option] | None, asked: Collection[Option], word: str) -> None:
    """Refuse options that a backend does not take, and name those that take them."""
    if takes is None or not (ignored := {*asked} - {*takes}):
        return
    able = [each for each in BACKENDS.values() if each.takes and ignored <= each.takes]
    hint = f"; a factory says what it takes: {DECLARES}" if word.startswith("python:") else ""
    raise OptionNotTakenError(
        f"{word} takes no {spelled(ignored)}; these backends do: "
        f"{', '.join(backend.spelling for backend in able)}{hint}",
        sorted(ignored),
    )


def spellings() -> str:
    """Return what a backend may be, for a help text: each spelling with what it is."""
    *others, last = (f"{each.spelling} ({each.about})" for each in BACKENDS.values())
    return f"{', '.join(others)} or {last}"


def _named(word: str) -> tuple[Backend, str]:
    kind, _, rest = word.partition(":")
    if kind not in BACKENDS:
        known = ", ".join(backend.spelling for backend in BACKENDS.values())
        raise UnknownBackendError(f"{word!r} is no backend; give one of these: {known}")
    return BACKENDS[kind], rest
