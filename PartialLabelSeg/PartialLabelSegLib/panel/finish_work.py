"""Work of the step Finish, one at a time: in steps in the window, or by the worker; how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..run.events import Event
from .application_of_models import share_of
from .desk import ERROR, WARNING, Desk
from .outcome import Outcome
from .steps import Steps
from .view_models_decide import Working


class FinishWork:
    """message: what was done last, in a sentence."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.message = ""
        self._working: Working | None = None
        self._by_worker = False

    def forget(self) -> None:
        self._working, self.message, self._by_worker = None, "", False

    def working(self) -> Working | None:
        """What goes on, and how far it is."""
        if self._working is not None and not self._by_worker and self.desk.busy == self._working.words:
            return Working(self._working.words, min(1.0, self.desk.busy_share))
        return self._working

    def can_stop(self) -> bool:
        """Whether the worker is at it; what is done in the window is done in a moment."""
        return self._by_worker

    def cancel(self) -> None:
        if self._by_worker:
            self.desk.cancel_job()

    def done(self, sentence: str) -> None:
        self.message = sentence
        self.desk.tell()

    def later(self, steps: Steps[Any], done: Callable[[Any], object], words: str) -> None:
        """Does something in steps, then `done(result)`; what goes wrong is said."""
        self._working, self._by_worker, self.message = Working(words, 0.0), False, ""

        def ended(value: Any) -> None:
            self._working = None
            done(value)

        self.desk.later(steps, ended, words, self._failed)

    def _failed(self, sentence: str) -> None:
        self._working = None
        self.desk.say(sentence, ERROR)

    def start(
        self, arguments: tuple[str | Path, ...], said: str, words: str, done: Callable[[], object] | None = None
    ) -> None:
        """Starts the worker. said: what is said when it has done it; done: what is done then."""

        def heard(event: Event) -> None:
            share = share_of(event)
            if share is not None:
                self._working = Working(words, share)
                self.desk.tell()

        def ended(outcome: Outcome) -> None:
            self._working, self._by_worker = None, False
            if not outcome.done:
                sentence = f"{outcome.sentence} {outcome.way_out}".strip()
                self.desk.say("Stopped." if outcome.cancelled else sentence, WARNING if outcome.cancelled else ERROR)
                return
            self.message = said
            if done is not None:
                done()
            self.desk.tell()

        self.message = ""
        if self.desk.start_job(arguments, heard, ended, words.rstrip("…")):
            self._working, self._by_worker = Working(words), True
