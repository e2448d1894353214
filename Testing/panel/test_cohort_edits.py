"""Clicks in the table of scans: what they change, what they leave alone, and that nothing that is drawn is contradicted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.panel.cohort_edits import (
    cycled,
    merged,
    possible_states,
    refreshed,
    removed,
    renamed,
    with_states,
)
from PartialLabelSegLib.panel.counts_as import counted
from PartialLabelSegLib.panel.state import PanelState, Scan, from_text, to_text

WORDS = ("labelled", "missing", "absent", "some slices")
ONE = Scan("one", found={"Liver": "labelled", "Spleen": "missing"})
TWO = Scan("two", found={"Leber": "labelled", "left": "labelled", "right": "labelled"})
THREE = Scan("three", found={"left": "labelled", "right": "missing"})
STATE = PanelState(scans=(ONE, TWO, THREE))


def scan_of(state: PanelState, name: str) -> Scan:
    scan = state.scan_named(name)
    assert scan is not None
    return scan


def test_clicks_go_through_what_is_possible_and_come_back() -> None:
    state, seen = STATE, []
    for _ in range(4):
        state = cycled(state, "one", "Liver")
        seen.append(scan_of(state, "one").state("Liver"))
    assert seen == ["some slices", "missing", "labelled", "some slices"]
    undrawn = cycled(STATE, "one", "Spleen")
    assert scan_of(undrawn, "one").state("Spleen") == "absent"
    assert cycled(undrawn, "one", "Spleen") == STATE
    never_seen = cycled(STATE, "one", "Aorta")
    assert scan_of(never_seen, "one").states == {"Aorta": "absent"}
    assert cycled(STATE, "nobody", "Liver") == STATE


def test_what_is_said_as_it_was_found_is_not_kept_as_a_choice() -> None:
    said = with_states(STATE, [("one", "Liver")], "missing")
    assert scan_of(said, "one").states == {"Liver": "missing"}
    assert with_states(said, [("one", "Liver")], "labelled") == STATE


@pytest.mark.parametrize(
    ("structure", "word"), [("Liver", "absent"), ("Spleen", "labelled"), ("Spleen", "some slices")]
)
def test_what_contradicts_the_drawing_cannot_be_said(structure: str, word: str) -> None:
    assert word not in possible_states(ONE, structure)
    assert with_states(STATE, [("one", structure)], word) == STATE


def test_many_cells_are_said_at_once_where_it_is_possible() -> None:
    cells = [(scan.name, name) for scan in STATE.scans for name in ("Liver", "Spleen", "left")]
    state = with_states(STATE, cells, "absent")
    assert [scan.states for scan in state.scans] == [
        {"Spleen": "absent", "left": "absent"},
        {"Liver": "absent", "Spleen": "absent"},
        {"Liver": "absent", "Spleen": "absent"},
    ]


def test_a_drawing_counts_as_another_structure_and_what_was_said_goes_along() -> None:
    said = with_states(STATE, [("two", "Leber")], "some slices")
    state = renamed(said, "two", "Leber", "  Liver ")
    assert scan_of(state, "two").names == {"Leber": "Liver"}
    assert scan_of(state, "two").states == {"Liver": "some slices"}
    assert renamed(state, "two", "Leber", "Leber") == said
    assert renamed(state, "two", "nothing", "Liver") == state


def test_what_was_said_of_an_empty_place_is_forgotten_when_a_drawing_moves_there() -> None:
    said = with_states(STATE, [("two", "Liver"), ("two", "Spleen")], "absent")
    assert scan_of(renamed(said, "two", "Leber", "Liver"), "two").states == {"Spleen": "absent"}


def test_a_drawing_may_be_left_out() -> None:
    scan = scan_of(renamed(STATE, "two", "right", ""), "two")
    assert scan.names == {"right": ""} and "right" not in counted(scan.found, scan.names)


def test_two_names_of_one_thing_become_one_everywhere() -> None:
    state = merged(STATE, ["Leber"], "Liver")
    assert [scan.state("Liver") for scan in state.scans] == ["labelled", "labelled", "missing"]
    assert [scan.names for scan in state.scans] == [{}, {"Leber": "Liver"}, {}]


def test_a_name_under_which_nothing_is_drawn_says_nothing_against_the_other() -> None:
    table = PanelState(
        scans=(
            Scan("a", found={"Leber": "labelled", "Liver": "missing"}),
            Scan("b", found={"Leber": "missing", "Liver": "labelled"}),
            Scan("c", found={"Leber": "missing", "Liver": "missing"}),
        )
    )
    state = merged(table, ["Leber", "Liver"], "Liver")
    assert [scan.state("Liver") for scan in state.scans] == ["labelled", "labelled", "missing"]
    assert all(set(counted(scan.found, scan.names)) == {"Liver"} for scan in state.scans)
    assert not any(item.in_part for scan in state.scans for item in counted(scan.found, scan.names).values())


def test_parts_that_are_drawn_side_by_side_somewhere_are_parts_everywhere() -> None:
    state = merged(STATE, ["left", "right"], "Kidneys")
    assert [scan.state("Kidneys") for scan in state.scans] == ["missing", "labelled", "missing"]
    three = scan_of(state, "three")
    assert counted(three.found, three.names)["Kidneys"].quiet == ("right",)
    whole = with_states(state, [("three", "Kidneys")], "labelled")
    assert scan_of(whole, "three").state("Kidneys") == "labelled"
    kept_out = with_states(state, [("three", "Kidneys")], "missing")
    assert scan_of(kept_out, "three").states == {"Kidneys": "missing"}


def test_what_was_said_alike_of_all_that_is_merged_is_said_of_the_whole() -> None:
    alike = with_states(STATE, [("two", "left"), ("two", "right")], "some slices")
    assert scan_of(merged(alike, ["left", "right"], "Kidneys"), "two").states == {"Kidneys": "some slices"}
    unlike = with_states(alike, [("two", "left")], "missing")
    assert scan_of(merged(unlike, ["left", "right"], "Kidneys"), "two").states == {}


def test_structures_may_be_left_out_of_all_scans() -> None:
    state = merged(STATE, ["left", "right"], "")
    names = {name for scan in state.scans for name in counted(scan.found, scan.names)}
    assert names == {"Liver", "Spleen", "Leber"}


def test_a_removed_scan_is_not_shown_any_more() -> None:
    state = removed(PanelState(scans=STATE.scans, scan="two"), ["two", "three"])
    assert [scan.name for scan in state.scans] == ["one"] and state.scan == ""


def test_a_scan_that_was_read_again_keeps_what_does_not_contradict_it() -> None:
    scan = Scan(
        "one",
        "v",
        "s",
        "",
        {"Liver": "some slices", "Spleen": "absent", "Heart": "absent"},
        dict(ONE.found),
        {"Liver": "Hepar"},
    )
    fresh = refreshed(scan, {"Liver": "labelled", "Spleen": "labelled"}, ("look",))
    assert fresh.states == {"Heart": "absent"}
    assert fresh.names == {"Liver": "Hepar"} and fresh.problems == ("look",) and fresh.volume == "v"
    assert refreshed(scan, {"Spleen": "missing"}).states == {"Spleen": "absent", "Heart": "absent"}
    assert refreshed(scan, {"Spleen": "missing"}).names == {}


FOUND = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(WORDS))
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("cycle"), st.sampled_from("xy"), st.sampled_from("abcd")),
        st.tuples(st.just("say"), st.sampled_from("abcd"), st.sampled_from(WORDS)),
        st.tuples(st.just("rename"), st.sampled_from("abcd"), st.sampled_from(["a", "b", "e", ""])),
        st.tuples(st.just("merge"), st.sampled_from("abcd"), st.sampled_from(["a", "b", "e"])),
    ),
    max_size=8,
)


@given(FOUND, FOUND, EDITS)
def test_whatever_is_clicked_no_state_contradicts_what_is_drawn(
    one: dict[str, str], two: dict[str, str], edits: list[tuple[str, str, str]]
) -> None:
    state = PanelState(scans=(Scan("x", found=one), Scan("y", found=two)))
    for kind, first, second in edits:
        if kind == "cycle":
            state = cycled(state, first, second)
        elif kind == "say":
            state = with_states(state, [("x", first), ("y", first)], second)
        elif kind == "rename":
            state = renamed(state, "x", first, second)
        else:
            state = merged(state, [first], second)
    for scan in state.scans:
        for structure, word in scan.states.items():
            assert word in possible_states(scan, structure)
        assert not any(name == target for name, target in scan.names.items())
    assert from_text(to_text(state)) == state
