"""Logs of events: one a line, or a JSON array of them, each as it was sent or received, or with its time.

A line with a time is `{"timestamp": …, "event": {…}}`: seconds as a number, or a date and time of ISO
8601.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from interpreter.exchange.foreign_json import elements_of, lines_of_json
from interpreter.exchange.happenings import ForeignError


class Logged(msgspec.Struct, frozen=True):
    """An event of a log.

    Args:
        line: Where it stands, from 1.
        at_us: When, in microseconds from any beginning; None where the log does not say.
        event: The event.
    """

    line: int
    at_us: int | None
    event: Mapping[str, object]


def events_of(text: str) -> Iterator[Logged]:
    """Yield the events of a log.

    Raises:
        ForeignError: Something in it is no event.
    """
    is_array = text.lstrip().startswith("[")
    for line, value in elements_of(text, "events") if is_array else lines_of_json(text):
        if not isinstance(value, dict):
            raise ForeignError(line, "expected an event, which is a JSON object")
        event = value.get("event")
        if "timestamp" in value and isinstance(event, dict):
            yield Logged(line, _at_us(value["timestamp"], line), event)
        else:
            yield Logged(line, None, value)


def _at_us(timestamp: object, line: int) -> int:
    match timestamp:
        case bool():
            pass
        case int() | float() if abs(timestamp) < 1e12:
            return round(timestamp * 1e6)
        case str():
            try:
                when = datetime.fromisoformat(timestamp)
            except ValueError:
                pass
            else:
                return round(when.replace(tzinfo=when.tzinfo or UTC).timestamp() * 1e6)
        case _:
            pass
    message = f"the timestamp {timestamp!r:.80} is neither seconds nor a time of ISO 8601"
    raise ForeignError(line, message)
