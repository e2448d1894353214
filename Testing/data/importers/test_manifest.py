"""`cases.csv`: what its lines and files mean."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.manifests import HEAD, MASKS, labels_of, problems_of, source_of, write
from data.small_scans import OBLIQUE, STRAIGHT, blocks, grey_values, write_segments, write_volume
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.labels import Slices
from PartialLabelSegLib.data.types import State


def test_a_line_says_what_is_labelled_missing_and_absent(tmp_path: Path) -> None:
    write_volume(tmp_path / "liver.nrrd", OBLIQUE, MASKS["Liver"].astype(np.uint8))
    cohort = read_cohort(write(tmp_path, "A,ct.nrrd,liver.nrrd,Labelled,,ABSENT"))
    assert cohort.format == "manifest"
    assert [structure.name for structure in cohort.structures] == ["Liver", "Tumour", "Spleen"]
    assert source_of(cohort).states == {"Liver": State.LABELLED, "Tumour": State.MISSING, "Spleen": State.ABSENT}
    labels = labels_of(cohort)
    assert labels.known == (True, False, True)
    assert [labels.state(name) for name in labels.structures] == [State.LABELLED, State.MISSING, State.ABSENT]
    np.testing.assert_array_equal(labels.positive("Liver"), MASKS["Liver"])
    assert problems_of(cohort) == []
    np.testing.assert_array_equal(sitk.GetArrayFromImage(source_of(cohort).read_image()), grey_values(OBLIQUE))


def test_the_file_or_its_folder_may_be_named(tmp_path: Path) -> None:
    write(tmp_path, "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled")
    (tmp_path / "cases.csv").rename(tmp_path / "My cases.CSV")
    assert len(read_cohort(tmp_path / "My cases.CSV").sources) == 1


def test_label_values_follow_the_columns_or_the_side_file(tmp_path: Path) -> None:
    write(tmp_path, "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled")
    np.testing.assert_array_equal(labels_of(read_cohort(tmp_path)).positive("Spleen"), MASKS["Spleen"])
    (tmp_path / "structures.json").write_text(json.dumps({"Spleen": 1, "Liver": 2, "Tumour": 3}), encoding="utf-8")
    labels = labels_of(read_cohort(tmp_path))
    np.testing.assert_array_equal(labels.positive("Spleen"), MASKS["Liver"])
    assert labels.structures == ("Liver", "Tumour", "Spleen")


def test_an_unlabelled_scan_needs_no_label_file(tmp_path: Path) -> None:
    labels = labels_of(read_cohort(write(tmp_path, "A,ct.nrrd,,,missing,absent")))
    assert labels.known == (False, False, True)
    assert not labels.label_map.any()


def test_several_masks_may_share_voxels(tmp_path: Path) -> None:
    tumour = np.zeros(OBLIQUE.shape, bool)
    tumour[1:3, 1, 1] = True
    write_volume(tmp_path / "l.nrrd", OBLIQUE, MASKS["Liver"].astype(np.uint8) * 255)
    write_volume(tmp_path / "t.mha", OBLIQUE, tumour.astype(np.float32))
    write(
        tmp_path,
        "A,ct.nrrd,Liver=l.nrrd; Tumour = t.mha,labelled,labelled,missing",
        "B,ct.nrrd,Liver=l.nrrd,labelled,,",
    )
    cohort = read_cohort(tmp_path)
    assert cohort.overlapping == frozenset({frozenset(("Liver", "Tumour"))})
    labels = labels_of(cohort)
    np.testing.assert_array_equal(labels.positive("Liver"), MASKS["Liver"])
    np.testing.assert_array_equal(labels.positive("Tumour"), tumour)
    # In B, where only the liver is drawn, its voxels say nothing about the tumour.
    other = labels_of(cohort, "B")
    assert other.overlapping == cohort.overlapping
    assert not other.certain("Tumour").any()
    assert other.certain("Spleen").sum() == 8


def test_a_declaration_of_overlaps_is_trusted_and_the_rest_is_a_warning(tmp_path: Path) -> None:
    tumour = np.zeros(OBLIQUE.shape, bool)
    tumour[1:3, 1, 1] = True
    write_volume(tmp_path / "l.nrrd", OBLIQUE, MASKS["Liver"].astype(np.uint8))
    write_volume(tmp_path / "t.nrrd", OBLIQUE, tumour.astype(np.uint8))
    write(tmp_path, "A,ct.nrrd,Liver=l.nrrd;Tumour=t.nrrd,labelled,labelled,missing")
    (tmp_path / "structures.json").write_text('{"overlapping": []}', encoding="utf-8")
    cohort = read_cohort(tmp_path)
    assert cohort.overlapping == frozenset()
    assert problems_of(cohort) == [
        "warning: Case 'A', structure 'Liver': it shares 1 voxel with 'Tumour', though the two exclude each other. "
        "These voxels count as both; correct the drawing if that is not meant."
    ]
    labels = labels_of(cohort)
    assert labels.positive("Liver").sum() == 8
    assert labels.positive("Tumour").sum() == 2


def test_segments_are_found_by_their_names(tmp_path: Path) -> None:
    masks = {**MASKS, "Tumour": blocks(OBLIQUE, Tumour=(1, 1, 1))["Tumour"], "Body": np.ones(OBLIQUE.shape, bool)}
    write_segments(
        tmp_path / "a.seg.nrrd",
        OBLIQUE,
        masks,
        {"Spleen": {"PartialLabelSeg.State": "some slices", "PartialLabelSeg.Slices": "0-2"}},
    )
    cohort = read_cohort(write(tmp_path, "A,ct.nrrd,a.seg.nrrd,labelled,labelled,labelled"))
    labels = labels_of(cohort)
    for name in labels.structures:
        np.testing.assert_array_equal(labels.positive(name), masks[name])
    assert cohort.overlapping == frozenset({frozenset(("Liver", "Tumour"))})
    # The segment's own tag narrows what the manifest says.
    assert labels.slices == {"Spleen": Slices(0, (0, 1, 2))}
    (problem,) = problems_of(cohort)
    assert "structure 'Body': a.seg.nrrd has a segment of this name, but the manifest has no such column" in problem


@pytest.mark.parametrize("as_file", [False, True])
def test_a_structure_may_be_drawn_on_some_slices(tmp_path: Path, as_file: bool) -> None:
    cell = '"Liver: 0-1, 3; Spleen@y: 3-4"'
    if as_file:
        cell = "drawn.json"
        (tmp_path / cell).write_text(
            json.dumps({"Liver": {"axis": "z", "slices": [0, 1, 3]}, "Spleen": {"axis": "y", "slices": [3, 4]}}),
            encoding="utf-8",
        )
    cohort = read_cohort(
        write(tmp_path, f"A,ct.nrrd,labels.nii.gz,labelled,labelled,some slices,{cell}", head=HEAD + ",slices")
    )
    labels = labels_of(cohort)
    assert labels.slices == {"Liver": Slices(0, (0, 1, 3)), "Spleen": Slices(1, (3, 4))}
    assert labels.known == (False, True, False)
    assert source_of(cohort).states["Liver"] is State.SOME_SLICES
    assert problems_of(cohort) == []


def test_splits_are_kept(tmp_path: Path) -> None:
    lines = [
        f"{split or 'none'},ct.nrrd,labels.nii.gz,labelled,labelled,labelled,{split}"
        for split in ("train", "Validation", "TEST", "")
    ]
    cohort = read_cohort(write(tmp_path, *lines, head=HEAD + ",split"))
    assert [source.split for source in cohort.sources] == ["train", "validation", "test", ""]


def test_a_dicom_folder_may_be_the_image(tmp_path: Path) -> None:
    writer = sitk.ImageFileWriter()
    (tmp_path / "series").mkdir()
    for index in range(4):
        plane = sitk.GetImageFromArray(grey_values(STRAIGHT)[index])
        for tag, value in {
            "0008|0060": "CT",
            "0020|0013": str(index),
            "0020|0032": f"0\\0\\{index}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0020|000e": "1.2",
            "0008|0018": f"1.2.{index + 1}",
        }.items():
            plane.SetMetaData(tag, value)
        writer.KeepOriginalImageUIDOn()
        writer.SetFileName(str(tmp_path / "series" / f"{index}.dcm"))
        writer.Execute(plane)
    source = source_of(read_cohort(write(tmp_path, "A,series,,,,")))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(source.read_image()), grey_values(STRAIGHT))


@pytest.mark.parametrize(
    ("cell", "quick"),
    [
        ("", set()),
        ("checked", set()),
        ("QUICK", {"Liver", "Spleen"}),
        ("Liver: quick", {"Liver"}),
        ("quick; Liver: checked", {"Spleen"}),
        ("Tumour: quick", set()),
    ],
)
@pytest.mark.parametrize("files", ["labels.nii.gz", "Liver=liver.nrrd;Spleen=spleen.nrrd", "all.seg.nrrd"])
def test_a_line_says_which_labels_were_drawn_quickly(tmp_path: Path, files: str, cell: str, quick: set[str]) -> None:
    masks = {name: MASKS[name] for name in ("Liver", "Spleen")}
    for name, mask in masks.items():
        write_volume(tmp_path / f"{name.lower()}.nrrd", OBLIQUE, mask.astype(np.uint8))
    write_segments(tmp_path / "all.seg.nrrd", OBLIQUE, masks)
    # The tumour is missing, so nothing that is said of its label counts.
    write(tmp_path, f"A,ct.nrrd,{files},labelled,,labelled,{cell}", head=f"{HEAD},made")
    write_volume(tmp_path / "labels.nii.gz", OBLIQUE, (MASKS["Liver"] + 3 * MASKS["Spleen"]).astype(np.uint8))
    labels = labels_of(read_cohort(tmp_path))
    assert labels.imperfect == quick
    for name, mask in masks.items():
        np.testing.assert_array_equal(labels.positive(name), mask)
