"""The file of the suggestions: comes back as it was written, and is refused where it is damaged or of another prediction."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import EXPERT, Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, write_prediction
from PartialLabelSegLib.relabel.levels import GAMMAS
from PartialLabelSegLib.relabel.proposal_file import NAME, read_proposal, read_proposal_or_make, write_proposal
from PartialLabelSegLib.relabel.scan_proposal import propose_levels
from PartialLabelSegLib.relabel.select import rank_volume
from PartialLabelSegLib.run.failure import Failure


def a_scan(grid: Grid) -> tuple[Prediction, Labels]:
    """The spleen is drawn; of the liver two parts are suggested, and the spleen once more where it is known."""
    label_map = np.zeros(grid.shape, np.uint8)
    label_map[0, 0, 0] = 2
    labels = Labels(("Liver", "Spleen", "Tumour"), label_map, (False, True, False), label_map // 2 * np.uint8(EXPERT))
    label = np.zeros(grid.shape, np.uint8)
    label[1, 1:3, 1:3] = label[2, 3, 4] = 1
    label[0, 3, 4] = 2
    confidence = np.where(label > 0, np.float32(0.75), np.float32(0))
    stored = fixed_point(confidence)
    return Prediction(labels.structures, label, stored, stored, rank_volume(labels, label, confidence)), labels


@pytest.fixture
def folder(tmp_path: Path, a_grid: Grid) -> Path:
    """A prediction with its suggestions, and beside it the labels that it was made from."""
    prediction, labels = a_scan(a_grid)
    write_prediction(tmp_path / "predictions", prediction, a_grid)
    write_labels(tmp_path / "labels", labels, a_grid)
    write_proposal(tmp_path / "predictions", "CT 1", prediction, labels, a_grid)
    return tmp_path / "predictions"


@given(st.data())
def test_suggestions_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, drawn: SimpleNamespace, a_grid: Grid, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("prediction")
    labels = data.draw(drawn.labels())
    prediction = data.draw(drawn.prediction(labels))
    write_prediction(folder, prediction, a_grid)
    written = write_proposal(folder, "CT 1", prediction, labels, a_grid)
    assert read_proposal(folder, "CT 1") == written
    assert written.structures == propose_levels(prediction, labels, a_grid, "CT 1").structures


def test_the_file_says_what_a_queue_needs(folder: Path, a_grid: Grid) -> None:
    value = json.loads((folder / NAME).read_text(encoding="utf-8"))
    assert (value["format"], value["case"], value["nothing"]) == (1, "CT 1", ["Tumour"])
    assert value["voxel_ml"] == pytest.approx(a_grid.voxel_ml) and value["spacing_mm"] == list(a_grid.spacing_mm)
    assert list(value["structures"]) == ["Liver"]
    liver = value["structures"]["Liver"]
    assert (liver["pool"], liver["accepted"], liver["box"]) == (5, 0, [[1, 3], [1, 4], [1, 5]])
    assert [level["gamma"] for level in liver["levels"]] == list(GAMMAS)
    whole = liver["levels"][-1]
    assert (whole["voxels"], whole["parts"]) == (5, 2)
    large, small = whole["components"]
    assert (large["seed"], large["voxels"], large["touches_border"]) == (26, 4, False)
    assert (small["box"], small["centre_ijk"], small["touches_border"]) == ([[2, 3], [3, 4], [4, 5]], [4, 3, 2], True)
    assert large["confidence"] == pytest.approx(0.75, abs=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"structures": None},
        {"structures": {"Liver": {"pool": 1}}},
        {"structures": []},
        {"spacing_mm": [1.0]},
        {"nothing": 3},
        {"made_for": []},
        {"voxel_ml": "much"},
    ],
)
def test_a_damaged_list_is_refused(folder: Path, change: dict[str, Any]) -> None:
    value = json.loads((folder / NAME).read_text(encoding="utf-8"))
    (folder / NAME).write_text(json.dumps({**value, **change}), encoding="utf-8")
    with pytest.raises(Failure, match=r"damaged.*Delete .*proposal\.json"):
        read_proposal(folder, "CT 1")


def test_levels_that_are_not_ours_are_refused(folder: Path) -> None:
    value = json.loads((folder / NAME).read_text(encoding="utf-8"))
    value["structures"]["Liver"]["levels"].pop()
    (folder / NAME).write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(Failure, match="20 levels"):
        read_proposal(folder)


def test_a_list_of_another_prediction_or_scan_is_refused_and_made_anew(folder: Path, a_grid: Grid) -> None:
    with pytest.raises(Failure, match="another prediction"):
        read_proposal(folder, "CT 2")
    before = read_proposal(folder, "CT 1")
    prediction, labels = a_scan(a_grid)
    less = prediction.label.copy()
    less[2, 3, 4] = 0
    confidence = np.where(less > 0, np.float32(0.5), np.float32(0))
    stored = fixed_point(confidence)
    changed = Prediction(labels.structures, less, stored, stored, rank_volume(labels, less, confidence))
    write_prediction(folder, changed, a_grid)
    with pytest.raises(Failure, match="another prediction"):
        read_proposal(folder, "CT 1")
    made = read_proposal_or_make(folder, folder.parent / "labels", "CT 1")
    assert (before.structures["Liver"].pool, made.structures["Liver"].pool) == (5, 4)
    assert read_proposal(folder, "CT 1") == made


def test_a_run_without_the_list_gets_it(folder: Path) -> None:
    written = read_proposal(folder, "CT 1")
    (folder / NAME).unlink()
    with pytest.raises(Failure, match="missing"):
        read_proposal(folder, "CT 1")
    assert read_proposal_or_make(folder, folder.parent / "labels", "CT 1") == written
    assert read_proposal(folder, "CT 1") == written
    (folder / "rank.nrrd").unlink()
    (folder / NAME).unlink()
    with pytest.raises(Failure, match="rank"):
        read_proposal_or_make(folder, folder.parent / "labels", "CT 1")
