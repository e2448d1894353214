"""Instances of a completed scan: components with their mean probability, and an instance network's own, by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import read_array, write_image
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.data.lesions import Found, read_lesions
from PartialLabelSegLib.data.prediction import ONE, Prediction
from PartialLabelSegLib.relabel.complete import completed
from PartialLabelSegLib.relabel.lesions import (
    CompletedScan,
    export_instances,
    instances_of_scan,
    own_instances,
    parts_of_mask,
)
from PartialLabelSegLib.run.failure import Failure
from relabel.conftest import expert_labels, predictions

NAMES = ("Bone", "Oedema")
SHAPE = (2, 3, 6)
GRID = Grid((6, 3, 2), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def flat(*places: tuple[int, int, int]) -> np.ndarray:
    return np.sort(np.array([np.ravel_multi_index(place, SHAPE) for place in places], np.int64))


def predicted(values: Mapping[tuple[int, int, int], tuple[int, float]]) -> Prediction:
    """By voxel: the label and its probability, a multiple of 1/65535."""
    label, probability = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint16)
    for place, (value, share) in values.items():
        label[place], probability[place] = value, round(share * ONE)
    return Prediction(NAMES, label, probability, probability, np.zeros(SHAPE, np.uint16))


def scan_of(before: Labels, prediction: Prediction | None, own: list[Found] | None = None) -> CompletedScan:
    final = completed(before, prediction, "accepted" if prediction is None else "prediction")
    return CompletedScan(GRID, before, final, prediction, own)


def nothing_known(known: tuple[bool, bool] = (False, False), drawn: Mapping[tuple[int, int, int], int] = {}) -> Labels:
    label_map = np.zeros(SHAPE, np.uint8)
    for place, value in drawn.items():
        label_map[place] = value
    return Labels.expert(NAMES, label_map, known)


def found(scan: CompletedScan) -> list[tuple[str, list[int], Any]]:
    return [
        (one.structure, one.indices.tolist(), pytest.approx(one.score, abs=1e-4)) for one in instances_of_scan(scan)
    ]


def test_components_are_scored_by_their_mean_probability_the_surest_first() -> None:
    # The first two voxels touch by a corner across the slices.
    prediction = predicted({(0, 0, 0): (2, 0.6), (1, 1, 1): (2, 1.0), (0, 2, 5): (2, 0.9), (0, 0, 3): (1, 0.5)})
    assert found(scan_of(nothing_known(), prediction)) == [
        ("Oedema", [17], 0.9),
        ("Oedema", [0, 25], 0.8),
        ("Bone", [3], 0.5),
    ]


def test_what_an_expert_drew_is_certain_and_what_is_no_longer_predicted_counts_nothing() -> None:
    labels = nothing_known((False, False), {(0, 0, 0): 2})
    kept = predicted({(0, 0, 1): (2, 0.5), (0, 2, 0): (1, 0.75)})
    assert found(scan_of(labels, kept)) == [("Oedema", [0, 1], 0.75), ("Bone", [12], 0.75)]
    before = completed(nothing_known(), predicted({(0, 0, 4): (2, 1.0), (0, 0, 5): (2, 1.0)}))
    forgot = CompletedScan(GRID, before, before, predicted({(0, 0, 4): (2, 0.8)}))
    assert found(forgot) == [("Oedema", [4, 5], 0.4)]


def test_the_soft_label_of_a_drawn_lesion_is_its_score() -> None:
    soft = np.zeros(SHAPE, np.float32)
    soft[0, 0, :2] = 0.5, 1.0
    drawn = nothing_known((True, True), {(0, 0, 0): 2, (0, 0, 1): 2})
    labels = Labels(NAMES, drawn.label_map, drawn.known, drawn.origin, soft={"Oedema": soft})
    assert found(scan_of(labels, None)) == [("Oedema", [0, 1], 0.75)]


def test_a_lesion_that_shares_voxels_with_its_bone_is_whole() -> None:
    labels = Labels(
        NAMES,
        nothing_known((True, True), {(0, 0, 0): 1, (0, 0, 1): 1, (0, 0, 2): 2}).label_map,
        (True, True),
        nothing_known((True, True), {(0, 0, 0): 1, (0, 0, 1): 1, (0, 0, 2): 2}).origin,
        overlaps={"Oedema": Marks(flat((0, 0, 1)), np.ones(1, np.uint8))},
        overlapping=frozenset({frozenset(NAMES)}),
    )
    assert found(scan_of(labels, None)) == [("Bone", [0, 1], 1.0), ("Oedema", [1, 2], 1.0)]


def test_an_instance_networks_own_stand_for_what_is_not_known() -> None:
    own = [Found("Oedema", flat((0, 0, 0), (0, 0, 1)), 0.3), Found("Oedema", flat((0, 0, 1), (0, 0, 2)), 0.9)]
    own.append(Found("Bone", flat((1, 2, 4)), 0.7))
    labels = nothing_known((True, False), {(1, 2, 5): 1})
    # Besides, the completed scan holds a component that no instance touches.
    prediction = predicted({(0, 0, 1): (2, 0.9), (1, 1, 5): (2, 0.6)})
    assert found(scan_of(labels, prediction, own)) == [
        ("Bone", [35], 1.0),
        ("Oedema", [1, 2], 0.9),
        ("Oedema", [29], 0.6),
        ("Oedema", [0, 1], 0.3),
    ]


def test_an_instance_keeps_out_of_what_the_annotator_settled() -> None:
    drawn = nothing_known((False, False), {(0, 0, 0): 1})
    labels = Labels(NAMES, drawn.label_map, drawn.known, drawn.origin, {"Oedema": Slices(0, (1,))})
    own = [
        Found("Oedema", flat((0, 0, 0), (0, 0, 1), (1, 0, 1)), 0.8),
        Found("Oedema", flat((1, 2, 2), (1, 2, 3)), 0.9),
    ]
    # Voxel 0 is bone, and on slice 1 somebody looked for oedema and drew none.
    assert found(scan_of(labels, predicted({}), own)) == [("Bone", [0], 1.0), ("Oedema", [1], 0.8)]


def test_files_say_where_each_is_and_who_says_so(tmp_path: Path) -> None:
    labels = nothing_known((False, False), {(1, 0, 0): 2, (1, 2, 4): 2})
    scan = scan_of(labels, predicted({(1, 0, 1): (2, 0.5), (0, 2, 2): (1, 0.5)}))
    paths = export_instances(tmp_path, "scan", scan, volume=True)
    assert [path.name for path in paths] == ["scan.instances.json", "scan.instances.nrrd"]
    said = read_lesions(paths[0])
    assert [(one.number, one.structure, one.origin, one.voxels) for one in said] == [
        (1, "Oedema", "expert", 1),
        (2, "Oedema", "expert+suggested", 2),
        (3, "Bone", "suggested", 1),
    ]
    assert said[1].volume_ml == pytest.approx(2 * 0.002) and said[1].score == pytest.approx(0.75, abs=1e-4)
    assert said[1].box == ((1, 0, 0), (2, 1, 2)) and said[1].centre_mm == (-0.5, 0.0, 2.0)
    numbers = read_array(paths[1])
    assert {one.number: int((numbers == one.number).sum()) for one in said} == {1: 1, 2: 2, 3: 1}
    assert export_instances(tmp_path / "list", "scan", scan, volume=False) == (
        tmp_path / "list" / "scan.instances.json",
    )
    assert [path.name for path in (tmp_path / "list").iterdir()] == ["scan.instances.json"]


def test_a_networks_own_instances_are_read_from_beside_its_prediction(tmp_path: Path) -> None:
    assert own_instances(tmp_path, SHAPE, NAMES) is None
    numbers = np.zeros(SHAPE, np.uint16)
    numbers[0, 0, :2], numbers[1, 1, 1] = 1, 3
    write_image(tmp_path / "instances.nrrd", GRID.image(numbers))
    said = [{"number": number, "structure": "Oedema", "score": 1 / number} for number in (1, 2, 3)]
    (tmp_path / "instances.json").write_text(json.dumps({"format": 1, "instances": said}), encoding="utf-8")
    read = own_instances(tmp_path, SHAPE, NAMES)
    assert read is not None
    assert [(one.indices.tolist(), one.score) for one in read] == [([0, 1], 1.0), ([25], 1 / 3)]
    for shape, names in (((2, 3, 7), NAMES), (SHAPE, ("Bone",))):
        with pytest.raises(Failure, match="its instances are damaged"):
            own_instances(tmp_path, shape, names)


@given(st.data())
def test_components_hold_each_voxel_of_a_completed_structure_once(data: st.DataObject) -> None:
    labels = data.draw(expert_labels())
    prediction = data.draw(predictions(labels))
    final = completed(labels, prediction)
    shape = labels.label_map.shape
    grid = Grid((shape[2], shape[1], shape[0]), (1.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    listed = instances_of_scan(CompletedScan(grid, labels, final, prediction))
    for structure in final.structures:
        parts = [one.indices for one in listed if one.structure == structure]
        voxels = np.sort(np.concatenate([np.empty(0, np.int64), *parts]))
        assert voxels.tolist() == np.flatnonzero(final.positive(structure)).tolist()
    assert all(0 <= one.score <= 1 for one in listed)


def test_components_lie_in_the_whole_scan() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[1, 1, 2] = mask[1, 2, 3] = mask[0, 1, 5] = True
    assert [part.tolist() for part in parts_of_mask(mask)] == [[11], [26, 33]]
    assert parts_of_mask(np.zeros(SHAPE, bool)) == []
