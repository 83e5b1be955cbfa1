r"""Eight services of a made-up travel desk, slow as services are.

    cml run "Find the capital of Peru and book a hotel there for 3 nights." \
        --tools examples/errand_tools.py

Where a function says by its type what its result has, a call can name that before it is there:
`find_email` returns an object with an `email`, so `send_email(to=job1["email"], …)` is written at once.
"""

import time
from typing import Final, TypedDict
from zlib import crc32

_QUICK_S: Final = 0.9
_SLOW_S: Final = 1.8
_CAPITALS: Final = {"Peru": "Lima", "Norway": "Oslo", "Egypt": "Cairo", "Japan": "Tokyo"}
_SKIES: Final = ("sunny", "cloudy", "rainy", "windy", "clear")


class Contact(TypedDict):
    """How somebody is reached."""

    email: str


def get_weather(city: str) -> str:
    """The weather in a city."""
    time.sleep(_SLOW_S)
    return f"The weather in {city} is {_SKIES[_number(city) % len(_SKIES)]}."


def get_time(city: str) -> str:
    """The local time in a city."""
    time.sleep(_QUICK_S)
    return f"The local time in {city} is {_number(city) % 24:02}:05."


def get_price(city: str) -> int:
    """The price of a flight to a city."""
    time.sleep(_SLOW_S)
    return 90 + _number(city) % 900


def get_capital(country: str) -> str:
    """The capital of a country."""
    time.sleep(_QUICK_S)
    return _CAPITALS[country]


def book_hotel(city: str, nights: int) -> str:
    """Book a hotel."""
    time.sleep(_SLOW_S)
    return f"H{_number(city) % 900 + nights}"


def find_email(person: str) -> Contact:
    """The email address of a person."""
    time.sleep(_QUICK_S)
    return {"email": f"{person.lower()}@example.org"}


def send_email(to: str, body: str) -> str:
    """Send an email."""
    time.sleep(_SLOW_S)
    return "sent" if to and body else "refused"


def get_delay(flight: str) -> int:
    """The delay of a flight."""
    time.sleep(_QUICK_S)
    raise LookupError(f"there is no flight {flight} today")


def _number(name: str) -> int:
    """Return a number that belongs to a name."""
    return crc32(name.encode())
