"""The round that waits for decisions, opened once it has suggested something; scan by scan as they are predicted."""

from __future__ import annotations

from ..run.failure import Failure
from .decisions import Decisions, open_decisions, set_aside
from .desk import ERROR, WARNING, Desk
from .predicted import open_round, predicted_in

FINISHED = (
    "Nothing is left to decide: the last round completes the scans by itself. What was completed is in the step Finish."
)
AT_WORK = "The next suggestions come when learning in this round is done."
NOTHING = "There are no suggestions yet. Learn first."


class OpenedRound:
    """`follow` is called after anything changed; reading happens a scan at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.decisions: Decisions | None = None
        self._key: tuple[str, int] | None = None
        self._failed: set[str] = set()
        self.joined: tuple[str, ...] = ()
        """The scans that the last `follow` found."""

    def close(self) -> None:
        self.decisions, self._key, self.joined = None, None, ()
        self._failed.clear()

    def follow(self) -> bool:
        """Opens or closes what has to be. Whether another round is open now than before."""
        run, facts = self._desk.run, self._desk.facts
        self.joined = ()
        number = open_round(run, facts)
        key = (str(run.path), number) if run is not None and number is not None else None
        if key != self._key:
            self.close()
            self._key = key
            if run is not None and number is not None:
                self.decisions = self._opened(number)
            return True
        if self.decisions is not None:
            self._read_on(self.decisions)
        return False

    def _opened(self, number: int) -> Decisions | None:
        run = self._desk.run
        assert run is not None
        try:
            return open_decisions(run, self._desk.facts, number)
        except Failure as failure:
            self._desk.say(failure.sentence(), ERROR)
        try:
            kept = set_aside(run, number)
            self._desk.say(
                f"The decisions of this round could not be read. They are kept as {kept.name}, and it is decided anew.",
                WARNING,
            )
            return open_decisions(run, self._desk.facts, number)
        except (Failure, OSError):
            return None

    def _read_on(self, decisions: Decisions) -> None:
        """One scan more, where one was predicted since; and where its list of suggestions is lacking it is made."""
        self.joined = decisions.refresh(1)
        if self.joined:
            self._desk.tell()
            return
        lacking = [scan for scan in decisions.lacking() if scan not in self._failed]
        if not lacking or self._desk.job is not None:
            return
        try:
            decisions.make(lacking[0])
            self.joined = (lacking[0],)
        except Failure as failure:
            self._failed.add(lacking[0])
            self._desk.say(failure.sentence(), ERROR)
        self._desk.tell()

    def why_none(self) -> str:
        """Why nothing can be decided on, in a sentence with the way out."""
        desk, facts = self._desk, self._desk.facts
        if self._key is not None:
            return desk.message.text or "The decisions of this round cannot be read."
        if desk.job is not None:
            return AT_WORK
        run = desk.run
        closed = (
            run is not None
            and facts.folders
            and all(run.round(number).relabelling.exists() for number in range(facts.rounds))
        )
        if closed and run is not None:
            last = any(
                found is not None and found.number == facts.rounds
                for found in (predicted_in(run, facts, name) for name, _ in facts.folders)
            )
            return (
                FINISHED
                if last
                else "Learning was stopped. Resume it in the step Learn: the last round completes the scans."
            )
        return (
            "Learning was stopped before this round suggested anything. Resume it in the step Learn."
            if facts.folders
            else NOTHING
        )
