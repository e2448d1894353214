"""Data sets on disk, read one after another by the worker's `check`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..run.failure import Failure
from .application import Application
from .ask_worker import Answer, Question
from .cohort_sources import DataSetRead, data_set_of


class DataSets:
    """`read(data)` for each that was read, `failed(sentence)` for each that could not be. Nothing blocks."""

    def __init__(
        self, application: Application, read: Callable[[DataSetRead], object], failed: Callable[[str], object]
    ) -> None:
        self._read = read
        self._failed = failed
        self._waiting: deque[Path] = deque()
        self._now: Path | None = None
        self._question = Question(application, self._answered)

    @property
    def busy(self) -> str:
        """What is being done, in words."""
        if self._now is None:
            return ""
        more = f", {len(self._waiting)} more after it" if self._waiting else ""
        return f"Reading {self._now.name}{more}…"

    def ask(self, path: Path) -> None:
        """Reads a data set; one that is waiting already is asked for once."""
        if path not in self._waiting and path != self._now:
            self._waiting.append(path)
            self._next()

    def forget(self) -> None:
        """For another scene: what was asked is not told."""
        self._waiting.clear()
        self._question.forget()
        self._now = None

    def _next(self) -> None:
        if self._now is not None or not self._waiting:
            return
        self._now = self._waiting.popleft()
        self._question.ask(("check", self._now, "--json"))

    def _answered(self, answer: Answer) -> None:
        path, self._now = self._now, None
        assert path is not None
        self._tell(path, answer)
        self._next()

    def _tell(self, path: Path, answer: Answer) -> None:
        table = answer.table()
        try:
            if table is None:
                raise Failure(answer.why_not())
            self._read(data_set_of(str(path), table))
        except Failure as failure:
            self._failed(failure.sentence())
