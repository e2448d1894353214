"""Files that are either complete or absent: written beside, synced, renamed; and paths that cannot leave their folder."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

from .failure import Failure

LONGEST_NAME = 255
"""Bytes in the name of a file or folder that every common file system takes."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path with the same ending; when the block succeeds it takes the place of `path` at once.

    A process killed inside the block leaves `path` as it was. The temporary name starts with a dot, so that readers of the folder pass over it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield beside
        with open(beside, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(beside, path)
        _sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable where the system allows it (Windows does not open folders)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as JSON; numbers that JSON lacks (nan, infinities) become null."""
    write_text(path, json.dumps(finite(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    """`value` with every float that is not finite replaced by None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def read_json(path: Path, what: str) -> Any:
    """The parsed content of `path`. Failure: the file is absent, unreadable, truncated or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Failure(f"{what} ({path.name}) is missing from {path.parent.name}.") from None
    except PermissionError:
        raise Failure(
            f"{what} ({path.name}) may not be read.", way_out="Look at the permissions of its folder."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        # The message of the system would name every folder above the file.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Failure(
            f"{what} ({path.name}) cannot be read: it is damaged or not a file of this program ({reason}).",
            way_out="Delete that file, or restore it from a copy, and run the same command again.",
        ) from None


def inside(root: Path, relative: str, what: str = "path") -> Path:
    """`root / relative`. Failure where the result would lie outside `root`, through `..`, an absolute path, a drive or a link.

    Backslashes separate folders, and a drive letter is refused, on every system: a run folder means the same everywhere.
    """
    if not relative or "\x00" in relative:
        raise Failure(f"The {what} {relative!r} is empty or malformed.")
    inner = relative.replace("\\", "/")
    try:
        base = root.resolve()
        within = (base / inner).resolve().is_relative_to(base)
        if max(len(os.fsencode(part)) for part in inner.split("/")) > LONGEST_NAME:
            raise ValueError("a name is too long")
    except (OSError, RuntimeError, ValueError):
        # A loop of links, a name that is too long, or letters that the file system does not have.
        raise Failure(f"The {what} {relative!r} cannot be followed.", way_out="Correct that path.") from None
    if inner.startswith("/") or PureWindowsPath(relative).drive or not within:
        raise Failure(
            f"The {what} '{relative}' leads out of its folder.",
            way_out="Use a path relative to the file that names it, within the same folder.",
        )
    return base / inner
