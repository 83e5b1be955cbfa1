"""Sessions that are given: the script of a file, and whatever a Python module makes."""

import sys
import traceback
from collections.abc import Callable, Coroutine
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final, TypeGuard, TypeVar

import msgspec
from msgspec.structs import replace

from cml.terminal.files import require_readable
from interpreter.errors import HostError, MissingExtraError
from interpreter.scripted import ScriptedSession, turns_of
from interpreter.session import Batch, EndOfDecoding, Piece, Session, abilities_of
from interpreter.state import Layout
from model_adapters.errors import AdapterError, UnknownBackendError
from model_adapters.opening import Backend, Opened, Option, Request

Done = TypeVar("Done")

_SCRIPT_TOKEN_S: Final = 0.03
_VERBS: Final = ("decode", "append", "rewind", "close")

DECLARES: Final = 'Opened(session, "my model", takes=frozenset({"temperature"}))'
"""How a factory says which options it takes."""

# ------------------------------------------------------------------------------------- a script


def _require_script(path: str) -> None:
    if not path:
        raise UnknownBackendError("script: names no file; give script:FILE")
    require_readable(path)


def _open_script(request: Request, path: str) -> Opened:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise AdapterError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise AdapterError(f"{path}: not UTF-8 at byte {error.start + 1}") from None

    turns = turns_of(text, request.max_tokens, request.profile)
    session = ScriptedSession(turns, 0.0 if request.bare else _SCRIPT_TOKEN_S)
    return Opened(session, f"the script {Path(path).name}")


SCRIPT: Final = Backend(
    "script:FILE",
    "what a model writes, out of a file",
    _require_script,
    _open_script,
    frozenset({"markers"}),
)

# ---------------------------------------------------------------------------- a module's factory


def _require_factory(word: str) -> None:
    module, _, factory = word.partition(":")
    parts = (*module.split("."), *factory.split("."))
    if not all(part.isidentifier() for part in parts):
        raise UnknownBackendError(
            f"'python:{word}' names no factory; give python:MODULE:FACTORY, as in "
            "python:my_adapter:open_session"
        )


def _open_factory(request: Request, word: str) -> Opened:
    """Open what a factory makes of the request: a session, or an `Opened` that says more of it."""
    _require_factory(word)
    name, _, path = word.partition(":")
    factory = _factory(_imported(name), path)
    made = _made(factory, request, word)
    opened = made if isinstance(made, Opened) else Opened(_session(made, word), f"python:{word}")
    session = _session(opened.session, word)
    opened = _said(opened, word)
    # A test bench tells by itself what a session raises, and may know what it is.
    return opened if request.bare else replace(opened, session=_GivenSession(session, word))


def _imported(name: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)  # last: no file here may stand for a module that is installed
    try:
        return import_module(name)
    except MissingExtraError:
        raise
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise AdapterError(
                f"there is no module {name}, neither installed nor in this folder"
            ) from None
        raise AdapterError(f"the module {name} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:  # a module of somebody else's may do anything
        raise AdapterError(f"the module {name} cannot be imported: it {raised(error)}") from error


def _factory(module: ModuleType, path: str) -> Callable[[Request], object]:
    found: object = module
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise AdapterError(
            f"the module {module.__name__} has no {path} that can be called; expected a function "
            "that takes a Request and returns a session"
        )
    return found


def _made(factory: Callable[[Request], object], request: Request, word: str) -> object:
    try:
        return factory(request)
    except (AdapterError, MissingExtraError, HostError):
        raise
    except (Exception, SystemExit) as error:
        raise AdapterError(f"python:{word} {raised(error)}") from error


def _session(made: object, word: str) -> Session:
    if isinstance(made, Coroutine):
        made.close()  # else Python says on standard error that nobody awaited it
    if not _has_verbs(made):
        raise AdapterError(
            f"python:{word} made a {type(made).__name__}; expected a session, with the verbs "
            f"{', '.join(_VERBS)}"
        )
    abilities_of(made)
    return made


class _Said(msgspec.Struct, frozen=True):
    """What a factory says of its session, and traces and options are made of."""

    model: str
    layout: Layout
    regions: tuple[tuple[str, str], ...]
    together: bool
    takes: frozenset[Option]


def _said(opened: Opened, word: str) -> Opened:
    """Hold to its types what a factory says: a trace that begins with what no trace has is lost."""
    told = {name: getattr(opened, name) for name in _Said.__struct_fields__}
    try:
        said = msgspec.convert(told, _Said)
    except msgspec.ValidationError as error:
        raise AdapterError(f"python:{word} made an Opened with a fault: {error}") from None
    return replace(opened, **msgspec.structs.asdict(said))


class _GivenSession:
    """A session of somebody else's: what it raises is told with the verb that raised it.

    Args:
        session: The session.
        word: What stands behind `python:`.
    """

    def __init__(self, session: Session, word: str) -> None:
        self._session = session
        self._word = word

    def decode(self) -> Piece | EndOfDecoding:
        """Decode (Embed/decode)."""
        return self._done("decode", self._session.decode)

    def append(self, batch: Batch) -> int:
        """Append interrupts (Embed/append)."""
        return self._done("append", lambda: self._session.append(batch))

    def rewind(self, characters: int) -> None:
        """Drop what the model wrote last (Embed/rewind)."""
        self._done("rewind", lambda: self._session.rewind(characters))

    def close(self) -> None:
        """Let go of the context (Embed/close)."""
        self._done("close", self._session.close)

    def __getattr__(self, name: str) -> object:
        """Return what else the session has: its abilities, and what these take (Embed/abilities)."""
        found: object = getattr(self._session, name)
        if not callable(found):
            return found
        return lambda *values: self._done(name, lambda: found(*values))

    def _done(self, verb: str, act: Callable[[], Done]) -> Done:
        try:
            return act()
        except (AdapterError, HostError):
            raise
        except (Exception, SystemExit) as error:  # it is somebody else's, and may do anything
            raise AdapterError(f"python:{self._word}: {verb}() {raised(error)}") from error


def raised(error: BaseException) -> str:
    """Say what somebody else's code raised, and in which line."""
    if isinstance(error, SyntaxError):  # says by itself where
        return f"raised {type(error).__name__}: {error}"
    *_, last = traceback.extract_tb(error.__traceback__)
    where = f"{Path(last.filename).name}, line {last.lineno}"
    return f"raised {type(error).__name__}: {error} ({where})"


def _has_verbs(made: object) -> TypeGuard[Session]:
    return all(callable(getattr(made, verb, None)) for verb in _VERBS)


PYTHON: Final = Backend(
    "python:MODULE:FACTORY", "a session of your own", _require_factory, _open_factory, None
)
