"""The OpenKBP format: the cube in patient space, against the same patients as converted by somebody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PartialLabelSegLib.data.geometry import Grid, resample_labels
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.importers.openkbp import ORGANS
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.run.failure import Failure

SPACING = "3.5\n4.0\n2.5\n"


def write_patient(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A patient of three voxels, the last one of them in two organs."""
    folder.mkdir(parents=True)
    index = [((10 * 128) + 20) * 128 + 30, ((10 * 128) + 20) * 128 + 31, ((11 * 128) + 20) * 128 + 30]
    content = {
        "voxel_dimensions.csv": SPACING,
        "ct.csv": ",data\n" + "".join(f"{place},{value}.0\n" for place, value in zip(index, (100, 200, 300))),
        "Brainstem.csv": ",data\n" + "".join(f"{place},\n" for place in index),
        "LeftParotid.csv": f",data\n{index[2]},\n",
        "PTV70.csv": f",data\n{index[0]},\n",
        "dose.csv": f",data\n{index[0]},70.0\n",
        "possible_dose_mask.csv": f",data\n{index[0]},\n",
        **(files or {}),
    }
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("patient", "folder"), [("pt_1", "partial"), ("pt_2", "partial"), ("pt_4", "full")])
def test_the_published_files_agree_with_their_conversion_up_to_its_crop(
    data_folder: Path, patient: str, folder: str
) -> None:
    cohort = read_cohort(data_folder / "openkbp" / "original_csv")
    source = next(source for source in cohort.sources if source.case == patient)
    image = source.read_image()
    grid = Grid.from_image(image)
    labels = source.read_labels(grid)
    crop = sitk.ReadImage(str(data_folder / "openkbp" / folder / f"{patient}_ct.nii.gz"))
    organs = sitk.GetArrayFromImage(sitk.ReadImage(str(data_folder / "openkbp" / folder / f"{patient}_oar.nii.gz")))
    part = Grid.from_image(crop)
    # -5 occurs nowhere, so that a crop that reaches out of the cube would show.
    found = sitk.Resample(image, crop, sitk.Transform(), sitk.sitkNearestNeighbor, -5)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(crop))
    assert np.count_nonzero(sitk.GetArrayViewFromImage(image)) == np.count_nonzero(sitk.GetArrayViewFromImage(crop))
    shared = np.zeros(grid.shape, bool)
    for value, name in enumerate(labels.structures, 1):
        mask = labels.positive(name)
        shared |= mask & (labels.label_map != value)
        inside = sitk.GetArrayFromImage(resample_labels(grid.image(mask), part)).astype(bool)
        assert inside.sum() == mask.sum()
        # The conversion gave a shared voxel to one organ only.
        assert not np.any((organs == value) & ~inside)
        assert np.count_nonzero(inside & (organs != value)) <= 2
    assert shared.sum() <= 2
    assert labels.known == tuple(name in ORGANS and (organs == value).any() for value, name in enumerate(ORGANS, 1))


def test_left_is_left_and_the_brain_is_above_the_larynx(data_folder: Path) -> None:
    cohort = read_cohort(data_folder / "openkbp" / "original_csv" / "train-pats")
    source = next(source for source in cohort.sources if source.case == "pt_4")
    grid = Grid.from_image(source.read_image())
    labels = source.read_labels(grid)
    image = grid.image(labels.label_map)

    def centre(name: str) -> np.ndarray:
        z, y, x = np.argwhere(labels.positive(name)).mean(axis=0)
        return np.array(image.TransformContinuousIndexToPhysicalPoint((x, y, z)))

    # LPS: x grows to the left, y to the back, z to the head.
    assert centre("LeftParotid")[0] > centre("RightParotid")[0]
    assert centre("SpinalCord")[1] > centre("Mandible")[1]
    assert centre("Brainstem")[2] > centre("Larynx")[2]


def test_a_flat_index_is_a_place_in_the_cube(tmp_path: Path) -> None:
    write_patient(tmp_path / "pt_1")
    (source,) = read_cohort(tmp_path).sources
    image = source.read_image()
    array = sitk.GetArrayFromImage(image)
    assert array.dtype == np.int16
    # Index (front to back 10, right to left 20, head to feet 30), so z is 127 - 30; spacing likewise.
    assert (array[97, 10, 20], array[96, 10, 20], array[97, 11, 20]) == (100, 200, 300)
    assert np.count_nonzero(array) == 3
    assert image.GetSpacing() == (4.0, 3.5, 2.5)


