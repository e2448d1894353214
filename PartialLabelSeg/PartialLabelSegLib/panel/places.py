"""What a worker prints, without the folders of this computer: they may name a patient, and a log may be shown to others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

HIDDEN = "…"


def places_of(command: Iterable[str], *folders: Path) -> tuple[str, ...]:
    """The whole paths in a command with the folders that they lie in, these folders, and the user's own; the longest first."""
    named = [path for path in map(Path, command) if path.is_absolute()]
    with contextlib.suppress(RuntimeError):
        # A computer can be nobody's.
        named.append(Path.home())
    every = {place for path in (*named, *folders) for place in (path, path.parent) if len(place.parts) > 1}
    return tuple(sorted(map(str, every), key=len, reverse=True))


def without_places(line: str, places: Iterable[str]) -> str:
    """The line with '…' for each of these places: '…/Dataset001'."""
    for place in places:
        line = line.replace(place, HIDDEN)
    return line
