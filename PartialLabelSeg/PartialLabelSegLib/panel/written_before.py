"""What of the scene lies in the working data set already, so that a scan that has not changed is not written again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..run.failure import Failure
from ..run.files import read_json, write_json
from .cohort_sources import Color, Segment

NAME = ".written.json"


@dataclass(frozen=True)
class Written:
    """What was written of a scan. stamp: of the scan then. found: what each drawing says. looks: colour and terminology by drawing."""

    stamp: str
    found: Mapping[str, str]
    looks: Mapping[str, tuple[Color, str]]

    @classmethod
    def of(cls, stamp: str, segments: Sequence[Segment], found: Mapping[str, str]) -> Written:
        return cls(stamp, dict(found), {segment.name: (segment.color, segment.terminology) for segment in segments})

    def files(self) -> set[str]:
        """The endings of its files."""
        return {".nrrd", ".seg.nrrd"} if self.found else {".nrrd"}


class Book:
    """What lies in the folder, by the name of the files; it says nothing of which scan they are of. Kept on disk at every change."""

    def __init__(self, place: Path) -> None:
        self._path = place / NAME
        self._entries = _read(self._path)

    def get(self, stem: str) -> Written | None:
        return self._entries.get(stem)

    def forget(self, stem: str) -> None:
        """Before its files are written: until `keep`, nothing is known of them."""
        if self._entries.pop(stem, None) is not None:
            self._save()

    def keep(self, stem: str, written: Written) -> None:
        self._entries[stem] = written
        self._save()

    def keep_only(self, stems: Collection[str]) -> None:
        for stem in set(self._entries) - set(stems):
            self.forget(stem)

    def _save(self) -> None:
        if self._entries:
            write_json(self._path, {stem: _json(item) for stem, item in self._entries.items()})
        else:
            self._path.unlink(missing_ok=True)


def _json(item: Written) -> dict[str, Any]:
    looks = {name: list(look) for name, look in item.looks.items()}
    return {"stamp": item.stamp, "found": dict(item.found), "looks": looks}


def _read(path: Path) -> dict[str, Written]:
    """Nothing where the file cannot be read: everything is written again."""
    try:
        content = read_json(path, "the list of written scans")
        return {str(stem): _written(item) for stem, item in content.items()}
    except (Failure, KeyError, TypeError, ValueError, AttributeError):
        return {}


def _written(item: Any) -> Written:
    looks = {name: ((float(c[0]), float(c[1]), float(c[2])), str(code)) for name, (c, code) in item["looks"].items()}
    return Written(str(item["stamp"]), {str(name): str(word) for name, word in item["found"].items()}, looks)
