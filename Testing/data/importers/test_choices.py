"""The file of choices: what may be said, what is refused with a sentence, and that writing it loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.importers.choices import EVERY, CaseChoices, CohortChoices, read_choices
from PartialLabelSegLib.data.labels import Slices
from PartialLabelSegLib.data.types import CHECKED, MADE, QUICK, State
from PartialLabelSegLib.run.failure import Failure

NAMES = st.sampled_from(["Liver", "Leber", "left kidney", "Ω", "a: b; c@y"])
CASES = st.sampled_from(["scan-1", "Müller / 2", "*", "x"])


@st.composite
def cohort_choices(draw: st.DrawFn) -> CohortChoices:
    names = draw(st.dictionaries(CASES, st.dictionaries(NAMES, st.sampled_from(["Liver", "", "Niere"]), min_size=1)))
    states = draw(st.dictionaries(CASES, st.dictionaries(NAMES, st.sampled_from(list(State)), min_size=1)))
    where = st.builds(
        Slices, st.integers(0, 2), st.frozensets(st.integers(0, 300)).map(lambda found: tuple(sorted(found)))
    )
    slices = {
        case: {name: draw(where) for name, state in said.items() if state is State.SOME_SLICES}
        for case, said in states.items()
    }
    slices = {case: said for case, said in slices.items() if said}
    only = draw(st.none() | st.frozensets(st.sampled_from(["a", "b"])))
    made = draw(st.dictionaries(CASES, st.dictionaries(NAMES | st.just(EVERY), st.sampled_from(MADE), min_size=1)))
    return CohortChoices(names, states, slices, draw(st.frozensets(st.sampled_from(["c", "d"]))), only, made)


@given(cohort_choices())
def test_what_is_written_is_read_again(choices: CohortChoices) -> None:
    content = choices.to_json()
    assert CohortChoices.from_json(json.loads(json.dumps(content))) == choices
    assert CohortChoices.from_json(content).to_json() == content


def test_the_order_in_which_things_are_said_does_not_matter() -> None:
    one = {
        "names": {"b": {"x": "X", "a": "A"}, "a": {}},
        "leave_out": ["q", "p"],
        "states": {"b": {"A": "Some  Slices"}},
    }
    other = {"leave_out": ["p", "q", "p"], "states": {"b": {"A": "some slices"}}, "names": {"b": {"a": "A", "x": "X"}}}
    assert CohortChoices.from_json(one).to_json() == CohortChoices.from_json(other).to_json()


def test_what_is_said_of_a_case_comes_before_what_is_said_of_all() -> None:
    choices = CohortChoices(
        {EVERY: {"Leber": "Liver", "Milz": "Spleen"}, "a": {"Milz": ""}},
        {EVERY: {"Liver": State.MISSING}, "a": {"Liver": State.LABELLED}},
    )
    assert choices.of("a") == CaseChoices({"Leber": "Liver", "Milz": ""}, {"Liver": State.LABELLED})
    assert choices.of("b") == CaseChoices({"Leber": "Liver", "Milz": "Spleen"}, {"Liver": State.MISSING})
    assert choices.cases == {"a"}


def test_a_case_is_left_out_by_name_or_because_only_others_are_wanted() -> None:
    choices = CohortChoices(leave_out=frozenset({"a"}), only=frozenset({"a", "b"}))
    assert [choices.leaves_out(case) for case in "abc"] == [True, False, True]
    assert not CohortChoices().leaves_out("a")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "it is not an object"),
        ({"format": 2}, "its format is 2, this version reads 1"),
        ({"state": {}}, "it has no part 'state'; the parts are format, names, states"),
        ({"states": {"a": {"Liver": "drawn"}}}, "'drawn' is not one of labelled, missing, absent, some slices"),
        ({"states": {"a": {"Liver": ""}}}, "the state of 'Liver' is empty"),
        ({"made": {"a": {"Liver": "hasty"}}}, "'hasty' is not one of checked, quick"),
        ({"made": {"a": {"Liver": " "}}}, "how the label of 'Liver' was made is empty"),
        ({"made": {"a": "quick"}}, "\"made\" of 'a' is not an object of words"),
        ({"made": ["a"]}, '"made" is not an object of cases'),
        ({"states": {"a": ["Liver"]}}, "\"states\" of 'a' is not an object of words"),
        ({"names": ["a"]}, '"names" is not an object of cases'),
        ({"names": {"a": {"Leber": 1}}}, "\"names\" of 'a' is not an object of words"),
        ({"leave_out": "a"}, '"leave_out" is not a list of cases'),
        ({"only": [1]}, '"only" is not a list of cases'),
        ({"slices": {"a": {"Liver": {"slices": [1]}}}}, "has slices, but is not said to be drawn on some slices"),
        ({"slices": {"a": {"Liver": [1]}}, "states": {"a": {"Liver": "some slices"}}}, "needs a list of whole numbers"),
    ],
)
def test_what_is_not_understood_is_a_sentence_with_an_example(tmp_path: Path, content: Any, sentence: str) -> None:
    path = tmp_path / "choices.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Failure) as caught:
        read_choices(path)
    assert sentence in str(caught.value)
    assert "choices.json is not understood" in str(caught.value) and "Write, for example" in str(caught.value)


def test_a_file_that_is_not_there_or_not_json_or_says_two_things_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "choices.json"
    with pytest.raises(Failure, match="There is no file choices.json with choices. Correct --choices."):
        read_choices(path)
    with pytest.raises(Failure, match="There is no file"):
        read_choices(tmp_path)
    path.write_text('{"names": ', encoding="utf-8")
    with pytest.raises(Failure, match="choices.json\\) cannot be read"):
        read_choices(path)
    path.write_text('{"states": {"a": {"Liver": "absent", "Liver": "labelled"}}}', encoding="utf-8")
    with pytest.raises(Failure, match="names 'Liver' twice"):
        read_choices(path)
    with pytest.raises(Failure) as caught:
        read_choices(path)
    assert str(tmp_path) not in str(caught.value)


@given(st.dictionaries(CASES, st.dictionaries(NAMES | st.just(EVERY), st.sampled_from(MADE), min_size=1)), CASES, NAMES)
def test_of_how_a_label_was_made_the_most_specific_word_counts(
    made: dict[str, dict[str, str]], case: str, structure: str
) -> None:
    order = [(case, structure), (case, EVERY), (EVERY, structure), (EVERY, EVERY)]
    words = [made[one][other] for one, other in order if other in made.get(one, {})]
    quick = CohortChoices(made=made).of(case).quick([structure])
    assert (structure in quick) is (bool(words) and words[0] == QUICK)


def test_what_is_said_of_how_labels_were_made_stands_over_the_data_set() -> None:
    choices = CohortChoices(made={EVERY: {"Liver": CHECKED}, "a": {"Spleen": QUICK}})
    names = ("Liver", "Spleen", "Heart")
    assert choices.of("a").quick(names, frozenset({"Liver", "Heart"})) == {"Spleen", "Heart"}
    assert choices.of("b").quick(names, frozenset({"Liver"})) == frozenset()
    assert choices.cases == {"a"}
    assert choices.of("a").says_something()


def test_without_a_word_on_how_labels_were_made_the_file_is_as_it_was() -> None:
    assert "made" not in CohortChoices(made={"a": {}}).to_json()
    assert CohortChoices(made={"b": {"x": QUICK, "a": CHECKED}}).to_json()["made"] == {"b": {"a": CHECKED, "x": QUICK}}
    with pytest.raises(ValueError, match="'a' were made must be one of checked, quick, got 'hasty'"):
        CohortChoices(made={"a": {"Liver": "hasty"}})
