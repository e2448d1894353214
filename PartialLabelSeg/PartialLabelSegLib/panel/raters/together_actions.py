"""What else is asked for in the part Together: masks as raters, places to jump to, the comparison, and saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from .choosing import node_and_segment
from .comparing import Comparing
from .exporting import ExportChoice, Exporting
from .reading_actions import ReadingActions
from .room import Room


class Views(Protocol):
    """The slice views."""

    def look_at(self, index: int, point: tuple[float, float]) -> None: ...


class TogetherActions:
    """`learned(folder)` is called when the folder that was saved is to be learned from."""

    def __init__(self, room: Room, reading: ReadingActions, views: Views, learned: Callable[[Path], object]) -> None:
        self._room, self._reading, self._views, self._learned = room, reading, views, learned
        self.exporting = Exporting(room)
        self.comparing = Comparing(room)

    def place_shown(self, number: int) -> None:
        """Jumps to one of the places of most disagreement."""
        places = self._room.together.places
        if 0 <= number < len(places):
            centre = [float(value) for value in places[number].centre]
            index = int(centre.pop(self._room.axis))
            self._views.look_at(index, (centre[0], centre[1]))

    def mask_added(self, key: str, name: str) -> None:
        """A segment or a label map counts as what a rater has drawn."""
        node_id, segment = node_and_segment(key)
        node = self._room.desk.scene.GetNodeByID(node_id)
        if node is not None:
            self._reading.add_mask(self._room.drawing_of(node, segment), name)

    def rater_removed(self, name: str) -> None:
        self._reading.remove_rater(name)

    def compared(self) -> None:
        self.comparing.start()

    def export_chosen(self, choice: ExportChoice) -> None:
        self.exporting.choice = choice

    def exported(self) -> None:
        self.exporting.start()

    def export_stopped(self) -> None:
        self.exporting.cancel()

    def export_opened(self) -> None:
        self.exporting.open_folder()

    def export_learned(self) -> None:
        """What was saved joins the list of scans, to be learned from."""
        if self.exporting.folder is not None:
            self._learned(self.exporting.folder)
