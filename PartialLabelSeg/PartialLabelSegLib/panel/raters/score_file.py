"""The raters' ticks as the scoring table of a study: every tick a row, and which slices each rater has read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .rating import Cell, Rater, Rating, Study


def score_rows(study: Study) -> dict[str, list[dict[str, Any]]]:
    """What the scoring table in JSON holds of raters who tick: "ticks" and "read"."""
    ticks: list[dict[str, Any]] = []
    read: list[dict[str, Any]] = []
    for rating in study.ratings:
        for rater in rating.raters:
            if rater.mask is None:
                whose = {"scan": rating.name, "structure": rating.structure, "rater": rater.name}
                ticks += [{**whose, **_tick(rater, cell)} for cell in sorted(rater.ticks)]
                read += [{**whose, "slice": text} for text in _read(rater)]
    return {"ticks": ticks, "read": read}


def _tick(rater: Rater, cell: Cell) -> dict[str, Any]:
    index, row, column = cell
    graded = {"tick": rater.grades[cell]} if cell in rater.grades else {}
    return {"slice": index, "row": row, "column": column, **graded}


def _read(rater: Rater) -> list[str]:
    """One text, or none where nothing was read."""
    if rater.read is None:
        return ["all"]
    return [ranges(rater.read)] if rater.read else []


def ranges(numbers: Iterable[int]) -> str:
    """'3-10, 15' of 3, 4, ..., 10, 15."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def has_scores(rating: Rating) -> bool:
    """Whether anybody ticked, or read without a tick."""
    return any(rater.mask is None and (rater.read is None or rater.read) for rater in rating.raters)
