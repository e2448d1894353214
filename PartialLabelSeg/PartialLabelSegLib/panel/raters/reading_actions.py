"""Reading: whose turn it is, which cells are ticked, which slices were read; raters whose masks are drawn in the scene."""

from __future__ import annotations

import re
from dataclasses import replace

from ...data.types import clean_name
from .rating import Drawing, Rater, level_of
from .room import Room

NO_RATER = "Say who reads: choose a rater, or add a name."
NO_GRID = "Place the grid first."
_SIGNS = re.compile(r"[;=,:@#]+")
"""These part the entries of a study's table from one another."""


class ReadingActions:
    """What the user asks for in the part Read."""

    def __init__(self, room: Room) -> None:
        self._room = room

    @property
    def _current(self) -> Rater | None:
        rating = self._room.rating
        return rating.current if rating is not None else None

    # Raters

    def _asked_for(self) -> None:
        """What was asked for is there: the panel no longer asks."""
        if self._room.desk.message.text in (NO_RATER, NO_GRID):
            self._room.desk.say("")

    def choose_rater(self, name: str) -> None:
        """From now on this rater ticks. What another one did cannot be undone by this one."""
        rating = self._room.rating
        if rating is not None and rating.rater != name and rating.rater_named(name) is not None:
            self._room.sitting.history.forget()
            self._room.sitting.put(replace(rating, rater=name))
            self._asked_for()

    def add_rater(self, text: str) -> bool:
        """Adds a rater, whose turn it then is; a name that is there already is chosen. Whether there is such a rater now."""
        name, rating = rater_name(text), self._room.rating
        if not name or rating is None:
            return False
        if rating.rater_named(name) is None:
            self._room.sitting.history.forget()
            self._room.sitting.put(replace(rating.with_rater(Rater(name)), rater=name))
            self._asked_for()
        else:
            self.choose_rater(name)
        return True

    def remove_rater(self, name: str) -> None:
        """Takes a rater with all ticks out of this scan; undo brings both back."""
        rating = self._room.rating
        if rating is not None and rating.rater_named(name) is not None:
            self._room.sitting.put(rating.without_rater(name), f"removing {name}")

    def add_mask(self, drawing: Drawing, text: str) -> None:
        """What is drawn in the scene counts as what a rater said, who has read the whole scan."""
        name, rating = rater_name(text) or rater_name(drawing.name), self._room.rating
        if rating is None:
            return
        old = rating.rater_named(name)
        if old is not None and (old.ticks or old.mask is not None):
            self._room.warn(f"{name} has said something of this scan already. Give the drawing another rater's name.")
            return
        rater = Rater(name, frozenset(), None, drawing)
        self._room.sitting.put(rating.with_rater(rater), f"the mask of {name}")

    # Ticks

    def why_not_tick(self) -> str:
        """Why no cell can be ticked; '' where one can."""
        rating = self._room.rating
        if rating is None or rating.template is None:
            return NO_GRID
        if rating.current is None:
            return NO_RATER
        if rating.current.mask is not None:
            return f"{rating.rater} has drawn a mask and does not tick. Choose another rater, or add a name."
        return ""

    def is_ticked(self, index: int, cell: tuple[int, int]) -> bool:
        """Whether a cell has the grade that a tick would give it."""
        grade = self._current.grade((index, *cell)) if self._current is not None else 0.0
        return grade > 0 and level_of(grade, self._room.sitting.study.levels) == self._room.level

    def tick(self, index: int, cells: tuple[tuple[int, int], ...], on: bool, goes_on: bool = False) -> None:
        """Ticks cells, or takes ticks away. goes_on: part of the change before, to be undone with it."""
        rating, current = self._room.rating, self._current
        if rating is None or current is None or self.why_not_tick():
            return
        self._room.cursor = cells[-1]
        row, column = cells[-1]
        levels, level = self._room.sitting.study.levels, self._room.level
        what = "the tick" if levels == 1 else f"the grade {level}"
        what = what if on else "taking away the tick"
        words = "" if goes_on else f"{what} at row {row + 1}, column {column + 1} of slice {index + 1}"
        self._room.sitting.put(rating.with_rater(current.ticked(index, cells, level / levels if on else 0.0)), words)

    def toggle(self) -> None:
        """Ticks the cell under the cursor, or takes its tick away."""
        index, why_not = self._room.index(), self.why_not_tick()
        if why_not:
            self._room.warn(why_not)
        elif index is not None:
            self.tick(index, (self._room.cell,), not self.is_ticked(index, self._room.cell))

    def give_grade(self, level: int) -> None:
        """Gives the cell under the cursor this grade, 0: takes its tick away; later ticks get it, too. Nothing in a study without grades."""
        index, levels = self._room.index(), self._room.sitting.study.levels
        if levels == 1 or level > levels or index is None:
            return
        if level:
            self._room.take_level(level)
        if self.why_not_tick():
            self._room.warn(self.why_not_tick())
        else:
            self.tick(index, (self._room.cell,), level > 0)

    def choose_level(self, level: int) -> None:
        """Ticks get this grade from now on."""
        self._room.take_level(level)
        self._room.redraw()

    def choose_levels(self, levels: int) -> None:
        """A tick has so many grades, for all raters and scans of the study; 1: it is there or not."""
        self._room.sitting.change_levels(levels)

    def move(self, rows: int, columns: int) -> None:
        """Moves the cursor; it stops at the edge of the grid."""
        template = self._room.rating.template if self._room.rating is not None else None
        if template is not None:
            row, column = self._room.cell
            row = min(max(row + rows, 0), template.rows - 1)
            self._room.cursor = (row, min(max(column + columns, 0), template.columns - 1))

    # Read slices

    def set_read(self, on: bool) -> None:
        """The shown slice was read by the current rater, or not; one with ticks stays read."""
        rating, current, index = self._room.rating, self._current, self._room.index()
        if rating is None or current is None or index is None:
            self._room.warn(NO_RATER)
            return
        if not on and current.cells_on(index):
            self._room.warn("This slice has ticks, so it counts as read. Take them away first.")
            return
        changed = current.with_read((index,), on, self._room.count)
        words = f"slice {index + 1} as {'read' if on else 'not read'}"
        self._room.sitting.put(rating.with_rater(changed), words)

    def toggle_read(self) -> None:
        current, index = self._current, self._room.index()
        if current is not None and index is not None:
            self.set_read(not current.has_read(index))

    def read_all(self, on: bool) -> None:
        """The current rater has read every slice, or only those with ticks."""
        rating, current = self._room.rating, self._current
        if rating is None or current is None:
            return
        every = range(self._room.count)
        words = "all slices as read" if on else "slices without ticks as not read"
        self._room.sitting.put(rating.with_rater(current.with_read(every, on, self._room.count)), words)

    def next_unread(self) -> int | None:
        """The first slice after the shown one that the current rater has not read; from the beginning where there is none after it."""
        current, index = self._current, self._room.index()
        if current is None or index is None:
            return None
        count = self._room.count
        order = [(index + step) % count for step in range(1, count)]
        on_bone = [place for place in order if not current.has_read(place) and self._room.bone_on(place) is not None]
        return next(iter(on_bone), None)


def rater_name(text: str) -> str:
    """A name that can stand in a study's table; '' where nothing is left of it."""
    return " ".join(clean_name(_SIGNS.sub(" ", text)).split())