def test_organs_without_a_file_are_missing_and_targets_are_no_organs(tmp_path: Path) -> None:
    write_patient(tmp_path / "pt_1")
    cohort = read_cohort(tmp_path, "absent")
    assert tuple(structure.name for structure in cohort.structures) == ORGANS
    labels = cohort.sources[0].read_labels(Grid.from_image(cohort.sources[0].read_image()))
    states = {name: labels.state(name) for name in ORGANS}
    assert {name for name, state in states.items() if state is State.LABELLED} == {"Brainstem", "LeftParotid"}
    assert set(states.values()) == {State.LABELLED, State.MISSING}


def test_a_voxel_of_two_organs_is_positive_for_both_and_they_still_exclude_each_other(tmp_path: Path) -> None:
    write_patient(tmp_path / "pt_1")
    cohort = read_cohort(tmp_path)
    assert cohort.overlapping == frozenset()
    grid = Grid.from_image(cohort.sources[0].read_image())
    labels, problems = cohort.sources[0].labels_and_problems(grid)
    assert labels is not None
    assert (labels.voxels("Brainstem"), labels.voxels("LeftParotid")) == (3, 1)
    assert labels.label_map[97, 11, 20] == labels.value("LeftParotid")
    assert labels.excludes("Brainstem", "LeftParotid")
    assert [(problem.severity, problem.structure) for problem in problems] == [("warning", "Brainstem")]


def test_patients_come_in_the_order_of_their_numbers_and_sets_are_splits(tmp_path: Path) -> None:
    for place in ("train-pats/pt_10", "train-pats/pt_9", "validation-pats/pt_201", "test-pats/pt_300"):
        write_patient(tmp_path / "provided-data" / place)
    cohort = read_cohort(tmp_path)
    assert [(source.case, source.split) for source in cohort.sources] == [
        ("pt_300", "test"),
        ("pt_9", "train"),
        ("pt_10", "train"),
        ("pt_201", "validation"),
    ]
    assert {source.split for source in read_cohort(tmp_path / "provided-data" / "train-pats").sources} == {""}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"ct.csv": ""}, "Case 'pt_1': ct.csv holds no grey values."),
        ({"ct.csv": ",data\n5\n"}, "Case 'pt_1': ct.csv holds no grey values."),
        ({"ct.csv": ",data\n5,a\n"}, "Case 'pt_1': ct.csv cannot be read (it is damaged or of another format)."),
        ({"ct.csv": ",data\n5,1\n6\n"}, "Case 'pt_1': ct.csv cannot be read (it is damaged or of another format)."),
        ({"ct.csv": ",data\n5,nan\n"}, "Case 'pt_1': ct.csv is not a table of numbers."),
        ({"ct.csv": f",data\n{128**3},1\n"}, "Case 'pt_1': ct.csv names voxels that are not in the cube"),
        ({"ct.csv": ",data\n-1,1\n"}, "Case 'pt_1': ct.csv names voxels that are not in the cube"),
        ({"voxel_dimensions.csv": "1\n2\n"}, "Case 'pt_1': voxel_dimensions.csv must hold three positive numbers"),
        ({"voxel_dimensions.csv": "1\n2\n0\n"}, "Case 'pt_1': voxel_dimensions.csv must hold three positive numbers"),
        (
            {"Larynx.csv": ",data\n1.5,\n"},
            "Case 'pt_1', structure 'Larynx': Larynx.csv names voxels that are not in the cube",
        ),
        ({"Larynx.csv": "<html>\nx\n"}, "Case 'pt_1', structure 'Larynx': Larynx.csv cannot be read"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    write_patient(tmp_path / "pt_1", files)
    (source,) = read_cohort(tmp_path).sources
    with pytest.raises(Failure) as caught:
        source.read_labels(Grid.from_image(source.read_image()))
    assert str(caught.value).startswith(sentence)


def test_an_empty_organ_file_is_missing_unless_said_absent(tmp_path: Path) -> None:
    write_patient(tmp_path / "pt_1", {"Larynx.csv": ",data\n"})
    for absent, state in (("missing", State.MISSING), ("absent", State.ABSENT)):
        (source,) = read_cohort(tmp_path, absent).sources
        assert source.read_labels(Grid.from_image(source.read_image())).state("Larynx") is state


def test_a_patient_without_spacing_is_a_problem(tmp_path: Path) -> None:
    (write_patient(tmp_path / "pt_1") / "voxel_dimensions.csv").unlink()
    write_patient(tmp_path / "pt_2")
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["pt_2"]
    assert (
        cohort.problems[0].sentence()
        == "Case 'pt_1': its voxel_dimensions.csv is missing. Download that patient again."
    )
