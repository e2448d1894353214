"""The grammars of a manifest's cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.importers.cells import (
    parse_label_files,
    parse_made_cell,
    parse_ranges,
    parse_slices,
    parse_slices_cell,
    parse_state,
    slices_from_json,
)
from PartialLabelSegLib.data.labels import Slices
from PartialLabelSegLib.data.types import State


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("labelled", State.LABELLED),
        (" Labelled ", State.LABELLED),
        ("ABSENT", State.ABSENT),
        ("missing", State.MISSING),
        ("", State.MISSING),
        ("some  slices", State.SOME_SLICES),
    ],
)
def test_a_state_is_read_in_any_case_and_empty_is_missing(text: str, state: State) -> None:
    assert parse_state(text) is state


@pytest.mark.parametrize("text", ["yes", "1", "labeled?", "labelled;"])
def test_another_word_is_refused_with_the_words_that_are_meant(text: str) -> None:
    with pytest.raises(ValueError, match="labelled, missing, absent, some slices"):
        parse_state(text)


@given(st.sets(st.integers(0, 500), min_size=1))
def test_a_list_of_slices_survives_being_written(numbers: set[int]) -> None:
    assert parse_ranges(", ".join(str(number) for number in numbers)) == tuple(sorted(numbers))


def test_ranges_hold_both_their_ends() -> None:
    assert parse_ranges("3-5, 15,4 – 6") == (3, 4, 5, 6, 15)


@pytest.mark.parametrize("text", ["", "3-", "-3", "5-3", "a", "1.5", "3;4", "0-999999999", "１２-x"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"slice|range"):
        parse_ranges(text)


def test_slices_lie_along_the_stored_slice_axis_unless_said() -> None:
    assert parse_slices("3-4") == Slices(0, (3, 4))
    assert parse_slices("z: 3") == Slices(0, (3,))
    assert parse_slices("Y:3") == Slices(1, (3,))
    assert parse_slices(" x : 3") == Slices(2, (3,))
    with pytest.raises(ValueError, match="axes"):
        parse_slices("w: 3")


def test_a_cell_lists_the_slices_of_several_structures() -> None:
    found = parse_slices_cell("Liver: 3-5, 15; Left Kidney@y: 4;;")
    assert found == {"Liver": Slices(0, (3, 4, 5, 15)), "Left Kidney": Slices(1, (4,))}


def test_a_name_may_hold_a_colon_and_an_at_sign() -> None:
    assert parse_slices_cell("Liver: seg. 4: 3") == {"Liver: seg. 4": Slices(0, (3,))}
    assert parse_slices_cell("a@b@x: 3") == {"a@b": Slices(2, (3,))}


@pytest.mark.parametrize("text", ["Liver", "Liver: ", "Liver@q: 3", "Liver: 3; Liver: 4"])
def test_a_cell_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_slices_cell(text)


def test_a_side_file_lists_slices_by_structure() -> None:
    found = slices_from_json({"Liver": {"axis": "y", "slices": [4, 3, 3]}, "Spleen": {"slices": [0]}})
    assert found == {"Liver": Slices(1, (3, 4)), "Spleen": Slices(0, (0,))}


@pytest.mark.parametrize(
    "value",
    [
        [],
        3,
        {"Liver": [3]},
        {"Liver": {"slices": 3}},
        {"Liver": {"slices": ["3"]}},
        {"Liver": {"slices": [True]}},
        {"Liver": {"slices": [-1]}},
        {"Liver": {"axis": "q", "slices": [1]}},
        {"Liver": {"axis": 0, "slices": [1]}},
    ],
)
def test_a_side_file_that_is_not_understood_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        slices_from_json(value)


def test_several_label_files_are_named_by_structure() -> None:
    assert parse_label_files("Liver=a/liver.nii.gz; Left Kidney = k=1.nrrd ;") == {
        "Liver": "a/liver.nii.gz",
        "Left Kidney": "k=1.nrrd",
    }


@pytest.mark.parametrize("text", ["Liver", "=a.nrrd", "Liver=", "Liver=a;Liver=b", "Liver=a;b.nrrd"])
def test_label_files_that_are_not_understood_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_label_files(text)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", {}),
        (" Quick ", {"*": "quick"}),
        ("Liver: quick; Spleen : CHECKED;", {"Liver": "quick", "Spleen": "checked"}),
        ("quick; a: b: checked", {"*": "quick", "a: b": "checked"}),
    ],
)
def test_how_labels_were_made_is_a_word_for_the_scan_or_for_structures(text: str, made: dict[str, str]) -> None:
    assert parse_made_cell(text) == made


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hasty", "'hasty' is not one of checked, quick"),
        ("Liver: ", "'Liver:' is not of the form 'quick' or 'Liver: quick'"),
        (": quick", "': quick' is not of the form"),
        ("quick; checked", "it says twice how the labels of the scan were made"),
        ("Liver: quick; Liver: quick", "it says twice how the labels of 'Liver' were made"),
    ],
)
def test_a_cell_on_how_labels_were_made_that_is_not_understood_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_made_cell(text)
