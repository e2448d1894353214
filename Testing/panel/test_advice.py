"""What is recommended for the labels as they are, and that the worker is told only what it would not do by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from PartialLabelSegLib.config import METHODS
from PartialLabelSegLib.data.recommend import StructureCounts
from PartialLabelSegLib.options import parser
from PartialLabelSegLib.panel import advice, words
from PartialLabelSegLib.panel.advice import Adviser, label_counts
from PartialLabelSegLib.panel.counts_as import Counted
from PartialLabelSegLib.panel.state import Choices, PanelState, Scan, from_text, to_text

NAMES = ("Liver", "Spleen")


def scans(*states: tuple[str, str], quick: tuple[int, ...] = ()) -> tuple[Scan, ...]:
    """Liver and Spleen in each; in the scans of these numbers everything was drawn quickly."""
    return tuple(
        Scan(f"CT {number}", found=dict(zip(NAMES, pair)), quick=NAMES if number in quick else ())
        for number, pair in enumerate(states)
    )


PARTIAL = scans(*[("labelled", "missing")] * 4, *[("missing", "labelled")] * 4)
ALL = ("labelled", "labelled")


def test_the_labels_are_counted_as_they_stand_in_the_table() -> None:
    table = scans(("labelled", "missing"), ("some slices", "absent"), ALL, ("missing", "missing"), quick=(2,))
    counts = label_counts(table)
    assert (counts.scans, counts.unlabelled) == (4, 1)
    assert counts.structures["Liver"] == StructureCounts(checked=2, quick=1, missing=1, partly=1)
    assert counts.structures["Spleen"] == StructureCounts(quick=1, missing=2, absent=1)


def test_a_structure_of_which_a_part_is_not_drawn_counts_as_drawn_in_part() -> None:
    kidneys = Scan("CT", found={"left": "labelled", "right": "missing"}, names={"left": "Kidneys", "right": "Kidneys"})
    assert label_counts([kidneys]).structures == {"Kidneys": StructureCounts(checked=1, partly=1)}
    quick = replace(kidneys, quick=("left",))
    assert label_counts([quick]).structures == {"Kidneys": StructureCounts(quick=1, partly=1)}


def test_without_quick_labels_the_worker_is_told_nothing_special() -> None:
    adviser = Adviser(lambda: PARTIAL)
    assert adviser.arguments(Choices()) == ()
    said = adviser.view(Choices())
    assert said.sentence.startswith("Recommended: learn in rounds, because not every structure is drawn")
    assert (said.method, said.doubtful, said.bounds) == ("full", "weigh", ())


def test_quick_labels_beside_enough_checked_ones_are_weighed_and_it_says_so() -> None:
    adviser = Adviser(lambda: scans(*[ALL] * 4, *[ALL] * 3, ("missing", "missing"), quick=(4, 5, 6)))
    assert adviser.arguments(Choices()) == ()
    said = adviser.view(Choices()).sentence
    assert "quick labels: weigh each voxel" in said and "drawn quickly" in said


def test_with_too_few_checked_ones_quick_labels_count_as_they_are() -> None:
    adviser = Adviser(lambda: scans(ALL, ALL, ALL, ("labelled", "missing"), quick=(1, 2, 3)))
    assert adviser.arguments(Choices()) == ("--doubtful", "as-given")
    assert "quick labels: trust them" in adviser.view(Choices()).sentence
    # Who decides about quick labels decides about all of it.
    assert adviser.arguments(Choices(doubtful="weigh")) == ()
    assert adviser.arguments(Choices(doubtful="fixed")) == ("--doubtful", "fixed")


def test_what_the_user_chose_comes_before_what_is_recommended_and_is_said() -> None:
    adviser = Adviser(lambda: PARTIAL)
    chosen = Choices(method="mlb", bounds=("size", "extent"))
    assert adviser.arguments(chosen) == ("--method", "mlb", "--bounds", "size", "extent")
    assert adviser.view(chosen).sentence.endswith("You chose otherwise, under Advanced.")
    assert adviser.arguments(Choices(method="full", bounds=())) == ()


def test_where_nothing_is_drawn_nothing_is_recommended() -> None:
    assert Adviser(tuple).view(Choices()).sentence == ""
    assert Adviser(lambda: scans(("missing", "absent"))).view(Choices()).sentence == ""


def test_it_counts_again_only_where_scans_changed() -> None:
    table = [PARTIAL]
    adviser = Adviser(lambda: table[0])
    first = adviser.now()
    assert adviser.now() is first
    table[0] = scans(ALL)
    assert adviser.now().method == "ambiguity-only"


@pytest.mark.parametrize("method", METHODS)
def test_every_way_of_learning_has_words_and_is_understood_by_the_worker(method: str) -> None:
    assert words.METHODS[method].meaning
    adviser = Adviser(lambda: PARTIAL)
    for doubtful in words.DOUBTFUL:
        choices = Choices(method=method, doubtful=doubtful, bounds=tuple(words.BOUNDS))
        told = parser().parse_args(["complete", "data", *adviser.arguments(choices), "--out", "run"])
        assert (getattr(told, "method", "full"), getattr(told, "doubtful", "weigh")) == (method, doubtful)
        assert told.bounds == list(words.BOUNDS)


def test_a_choice_that_nobody_knows_is_refused_and_earlier_states_have_none() -> None:
    for wrong in ({"method": "magic"}, {"doubtful": "perhaps"}, {"bounds": ("colour",)}):
        with pytest.raises(ValueError, match="must be"):
            Choices(**wrong)
    text = to_text(PanelState(choices=Choices(method="mlb", bounds=("size",))))
    assert from_text(text).choices.bounds == ("size",)
    earlier = to_text(PanelState()).replace(', "method": null, "doubtful": null, "bounds": null', "")
    assert "doubtful" not in earlier and from_text(earlier).choices == Choices()


def test_each_scan_is_looked_at_once_however_often_the_step_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    table = scans(*[("labelled", "missing"), ("some slices", "labelled")] * 50)
    looked: list[int] = []

    def counted(found: Mapping[str, str], names: Mapping[str, str]) -> Mapping[str, Counted]:
        looked.append(len(found))
        return real(found, names)

    real = advice.counted
    monkeypatch.setattr(advice, "counted", counted)
    adviser = Adviser(lambda: table)
    for _ in range(3):
        adviser.view(Choices())
        adviser.arguments(Choices())
    assert len(looked) == 100
