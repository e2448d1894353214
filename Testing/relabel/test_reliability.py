"""Precision that can be expected at gamma: counted by hand on held-out scans, and silent where too little is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.relabel.levels import GAMMAS
from PartialLabelSegLib.relabel.reliability import Tally, pooled, read_reliability, tallied, write_reliability
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Spleen", "Tumour")


def scan(voxels: int, known: tuple[bool, bool, bool] = (True, False, True)) -> tuple[Prediction, Labels]:
    """A row in which all is predicted as the liver, ever less confidently, and the more confident half is."""
    shape = (1, 1, voxels)
    confidence = np.linspace(1, 0.1, voxels, dtype=np.float32).reshape(shape)
    truth = np.zeros(shape, np.uint8)
    truth[0, 0, : voxels // 2] = 1
    empty = np.zeros(shape, np.uint16)
    prediction = Prediction(NAMES, np.ones(shape, np.uint8), empty, fixed_point(confidence), empty)
    return prediction, Labels.expert(NAMES, truth, known)


def test_precision_is_measured_where_the_structure_is_known() -> None:
    found = tallied(*scan(1000))
    assert list(found) == ["Liver", "Tumour"]
    liver = found["Liver"]
    assert liver.voxels == tuple(round(gamma * 1000) for gamma in GAMMAS)
    assert liver.right == tuple(min(500, count) for count in liver.voxels)
    assert liver.precision(0.5) == 1 and liver.precision(1.0) == 0.5
    assert liver.precision(0.525) == pytest.approx((1 + 500 / 550) / 2)
    assert liver.precision(0.0) is None and liver.precision(0.1) == 1


def test_with_few_voxels_nothing_is_said() -> None:
    liver = tallied(*scan(400))["Liver"]
    assert liver.precision(0.1) is None
    assert liver.precision(0.25) == 1
    assert liver.precision(0.22) is None
    assert tallied(*scan(99))["Liver"].precision(1.0) is None
    assert tallied(*scan(400))["Tumour"].precision(1.0) is None


def test_a_scan_in_which_the_structure_is_absent_counts_as_wrong() -> None:
    prediction, labels = scan(500)
    nothing = Labels.expert(NAMES, np.zeros_like(labels.label_map), (True, True, True))
    whole = pooled([tallied(prediction, labels), tallied(prediction, nothing)])
    assert whole["Liver"].scans == 2 and whole["Spleen"].scans == 1
    assert whole["Liver"].precision(0.5) == 0.5 and whole["Liver"].precision(1.0) == 0.25


@given(st.integers(0, 2**32 - 1))
def test_at_all_of_it_precision_is_the_plain_share(seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = (4, 5, 30)
    predicted, truth = (random.integers(0, 4, shape).astype(np.uint8) for _ in range(2))
    stored = fixed_point(random.random(shape).astype(np.float32))
    labels = Labels.expert(NAMES, truth, (True, True, True))
    found = tallied(Prediction(NAMES, predicted, stored, stored, stored), labels)
    for value, name in enumerate(NAMES, 1):
        right = int(np.count_nonzero((predicted == value) & (truth == value)))
        assert (found[name].right[-1], found[name].voxels[-1]) == (right, int(np.count_nonzero(predicted == value)))
        assert all(np.diff(found[name].voxels) >= 0)


def test_the_file_comes_back_and_says_null_where_nothing_is_known(tmp_path: Path) -> None:
    path = tmp_path / "reliability.json"
    assert read_reliability(path) == {}
    found = tallied(*scan(400))
    write_reliability(path, found)
    assert read_reliability(path) == found
    value = json.loads(path.read_text(encoding="utf-8"))
    assert value["structures"]["Liver"]["precision"][:6] == [None, None, None, None, 1.0, 1.0]
    damages: list[Any] = [[], {**value, "gammas": [0.5]}, {**value, "structures": {"Liver": {}}}]
    for damage in damages:
        path.write_text(json.dumps(damage), encoding="utf-8")
        with pytest.raises(Failure, match="made anew"):
            read_reliability(path)
    with pytest.raises(ValueError, match="no more voxels"):
        Tally(1, (1,) * 20, (2,) * 20)
    with pytest.raises(ValueError, match="20 levels"):
        Tally(1, (1,), (1,))
