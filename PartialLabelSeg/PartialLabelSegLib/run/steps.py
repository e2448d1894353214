"""Long work in short steps: a generator that yields how far it is (0..1) and returns its result."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
Steps = Generator[float, None, T]


def finish_now(steps: Steps[T]) -> T:
    """All steps at once: the result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result


def one_after_another(works: Sequence[Steps[Any]]) -> Steps[list[Any]]:
    """Several works as one; each counts alike. The results in order."""
    results = []
    for place, work in enumerate(works):
        results.append((yield from scaled(work, place / len(works), (place + 1) / len(works))))
    return results


def scaled(work: Steps[T], first: float, last: float) -> Steps[T]:
    """A work as a part of a larger one that goes from `first` to `last`."""
    try:
        while True:
            try:
                share = next(work)
            except StopIteration as stop:
                result: T = stop.value
                return result
            yield first + (last - first) * min(1.0, max(0.0, share))
    finally:
        work.close()
