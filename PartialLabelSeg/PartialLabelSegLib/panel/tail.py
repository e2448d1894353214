"""The lines that another program adds to a file, read as they come."""

from __future__ import annotations

from pathlib import Path

MOST_BYTES = 1 << 16
"""Read at once at most, so that a flood of output never holds the window up."""
LONGEST_LINE = 1 << 24
"""Bytes; a longer line is left out."""


class Tail:
    """Follows a file from `offset` on. The file need not exist yet; one that became shorter is read from its beginning.

    It is opened only while it is read, so that its folder can be deleted and, on Windows, its writer can replace it.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset
        self._pieces: list[bytes] = []
        self._too_long = False
        self.at_end = False

    def lines(self) -> list[str]:
        """The whole lines among the next bytes, without their ends; `at_end` then says whether all bytes were read."""
        chunk = self._chunk()
        self.at_end = len(chunk) < MOST_BYTES
        block, ends, left = chunk.rpartition(b"\n")
        found: list[str] = []
        if ends and (self._pieces or self._too_long):
            # The first line began in an earlier chunk.
            first, ends, block = block.partition(b"\n")
            self._keep(first)
            found += self._line()
        if ends:
            found += [line.rstrip("\r") for line in block.decode("utf-8", "replace").split("\n")]
        self._keep(left)
        return found

    def rest(self) -> list[str]:
        """The last line, where the file ends without a line's end."""
        return self._line() if self._pieces else []

    def _chunk(self) -> bytes:
        try:
            with open(self._path, "rb") as handle:
                if handle.seek(0, 2) < self._offset:
                    self._offset, self._pieces = 0, []
                handle.seek(self._offset)
                chunk = handle.read(MOST_BYTES)
        except OSError:
            # Not written yet, or its folder is gone for now.
            return b""
        self._offset += len(chunk)
        return chunk

    def _keep(self, piece: bytes) -> None:
        if piece and not self._too_long:
            self._pieces.append(piece)
            self._too_long = sum(map(len, self._pieces)) > LONGEST_LINE
        if self._too_long:
            self._pieces = []

    def _line(self) -> list[str]:
        line, too_long = b"".join(self._pieces), self._too_long
        self._pieces, self._too_long = [], False
        return [] if too_long else [line.decode("utf-8", "replace").rstrip("\r")]
