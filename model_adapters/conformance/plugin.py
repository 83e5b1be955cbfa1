"""The suite as a plugin of pytest: `pytest --cml-backend=BACKEND`, and each check is a test.

pytest imports this module wherever the distribution is installed. So it imports nothing of the
suite before a backend is named.
"""

import shlex
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

if TYPE_CHECKING:
    from model_adapters.backends import BackendSessions
    from model_adapters.conformance.check import Check, CheckResult
    from model_adapters.opening import Request

_MARK: Final = "cml_conformance"
_NODE: Final = "cml"
Named = TypeVar("Named", bound=Enum)


class CheckFailedError(Exception):
    """A check failed, or broke off."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which backend is put to the test, and how."""
    group = parser.getgroup("cml", "conformance of a CML backend")
    add = group.addoption
    add("--cml-backend", metavar="BACKEND", help="Check it; the word of `cml conformance`.")
    add("--cml-level", metavar="LEVEL", default="extended", help="core, futures or extended.")
    add("--cml-markers", metavar="SPELLING", default="text", help="text or token.")
    add("--cml-only", metavar="ID", action="append", default=[], help="Run these checks alone.")
    add("--cml-baseline", metavar="FILE", help="Ids of checks that are expected to fail.")
    add("--cml-timeout", metavar="SECONDS", type=float, default=120.0, help="For each check.")
    add("--cml-seed", metavar="NUMBER", type=int, default=0, help="Of what is drawn by chance.")
    add("--cml-device", metavar="DEVICE", help="Where the model runs.")
    add("--cml-yes", action="store_true", help="Agree to downloads.")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark of all checks known, for `-m`."""
    config.addinivalue_line("markers", f"{_MARK}: a check of the backend of --cml-backend")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is put to the test."""
    backend = config.getoption("cml_backend")
    if backend is None:
        return None
    level, seed = config.getoption("cml_level"), config.getoption("cml_seed")
    return f"CML conformance: backend {backend}, level {level}, seed {seed}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each check, before others choose among the tests."""
    if config.getoption("cml_backend") is not None:
        suite: _Suite = _Suite.from_parent(session, name=_NODE, nodeid=_NODE)
        items += suite.collect()


class _Suite(pytest.Collector):
    """The checks of a level, on one backend that is opened when the first of them runs."""

    def collect(self) -> "list[_CheckItem]":
        """Return a test for each check, and for each entry of the baseline that no check has."""
        from model_adapters.conformance.baseline import unknown_entries
        from model_adapters.conformance.checks import all_checks

        tests = [self._test(check) for check in self._chosen()]
        known = {check.id for check in all_checks()}
        unknown = unknown_entries(self._baseline, known)
        tests += [self._item(result.id, partial(_same, result)) for result in unknown]
        return tests

    @cached_property
    def _request(self) -> "Request":
        from cml.profile import Spelling
        from model_adapters.conformance.subject import request_of

        option = self.config.getoption
        return request_of(
            option("cml_backend"),
            device=option("cml_device"),
            yes=option("cml_yes"),
            seed=option("cml_seed"),
            markers=self._named("markers", Spelling),
        )

    @cached_property
    def _sessions(self) -> "BackendSessions":
        """Of the backend. Where it cannot be opened, no check says anything, and all ends here."""
        from interpreter.errors import HostError, MissingExtraError
        from model_adapters.conformance.subject import open_sessions
        from model_adapters.errors import AdapterError

        try:
            return open_sessions(self._request, self.config.getoption("cml_timeout"))
        except (AdapterError, MissingExtraError, HostError) as error:
            self.session.shouldfail = f"the backend {self._request.backend} cannot be opened"
            raise CheckFailedError(str(error)) from None

    def _chosen(self) -> "tuple[Check, ...]":
        from cml.profile import Level
        from model_adapters.backends import require_backend
        from model_adapters.conformance.checks import chosen
        from model_adapters.errors import AdapterError

        try:
            require_backend(self.config.getoption("cml_backend"))
            return chosen(self._named("level", Level), self.config.getoption("cml_only"))
        except AdapterError as error:
            raise pytest.UsageError(str(error)) from None
        except LookupError as error:
            told = f"{error.args[0]}; `cml conformance --list` shows all"
            raise pytest.UsageError(told) from None

    def _named(self, option: str, kind: type[Named]) -> Named:
        word = self.config.getoption(f"cml_{option}")
        try:
            return kind(word)
        except ValueError:
            named = ", ".join(each.value for each in kind)
            raise pytest.UsageError(f"--cml-{option} {word}: expected one of {named}") from None

    @cached_property
    def _baseline(self) -> frozenset[str]:
        from click import ClickException

        from cml.terminal.files import read_text
        from model_adapters.conformance.baseline import read_baseline

        path = self.config.getoption("cml_baseline")
        if path is None:
            return frozenset()
        try:
            return read_baseline(read_text(path))
        except ClickException as error:
            raise pytest.UsageError(f"--cml-baseline {error.message}") from None

    def _test(self, check: "Check") -> "_CheckItem":
        test = self._item(check.id, partial(self._result, check))
        test.user_properties.append(("rules", ", ".join(check.rules)))
        if check.id in self._baseline:
            test.add_marker(pytest.mark.xfail(reason="the baseline expects it", strict=True))
        return test

    def _item(self, identifier: str, judge: "Callable[[], CheckResult]") -> "_CheckItem":
        test: _CheckItem = _CheckItem.from_parent(self, name=identifier, judge=judge)
        test.add_marker(_MARK)
        return test

    def _result(self, check: "Check") -> "CheckResult":
        from model_adapters.conformance.running import run_checks
        from model_adapters.conformance.subject import Subject

        [result] = run_checks(
            (check,),
            Subject(self._sessions.session, self._request),
            limit_s=self.config.getoption("cml_timeout"),
            given_up=self._sessions.forget,
            repeat=lambda check: " ".join(self._alone(check)),
        )
        return result

    def _alone(self, check: "Check") -> Iterator[str]:
        option = self.config.getoption
        yield f"pytest --cml-backend={shlex.quote(option('cml_backend'))}"
        if (markers := option("cml_markers")) != "text":
            yield f"--cml-markers={markers}"
        if seed := option("cml_seed"):
            yield f"--cml-seed={seed}"
        if device := option("cml_device"):
            yield f"--cml-device={device}"
        yield f"--cml-only={check.id} -m {_MARK}"


def _same(result: "CheckResult") -> "CheckResult":
    return result


class _CheckItem(pytest.Item):
    """A check as a test: what was not exercised is skipped, and never passes."""

    def __init__(self, name: str, parent: _Suite, judge: "Callable[[], CheckResult]") -> None:
        super().__init__(name, parent)
        self._judge = judge

    def runtest(self) -> None:
        """Run it."""
        result = self._judge()
        match result.ending:
            case "pass":
                return
            case "not exercised":
                pytest.skip(f"{result.id}: not exercised: {result.message}")
            case ending:
                told = [result.message, result.does]
                told += [f"rules: {', '.join(result.rules)}"] if result.rules else []
                told += [f"alone: {result.repeat}"] if result.repeat else []
                raise CheckFailedError(f"{ending}: " + "\n".join(told))

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: object = None,  # noqa: ARG002
    ) -> str:
        """Tell what was found; where it was found in the suite helps nobody."""
        is_ours = isinstance(excinfo.value, CheckFailedError)
        return str(excinfo.value if is_ours else super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say how it is called."""
        return self.config.rootpath, None, self.name
