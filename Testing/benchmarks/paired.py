"""Ways to do the same work, timed in turn, round by round: what disturbs the machine for a while disturbs all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Seconds of one piece of work: on the clock, and of processor time in this process."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Rounds:
    """Each round holds one timing of every arm."""

    timings: tuple[Mapping[str, Timing], ...]

    def seconds(self, arm: str) -> float:
        """Median on the clock."""
        return statistics.median(item[arm].wall for item in self.timings)

    def ratio(self, arm: str, base: str) -> dict[str, Any]:
        """How much longer `arm` took than `base`: the median over rounds of the ratio within a round, with the extremes, and the same in processor time."""
        wall = [item[arm].wall / item[base].wall for item in self.timings]
        cpu = [item[arm].cpu / item[base].cpu for item in self.timings]
        return {
            "median": round(statistics.median(wall), 4),
            "least": round(min(wall), 4),
            "most": round(max(wall), 4),
            "processor_time_median": round(statistics.median(cpu), 4),
            "rounds": len(wall),
        }


def in_turn(arms: Mapping[str, Callable[[], object]], rounds: int) -> Rounds:
    """Times every arm once per round, forwards and backwards by turns; one round before is not counted."""
    for work in arms.values():
        work()
    timings = []
    for number in range(rounds):
        order = list(arms) if number % 2 == 0 else list(reversed(list(arms)))
        timings.append({name: _timed(arms[name]) for name in order})
    return Rounds(tuple(timings))


def _timed(work: Callable[[], object]) -> Timing:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)
