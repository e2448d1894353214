"""How long to wait for a worker: until it is said that it is silent, and between asking it to stop and stopping it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Seconds. silent: without an event until the panel says so, and again after as long. grace: for a worker to stop by itself (it looks once
    per batch or scan and then saves). harder: from asking the system politely to ending it.
    """

    silent: float = 180.0
    grace: float = 20.0
    harder: float = 3.0


class Silence:
    """Says when nothing was heard for a while. It never ends anything: a large scan can take that long."""

    def __init__(self, seconds: float, silent: Callable[[float], object]) -> None:
        self._seconds = seconds
        self._silent = silent
        self._heard = 0.0
        self._told = 0.0

    def heard(self, now: float) -> None:
        """An event came, or the worker was started; `now` is in seconds of any clock."""
        self._heard = self._told = now

    def tick(self, now: float) -> None:
        if now - self._told >= self._seconds:
            self._told = now
            self._silent(now - self._heard)


class Stopping:
    """Asks to stop, and after the grace makes sure of it, harder each time. `steps`: what to do: ask, terminate, kill."""

    def __init__(self, patience: Patience, steps: tuple[Callable[[], object], ...]) -> None:
        self._waits = (0.0, patience.grace, patience.harder)
        self._steps = steps
        self._done = 0
        self._next = 0.0

    @property
    def asked(self) -> bool:
        return self._done > 0

    @property
    def forced(self) -> bool:
        """Whether more was needed than to ask."""
        return self._done > 1

    def ask(self, now: float) -> None:
        if not self.asked:
            self._go_on(now)

    def at_once(self, now: float) -> None:
        """Without grace: the user does not want to wait."""
        self.ask(now)
        if not self.forced:
            self._go_on(now)

    def ask_harder(self, now: float) -> None:
        """Asks; where that was done before, without grace."""
        act = self.at_once if self.asked else self.ask
        act(now)

    def tick(self, now: float) -> None:
        if self.asked and self._done < len(self._steps) and now >= self._next:
            self._go_on(now)

    def _go_on(self, now: float) -> None:
        step = self._steps[self._done]
        self._done += 1
        self._next = now + (self._waits[self._done] if self._done < len(self._waits) else 0.0)
        step()
