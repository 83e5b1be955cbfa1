r"""Three slow travel services, made up: any city has a weather, a time and a flight.

    cml run "I am going to Tokyo. Tell me the price of a flight, the local time, and the weather." \
        --tools examples/travel_tools.py

Every function whose name does not begin with an underscore is a tool; its annotations and the first
line of its docstring are what a model is told of it. They answer in sentences, because a model of
135 million parameters tells a sentence more reliably than it reads a JSON object.

`EXAMPLES` is optional: pairs of a question and of what the context holds once it is answered. A small
model that was not trained on CML needs some for these very tools; the embedded one was, and is not told
them. Such a model repeats what it finds there: so the places are of legend and their facts are no
temperatures, times or prices, which nobody takes for results. One question has one call: not every answer
tells of everything.
"""

import time
from typing import Final
from zlib import crc32

PRICE_S: Final = 1.6
TIME_S: Final = 1.2
WEATHER_S: Final = 2.1

_CITIES: Final = {
    "Berlin": (15, "foggy", 1, 120),
    "Cairo": (33, "clear", 2, 310),
    "Lima": (19, "misty", -5, 890),
    "London": (12, "rainy", 0, 150),
    "New York": (21, "windy", -5, 640),
    "Oslo": (4, "snowy", 1, 190),
    "Paris": (18, "sunny", 1, 210),
    "Rome": (27, "clear", 1, 160),
    "Sydney": (22, "stormy", 10, 1250),
    "Tokyo": (24, "cloudy", 9, 980),
}
_SKIES: Final = ("sunny", "cloudy", "rainy", "windy", "clear")

EXAMPLES: Final = (
    (
        "How is the weather in Camelot?",
        """[CALL] job1 [HEAD] get_weather(city="Camelot") [END]
[TRAP][END]
[INTR] job1 [HEAD] "The weather in Camelot is magic." [END]
The weather in Camelot is magic.""",
    ),
    (
        "I am going to Atlantis. Tell me the price of a flight, the weather, and the local time.",
        """[CALL] job1 [HEAD] get_price(city="Atlantis") [END]
[CALL] job2 [HEAD] get_weather(city="Atlantis") [END]
[CALL] job3 [HEAD] get_time(city="Atlantis") [END]
[TRAP][END]
[INTR] job1 [HEAD] "The price of a flight to Atlantis is 7 pearls." [END]
[INTR] job2 [HEAD] "The weather in Atlantis is 99 fathoms and wet." [END]
[INTR] job3 [HEAD] "The local time in Atlantis is high tide." [END]
The price of a flight to Atlantis is 7 pearls.
The weather in Atlantis is 99 fathoms and wet.
The local time in Atlantis is high tide.""",
    ),
)


def get_weather(city: str) -> str:
    """The weather in a city."""
    time.sleep(WEATHER_S)
    degrees, sky, _, _ = _city(city)
    return f"The weather in {city} is {degrees} degrees and {sky}."


def get_time(city: str) -> str:
    """The local time in a city."""
    time.sleep(TIME_S)
    _, _, offset_hours, _ = _city(city)
    return f"The local time in {city} is {(13 + offset_hours) % 24:02}:05."


def get_price(city: str) -> str:
    """The price of a flight to a city."""
    time.sleep(PRICE_S)
    _, _, _, euros = _city(city)
    return f"The price of a flight to {city} is {euros} euros."


def _city(name: str) -> tuple[int, str, int, int]:
    """Return degrees, sky, hours from UTC and euros; a city that is not in the table gets some."""
    number = crc32(name.encode())
    made_up = (number % 35, _SKIES[number % 5], number % 24 - 11, 90 + number % 900)
    return _CITIES.get(name, made_up)
