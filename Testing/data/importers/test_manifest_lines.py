"""`cases.csv`: a line that cannot be used is named with its case and structure, and the others stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.manifests import HEAD, write
from data.small_scans import OBLIQUE, write_volume
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.run.failure import Failure


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


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("hasty", "Case 'A': how its labels were made is not understood: 'hasty' is not one of checked, quick."),
        (
            "Heart: quick",
            "Case 'A', structure 'Heart': it is said how it was made, but the manifest has no such column.",
        ),
    ],
)
def test_how_labels_were_made_must_be_understood(tmp_path: Path, cell: str, sentence: str) -> None:
    lines = (
        f"{case},ct.nrrd,labels.nii.gz,labelled,labelled,labelled,{word}" for case, word in (("A", cell), ("B", ""))
    )
    cohort = read_cohort(write(tmp_path, *lines, head=f"{HEAD},made"))
    assert [source.case for source in cohort.sources] == ["B"]
    assert [problem.sentence()[: len(sentence)] for problem in cohort.problems] == [sentence]
