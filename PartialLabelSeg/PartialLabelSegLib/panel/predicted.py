"""Which rounds of a run have suggested something, for which scans, and which round waits for decisions: from the files that are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..run.folder import RoundFolder, RunFolder
from .run_facts import RunFacts


@dataclass(frozen=True)
class Predicted:
    """The suggestions of a scan. number: the round that made them; folder: where they lie; labels: the folder of the labels it learned from."""

    number: int
    folder: Path
    labels: Path


def predicted_in(run: RunFolder | None, facts: RunFacts, scan: str) -> Predicted | None:
    """The latest suggestions of a scan; None where there are none."""
    place = facts.folder(scan)
    if run is None or place is None:
        return None
    for number in range(facts.rounds, -1, -1):
        folder = run.round(number).prediction(place)
        if (folder / "prediction.json").is_file():
            return Predicted(number, folder, labels_of(run, number, place))
    return None


def labels_of(run: RunFolder, number: int, case_folder: str) -> Path:
    """The folder of the labels that a round learned from in a case: those after the round before, or where that left none, the annotator's."""
    for before in range(number - 1, -1, -1):
        folder = run.round(before).labels(case_folder)
        if (folder / "labels.json").is_file():
            return folder
    return run.case(case_folder)


def open_round(run: RunFolder | None, facts: RunFacts) -> int | None:
    """The round whose suggestions are being decided on, once it has made any; None where no decisions are asked for."""
    if run is None:
        return None
    for number in range(facts.rounds):
        folder = run.round(number)
        if not folder.relabelling.exists():
            return number if has_predicted(folder) else None
    return None


def has_predicted(folder: RoundFolder) -> bool:
    return any((folder.path / "predictions").glob("*/prediction.json"))


def all_predicted(folder: RoundFolder) -> bool:
    """Whether the round has suggested all that it will before it waits: then it measures how right the suggestions are."""
    return folder.reliability.exists()
