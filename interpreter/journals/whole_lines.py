"""The lines of a trace whose process may have been killed while it wrote one."""

from collections.abc import Iterator
from typing import BinaryIO

from interpreter.trace import MAX_LINE_BYTES, bounded_lines, has_checksum


class WholeLines:
    """The lines of a file but a last one that is cut off; a first one is a fault, and so it is given.

    Args:
        file: A trace, read from its beginning.

    Attributes:
        bytes: How many bytes the whole lines have that were read.
        cut_bytes: How many the last one has that is cut off.
        are_checked: Whether they have checksums, by the last of them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes = 0
        self.cut_bytes = 0
        self.are_checked = False

    def __iter__(self) -> Iterator[bytes]:
        """Yield them, with their line feeds.

        Raises:
            ValueError: The checksum of the one before is that of another line.
        """
        for line in bounded_lines(self._file):
            if self.bytes and not line.endswith(b"\n") and len(line) <= MAX_LINE_BYTES:
                self.cut_bytes = len(line)
                return
            self.bytes += len(line)
            yield line
            self.are_checked = has_checksum(line)
