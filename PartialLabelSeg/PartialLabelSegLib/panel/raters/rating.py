"""What the raters of one bone in one scan have said so far: frozen values; every edit is a function from one to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ...data.raters.steps import SoftSteps
from ...data.raters.template import GridTemplate
from ...data.types import PALETTE

Cell = tuple[int, int, int]
"""Slice, row and column, from 0."""
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
    """One rater: ticks or a drawn mask, never both. read: the slices that this rater has read; None: the whole scan."""

    name: str
    ticks: frozenset[Cell] = frozenset()
    read: frozenset[int] | None = frozenset()
    mask: Drawing | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or (self.mask is not None and self.ticks):
            raise ValueError(f"a rater has a name, and ticks or a mask, got {self.name!r}")
        if self.read is not None and not {cell[0] for cell in self.ticks} <= self.read:
            raise ValueError(f"'{self.name}' has ticks on a slice that was not read")

    def has_read(self, index: int) -> bool:
        return self.read is None or index in self.read

    def cells_on(self, index: int) -> frozenset[tuple[int, int]]:
        """(row, column) of the cells that are ticked on a slice."""
        return frozenset(cell[1:] for cell in self.ticks if cell[0] == index)

    def ticked(self, index: int, cells: Iterable[tuple[int, int]], on: bool) -> Rater:
        """The same with cells of a slice ticked or not; the slice then counts as read."""
        changed = frozenset((index, row, column) for row, column in cells)
        ticks = self.ticks | changed if on else self.ticks - changed
        return replace(self, ticks=ticks, read=None if self.read is None else self.read | {index})

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

    steps: how a soft label is made of the ticks.
    """

    ratings: tuple[Rating, ...] = ()
    shown: tuple[str, str, str] | None = None
    revision: int = 0
    steps: SoftSteps = field(default_factory=SoftSteps)

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
