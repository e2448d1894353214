"""Suggestions read from a prediction's folder, and their voxels at a share gamma: what relabelling would accept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.small_scans import OBLIQUE
from panel.scene_nodes import full, predicted_like, write_predicted
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.prediction import Prediction, write_prediction
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.suggestions import Suggestions, read_suggestions
from PartialLabelSegLib.relabel.components import bounding_box, component_of
from PartialLabelSegLib.relabel.propose import propose
from PartialLabelSegLib.relabel.select import suggested_at
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Spleen", "Aorta")
GRID = Grid((30, 28, 20), (1.5, 1.5, 3.0), (10.0, -20.0, 30.0), OBLIQUE.direction)


def truth() -> np.ndarray:
    """A large block, two small ones of one structure, and a bar that the expert has drawn."""
    label = np.zeros(GRID.shape, np.uint8)
    label[4:14, 5:15, 4:14] = 1
    label[3:8, 18:24, 18:26] = 2
    label[12:18, 18:24, 18:26] = 2
    label[:, 1:3, 1:3] = 3
    return label


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rounds") / "CT_1"
    write_predicted(folder, truth(), GRID, NAMES, known=["Aorta"])
    return folder


@pytest.fixture(scope="module")
def prediction() -> Prediction:
    return predicted_like(truth(), NAMES, ["Aorta"])[0]


@pytest.fixture(scope="module")
def suggestions(folder: Path) -> Suggestions:
    return finish_now(read_suggestions(folder))


@pytest.mark.parametrize("gamma", [0.0, 0.01, 0.3, 0.66, 1.0])
@pytest.mark.parametrize("structure", NAMES)
def test_the_voxels_at_gamma_are_those_that_would_be_accepted(
    suggestions: Suggestions, prediction: Prediction, structure: str, gamma: float
) -> None:
    expected = np.zeros(GRID.shape, bool)
    expected.reshape(-1)[suggested_at(prediction, structure, gamma)] = True
    np.testing.assert_array_equal(full(suggestions.mask(structure, gamma), GRID), expected)
    if not expected.any():
        assert suggestions.mask(structure, gamma) is None


def test_the_box_of_a_structure_holds_all_its_suggestions(suggestions: Suggestions, prediction: Prediction) -> None:
    assert set(suggestions.boxes) == {"Liver", "Spleen"}
    for name, box in suggestions.boxes.items():
        assert box == bounding_box((prediction.label == prediction.value(name)) & (prediction.rank > 0))


@pytest.mark.parametrize("gamma", [0.4, 1.0])
def test_a_part_is_the_component_of_the_proposal(
    suggestions: Suggestions, prediction: Prediction, gamma: float
) -> None:
    _, labels = predicted_like(truth(), NAMES, ["Aorta"])
    parts = propose(prediction, labels, gamma, GRID).of("Spleen").components
    assert len(parts) >= 2
    mask = full(suggestions.mask("Spleen", gamma), GRID)
    for part in parts:
        found = suggestions.part("Spleen", gamma, part.seed)
        assert found is not None
        np.testing.assert_array_equal(np.flatnonzero(full(found, GRID)), component_of(mask, part.seed))
        assert [(span.start, span.stop) for span in found[0]] == [tuple(span) for span in part.box]


@pytest.mark.parametrize("seed", [-1, 0, 10**9])
def test_where_nothing_is_suggested_there_is_no_part(suggestions: Suggestions, seed: int) -> None:
    assert suggestions.part("Liver", 1.0, seed) is None
    assert suggestions.part("Aorta", 1.0, 5) is None


def test_a_voxel_says_what_it_is_suggested_as(suggestions: Suggestions) -> None:
    assert suggestions.at((9, 10, 9)) == "Liver"
    assert suggestions.at((22, 21, 5)) == "Spleen"
    assert [suggestions.at(place) for place in ((0, 0, 0), (1, 1, 5), (-1, 0, 0), (30, 0, 0))] == ["", "", "", ""]
    with pytest.raises(KeyError):
        suggestions.value("Heart")


def test_reading_goes_in_steps_and_keeps_the_place(folder: Path) -> None:
    shares = list(read_suggestions(folder))
    assert len(shares) > 3 and shares == sorted(shares) and shares[-1] == 1.0
    assert finish_now(read_suggestions(folder)).grid.same_as(GRID)


@pytest.mark.parametrize("name", ["prediction.json", "rank.nrrd", "label.nrrd"])
def test_an_absent_file_is_a_sentence_with_a_way_out(tmp_path: Path, name: str) -> None:
    write_predicted(tmp_path / "CT_1", truth(), GRID, NAMES, [])
    (tmp_path / "CT_1" / name).unlink()
    with pytest.raises(Failure, match=name.replace(".", r"\.")) as caught:
        finish_now(read_suggestions(tmp_path / "CT_1", "CT 1"))
    assert "CT_1" in caught.value.way_out


@pytest.mark.parametrize(
    "change",
    [
        {"crc32": {}},
        {"structures": 7},
        {"grid": {"size": [1, 2]}},
        {"crc32": {"label": 1, "rank": 2}},
        {"structures": ["Liver"]},
    ],
)
def test_a_damaged_description_is_a_sentence(tmp_path: Path, change: dict) -> None:
    write_predicted(tmp_path, truth(), GRID, NAMES, [])
    head = json.loads((tmp_path / "prediction.json").read_text(encoding="utf-8"))
    (tmp_path / "prediction.json").write_text(json.dumps({**head, **change}), encoding="utf-8")
    with pytest.raises(Failure):
        finish_now(read_suggestions(tmp_path, "CT 1"))


def test_a_scan_without_suggestions_has_none(tmp_path: Path) -> None:
    zero = np.zeros(GRID.shape, np.uint16)
    write_prediction(tmp_path, Prediction(NAMES, zero.astype(np.uint8), zero, zero, zero), GRID)
    found = finish_now(read_suggestions(tmp_path))
    assert found.boxes == {} and found.mask("Liver", 1.0) is None
