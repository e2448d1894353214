"""How long each kind of work takes on this computer, from the worker's estimate and from what it has done so far."""

from __future__ import annotations

from .job import SIZES, Stage

SIZES_STEP_SECONDS = 0.05
"""A guess, until it is measured."""
NEWEST = 0.4
"""The weight of the newest scan in the mean time of a scan."""


class Pace:
    """Seconds per unit (a step or a scan) of each kind of stage."""

    def __init__(self) -> None:
        self._step: float | None = None
        self._measured: dict[str, float] = {}
        self._last: tuple[str, int, int, float] | None = None

    def estimated(self, step_seconds: float) -> None:
        """What the worker measured in a trial before it began."""
        self._step = step_seconds if step_seconds > 0 else None

    def trained(self, kind: str, step: float, work: float, step_seconds: float) -> None:
        """So long a step of a training took on average up to `step`, which are `work` steps of the cheaper kind."""
        if step > 0 and work > 0 and step_seconds >= 0:
            self._measured[kind] = step_seconds * step / work

    def counted(self, stage: tuple[str, int], step: int, time: float) -> None:
        """One more scan is done in a stage (kind, round), at `time`."""
        kind, round_number = stage
        before = self._last
        self._last = (kind, round_number, step, time)
        if before is None or before[:2] != stage or step <= before[2] or time < before[3]:
            return
        seconds = (time - before[3]) / (step - before[2])
        known = self._measured.get(kind)
        self._measured[kind] = seconds if known is None else known + NEWEST * (seconds - known)

    def seconds(self, stage: Stage) -> float | None:
        """Per unit of a stage; None where nothing is known yet that says it."""
        if stage.kind in self._measured:
            return self._measured[stage.kind]
        if stage.kind == SIZES:
            # Its network is the same for every plan, and small.
            return SIZES_STEP_SECONDS
        step = self._measured.get("learn", self._step)
        if step is None and "confidence" in self._measured:
            step = self._measured["confidence"] / 1.6
        return None if step is None else step * stage.cost
