"""The time left as it is shown: near to what is measured, but calm, so that a person can believe it."""

from __future__ import annotations

import math

SETTLING_SECONDS = 10.0
"""How long it takes to follow most of the way to a new estimate."""
LONGEST_SECONDS = 3.0
"""A pause counts at most as long, so that one late event moves it no further than several in time."""
STEP_UP, STEP_DOWN = 1.25, 0.8
"""One estimate changes what is shown at most by these factors, and by a few seconds."""
FEW_SECONDS = 5.0
STICKS = 0.07
"""A shown value stays until it is this share off, so that the words do not flicker between two."""


class TimeLeft:
    """Give it every estimate with the time of it (seconds of one clock); ask it for what to show."""

    def __init__(self) -> None:
        self._ends: float | None = None
        self._measured_at = 0.0
        self._shown: float | None = None

    def measured(self, seconds: float, now: float) -> None:
        """An estimate of how long it still takes."""
        if not math.isfinite(seconds) or not math.isfinite(now):
            return
        seconds = max(0.0, seconds)
        before = self._left(now)
        if before is None:
            self._ends = now + seconds
        else:
            passed = min(max(0.0, now - self._measured_at), LONGEST_SECONDS)
            after = before + (seconds - before) * (1 - math.exp(-passed / SETTLING_SECONDS))
            lowest, highest = before * STEP_DOWN - FEW_SECONDS, before * STEP_UP + FEW_SECONDS
            self._ends = now + max(0.0, min(max(after, lowest), highest))
        self._measured_at = now

    def at(self, now: float) -> float | None:
        """Seconds to show; None before the first estimate."""
        left = self._left(now)
        if left is None:
            return None
        if self._shown is None or abs(left - self._shown) > STICKS * self._shown + 1.0:
            self._shown = left
        return self._shown

    def _left(self, now: float) -> float | None:
        return None if self._ends is None else max(0.0, self._ends - now)
