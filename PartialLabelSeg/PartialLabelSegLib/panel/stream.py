"""A volume's NRRD file, written and read piece by piece, so that the window lives meanwhile."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..data.geometry import Grid
from ..data.label_files import place_of, read_array
from ..run.failure import Failure
from ..run.files import replacing
from .steps import Steps

_PIECE = 1 << 20
"""Bytes packed or unpacked in one step: some 10 to 20 ms."""
_TO_PACK = 1 << 18
"""Packing takes about four times as long as unpacking."""
_KINDS = {
    "uint8": "unsigned char",
    "int8": "signed char",
    "uint16": "unsigned short",
    "int16": "short",
    "int32": "int",
    "uint32": "unsigned int",
    "float32": "float",
}


def write_packed(path: Path, header: bytes, pieces: Iterable[bytes | memoryview], size: int) -> Steps[None]:
    """Writes a header and gzip-packed content of `size` bytes, whole or not at all. No piece should be larger than about a megabyte."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    done = 0
    with replacing(path) as beside, open(beside, "wb") as file:
        file.write(header)
        for piece in pieces:
            file.write(packer.compress(piece))
            done += len(piece)
            yield done / max(1, size)
        file.write(packer.flush())


def write_volume(path: Path, array: np.ndarray, grid: Grid) -> Steps[None]:
    """Writes a volume (z, y, x) on its grid. Numbers that NRRD readers differ on (64 bits, bool) are written as float32 or uint8."""
    kind = array.dtype if array.dtype.name in _KINDS else np.dtype(np.uint8 if array.dtype == bool else np.float32)
    yield from write_packed(path, volume_header(grid, kind), _pieces(array, kind), array.size * kind.itemsize)


def volume_header(grid: Grid, kind: np.dtype) -> bytes:
    steps = np.reshape(grid.direction, (3, 3)) * np.array(grid.spacing)
    lines = [
        "NRRD0004",
        f"type: {_KINDS[kind.name]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in grid.size)}",
        f"space directions: {' '.join(_vector(steps[:, axis]) for axis in range(3))}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(np.array(grid.origin))}",
    ]
    return ("\n".join(lines) + "\n\n").encode()


def _vector(values: np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"


def _pieces(array: np.ndarray, kind: np.dtype) -> Iterable[memoryview]:
    flat = array.reshape(-1)
    count = _TO_PACK // kind.itemsize
    little = kind.newbyteorder("<")
    for first in range(0, flat.size, count):
        yield np.ascontiguousarray(flat[first : first + count].astype(little, copy=False)).data.cast("B")


@dataclass(frozen=True)
class Stored:
    """What the header of a volume file says: shape (z, y, x), numpy kind, and where the packed voxels begin; `plain`: not packed."""

    path: Path
    shape: tuple[int, int, int]
    kind: np.dtype
    start: int
    plain: bool = False


def look_into(path: Path) -> Stored | None:
    """The header of an NRRD volume as the worker writes them; None where it is of another make (then `read_into` reads it at once).

    Failure: the file is absent.
    """
    if not path.is_file():
        raise Failure(f"{path.name} is missing from {place_of(path.parent)}.", way_out=way_out(path.parent))
    with open(path, "rb") as file:
        fields = _fields(file)
        start = file.tell()
    names = {words: name for name, words in _KINDS.items()} | {
        "signed short": "int16",
        "uchar": "uint8",
        "ushort": "uint16",
    }
    encoding, kind = fields.get("encoding", ""), names.get(fields.get("type", ""))
    sizes = fields.get("sizes", "").split()
    plain = encoding == "raw"
    usual = (
        fields.get("endian", "little") == "little" and encoding in ("gzip", "gz", "raw") and "data file" not in fields
    )
    if kind is None or not usual or fields.get("dimension") != "3" or not all(size.isdecimal() for size in sizes):
        return None
    x, y, z = (int(size) for size in sizes)
    return Stored(path, (z, y, x), np.dtype(kind).newbyteorder("<"), start, plain)


def _fields(file: BinaryIO) -> dict[str, str]:
    """The fields of an NRRD header; the file then stands at the first byte of the content."""
    fields: dict[str, str] = {}
    if not file.readline(64).startswith(b"NRRD"):
        return fields
    while len(fields) < 1000:
        line = file.readline(1 << 16).rstrip(b"\r\n")
        if not line:
            return fields
        name, colon, value = line.decode("utf-8", "replace").partition(": ")
        if colon and not line.startswith(b"#"):
            fields[name] = value.strip()
    return {}


def read_into(array: np.ndarray, path: Path) -> Steps[int]:
    """Reads a volume file into an array (z, y, x) of its own shape and kind; returns the checksum (CRC-32) of what was read.

    Failure: absent, cut off, damaged, or of another shape or kind.
    """
    stored = look_into(path)
    if stored is None:
        whole = read_array(path)
        _check_same(path, whole.shape, whole.dtype, array)
        array[:] = whole
        yield 1.0
        return zlib.crc32(np.ascontiguousarray(array).data)
    _check_same(path, stored.shape, stored.kind, array)
    target = array.reshape(-1).data.cast("B")
    done = total = 0
    for piece in _unpacked(stored):
        if done + len(piece) > len(target):
            raise _damaged(path)
        target[done : done + len(piece)] = piece
        total = zlib.crc32(piece, total)
        done += len(piece)
        yield done / max(1, len(target))
    if done != len(target):
        raise _damaged(path)
    return total


def _check_same(path: Path, shape: tuple[int, ...], kind: np.dtype, array: np.ndarray) -> None:
    if shape != array.shape or kind != array.dtype.newbyteorder("<") or not array.flags.c_contiguous:
        raise _damaged(path)


def way_out(folder: Path) -> str:
    """How what a folder of a run holds is made anew."""
    return f"Delete the folder {place_of(folder)} and let it learn on; what it held is made anew."


def _damaged(path: Path) -> Failure:
    return Failure(
        f"{path.name} in {place_of(path.parent)} is not what was written; it is damaged.", way_out=way_out(path.parent)
    )


def _unpacked(stored: Stored) -> Iterable[bytes]:
    """The content in pieces of at most a megabyte."""
    unpacker = zlib.decompressobj(31)
    with open(stored.path, "rb") as file:
        file.seek(stored.start)
        if stored.plain:
            while piece := file.read(_PIECE):
                yield piece
            return
        try:
            while packed := file.read(_PIECE // 4):
                while packed:
                    yield unpacker.decompress(packed, _PIECE)
                    packed = unpacker.unconsumed_tail
            yield unpacker.flush()
        except zlib.error:
            raise _damaged(stored.path) from None
    if not unpacker.eof:
        raise _damaged(stored.path)
