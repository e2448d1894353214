"""The page of several raters at work: what is shown follows the study, and every action of the page ends here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...run.failure import Failure
from ..application import nodes_of_class
from ..desk import ERROR, WARNING, Desk
from ..geometry import grid_of
from ..optional_package import PackageOffer
from ..pairs import segmentations_of
from ..views_before import BEFORE, ViewsBefore
from . import kept
from .board import GridBoard
from .choosing import DrawingList, first_volume, likely_bone, node_and_segment, rating_for, with_nodes_by_name
from .grid_actions import GridActions
from .pictures import picture_of
from .planes import ShownSlice
from .rating import Rating
from .reading_actions import ReadingActions
from .room import MODES, READ, TOGETHER, Room
from .soft_actions import SoftActions
from .stage import Stage
from .table_import import PATTERN, SPREADSHEET, with_table
from .together_actions import TogetherActions
from .tools import Hand


class RatersController:
    """`open()` and `close()` as the page comes and goes; `release()` ends it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.is_open = False
        self.learn_from: Callable[[Path], object] = lambda folder: None
        """Adds a data set to the list of scans; the panel says how."""
        self._is_stale = False
        """Something in the views is to be drawn anew."""
        self.room = Room(desk, self._changed, self._redraw)
        self.grid = GridActions(self.room)
        self.reading = ReadingActions(self.room)
        self.soft = SoftActions(self.room)
        self.drawings = DrawingList()
        self.board = GridBoard(self.room, self.grid, self.reading, self._seen, lambda: self.stage.draw())
        self.stage = Stage(desk.application, Hand(self.board.tool), self._picture, self._turned)
        self.together = TogetherActions(self.room, self.reading, self.stage, self._learned)
        self._openpyxl = PackageOffer(desk, "openpyxl", f"A spreadsheet ({SPREADSHEET})")
        self.room.index = lambda: self.stage.index
        self._shown: tuple[Any, int] | None = None
        self._before = ViewsBefore(desk.scene)
        self._stops = [
            desk.listen(self.follow),
            desk.on_scene_closing(self._forget),
            desk.on_scene_replaced(self._replaced),
            desk.on_node_removed(lambda node: self.follow()),
        ]

    # The page

    def open(self) -> None:
        """The page comes into sight; it begins with the scan that is looked at."""
        self.is_open = True
        if self.room.volume is None:
            volume = first_volume(self.desk)
            if volume is not None:
                self.scan_chosen(volume.GetID())
        self.follow()
        self.desk.tell()

    def close(self) -> None:
        """The page goes; the views are given back."""
        if self.is_open:
            self.is_open = False
            self._shown = None
            self.stage.close()
            self.soft.leave()
            self._before.restore()
            self.desk.tell()

    def follow(self) -> None:
        """Makes the views agree with the study; masks that were drawn anew are read again. Called once for all changes of a moment."""
        if not self.is_open:
            return
        self._follow()
        if self._is_stale:
            self._is_stale = False
            self.stage.draw()

    def _follow(self) -> None:
        volume = self.room.volume
        if volume is None:
            if self._shown is not None:
                self._shown = None
                self.stage.close()
                self.soft.leave()
            return
        if self._shown != (volume, self.room.axis):
            self._show(volume)
        self._hide_drawings()
        self.room.read_masks(self._masks_read)

    def _show(self, volume: Any) -> None:
        self._shown = (volume, self.room.axis)
        self._before.remember()
        views = nodes_of_class(self.desk.scene, "vtkMRMLSliceCompositeNode")
        seen = any(view.GetBackgroundVolumeID() == volume.GetID() for view in views)
        self.desk.application.show_volume(volume)
        if not seen:
            self.desk.application.fit_slices()
        try:
            self.stage.open(volume, self.room.axis)
        except Failure as failure:
            self.stage.close()
            self.desk.say(failure.sentence(), ERROR)
            return
        template = self.room.rating.template if self.room.rating is not None else None
        if template is not None:
            try:
                template.check_grid(grid_of(volume))
            except Failure as failure:
                self.desk.say(failure.sentence(), WARNING)

    def _hide_drawings(self) -> None:
        """Nobody sees what others drew, and the colours of the label lie under nothing; the outline of the bone is drawn by us."""
        nodes = segmentations_of(self.desk.scene)
        if any(node.GetDisplayVisibility() for node in nodes):
            hidden = [node for node in nodes if node.GetDisplayNode() is not None]
            self._before.hide(node for node in hidden if node.GetDisplayVisibility() or is_kept(node))

    def _masks_read(self) -> None:
        if self.is_open and self.room.masks.changed():
            self._redraw()
        if self.is_open and self.room.mode == TOGETHER:
            self.soft.follow()

    def _seen(self, view: str) -> ShownSlice | None:
        return self.stage.shown(view)

    def _picture(self, index: int) -> Any:
        return picture_of(self.room, self.grid, index)

    def _changed(self) -> None:
        """The study changed."""
        self._redraw()

    def _redraw(self) -> None:
        """Draws once the present events are dealt with."""
        self._is_stale = True
        self.desk.tell()

    def _turned(self) -> None:
        """Another slice is in the main view."""
        if self.room.mode == TOGETHER:
            self.room.together.turn(self.stage.index)
            if self.room.together.choice.outlined:
                self._is_stale = True
        self.desk.tell()

    def _forget(self) -> None:
        """The scene is being closed; its nodes are still there."""
        self.close()
        self._before.forget()
        self.room.together.forget()
        self.room.forget()

    def _replaced(self) -> None:
        self._forget()
        self.room.sitting.load()

    def release(self) -> None:
        self.close()
        for stop in self._stops:
            stop()
        self.room.together.clear()
        self.room.sitting.release()
        self.together.exporting.release()
        self._openpyxl.cancel()

    # Scan, bone, part

    def scan_chosen(self, key: str) -> None:
        volume = self.desk.scene.GetNodeByID(key)
        if volume is None:
            return
        study = self.room.sitting.study
        rating = rating_for(self.desk, study, volume)
        if rating.bone is None and rating.template is None:
            rating = replace(rating, bone=likely_bone(self.desk, volume))
        self._turn_to(rating)

    def bone_chosen(self, key: str) -> None:
        """Another bone of the same scan has its own grid and ticks."""
        rating, volume = self.room.rating, self.room.volume
        node_id, segment = node_and_segment(key)
        node = self.desk.scene.GetNodeByID(node_id)
        if rating is None or volume is None or node is None:
            return
        bone = self.room.drawing_of(node, segment)
        chosen = replace(rating, bone=bone)
        known = any(each.key == chosen.key for each in self.room.sitting.study.ratings)
        if not known and rating.template is None and not rating.has_ticks:
            self.room.sitting.put(chosen, "", rating.key)
        else:
            self._turn_to(rating_for(self.desk, self.room.sitting.study, volume, bone))

    def _turn_to(self, rating: Rating) -> None:
        sitting = self.room.sitting
        sitting.history.forget()
        if any(each.key == rating.key for each in sitting.study.ratings):
            sitting.show(rating.key)
        else:
            sitting.put(rating)

    def mode_chosen(self, mode: str) -> None:
        assert mode in MODES
        before, self.room.mode = self.room.mode, mode
        if before == TOGETHER and mode != TOGETHER:
            self.soft.leave()
        self._redraw()

    def file_asked(self) -> None:
        """Goes on with the ticks of a file, such as that of a work folder whose scene was lost; or takes in a scoring table."""
        path = self.desk.application.choose_file("Ticks of raters", PATTERN)
        if path is None:
            return
        scene = self.desk.scene
        if kept.is_ours(path):
            self.room.sitting.take_over(lambda study: with_nodes_by_name(kept.in_file(path), scene))
        elif path.suffix.lower() == SPREADSHEET:
            self._openpyxl.when_there(lambda: self._take_table(path))
        else:
            self._take_table(path)

    def _take_table(self, path: Path) -> None:
        self.room.sitting.take_over(lambda study: with_table(study, path, self.desk.scene))

    def undo(self) -> None:
        self.room.sitting.undo()

    def redo(self) -> None:
        self.room.sitting.redo()

    # Slices

    def slice_shown(self, index: int) -> None:
        self.stage.go_to(index)

    def slice_turned(self, by: int) -> None:
        if self.stage.index is not None:
            self.stage.go_to(self.stage.index + by)

    def next_unread(self) -> None:
        index = self.reading.next_unread()
        if index is not None:
            self.stage.go_to(index)

    def key_shown(self, by: int) -> None:
        index = self.grid.next_key(by)
        if index is not None:
            self.stage.go_to(index)

    # Keys that depend on the part

    def cursor_moved(self, rows: int, columns: int) -> None:
        if self.room.mode == READ:
            self.reading.move(rows, columns)
            self._redraw()

    def cell_toggled(self) -> None:
        if self.room.mode == READ:
            self.reading.toggle()

    def grade_given(self, level: int) -> None:
        if self.room.mode == READ:
            self.reading.give_grade(level)

    def read_toggled(self) -> None:
        if self.room.mode == READ:
            self.reading.toggle_read()

    def others_shown(self, on: bool) -> None:
        self.room.others_shown = bool(on)
        self._redraw()

    def _learned(self, folder: Path) -> None:
        """What was saved is learned from: back to the list of scans."""
        self.close()
        self.learn_from(folder)


def is_kept(node: Any) -> bool:
    """Whether how a segmentation was shown is kept, to be given back."""
    return bool(node.GetDisplayNode().GetAttribute(BEFORE))
