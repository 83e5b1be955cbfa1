"""What a GGUF file says of itself before its weights: name, context, tokens, size.

The package `gguf` reads it as well, in 4 seconds, for it makes an array of each merge of the
tokenizer; here they are stepped over, in 0.1 seconds.
"""

import math
import mmap
import struct
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from model_adapters.errors import AdapterError

GgufScalar: TypeAlias = int | float | bool | str
GgufValue: TypeAlias = GgufScalar | list[GgufScalar]

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_NUMBERS: Final = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING: Final = 8
_ARRAY: Final = 9
_MOST_DIMENSIONS: Final = 4
"""Of a tensor of ggml: with more the file is broken, and the product of many takes the square of their number."""


class GgufHeader(msgspec.Struct, frozen=True):
    """What a GGUF file begins with.

    Args:
        values: By their keys.
        parameters: How many numbers the weights are.
    """

    values: dict[str, GgufValue]
    parameters: int


def read_header(path: Path) -> GgufHeader:
    """Return what a GGUF file says before its weights.

    Args:
        path: The file.

    Raises:
        AdapterError: It cannot be read, or is no GGUF file of a version that is known.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:4] != _MAGIC:
                raise AdapterError(f"{path}: not a GGUF file; it does not begin with GGUF")
            return _Reader(data, path).read()
    except (struct.error, UnicodeDecodeError):
        raise AdapterError(f"{path}: its header is cut short or broken") from None
    except OSError as error:
        raise AdapterError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:  # an empty file cannot be mapped
        raise AdapterError(f"{path}: not a GGUF file; it is empty") from None


class _Reader:
    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._path = path
        self._at = len(_MAGIC)

    def read(self) -> GgufHeader:
        version = self._number("I")
        if version not in _VERSIONS:
            raise AdapterError(f"{self._path}: GGUF of version {version}; 2 and 3 are known")
        tensors, values = int(self._number("Q")), int(self._number("Q"))
        read = dict(self._entry() for _ in range(values))
        return GgufHeader(read, sum(self._tensor() for _ in range(tensors)))

    def _entry(self) -> tuple[str, GgufValue]:
        key = self._string()
        kind = int(self._number("I"))
        if kind != _ARRAY:
            return key, self._scalar(kind)
        kind, length = int(self._number("I")), int(self._number("Q"))
        if kind in _NUMBERS:
            array = struct.Struct(f"<{length}{_NUMBERS[kind]}")
            self._at += array.size
            return key, list(array.unpack_from(self._data, self._at - array.size))
        return key, [self._scalar(kind) for _ in range(length)]

    def _tensor(self) -> int:
        """Step over what is said of a tensor, and return how many numbers it has."""
        self._string()  # its name
        if (dimensions := int(self._number("I"))) > _MOST_DIMENSIONS:
            raise struct.error
        numbers = math.prod(int(self._number("Q")) for _ in range(dimensions))
        self._number("I")  # its type
        self._number("Q")  # where it is
        return numbers

    def _scalar(self, kind: int) -> GgufScalar:
        if kind == _STRING:
            return self._string()
        if kind not in _NUMBERS:
            raise AdapterError(f"{self._path}: its header has a value of the unknown type {kind}")
        return self._number(_NUMBERS[kind])

    def _string(self) -> str:
        length = int(self._number("Q"))
        self._at += length
        if self._at > len(self._data):
            raise struct.error
        return self._data[self._at - length : self._at].decode()

    def _number(self, form: str) -> int | float | bool:
        number = struct.Struct(f"<{form}")
        (value,) = number.unpack_from(self._data, self._at)
        self._at += number.size
        found: int | float | bool = value
        return found
