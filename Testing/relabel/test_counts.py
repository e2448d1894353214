"""The table of volumes: by hand, and equal to counting each structure by itself."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels, Marks
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.counts import COLUMNS, volumes, write_volumes

GRID = Grid((4, 1, 1), (10.0, 10.0, 5.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def row(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, 1, -1)


def test_the_table_is_as_computed_by_hand(tmp_path: Path) -> None:
    beside = Marks(np.array([0, 1]), np.array([1, 2], np.uint8))
    labels = Labels(
        ("Liver", "Vessel, left"), row(1, 1, 1, 0), (True, False), row(1, 1, 3, 0), overlaps={"Vessel, left": beside}
    )
    write_volumes(tmp_path / "summary.csv", volumes("CT 1", labels, GRID))
    with open(tmp_path / "summary.csv", newline="", encoding="utf-8") as file:
        found = list(csv.reader(file))
    assert found == [
        list(COLUMNS),
        ["CT 1", "Liver", "labelled", "yes", "3", "1.500", "2", "1.000", "1", "0.500"],
        ["CT 1", "Vessel, left", "missing", "no", "2", "1.000", "1", "0.500", "1", "0.500"],
    ]


def test_the_origin_says_who_drew() -> None:
    labels = Labels(("a", "b", "c", "d"), row(1, 2, 3, 3), (True,) * 4, row(1, 2, 1, 2))
    assert [item.origin for item in volumes("CT", labels, GRID)] == ["expert", "suggested", "expert+suggested", "none"]


def test_the_state_is_the_annotators_word_also_after_completion() -> None:
    expert = Labels.expert(("Liver",), row(0, 0, 0, 0), (False,))
    final = Labels(("Liver",), row(1, 0, 0, 0), (True,), row(2, 0, 0, 0))
    (found,) = volumes("CT", final, GRID, expert)
    assert (found.state, found.known) == ("missing", True)


@given(st.data())
def test_the_counts_are_those_of_each_structure_alone(
    drawn: SimpleNamespace, a_grid: Grid, data: st.DataObject
) -> None:
    expert = data.draw(drawn.labels())
    prediction = data.draw(drawn.prediction(expert))
    labels = apply(expert, prediction, data.draw(drawn.review(prediction)), "scan", 0)
    for found in volumes("scan", labels, a_grid):
        assert found.expert_voxels == np.count_nonzero(expert.positive(found.structure))
        assert found.expert_voxels + found.suggested_voxels == labels.voxels(found.structure)
        assert found.voxel_ml == pytest.approx(0.7 * 0.8 * 2.5 / 1000)
