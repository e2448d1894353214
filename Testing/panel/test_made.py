"""How labels were made: said of one, of a scan, of a whole data set; kept through renaming and merging, and written for the worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.importers import CohortChoices
from PartialLabelSegLib.panel.cohort_edits import merged, refreshed, renamed, with_states
from PartialLabelSegLib.panel.counts_as import NOT_THERE, counted
from PartialLabelSegLib.panel.gather import choices_of
from PartialLabelSegLib.panel.made import made, with_made, with_made_in
from PartialLabelSegLib.panel.state import PanelState, Scan, from_text, to_text

ONE = Scan("one", found={"Liver": "labelled", "Spleen": "missing", "Heart": "some slices"})
TWO = Scan("two", source="set", found={"left": "labelled", "right": "labelled", "Liver": "labelled"}, quick=("Liver",))
STATE = PanelState(scans=(ONE, TWO))


def scan_of(state: PanelState, name: str) -> Scan:
    scan = state.scan_named(name)
    assert scan is not None
    return scan


def how(state: PanelState, name: str, structure: str) -> str:
    scan = scan_of(state, name)
    return made(scan, structure, counted(scan.found, scan.names).get(structure, NOT_THERE))


def test_labels_are_checked_where_nobody_said_otherwise() -> None:
    assert [how(STATE, "one", name) for name in ("Liver", "Heart", "Spleen", "Aorta")] == ["checked", "checked", "", ""]
    assert how(STATE, "two", "Liver") == "quick"


def test_what_is_said_counts_and_what_the_data_set_says_anyway_is_not_kept() -> None:
    state = with_made(STATE, [("one", "Liver"), ("one", "Spleen"), ("two", "Liver")], "quick")
    assert scan_of(state, "one").made == {"Liver": "quick"} and scan_of(state, "two").made == {}
    state = with_made(state, [("one", "Liver"), ("two", "Liver")], "checked")
    assert scan_of(state, "one").made == {} and scan_of(state, "two").made == {"Liver": "checked"}
    assert how(state, "two", "Liver") == "checked"


def test_whole_scans_are_said_at_once() -> None:
    state = with_made_in(STATE, ["one", "two"], "quick")
    assert scan_of(state, "one").made == {"Liver": "quick", "Heart": "quick"}
    assert scan_of(state, "two").made == {"left": "quick", "right": "quick"}
    assert with_made_in(STATE, [], "quick") == STATE


def test_a_label_that_is_kept_out_was_not_made_in_any_way_until_it_counts_again() -> None:
    state = with_states(with_made_in(STATE, ["one"], "quick"), [("one", "Liver")], "missing")
    assert how(state, "one", "Liver") == ""
    assert how(with_states(state, [("one", "Liver")], "labelled"), "one", "Liver") == "quick"


def test_what_was_said_goes_along_with_a_drawing() -> None:
    state = renamed(with_made(STATE, [("one", "Liver")], "quick"), "one", "Liver", "Hepar")
    assert scan_of(state, "one").made == {"Hepar": "quick"}
    assert scan_of(renamed(state, "one", "Liver", ""), "one").made == {}


def test_a_whole_of_which_a_part_was_quick_is_quick() -> None:
    said = with_made(STATE, [("two", "left")], "quick")
    state = merged(said, ["left", "right"], "Kidneys")
    assert how(state, "two", "Kidneys") == "quick"
    assert how(merged(STATE, ["left", "right"], "Kidneys"), "two", "Kidneys") == "checked"
    all_of_it = merged(STATE, ["left", "Liver"], "Body")
    assert how(all_of_it, "two", "Body") == "quick" and scan_of(all_of_it, "two").made == {}


def test_a_scan_that_was_read_again_keeps_what_was_said_of_what_is_still_drawn() -> None:
    scan = scan_of(with_made_in(STATE, ["one"], "quick"), "one")
    assert refreshed(scan, {"Liver": "labelled", "Heart": "missing"}).made == {"Liver": "quick"}


def test_the_worker_reads_it_in_the_choices() -> None:
    state = with_made(with_made_in(STATE, ["one"], "quick"), [("two", "Liver")], "checked")
    content = choices_of(state.scans, {}).to_json()
    assert content["made"] == {"one": {"Heart": "quick", "Liver": "quick"}, "two": {"Liver": "checked"}}
    read = CohortChoices.from_json(content)
    assert read.of("one").made == {"Heart": "quick", "Liver": "quick"} and read.of("two").made == {"Liver": "checked"}


def test_a_state_of_an_earlier_version_still_loads() -> None:
    earlier = (
        to_text(STATE).replace(', "quick": ["Liver"]', "").replace(', "quick": []', "").replace(', "made": {}', "")
    )
    assert "made" not in earlier and "quick" not in earlier.replace('"preset": "quick"', "")
    loaded = from_text(earlier)
    assert [scan.made for scan in loaded.scans] == [{}, {}] and how(loaded, "two", "Liver") == "checked"


def test_labels_are_made_in_no_other_way() -> None:
    with pytest.raises(ValueError, match="made must be"):
        Scan("one", made={"Liver": "carelessly"})


FOUND = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["labelled", "missing", "absent", "some slices"]))
EDIT = st.one_of(
    st.tuples(st.just("made"), st.sampled_from("abcde"), st.sampled_from(["checked", "quick"])),
    st.tuples(st.just("rename"), st.sampled_from("abcd"), st.sampled_from(["a", "b", "e", ""])),
    st.tuples(st.just("merge"), st.sampled_from("abcd"), st.sampled_from(["a", "b", "e"])),
)


@given(FOUND, st.sets(st.sampled_from("abcd")), st.lists(EDIT, max_size=8))
def test_whatever_is_clicked_only_drawn_labels_are_spoken_of_and_all_is_saved(
    found: dict[str, str], quick: set[str], edits: list[tuple[str, str, str]]
) -> None:
    state = PanelState(scans=(Scan("x", found=found, quick=tuple(sorted(quick))),))
    for kind, first, second in edits:
        if kind == "made":
            state = with_made(state, [("x", first)], second)
        elif kind == "rename":
            state = renamed(state, "x", first, second)
        else:
            state = merged(state, [first], second)
    scan = scan_of(state, "x")
    there = counted(scan.found, scan.names)
    for structure, word in scan.made.items():
        drawings = [scan.found[name] for name in there[structure].drawings]
        assert {"labelled", "some slices"} & set(drawings)
        assert made(Scan("x", found=found, names=scan.names, quick=scan.quick), structure, there[structure]) != word
    assert from_text(to_text(state)) == state
