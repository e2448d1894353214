"""What all parts of the raters' page share: the study at work, the scan in the views, its masks, and where the user is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...data.raters.placement import Placement
from ...data.raters.template import OUTLINE
from ..desk import ERROR, WARNING, Desk
from ..geometry import grid_of
from ..segments import drawn
from ..steps import Steps, scaled
from ..volumes import array_of
from .drawn_masks import DrawnMasks
from .placing import slice_axis
from .rating import Drawing, Rating
from .sitting import Sitting
from .together import Together

PLACE, READ, TOGETHER = MODES = ("place", "read", "together")
READING = "Reading what is drawn"


class Room:
    """`changed()` is called after the study changed, `redraw()` when something was made that lies over the slices.

    `index()` says which slice is shown, None for none.
    """

    def __init__(self, desk: Desk, changed: Callable[[], object], redraw: Callable[[], object]) -> None:
        self.desk = desk
        self.redraw = redraw
        self.sitting = Sitting(desk, changed)
        self.masks = DrawnMasks(desk.scene)
        self.together = Together(desk.application, redraw, lambda sentence: desk.say(sentence, ERROR))
        self.mode = PLACE
        self.cursor: tuple[int, int] | None = None
        self.others_shown = False
        self._hand = 0
        self._bone: tuple[np.ndarray, int, np.ndarray] | None = None
        self._image: tuple[tuple[str, int], np.ndarray] | None = None
        self.index: Callable[[], int | None] = lambda: None

    @property
    def rating(self) -> Rating | None:
        return self.sitting.rating

    @property
    def volume(self) -> Any:
        """The scan's node; None where it is not in the scene, or has no voxels."""
        node = self.desk.scene.GetNodeByID(self.rating.volume) if self.rating is not None else None
        return node if node is not None and node.GetImageData() is not None else None

    @property
    def shape(self) -> tuple[int, int, int]:
        x, y, z = self.volume.GetImageData().GetDimensions()
        return (int(z), int(y), int(x))

    @property
    def axis(self) -> int:
        """The array axis that counts the slices: the grid's, else the scan's own."""
        if self.rating is not None and self.rating.template is not None:
            return self.rating.template.axis
        return slice_axis(self.spacing_mm)

    @property
    def count(self) -> int:
        return self.shape[self.axis]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        return grid_of(self.volume).spacing_mm

    @property
    def cell(self) -> tuple[int, int]:
        """The cell that the keys move: in the middle of the grid until it was moved."""
        template = self.rating.template if self.rating is not None else None
        if template is None:
            return (0, 0)
        row, column = self.cursor or (template.rows // 2, template.columns // 2)
        return (min(row, template.rows - 1), min(column, template.columns - 1))

    @property
    def level(self) -> int:
        """The grade that a tick gets, 1 to the study's `levels`: the one that was chosen last, the highest before."""
        return self._hand if 1 <= self._hand <= self.sitting.study.levels else self.sitting.study.levels

    def take_level(self, level: int) -> None:
        self._hand = level

    def warn(self, sentence: str) -> None:
        self.desk.say(sentence, WARNING)

    def forget(self) -> None:
        """The scene is closed: what was read of it is let go."""
        self.masks.forget()
        self._image = self._bone = None

    # What is drawn

    def mask(self, drawing: Drawing | None) -> np.ndarray | None:
        """bool (z, y, x) as it was read last."""
        return self.masks.mask(self.volume, drawing) if self.volume is not None else None

    def plane(self, mask: np.ndarray | None, index: int) -> np.ndarray | None:
        """Slice `index` of a mask of the scan."""
        return None if mask is None else np.moveaxis(mask, self.axis, 0)[index]

    def bone_on(self, index: int) -> np.ndarray | None:
        """The bone on a slice, None where there is none on it or it was not read yet."""
        plane = self.plane(self.mask(self.rating.bone), index) if self.rating is not None else None
        return plane if plane is not None and plane.any() else None

    def bone_slices(self) -> np.ndarray:
        """bool (slices,): where there is some bone."""
        bone = self.mask(self.rating.bone) if self.rating is not None else None
        if bone is None:
            return np.zeros(self.count, bool)
        if self._bone is None or self._bone[0] is not bone or self._bone[1] != self.axis:
            others = tuple(other for other in range(3) if other != self.axis)
            self._bone = (bone, self.axis, np.asarray(bone.any(axis=others)))
        return self._bone[2]

    def placement(self, index: int) -> Placement | None:
        """The grid on a slice; None before it was placed."""
        template = self.rating.template if self.rating is not None else None
        if template is None:
            return None
        return template.placement(index, self.bone_on(index) if template.follow == OUTLINE else None)

    def drawings(self) -> list[Drawing]:
        """What is drawn of the bone and by raters."""
        if self.rating is None:
            return []
        found = [self.rating.bone, *(rater.mask for rater in self.rating.raters)]
        return [drawing for drawing in found if drawing is not None]

    def read_masks(self, done: Callable[[], object]) -> None:
        """Reads in steps what was changed since it was read last, then calls `done`; at once where there is nothing to read."""
        volume = self.volume
        stale = (
            [item for item in self.drawings() if not self.masks.is_fresh(volume, item)] if volume is not None else []
        )
        if not stale:
            done()
        elif not self.desk.busy:
            self.desk.later(
                self._read(volume, stale), lambda _: done(), READING, lambda said: self._gave_up(volume, stale, said)
            )

    def _read(self, volume: Any, stale: list[Drawing]) -> Steps[None]:
        for place, drawing in enumerate(stale):
            yield from scaled(self.masks.read(volume, drawing), place / len(stale), (place + 1) / len(stale))

    def _gave_up(self, volume: Any, stale: list[Drawing], sentence: str) -> None:
        for drawing in stale:
            if not self.masks.is_fresh(volume, drawing):
                self.masks.give_up(volume, drawing)
        self.desk.say(sentence, ERROR)

    def image(self) -> np.ndarray:
        """The scan's voxels (z, y, x), the same object as long as they are the same. Failure: it cannot be a scan."""
        key = (self.volume.GetID(), int(self.volume.GetImageData().GetMTime()))
        if self._image is None or self._image[0] != key:
            self._image = (key, array_of(self.volume))
        return self._image[1]

    def drawing_of(self, node: Any, segment: str) -> Drawing:
        """What a node of the scene holds, with the name that it has now."""
        if not node.IsA("vtkMRMLSegmentationNode"):
            return Drawing(node.GetID(), "", node.GetName() or "")
        names = {item.id: item.name for item in drawn(node.GetSegmentation())}
        return Drawing(node.GetID(), segment, names.get(segment, segment))
