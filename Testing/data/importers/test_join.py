"""Several data sets read as one cohort: names of cases, structures and pairs, and what is said when they clash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.small_scans import OBLIQUE, STRAIGHT, blocks, label_map, write_segments, write_volume
from PartialLabelSegLib.data.case import Cohort
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import read_cohorts
from PartialLabelSegLib.data.importers.join import called
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.run.failure import Failure

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(0, 3, 4))


def manifest(folder: Path, *cases: str, columns: str = "Liver,Spleen") -> Path:
    """Scans of which every column is labelled."""
    write_volume(folder / "ct.nrrd", OBLIQUE)
    write_volume(folder / "labels.nrrd", OBLIQUE, label_map(MASKS))
    states = ",".join(["labelled"] * len(columns.split(",")))
    lines = [f"{case},ct.nrrd,labels.nrrd,{states}" for case in cases]
    (folder / "cases.csv").write_text("\n".join([f"case,image,labels,{columns}", *lines]) + "\n", encoding="utf-8")
    return folder


def segmentations(folder: Path, *cases: str, **masks: np.ndarray) -> Path:
    for case in cases:
        write_volume(folder / f"{case}.nrrd", STRAIGHT)
        write_segments(
            folder / f"{case}.seg.nrrd", STRAIGHT, masks or blocks(STRAIGHT, Liver=(0, 0, 0), Kidney=(1, 2, 2))
        )
    return folder


def labels_of(cohort: Cohort, case: str) -> Labels:
    source = next(source for source in cohort.sources if source.case == case)
    return source.read_labels(Grid.from_image(source.read_image()))


def test_structures_are_one_by_their_name_and_what_a_data_set_does_not_name_is_missing_there(tmp_path: Path) -> None:
    first, second = manifest(tmp_path / "a", "one", "two"), segmentations(tmp_path / "b", "three")
    cohort = read_cohorts([first, second])
    assert cohort.format == "manifest + segmentations"
    assert [item.name for item in cohort.structures] == ["Liver", "Spleen", "Kidney"]
    assert [source.case for source in cohort.sources] == ["one", "two", "three"]
    one, three = labels_of(cohort, "one"), labels_of(cohort, "three")
    assert [one.state(name) for name in one.structures] == [State.LABELLED, State.LABELLED, State.MISSING]
    assert [three.state(name) for name in three.structures] == [State.LABELLED, State.MISSING, State.LABELLED]
    np.testing.assert_array_equal(one.positive("Spleen"), MASKS["Spleen"])
    np.testing.assert_array_equal(three.positive("Kidney"), blocks(STRAIGHT, Kidney=(1, 2, 2))["Kidney"])


def test_the_first_colour_stays_a_missing_code_is_taken_over_and_a_second_one_is_a_warning(tmp_path: Path) -> None:
    plain, coded = manifest(tmp_path / "a", "one"), segmentations(tmp_path / "b", "two")
    structures = {item.name: item for item in read_cohorts([plain, coded]).structures}
    alone = read_cohorts([plain]).structures[0]
    assert structures["Liver"].color == alone.color and structures["Liver"].terminology == "code^Liver"
    assert len({item.color for item in structures.values()}) == 3
    other = segmentations(tmp_path / "c", "three")
    raw = (other / "three.seg.nrrd").read_bytes()
    (other / "three.seg.nrrd").write_bytes(raw.replace(b"code^Liver", b"code^lever"))
    (problem,) = read_cohorts([coded, other]).problems
    assert problem.structure == "Liver" and "different terminology codes" in problem.message


def test_no_two_structures_of_plain_data_sets_get_one_colour(tmp_path: Path) -> None:
    cohort = read_cohorts([manifest(tmp_path / "a", "one"), manifest(tmp_path / "b", "two", columns="Heart,Lung")])
    assert len({item.color for item in cohort.structures}) == 4


def test_pairs_that_overlap_in_one_data_set_may_in_all(tmp_path: Path) -> None:
    liver = np.zeros(STRAIGHT.shape, bool)
    liver[:3] = True
    both = segmentations(tmp_path / "b", "two", Liver=liver, Spleen=blocks(STRAIGHT, Spleen=(1, 1, 1))["Spleen"])
    cohort = read_cohorts([manifest(tmp_path / "a", "one"), both])
    assert cohort.overlapping == {frozenset(("Liver", "Spleen"))}
    assert not labels_of(cohort, "one").excludes("Liver", "Spleen")
    assert labels_of(cohort, "two").voxels("Liver") == liver.sum()


def test_a_case_name_in_two_data_sets_is_a_sentence_that_names_both(tmp_path: Path) -> None:
    first, second = manifest(tmp_path / "a", "one", "two"), segmentations(tmp_path / "b", "one", "two")
    with pytest.raises(Failure) as caught:
        read_cohorts([first, second])
    sentence = str(caught.value)
    assert sentence.startswith("Case 'one': a scan of this name is in 'a' and in 'b'") and "1 more" in sentence
    assert "Give each scan a name of its own" in sentence and str(tmp_path) not in sentence


def test_a_case_that_cannot_be_used_keeps_its_name_from_the_others(tmp_path: Path) -> None:
    first, second = manifest(tmp_path / "a", "one"), segmentations(tmp_path / "b", "two")
    with open(first / "cases.csv", "a", encoding="utf-8") as handle:
        handle.write("two,nowhere.nrrd,,missing,missing\n")
    with pytest.raises(Failure, match="Case 'two': a scan of this name is in 'a' and in 'b'"):
        read_cohorts([first, second])


def test_data_sets_are_called_by_as_little_of_their_path_as_tells_them_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "x" / "scans", tmp_path / "y" / "scans", tmp_path / "z"]
    assert called(paths) == ["x/scans", "y/scans", f"{tmp_path.name}/z"]
    assert called([tmp_path / "z", tmp_path / "y"]) == ["z", "y"]
    with pytest.raises(Failure, match="The data set 'z' is given twice"):
        called([tmp_path / "z", tmp_path / "y" / ".." / "z"])


def test_what_is_wrong_with_one_of_several_data_sets_says_with_which(tmp_path: Path) -> None:
    first, second = manifest(tmp_path / "a", "one"), tmp_path / "b"
    second.mkdir()
    (second / "cases.csv").write_text("case,picture,Liver\n", encoding="utf-8")
    with pytest.raises(Failure, match=r"cases.csv has no column 'image'.*\(In 'b'\.\)"):
        read_cohorts([first, second])
    (second / "cases.csv").write_text("case,image,labels,Liver\n,ct.nrrd,,labelled\n", encoding="utf-8")
    (problem,) = read_cohorts([first, second]).problems
    assert problem.message.endswith("(In 'b'.)")


def test_names_that_differ_only_by_case_are_pointed_out_across_data_sets(tmp_path: Path) -> None:
    cohort = read_cohorts([manifest(tmp_path / "a", "one"), manifest(tmp_path / "b", "two", columns="liver,LIVER")])
    assert [problem.structure for problem in cohort.problems] == ["liver", "LIVER"]
    assert all("than 'Liver'" in problem.message for problem in cohort.problems)
