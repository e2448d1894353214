"""Soft labels made in memory are the labels that come out of their exported folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.raters.studies import KNEE, knee, knee_image, reading
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.raters.as_labels import as_labels
from PartialLabelSegLib.data.raters.export import export_soft_labels
from PartialLabelSegLib.data.raters.rated_case import RatedCase
from PartialLabelSegLib.data.raters.recipe import Recipe, make
from PartialLabelSegLib.data.types import State


def test_labels_in_memory_are_those_of_the_exported_folder(tmp_path: Path) -> None:
    scans = {
        "tibia": knee(
            reading("anna", (2, 0, 0), slices={1, 2, 3}), reading("ben", (2, 0, 0), (3, 1, 2), slices={2, 3})
        ),
        "femur": knee(reading("anna", (2, 0, 0), (4, 1, 1)), reading("ben")),
    }
    export_soft_labels(tmp_path / "out", [RatedCase("knee-1", KNEE.image(knee_image()), scans)])
    made = as_labels({name: make(scan, Recipe()).label for name, scan in scans.items()})
    assert made.same_as(read_cohort(tmp_path / "out").sources[0].read_labels(KNEE))
    assert made.overlapping == frozenset([frozenset(scans)])


def test_what_nobody_read_is_not_known() -> None:
    scans = {"tibia": knee(reading("anna", (2, 0, 0), slices={2})), "femur": knee(reading("anna", slices=()))}
    labels = as_labels({name: make(scan, Recipe("share")).label for name, scan in scans.items()})
    assert (labels.state("tibia"), labels.state("femur")) == (State.SOME_SLICES, State.MISSING)
    assert list(labels.soft) == ["tibia"]
    assert np.isnan(labels.soft["tibia"][[0, 1, 3, 4, 5]]).all() and not np.isnan(labels.soft["tibia"][2]).any()
    assert (labels.positive("tibia") == (np.nan_to_num(labels.soft["tibia"]) >= 0.5)).all()
