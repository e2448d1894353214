"""What is recommended: the rule that holds, and a reason that names the structures and counts it rests on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.config import ATTRIBUTES, DOUBTFUL, METHODS
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.data.recommend import (
    Drawn,
    LabelCounts,
    StructureCounts,
    counts_of,
    listed,
    recommend,
    scans,
)
from PartialLabelSegLib.data.types import CHECKED, MADE, QUICK, State

NAMES = ("Liver", "Spleen")
NOTHING = Drawn(State.MISSING, "", False)
DRAWN, HASTY, ABSENT = Drawn(State.LABELLED, CHECKED), Drawn(State.LABELLED, QUICK), Drawn(State.ABSENT, CHECKED)


def counts(unlabelled: int = 0, **structures: StructureCounts) -> LabelCounts:
    return LabelCounts(structures, next(iter(structures.values())).scans, unlabelled)


@pytest.mark.parametrize(
    ("found", "method", "doubtful", "bounds"),
    [
        (counts(Liver=StructureCounts(checked=8, absent=2)), "ambiguity-only", "weigh", ()),
        (counts(Liver=StructureCounts(missing=4)), "ambiguity-only", "weigh", ()),
        (counts(Liver=StructureCounts(checked=9), Spleen=StructureCounts(6, missing=3)), "full", "weigh", ()),
        (counts(Liver=StructureCounts(checked=3, partly=1)), "full", "weigh", ()),
        (counts(Liver=StructureCounts(checked=3, quick=5)), "ambiguity-only", "weigh", ()),
        (counts(Liver=StructureCounts(checked=2, quick=5)), "ambiguity-only", "as-given", ()),
        (counts(Liver=StructureCounts(4, 4), Spleen=StructureCounts(2, 1, 5)), "full", "as-given", ()),
        (counts(15, Liver=StructureCounts(checked=5, missing=15)), "full", "weigh", ("size",)),
        (counts(15, Liver=StructureCounts(checked=5, missing=15, partly=1)), "full", "weigh", ()),
        (counts(16, Liver=StructureCounts(checked=4, missing=16)), "full", "weigh", ()),
        (counts(20, Liver=StructureCounts(checked=20, missing=20)), "full", "weigh", ()),
        (counts(1, Liver=StructureCounts(checked=5, missing=1)), "full", "weigh", ()),
    ],
)
def test_the_first_rule_of_each_kind_that_holds_is_followed(
    found: LabelCounts, method: str, doubtful: str, bounds: tuple[str, ...]
) -> None:
    advice = recommend(found)
    assert (advice.method, advice.doubtful, advice.bounds) == (method, doubtful, bounds)


def test_the_reason_names_structures_and_counts() -> None:
    found = counts(6, Liver=StructureCounts(12, 8, 10), Spleen=StructureCounts(2, 1, 25, 2))
    assert recommend(found).reason == (
        "Not every structure is drawn in every scan (missing or drawn in part: Liver in 10 and Spleen in 25 of 30 scans). "
        "What the others teach is suggested there, and the surest of it is learned from again, in rounds. "
        "Some labels were drawn quickly, but too few are checked to tell where they are wrong (Spleen in 2; 3 are needed of each). "
        "Until then they count as they are. Checking a few more scans helps most."
    )
    judged = counts(20, Liver=StructureCounts(7, 3, 20))
    assert recommend(judged).reason.endswith(
        "Some labels were drawn quickly (Liver in 3 scans, checked in 7). Each place of them counts as far as the checked ones speak for it. "
        "20 of 30 scans have no label at all, and Liver can be learned from few: the sizes in the labelled scans keep what is "
        "suggested in the others within what is usual."
    )
    few = recommend(counts(9, Liver=StructureCounts(1, missing=9)))
    assert "With 5 or more drawn scans of a structure its usual size could be learned" in few.reason


KINDS = st.sampled_from([NOTHING, DRAWN, HASTY, ABSENT, Drawn(State.SOME_SLICES, QUICK, False)])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, KINDS)), max_size=12))
def test_whatever_is_labelled_the_counts_add_up_and_the_advice_can_be_followed(
    cohort: list[Mapping[str, Drawn]],
) -> None:
    found = counts_of(NAMES, cohort)
    assert found.scans == len(cohort)
    assert found.unlabelled == sum(all(item is NOTHING for item in scan.values()) for scan in cohort)
    for name in NAMES:
        item = found.structures[name]
        assert item.quick == sum(scan[name].made == QUICK for scan in cohort)
        assert item.missing == sum(scan[name] is NOTHING for scan in cohort)
        assert item.checked + item.quick + item.missing + item.absent == len(cohort)
    advice = recommend(found)
    assert advice.method in METHODS
    assert advice.doubtful in DOUBTFUL
    assert set(advice.bounds) <= set(ATTRIBUTES)
    assert advice.reason.endswith(".")


def test_labels_are_counted_by_what_they_say() -> None:
    label_map = np.zeros((1, 2, 2), np.uint8)
    label_map[0, 0, 0] = 1
    both = Labels(NAMES, label_map, (True, True), label_map, imperfect=frozenset({"Liver"}))
    cut = Labels(NAMES, label_map, (False, False), label_map, {"Liver": Slices(1, (0,))})
    part = Labels(NAMES, label_map, (False, False), label_map, imperfect=frozenset(NAMES))
    none = Labels.expert(NAMES, np.zeros_like(label_map), (False, False))
    assert counts_of(
        NAMES, ({name: Drawn.of(labels, name) for name in NAMES} for labels in (both, cut, part, none))
    ) == LabelCounts({"Liver": StructureCounts(1, 2, 1, 0, partly=2), "Spleen": StructureCounts(0, 0, 3, 1)}, 4, 1)
    assert {Drawn.of(labels, name).made for labels in (both, cut, part) for name in NAMES} == {*MADE, ""}


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="counted in all of 3 scans"):
        LabelCounts({"Liver": StructureCounts(checked=2)}, 3)
    with pytest.raises(ValueError, match="drawn in part"):
        StructureCounts(checked=1, partly=2)


def test_words_for_numbers_and_lists() -> None:
    assert [scans(1), scans(5)] == ["1 scan", "5 scans"]
    assert [listed([]), listed("A"), listed("AB"), listed("ABC"), listed("ABCDE")] == [
        *("", "A", "A and B", "A, B and C", "A, B and 3 more"),
    ]
