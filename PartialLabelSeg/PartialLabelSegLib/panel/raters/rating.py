"""What the raters of one bone in one scan have said so far: frozen values; every edit is a function from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ...data.raters.steps import SoftSteps
from ...data.raters.template import GridTemplate
from ...data.types import PALETTE

Cell = tuple[int, int, int]
"""Slice, row and column, from 0."""
MOST_LEVELS = 9
"""One for each key."""
WHOLE_NODE = ""
"""The segment of a label map volume: all that is not 0."""


@dataclass(frozen=True)
class Drawing:
    """Something drawn in the scene: a segment of a segmentation node, or a label map volume (then `segment` is '')."""

    node: str
    segment: str = WHOLE_NODE
    name: str = ""


@dataclass(frozen=True)
class Rater:
    """One rater: ticks or a drawn mask, never both. read: the slices that this rater has read; None: the whole scan.

    grades: of those ticks that say less than "all of it": above 0 and below 1. A tick without one has the grade 1.
    """

    name: str
    ticks: frozenset[Cell] = frozenset()
    read: frozenset[int] | None = frozenset()
    mask: Drawing | None = None
    grades: Mapping[Cell, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.strip() or (self.mask is not None and self.ticks):
            raise ValueError(f"a rater has a name, and ticks or a mask, got {self.name!r}")
        if self.read is not None and not {cell[0] for cell in self.ticks} <= self.read:
            raise ValueError(f"'{self.name}' has ticks on a slice that was not read")
        if not set(self.grades) <= self.ticks or not all(0 < grade < 1 for grade in self.grades.values()):
            raise ValueError(f"'{self.name}' has a grade that is not above 0 and below 1, or of no tick")

    def has_read(self, index: int) -> bool:
        return self.read is None or index in self.read

    def grade(self, cell: Cell) -> float:
        """0 to 1; 0 where there is no tick."""
        return self.grades.get(cell, 1.0) if cell in self.ticks else 0.0

    def cells_on(self, index: int) -> frozenset[tuple[int, int]]:
        """(row, column) of the cells that are ticked on a slice."""
        return frozenset(cell[1:] for cell in self.ticks if cell[0] == index)

    def ticked(self, index: int, cells: Iterable[tuple[int, int]], grade: float = 1.0) -> Rater:
        """The same with this grade in cells of a slice, 0: no tick; the slice then counts as read."""
        changed = frozenset((index, row, column) for row, column in cells)
        ticks = self.ticks | changed if grade > 0 else self.ticks - changed
        grades = {cell: old for cell, old in self.grades.items() if cell not in changed}
        if 0 < grade < 1:
            grades.update(dict.fromkeys(changed, grade))
        return replace(self, ticks=ticks, grades=grades, read=None if self.read is None else self.read | {index})

    def with_read(self, indices: Iterable[int], on: bool, count: int) -> Rater:
        """The same with slices of a scan of `count` slices read, or not; a slice with ticks stays read."""
        before = frozenset(range(count)) if self.read is None else self.read
        after = before | frozenset(indices) if on else before - frozenset(indices)
        return replace(self, read=after | {cell[0] for cell in self.ticks})


@dataclass(frozen=True)
class Rating:
    """One bone of one scan. volume: a node id; `name` is the case's. rater: whose turn it is, '' for nobody's."""

    volume: str
    name: str
    bone: Drawing | None = None
    template: GridTemplate | None = None
    raters: tuple[Rater, ...] = ()
    rater: str = ""

    def __post_init__(self) -> None:
        names = [rater.name for rater in self.raters]
        if len(set(names)) != len(names):
            raise ValueError(f"raters need different names, got {names}")

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the other ratings of a study."""
        return (self.volume, self.bone.node if self.bone else "", self.bone.segment if self.bone else "")

    @property
    def structure(self) -> str:
        """What is rated, by name."""
        return f"{self.bone.name} lesion" if self.bone and self.bone.name else "lesion"

    @property
    def current(self) -> Rater | None:
        return self.rater_named(self.rater)

    def rater_named(self, name: str) -> Rater | None:
        return next((rater for rater in self.raters if rater.name == name), None)

    def color(self, name: str) -> tuple[float, float, float]:
        """A rater's colour: told apart by the colour-blind, and on a grey scan."""
        names = [rater.name for rater in self.raters]
        return RATER_COLORS[names.index(name) % len(RATER_COLORS)] if name in names else RATER_COLORS[0]

    def with_rater(self, rater: Rater) -> Rating:
        """The same with this rater in the place of the one of that name, or added as the last."""
        if self.rater_named(rater.name) is None:
            return replace(self, raters=(*self.raters, rater))
        return replace(self, raters=tuple(rater if old.name == rater.name else old for old in self.raters))

    def without_rater(self, name: str) -> Rating:
        left = tuple(rater for rater in self.raters if rater.name != name)
        turn = self.rater if self.rater != name else (left[0].name if left else "")
        return replace(self, raters=left, rater=turn)

    @property
    def has_ticks(self) -> bool:
        return any(rater.ticks for rater in self.raters)


# Of the palette those that are bright enough on a dark scan; neighbours in the list differ in lightness, too.
RATER_COLORS = tuple(PALETTE[place] for place in (1, 0, 6, 8, 5, 9, 3, 2, 11, 7))


@dataclass(frozen=True)
class Study:
    """All ratings of a scene. shown: the key of the one in the panel. revision: grows with every change, so that of two copies the newer is known.

    steps: how a soft label is made of the ticks. levels: so many grades a tick can have; 1: it is there or not.
    """

    ratings: tuple[Rating, ...] = ()
    shown: tuple[str, str, str] | None = None
    revision: int = 0
    steps: SoftSteps = field(default_factory=SoftSteps)
    levels: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= MOST_LEVELS:
            raise ValueError(f"a tick has 1 to {MOST_LEVELS} grades, got {self.levels}")

    @property
    def rating(self) -> Rating | None:
        return next((rating for rating in self.ratings if rating.key == self.shown), None)

    @property
    def names(self) -> tuple[str, ...]:
        """All raters of all scans."""
        return tuple(dict.fromkeys(rater.name for rating in self.ratings for rater in rating.raters))

    def with_rating(self, rating: Rating, instead_of: tuple[str, str, str] | None = None) -> Study:
        """The same with a rating in the place of the one with its key (or with another key), or added; it is shown."""
        old = instead_of or rating.key
        kept = tuple(each for each in self.ratings if each.key not in (old, rating.key))
        place = next((n for n, each in enumerate(self.ratings) if each.key == old), len(kept))
        ratings = (*kept[:place], rating, *kept[place:])
        return replace(self, ratings=ratings, shown=rating.key, revision=self.revision + 1)


def level_of(grade: float, levels: int) -> int:
    """Which of `levels` grades a grade (0..1) is nearest to; 0 only for none."""
    return max(1, round(grade * levels)) if grade > 0 else 0


def levels_for(grades: Iterable[float]) -> int:
    """The fewest levels that hold all grades (0..1); 1 where none of up to 9 do, and without a grade."""
    given = [grade for grade in grades if 0 < grade < 1]
    fits = (
        n for n in range(1, MOST_LEVELS + 1) if all(abs(grade * n - round(grade * n)) < 0.01 * n for grade in given)
    )
    return next(fits, 1)
