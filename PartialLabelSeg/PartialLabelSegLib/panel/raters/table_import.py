"""A scoring table (CSV, JSON, XLSX) taken into the panel: its ticks join the scans of the scene whose grids were laid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ...data.raters.score_rows import read_rows
from ...data.raters.scores import Target, readings_of
from ...data.raters.types import Mistakes, Reading
from ...run.failure import Failure
from .planes import count_along
from .rating import Rater, Study, levels_for
from .reading_actions import rater_name

SPREADSHEET = ".xlsx"
PATTERN = f"Scoring tables (*.json *.csv *{SPREADSHEET});;All files (*)"


def with_table(study: Study, path: Path, scene: Any) -> Study:
    """The study with the raters of a table. A rater who is there already is replaced; ticks keep their grades.

    Failure (Mistakes: every wrong row is named): nothing is taken.
    """
    targets = {}
    for rating in study.ratings:
        volume = scene.GetNodeByID(rating.volume)
        if rating.template is not None and volume is not None:
            slices = count_along(volume, rating.template.axis)
            targets[(rating.name, rating.structure)] = Target(rating.template, slices)
    if not targets:
        raise Failure(
            "no grid has been laid yet that the rows of a table could speak of.", way_out="Lay the grid first."
        )
    found, problems = readings_of(read_rows(path), targets)
    if problems:
        raise Mistakes(path.name, problems)
    ratings = []
    for rating in study.ratings:
        changed = rating
        for reading in found.get((rating.name, rating.structure), ()):
            changed = changed.with_rater(_rater(reading))
        ratings.append(changed)
    grades = [tick.grade for readings in found.values() for reading in readings for tick in reading.ticks]
    return replace(study, ratings=tuple(ratings), levels=max(study.levels, levels_for(grades)))


def _rater(reading: Reading) -> Rater:
    grades = {tick.cell: tick.grade for tick in reading.ticks if tick.grade > 0}
    less = {cell: grade for cell, grade in grades.items() if grade < 1}
    return Rater(rater_name(reading.rater), frozenset(grades), reading.slices, None, less)
