"""The decisions of a person on one round: taken, counted, undone and redone, each saved at once in the file that the worker reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from ..data.case import Case, read_case
from ..data.conformal import Interval
from ..relabel.edits import read_edits, write_edit
from ..relabel.expected import Expected, read_expected
from ..relabel.history import History, Step, read_history, write_history
from ..relabel.proposal_file import NAME, read_proposal, read_proposal_or_make
from ..relabel.reliability import Tally, read_reliability
from ..relabel.review import ACCEPTED, COMPLETE, EDITED, PERSON, WRONG, Decision, Review
from ..relabel.scan_proposal import ScanProposal
from ..run.failure import Failure
from ..run.folder import RoundFolder, RunFolder
from .counting import count
from .expected_volumes import ExpectedVolumes
from .predicted import labels_of
from .run_facts import RunFacts
from .scope import Counts, Said, Scope, said_of, step_words


class Decisions:
    """One round of a run as it is decided on. Made by `open_decisions`.

    scans: the training scans that have suggestions by now, in the order of the run; `refresh` looks for more.
    changed: called after every change of decisions or scans.
    """

    def __init__(self, run: RunFolder, number: int, cases: Mapping[str, Case], history: History) -> None:
        self._run = run
        self.number = number
        self._cases = dict(cases)
        self._history = history
        self._proposals: dict[str, ScanProposal] = {}
        self._unusable: set[str] = set()
        self._latest: dict[str, tuple[Decision, ...]] = {}
        self.reliability: Mapping[str, Tally] = {}
        self.expected: Mapping[str, Expected] = {}
        self.volumes: Mapping[tuple[str, str], Interval] = {}
        """By scan and structure the volume that was regressed from the image, where it was."""
        self._sizes = ExpectedVolumes(run, number)
        self.changed: list[Callable[[], object]] = []
        self._sort_decisions()

    @property
    def _folder(self) -> RoundFolder:
        return self._run.round(self.number)

    def _prediction(self, scan: str) -> Path:
        return self._folder.prediction(self._cases[scan].folder.name)

    # What is suggested.

    @property
    def scans(self) -> tuple[str, ...]:
        return tuple(name for name in self._cases if name in self._proposals)

    def proposal(self, scan: str) -> ScanProposal:
        """KeyError where the scan has no suggestions yet."""
        return self._proposals[scan]

    def structures(self, scan: str) -> tuple[str, ...]:
        """The structures that are not known in a scan: first those suggested, then those of which nothing is suggested."""
        found = self._proposals[scan]
        return (*found.structures, *found.nothing)

    def refresh(self, most: int = 10**6) -> tuple[str, ...]:
        """Reads the suggestions of at most so many scans that were predicted since, a few milliseconds each; returns their names.

        Scans whose list of suggestions is not there or damaged are passed over: they are `lacking`.
        """
        new: list[str] = []
        for scan in self._cases:
            if len(new) == most:
                break
            if scan in self._proposals or scan in self._unusable or not (self._prediction(scan) / NAME).exists():
                continue
            try:
                self._proposals[scan] = read_proposal(self._prediction(scan), scan)
                new.append(scan)
            except Failure:
                self._unusable.add(scan)
        self._read_facts()
        if new:
            self._tell()
        return tuple(new)

    def _read_facts(self) -> None:
        """What is usual, what is expected and how right suggestions are; all of it only helps, and damaged it helps nobody."""
        self.volumes = self._sizes.now()
        try:
            self.expected = self.expected or read_expected(self._folder.expected)
            self.reliability = self.reliability or read_reliability(self._folder.reliability)
        except Failure:
            return

    def lacking(self) -> tuple[str, ...]:
        """Predicted scans whose list of suggestions has to be made first (`make`), as after an older run."""
        return tuple(
            scan
            for scan in self._cases
            if scan not in self._proposals and (self._prediction(scan) / "prediction.json").exists()
        )

    def make(self, scan: str) -> None:
        """Makes the list of suggestions of a scan from its volumes, which takes seconds. Failure: they cannot be read."""
        labels = labels_of(self._run, self.number, self._cases[scan].folder.name)
        self._proposals[scan] = read_proposal_or_make(self._prediction(scan), labels, scan)
        self._tell()

    # What is decided.

    @property
    def is_closed(self) -> bool:
        """Whether the worker has taken the decisions over: they stand."""
        return self._folder.relabelling.exists()

    def said(self, scan: str, structure: str) -> Said:
        return said_of(self.latest(scan), structure)

    def latest(self, scan: str) -> tuple[Decision, ...]:
        """The decisions on a scan that count."""
        return self._latest.get(scan, ())

    def edits(self, scan: str) -> Mapping[str, np.ndarray]:
        """What was drawn in a scan: per file its flat indices. Failure: a file is missing or damaged."""
        return read_edits(self._folder.path, self.latest(scan), self._cases[scan].grid)

    def taken(self) -> Mapping[str, int]:
        """How many structures in scans stand at each decision. Those with decisions on parts only count under ''."""
        found: Counter[str] = Counter()
        for decisions in self._latest.values():
            for structure in dict.fromkeys(item.structure for item in decisions):
                found[said_of(decisions, structure).decision] += 1
        return found

    def counts(self, scope: Scope, gamma: float) -> Counts:
        """What `gamma` takes of a scope; reads no volume."""
        pairs = [(self._proposals[scan], structure) for scan, structure in self._pairs(scope)]
        return count(pairs, gamma, scope.part, self.reliability)

    def decide(self, scope: Scope, decision: str, gamma: float) -> str:
        """Takes a decision at `gamma`, saves it, and returns it in words; '' where it changes nothing.

        A scope of more than one suggestion leaves those alone of which something else was said before, and those of which nothing is shown.
        'complete' keeps what was drawn where the structure was edited. Failure: the round is over, or the file cannot be written.
        """
        if decision == EDITED:
            raise ValueError("what is edited is said with `edited`")
        step = tuple(self._decisions(scope, decision, gamma))
        return self._take(step) if step else ""

    def _decisions(self, scope: Scope, decision: str, gamma: float) -> Iterable[Decision]:
        for scan, structure in self._pairs(scope):
            said, item = self.said(scan, structure), self._proposals[scan].structures.get(structure)
            shown = 0 if item is None else item.shown(gamma)
            if not scope.is_one and (said.decision not in ("", decision) or not shown):
                continue
            if not shown and (decision in (ACCEPTED, WRONG) or scope.part is not None):
                continue
            new = Decision(scan, structure, decision, gamma if item is not None else None, scope.part)
            if decision == COMPLETE and said.edit is not None:
                new = Decision(scan, structure, decision, edit=said.edit)
            if new not in self.latest(scan):
                yield new

    def _pairs(self, scope: Scope) -> Iterable[tuple[str, str]]:
        for scan in self.scans:
            if scope.scan in (None, scan):
                found = (name for name in self.structures(scan) if scope.structure in (None, name))
                yield from ((scan, name) for name in found)

    def edited(self, scan: str, structure: str, mask: np.ndarray, start: tuple[int, int, int]) -> str:
        """Takes what was drawn of a structure in its place: bool (z, y, x), beginning at voxel `start` (z, y, x). As `decide`."""
        self._check_open()
        case = self._cases[scan]
        try:
            edit = write_edit(self._folder.path, case.folder.name, mask, start, case.grid)
        except OSError as error:
            raise _not_saved(error) from None
        return self._take((Decision(scan, structure, EDITED, edit=edit),))

    # Back and forth.

    @property
    def undo_words(self) -> str:
        """What `undo` would take back; '' where there is nothing."""
        return step_words(self._history.done[-1]) if self._history.done else ""

    @property
    def redo_words(self) -> str:
        return step_words(self._history.undone[-1]) if self._history.undone else ""

    def undo(self) -> str:
        """Takes the last step back, and returns it in words; '' where there is none. Failure as `decide`."""
        return self._move(self._history.back(), self.undo_words)

    def redo(self) -> str:
        return self._move(self._history.forward(), self.redo_words)

    def start_anew(self) -> None:
        """Takes back every decision of the round; all of them can be redone."""
        history = self._history
        while history.done:
            history = history.back()
        self._move(history, "everything" if history != self._history else "")

    def _take(self, step: Step) -> str:
        return self._move(self._history.taken(step), step_words(step))

    def _move(self, history: History, words: str) -> str:
        """Saves a history, and only then goes by it."""
        if not words:
            return ""
        self._check_open()
        try:
            write_history(self._folder.review, history)
        except OSError as error:
            raise _not_saved(error) from None
        self._history = history
        self._sort_decisions()
        self._tell()
        return words

    def _check_open(self) -> None:
        if self.is_closed:
            text = f"Round {self.number + 1} is over: its decisions were taken over and cannot be changed."
            raise Failure(text, way_out="Decide on the suggestions of the next round.")

    def _sort_decisions(self) -> None:
        """Which decisions count, per scan."""
        per_scan: dict[str, list[Decision]] = {}
        for item in self._history.review().decisions:
            per_scan.setdefault(item.case, []).append(item)
        self._latest = {scan: Review(PERSON, tuple(items)).latest(scan) for scan, items in per_scan.items()}

    def _tell(self) -> None:
        for tell in tuple(self.changed):
            tell()


def _not_saved(error: OSError) -> Failure:
    reason = error.strerror or "the system refuses"
    return Failure(f"The decision could not be saved ({reason}).", way_out="Make room on the disk, and decide again.")


def open_decisions(run: RunFolder, facts: RunFacts, number: int) -> Decisions:
    """The decisions of a round as they were left; `refresh` then finds the suggestions.

    Failure: the run or its review.json is damaged (`set_aside` then begins anew).
    """
    splits = dict(facts.splits)
    cases = {name: read_case(run.case(folder)) for name, folder in facts.folders if splits[name] == "train"}
    voxels = {name: int(np.prod(case.grid.size)) for name, case in cases.items()}
    structures = [item.name for item in facts.structures]
    return Decisions(run, number, cases, read_history(run.round(number).review, structures, voxels))


def set_aside(run: RunFolder, number: int) -> Path:
    """Renames a review.json that cannot be read, so that decisions can be taken anew; returns where it is now."""
    path = run.round(number).review
    place = next(
        other for count in range(1, 10**6) if not (other := path.with_name(f"review-damaged-{count}.json")).exists()
    )
    path.rename(place)
    return place
