"""A folder as 3D Slicer saves it: scans found by name, segments by name, and what their tags say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.small_scans import OBLIQUE, STRAIGHT, blocks, write_segments, write_volume
from PartialLabelSegLib.data.case import CaseSource, Cohort
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.run.failure import Failure

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Tumour=(1, 1, 1), Spleen=(0, 3, 4))
NOTHING = np.zeros(OBLIQUE.shape, bool)


def source_of(cohort: Cohort, case: str) -> CaseSource:
    return next(source for source in cohort.sources if source.case == case)


def labels_of(cohort: Cohort, case: str) -> Labels:
    source = source_of(cohort, case)
    return source.read_labels(Grid.from_image(source.read_image()))


def warnings_of(cohort: Cohort, case: str) -> list[str]:
    source = source_of(cohort, case)
    return [problem.message for problem in source.labels_and_problems(Grid.from_image(source.read_image()))[1]]


def states(cohort: Cohort, case: str) -> list[State]:
    labels = labels_of(cohort, case)
    return [labels.state(name) for name in labels.structures]


@pytest.mark.parametrize("scan", ["a.nrrd", "a.nii", "a.nii.gz", "a.mha", "a-image.nrrd", "A-image.nii.gz"])
def test_a_segmentation_belongs_to_the_scan_of_its_name(tmp_path: Path, scan: str) -> None:
    write_volume(tmp_path / scan, OBLIQUE)
    case = scan[0]
    write_segments(tmp_path / f"{case}.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    cohort = read_cohort(tmp_path)
    assert (cohort.format, [source.case for source in cohort.sources], cohort.problems) == ("segmentations", [case], ())
    np.testing.assert_array_equal(labels_of(cohort, case).positive("Liver"), MASKS["Liver"])


def test_each_sub_folder_may_be_a_case(tmp_path: Path) -> None:
    for case in ("p1", "p2"):
        write_volume(tmp_path / case / "CT.nrrd", OBLIQUE)
        write_segments(tmp_path / case / "Segmentation.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    write_volume(tmp_path / "p3" / "CT.nrrd", OBLIQUE)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read me.txt").write_text("hello", encoding="utf-8")
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["p1", "p2", "p3"]
    assert [states(cohort, case) for case in ("p1", "p3")] == [[State.LABELLED], [State.MISSING]]
    assert cohort.problems == ()


def test_structures_are_the_segments_of_all_cases_with_their_looks(tmp_path: Path) -> None:
    for case, names in (("a", ["Liver"]), ("b", ["Spleen", "Liver"]), ("c", [])):
        write_volume(tmp_path / f"{case}.nrrd", OBLIQUE)
        if names:
            write_segments(tmp_path / f"{case}.seg.nrrd", OBLIQUE, {name: MASKS[name] for name in names})
    cohort = read_cohort(tmp_path)
    assert [(item.name, item.color, item.terminology) for item in cohort.structures] == [
        ("Liver", (0.0, 0.5, 0.25), "code^Liver"),
        ("Spleen", (0.0, 0.5, 0.25), "code^Spleen"),
    ]
    assert states(cohort, "a") == [State.LABELLED, State.MISSING]
    assert states(cohort, "b") == [State.LABELLED, State.LABELLED]
    assert states(cohort, "c") == [State.MISSING, State.MISSING]
    np.testing.assert_array_equal(labels_of(cohort, "b").positive("Spleen"), MASKS["Spleen"])


def test_segments_that_share_voxels_keep_them_and_may_overlap_in_every_case(tmp_path: Path) -> None:
    for case, names in (("a", ["Liver", "Tumour", "Spleen"]), ("b", ["Liver"])):
        write_volume(tmp_path / f"{case}.nrrd", OBLIQUE)
        write_segments(tmp_path / f"{case}.seg.nrrd", OBLIQUE, {name: MASKS[name] for name in names})
    cohort = read_cohort(tmp_path)
    assert cohort.overlapping == frozenset({frozenset(("Liver", "Tumour"))})
    labels = labels_of(cohort, "a")
    for name in labels.structures:
        np.testing.assert_array_equal(labels.positive(name), MASKS[name])
    other = labels_of(cohort, "b")
    assert not other.certain("Tumour").any()
    np.testing.assert_array_equal(other.certain("Spleen"), MASKS["Liver"])


def test_a_rare_overlap_is_pointed_out(tmp_path: Path) -> None:
    grid = Grid((40, 40, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), STRAIGHT.direction)
    left, right = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    left[:, :, :20], right[:, :, 20:] = True, True
    right[0, 0, 19] = True
    write_volume(tmp_path / "a.nrrd", grid)
    write_segments(tmp_path / "a.seg.nrrd", grid, {"Left": left, "Right": right})
    cohort = read_cohort(tmp_path)
    assert len(cohort.overlapping) == 1
    (problem,) = cohort.problems
    assert problem.sentence().startswith("Structure 'Left': it shares only 1 voxel with 'Right' in all scans together")


def test_an_empty_segment_is_missing_with_a_warning_unless_said_absent(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    write_volume(tmp_path / "b.nrrd", OBLIQUE)
    write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"], "Spleen": NOTHING})
    write_segments(tmp_path / "b.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    cohort = read_cohort(tmp_path)
    assert states(cohort, "a") == [State.LABELLED, State.MISSING]
    assert warnings_of(cohort, "a")[0].startswith("empty label: ")
    other = read_cohort(tmp_path, "absent")
    assert states(other, "a") == [State.LABELLED, State.ABSENT]
    assert warnings_of(other, "a") == []
    # A segment that the file does not have says nothing, whatever is said of empty ones.
    assert states(other, "b") == [State.LABELLED, State.MISSING]


def test_tags_say_the_state(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    tags = {
        "Liver": {"PartialLabelSeg.State": "some slices", "PartialLabelSeg.Slices": "y: 0-2"},
        "Spleen": {"PartialLabelSeg.State": "Absent"},
        "Tumour": {"PartialLabelSeg.State": "missing"},
    }
    write_segments(
        tmp_path / "a.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"], "Spleen": NOTHING, "Tumour": NOTHING}, tags
    )
    cohort = read_cohort(tmp_path)
    assert cohort.sources[0].states == {"Liver": State.SOME_SLICES, "Spleen": State.ABSENT, "Tumour": State.MISSING}
    assert states(cohort, "a") == [State.SOME_SLICES, State.ABSENT, State.MISSING]
    assert labels_of(cohort, "a").slices == {"Liver": Slices(1, (0, 1, 2))}
    assert states(read_cohort(tmp_path, "absent"), "a") == [State.SOME_SLICES, State.ABSENT, State.MISSING]


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (
            {"PartialLabelSeg.State": "absent"},
            "Case 'a', structure 'Liver': it is said to be absent, but 8 voxels of it are drawn.",
        ),
        (
            {"PartialLabelSeg.State": "some slices"},
            "Case 'a', structure 'Liver': it is said to be drawn on some slices, but no slices are given.",
        ),
    ],
)
def test_a_tag_that_contradicts_the_voxels_is_a_sentence(tmp_path: Path, tags: dict[str, str], sentence: str) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]}, {"Liver": tags})
    with pytest.raises(Failure) as caught:
        labels_of(read_cohort(tmp_path), "a")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("tags", [{"PartialLabelSeg.State": "perhaps"}, {"PartialLabelSeg.Slices": "a-b"}])
def test_a_tag_that_is_not_understood_is_a_problem_of_its_case(tmp_path: Path, tags: dict[str, str]) -> None:
    for case in "ab":
        write_volume(tmp_path / f"{case}.nrrd", OBLIQUE)
        write_segments(
            tmp_path / f"{case}.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]}, {"Liver": tags if case == "a" else {}}
        )
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["b"]
    assert (
        cohort.problems[0]
        .sentence()
        .startswith("Case 'a', structure 'Liver': a tag of its segment in a.seg.nrrd is not understood")
    )


def test_two_segments_of_one_name_are_a_problem(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"], "Liver ": MASKS["Spleen"]})
    cohort = read_cohort(tmp_path)
    assert (cohort.sources, cohort.structures) == ((), ())
    (problem,) = cohort.problems
    assert problem.sentence().startswith("Case 'a', structure 'Liver': a.seg.nrrd has two segments of this name.")


def test_a_scan_without_labels_beside_a_broken_segmentation_has_nothing_to_be_read_for(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    write_volume(tmp_path / "b.nrrd", OBLIQUE)
    (tmp_path / "a.seg.nrrd").write_text("hello", encoding="utf-8")
    cohort = read_cohort(tmp_path)
    assert (cohort.sources, cohort.structures) == ((), ())
    assert cohort.problems[0].sentence().startswith("Case 'a': a.seg.nrrd is not a readable segmentation file.")


def test_names_that_differ_only_by_case_are_pointed_out(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"], "liver": MASKS["Spleen"]})
    (problem,) = read_cohort(tmp_path).problems
    assert (problem.structure, problem.severity) == ("liver", "warning")


def test_what_cannot_be_paired_is_a_problem(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    write_segments(tmp_path / "lonely.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    for name in ("one.nrrd", "two.nrrd"):
        write_volume(tmp_path / "many" / name, OBLIQUE)
    write_segments(tmp_path / "none" / "s.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    write_volume(tmp_path / "b.nrrd", OBLIQUE)
    write_volume(tmp_path / "b" / "ct.nrrd", OBLIQUE)
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["a"]
    found = {problem.case: problem.message for problem in cohort.problems}
    assert found["lonely"].startswith("lonely.seg.nrrd has no scan of the same name beside it.")
    assert found["many"].startswith("the folder many holds 2 scans and 0 .seg.nrrd files")
    assert found["none"].startswith("the folder none holds 0 scans and 1 .seg.nrrd files")
    assert found["b"].startswith("the folder b and a file beside it are cases of one name.")


def test_a_label_map_beside_a_scan_is_not_taken_for_a_scan(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    write_volume(tmp_path / "a-label.nrrd", OBLIQUE)
    write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["a"]
    assert [(problem.severity, problem.case) for problem in cohort.problems] == [("warning", "a")]


def test_a_damaged_segmentation_is_a_problem_of_its_case(tmp_path: Path) -> None:
    for case in "ab":
        write_volume(tmp_path / f"{case}.nrrd", OBLIQUE)
        path = write_segments(tmp_path / f"{case}.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    path.write_bytes(path.read_bytes()[:-20])
    cohort = read_cohort(tmp_path)
    assert [source.case for source in cohort.sources] == ["a"]
    assert [problem.sentence() for problem in cohort.problems] == [
        "Case 'b': b.seg.nrrd is damaged or was cut off. Copy or export that file again."
    ]


def test_a_cut_segmentation_falls_into_its_place_without_a_warning(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", STRAIGHT)
    mask = blocks(STRAIGHT, Liver=(1, 2, 3))["Liver"]
    cut = Grid((3, 3, 3), (1.0, 1.0, 1.0), (3.0, 2.0, 1.0), STRAIGHT.direction)
    write_segments(tmp_path / "a.seg.nrrd", cut, {"Liver": mask[1:, 2:, 3:]})
    cohort = read_cohort(tmp_path)
    np.testing.assert_array_equal(labels_of(cohort, "a").positive("Liver"), mask)
    assert warnings_of(cohort, "a") == []


def test_a_segmentation_of_other_voxels_is_resampled_with_one_warning(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", OBLIQUE)
    fine = OBLIQUE.with_spacing((2.5, 0.45, 0.35))
    masks = {name: np.repeat(np.repeat(mask, 2, axis=1), 2, axis=2) for name, mask in MASKS.items()}
    write_segments(tmp_path / "a.seg.nrrd", fine, masks)
    cohort = read_cohort(tmp_path)
    (warning,) = warnings_of(cohort, "a")
    assert warning.startswith("a.seg.nrrd lies on another grid")
    assert labels_of(cohort, "a").positive("Liver").sum() == 8
