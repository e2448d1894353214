"""Looking at all raters together: the steps to a soft label, what of it lies over the scan, and where to jump to."""

from __future__ import annotations

from dataclasses import replace

from ...data.raters.steps import STEPS
from ...run.failure import Failure
from ..desk import ERROR
from .rating import Rating
from .readings import rated_scan
from .room import Room

BRIGHT_PERCENTILE, NEIGHBOUR_WEIGHT = NUMBERS = ("bright_percentile", "neighbour_weight")


class SoftActions:
    """What the user asks for in the part Together."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._taken: tuple[Rating, tuple[int, ...]] | None = None

    def follow(self) -> None:
        """Makes the label of what the raters said by now; nothing where it is made already."""
        room = self._room
        rating = room.rating
        if rating is None or room.volume is None:
            return
        masks = [room.mask(drawing) for drawing in room.drawings()]
        # Another object whenever a mask was read anew.
        key = (replace(rating, rater=""), tuple(id(mask) for mask in masks))
        if key == self._taken:
            return
        try:
            scan = rated_scan(rating, room.image(), room.mask)
        except Failure as failure:
            room.desk.say(failure.sentence(), ERROR)
            return
        except ValueError as error:
            room.desk.say(f"The raters' readings do not fit this scan: {error}. Place the grid on this scan.", ERROR)
            return
        self._taken = key
        room.together.take(room.volume, scan, room.sitting.study.steps, room.index())

    def leave(self) -> None:
        """The part is closed: nothing of it stays in the views."""
        self._taken = None
        self._room.together.clear()

    def set_step(self, name: str, on: bool) -> None:
        """Switches one of the four steps."""
        assert name in STEPS
        self._change(**{name: bool(on)})

    def set_number(self, name: str, value: float) -> None:
        """The percentile (0..100) or the weight of the neighbours (0..1)."""
        assert name in NUMBERS
        self._change(**{name: float(value)})

    def set_rule(self, rule: str) -> None:
        self._change(neighbour_rule=rule)

    def _change(self, **fields: object) -> None:
        steps = replace(self._room.sitting.study.steps, **fields)  # type: ignore[arg-type]
        self._room.together.change_steps(steps)
        self._room.sitting.change_steps(steps)
        self._room.redraw()

    def choose(self, **fields: object) -> None:
        """Other fields of the `SoftChoice`."""
        self._room.together.choose(replace(self._room.together.choice, **fields))  # type: ignore[arg-type]
        self._room.redraw()
