"""The steps in which decisions were taken, undone and redone, kept in the one file of the review so that a crash loses none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..run.failure import Failure
from ..run.files import read_json, write_text
from .review import FORMAT, PERSON, Decision, Review, decision_to_json, decisions_from_json, read_review

Step = tuple[Decision, ...]


@dataclass(frozen=True)
class History:
    """done: the steps that count, in order, each one or more decisions taken at once. undone: the steps that can be redone, the next one last."""

    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if not all((*self.done, *self.undone)):
            raise ValueError("a step has at least one decision")

    def taken(self, step: Step) -> History:
        """With one step more; what was undone before cannot be redone any more."""
        return History((*self.done, step))

    def back(self) -> History:
        """Before its last step; an empty one stays empty."""
        return History(self.done[:-1], (*self.undone, *self.done[-1:]))

    def forward(self) -> History:
        """With the step again that was undone last."""
        return History((*self.done, *self.undone[-1:]), self.undone[:-1])

    def review(self) -> Review:
        """What the worker reads: a person's decisions, in order."""
        return Review(PERSON, tuple(item for step in self.done for item in step))


def write_history(path: Path, history: History) -> None:
    """Writes `review.json`, one decision a line. The worker reads the decisions; the rest is for undoing and redoing."""
    decisions = [json.dumps(decision_to_json(item), ensure_ascii=False) for item in history.review().decisions]
    undone = [[decision_to_json(item) for item in step] for step in history.undone]
    lines = ",\n".join(f"  {line}" for line in decisions)
    text = (
        f'{{"format": {FORMAT}, "by": "{PERSON}",\n "decisions": [\n{lines}\n ],\n'
        f' "steps": {json.dumps([len(step) for step in history.done])},\n'
        f' "undone": {json.dumps(undone, ensure_ascii=False)}}}\n'
    )
    write_text(path, text)


def read_history(path: Path, structures: Sequence[str], voxels: Mapping[str, int]) -> History:
    """The history of a round; empty where there is no file. Failure as `read_review`.

    A review that says nothing of steps, written by hand or by the program itself, counts as one step.
    """
    if not path.exists():
        return History()
    decisions = read_review(path, structures, voxels).decisions
    value = read_json(path, "the review of the suggestions")
    sizes = value.get("steps")
    if not _are_sizes(sizes, len(decisions)):
        return History((decisions,) if decisions else ())
    done = tuple(decisions[end - size : end] for size, end in zip(sizes, accumulate(sizes)))
    return History(done, _undone(value.get("undone"), path.name, structures, voxels))


def _are_sizes(value: Any, total: int) -> bool:
    numbers = isinstance(value, list) and all(type(size) is int and size > 0 for size in value)
    return numbers and sum(value) == total


def _undone(value: Any, name: str, structures: Sequence[str], voxels: Mapping[str, int]) -> tuple[Step, ...]:
    """The undone steps; none where they cannot be read: nothing that counts is lost with them."""
    if not isinstance(value, list) or not all(isinstance(step, list) and step for step in value):
        return ()
    try:
        return tuple(decisions_from_json(step, name, structures, voxels) for step in value)
    except Failure:
        return ()
