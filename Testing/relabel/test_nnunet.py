"""The nnU-Net data set: its ignore label, its description against its files, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.nnunet import TrainingCase, export_nnunet, training_map
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Spleen")


def row(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, 1, -1)


def cases(grid: Grid, known: tuple[bool, bool] = (True, False)) -> list[TrainingCase]:
    """One scan with the given structures known, one with all."""
    label_map = np.zeros(grid.shape, np.uint8)
    label_map[0, 0, :2] = (1, 2)
    image = grid.image(np.arange(60, dtype=np.int16).reshape(grid.shape))
    return [
        TrainingCase("CT 1", lambda: image, Labels.expert(NAMES, label_map, known)),
        TrainingCase("CT 2", lambda: image, Labels.expert(NAMES, label_map, (True, True))),
    ]


def test_a_voxel_without_a_label_is_ignored_where_a_structure_is_unknown() -> None:
    labels = Labels.expert(NAMES, row(1, 0, 0, 2), (True, False), {"Spleen": Slices(2, (1,))})
    assert training_map(labels).ravel().tolist() == [1, 0, 3, 2]
    told = replace(labels, negatives={"Spleen": Marks(np.array([2]), np.array([2], np.uint8))})
    assert training_map(told).ravel().tolist() == [1, 0, 0, 2]


def test_a_fully_known_scan_ignores_nothing() -> None:
    assert training_map(Labels.expert(NAMES, row(1, 0), (True, True))).ravel().tolist() == [1, 0]


def test_the_data_set_comes_back_as_its_description_says(a_grid: Grid, tmp_path: Path) -> None:
    folder = tmp_path / "Dataset501_Abdomen"
    written = export_nnunet(folder, NAMES, iter(cases(a_grid)), "CT")
    head: dict[str, Any] = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    assert head["channel_names"] == {"0": "CT"}
    assert head["labels"] == {"background": 0, "Liver": 1, "Spleen": 2, "ignore": 3}
    assert head["file_ending"] == ".nii.gz"
    images, labels = (sorted(path.name for path in (folder / part).iterdir()) for part in ("imagesTr", "labelsTr"))
    assert images == ["CT_1_0000.nii.gz", "CT_2_0000.nii.gz"]
    assert labels == ["CT_1.nii.gz", "CT_2.nii.gz"]
    assert head["numTraining"] == len(labels)
    for name, image in zip(labels, images, strict=True):
        stored = sitk.ReadImage(str(folder / "labelsTr" / name))
        scan = sitk.ReadImage(str(folder / "imagesTr" / image))
        assert Grid.from_image(stored).same_as(a_grid)
        assert Grid.from_image(scan).same_as(Grid.from_image(stored))
        assert set(np.unique(sitk.GetArrayFromImage(stored))) <= set(head["labels"].values())
        assert sitk.GetArrayFromImage(scan).ravel().tolist() == list(range(60))
    assert [(item.case, item.ignored_voxels) for item in written] == [("CT 1", 58), ("CT 2", 0)]


@given(st.data())
def test_labels_are_kept_and_only_the_unknown_is_ignored(drawn: SimpleNamespace, data: st.DataObject) -> None:
    labels = data.draw(drawn.labels())
    prediction = data.draw(drawn.prediction(labels))
    labels = apply(labels, prediction, data.draw(drawn.review(prediction)), "scan", 0)
    found = training_map(labels)
    certain = np.all([labels.certain(name) for name in labels.structures], axis=0)
    positive = np.any([labels.positive(name) for name in labels.structures], axis=0)
    assert np.array_equal(found == 4, ~certain & ~positive)
    assert np.array_equal(found == 0, certain & ~positive)
    assert np.array_equal(found[positive], labels.label_map[positive])


def test_labels_that_share_voxels_are_said_to_be_lost(a_grid: Grid, tmp_path: Path) -> None:
    case = cases(a_grid)[0]
    both = replace(case.labels, overlaps={"Spleen": Marks(np.array([0]), np.array([1], np.uint8))})
    (written,) = export_nnunet(tmp_path / "Dataset001_A", NAMES, [replace(case, labels=both)])
    assert written.flattened_voxels == 1
    head = json.loads((tmp_path / "Dataset001_A" / "dataset.json").read_text(encoding="utf-8"))
    assert head["labels_lost_where_structures_share_voxels"] == {"CT_1": 1}


def test_a_data_set_that_is_there_is_replaced_only_when_asked_for(a_grid: Grid, tmp_path: Path) -> None:
    folder = tmp_path / "Dataset501_Abdomen"
    export_nnunet(folder, NAMES, cases(a_grid))
    before = (folder / "dataset.json").read_bytes()
    with pytest.raises(Failure, match="not overwritten"):
        export_nnunet(folder, NAMES, cases(a_grid)[:1])
    assert (folder / "dataset.json").read_bytes() == before
    export_nnunet(folder, NAMES, cases(a_grid), replace=True)
    assert (folder / "dataset.json").read_bytes() == before


def test_files_of_other_cases_are_not_mixed_in(a_grid: Grid, tmp_path: Path) -> None:
    folder = tmp_path / "Dataset501_Abdomen"
    export_nnunet(folder, NAMES, cases(a_grid))
    with pytest.raises(Failure, match=r"2 files of other cases, such as imagesTr/CT_2_0000\.nii\.gz"):
        export_nnunet(folder, NAMES, cases(a_grid)[:1], replace=True)
    assert not (folder / "dataset.json").exists()


@pytest.mark.parametrize("name", ["Abdomen", "Dataset5_Abdomen", "Dataset501", "Dataset501_", "Dataset501_a b"])
def test_a_folder_name_that_nnunet_does_not_take_is_refused(name: str, a_grid: Grid, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="Dataset501_Abdomen"):
        export_nnunet(tmp_path / name, NAMES, cases(a_grid))
    assert not (tmp_path / name).exists()


def test_names_with_another_meaning_and_twins_are_refused(a_grid: Grid, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="Structure 'Ignore'"):
        export_nnunet(tmp_path / "Dataset501_A", ("Ignore",), [])
    one = cases(a_grid)[0]
    with pytest.raises(Failure, match="Case 'CT/1'.*CT_1"):
        export_nnunet(tmp_path / "Dataset501_A", NAMES, [one, replace(one, name="CT/1")])
    small = replace(one, labels=Labels.expert(NAMES, row(0, 1), (True, True)))
    with pytest.raises(Failure, match="does not fit its labels"):
        export_nnunet(tmp_path / "Dataset502_A", NAMES, [small])
    with pytest.raises(ValueError, match="labels of"):
        export_nnunet(tmp_path / "Dataset503_A", ("Liver",), [one])
