"""What became of a case, in voxels counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import FIRST_ROUND, Labels, Marks
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, write_prediction
from PartialLabelSegLib.report.outcome import read_outcome, volumes
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.folder import RunFolder

GRID = Grid(
    (5, 1, 2), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
)  # 1 mL a voxel


def array(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(2, 1, 5)


def predicted(values: np.ndarray, confidence: float) -> Prediction:
    share = fixed_point((values > 0) * np.float32(confidence))
    return Prediction(("A", "B"), values, share, share, np.zeros(values.shape, np.uint16))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A is known and drawn in two voxels; B is missing, one voxel of it was accepted in round 0, and round 1 predicts four."""
    folder = RunFolder(tmp_path)
    expert = Labels.expert(("A", "B"), array(1, 1, 0, 0, 0, 0, 0, 0, 0, 0), (True, False))
    write_labels(folder.case("c"), expert, GRID)
    write_prediction(folder.round(0).prediction("c"), predicted(array(1, 0, 2, 2, 0, 0, 0, 0, 0, 0), 0.9), GRID)
    label_map, origin = expert.label_map.copy(), expert.origin.copy()
    label_map[0, 0, 2], origin[0, 0, 2] = 2, FIRST_ROUND
    write_labels(folder.round(0).labels("c"), replace(expert, label_map=label_map, origin=origin), GRID)
    write_prediction(folder.round(1).prediction("c"), predicted(array(2, 1, 2, 2, 2, 1, 0, 0, 0, 0), 0.8), GRID)
    return folder


def test_volumes_are_told_apart_by_origin(run: RunFolder) -> None:
    found = volumes(read_outcome(run, "c", 2))
    assert found["A"] == {
        "state": "labelled", "expert_ml": 2.0, "accepted_ml": {}, "filled_ml": 0.0, "completed_ml": 2.0, "mean_confidence": None
    }  # fmt: skip
    # Round 1 predicts B in four voxels; one of them was drawn as A.
    assert found["B"]["state"] == "missing" and found["B"]["expert_ml"] == 0
    assert (
        found["B"]["accepted_ml"] == {"0": 1.0} and found["B"]["filled_ml"] == 2.0 and found["B"]["completed_ml"] == 3.0
    )
    assert found["B"]["mean_confidence"] == pytest.approx(0.8, abs=1e-4)


def test_the_expert_is_never_overwritten_in_the_outcome(run: RunFolder) -> None:
    outcome = read_outcome(run, "c", 2)
    drawn = outcome.expert.label_map > 0
    assert np.array_equal(outcome.final.label_map[drawn], outcome.expert.label_map[drawn]) and outcome.last_round == 1


def test_what_was_accepted_in_the_last_round_is_told_apart_from_what_was_filled(run: RunFolder) -> None:
    outcome = read_outcome(run, "c", 1)
    found = volumes(outcome)
    assert outcome.last_round == 0 and found["B"]["accepted_ml"] == {"0": 1.0} and found["B"]["filled_ml"] == 1.0


def test_before_any_prediction_the_labels_are_the_outcome(run: RunFolder) -> None:
    outcome = read_outcome(run, "c", 0)
    assert outcome.prediction is None and outcome.final.label_map.sum() == 2
    assert volumes(outcome)["B"]["completed_ml"] == 0


def test_a_voxel_of_two_structures_counts_for_both(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    plain = Labels.expert(("A", "B"), array(1, 1, 0, 0, 0, 0, 0, 0, 0, 0), (True, True))
    inside = array(0, 1, 0, 0, 0, 0, 0, 0, 0, 0) > 0
    both = replace(plain, overlaps={"B": Marks.of(inside)}, overlapping=frozenset({frozenset({"A", "B"})}))
    write_labels(run.case("c"), both, GRID)
    found = volumes(read_outcome(run, "c", 0))
    assert found["A"]["expert_ml"] == 2.0 and found["B"]["expert_ml"] == 1.0


def test_a_damaged_file_names_the_case(run: RunFolder) -> None:
    path = run.round(1).prediction("c") / "label.nrrd"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(Failure):
        read_outcome(run, "c", 2)
