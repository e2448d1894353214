"""`cases.csv`: what its lines and files mean, and every contradiction named with its case and structure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.small_scans import IDENTITY, OBLIQUE, STRAIGHT, blocks, grey_values, label_map, write_segments, write_volume
from PartialLabelSegLib.data.case import CaseSource, Cohort
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.run.failure import Failure

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Tumour=(2, 0, 0), Spleen=(0, 3, 4))
HEAD = "case,image,labels,Liver,Tumour,Spleen"


def write(folder: Path, *lines: str, head: str = HEAD) -> Path:
    """The manifest, with a scan and a label map of the three structures beside it."""
    write_volume(folder / "ct.nrrd", OBLIQUE)
    write_volume(folder / "labels.nii.gz", OBLIQUE, label_map(MASKS))
    (folder / "cases.csv").write_text("\n".join([head, *lines]) + "\n")
    return folder


def labels_of(cohort: Cohort, case: str = "A") -> Labels:
    source = source_of(cohort, case)
    return source.read_labels(Grid.from_image(source.read_image()))


def source_of(cohort: Cohort, case: str = "A") -> CaseSource:
    return next(source for source in cohort.sources if source.case == case)


def problems_of(cohort: Cohort, case: str = "A") -> list[str]:
    """The sentences about one case, of the line and of its files."""
    said = [problem for problem in cohort.problems if problem.case == case]
    for source in cohort.sources:
        if source.case == case:
            said += source.labels_and_problems(Grid.from_image(source.read_image()))[1]
    return [f"{problem.severity}: {problem.sentence()}" for problem in said]


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
    (tmp_path / "structures.json").write_text(json.dumps({"Spleen": 1, "Liver": 2, "Tumour": 3}))
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
    (tmp_path / "structures.json").write_text('{"overlapping": []}')
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
            json.dumps({"Liver": {"axis": "z", "slices": [0, 1, 3]}, "Spleen": {"axis": "y", "slices": [3, 4]}})
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
    ("line", "sentence"),
    [
        ("A,gone.nrrd,labels.nii.gz,labelled,labelled,labelled,,", "Case 'A': its image 'gone.nrrd' is missing."),
        ("A,ct.nrrd,gone.nii.gz,labelled,labelled,labelled,,", "Case 'A': its label file 'gone.nii.gz' is missing."),
        ("A,ct.nrrd,Liver=gone.nrrd,labelled,missing,missing,,", "Case 'A': its label file 'gone.nrrd' is missing."),
        (
            "A,../ct.nrrd,labels.nii.gz,labelled,labelled,labelled,,",
            "Case 'A': The path of the image '../ct.nrrd' leads out of its folder.",
        ),
        (
            "A,/ct.nrrd,labels.nii.gz,labelled,labelled,labelled,,",
            "Case 'A': The path of the image '/ct.nrrd' leads out of its folder.",
        ),
        ("A,ct.nrrd,../../labels.nii.gz,labelled,labelled,labelled,,", "leads out of its folder"),
        ("A,,labels.nii.gz,labelled,labelled,labelled,,", "Case 'A': it names no image."),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,yes,labelled,,",
            "Case 'A', structure 'Tumour': 'yes' is not one of labelled, missing, absent, some slices.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,test2,",
            "Case 'A': its split 'test2' is not one of train, validation, test.",
        ),
        (
            "A,ct.nrrd,,labelled,missing,missing,,",
            "Case 'A', structure 'Liver': it is said to be labelled, but the case names no label file.",
        ),
        (
            "A,ct.nrrd,Heart=labels.nii.gz,labelled,missing,missing,,",
            "Case 'A', structure 'Heart': it has a label file, but the manifest has no column of that name.",
        ),
        (
            "A,ct.nrrd,Liver=,labelled,missing,missing,,",
            "Case 'A': its label files are not understood: 'Liver=' is not of the form",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,,Heart: 3",
            "Case 'A', structure 'Heart': it has a list of slices, but the manifest has no such column.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,missing,,Spleen: 3",
            "Case 'A', structure 'Spleen': it is said to be missing, but has a list of slices.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,,Liver 3",
            "Case 'A': its slices are not understood: 'Liver 3' is not of the form 'Liver: 3-10, 15'.",
        ),
        (
            "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,,gone.json",
            "Case 'A': its list of slices 'gone.json' is missing.",
        ),
        ("A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,,../s.json", "leads out of its folder"),
    ],
)
def test_a_line_that_cannot_be_used_is_a_sentence_and_the_others_stay(tmp_path: Path, line: str, sentence: str) -> None:
    good = "B,ct.nrrd,labels.nii.gz,labelled,labelled,labelled,,"
    cohort = read_cohort(write(tmp_path, line, good, head=HEAD + ",split,slices"))
    assert [source.case for source in cohort.sources] == ["B"]
    assert any(sentence in problem.sentence() and problem.severity == "error" for problem in cohort.problems), (
        cohort.problems
    )


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
        (tmp_path / name).write_text("hello")
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


def test_a_second_case_of_one_name_is_a_problem(tmp_path: Path) -> None:
    line = "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled"
    cohort = read_cohort(write(tmp_path, line, line, "," + line.split(",", 1)[1], "B" + line[1:]))
    # Which of the two is meant cannot be known, so neither is used.
    assert [source.case for source in cohort.sources] == ["B"]
    assert [problem.sentence() for problem in cohort.problems] == [
        "Case 'A': line 3 of cases.csv names a case that is there already. Give each scan a name of its own.",
        "line 4 of cases.csv has no case name. Give each scan a name of its own.",
    ]


def test_names_that_differ_only_by_case_or_blanks_are_pointed_out(tmp_path: Path) -> None:
    head = "case,image,labels,Left Kidney,left_kidney"
    (problem,) = read_cohort(write(tmp_path, "A,ct.nrrd,,,", head=head)).problems
    assert (problem.structure, problem.severity) == ("left_kidney", "warning")
    assert "'Left Kidney'" in problem.message


def test_a_manifest_without_a_case_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="holds no case"):
        read_cohort(write(tmp_path))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write_volume(tmp_path / "outside.nrrd", OBLIQUE)
    folder = tmp_path / "in"
    write(folder, "A,link.nrrd,labels.nii.gz,labelled,labelled,labelled")
    (folder / "link.nrrd").symlink_to(tmp_path / "outside.nrrd")
    (problem,) = read_cohort(folder).problems
    assert "leads out of its folder" in problem.message
