"""Decisions: the last word counts, undo, and a file that is either understood or refused in clear words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.relabel.review import (
    COMPLETE,
    DECISIONS,
    EDITED,
    Decision,
    Edit,
    Review,
    automatic_review,
    read_review,
    write_review,
)
from PartialLabelSegLib.run.failure import Failure

STRUCTURES = ("Liver", "Spleen")
VOXELS = {"scan 1": 1000, "scan 2": 500}
GOOD = {"case": "scan 1", "structure": "Liver", "decision": "accepted", "gamma": 0.5, "component": 12}


def review_file(folder: Path, value: Any) -> Path:
    path = folder / "review.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    said = draw(st.sampled_from(DECISIONS))
    case, structure = draw(st.sampled_from(sorted(VOXELS))), draw(st.sampled_from(STRUCTURES))
    note = draw(st.text(max_size=5))
    if said == EDITED or (said == COMPLETE and draw(st.booleans())):
        edit = Edit(draw(st.text(min_size=1, max_size=5)), draw(st.integers(0, 2**32 - 1)))
        return Decision(case, structure, said, note=note, edit=edit)
    component = None if said == COMPLETE else draw(st.none() | st.integers(0, 499))
    return Decision(case, structure, said, draw(st.floats(0, 1)), component, note)


@given(st.lists(decisions(), max_size=6), st.sampled_from(["automatic", "person"]))
def test_a_review_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, found: list[Decision], by: str
) -> None:
    path = tmp_path_factory.mktemp("review") / "review.json"
    review = Review(by, tuple(found))
    write_review(path, review)
    assert read_review(path, STRUCTURES, VOXELS) == review


def test_the_last_decision_on_a_structure_and_on_a_component_counts() -> None:
    first = Decision("scan 1", "Liver", "accepted", 0.5)
    part = Decision("scan 1", "Liver", "wrong", 0.5, 12)
    second = Decision("scan 1", "Liver", "not now")
    elsewhere = Decision("scan 2", "Liver", "complete")
    review = Review("person", (first, part, elsewhere, second))
    assert review.latest("scan 1") == (part, second)
    assert review.latest("scan 2") == (elsewhere,)
    assert review.latest("scan 3") == ()
    assert review.without_last().latest("scan 1") == (first, part)


DRAWN = Edit("edits/a-1.nrrd", 7)


def drawn(decision: str = "edited", edit: Edit = DRAWN) -> Decision:
    return Decision("scan 1", "Liver", decision, edit=edit)


def test_a_drawing_takes_the_place_of_what_was_said_before_but_for_wrong_components() -> None:
    wrong = Decision("scan 1", "Liver", "wrong", 0.5, 3)
    before = (Decision("scan 1", "Liver", "accepted", 0.5), wrong, Decision("scan 1", "Liver", "accepted", 0.5, 12))
    other = Decision("scan 1", "Spleen", "accepted", 0.5, 4)
    after = Decision("scan 1", "Liver", "accepted", 0.5, 20)
    review = Review("person", (*before, other, drawn(), after))
    assert review.latest("scan 1") == (wrong, other, drawn(), after)
    # The last word on the whole structure counts.
    assert review.with_decision(before[0]).latest("scan 1") == (wrong, other, after, before[0])


def test_complete_after_a_drawing_keeps_it() -> None:
    part = Decision("scan 1", "Liver", "wrong", 0.5, 3)
    for complete in (
        Decision("scan 1", "Liver", "complete", 0.5),
        Decision("scan 1", "Liver", "complete"),
        drawn("complete"),
    ):
        assert Review("person", (drawn(), part, complete)).latest("scan 1") == (drawn("complete"), part)
    other = drawn("complete", Edit("edits/a-2.nrrd", 8))
    assert Review("person", (drawn(), part, other)).latest("scan 1") == (part, other)
    assert Review("person", (drawn("complete"), drawn())).latest("scan 1") == (drawn(),)


def test_undo_takes_back_one_decision_at_a_time_and_ends_at_none() -> None:
    review = Review("person").with_decision(Decision("scan 1", "Liver", "complete"))
    assert review.without_last() == Review("person")
    assert Review("person").without_last() == Review("person")


def test_the_automatic_review_accepts_every_structure_of_every_case() -> None:
    review = automatic_review(["scan 1", "scan 2"], STRUCTURES, 0.33)
    assert review.by == "automatic"
    assert [(item.case, item.structure) for item in review.decisions] == [
        (case, name) for case in ("scan 1", "scan 2") for name in STRUCTURES
    ]
    assert {(item.decision, item.gamma, item.component) for item in review.decisions} == {("accepted", 0.33, None)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"case": "scan 9"}, "Decision 1 in review.json speaks of the case 'scan 9'"),
        ({"structure": "Lung"}, "Case 'scan 1', structure 'Lung': Decision 1"),
        ({"gamma": 1.5}, "gamma must lie in 0..1, got 1.5"),
        ({"gamma": -0.1}, "gamma must lie in 0..1"),
        ({"gamma": "half"}, "gamma must be a number"),
        ({"gamma": True}, "gamma must be a number"),
        ({"gamma": None}, "needs the gamma"),
        ({"component": 1000}, "voxel 1000, outside the scan of 1000 voxels"),
        ({"component": -1}, "from 0, got -1"),
        ({"component": 1.5}, "component must be a voxel index"),
        ({"component": True}, "component must be a voxel index"),
        ({"decision": "yes"}, "accepted, wrong, not now, complete, edited"),
        ({"decision": "edited"}, "speaks of a whole structure"),
        ({"decision": "edited", "component": None, "gamma": None}, "needs the mask that was drawn"),
        ({"edit": {"file": "a", "crc32": 1}}, "instead of a gamma"),
        ({"decision": "edited", "component": None, "edit": {"file": "a", "crc32": 1}}, "instead of a gamma"),
        ({"decision": "edited", "component": None, "gamma": None, "edit": "a.nrrd"}, "must name its file"),
        ({"decision": "edited", "component": None, "gamma": None, "edit": {"file": "a", "crc32": True}}, "its crc32"),
        ({"decision": "edited", "component": None, "gamma": None, "edit": {"file": "a", "crc32": -1}}, "checksum"),
        ({"decision": "edited", "component": None, "gamma": None, "edit": {"crc32": 1}}, "must name its file"),
        ({"decision": "complete"}, "speaks of a whole structure"),
        ({"decision": ["accepted"]}, "must be texts"),
        ({"case": None}, "must be texts"),
        ({"note": 5}, "must be texts"),
    ],
)
def test_a_decision_that_the_run_cannot_honour_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = review_file(tmp_path, {"format": 1, "by": "person", "decisions": [{**GOOD, **change}]})
    with pytest.raises(Failure) as caught:
        read_review(path, STRUCTURES, VOXELS)
    assert words in str(caught.value)
    assert "run the same command again" in str(caught.value)


@pytest.mark.parametrize("lacking", ["case", "structure", "decision"])
def test_a_decision_that_lacks_something_is_refused(lacking: str, tmp_path: Path) -> None:
    rest = {key: value for key, value in GOOD.items() if key != lacking}
    path = review_file(tmp_path, {"format": 1, "by": "person", "decisions": [rest]})
    with pytest.raises(Failure, match=f"Decision 1 in review.json lacks '{lacking}'"):
        read_review(path, STRUCTURES, VOXELS)


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        7,
        {},
        {"format": 1, "by": "person"},
        {"format": 1, "by": "person", "decisions": {}},
        {"format": 2, "by": "person", "decisions": []},
        {"format": 1, "by": "nobody", "decisions": []},
        {"format": 1, "by": ["person"], "decisions": []},
        {"format": 1, "by": "person", "decisions": [3]},
        {"format": 1, "by": "person", "decisions": [None]},
    ],
)
def test_a_foreign_file_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"review\.json"):
        read_review(review_file(tmp_path, value), STRUCTURES, VOXELS)


def test_a_review_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    write_review(path, automatic_review(["scan 1"], STRUCTURES, 1))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Failure, match="damaged"):
        read_review(path, STRUCTURES, VOXELS)
    with pytest.raises(Failure, match="missing"):
        read_review(tmp_path / "other.json", STRUCTURES, VOXELS)
