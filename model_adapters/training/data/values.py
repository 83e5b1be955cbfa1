"""Values of every kind that the catalogue names, and names that nobody has heard."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec

from cml.ast import Json
from model_adapters.training.data.catalog import read_catalog

_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
# Syllables in the manner of several languages: onsets, vowels with what follows, endings.
_SYLLABLES: Final = (
    (
        ["b", "br", "d", "f", "g", "k", "l", "m", "n", "r", "s", "st", "t", "v"],
        ["a", "e", "i", "o", "u", "an", "el", "or"],
        ["ton", "ville", "field", "by"],
    ),
    (
        ["k", "s", "t", "n", "h", "m", "y", "r", "sh"],
        ["a", "i", "u", "e", "o"],
        ["shima", "mura", "ko", "to"],
    ),
    (
        ["kr", "w", "z", "br", "p", "st", "g", "d", "m"],
        ["a", "o", "e", "ow", "ie", "an"],
        ["ów", "ice", "sk", "ec"],
    ),
    (
        ["al", "ha", "sa", "ra", "ma", "na", "fa", "za"],
        ["ri", "li", "dir", "mid", "ba", "fa"],
        ["a", "i", "ah", "oun"],
    ),
    (
        ["c", "l", "m", "p", "r", "s", "t", "v", "g", "b"],
        ["a", "o", "e", "i", "ar", "en", "os"],
        ["illa", "ado", "ona", "ez"],
    ),
    (
        ["v", "sk", "l", "h", "b", "t", "n", "gr"],
        ["å", "e", "ö", "i", "u", "ar"],
        ["vik", "sund", "berg", "holm"],
    ),
    (
        ["ch", "x", "q", "l", "zh", "w", "h", "y", "m"],
        ["ang", "ei", "u", "ian", "ao", "ing"],
        ["zhou", "an", "ing", "ai"],
    ),
    (["n", "m", "b", "k", "t", "w", "z"], ["a", "o", "u", "e", "i"], ["ndu", "ko", "mba", "ni"]),
)
_INVENTED: Final = 0.5
_FOREIGN: Final = [
    "hola",
    "danke",
    "merci",
    "ciao",
    "obrigado",
    "tak",
    "kiitos",
    "grazie",
    "salut",
    "bitte",
    "gracias",
    "prego",
]


_RICH: Final = (
    "{number} degrees and {}",
    "{}, {number} percent",
    "{}, {small} metres",
    "mostly {}",
    "about {}",
    "{} until {clock}",
    "{} since {clock}",
    "{}, then {word}",
    "{word} and {}",
    "{} and {word}",
    "{} ({number} reviews)",
    "{} in {name}",
    "{small} units, {}",
    "between {number} and {}",
    "{word}, {number} points, {}",
)
_QUALITIES: Final = (
    "mild",
    "dry",
    "quiet",
    "open",
    "closed",
    "new",
    "late",
    "on time",
    "rising",
    "falling",
    "stable",
    "green",
    "very good",
    "not certain",
    "half full",
    "sold out",
    "windy",
    "warm",
    "cold",
    "cheap",
)


class Drawn(msgspec.Struct, frozen=True):
    """A value.

    Args:
        plain: As an argument or a result gives it.
        unit: Its unit in words, where it has one.
    """

    plain: str | int
    unit: str = ""

    @property
    def words(self) -> str:
        """As a sentence tells it."""
        return f"{self.plain} {self.unit}".strip()


def draw_value(random: Random, kind: str, names: "Names") -> Drawn:
    """Return a value of a kind.

    Args:
        random: Chance.
        kind: In the words of the catalogue: `number 1 90 minutes`, `word red blue`, `clock`, or
            a kind of things.
        names: Where names of things come from.
    """
    word, _, rest = kind.partition(" ")
    if word == "number":
        low, high, *unit = rest.split()
        return Drawn(random.randint(int(low), int(high)), " ".join(unit))
    if word == "word":
        return Drawn(random.choice(rest.split()))
    made = _MADE.get(word)
    return Drawn(made(random) if made else names.draw(random, word))


def put_richly(random: Random, value: Drawn) -> str:
    """Return a value as services put it: with a number, another word, or until when it holds."""
    return random.choice(_RICH).format(
        value.words,
        number=random.randint(2, 95),
        small=f"{random.randint(0, 60)}.{random.randint(0, 9)}",
        word=random.choice(_QUALITIES),
        clock=_clock(random),
        name=invented_name(random),
    )


def invented_name(random: Random) -> str:
    """Return a name that nobody has heard, in the manner of some language."""
    onsets, vowels, endings = random.choice(_SYLLABLES)
    parts = [random.choice(onsets) + random.choice(vowels) for _ in range(random.randint(1, 2))]
    return ("".join(parts) + random.choice(("", random.choice(endings)))).capitalize()


def invented_word(random: Random) -> str:
    """Return a word in small letters of ASCII that nobody has heard."""
    while not (word := invented_name(random).lower()).isascii():
        pass
    return word


class Names:
    """Names of things, those of the catalogue and invented ones.

    Args:
        keep: Which names may be drawn; where it keeps none of a kind, all of them may.
        most: How many of a kind there are; None for all, and others that are invented each time.
    """

    def __init__(
        self, keep: Callable[[str], bool] = lambda _: True, most: int | None = None
    ) -> None:
        self._known = {
            kind: ([name for name in names if keep(name)] or list(names))[:most]
            for kind, names in read_catalog().names.items()
        }
        self._keep = keep
        self._most = most

    def draw(self, random: Random, kind: str) -> str:
        """Return the name of a thing of some kind."""
        if self._most is not None:
            return random.choice(self._few(kind, self._most))
        known: Sequence[str] = self._known.get(kind, ())
        if kind in _SMALL or (known and random.random() >= _INVENTED):
            return random.choice(known)
        return self._invented(random, kind)

    def _few(self, kind: str, most: int) -> Sequence[str]:
        """Return the names of a kind where there are few: invented once, where none are known."""
        if kind not in self._known:
            random = Random(kind)  # noqa: S311
            self._known[kind] = [self._invented(random, kind) for _ in range(most)]
        return self._known[kind]

    def _invented(self, random: Random, kind: str) -> str:
        make = _NAMED.get(kind, invented_name)
        while not self._keep(name := make(random)):
            pass
        return name


def _clock(random: Random) -> str:
    return f"{random.randrange(24):02}:{random.randrange(60):02}"


def _date(random: Random) -> str:
    year, month, day = random.randint(2024, 2029), random.randint(1, 12), random.randint(1, 28)
    if random.random() < 0.5:
        return f"{year}-{month:02}-{day:02}"
    return f"{_MONTHS[month - 1]} {day}"


def _code(random: Random) -> str:
    letters = "".join(random.choice("ABCDEFGHKLMNPRSTUVWXZ") for _ in range(random.randint(1, 3)))
    return f"{letters}{random.randint(10, 9999)}"


def _email(random: Random) -> str:
    end = random.choice(("com", "org", "net", "io", "de", "pl", "jp"))
    return f"{invented_word(random)}@{invented_word(random)}.{end}"


def _file(random: Random) -> str:
    stem = random.choice(("notes", "report", "draft", "data", "photo", invented_word(random)))
    return f"{stem}{random.choice(('', '_2', '1'))}.{random.choice(('txt', 'pdf', 'csv', 'md', 'png'))}"


def _words(random: Random, count: int) -> str:
    return " ".join(invented_name(random) for _ in range(count))


_MADE: Final[dict[str, Callable[[Random], str | int]]] = {
    "clock": _clock,
    "date": _date,
    "code": _code,
    "email": _email,
    "file": _file,
    "phone": lambda r: f"{r.randint(100, 999)} {r.randint(1000, 9999)}",
    "gate": lambda r: f"{r.choice('ABCDEF')}{r.randint(1, 60)}",
    "score": lambda r: f"{r.randint(0, 5)} to {r.randint(0, 5)}",
    "ip": lambda r: f"10.0.{r.randint(0, 99)}.{r.randint(2, 250)}",
    "foreign": lambda r: r.choice(_FOREIGN),
    "place": lambda r: (
        f"{invented_name(r)} {r.choice(('House', 'Hall', 'Garden', 'Square', 'Corner'))}"
    ),
    "address": lambda r: (
        f"{r.randint(1, 200)} {invented_name(r)} {r.choice(('Street', 'Road', 'Lane'))}"
    ),
}
_NAMED: Final[dict[str, Callable[[Random], str]]] = {
    "person": lambda r: _words(r, r.randint(1, 2)),
    "company": lambda r: _words(r, r.randint(1, 2)),
    "book": lambda r: _words(r, r.randint(1, 3)),
    "film": lambda r: _words(r, r.randint(1, 3)),
    "title": lambda r: _words(r, r.randint(1, 3)),
    "product": invented_word,
    "dish": invented_word,
    "animal": invented_word,
    "plant": invented_word,
    "word": invented_word,
    "flight": lambda r: f"{r.choice('ABCDKLSTU')}{r.choice('ABFHKLQRSX')}{r.randint(10, 9999)}",
    "order": _code,
    "stock": lambda r: "".join(r.choice("ABCDEFGHKLMNPRSTVXZ") for _ in range(r.randint(3, 4))),
    "server": lambda r: f"{r.choice(('web', 'db', 'mail', 'cache', 'node'))}-{r.randint(1, 40)}",
    "room": lambda r: f"room {r.randint(1, 499)}",
    "patient": lambda r: f"{r.choice(('Mr.', 'Ms.', 'Mrs.'))} {invented_name(r)}",
}
_SMALL: Final = frozenset({"currency", "language", "quote", "device"})


def as_result(value: Json) -> str:
    """Return a result as prose tells it."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {as_result(each)}" for key, each in value.items())
    return str(value)
