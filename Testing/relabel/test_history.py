"""Steps back and forth, and what of them survives in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.relabel.history import History, read_history, write_history
from PartialLabelSegLib.relabel.review import Decision, Edit, automatic_review, read_review, write_review
from PartialLabelSegLib.run.failure import Failure

STRUCTURES = ("Liver", "Spleen – left")
VOXELS = {"scan 1": 1000, "scan 2": 500}

DECISIONS = st.builds(
    Decision,
    st.sampled_from(sorted(VOXELS)),
    st.sampled_from(STRUCTURES),
    st.sampled_from(["accepted", "wrong", "not now"]),
    st.floats(0, 1),
    st.none() | st.integers(0, 499),
    st.text(max_size=4),
) | st.just(Decision("scan 1", "Liver", "edited", edit=Edit("edits/a-1.nrrd", 5)))
STEPS = st.lists(st.lists(DECISIONS, min_size=1, max_size=3).map(tuple), max_size=4).map(tuple)
A, B, C = ((Decision("scan 1", "Liver", said, 0.5),) for said in ("accepted", "wrong", "not now"))


def test_steps_are_undone_and_redone_in_order_and_a_new_one_ends_redoing() -> None:
    history = History().taken(A).taken(B).taken(C)
    back = history.back().back()
    assert (back.done, back.undone) == ((A,), (C, B))
    assert back.forward() == History((A, B), (C,))
    assert back.forward().forward() == history
    assert back.taken(C) == History((A, C))
    assert History().back() == History() == History().forward()
    with pytest.raises(ValueError, match="at least one"):
        History(((),))


@given(STEPS, STEPS)
def test_a_history_comes_back_and_the_worker_reads_what_counts(
    tmp_path_factory: pytest.TempPathFactory, done: tuple[Any, ...], undone: tuple[Any, ...]
) -> None:
    path = tmp_path_factory.mktemp("round") / "review.json"
    history = History(done, undone)
    write_history(path, history)
    assert read_history(path, STRUCTURES, VOXELS) == history
    assert read_review(path, STRUCTURES, VOXELS) == history.review()


def test_a_review_without_steps_is_one_step(tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    assert read_history(path, STRUCTURES, VOXELS) == History()
    review = automatic_review(["scan 1"], STRUCTURES, 0.5)
    write_review(path, review)
    assert read_history(path, STRUCTURES, VOXELS) == History((review.decisions,))


@pytest.mark.parametrize(
    "change", [{"steps": [1]}, {"steps": [3]}, {"steps": [0, 2]}, {"steps": "2"}, {"steps": [True, 1]}]
)
def test_steps_that_do_not_fit_count_as_one_and_nothing_that_counts_is_lost(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    path = tmp_path / "review.json"
    write_history(path, History((A, B), (C,)))
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**value, **change}), encoding="utf-8")
    assert read_history(path, STRUCTURES, VOXELS) == History(((*A, *B),))


@pytest.mark.parametrize("undone", [None, 3, [[]], [{}], [[{"case": "scan 9"}]], [[3]]])
def test_undone_steps_that_cannot_be_read_are_dropped(tmp_path: Path, undone: Any) -> None:
    path = tmp_path / "review.json"
    write_history(path, History((A, B), (C,)))
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**value, "undone": undone}), encoding="utf-8")
    assert read_history(path, STRUCTURES, VOXELS) == History((A, B))


def test_a_damaged_review_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    write_history(path, History((A, B), (C,)))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Failure, match="damaged"):
        read_history(path, STRUCTURES, VOXELS)
