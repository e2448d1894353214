"""Undo and redo of frozen values: what was before each change, and what the change was called."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 500


class History(Generic[T]):
    """The value as it is now is the caller's; here are those before it and, after undoing, those after it."""

    def __init__(self) -> None:
        self._before: list[tuple[str, T]] = []
        self._after: list[tuple[str, T]] = []

    @property
    def undo_words(self) -> str:
        """What undo would take back; '' where there is nothing."""
        return self._before[-1][0] if self._before else ""

    @property
    def redo_words(self) -> str:
        return self._after[-1][0] if self._after else ""

    def changed(self, words: str, before: T) -> None:
        """A change was made to `before`."""
        self._before = [*self._before[-MOST + 1 :], (words, before)]
        self._after = []

    def undo(self, now: T) -> T:
        """The value before the last change; `now` where there is none."""
        if not self._before:
            return now
        words, before = self._before.pop()
        self._after.append((words, now))
        return before

    def redo(self, now: T) -> T:
        if not self._after:
            return now
        words, after = self._after.pop()
        self._before.append((words, now))
        return after

    def forget(self) -> None:
        self._before, self._after = [], []
