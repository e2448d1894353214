"""nnU-Net data sets of both versions and the Decathlon's: what is missing, what overlaps, and what the ignore label leaves unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from data.small_scans import OBLIQUE, blocks, grey_values, label_map, write_volume
from PartialLabelSegLib.data.case import Cohort
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.importers.nnunet import label_values
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.relabel.nnunet import TrainingCase, export_nnunet
from PartialLabelSegLib.run.failure import Failure

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Tumour=(2, 0, 0), Spleen=(0, 3, 4))
VALUES = {"background": 0, "Liver": 1, "Tumour": 2, "Spleen": 3}


def write(folder: Path, labels: dict[str, Any], arrays: dict[str, np.ndarray], **head: Any) -> Path:
    """A version 2 data set of these label maps, by case."""
    for case, array in arrays.items():
        write_volume(folder / "imagesTr" / f"{case}_0000.nii.gz", OBLIQUE)
        write_volume(folder / "labelsTr" / f"{case}.nii.gz", OBLIQUE, array)
    description = {
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": len(arrays),
        "file_ending": ".nii.gz",
        **head,
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def labels_of(cohort: Cohort, case: str = "a") -> Labels:
    source = next(source for source in cohort.sources if source.case == case)
    return source.read_labels(Grid.from_image(source.read_image()))


def states(labels: Labels) -> list[State]:
    return [labels.state(name) for name in labels.structures]


def without_spleen() -> np.ndarray:
    return np.where(label_map(MASKS) == 3, 0, label_map(MASKS)).astype(np.uint8)


def test_a_structure_that_is_never_drawn_in_a_case_is_missing_unless_said_absent(tmp_path: Path) -> None:
    write(tmp_path, VALUES, {"a": without_spleen(), "b": label_map(MASKS)})
    cohort = read_cohort(tmp_path)
    assert cohort.format == "nnU-Net"
    assert [structure.name for structure in cohort.structures] == ["Liver", "Tumour", "Spleen"]
    assert states(labels_of(cohort)) == [State.LABELLED, State.LABELLED, State.MISSING]
    assert states(labels_of(read_cohort(tmp_path, "absent"))) == [State.LABELLED, State.LABELLED, State.ABSENT]
    assert states(labels_of(cohort, "b")) == [State.LABELLED] * 3
    np.testing.assert_array_equal(labels_of(cohort, "b").positive("Spleen"), MASKS["Spleen"])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(cohort.sources[0].read_image()), grey_values(OBLIQUE))


def test_regions_overlap_where_they_share_a_value(tmp_path: Path) -> None:
    values = {"background": 0, "Whole liver": [1, 2], "Tumour": [2], "Spleen": 3}
    cohort = read_cohort(write(tmp_path, values, {"a": label_map(MASKS)}, regions_class_order=[1, 2, 3]))
    assert cohort.overlapping == frozenset({frozenset(("Whole liver", "Tumour"))})
    labels = labels_of(cohort)
    np.testing.assert_array_equal(labels.positive("Whole liver"), MASKS["Liver"] | MASKS["Tumour"])
    np.testing.assert_array_equal(labels.positive("Tumour"), MASKS["Tumour"])
    assert labels.known == (True, True, True)


def test_nothing_is_known_under_the_ignore_label_and_everything_beside_it(tmp_path: Path) -> None:
    array = label_map(MASKS)
    array[2:, 2:, 2:][array[2:, 2:, 2:] == 0] = 4
    labels = labels_of(read_cohort(write(tmp_path, {**VALUES, "ignore": 4}, {"a": array})))
    assert labels.structures == ("Liver", "Tumour", "Spleen")
    for name in labels.structures:
        np.testing.assert_array_equal(labels.certain(name), array != 4)
        np.testing.assert_array_equal(labels.positive(name), MASKS[name])


def test_beside_the_ignore_label_regions_are_certain_of_each_other(tmp_path: Path) -> None:
    array = label_map(MASKS)
    array[3, 4, 3:] = 4
    values = {"background": 0, "Whole liver": [1, 2], "Tumour": 2, "Spleen": 3, "ignore": 4}
    labels = labels_of(read_cohort(write(tmp_path, values, {"a": array})))
    for name in labels.structures:
        np.testing.assert_array_equal(labels.certain(name), array != 4)
    assert not (labels.positive("Tumour") & labels.negatives["Tumour"].mask(OBLIQUE.shape)).any()


@pytest.mark.parametrize(
    ("axis", "expected"), [(0, Slices(0, (0, 1))), (1, Slices(1, (0, 1, 2, 3))), (2, Slices(2, (0, 1, 2, 3, 4)))]
)
def test_whole_slices_under_the_ignore_label_are_slices(tmp_path: Path, axis: int, expected: Slices) -> None:
    array = np.zeros(OBLIQUE.shape, np.uint8)
    array[0, 0, 0] = 1
    np.moveaxis(array, axis, 0)[max(expected.indices) + 1 :] = 4
    labels = labels_of(read_cohort(write(tmp_path, {**VALUES, "ignore": 4}, {"a": array})))
    assert labels.slices == dict.fromkeys(labels.structures, expected)
    assert not labels.negatives


def test_a_case_wholly_under_the_ignore_label_is_unlabelled(tmp_path: Path) -> None:
    labels = labels_of(
        read_cohort(write(tmp_path, {**VALUES, "ignore": 4}, {"a": np.full(OBLIQUE.shape, 4, np.uint8)}))
    )
    assert states(labels) == [State.MISSING] * 3
    assert not labels.certain("Liver").any()


def test_what_is_exported_for_nnu_net_is_read_back(tmp_path: Path) -> None:
    expert = Labels.expert(("Liver", "Tumour", "Spleen"), label_map(MASKS), (True, True, True))
    partial = Labels.expert(
        ("Liver", "Tumour", "Spleen"), label_map(MASKS), (True, False, True), {"Tumour": Slices(0, (2, 3))}
    )
    folder = tmp_path / "Dataset501_Abdomen"
    image = OBLIQUE.image(grey_values(OBLIQUE))
    export_nnunet(
        folder, expert.structures, [TrainingCase("a", lambda: image, expert), TrainingCase("b", lambda: image, partial)]
    )
    cohort = read_cohort(folder)
    assert states(labels_of(cohort, "a")) == [State.LABELLED] * 3
    for name in expert.structures:
        np.testing.assert_array_equal(labels_of(cohort, "b").positive(name), expert.positive(name))
    np.testing.assert_array_equal(labels_of(cohort, "b").certain("Tumour"), partial.certain("Tumour"))


def test_a_decathlon_data_set_is_read(tmp_path: Path) -> None:
    write_volume(tmp_path / "imagesTr" / "liver_001.nii.gz", OBLIQUE)
    write_volume(tmp_path / "labelsTr" / "liver_001.nii.gz", OBLIQUE, label_map(MASKS))
    (tmp_path / "imagesTr" / "._liver_001.nii.gz").write_text("left by another system", encoding="utf-8")
    head: dict[str, Any] = {
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "Liver", "2": "Tumour", "3": "Spleen"},
    }
    (tmp_path / "dataset.json").write_text(json.dumps(head), encoding="utf-8")
    assert [source.case for source in read_cohort(tmp_path).sources] == ["liver_001"]
    head["training"] = [{"image": "./imagesTr/liver_001.nii.gz", "label": "./labelsTr/liver_001.nii.gz"}]
    (tmp_path / "dataset.json").write_text(json.dumps(head), encoding="utf-8")
    cohort = read_cohort(tmp_path / "dataset.json")
    assert states(labels_of(cohort, "liver_001")) == [State.LABELLED] * 3


def test_version_1_lists_files_without_their_channel(tmp_path: Path) -> None:
    training = [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}]
    write(
        tmp_path,
        {"0": "background", "1": "Liver", "2": "Tumour", "3": "Spleen"},
        {"a": label_map(MASKS)},
        training=training,
    )
    assert states(labels_of(read_cohort(tmp_path))) == [State.LABELLED] * 3


def test_version_2_may_list_its_files_anywhere_in_the_folder(tmp_path: Path) -> None:
    write_volume(tmp_path / "x" / "ct.mha", OBLIQUE)
    write_volume(tmp_path / "y.nrrd", OBLIQUE, label_map(MASKS))
    listed = {
        "a": {"images": ["x/ct.mha"], "label": "y.nrrd"},
        "b": {"images": ["../../secret.mha"], "label": "y.nrrd"},
        "c": {},
    }
    cohort = read_cohort(write(tmp_path, VALUES, {}, dataset=listed))
    assert [source.case for source in cohort.sources] == ["a"]
    assert states(labels_of(cohort)) == [State.LABELLED] * 3
    assert ["leads out" in problem.message for problem in cohort.problems] == [True, False]
    assert [problem.case for problem in cohort.problems] == ["b", "c"]


def test_other_channels_are_left_out_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, VALUES, {"a": label_map(MASKS)}, channel_names={"0": "T1", "1": "FLAIR"})
    write_volume(tmp_path / "imagesTr" / "a_0001.nii.gz", OBLIQUE, grey_values(OBLIQUE, seed=1))
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["a"]
    assert [(problem.severity, problem.message.split(";")[0]) for problem in cohort.problems] == [
        ("warning", "dataset.json names 2 channels")
    ]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(cohort.sources[0].read_image()), grey_values(OBLIQUE))


def test_scans_for_testing_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, VALUES, {"a": label_map(MASKS)})
    write_volume(tmp_path / "imagesTs" / "z_0000.nii.gz", OBLIQUE)
    assert [source.case for source in read_cohort(tmp_path).sources] == ["a"]


def test_a_missing_image_or_label_file_is_a_problem_of_its_case(tmp_path: Path) -> None:
    write(tmp_path, VALUES, {"a": label_map(MASKS), "b": label_map(MASKS), "c": label_map(MASKS)})
    (tmp_path / "imagesTr" / "b_0000.nii.gz").unlink()
    (tmp_path / "labelsTr" / "c.nii.gz").unlink()
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["a"]
    assert [problem.sentence() for problem in cohort.problems] == [
        "Case 'b': its image imagesTr/b_0000.nii.gz is missing. Put the file there, or take the case out of dataset.json.",
        "Case 'c': its label file labelsTr/c.nii.gz is missing. Put the file there, or take the case out of dataset.json.",
    ]


def test_a_value_that_dataset_json_does_not_name_is_a_sentence(tmp_path: Path) -> None:
    array = label_map(MASKS)
    array[3, 4, 5] = 9
    with pytest.raises(Failure, match=r"Case 'a': a\.nii\.gz holds the label value 9, which no structure has\."):
        labels_of(read_cohort(write(tmp_path, VALUES, {"a": array})))


@pytest.mark.parametrize(
    ("labels", "structures", "ignore"),
    [
        ({"background": 0, "Liver": 1, "Rest": [2, 3], "ignore": 4}, {"Liver": (1,), "Rest": (2, 3)}, 4),
        ({"0": "background", "1": "Liver", "10": "Spleen"}, {"Liver": (1,), "Spleen": (10,)}, None),
        ({"Liver": 1}, {"Liver": (1,)}, None),
    ],
)
def test_labels_of_both_versions_mean_the_same(labels: dict, structures: dict, ignore: int | None) -> None:
    found = label_values(labels)
    assert dict(found.structures) == structures
    assert found.ignore == ignore


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("[]", "names no labels"),
        ("{}", "names no labels"),
        ('{"labels": []}', "names no labels"),
        ('{"labels": {"Liver": "one"}}', "whole number"),
        ('{"labels": {"Liver": []}}', "whole number"),
        ('{"labels": {"Liver": -1}}', "whole number"),
        ('{"labels": {"Liver": true}}', "whole number"),
        ('{"labels": {"Liver": [0, 1]}}', "value 0"),
        ('{"labels": {"": 1}}', "without a name"),
        ('{"labels": {"1": "Liver", "2": "Liver "}}', "two labels of this name"),
        ('{"labels": {"Liver": 1, "Liver": 2}}', "Structure 'Liver': dataset.json names it twice"),
        ('{"labels": {"background": 0}}', "holds no case"),
        ('{"labels": {"Liver": 1', "damaged"),
    ],
)
def test_a_description_that_cannot_be_used_is_a_sentence(tmp_path: Path, content: str, match: str) -> None:
    (tmp_path / "dataset.json").write_text(content, encoding="utf-8")
    with pytest.raises(Failure, match=match):
        read_cohort(tmp_path)
