"""What raters say of a scan: ticked cells of a grid, or a drawn mask, and the slices that they read at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...run.failure import Failure
from ..types import Problem

_SHOWN = 20
"""So many mistakes are written out in the one sentence of a `Mistakes`; all of them are in its `problems`."""


@dataclass(frozen=True, order=True)
class Tick:
    """One cell of the grid on one slice. Slice, row and column count from 0; `grade` 0..1: 1 is a plain tick, 0 an explicit "no"."""

    slice: int
    row: int
    column: int
    grade: float = 1.0

    def __post_init__(self) -> None:
        if min(self.slice, self.row, self.column) < 0:
            raise ValueError(f"slice, row and column count from 0, got {self.slice}, {self.row}, {self.column}")
        if not 0 <= self.grade <= 1:
            raise ValueError(f"a grade lies in 0..1, got {self.grade}")

    @property
    def cell(self) -> tuple[int, int, int]:
        return (self.slice, self.row, self.column)


@dataclass(frozen=True, eq=False)
class Reading:
    """What one rater said of one structure in one scan: ticks or a mask, never both.

    slices: those that the rater read, along array axis `axis` of (z, y, x); None: the whole scan. A slice that was not read is never a "no".
    ticks: at most one per cell, on read slices only. mask: bool (z, y, x); what it holds on a slice that was not read does not count.
    Arrays are not to be changed after they were handed in.
    """

    case: str
    rater: str
    slices: frozenset[int] | None = None
    ticks: tuple[Tick, ...] = ()
    mask: np.ndarray | None = None
    axis: int = 0

    def __post_init__(self) -> None:
        if self.axis not in (0, 1, 2):
            raise ValueError(f"a slice axis must be 0, 1 or 2, got {self.axis}")
        if self.mask is not None and (self.mask.dtype != bool or self.mask.ndim != 3 or self.ticks):
            raise ValueError(f"rater '{self.rater}': a mask is bool (z, y, x), and comes without ticks")
        if len({tick.cell for tick in self.ticks}) != len(self.ticks):
            raise ValueError(f"rater '{self.rater}' ticked a cell twice")
        if self.slices is not None and any(tick.slice not in self.slices for tick in self.ticks):
            raise ValueError(f"rater '{self.rater}' ticked a cell on a slice that was not read")

    def read(self, count: int) -> np.ndarray:
        """bool (count,): which of the scan's `count` slices were read. ValueError: a slice that the scan does not have."""
        if self.slices is None:
            return np.ones(count, bool)
        beyond = [index for index in self.slices if not 0 <= index < count]
        if beyond:
            raise ValueError(f"rater '{self.rater}' read slice {min(beyond)}; the scan's slices are 0 to {count - 1}")
        result = np.zeros(count, bool)
        result[list(self.slices)] = True
        return result


class Mistakes(Failure):
    """Everything that is wrong with a study, found in one go; nothing was written. `problems` has one entry per mistake."""

    def __init__(self, what: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [problem.sentence() for problem in self.problems]
        more = [f"and {len(lines) - _SHOWN} more."] if len(lines) > _SHOWN else []
        count = f"{len(lines)} mistake{'s' * (len(lines) != 1)}"
        listed = "\n".join(f"- {line}" for line in [*lines[:_SHOWN], *more])
        super().__init__(f"{what} has {count}; nothing was written.\n{listed}", way_out="")
