"""The volumes that are expected of each structure in each scan, from `sizes.json` (data/sizes.py), read in a few milliseconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data.conformal import Interval
from ..data.sizes import FORMAT
from ..run.failure import Failure
from ..run.folder import RunFolder

SIZES = "sizes.json"
Pair = tuple[str, str]
"""A scan and a structure."""
_SLICES, _FIRST = '"slices": {', '"area_mm2"'


class ExpectedVolumes:
    """Those of a round, else of its run; read again only when the file has changed."""

    def __init__(self, run: RunFolder, number: int) -> None:
        self._places = (run.round(number).path / SIZES, run.path / SIZES)
        self._key: tuple[Path, int] | None = None
        self._found: Mapping[Pair, Interval] = {}

    def now(self) -> Mapping[Pair, Interval]:
        """Nothing where nothing was regressed, or the file is damaged: it only helps."""
        path = next((place for place in self._places if place.is_file()), None)
        if path is None:
            return {}
        try:
            key = (path, path.stat().st_mtime_ns)
            if key != self._key:
                self._key, self._found = key, {}
                self._found = read_volumes(path)
        except (OSError, Failure):
            return self._found
        return self._found


def read_volumes(path: Path) -> Mapping[Pair, Interval]:
    """The intervals (mL) by scan and structure. Failure: damaged."""
    try:
        value = json.loads(_without_slices(path.read_text(encoding="utf-8")))
        if value["format"] != FORMAT:
            raise ValueError("another format")
        rows = ((case, name, item["volume_ml"]) for case, row in value["cases"].items() for name, item in row.items())
        return {(str(case), str(name)): _interval(ml) for case, name, ml in rows if None not in ml.values()}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Failure(f"{path.name} is damaged ({error}).", way_out="Delete it; it is made anew.") from None


def _interval(ml: Mapping[str, Any]) -> Interval:
    return Interval(float(ml["predicted"]), float(ml["low"]), float(ml["high"]))


def _without_slices(text: str) -> str:
    """The same without the lists of single slices, which are nine tenths of the file and would halt the window."""
    pieces, at = [], 0
    while (start := text.find(_SLICES, at)) >= 0:
        inside = start + len(_SLICES)
        lists = text[inside : inside + 80].lstrip().startswith(_FIRST)
        end = text.index("}", inside) + 1 if lists else inside
        pieces.append(f'{text[at:start]}"slices": null' if lists else text[at:end])
        at = end
    return "".join([*pieces, text[at:]])
