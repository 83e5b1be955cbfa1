"""What `examples/trip.cml` calls, for servers of which a test wants the whole trip: done in a moment."""


def get_price(city: str) -> str:
    """The price of a flight to a city."""
    return f"980 euros to {city}"


def get_time(city: str) -> str:
    """The local time in a city."""
    return f"22:05 in {city}"


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"24 degrees in {city}"
