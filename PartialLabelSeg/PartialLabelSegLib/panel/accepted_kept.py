"""Keeps the accepted segments of the scans true to the decisions: of the one in the views at once, of every other one when it is shown or taken home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..data.types import Structure
from ..relabel.review import Decision
from . import accepted_again as again
from .acceptance import Acceptance
from .decisions import Decisions
from .desk import Desk
from .look_logic import LookController
from .predicted import Predicted, labels_of, predicted_in
from .round_opened import OpenedRound
from .steps import Steps, scaled
from .suggestions import read_suggestions
from .viewed import Viewed

Before = Mapping[str, tuple[Decision, ...]]


class AcceptedKept:
    """acceptance: what decisions on the scan in the views mean; None where nothing can be decided there."""

    def __init__(self, desk: Desk, look: LookController, opened: OpenedRound) -> None:
        self._desk = desk
        self._look = look
        self._round = opened
        self._held: tuple[str, int, Acceptance] | None = None
        look.prepare = self._prepare

    def forget(self) -> None:
        self._held = None

    @property
    def acceptance(self) -> Acceptance | None:
        decisions, viewed, held = self._round.decisions, self._look.viewed, self._held
        fits = (
            decisions is not None
            and viewed is not None
            and held is not None
            and held[:2] == (viewed.name, decisions.number)
        )
        return held[2] if fits and held is not None else None

    def before(self) -> Before:
        """The decisions that count now, to be compared with after a change."""
        decisions = self._round.decisions
        return {scan: decisions.latest(scan) for scan in decisions.scans} if decisions is not None else {}

    def changed(self, before: Before) -> list[tuple[str, str]]:
        """After a change of decisions: the scan and structure of each that is another now. The segments in the views follow."""
        decisions = self._round.decisions
        if decisions is None:
            return []
        pairs = [
            (scan, item.structure) for scan, old in before.items() for item in set(old) ^ set(decisions.latest(scan))
        ]
        viewed, acceptance = self._look.viewed, self.acceptance
        if viewed is None:
            # On its way into the views: what was prepared for it may be stale.
            self._look.reload()
        elif acceptance is not None and any(scan == viewed.name for scan, _ in pairs):
            names = again.all_at_stake(before.get(viewed.name, ()), decisions.latest(viewed.name))
            structures = [item for item in viewed.structures if item.name in names]
            self._look.change_accepted(self._remade(decisions, viewed, structures, acceptance))
        return sorted(set(pairs))

    def _remade(
        self, decisions: Decisions, viewed: Viewed, structures: list[Structure], acceptance: Acceptance
    ) -> Steps[None]:
        wanted = again.by_decisions(decisions, viewed.name, acceptance)
        yield from again.make_agree(viewed.volume, viewed.name, structures, wanted)

    def _prepare(self, viewed: Viewed, predicted: Predicted | None) -> Steps[None]:
        """Before a scan is shown: its accepted segments agree with all that was decided, also in an earlier session."""
        self._held = None
        self._held = yield from self._agreed(viewed, predicted)

    def _agreed(self, viewed: Viewed, predicted: Predicted | None) -> Steps[tuple[str, int, Acceptance] | None]:
        decisions, name = self._round.decisions, viewed.name
        if predicted is None or viewed.suggestions is None:
            return None
        if decisions is not None and predicted.number == decisions.number and name in decisions.scans:
            proposal = decisions.proposal(name)
            acceptance = again.acceptance_of(proposal, viewed.suggestions, predicted.labels, predicted.number > 0)
            structures = again.touched(decisions, name, viewed.volume, viewed.structures)
            yield from again.make_agree(
                viewed.volume, name, structures, again.by_decisions(decisions, name, acceptance)
            )
            return name, predicted.number, acceptance
        yield from self._as_labelled(viewed)
        return None

    def _as_labelled(self, viewed: Viewed) -> Steps[None]:
        """Where nothing is to be decided any more, what all rounds have accepted."""
        run, folder = self._desk.run, self._desk.case_folder(viewed.name)
        if run is None or folder is None:
            return
        labels = labels_of(run, self._desk.facts.rounds + 1, folder)
        if labels != run.case(folder):
            wanted = yield from scaled(again.by_labels(labels, viewed.name), 0.0, 0.5)
            agreeing = again.make_agree(viewed.volume, viewed.name, viewed.structures, wanted)
            yield from scaled(agreeing, 0.5, 1.0)

    def bring(self, scan: str, volume: Any) -> Steps[None]:
        """Makes the accepted segments of any scan agree with the decisions, for those who take them home."""
        shown = self._look.viewed
        predicted = predicted_in(self._desk.run, self._desk.facts, scan)
        if predicted is None or (shown is not None and shown.name == scan):
            yield 1.0
            return
        suggestions = yield from scaled(read_suggestions(predicted.folder, scan), 0.0, 0.8)
        viewed = Viewed(scan, volume, self._desk.structures, None, suggestions, predicted.labels)
        yield from scaled(self._agreed(viewed, predicted), 0.8, 1.0)
