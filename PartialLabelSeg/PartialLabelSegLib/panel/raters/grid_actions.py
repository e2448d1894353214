"""Placing the grid: how many cells, where on the bone, on which key slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...data.raters.template import GridTemplate, grid_sum
from ..geometry import grid_of
from .placing import THIS_SLICE, as_corners, fitted, with_shape
from .room import Room

NO_BONE = "Choose the bone first: a segment in which something is drawn."
HAS_TICKS = "Cells were ticked already: other rows or columns would move the ticks to other places."


class GridActions:
    """What the user asks for in the part Grid."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.dragged: GridTemplate | None = None
        """The grid as it is being dragged; nothing is kept before the mouse is let go."""

    @property
    def template(self) -> GridTemplate | None:
        """The grid as it is to be drawn."""
        rating = self._room.rating
        return self.dragged or (rating.template if rating is not None else None)

    def fit(self, how: str) -> None:
        """Lays the grid around the bone: one of `placing.FITS`."""
        rating, bone = self._room.rating, self._bone()
        if rating is None or bone is None:
            self._room.warn(NO_BONE)
            return
        try:
            found = fitted(rating.template, bone, how, self._room.index(), self._room.axis)
        except ValueError:
            self._room.warn("There is no bone on this slice." if how == THIS_SLICE else NO_BONE)
            return
        self._put(found, "placing the grid")

    def _bone(self) -> np.ndarray | None:
        rating = self._room.rating
        return self._room.mask(rating.bone) if rating is not None else None

    def _put(self, template: GridTemplate, words: str) -> None:
        rating = self._room.rating
        assert rating is not None
        made_on = grid_sum(grid_of(self._room.volume))
        self._room.sitting.put(replace(rating, template=replace(template, made_on=made_on)), words)

    def place(self, template: GridTemplate, done: bool) -> None:
        """The grid as the mouse drags it, and at last where it was let go."""
        self.dragged = None if done else template
        if done:
            self._put(template, "moving the grid")

    def why_not_shape(self) -> str:
        """Why rows and columns cannot be changed; '' where they can."""
        rating = self._room.rating
        if rating is None or rating.template is None:
            return "Place the grid first."
        return HAS_TICKS if rating.has_ticks else ""

    def set_shape(self, rows: int, columns: int) -> None:
        rating = self._room.rating
        if rating is not None and rating.template is not None and not self.why_not_shape():
            changed = with_shape(rating.template, rows, columns, rating.template.follow)
            if (rows, columns) != (rating.template.rows, rating.template.columns):
                self._put(changed, f"{rows} rows and {columns} columns")

    def set_follow(self, follow: str) -> None:
        """A rectangle, or drawn in to the outline of the bone."""
        rating = self._room.rating
        if rating is not None and rating.template is not None and follow != rating.template.follow:
            old = rating.template
            self._put(with_shape(old, old.rows, old.columns, follow), "how the grid follows the bone")

    def set_key(self, on: bool) -> None:
        """Makes the shown slice a key where the grid lies as it does now, or lets it lie between the other keys again."""
        rating, index = self._room.rating, self._room.index()
        if rating is None or rating.template is None or index is None or (index in rating.template.keys) == on:
            return
        if on:
            corners = as_corners(rating.template.corners(index))
            self._put(rating.template.with_corners(index, corners), f"the key on slice {index + 1}")
        elif len(rating.template.keys) > 1:
            self._put(rating.template.without_key(index), f"removing the key on slice {index + 1}")
        else:
            self._room.warn("The grid needs one key slice at least.")

    def next_key(self, by: int) -> int | None:
        """The key slice after (1) or before (-1) the shown one; None where there is none."""
        template, index = self.template, self._room.index()
        if template is None or index is None:
            return None
        beyond = [key for key in sorted(template.keys, reverse=by < 0) if (key - index) * by > 0]
        return beyond[0] if beyond else None
