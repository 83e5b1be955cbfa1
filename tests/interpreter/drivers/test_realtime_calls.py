"""The calls of a session on their way: whatever an executor does, each comes back once (Embed/start)."""

import asyncio
import contextlib
from concurrent.futures import Executor, Future

import pytest
from realtime_bench import Held

from cml.ast import OutcomeKind
from cml.profile import Level, Limits, Profile
from interpreter.drivers.calls import Calls
from interpreter.events import Outcome, Start
from interpreter.executors.event_loop import RunningLoop
from interpreter.executors.workplace import Workplace
from interpreter.tools.declared import tool
from interpreter.tools.progress import current_progress

ONE = Outcome(OutcomeKind.RETURNED, 1)


class Heard:
    """Calls, and what is heard of them."""

    def __init__(self, functions, executor=None, profile=None) -> None:
        self.outcomes: list[tuple[str, Outcome]] = []
        self.held = Held()
        self.loop = RunningLoop()
        self.calls = Calls(
            functions,
            profile or Profile(),
            Workplace(executor or self.held),
            self.loop,
            lambda call, outcome: self.outcomes.append((call, outcome)),
        )

    def start(self, call: str = "a", function: str = "f", *args: object, **kwargs: object) -> None:
        self.calls.start(Start(call, function, args, kwargs))

    @property
    def kinds(self) -> list[object]:
        return [
            outcome.value["type"] if isinstance(outcome.value, dict) else outcome.kind.value
            for _, outcome in self.outcomes
        ]


def test_a_function_runs_in_the_executor_and_comes_back_once() -> None:
    heard = Heard({"f": lambda x, y: [x, y]})
    heard.start("a", "f", 1, y=2)
    assert (heard.outcomes, heard.calls.running) == ([], ("a",))
    heard.held.run()
    assert heard.outcomes == [("a", Outcome(OutcomeKind.RETURNED, [1, 2]))]
    assert heard.calls.running == ()
    assert heard.held.told_apart == [True]
    assert current_progress().withheld == 0


def test_a_coroutine_runs_in_the_loop() -> None:
    async def twice(x: int) -> int:
        await asyncio.sleep(0)
        current_progress().prints("on its way")
        return 2 * x

    async def main() -> Heard:
        heard = Heard({"f": twice})
        heard.start("a", "f", x=4)
        assert heard.held.calls == []
        for _ in range(100):
            await asyncio.sleep(0)
        return heard

    heard = asyncio.run(main())
    assert heard.outcomes == [("a", Outcome(OutcomeKind.RETURNED, 8))]
    assert heard.calls.printed == {"a": "on its way"}


