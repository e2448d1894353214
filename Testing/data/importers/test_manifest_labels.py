"""`cases.csv`: label files that contradict their line, or do not fit the scan, each named with its case and structure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.manifests import HEAD, MASKS, labels_of, problems_of, write
from data.small_scans import IDENTITY, OBLIQUE, label_map, write_volume
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.run.failure import Failure


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "A,ct.nrrd,labels.nii.gz,labelled,,labelled,",
            "error: Case 'A', structure 'Tumour': it is said to be missing, but 8 voxels of it are drawn. Say that it is labelled, or erase those voxels.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,absent,",
            "error: Case 'A', structure 'Spleen': it is said to be absent, but 8 voxels of it are drawn.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,some slices,",
            "error: Case 'A', structure 'Spleen': it is said to be drawn on some slices, but no slices are given.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,Spleen: 3-4",
            "error: Case 'A', structure 'Spleen': slice 4 along z is given, but the scan's slices are 0 to 3.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,Spleen: 0",
            "warning: Case 'A', structure 'Spleen': voxels are drawn on slice 1 along z, which its list of slices leaves out.",
        ),
        (
            "A,ct.nrrd,liver.nrrd,labelled,labelled,missing,",
            "warning: Case 'A', structure 'Tumour': empty label: it is said to be labelled, but no voxel of it lies in the scan; it is taken as missing.",
        ),
        (
            "A,ct.nrrd,liver.nrrd,labelled,labelled,missing,Tumour: 0-2",
            "warning: Case 'A', structure 'Tumour': empty label: nothing is drawn on its slices",
        ),
        (
            "A,ct.nrrd,high.nrrd,labelled,labelled,labelled,",
            "error: Case 'A': high.nrrd holds the label values 7, 300, which no structure has.",
        ),
        (
            "A,ct.nrrd,Liver=labels.nii.gz,labelled,missing,missing,",
            "error: Case 'A', structure 'Liver': labels.nii.gz is not a mask of one structure: it holds the values 1, 2, 3.",
        ),
        (
            "A,ct.nrrd,Liver=half.nrrd,labelled,missing,missing,",
            "error: Case 'A', structure 'Liver': half.nrrd holds fractions",
        ),
        (
            "A,ct.nrrd,far.nrrd,labelled,labelled,labelled,",
            "error: Case 'A': far.nrrd lies elsewhere in space than the scan.",
        ),
        ("A,ct.nrrd,cut.nii.gz,labelled,labelled,labelled,", "error: Case 'A': cut.nii.gz is damaged or was cut off."),
        (
            "A,ct.nrrd,text.nii.gz,labelled,labelled,labelled,",
            "error: Case 'A': text.nii.gz is not a readable NRRD, NIfTI or MetaImage file.",
        ),
        ("A,ct.nrrd,text.seg.nrrd,labelled,labelled,labelled,", "error: Case 'A': text.seg.nrrd is not a readable"),
    ],
)
def test_labels_that_contradict_their_line_are_a_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    write(tmp_path, line, head=HEAD + ",slices")
    write_volume(tmp_path / "liver.nrrd", OBLIQUE, MASKS["Liver"].astype(np.uint8))
    high = label_map(MASKS).astype(np.int16)
    high[3, 4, 0], high[3, 4, 1] = 7, 300
    write_volume(tmp_path / "high.nrrd", OBLIQUE, high)
    write_volume(tmp_path / "half.nrrd", OBLIQUE, MASKS["Liver"].astype(np.float32) / 2)
    write_volume(
        tmp_path / "far.nrrd", Grid(OBLIQUE.size, OBLIQUE.spacing, (500.0, 0.0, 0.0), IDENTITY), label_map(MASKS)
    )
    content = (tmp_path / "labels.nii.gz").read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(content[: len(content) // 2])
    for name in ("text.nii.gz", "text.seg.nrrd"):
        (tmp_path / name).write_text("hello", encoding="utf-8")
    cohort = read_cohort(tmp_path)
    (found,) = problems_of(cohort)
    assert found.startswith(sentence)
    if found.startswith("error"):
        with pytest.raises(Failure) as caught:
            labels_of(cohort)
        assert f"error: {caught.value}" == found
    else:
        labels_of(cohort)


def test_an_empty_label_is_taken_as_missing(tmp_path: Path) -> None:
    write_volume(tmp_path / "liver.nrrd", OBLIQUE, MASKS["Liver"].astype(np.uint8))
    labels = labels_of(read_cohort(write(tmp_path, "A,ct.nrrd,liver.nrrd,labelled,labelled,absent")))
    assert [labels.state(name) for name in labels.structures] == [State.LABELLED, State.MISSING, State.ABSENT]


def test_every_contradiction_of_a_case_is_told_at_once(tmp_path: Path) -> None:
    cohort = read_cohort(write(tmp_path, "A,ct.nrrd,labels.nii.gz,absent,missing,labelled"))
    assert [problem.split(":")[1] for problem in problems_of(cohort)] == [
        " Case 'A', structure 'Liver'",
        " Case 'A', structure 'Tumour'",
    ]


def test_labels_on_another_grid_take_the_nearest_voxel_with_a_warning(tmp_path: Path) -> None:
    fine = OBLIQUE.with_spacing((2.5, 0.45, 0.35))
    doubled = np.repeat(np.repeat(label_map(MASKS), 2, axis=1), 2, axis=2)
    assert doubled.shape == fine.shape
    write_volume(tmp_path / "fine.nrrd", fine, doubled)
    cohort = read_cohort(write(tmp_path, "A,ct.nrrd,fine.nrrd,labelled,labelled,labelled"))
    np.testing.assert_array_equal(labels_of(cohort).label_map > 0, label_map(MASKS) > 0)
    (problem,) = problems_of(cohort)
    assert problem.startswith(
        "warning: Case 'A': fine.nrrd lies on another grid (12×10×4 voxels of 0.35×0.45×2.5 mm) than the scan (6×5×4 voxels of 0.7×0.9×2.5 mm)."
    )


def test_voxels_outside_the_scan_are_counted_in_a_warning(tmp_path: Path) -> None:
    wide = np.pad(label_map(MASKS), ((0, 0), (0, 0), (0, 2)))
    wide[0, 0, 6:] = 1
    write_volume(tmp_path / "wide.nrrd", Grid((8, 5, 4), OBLIQUE.spacing, OBLIQUE.origin, OBLIQUE.direction), wide)
    cohort = read_cohort(write(tmp_path, "A,ct.nrrd,wide.nrrd,labelled,labelled,labelled"))
    (problem,) = problems_of(cohort)
    assert problem.startswith("warning: Case 'A': 2 voxels drawn in wide.nrrd lie outside the scan and are left out.")
