"""What the panel remembers: to a text and back, and what counts as damaged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.panel.state import DEFAULT_GAMMA, Choices, PanelState, Scan, Shown, from_text, to_text
from PartialLabelSegLib.run.failure import Failure

WORDS = st.sampled_from(["labelled", "missing", "absent", "some slices"])
NAMES = st.text(min_size=1, max_size=12).filter(lambda text: text.strip() != "")
SCANS = st.builds(
    Scan,
    NAMES,
    st.text(max_size=8),
    st.text(max_size=8),
    st.text(max_size=8),
    st.dictionaries(NAMES, WORDS, max_size=3),
    st.dictionaries(NAMES, WORDS, max_size=3),
    st.dictionaries(NAMES, NAMES, max_size=3),
    st.lists(st.text(max_size=20), max_size=2).map(tuple),
)
STATES = st.builds(
    PanelState,
    folder=st.text(max_size=20),
    scans=st.lists(SCANS, max_size=3, unique_by=lambda scan: scan.name).map(tuple),
    choices=st.builds(Choices, minutes=st.none() | st.floats(0.5, 600), dimensions=st.none() | st.just("3d")),
    step=st.sampled_from(["scans", "learn", "look", "decide", "finish"]),
    round=st.integers(0, 9),
    gammas=st.dictionaries(NAMES, st.floats(0, 1), max_size=3),
    scan=st.text(max_size=8),
    overlay=st.builds(Shown, ambiguity=st.booleans(), opacity=st.floats(0, 1)),
)


@given(STATES)
def test_a_state_goes_to_text_and_back_unchanged(state: PanelState) -> None:
    text = to_text(state)
    assert from_text(text) == state
    assert "\n" not in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '{"step": "nowhere"}',
        '{"gammas": {"Liver": 2}}',
        '{"gammas": {"Liver": true}}',
        '{"gammas": {"Liver": NaN}}',
        '{"scans": [{"name": ""}]}',
        '{"scans": [{"name": "a"}, {"name": "a"}]}',
        '{"scans": [{"name": "a", "states": {"Liver": "perhaps"}}]}',
        '{"scans": [{"name": "a", "states": {"Liver": 1}}]}',
        '{"overlay": {"opacity": 3}}',
        '{"round": -1}',
        '{"unheard of": 1}',
        "[" * 100_000,
    ],
)
def test_a_damaged_text_is_a_sentence(text: str) -> None:
    with pytest.raises(Failure, match="starts anew") as caught:
        from_text(text)
    assert caught.value.way_out


def test_a_state_of_a_later_version_says_so() -> None:
    with pytest.raises(Failure, match="later version"):
        from_text(json.dumps({"format": 99, "something new": True}))


def test_the_users_word_stands_over_what_was_found() -> None:
    scan = Scan("a", found={"Liver": "labelled", "Spleen": "labelled"}, states={"Liver": "some slices"})
    assert [scan.state(name) for name in ("Liver", "Spleen", "Aorta")] == ["some slices", "labelled", "missing"]


def test_scans_are_added_replaced_and_taken_away_by_name() -> None:
    state = PanelState().with_scan(Scan("a", "v1")).with_scan(Scan("b", "v2")).with_scan(Scan("a", "v3"))
    assert [(scan.name, scan.volume) for scan in state.scans] == [("a", "v3"), ("b", "v2")]
    shown = PanelState(scans=state.scans, scan="a")
    assert shown.without_scan("a").scan == "" and shown.without_scan("b").scan == "a"
    assert [scan.name for scan in shown.without_scan("a").scans] == ["b"]


def test_a_node_that_is_gone_is_forgotten() -> None:
    state = PanelState(scans=(Scan("a", "v1", "s1"), Scan("b", "v2", "s1")))
    assert [(scan.volume, scan.segmentation) for scan in state.without_node("s1").scans] == [("v1", ""), ("v2", "")]
    assert state.without_node("elsewhere") is state
    assert state.without_node("") is state


def test_a_structure_has_a_gamma_of_its_own() -> None:
    state = PanelState().with_gamma("Liver", 0.25)
    assert state.gamma("Liver") == 0.25
    assert state.gamma("Spleen") == DEFAULT_GAMMA
