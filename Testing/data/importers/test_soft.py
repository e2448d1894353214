"""Soft labels beside a manifest: what the file means, on which slices anybody looked, and every mistake named with its case and structure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.manifests import labels_of, problems_of, source_of
from data.small_scans import OBLIQUE, STRAIGHT, write_segments, write_volume
from PartialLabelSegLib.data.check import check_cohort
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import CohortChoices, read_cohort, read_cohorts
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.run.failure import Failure

HEAD = "case,image,labels,soft,Bone,Lesion"
PLAIN = "A,ct.nrrd,,a/soft.json,missing,labelled"


def probabilities(grid: Grid = OBLIQUE) -> np.ndarray:
    """A lesion: certain in the middle, one half and one quarter around."""
    soft = np.zeros(grid.shape, np.float32)
    soft[0:4, 1:4, 1:5], soft[1:3, 1:3, 1:4], soft[1, 2, 2] = 0.25, 0.5, 1
    return soft


def described(file: str = "lesion.nrrd", read: Any = None, scale: Any = 1.0) -> dict[str, Any]:
    return {"format": 1, "structures": {"Lesion": {"file": file, "scale": scale}}, "read_slices": {"Lesion": read}}


def write(folder: Path, content: Any, *lines: str, head: str = HEAD) -> Path:
    """A manifest with a scan, a soft label and the file that describes it; without lines that of one case."""
    write_volume(folder / "ct.nrrd", OBLIQUE)
    write_volume(folder / "a" / "lesion.nrrd", OBLIQUE, probabilities())
    (folder / "a" / "soft.json").write_text(
        content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
    )
    (folder / "cases.csv").write_text("\n".join([head, *(lines or (PLAIN,))]) + "\n", encoding="utf-8")
    return folder


def imported(folder: Path, content: Any, *lines: str) -> Labels:
    return labels_of(read_cohort(write(folder, content, *lines)))


def test_a_soft_label_is_read_and_hardened_at_one_half(tmp_path: Path) -> None:
    labels = imported(tmp_path, described())
    np.testing.assert_array_equal(labels.soft["Lesion"], probabilities())
    np.testing.assert_array_equal(labels.positive("Lesion"), probabilities() >= 0.5)
    assert labels.known == (False, True) and labels.state("Lesion") is State.LABELLED
    assert problems_of(read_cohort(tmp_path)) == []
    assert source_of(read_cohort(tmp_path)).states["Lesion"] is State.LABELLED


@pytest.mark.parametrize(("kind", "one"), [(np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize("ending", ["nrrd", "nii.gz", "nii"])
def test_scaled_volumes_are_the_same_probabilities(tmp_path: Path, kind: type, one: int, ending: str) -> None:
    stored = np.rint(probabilities() * one).astype(kind)
    write_volume(tmp_path / "a" / f"scaled.{ending}", OBLIQUE, stored)
    labels = imported(tmp_path, described(f"scaled.{ending}", scale=1 / one))
    np.testing.assert_allclose(labels.soft["Lesion"], probabilities(), atol=0.5 / one + 1e-6)
    assert labels.soft["Lesion"].max() == 1 and labels.soft["Lesion"].min() == 0


def test_slices_that_nobody_read_are_unknown(tmp_path: Path) -> None:
    write_volume(tmp_path / "a" / "read.nrrd", OBLIQUE, probabilities() * np.array([0, 1, 1, 0])[:, None, None])
    labels = imported(tmp_path, described("read.nrrd", [1, 2]))
    assert labels.known == (False, False) and labels.slices == {"Lesion": Slices(0, (1, 2))}
    assert np.isnan(labels.soft["Lesion"][[0, 3]]).all()
    np.testing.assert_array_equal(labels.soft["Lesion"][1:3], probabilities()[1:3])
    np.testing.assert_array_equal(labels.certain("Lesion"), Slices(0, (1, 2)).mask(OBLIQUE.shape))
    cohort = read_cohort(tmp_path)
    assert problems_of(cohort) == [] and source_of(cohort).states["Lesion"] is State.SOME_SLICES
    cell = check_cohort(cohort).rows[0].cells
    assert cell is not None and (cell["Lesion"].slices, cell["Lesion"].slices_of) == (2, 4)


def test_the_slices_may_lie_along_another_axis(tmp_path: Path) -> None:
    labels = imported(tmp_path, described(read={"axis": "y", "slices": [1, 2, 3]}))
    assert labels.slices == {"Lesion": Slices(1, (1, 2, 3))}
    assert np.isnan(labels.soft["Lesion"][:, [0, 4]]).all() and not np.isnan(labels.soft["Lesion"][:, 1:4]).any()


def test_probabilities_on_slices_that_nobody_read_are_left_out_with_a_warning(tmp_path: Path) -> None:
    cohort = read_cohort(write(tmp_path, described(read=[1, 2])))
    labels = labels_of(cohort)
    assert not labels.positive("Lesion")[[0, 3]].any()
    (warning,) = problems_of(cohort)
    assert warning.startswith("warning") and "nobody read (24 voxels)" in warning and "Lesion" in warning


def test_a_lesion_below_one_half_everywhere_is_labelled_nevertheless(tmp_path: Path) -> None:
    write_volume(tmp_path / "a" / "faint.nrrd", OBLIQUE, probabilities() / 4)
    labels = imported(tmp_path, described("faint.nrrd"))
    assert labels.known == (False, True) and not labels.label_map.any() and labels.soft["Lesion"].max() == 0.25
    assert labels.state("Lesion") is State.LABELLED and problems_of(read_cohort(tmp_path)) == []
    some = imported(tmp_path, described("faint.nrrd", [0, 1, 2, 3]))
    assert some.state("Lesion") is State.SOME_SLICES and problems_of(read_cohort(tmp_path)) == []


def test_hard_and_soft_structures_of_one_scan_may_share_voxels(tmp_path: Path) -> None:
    bone = np.zeros(OBLIQUE.shape, np.uint8)
    bone[:, :4, :5] = 1
    write_volume(tmp_path / "bone.nrrd", OBLIQUE, bone)
    line = "A,ct.nrrd,{},a/soft.json,labelled,labelled"
    write_segments(tmp_path / "bone.seg.nrrd", OBLIQUE, {"Bone": bone > 0})
    for files in ("bone.nrrd", "Bone=bone.nrrd", "bone.seg.nrrd"):
        labels = imported(tmp_path, described(), line.format(files))
        assert labels.overlapping == frozenset({frozenset(("Bone", "Lesion"))}), files
        np.testing.assert_array_equal(labels.positive("Bone"), bone == 1)
        np.testing.assert_array_equal(labels.positive("Lesion"), probabilities() >= 0.5)
        assert labels.known == (True, True) and set(labels.soft) == {"Lesion"}


def test_the_soft_label_counts_where_the_label_file_draws_the_structure_otherwise(tmp_path: Path) -> None:
    line = "A,ct.nrrd,Lesion=hard.nrrd,a/soft.json,missing,labelled"
    write_volume(tmp_path / "hard.nrrd", OBLIQUE, (probabilities() >= 0.5).astype(np.uint8))
    assert problems_of(read_cohort(write(tmp_path, described(), line))) == []
    write_volume(tmp_path / "hard.nrrd", OBLIQUE, (probabilities() > 0.5).astype(np.uint8))
    cohort = read_cohort(tmp_path)
    (warning,) = problems_of(cohort)
    assert warning.startswith("warning") and "otherwise than its soft label" in warning
    np.testing.assert_array_equal(labels_of(cohort).positive("Lesion"), probabilities() >= 0.5)


def test_a_soft_label_on_another_grid_is_moved_and_outside_it_nothing_is_there(tmp_path: Path) -> None:
    inner = Grid((4, 3, 2), OBLIQUE.spacing, _at(OBLIQUE, (1, 1, 1)), OBLIQUE.direction)
    write_volume(tmp_path / "a" / "cut.nrrd", inner, probabilities()[1:3, 1:4, 1:5])
    labels = imported(tmp_path, described("cut.nrrd"))
    expected = np.zeros(OBLIQUE.shape, np.float32)
    expected[1:3, 1:4, 1:5] = probabilities()[1:3, 1:4, 1:5]
    np.testing.assert_array_equal(labels.soft["Lesion"], expected)


def test_a_soft_label_elsewhere_in_space_is_refused(tmp_path: Path) -> None:
    far = Grid(OBLIQUE.size, OBLIQUE.spacing, (900.0, 0.0, 0.0), OBLIQUE.direction)
    write_volume(tmp_path / "a" / "far.nrrd", far, probabilities())
    (problem,) = problems_of(read_cohort(write(tmp_path, described("far.nrrd"))))
    assert problem.startswith("error") and "elsewhere in space" in problem and "Lesion" in problem and "A" in problem


def _at(grid: Grid, index: tuple[int, int, int]) -> tuple[float, float, float]:
    """The place of a voxel (x, y, z)."""
    steps = np.array(index) * grid.spacing
    x, y, z = np.array(grid.origin) + np.reshape(grid.direction, (3, 3)) @ steps
    return (float(x), float(y), float(z))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "list of soft labels"),
        ([], "no list of soft labels"),
        ({"format": 1}, "no list of soft labels"),
        ({**described(), "read_slices": [1]}, "no list of soft labels"),
        ({**described(), "format": 2}, "format 2"),
        ({**described(), "structures": {"Heart": {"file": "lesion.nrrd"}}}, "no column of that name"),
        ({**described(), "read_slices": {"Heart": [1]}}, "no column of that name"),
        ({**described(), "read_slices": {"Bone": [1]}}, "names no file"),
        ({**described(), "structures": {"Lesion": "lesion.nrrd"}}, 'its "file"'),
        (described(scale="1/255"), '"scale" above 0'),
        (described(scale=0), '"scale" above 0'),
        (described(scale=True), '"scale" above 0'),
        (described(scale=255.0), "a probability lies in 0..1"),
        (described("nowhere.nrrd"), "'nowhere.nrrd' is missing"),
        (described("../../outside.nrrd"), "leads out of its folder"),
        (described("/etc/passwd"), "leads out of its folder"),
        (described("C:\\lesion.nrrd"), "leads out of its folder"),
        (described("soft.json"), "soft.json"),
        (described(read="all"), "not understood"),
        (described(read=[1.5]), "not understood"),
        (described(read=[-1]), "not understood"),
        (described(read={"axis": "w", "slices": [1]}), "not understood"),
        (described(read=[7]), "slice 7 along z"),
        (described(read=[]), "no slices are given"),
    ],
)
def test_a_mistake_is_named_with_its_case(tmp_path: Path, content: Any, words: str) -> None:
    folder = write(tmp_path / "data", content)
    write_volume(tmp_path / "outside.nrrd", OBLIQUE, probabilities())
    cohort = read_cohort(folder)
    (problem,) = problems_of(cohort)
    assert problem.startswith("error") and words in problem and "A" in problem
    for source in cohort.sources:
        with pytest.raises(Failure) as caught:
            source.read_labels(OBLIQUE)
        assert caught.value.case == "A"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A,ct.nrrd,,a/soft.json,,missing", "said to be missing, but has a soft label"),
        ("A,ct.nrrd,,a/soft.json,,absent", "said to be absent, but has a soft label"),
        ("A,ct.nrrd,,b/soft.json,,labelled", "list of soft labels 'b/soft.json' is missing"),
        ("A,ct.nrrd,,../soft.json,,labelled", "leads out of its folder"),
        ("A,ct.nrrd,,a/soft.json,labelled,labelled", "names no label file"),
    ],
)
def test_a_line_that_contradicts_its_soft_labels_is_an_error(tmp_path: Path, line: str, words: str) -> None:
    (problem,) = problems_of(read_cohort(write(tmp_path, described(), line)))
    assert problem.startswith("error") and words in problem


def test_slices_of_the_manifest_hold_for_a_soft_label_that_has_none_of_its_own(tmp_path: Path) -> None:
    head, line = f"{HEAD},slices", f"{PLAIN},Lesion: 0-2"
    labels = labels_of(read_cohort(write(tmp_path, described(), line, head=head)))
    assert labels.slices == {"Lesion": Slices(0, (0, 1, 2))} and np.isnan(labels.soft["Lesion"][3]).all()
    (problem,) = problems_of(read_cohort(write(tmp_path, described(read=[1]), line, head=head)))
    assert problem.startswith("error") and "in the manifest and in the list of soft labels" in problem


def test_a_value_that_is_no_number_is_refused(tmp_path: Path) -> None:
    broken = probabilities()
    broken[0, 0, 0] = np.nan
    write_volume(tmp_path / "a" / "broken.nrrd", OBLIQUE, broken)
    (problem,) = problems_of(read_cohort(write(tmp_path, described("broken.nrrd"))))
    assert problem.startswith("error") and "not a number" in problem and "Lesion" in problem


def test_the_files_may_lie_anywhere_below_the_manifest(tmp_path: Path) -> None:
    write_volume(tmp_path / "all" / "lesion.nrrd", OBLIQUE, probabilities())
    assert imported(tmp_path, described("../all/lesion.nrrd")).soft["Lesion"].max() == 1
    write_volume(tmp_path / "lesion.nrrd", OBLIQUE, probabilities())
    (tmp_path / "soft.json").write_text(json.dumps(described()), encoding="utf-8")
    assert imported(tmp_path, described(), "A,ct.nrrd,,soft.json,,labelled").soft["Lesion"].max() == 1


def test_a_scan_whose_list_is_empty_has_no_soft_label(tmp_path: Path) -> None:
    labels = imported(tmp_path, {"format": 1, "structures": {}}, "A,ct.nrrd,,a/soft.json,missing,missing")
    assert labels.soft == {} and labels.known == (False, False)


def chosen(folder: Path, choices: CohortChoices) -> Labels:
    return labels_of(read_cohorts((folder,), choices=choices))


def test_a_soft_label_keeps_its_probabilities_under_another_name(tmp_path: Path) -> None:
    folder = write(tmp_path, described(read=[1, 2]))
    labels = chosen(folder, CohortChoices(names={"*": {"Lesion": "Edema"}}))
    np.testing.assert_array_equal(labels.soft["Edema"][1:3], probabilities()[1:3])
    assert labels.slices == {"Edema": Slices(0, (1, 2))} and set(labels.soft) == {"Edema"}


def test_of_two_soft_labels_that_count_as_one_the_likelier_one_counts(tmp_path: Path) -> None:
    content = described()
    content["structures"]["Bone"] = {"file": "other.nrrd"}
    write_volume(tmp_path / "a" / "other.nrrd", OBLIQUE, np.full(OBLIQUE.shape, 0.375, np.float32))
    folder = write(tmp_path, content, "A,ct.nrrd,,a/soft.json,labelled,labelled")
    labels = chosen(folder, CohortChoices(names={"*": {"Bone": "Lesion"}}))
    np.testing.assert_array_equal(labels.soft["Lesion"], np.maximum(probabilities(), 0.375))


def test_a_hard_drawing_that_counts_as_a_soft_structure_is_certain(tmp_path: Path) -> None:
    bone = np.zeros(OBLIQUE.shape, np.uint8)
    bone[3, 3, :4] = 1
    write_volume(tmp_path / "bone.nrrd", OBLIQUE, bone)
    folder = write(tmp_path, described(), "A,ct.nrrd,Bone=bone.nrrd,a/soft.json,labelled,labelled")
    labels = chosen(folder, CohortChoices(names={"*": {"Bone": "Lesion"}}))
    np.testing.assert_array_equal(labels.soft["Lesion"], np.where(bone, 1, probabilities()))


@pytest.mark.parametrize(
    ("state", "soft", "known"),
    [(State.MISSING, False, False), (State.ABSENT, False, True), (State.LABELLED, True, True)],
)
def test_a_chosen_state_stands_over_the_soft_label(tmp_path: Path, state: State, soft: bool, known: bool) -> None:
    write_volume(tmp_path / "a" / "faint.nrrd", OBLIQUE, probabilities() / 4)
    folder = write(tmp_path, described("faint.nrrd", [0, 1, 2, 3]))
    labels = chosen(folder, CohortChoices(states={"*": {"Lesion": state}}))
    assert ("Lesion" in labels.soft, labels.is_known("Lesion")) == (soft, known)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), read=st.sets(st.integers(0, 3), min_size=1), bits=st.sampled_from([8, 16, 32]))
def test_whatever_was_read_comes_back_and_nothing_else(tmp_path: Path, seed: int, read: set[int], bits: int) -> None:
    soft = np.random.default_rng(seed).random(STRAIGHT.shape).astype(np.float32)
    one = 1 if bits == 32 else 2**bits - 1
    stored = soft if bits == 32 else np.rint(soft * one).astype(np.uint8 if bits == 8 else np.uint16)
    write(tmp_path, described("any.nrrd", sorted(read), 1 / one))
    write_volume(tmp_path / "ct.nrrd", STRAIGHT)
    write_volume(tmp_path / "a" / "any.nrrd", STRAIGHT, stored)
    labels = labels_of(read_cohort(tmp_path))
    where = Slices(0, tuple(sorted(read))).mask(STRAIGHT.shape)
    found = labels.soft["Lesion"]
    assert np.array_equal(~np.isnan(found), where) and np.abs(found[where] - soft[where]).max() <= 0.51 / one * (
        bits < 32
    )
    np.testing.assert_array_equal(labels.positive("Lesion"), np.nan_to_num(found) >= 0.5)
