"""Rounds are counted from 1 for people."""

from __future__ import annotations

import pytest

from PartialLabelSegLib.run.round_words import round_word, stage_words


@pytest.mark.parametrize(
    ("name", "last", "words"),
    [
        ("round 0: learning the structures", 2, "Round 1 of 3: learning the structures"),
        ("round 2: learning the sizes", 2, "Round 3 of 3: learning the sizes"),
        ("round 0: learning the confidence", 0, "Round 1: learning the confidence"),
        ("round 3: learning", 2, "Round 4: learning"),
        ("prepared", 2, "prepared"),
        ("round x: learning", 2, "round x: learning"),
    ],
)
def test_a_stage_says_its_round_as_a_person_counts(name: str, last: int, words: str) -> None:
    assert stage_words(name, last) == words


def test_the_first_round_is_round_1() -> None:
    assert [round_word(number) for number in (0, 9)] == ["round 1", "round 10"]
