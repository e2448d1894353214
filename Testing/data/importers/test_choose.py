"""A cohort as a person wants it: renamed, merged, corrected, left out; and every contradiction a sentence with a way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.small_scans import OBLIQUE, blocks, label_map, write_segments, write_volume
from PartialLabelSegLib.data.case import Cohort
from PartialLabelSegLib.data.check import check_cohort
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import CohortChoices, read_cohort, read_cohorts
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.data.types import Problem, State
from PartialLabelSegLib.run.failure import Failure

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(0, 3, 4))
PARTS = blocks(OBLIQUE, left=(0, 0, 0), right=(2, 3, 4), Leber=(1, 1, 2))
LABELLED, MISSING, ABSENT, SOME = State.LABELLED, State.MISSING, State.ABSENT, State.SOME_SLICES


def manifest(folder: Path) -> Path:
    """'all' with both structures, 'liver' with the liver only, 'none' unlabelled."""
    write_volume(folder / "ct.nrrd", OBLIQUE)
    write_volume(folder / "labels.nrrd", OBLIQUE, label_map(MASKS))
    write_volume(folder / "liver.nrrd", OBLIQUE, MASKS["Liver"].astype(np.uint8))
    lines = (
        "all,ct.nrrd,labels.nrrd,labelled,labelled",
        "liver,ct.nrrd,liver.nrrd,labelled,missing",
        "none,ct.nrrd,,,",
    )
    (folder / "cases.csv").write_text("\n".join(["case,image,labels,Liver,Spleen", *lines]) + "\n", encoding="utf-8")
    return folder


def segmentations(folder: Path, **cases: Mapping[str, np.ndarray]) -> Path:
    for case, masks in cases.items():
        write_volume(folder / f"{case}.nrrd", OBLIQUE)
        write_segments(folder / f"{case}.seg.nrrd", OBLIQUE, masks)
    return folder


def read(folder: Path, **choices: Any) -> Cohort:
    return read_cohorts([folder], "missing", CohortChoices.from_json(choices))


def seen(cohort: Cohort, case: str) -> tuple[Labels | None, tuple[Problem, ...]]:
    source = next(source for source in cohort.sources if source.case == case)
    return source.labels_and_problems(Grid.from_image(source.read_image()))


def labels_of(cohort: Cohort, case: str) -> Labels:
    labels, problems = seen(cohort, case)
    assert labels is not None, problems
    return labels


def states(labels: Labels) -> dict[str, State]:
    return {name: labels.state(name) for name in labels.structures}


def test_choices_that_say_nothing_change_nothing(tmp_path: Path) -> None:
    folder = manifest(tmp_path)
    plain, chosen = read_cohort(folder), read(folder, names={"all": {}}, states={"none": {}})
    assert (plain.structures, plain.problems, plain.overlapping) == (
        chosen.structures,
        chosen.problems,
        chosen.overlapping,
    )
    for case in ("all", "liver", "none"):
        assert labels_of(plain, case).same_as(labels_of(chosen, case))


def test_a_drawing_is_renamed_in_one_scan_and_its_old_name_goes_where_nothing_is_called_so(tmp_path: Path) -> None:
    first = {"Leber": MASKS["Liver"], "Spleen": MASKS["Spleen"]}
    folder = segmentations(tmp_path, one=first, two={"Liver": PARTS["right"]})
    cohort = read(folder, names={"one": {"Leber": "Liver"}})
    assert [item.name for item in cohort.structures] == ["Spleen", "Liver"]
    assert states(labels_of(cohort, "one")) == {"Spleen": LABELLED, "Liver": LABELLED}
    np.testing.assert_array_equal(labels_of(cohort, "one").positive("Liver"), MASKS["Liver"])
    np.testing.assert_array_equal(labels_of(cohort, "two").positive("Liver"), PARTS["right"])
    assert states(labels_of(cohort, "two")) == {"Spleen": MISSING, "Liver": LABELLED}


def test_a_new_name_takes_the_place_colour_and_code_of_the_old_one(tmp_path: Path) -> None:
    folder = segmentations(tmp_path, one={"Leber": MASKS["Liver"], "Spleen": MASKS["Spleen"]})
    before, after = read_cohort(folder).structures, read(folder, names={"*": {"Leber": "Hepar"}}).structures
    assert [item.name for item in after] == ["Hepar", "Spleen"]
    assert (after[0].color, after[0].terminology) == (before[0].color, before[0].terminology)


def test_several_drawings_on_one_structure_are_merged_to_the_voxel(tmp_path: Path) -> None:
    folder = segmentations(tmp_path, one=PARTS, two={"Liver": MASKS["Liver"]})
    cohort = read(folder, names={"one": {"left": "Liver", "right": "Liver", "Leber": "Liver"}})
    assert [item.name for item in cohort.structures] == ["Liver"] and cohort.overlapping == frozenset()
    labels = labels_of(cohort, "one")
    np.testing.assert_array_equal(labels.positive("Liver"), PARTS["left"] | PARTS["right"] | PARTS["Leber"])
    assert states(labels) == {"Liver": LABELLED} and labels.overlaps == {}


def test_a_drawing_renamed_to_nothing_is_left_out(tmp_path: Path) -> None:
    folder = segmentations(tmp_path, one={**MASKS, "scribble": PARTS["right"]})
    cohort = read(folder, names={"one": {"scribble": ""}})
    assert [item.name for item in cohort.structures] == ["Liver", "Spleen"]
    np.testing.assert_array_equal(labels_of(cohort, "one").label_map, label_map(MASKS))


def test_overlapping_pairs_follow_the_new_names(tmp_path: Path) -> None:
    whole = np.ones(OBLIQUE.shape, bool)
    folder = segmentations(tmp_path, one={"Leber": whole, "Tumour": PARTS["left"]}, two={"Liver": whole})
    assert read(folder, names={"one": {"Leber": "Liver"}}).overlapping == {frozenset(("Liver", "Tumour"))}
    assert read(folder, names={"one": {"Leber": "Liver", "Tumour": "Liver"}}).overlapping == frozenset()
    assert read(folder, states={"one": {"Tumour": "missing"}}).overlapping == frozenset()


def test_pairs_that_a_side_file_declares_follow_the_new_names_too(tmp_path: Path) -> None:
    folder = manifest(tmp_path)
    (folder / "structures.json").write_text(
        '{"Liver": 1, "Spleen": 2, "overlapping": [["Liver", "Spleen"]]}', encoding="utf-8"
    )
    cohort = read(folder, names={"*": {"Liver": "Hepar"}})
    assert cohort.overlapping == {frozenset(("Hepar", "Spleen"))}
    assert {name for pair in cohort.overlapping for name in pair} <= {item.name for item in cohort.structures}


def test_what_is_chosen_as_missing_is_kept_out_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    folder = manifest(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    cohort = read(folder, states={"all": {"Liver": "missing"}})
    labels, problems = seen(cohort, "all")
    assert labels is not None
    assert states(labels) == {"Liver": MISSING, "Spleen": LABELLED} and labels.voxels("Liver") == 0
    np.testing.assert_array_equal(labels.positive("Spleen"), MASKS["Spleen"])
    # Nothing is said of the liver but where the spleen is; the spleen is known everywhere, as it was.
    np.testing.assert_array_equal(labels.certain("Liver"), MASKS["Spleen"])
    assert labels.certain("Spleen").all()
    (problem,) = problems
    assert (problem.severity, problem.case, problem.structure) == ("warning", "all", "Liver")
    assert "8 voxels of it are drawn, but it was chosen to be missing" in problem.message
    assert labels_of(cohort, "liver").same_as(labels_of(read_cohort(folder), "liver"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_was_missing_may_be_chosen_as_absent(tmp_path: Path) -> None:
    cohort = read(manifest(tmp_path), states={"liver": {"Spleen": "absent"}, "none": {"Liver": "absent"}})
    labels = labels_of(cohort, "liver")
    assert states(labels) == {"Liver": LABELLED, "Spleen": ABSENT} and labels.certain("Spleen").all()
    assert states(labels_of(cohort, "none")) == {"Liver": ABSENT, "Spleen": MISSING}


def test_some_slices_are_those_on_which_something_is_drawn(tmp_path: Path) -> None:
    labels = labels_of(read(manifest(tmp_path), states={"all": {"Liver": "some slices"}}), "all")
    assert labels.slices == {"Liver": Slices(0, (0, 1))} and states(labels)["Liver"] is SOME
    certain = np.zeros(OBLIQUE.shape, bool)
    certain[:2] = True
    np.testing.assert_array_equal(labels.certain("Liver"), certain | MASKS["Spleen"])


def test_slices_may_be_said_and_those_that_the_data_set_says_stay(tmp_path: Path) -> None:
    said = {"all": {"Liver": {"axis": "y", "slices": [0, 1, 4]}}}
    cohort = read(manifest(tmp_path / "a"), states={"all": {"Liver": "some slices"}}, slices=said)
    assert labels_of(cohort, "all").slices == {"Liver": Slices(1, (0, 1, 4))}
    write_volume(tmp_path / "b" / "one.nrrd", OBLIQUE)
    tags = {"Liver": {"PartialLabelSeg.State": "some slices", "PartialLabelSeg.Slices": "0-2"}}
    write_segments(tmp_path / "b" / "one.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]}, tags)
    kept = read(tmp_path / "b", states={"one": {"Liver": "some slices"}})
    assert labels_of(kept, "one").slices == {"Liver": Slices(0, (0, 1, 2))}
    whole = labels_of(read(tmp_path / "b", states={"one": {"Liver": "labelled"}}), "one")
    assert whole.slices == {} and states(whole) == {"Liver": LABELLED}


def test_the_slices_run_along_the_axis_in_which_the_scan_is_cut(tmp_path: Path) -> None:
    sagittal = Grid((4, 6, 6), (5.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    write_volume(tmp_path / "one.nrrd", sagittal)
    write_segments(tmp_path / "one.seg.nrrd", sagittal, blocks(sagittal, Liver=(1, 2, 2)))
    labels = labels_of(read(tmp_path, states={"one": {"Liver": "some slices"}}), "one")
    assert labels.slices == {"Liver": Slices(2, (2, 3))}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"all": {"Liver": "absent"}},
            "Case 'all', structure 'Liver': it is said to be absent, but 8 voxels of it are drawn.",
        ),
        (
            {"none": {"Liver": "some slices"}},
            "Case 'none', structure 'Liver': it is said to be drawn on some slices, but no slices",
        ),
    ],
)
def test_a_state_that_the_voxels_contradict_is_an_error_of_that_scan_alone(
    tmp_path: Path, said: dict[str, dict[str, str]], sentence: str
) -> None:
    cohort = read(manifest(tmp_path), states=said)
    table = check_cohort(cohort)
    (error,) = table.errors
    assert error.sentence().startswith(sentence)
    assert sum(row.cells is None for row in table.rows) == 1
    with pytest.raises(Failure, match=error.structure):
        next(source for source in cohort.sources if source.case == error.case).read_labels(OBLIQUE)


def test_chosen_as_labelled_without_a_voxel_is_taken_as_missing_with_a_warning(tmp_path: Path) -> None:
    labels, problems = seen(read(manifest(tmp_path), states={"none": {"Liver": "labelled"}}), "none")
    assert labels is not None and states(labels)["Liver"] is MISSING
    assert [problem.severity for problem in problems] == ["warning"] and "empty label" in problems[0].message


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        (
            {"states": {"al": {"Liver": "missing"}}},
            "Case 'al': the choices speak of it, but no data set holds .* 'all' is meant",
        ),
        ({"leave_out": ["other"]}, "Case 'other': the choices speak of it, but no data set holds a case of that name"),
        ({"only": ["other"]}, "Case 'other': the choices speak of it"),
        (
            {"states": {"all": {"Livre": "missing"}}},
            "structure 'Livre': .* there is no structure of that name. Perhaps 'Liver'",
        ),
        (
            {"states": {"*": {"Livre": "missing"}}},
            "^Structure 'Livre': .* there is no structure of that name. Perhaps 'Liver'",
        ),
        ({"names": {"all": {"Leber": "Liver"}}}, "'Leber': the choices rename it, but nothing of that name is drawn"),
        ({"names": {"*": {"Leber": "Liver"}}}, "^Structure 'Leber': the choices rename it"),
        (
            {"names": {"all": {"Liver": "Hepar"}}, "states": {"all": {"Liver": "missing"}}},
            "'Liver': the choices say that it is missing, and also that it counts as 'Hepar' there. Name structures as",
        ),
        (
            {"names": {"all": {"Liver": ""}}, "states": {"all": {"Liver": "missing"}}},
            "and also that it is left out there",
        ),
        ({"leave_out": ["all", "liver", "none"]}, "The choices leave out every case. Keep at least one."),
        ({"only": []}, "The choices leave out every case"),
    ],
)
def test_choices_that_fit_no_data_set_are_a_sentence(tmp_path: Path, choices: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Failure, match=sentence):
        read(manifest(tmp_path), **choices)


def test_a_case_that_is_left_out_is_gone_with_its_problems(tmp_path: Path) -> None:
    folder = manifest(tmp_path)
    with open(folder / "cases.csv", "a", encoding="utf-8") as handle:
        handle.write("broken,nowhere.nrrd,,,\n")
    assert [problem.case for problem in read_cohort(folder).problems] == ["broken"]
    for choices in ({"leave_out": ["broken", "none"]}, {"only": ["all", "liver"]}):
        cohort = read(folder, **choices)
        assert [source.case for source in cohort.sources] == ["all", "liver"] and cohort.problems == ()


def test_a_warning_about_alike_names_goes_when_they_are_made_one(tmp_path: Path) -> None:
    folder = segmentations(tmp_path, one={"Liver": MASKS["Liver"]}, two={"liver": MASKS["Liver"]})
    assert [problem.structure for problem in read_cohort(folder).problems] == ["liver"]
    assert read(folder, names={"two": {"liver": "Liver"}}).problems == ()
    assert [problem.structure for problem in read(folder, names={"two": {"liver": "LIVER"}}).problems] == ["LIVER"]


def test_two_names_may_be_exchanged(tmp_path: Path) -> None:
    cohort = read(manifest(tmp_path), names={"all": {"Liver": "Spleen", "Spleen": "Liver"}})
    labels = labels_of(cohort, "all")
    np.testing.assert_array_equal(labels.positive("Spleen"), MASKS["Liver"])
    np.testing.assert_array_equal(labels.positive("Liver"), MASKS["Spleen"])
    assert [item.name for item in cohort.structures] == ["Liver", "Spleen"]


def test_what_is_said_before_the_voxels_are_read_follows_the_choices(tmp_path: Path) -> None:
    cohort = read(manifest(tmp_path), names={"all": {"Liver": "Hepar"}}, states={"all": {"Spleen": "missing"}})
    source = cohort.sources[0]
    assert source.states == {"Hepar": LABELLED, "Spleen": MISSING}


def test_how_labels_were_made_is_chosen_by_scan_and_structure(tmp_path: Path) -> None:
    cohort = read(
        manifest(tmp_path), made={"*": {"*": "quick"}, "all": {"Spleen": "checked"}, "liver": {"*": "checked"}}
    )
    assert labels_of(cohort, "all").imperfect == {"Liver"}
    assert labels_of(cohort, "liver").imperfect == frozenset()
    # Nobody drew anything in it, so there is nothing that could be quick.
    assert labels_of(cohort, "none").imperfect == frozenset()


def test_a_quick_label_is_drawn_as_it_was(tmp_path: Path) -> None:
    plain, quick = (
        labels_of(read(manifest(tmp_path), **said), "all") for said in ({}, {"made": {"*": {"*": "quick"}}})
    )
    assert not plain.imperfect
    assert quick.imperfect == {"Liver", "Spleen"}
    assert replace(quick, imperfect=frozenset()).same_as(plain)


def test_a_structure_of_several_drawings_is_quick_where_one_of_them_is(tmp_path: Path) -> None:
    manifest(tmp_path)
    lines = ("case,image,labels,Liver,Spleen,made", "a,ct.nrrd,labels.nrrd,labelled,labelled,Spleen: quick")
    (tmp_path / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = {"*": {"Liver": "Organs", "Spleen": "Organs"}}
    assert labels_of(read(tmp_path, names=names), "a").imperfect == {"Organs"}
    assert labels_of(read(tmp_path, names=names, made={"a": {"Organs": "checked"}}), "a").imperfect == frozenset()
    assert labels_of(read(tmp_path, names={"*": {"Spleen": ""}}), "a").imperfect == frozenset()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"made": {"all": {"Livr": "quick"}}},
            "Case 'all', structure 'Livr': the choices say that it was made quickly, but there is no structure of that name. "
            "Perhaps 'Liver' is meant.",
        ),
        (
            {"names": {"all": {"Liver": "Leber"}}, "made": {"all": {"Liver": "checked"}}},
            "Case 'all', structure 'Liver': the choices say that it was made with care, and also that it counts as 'Leber' there.",
        ),
        ({"made": {"gone": {"Liver": "quick"}}}, "Case 'gone': the choices speak of it, but no data set holds a case"),
    ],
)
def test_how_labels_were_made_is_said_of_what_is_there(tmp_path: Path, said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Failure) as caught:
        read(manifest(tmp_path), **said)
    assert caught.value.sentence().startswith(sentence)
