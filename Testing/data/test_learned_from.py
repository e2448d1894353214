"""A run's configuration in words: what each structure is learned from, and what becomes of it where it is missing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from PartialLabelSegLib.config import ATTRIBUTES, DOUBTFUL, METHODS, Configuration, Relabelling
from PartialLabelSegLib.data.learned_from import describe
from PartialLabelSegLib.data.recommend import LabelCounts, StructureCounts

USUAL = Relabelling()
LIVER = StructureCounts(checked=12, quick=8, missing=10)


def told(item: StructureCounts, relabelling: Relabelling = USUAL, **chosen: Any) -> str:
    (sentence,) = describe(Configuration(relabelling=relabelling, **chosen), LabelCounts({"Liver": item}, item.scans))
    return sentence


def test_a_structure_says_what_it_is_learned_from() -> None:
    assert told(LIVER) == (
        "Liver: from 12 checked scans, every voxel; from 8 quick ones, voxel by voxel as far as the checked ones agree; "
        "in 10 scans nobody drew it: the surest part of what is suggested is learned from, in 2 rounds."
    )
    assert told(StructureCounts(checked=1, absent=2)) == (
        "Liver: from 1 checked scan, every voxel; in 2 scans it is known not to be there."
    )
    assert told(StructureCounts(missing=3)) == "Liver: nobody drew it, so it is not learned."


@pytest.mark.parametrize(
    ("doubtful", "words"),
    [
        ("weigh", "from 8 quick ones, voxel by voxel as far as the checked ones agree"),
        ("fixed", "from 8 quick ones, every voxel for 80 % and what the network itself sees there for 20 %"),
        ("as-given", "from 8 quick ones, every voxel, as if they were checked"),
        ("leave-out", "the labels of 8 quick ones are left out"),
    ],
)
def test_every_worth_of_quick_labels_has_its_words(doubtful: str, words: str) -> None:
    assert f"; {words}; " in told(LIVER, doubtful=doubtful)


@pytest.mark.parametrize("doubtful", ["weigh", "fixed"])
def test_quick_labels_that_nothing_checked_speaks_against_count_as_they_are(doubtful: str) -> None:
    sentence = told(StructureCounts(quick=3), doubtful=doubtful)
    assert sentence == "Liver: from 3 quick scans, every voxel, since nothing checked can speak against it."


def test_left_out_labels_count_as_missing() -> None:
    assert "in 18 scans it counts as not drawn: " in told(LIVER, doubtful="leave-out")
    alone = told(StructureCounts(quick=1, missing=2), doubtful="leave-out")
    assert alone == "Liver: the label of 1 quick scan is left out, so it is not learned."


def test_the_share_of_given_labels_is_the_plans() -> None:
    assert "every voxel for 65 % and " in told(LIVER, doubtful="fixed", plan={"given_share": 0.65})


@pytest.mark.parametrize(
    ("relabelling", "words"),
    [
        (Relabelling(rounds=1), "the surest part of what is suggested is learned from, in 1 round."),
        (Relabelling(review=True), "what a person accepts of the suggestions is learned from, in 2 rounds."),
        (Relabelling(rounds=0), "nothing is learned there, but where another structure is drawn."),
        (Relabelling("ambiguity-only"), "nothing is learned there, but where another structure is drawn."),
        (
            Relabelling("all-pseudo-labels"),
            "all that is predicted there is learned from as if it were drawn, in 1 round.",
        ),
        (Relabelling("naive"), "it is taken as not there."),
        (Relabelling("mlb"), "predicts is its first label, and counts as a quick one does."),
    ],
)
def test_every_method_says_what_becomes_of_a_missing_structure(relabelling: Relabelling, words: str) -> None:
    assert told(LIVER, relabelling).endswith(words)


def test_bounds_are_told_where_a_structure_is_missing() -> None:
    sentence = told(LIVER, bounds=("size", "centroid"))
    assert sentence.endswith(", and its size and its place are kept within what the drawn scans teach.")
    assert "kept within" not in told(StructureCounts(checked=3), bounds=("size",))


def test_what_is_drawn_in_part_is_told() -> None:
    assert "; in 2 of them only where it was looked for" in told(StructureCounts(checked=3, partly=2))
    assert "taken as not there elsewhere" in told(StructureCounts(checked=3, partly=1), Relabelling("naive"))


def test_scans_without_any_label_are_told_at_the_end() -> None:
    found = LabelCounts({"Liver": StructureCounts(2, missing=3), "Spleen": StructureCounts(1, missing=4)}, 5, 2)
    assert [sentence.split(":")[0] for sentence in describe(Configuration(), found)] == [
        *("Liver", "Spleen", "In 2 of 5 scans nothing is labelled at all."),
    ]


@pytest.mark.parametrize(("method", "doubtful"), list(itertools.product(METHODS, DOUBTFUL)))
def test_every_configuration_is_a_sentence(method: str, doubtful: str) -> None:
    for item in (LIVER, StructureCounts(quick=1, missing=1, partly=1), StructureCounts()):
        sentence = told(item, Relabelling(method), doubtful=doubtful, bounds=ATTRIBUTES)
        assert sentence.startswith("Liver: ")
        assert sentence.endswith(".")
        assert "  " not in sentence
        assert "; ;" not in sentence
