"""A run of rounds that came to its end, for the tests that look at what it left."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from PartialLabelSegLib.data.label_files import read_labels, write_labels
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.rounds import (
    run_rounds,
)
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.train.session import Session
from train.making import (
    STRUCTURES,
    scan_of,
)


@dataclass(frozen=True, eq=False)
class Done:
    """A run that came to its end, with everything that it told."""

    session: Session
    events: tuple[Event, ...]

    def after(self, number: int, name: str) -> Labels:
        """A case's labels after the decisions of a round."""
        return read_labels(self.session.round(number).labels(name))[0]

    def report(self, number: int) -> dict[str, Any]:
        return json.loads(self.session.round(number).relabelling.read_text(encoding="utf-8"))

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def finish(session: Session) -> Done:
    return Done(session, tuple(run_rounds(session)))


MISSING = {"scan0": "Dark", "scan1": "Small", "scan2": "Large"}

"""What each open scan of the cohort lacks."""


def same_labels(first: Labels, second: Labels) -> bool:
    arrays = np.array_equal(first.label_map, second.label_map) and np.array_equal(first.origin, second.origin)
    marks = all(
        set(one) == set(two) and all(np.array_equal(one[name].indices, two[name].indices) for name in one)
        for one, two in ((first.overlaps, second.overlaps), (first.negatives, second.negatives))
    )
    return arrays and marks and first.known == second.known


def truth_folder(folder: Path, session: Session) -> Session:
    """The session as an experiment, compared with every ball as it was made."""
    for seed, case in enumerate(session.cases):
        whole = Labels.expert(STRUCTURES, scan_of(seed).truth, (True, True, True))
        write_labels(folder / case.folder.name, whole, case.grid)
    return replace(session, truth=folder)
