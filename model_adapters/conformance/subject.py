"""What is put to the test: a way to open sessions of one backend, and the driver that drives them."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as TimedOut
from concurrent.futures import wait
from contextlib import contextmanager
from typing import TypeAlias

from msgspec.structs import replace

from cml.profile import Profile, Spelling
from interpreter.drivers.realtime import Runtime
from interpreter.drivers.virtual import Drive, run_virtual
from interpreter.executors.threads import DaemonThreads
from interpreter.session import Session
from interpreter.state import Settings
from interpreter.tools.signature import Function
from interpreter.vectors.runs import ScriptedToken
from model_adapters.backends import BackendSessions, require_backend
from model_adapters.conformance.forcing import Forced, script_of, steered
from model_adapters.errors import AdapterError
from model_adapters.opening import Request, Sampling, asked_of
from model_adapters.testing import CONTROL_SPELLINGS
from model_adapters.testing.watched import Bench, Watched

RealtimeDrive: TypeAlias = Callable[[Session, Mapping[str, Function], Settings], Runtime]
"""Makes what runs a session in real time, turn by turn."""

PROMPT = "Count from one to twenty, in words."
_MAX_TOKENS = 1_000
_CHANCE = 1.5
_OPENING = 5
"""So many times as long as a check may take a backend to open: a model has to be loaded."""
_STEPS = 8
"""Pieces that a story of the contract decodes at a time."""


class Subject:
    """A backend under test. Each of its sessions begins alike, and is closed in the end.

    Args:
        make: Makes a session for a request; all of one request write the same.
        request: What is asked of it, unless a check asks for something else.
        drive: The driver under the virtual clock.
        control: How control tokens of the model are spelled.
        run: The driver in real time.
    """

    def __init__(
        self,
        make: Callable[[Request], Session],
        request: Request,
        drive: Drive = run_virtual,
        control: Sequence[str] = CONTROL_SPELLINGS,
        run: RealtimeDrive = Runtime,
    ) -> None:
        self._make = make
        self.request = request
        self.drive = drive
        self.run = run
        self.control = tuple(control)

    @property
    def seed(self) -> int:
        """Of all that is drawn by chance."""
        return self.request.sampling.seed

    @property
    def profile(self) -> Profile:
        """How its contexts are written."""
        return self.request.profile

    def script(self, *steps: str) -> tuple[ScriptedToken, ...]:
        """Return a script of these steps, with markers as this backend spells them."""
        return script_of(*steps, spelling=self.profile.markers)

    @contextmanager
    def session(self, request: Request | None = None) -> Iterator[Watched]:
        """A fresh session that writes freely.

        Args:
            request: What is asked of it; by default what is asked of all.
        """
        watched = self._watched(request or self.request)
        try:
            yield watched
        finally:
            watched.session.close()

    @contextmanager
    def forced(
        self,
        script: Iterable[ScriptedToken],
        request: Request | None = None,
        *,
        at_once: bool = False,
    ) -> Iterator[Forced]:
        """A fresh session that is forced along a script.

        Args:
            script: What it is to write.
            request: What is asked of it; by default what is asked of all.
            at_once: Whether each step of the script is one piece; else each token is one.

        Raises:
            NotExercised: It cannot be forced.
        """
        with self.session(request) as watched:
            yield Forced(steered(watched, self.profile.markers), script, at_once=at_once)

    @property
    def by_chance(self) -> Request:
        """A request for a session that draws by chance, from the seed."""
        return replace(self.request, sampling=Sampling(_CHANCE, seed=self.seed))

    def bench(self, request: Request | None = None) -> Bench:
        """Where the stories of the contract are played.

        Args:
            request: What is asked of its sessions; by default what is asked of all.
        """
        return Bench(lambda: self._watched(request or self.request), self.control, _STEPS)

    def _watched(self, request: Request) -> Watched:
        return Watched(self._make(request))


def open_sessions(request: Request, limit_s: float) -> BackendSessions:
    """Open a backend: where that cannot be, no check says anything.

    Args:
        request: What is asked of it.
        limit_s: How long a check may take, in seconds: so long the first session may take to close, and
            five times as long to open, but where a person is there to be asked, and to stop it. Of what
            takes longer to close a check tells.

    Raises:
        AdapterError: There is no such backend, or it cannot be had in this time.
        MissingExtraError: It needs a package that is not installed.
        HostError: What was given as a session is none.
    """
    require_backend(request.backend, asked_of(request))
    sessions = BackendSessions()
    if sys.stdin.isatty() and not request.yes:
        # A person may be asked whether to download: in another thread Ctrl-C could not end that.
        opened = sessions.session(request)
    else:
        opened = _opened_within(_OPENING * limit_s, sessions, request)
    wait([DaemonThreads("cml-close").submit(opened.close)], timeout=limit_s)
    return sessions


def _opened_within(limit_s: float, sessions: BackendSessions, request: Request) -> Session:
    try:
        return DaemonThreads("cml-open").submit(sessions.session, request).result(limit_s)
    except TimedOut:
        told = f"{request.backend} did not open within {limit_s:g} s; give it more by --timeout"
        raise AdapterError(told) from None


def request_of(
    backend: str,
    *,
    device: str | None = None,
    yes: bool = False,
    seed: int = 0,
    markers: Spelling = Spelling.TEXT,
) -> Request:
    """Return what a backend under test is asked for: the model alone.

    Args:
        backend: As on the command line.
        device: Where the model runs; None for what there is.
        yes: Whether a person agreed beforehand to downloads.
        seed: Of what is drawn by chance.
        markers: How markers are spelled.
    """
    return Request(
        backend,
        PROMPT,
        {},
        max_tokens=_MAX_TOKENS,
        device=device,
        yes=yes,
        sampling=Sampling(seed=seed),
        profile=Profile(markers=markers),
        at_trap="keep",
        bare=True,
    )
