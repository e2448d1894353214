"""The ratings of a scene at work: every change is kept at once, in the scene and in the work folder, and can be undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import qt

from ...data.raters.steps import SoftSteps
from ...run.failure import Failure
from ..desk import ERROR, WARNING, Desk
from . import kept
from .history import History
from .rating import Rating, Study

REST_MS = 300
"""A slider that was not moved for so long rests."""


class Sitting:
    """`changed()` is called after every change, also after undo."""

    def __init__(self, desk: Desk, changed: Callable[[], object]) -> None:
        self._desk = desk
        self._changed = changed
        self.history: History[Study] = History()
        self.study = Study()
        self._resting = qt.QTimer()
        self._resting.setSingleShot(True)
        self._resting.setInterval(REST_MS)
        self._slot = self.settle
        self._resting.timeout.connect(self._slot)
        self.load()

    def load(self) -> None:
        """What the scene or its work folder has; called again when another scene is opened."""
        self._resting.stop()
        self.history.forget()
        self.study, said = kept.newer(self._desk.scene, self._desk.state.folder)
        if said:
            self._desk.say(said, WARNING)

    @property
    def rating(self) -> Rating | None:
        return self.study.rating

    def put(self, rating: Rating, words: str = "", instead_of: tuple[str, str, str] | None = None) -> None:
        """Takes a rating as it is now. words: what undo would take back; '' for what is no work of a rater, such as whose turn it is."""
        before = self.study
        if rating == before.rating and instead_of in (None, rating.key):
            return
        if words:
            self.history.changed(words, before)
        self._take(before.with_rating(rating, instead_of))

    def change_steps(self, steps: SoftSteps) -> None:
        """Other steps to a soft label. Kept once the slider rests: no tick depends on it."""
        if steps != self.study.steps:
            self.study = replace(self.study, steps=steps, revision=self.study.revision + 1)
            self._resting.start()

    def change_levels(self, levels: int) -> None:
        """Other grades for all raters; what was ticked keeps its grade."""
        if levels != self.study.levels:
            self.history.changed("the number of grades", self.study)
            self._take(replace(self.study, levels=levels, revision=self.study.revision + 1))

    def settle(self) -> None:
        """Keeps now what would be kept in a moment."""
        self._resting.stop()
        if _is_worth_keeping(self.study):
            self._keep()

    def release(self) -> None:
        """Nothing is waited for any more."""
        if self._resting.isActive():
            self.settle()
        self._resting.timeout.disconnect(self._slot)

    def show(self, key: tuple[str, str, str]) -> None:
        """Turns to another rating of the study."""
        if key != self.study.shown:
            self._take(replace(self.study, shown=key, revision=self.study.revision + 1))

    def undo(self) -> None:
        self._go_to(self.history.undo(self.study))

    def redo(self) -> None:
        self._go_to(self.history.redo(self.study))

    def take_over(self, found: Callable[[Study], Study]) -> None:
        """Takes what a file holds; `found(study)` reads it, and may raise a Failure. What was there before can be had back with undo."""
        try:
            study = found(self.study)
        except Failure as failure:
            self._desk.say(failure.sentence(), ERROR)
            return
        self.history.changed("opening the file", self.study)
        self._take(replace(study, revision=max(study.revision, self.study.revision) + 1))

    def _go_to(self, study: Study) -> None:
        """An earlier study as the newest one; the steps to a soft label stay as they are."""
        if study is not self.study:
            self._take(replace(study, revision=self.study.revision + 1, steps=self.study.steps))

    def _take(self, study: Study) -> None:
        had = _is_worth_keeping(self.study)
        self.study = study
        if had or _is_worth_keeping(study):
            self._keep()
        self._changed()

    def _keep(self) -> None:
        kept.store(self._desk.scene, self.study)
        try:
            kept.write(kept.file_in(self._desk.work_folder), self.study)
        except OSError as error:
            reason = error.strerror or "the disk did not take it"
            text = f"The ticks are in the scene, but could not be saved in the work folder ({reason}). Save the scene."
            self._desk.say(text, ERROR)


def _is_worth_keeping(study: Study) -> bool:
    """Looking at a scan leaves nothing behind."""
    return any(rating.template is not None or rating.raters for rating in study.ratings)
