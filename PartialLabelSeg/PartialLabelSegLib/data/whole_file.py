"""Whether an image file is whole: SimpleITK reads a truncated NIfTI file as zeros and a damaged MetaImage file as noise."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..run.failure import Failure

_CHUNK = 1 << 20
_HEADER = 1 << 16
_COPY = "Copy or export that file again."
_DETACHED = re.compile(rb"^(?:ElementDataFile\s*=|data ?file:)[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


def verify_whole(path: Path) -> None:
    """Failure where the compressed data of `path` end early or fail their checksum, a NIfTI file is shorter than its header says,
    or a header names voxels in another folder."""
    try:
        with open(path, "rb") as handle:
            start = handle.read(_HEADER)
            handle.seek(0)
            whole = _is_whole(path, handle, start)
    except FileNotFoundError:
        raise Failure(f"{path.name} is missing.", way_out="Put the file there, or mend its path.") from None
    except OSError as error:
        raise Failure(f"{path.name} cannot be read ({error.strerror or error}).", way_out=_COPY) from None
    if not whole:
        raise Failure(f"{path.name} is damaged or was cut off.", way_out=_COPY)


def _is_whole(path: Path, handle: BinaryIO, start: bytes) -> bool:
    ending = path.name.lower()
    if ending.endswith((".nii", ".nii.gz")):
        return _nifti_is_whole(handle, start)
    if ending.endswith((".nrrd", ".nhdr")):
        return _nrrd_is_whole(path, handle, start)
    if ending.endswith((".mha", ".mhd")):
        return _metaimage_is_whole(path, handle, start)
    return True


def _nifti_is_whole(handle: BinaryIO, start: bytes) -> bool:
    head, length = b"", 0
    for block in _gunzipped(handle) if start[:2] == b"\x1f\x8b" else _blocks(handle):
        head = head or block
        length += len(block)
        if not block:
            return False
    return bool(head) and length >= _nifti_length(head)


def _nifti_length(head: bytes) -> int:
    """The bytes that a NIfTI-1 or NIfTI-2 header asks for; 0 where it is neither (the reader says so then)."""
    if len(head) < 348:
        return 0
    for order in "<>":
        size = struct.unpack_from(f"{order}i", head)[0]
        if size == 348:
            dims = struct.unpack_from(f"{order}8h", head, 40)
            bits = struct.unpack_from(f"{order}h", head, 72)[0]
            offset = struct.unpack_from(f"{order}f", head, 108)[0]
        elif size == 540 and len(head) >= 540:
            dims = struct.unpack_from(f"{order}8q", head, 16)
            bits = struct.unpack_from(f"{order}h", head, 14)[0]
            offset = struct.unpack_from(f"{order}q", head, 168)[0]
        else:
            continue
        voxels = 1
        for extent in dims[1 : 1 + max(0, min(7, dims[0]))]:
            voxels *= max(1, extent)
        return int(offset) + voxels * bits // 8
    return 0


def _nrrd_is_whole(path: Path, handle: BinaryIO, start: bytes) -> bool:
    end = re.search(rb"\r?\n\r?\n", start)
    header = start[: end.start()] if end else start
    detached = _detached_file(path, header)
    if (
        detached is not None
        or end is None
        or not re.search(rb"^encoding:\s*(gz|gzip)\s*$", header, re.IGNORECASE | re.MULTILINE)
    ):
        return True
    handle.seek(end.end())
    return all(_gunzipped(handle))


def _metaimage_is_whole(path: Path, handle: BinaryIO, start: bytes) -> bool:
    found = _DETACHED.search(start)
    detached = _detached_file(path, start)
    if found is None or not re.search(rb"^CompressedData\s*=\s*True", start, re.IGNORECASE | re.MULTILINE):
        return True
    if detached is None:
        handle.seek(_after_line(start, found.end()))
        return _inflates(_blocks(handle))
    with open(detached, "rb") as voxels:
        return _inflates(_blocks(voxels))


def _after_line(start: bytes, position: int) -> int:
    return start.index(b"\n", position) + 1 if b"\n" in start[position:] else len(start)


def _detached_file(path: Path, header: bytes) -> Path | None:
    """The file beside `path` that holds its voxels, or None where they follow the header. Failure: it lies in another folder."""
    found = _DETACHED.search(header)
    name = found.group(1).strip().decode("utf-8", "replace") if found else "LOCAL"
    if name.upper() == "LOCAL":
        return None
    one_file = (
        Path(name).name == name and name != ".." and "\\" not in name and "%" not in name and name.upper()[:4] != "LIST"
    )
    if not one_file or (path.parent / name).is_symlink():
        raise Failure(
            f"{path.name} names voxels that lie elsewhere than in one file beside it.",
            way_out="Save the image as one file, such as .nrrd or .nii.gz.",
        )
    return path.parent / name


def _blocks(handle: BinaryIO) -> Iterator[bytes]:
    while block := handle.read(_CHUNK):
        yield block


def _gunzipped(handle: BinaryIO) -> Iterator[bytes]:
    """The unpacked blocks; an empty one at the end where the data are damaged or cut off."""
    try:
        with gzip.GzipFile(fileobj=handle) as stream:
            while block := stream.read(_CHUNK):
                yield block
    except (EOFError, OSError, zlib.error):
        yield b""


def _inflates(blocks: Iterator[bytes]) -> bool:
    """Whether the blocks are one whole zlib or gzip stream."""
    worker = zlib.decompressobj(47)
    try:
        for block in blocks:
            while block and not worker.eof:
                worker.decompress(block, _CHUNK)
                block = worker.unconsumed_tail
    except zlib.error:
        return False
    return worker.eof
