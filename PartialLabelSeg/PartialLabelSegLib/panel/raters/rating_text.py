"""Ratings as JSON, in the scene and in the work folder, and back; what is damaged is a Failure with a way out."""

from __future__ import annotations

import json
from typing import Any

from ...data.raters.steps import SoftSteps
from ...data.raters.template import GridTemplate
from ...run.failure import Failure
from .rating import Drawing, Rater, Rating, Study

FORMAT = 2
"""2: ticks have grades. 1 is read, too."""


def to_json(study: Study) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "revision": study.revision,
        "shown": list(study.shown) if study.shown else None,
        "steps": study.steps.to_json(),
        "levels": study.levels,
        "ratings": [_rating_json(rating) for rating in study.ratings],
    }


def to_text(study: Study) -> str:
    """One line of JSON."""
    return json.dumps(to_json(study), ensure_ascii=False, allow_nan=False)


def from_json(value: Any) -> Study:
    """The study of a parsed JSON. Failure: damaged, or of a later version."""
    try:
        if value["format"] > FORMAT:
            raise Failure(
                "the raters' ticks were saved by a later version of this module.",
                way_out="Update the module; nothing was changed.",
            )
        ratings = tuple(_rating(item) for item in value["ratings"])
        shown = value["shown"]
        key = (str(shown[0]), str(shown[1]), str(shown[2])) if shown else None
        levels = int(value.get("levels", 1))
        return Study(ratings, key, int(value["revision"]), SoftSteps(**value["steps"]), levels)
    except Failure:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise Failure(
            "the raters' ticks could not be read: they are damaged or not from this module.",
            way_out="Open the file scores.json in the folder raters of the work folder, or a copy of it, with 'From a file…'.",
        ) from None


def from_text(text: str) -> Study:
    """The same of a text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return from_json(value)


def node_ids(study: Study) -> tuple[str, ...]:
    """The ids of all nodes that a study speaks of, each once."""
    found: list[str] = []
    for rating in study.ratings:
        drawings = [rating.bone, *(rater.mask for rater in rating.raters)]
        found += [rating.volume, *(drawing.node for drawing in drawings if drawing is not None)]
    return tuple(dict.fromkeys(key for key in found if key))


def with_nodes(value: dict[str, Any], renamed: dict[str, str]) -> dict[str, Any]:
    """The JSON with other node ids: a scene that is added to another may change them."""

    def new(key: str) -> str:
        return renamed.get(key, key)

    def drawing(item: dict[str, Any] | None) -> dict[str, Any] | None:
        return {**item, "node": new(item["node"])} if item else None

    ratings = [
        {
            **rating,
            "volume": new(rating["volume"]),
            "bone": drawing(rating["bone"]),
            "raters": [{**rater, "mask": drawing(rater["mask"])} for rater in rating["raters"]],
        }
        for rating in value["ratings"]
    ]
    shown = value["shown"]
    return {**value, "ratings": ratings, "shown": [new(shown[0]), new(shown[1]), shown[2]] if shown else None}


def _rating_json(rating: Rating) -> dict[str, Any]:
    return {
        "volume": rating.volume,
        "name": rating.name,
        "bone": _drawing_json(rating.bone),
        "template": rating.template.to_json() if rating.template else None,
        "raters": [_rater_json(rater) for rater in rating.raters],
        "rater": rating.rater,
    }


def _rater_json(rater: Rater) -> dict[str, Any]:
    return {
        "name": rater.name,
        "ticks": [list(cell) for cell in sorted(rater.ticks)],
        "grades": [[*cell, grade] for cell, grade in sorted(rater.grades.items())],
        "read": None if rater.read is None else sorted(rater.read),
        "mask": _drawing_json(rater.mask),
    }


def _drawing_json(drawing: Drawing | None) -> dict[str, str] | None:
    return {"node": drawing.node, "segment": drawing.segment, "name": drawing.name} if drawing else None


def _rating(value: dict[str, Any]) -> Rating:
    template = GridTemplate.from_json(value["template"]) if value["template"] else None
    raters = tuple(_rater(item) for item in value["raters"])
    bone = _drawing(value["bone"])
    return Rating(str(value["volume"]), str(value["name"]), bone, template, raters, str(value["rater"]))


def _rater(value: dict[str, Any]) -> Rater:
    ticks = frozenset((int(index), int(row), int(column)) for index, row, column in value["ticks"])
    read = None if value["read"] is None else frozenset(int(index) for index in value["read"])
    graded = value.get("grades", [])
    grades = {(int(index), int(row), int(column)): float(grade) for index, row, column, grade in graded}
    return Rater(str(value["name"]), ticks, read, _drawing(value["mask"]), grades)


def _drawing(value: dict[str, Any] | None) -> Drawing | None:
    return Drawing(str(value["node"]), str(value["segment"]), str(value["name"])) if value else None
