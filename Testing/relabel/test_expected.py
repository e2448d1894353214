"""What is usual: volumes, pieces and borders of drawn structures, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.relabel.expected import Measured, expected, measured, read_expected, substantial, write_expected
from PartialLabelSegLib.run.failure import Failure

GRID = Grid((8, 6, 5), (1.0, 2.0, 5.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
NAMES = ("Liver", "Spleen", "Tumour", "Kidney")


def test_drawn_structures_are_measured_and_no_others() -> None:
    label_map = np.zeros(GRID.shape, np.uint8)
    label_map[1:4, 1:5, 1:6] = 1
    label_map[2, 2, 2] = 0
    label_map[4, 5, 7] = 1
    label_map[2, 2, 7] = 2
    label_map[0, 0, 0] = 4
    shared = np.zeros(GRID.shape, bool)
    shared[1, 1, 1:3] = True
    labels = Labels(
        NAMES,
        label_map,
        (True, True, True, False),
        (label_map > 0).astype(np.uint8),
        {"Kidney": Slices(0, (0,))},
        {"Tumour": Marks.of(shared)},
        overlapping=frozenset({frozenset(("Liver", "Tumour"))}),
    )
    found = measured(labels, GRID)
    assert list(found) == ["Liver", "Spleen", "Tumour"]
    # 59 voxels and a crumb in the corner, of 0.01 mL each.
    assert [item.ml for item in found.values()] == pytest.approx([0.6, 0.01, 0.02])
    assert [(item.pieces, item.touches_border) for item in found.values()] == [(1, True), (1, True), (1, False)]


def test_pieces_count_from_a_twentieth_of_the_largest_on() -> None:
    assert substantial([100, 5, 4.9]) == 2
    assert substantial([]) == 0


def test_what_is_usual_of_volumes() -> None:
    scans = [
        {"Liver": Measured(ml, pieces, border)}
        for ml, pieces, border in ((100, 1, False), (110, 2, True), (150, 1, False), (120, 1, False), (90, 1, False))
    ]
    liver = expected([*scans, {}])["Liver"]
    assert (liver.scans, liver.median_ml, liver.q1_ml, liver.q3_ml) == (5, 110, 100, 120)
    assert (liver.most_pieces, liver.border_share) == (2, 0.2)
    # Quartiles this near would call 130 mL unusual; nothing is within a factor of 1.5.
    assert liver.low_ml == pytest.approx(100 / 1.5) and liver.high_ml == pytest.approx(180)
    wide = expected([{"Liver": Measured(ml, 1, False)} for ml in (10, 100, 1000)])["Liver"]
    ratio = (550 / 55) ** 1.5
    assert wide.low_ml == pytest.approx(55 / ratio) and wide.high_ml == pytest.approx(550 * ratio)


def test_with_two_scans_nothing_is_unusual() -> None:
    liver = expected([{"Liver": Measured(100, 1, False)}] * 2)["Liver"]
    assert (liver.low_ml, liver.high_ml, liver.median_ml) == (None, None, 100)


def test_the_file_comes_back_and_damage_is_said(tmp_path: Path) -> None:
    path = tmp_path / "expected.json"
    assert read_expected(path) == {}
    found = expected(
        [{"Liver": Measured(100.5, 1, False), "Spleen": Measured(3, 2, True)}, {"Liver": Measured(90, 1, True)}]
    )
    write_expected(path, found)
    assert read_expected(path) == found
    value = json.loads(path.read_text(encoding="utf-8"))
    damages: list[Any] = [[], {"format": 2, "structures": {}}, {"format": 1, "structures": {"Liver": {"scans": 1}}}]
    damages.append({**value, "structures": {"Liver": {**value["structures"]["Liver"], "median_ml": None}}})
    for damage in damages:
        path.write_text(json.dumps(damage), encoding="utf-8")
        with pytest.raises(Failure, match="Delete it; it is made anew"):
            read_expected(path)
