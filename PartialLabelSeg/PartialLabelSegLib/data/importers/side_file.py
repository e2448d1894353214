"""`structures.json` beside a manifest: what the label values mean, colours, terminology, and which structures may overlap."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...run.failure import Failure
from ...run.files import read_json
from ..types import Problem, Structure, clean_name, structures_named

NAME = "structures.json"
OVERLAPPING = "overlapping"
_FORM = 'Write {"Liver": 1} or {"Liver": {"value": 1, "color": [0.9, 0.6, 0.0], "terminology": "..."}}.'


@dataclass(frozen=True)
class Meaning:
    """The structures of a manifest. values: of a label map. overlapping: None where the file does not say, so that it is looked up in the labels."""

    structures: tuple[Structure, ...]
    values: Mapping[str, int]
    overlapping: frozenset[frozenset[str]] | None = None
    problems: tuple[Problem, ...] = field(default=())


def read_meaning(folder: Path, columns: tuple[str, ...]) -> Meaning:
    """The meaning of a manifest with these structure columns. Without values in the side file, the columns in order are 1..K."""
    default = {name: value for value, name in enumerate(columns, 1)}
    path = folder / NAME
    if not path.is_file():
        return Meaning(structures_named(columns), default)
    entries = read_json(path, "the description of the structures")
    if not isinstance(entries, dict):
        raise Failure(f"{NAME} is not an object of structures.", way_out=_FORM)
    twice = duplicate_keys(path)
    if twice:
        raise Failure(f"{NAME} names it twice.", structure=twice[0], way_out="Keep one of the two.")
    pairs = _pairs(entries.pop(OVERLAPPING), columns) if isinstance(entries.get(OVERLAPPING), list) else None
    described = {clean_name(name): _described(clean_name(name), entry) for name, entry in entries.items()}
    structures = tuple(
        replace(plain, **described[plain.name][1]) if plain.name in described else plain
        for plain in structures_named(columns)
    )
    values = {name: value for name, (value, _) in described.items() if value is not None and name in columns}
    if len(set(values.values())) != len(values):
        raise Failure(f"{NAME} gives one value to two structures.", way_out="Give each its own value.")
    unused = [name for name in described if name not in columns]
    text = f"{NAME} describes it, but the manifest has no column of that name. Add the column, or leave it out here."
    problems = tuple(Problem(text, structure=name, severity="warning") for name in unused)
    return Meaning(structures, values or default, pairs, problems)


def duplicate_keys(path: Path) -> list[str]:
    """Names that occur twice in one object of a JSON file; the parser alone would keep the last in silence."""
    found: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        found.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=keep)
    return found


def _described(name: str, entry: Any) -> tuple[int | None, dict[str, Any]]:
    """The value (None where unsaid) and the colour and terminology that are given."""
    entry = entry if isinstance(entry, dict) else {"value": entry}
    value, color, terminology = entry.get("value"), entry.get("color"), entry.get("terminology", "")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise Failure(
            f"its value in {NAME} must be a whole number from 1, got {value!r}.", structure=name, way_out=_FORM
        )
    looks: dict[str, Any] = {}
    if color is not None:
        looks["color"] = _color(name, color)
    if not isinstance(terminology, str):
        raise Failure(f"its terminology in {NAME} must be text.", structure=name, way_out=_FORM)
    return value, {**looks, "terminology": terminology} if terminology else looks


def _color(name: str, color: Any) -> tuple[float, float, float]:
    """Three numbers in 0..1; where one is above 1 they are taken to count to 255."""
    numbers = isinstance(color, list) and len(color) == 3 and all(isinstance(part, (int, float)) for part in color)
    if not numbers or min(color) < 0 or max(color) > 255:
        raise Failure(
            f"its colour in {NAME} must be three numbers in 0..1 or 0..255, got {color!r}.",
            structure=name,
            way_out=_FORM,
        )
    scale = 255.0 if max(color) > 1 else 1.0
    return (color[0] / scale, color[1] / scale, color[2] / scale)


def _pairs(value: list[Any], columns: tuple[str, ...]) -> frozenset[frozenset[str]]:
    result = set()
    for pair in value:
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or pair[0] == pair[1]
            or not set(map(str, pair)) <= set(columns)
        ):
            raise Failure(
                f'"{OVERLAPPING}" in {NAME} must list pairs of structures that are columns of the manifest, got {pair!r}.',
                way_out='Write, for example, "overlapping": [["Liver", "Tumour"]].',
            )
        result.add(frozenset(pair))
    return frozenset(result)