class Refuses(Executor):
    """Takes no call."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def submit(self, function, /, *args, **kwargs):
        raise self.error


class Gives(Executor):
    """Gives what it was made with for a future."""

    def __init__(self, future: object) -> None:
        self.future = future

    def submit(self, function, /, *args, **kwargs):
        return self.future


@pytest.mark.parametrize("error", [RuntimeError("full"), SystemExit(3)], ids=repr)
def test_an_executor_that_does_not_take_a_call_has_failed_it(error) -> None:
    heard = Heard({"f": lambda: 1}, Refuses(error))
    heard.start()
    assert heard.kinds == [type(error).__name__]
    assert heard.calls.running == ()
    assert heard.calls.printed_by("a") == ""
    heard.calls.cancel("a")
    assert len(heard.outcomes) == 1


def test_what_is_no_future_has_failed_its_call_and_does_not_run() -> None:
    heard = Heard({"f": lambda: 1}, Gives("no future"))
    heard.start()
    assert heard.kinds == ["AttributeError"]
    assert heard.calls.running == ()


def test_a_future_that_is_done_already_comes_back_at_once() -> None:
    future: Future[Outcome] = Future()
    future.set_result(ONE)
    heard = Heard({"f": lambda: 1}, Gives(future))
    heard.start()
    assert heard.outcomes == [("a", ONE)]
    assert heard.calls.running == ()


def test_a_call_is_asked_to_stop_by_its_future_and_by_its_progress() -> None:
    heard = Heard({"f": lambda: 1})
    heard.start()
    heard.calls.cancel("a")
    assert heard.kinds == ["cancelled"]
    heard.calls.cancel("a")
    heard.calls.cancel("nobody")
    assert len(heard.outcomes) == 1


def test_a_call_that_is_cancelled_while_an_executor_is_asked_to_take_it_is_left_alone() -> None:
    class Cancels(Executor):
        def submit(self, function, /, *args, **kwargs):
            heard.calls.cancel("a")
            return done

    done: Future[Outcome] = Future()
    heard = Heard({"f": lambda: 1}, Cancels())
    heard.start()
    assert heard.outcomes == []
    done.set_result(ONE)
    assert heard.outcomes == [("a", ONE)]


def test_what_comes_back_twice_is_told_twice_and_the_machine_hears_the_first() -> None:
    class Twice(Future):
        def add_done_callback(self, fn) -> None:
            fn(self)
            fn(self)

    future = Twice()
    future.set_result(ONE)
    heard = Heard({"f": lambda: 1}, Gives(future))
    heard.start()
    assert heard.outcomes == [("a", ONE)] * 2


def test_a_call_that_its_executor_cannot_ask_still_hears_it_from_its_progress() -> None:
    class Deaf(Future):
        def cancel(self) -> bool:
            raise ConnectionError("the worker is gone")

    def reports():
        yield "on its way"
        return "done"

    future = Deaf()
    heard = Heard({"f": reports}, executor=None)
    heard.held.submit = lambda function, /, *words: (
        heard.held.calls.append(lambda: function(*words)) or future
    )
    heard.start()
    heard.calls.cancel("a")
    assert heard.kinds == ["ConnectionError"]
    assert heard.held.calls[0]().kind is OutcomeKind.CANCELLED


def reporting(count: int):
    @tool(progress_s=1e-6)
    def reports():
        for number in range(count):
            current_progress().prints(f"{number} ")
            yield number
        return "done"

    return reports


@pytest.mark.parametrize(
    ("level", "told"), [(Level.EXTENDED, 2), (Level.FUTURES, 0), (Level.CORE, 0)]
)
def test_so_many_reports_are_told_at_the_extended_level_and_none_below(level, told) -> None:
    profile = Profile(level=level, limits=Limits(progress_reports=2))
    heard = Heard({"f": reporting(5)}, profile=profile)
    heard.start()
    with contextlib.suppress(IndexError):
        heard.held.run()
    kinds = [outcome.kind for _, outcome in heard.outcomes]
    assert kinds == [OutcomeKind.PROGRESS] * told + [OutcomeKind.RETURNED]
    assert heard.calls.withheld == {"a": 5 - told}


def test_reports_come_no_sooner_than_the_function_says() -> None:
    @tool(progress_s=1_000)
    def reports():
        yield 1
        yield 2

    heard = Heard({"f": reports})
    heard.start()
    heard.held.run()
    assert [outcome.value for _, outcome in heard.outcomes] == [1, None]
    assert heard.calls.withheld == {"a": 1}


def test_what_was_printed_is_known_while_it_runs_and_afterwards() -> None:
    heard = Heard({"f": reporting(2), "g": lambda: 1})
    heard.start("a")
    heard.start("b", "g")
    assert heard.calls.printed_by("a") == ""
    outcome = heard.held.calls[0]()
    assert heard.calls.printed_by("a") == "0 1 "
    heard.held.futures[0].set_result(outcome)
    heard.held.run(1)
    assert heard.calls.printed_by("a") == "0 1 "
    assert heard.calls.printed == {"a": "0 1 "}
    assert heard.calls.withheld == {}
    assert heard.calls.printed_by("nobody") == ""


def test_closing_asks_all_that_run_to_stop_and_hears_of_nothing_more() -> None:
    async def waits() -> None:
        await asyncio.sleep(3_600)

    async def main() -> tuple[Heard, bool]:
        heard = Heard({"f": lambda: 1, "g": waits})
        for call, function in (("a", "f"), ("b", "f"), ("c", "g")):
            heard.start(call, function)
        box = heard.calls._reports
        carried, boxes = box.__reduce__(), box._office._boxes
        assert carried[1][2] in boxes
        heard.calls.close(0)
        await asyncio.wait(heard.calls.tasks)
        heard.start("d", "g")
        is_left = box.number in boxes
        box._office.close()
        return heard, is_left

    heard, is_left = asyncio.run(main())
    assert not is_left
    assert heard.calls.running == ()
    assert heard.kinds == [*["cancelled"] * 3, "RuntimeError"]


def test_which_of_those_that_run_are_tasks_of_the_loop() -> None:
    async def waits() -> None:
        await asyncio.sleep(3_600)

    async def main() -> list[tuple[object, ...]]:
        heard = Heard({"f": lambda: 1, "g": waits})
        heard.start("a", "f")
        heard.held.futures[0].set_running_or_notify_cancel()
        heard.start("b", "g")
        [task] = heard.calls.tasks
        heard.calls.close(0)
        left = heard.calls.running
        await asyncio.wait([task])
        return [left, heard.calls.running, heard.calls.tasks]

    assert asyncio.run(main()) == [("a", "b"), ("a",), ()]
