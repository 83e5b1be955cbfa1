"""Work on many things, some at a time, told in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

WorkItem = TypeVar("WorkItem")
WorkResult = TypeVar("WorkResult")


def done_together(
    work: Callable[[WorkItem], WorkResult], items: Iterable[WorkItem], at_once: int
) -> Iterator[WorkResult]:
    """Do the work of each item; yield what comes of it, in the order of the items.

    Args:
        work: It may be called from several threads.
        items: Taken one by one, as there is room.
        at_once: How many are worked on at a time; one is worked on without a thread.
    """
    if at_once == 1:
        yield from map(work, items)
        return
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="cml-trial")
    running: deque[Future[WorkResult]] = deque()
    try:
        for item in items:
            running.append(threads.submit(work, item))
            # One that takes long holds the others up no sooner than this.
            if len(running) > 2 * at_once:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:  # what goes wrong in one ends all
        threads.shutdown(cancel_futures=True)
