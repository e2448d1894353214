"""Cases matched by the names of their files, in the ways in which data sets name them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from PartialLabelSegLib.metrics.pairing import Missing, Note, Pair, case_name, pair_cases
from PartialLabelSegLib.run.failure import Failure


def folder(path: Path, names: Iterable[str]) -> Path:
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def cases(predicted: Path, reference: Path) -> dict[str, tuple[str, str]]:
    return {pair.case: (pair.predicted.name, pair.reference.name) for pair in pair_cases(predicted, reference).pairs}


@pytest.mark.parametrize(
    ("file", "case"),
    [
        ("liver_001.nii.gz", "liver_001"),
        ("pt_100_oar.nii.gz", "pt_100"),
        ("001_label.nii", "001"),
        ("A.B.seg.nrrd", "A.B"),
        ("scan-Segmentation.nrrd", "scan"),
        ("a_completed.seg.nrrd", "a"),
        ("a_pred_seg.mha", "a"),
        ("_seg.mha", "_seg"),
        ("a.NII.GZ", "a"),
    ],
)
def test_the_case_is_the_file_without_its_ending_and_its_kind(file: str, case: str) -> None:
    assert case_name(Path(file)) == case


def test_two_files_are_one_case_whatever_their_names(tmp_path: Path) -> None:
    predicted, reference = (
        folder(tmp_path / "p", ["x.nrrd"]) / "x.nrrd",
        folder(tmp_path / "r", ["y_seg.nii"]) / "y_seg.nii",
    )
    assert pair_cases(predicted, reference).pairs == (Pair("y", predicted, reference),)


def test_folders_of_different_formats_and_suffixes_match_by_case(tmp_path: Path) -> None:
    predicted = folder(tmp_path / "p", ["pt_2.seg.nrrd", "pt_10.nii.gz", "notes.txt", ".hidden.nrrd", "dataset.json"])
    reference = folder(tmp_path / "r", ["pt_2_oar.nii.gz", "pt_2_ct.nii.gz", "pt_10_oar.nii.gz", "pt_10_ct.nii.gz"])
    found = pair_cases(predicted, reference)
    assert [pair.case for pair in found.pairs] == ["pt_2", "pt_10"]
    assert cases(predicted, reference)["pt_2"] == ("pt_2.seg.nrrd", "pt_2_oar.nii.gz")
    assert found.missing == ()
    assert found.notes == ()


def test_cases_of_one_side_only_are_listed(tmp_path: Path) -> None:
    found = pair_cases(
        folder(tmp_path / "p", ["a.nii", "b.nii", "x.nii"]), folder(tmp_path / "r", ["a.nii", "c9.nii", "c10.nii"])
    )
    assert [pair.case for pair in found.pairs] == ["a"]
    assert found.missing == (
        Missing("b", "", "reference"),
        Missing("c9", "", "prediction"),
        Missing("c10", "", "prediction"),
        Missing("x", "", "reference"),
    )


def test_scans_and_maps_beside_the_segmentations_are_passed_over(tmp_path: Path) -> None:
    names = [
        "a.nii.gz",
        "a_0000.nii.gz",
        "a.confidence.nrrd",
        "a_probability.nrrd",
        "a.instances.nrrd",
        "b_seg.nii",
        "b.nii",
        "b_t2.nii",
    ]
    found = pair_cases(folder(tmp_path / "p", names), folder(tmp_path / "r", ["a.nii", "b.nii"]))
    assert [pair.predicted.name for pair in found.pairs] == ["a.nii.gz", "b_seg.nii"]
    assert found.missing == ()


def test_a_case_whose_name_continues_that_of_another_stays_a_case(tmp_path: Path) -> None:
    names = ["patient1.nii", "patient1_frame12.nii", "case_0001.nii", "case_0002.nii"]
    predicted, reference = folder(tmp_path / "p", names), folder(tmp_path / "r", names)
    assert set(cases(predicted, reference)) == {"patient1", "patient1_frame12", "case_0001", "case_0002"}


def test_a_confidence_beside_the_prediction_is_found(tmp_path: Path) -> None:
    predicted = folder(
        tmp_path / "p", ["a.seg.nrrd", "a.confidence.nrrd", "b_seg.nii", "b_seg_confidence.nii.gz", "c.nii"]
    )
    reference = folder(tmp_path / "r", ["a.nii", "b.nii", "c.nii"])
    found = {pair.case: pair.confidence for pair in pair_cases(predicted, reference).pairs}
    assert found == {"a": predicted / "a.confidence.nrrd", "b": predicted / "b_seg_confidence.nii.gz", "c": None}
    (alone,) = pair_cases(predicted / "a.seg.nrrd", reference / "a.nii").pairs
    assert alone.confidence == predicted / "a.confidence.nrrd"


def test_of_several_segmentations_of_a_case_the_choice_is_told(tmp_path: Path) -> None:
    reference = folder(tmp_path / "r", ["a.nii"])
    both = pair_cases(folder(tmp_path / "p", ["a.nii.gz", "a.seg.nrrd"]), reference)
    assert both.pairs[0].predicted.name == "a.seg.nrrd"
    assert both.notes == ()
    rivals = pair_cases(folder(tmp_path / "q", ["a_label.nii", "a_seg.nii"]), reference)
    assert rivals.pairs[0].predicted.name == "a_label.nii"
    assert rivals.notes == (Note("a", "of several files for the prediction, a_label.nii was taken and not a_seg.nii."),)


def test_one_file_against_a_folder_asks_for_that_case_only(tmp_path: Path) -> None:
    reference = folder(tmp_path / "r", ["a_oar.nii", "b_oar.nii"])
    predicted = folder(tmp_path / "p", ["b.seg.nrrd"]) / "b.seg.nrrd"
    found = pair_cases(predicted, reference)
    assert found.pairs == (Pair("b", predicted, reference / "b_oar.nii"),)
    assert found.missing == ()


def test_what_cannot_be_paired_is_said(tmp_path: Path) -> None:
    full, empty = folder(tmp_path / "full", ["a.nii"]), folder(tmp_path / "empty", ["readme.txt"])
    with pytest.raises(Failure, match="empty holds no segmentation"):
        pair_cases(empty, full)
    with pytest.raises(Failure, match="nowhere does not exist"):
        pair_cases(full, tmp_path / "nowhere")
    with pytest.raises(Failure, match=r"readme.txt is no segmentation. Files that can be read end on .seg.nrrd"):
        pair_cases(empty / "readme.txt", full / "a.nii")
    others = folder(tmp_path / "others", [f"z{number}.nii" for number in range(5)])
    with pytest.raises(Failure, match=r"No case is in both full \(a\) and others \(z0, z1, z2 and 2 more\)"):
        pair_cases(full, others)


def test_missing_from_names_a_side() -> None:
    with pytest.raises(ValueError, match="missing_from must be"):
        Missing("a", "", "nowhere")
