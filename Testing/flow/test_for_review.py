"""What a round leaves for the person who decides on it, and a drawing on its way through the worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.conftest import GRID, Stages, ball_scan, here, staged
from PartialLabelSegLib.data.label_files import read_labels
from PartialLabelSegLib.data.labels import FIRST_ROUND
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.relabel.edits import write_edit
from PartialLabelSegLib.relabel.expected import read_expected
from PartialLabelSegLib.relabel.proposal_file import read_proposal
from PartialLabelSegLib.relabel.reliability import read_reliability
from PartialLabelSegLib.relabel.scan_proposal import propose_levels
from PartialLabelSegLib.run.folder import RunFolder


@pytest.fixture
def waiting(stages: Stages, tmp_path: Path) -> RunFolder:
    return RunFolder(staged(stages, "waiting", tmp_path / "run"))


def drawn(run: RunFolder, *boxes: tuple[slice, slice, slice], decision: str = "edited") -> None:
    """Decides that the liver of scan3, of which nothing is labelled, is what these boxes hold."""
    mask = np.zeros(GRID.shape, bool)
    for box in boxes:
        mask[box] = True
    edit = write_edit(run.round(0).path, "scan3", mask, (0, 0, 0), GRID)
    item: dict[str, Any] = {"case": "scan3", "structure": "Liver", "decision": decision}
    item["edit"] = {"file": edit.file, "crc32": edit.crc32}
    run.round(0).review.write_text(json.dumps({"format": 1, "by": "person", "decisions": [item]}), encoding="utf-8")


def test_each_prediction_has_its_list_of_suggestions(waiting: RunFolder) -> None:
    for case in ("scan0", "scan1", "scan3"):
        folder = waiting.round(0).prediction(case)
        proposal = read_proposal(folder, case)
        labels, grid = read_labels(waiting.case(case))
        assert proposal.structures == propose_levels(read_prediction(folder)[0], labels, grid, case).structures
        unknown = {name for name in labels.structures if not labels.is_known(name)}
        assert {*proposal.structures, *proposal.nothing} == unknown


def test_what_is_usual_comes_from_drawn_scans_that_are_not_for_the_test(waiting: RunFolder) -> None:
    found = read_expected(waiting.round(0).expected)
    liver = [float(np.count_nonzero(ball_scan(seed)[1] == 1)) * GRID.voxel_ml for seed in (0, 2, 4)]
    assert found["Liver"].scans == 3 and found["Liver"].median_ml == pytest.approx(np.median(liver))
    assert found["Spleen"].scans == 3 and found["Spleen"].most_pieces == 1


def test_reliability_is_measured_on_the_validation_scan(waiting: RunFolder) -> None:
    found = read_reliability(waiting.round(0).reliability)
    assert set(found) == {"Liver", "Spleen"} and {item.scans for item in found.values()} == {1}
    prediction, _ = read_prediction(waiting.round(0).prediction("scan4"))
    truth = ball_scan(4)[1]
    for value, name in enumerate(("Liver", "Spleen"), 1):
        mine = prediction.label == value
        assert found[name].voxels[-1] == np.count_nonzero(mine)
        assert found[name].right[-1] == np.count_nonzero(mine & (truth == value))


@pytest.mark.parametrize("decision", ["edited", "complete"])
def test_a_drawing_becomes_the_label(waiting: RunFolder, decision: str) -> None:
    drawn(waiting, (slice(3, 6), slice(8, 14), slice(4, 9)), decision=decision)
    assert here("relabel", waiting.path).status == 0
    labels, _ = read_labels(waiting.round(0).labels("scan3"))
    expected = np.zeros(GRID.shape, bool)
    expected[3:6, 8:14, 4:9] = True
    assert np.array_equal(labels.positive("Liver"), expected)
    assert set(np.unique(labels.origin[expected])) == {FIRST_ROUND}
    assert labels.is_known("Liver") == (decision == "complete") and not labels.is_known("Spleen")


def test_a_drawing_that_is_lost_is_one_sentence_and_changes_nothing(waiting: RunFolder) -> None:
    drawn(waiting, (slice(3, 6), slice(8, 14), slice(4, 9)))
    (waiting.round(0).path / "edits" / "scan3-1.nrrd").unlink()
    done = here("relabel", waiting.path)
    assert done.status == 1
    assert (
        "Case 'scan3', structure 'Liver': edits/scan3-1.nrrd, which a decision speaks of, is missing." in done.message
    )
    assert "draw anew" in done.message and not waiting.round(0).relabelling.exists()
