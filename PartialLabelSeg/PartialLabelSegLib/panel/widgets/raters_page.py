"""The page of several raters: the scan and its bone, and three parts after one another: lay the grid, read, and look together."""

from __future__ import annotations

from typing import Any

import qt

from ..qt_subset import Quiet, button, column, get, label, paragraph, row
from ..raters.controller import RatersController
from ..raters.keys import Keys
from ..raters.rating import MOST_LEVELS
from ..raters.room import PLACE, READ, TOGETHER
from ..raters.views import RatersView
from .chooser import Chooser, named
from .fitting import set_text
from .raters_grid_box import GridBox
from .raters_read_box import ReadBox
from .raters_soft_box import SoftBox
from .raters_strip import SliceStrip

PARTS = (
    (PLACE, "Grid", "Lay the grid on the bone."),
    (READ, "Read", "Tick the cells in which there is a lesion, one rater after the other."),
    (TOGETHER, "Together", "All raters: the soft label, where they disagree, and saving it."),
)


class RatersPage:
    """`back()` leaves the page. `show` draws a view model and emits nothing; `enter` and `exit` give the keys and take them."""

    def __init__(self, controller: RatersController, back: Any) -> None:
        self._controller = controller
        self.scan = Chooser("raters_scan", "The scan that was read", controller.scan_chosen)
        self.bone = Chooser("raters_bone", "The bone that the grid lies on: a segment", controller.bone_chosen)
        self.parts = {name: self._part(name, text, tip) for name, text, tip in PARTS}
        self.strip = SliceStrip(controller.slice_shown)
        self.place = label("", "raters_place")
        self.place.setAlignment(qt.Qt.AlignCenter)
        self.undo = button("Undo", "raters_undo", "", controller.undo)
        self.redo = button("Redo", "raters_redo", "", controller.redo)
        self.hint, self.busy = paragraph("", "raters_hint"), paragraph("", "raters_busy")
        self.grid = GridBox(controller.grid, controller.key_shown)
        self.read = ReadBox(controller.reading, controller.others_shown, controller.next_unread)
        self.soft = SoftBox(controller.soft, controller.together)
        self._boxes = {PLACE: self.grid.widget, READ: self.read.widget, TOGETHER: self.soft.widget}
        self._keys = Keys(_slots(controller))
        self.widget = self._laid_out(back)
        self.widget.setObjectName("raters_page")
        for kind in (qt.QAbstractButton, qt.QAbstractSlider, qt.QComboBox):
            for item in self.widget.findChildren(kind):
                # A click leaves the keyboard to the grid; the Tab key reaches all of them.
                item.setFocusPolicy(qt.Qt.TabFocus)

    def _part(self, name: str, text: str, tip: str) -> Any:
        made = qt.QToolButton()
        made.setObjectName(f"raters_part_{name}")
        made.setText(text)
        made.setToolTip(tip)
        made.setCheckable(True)
        made.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
        made.clicked.connect(lambda checked=False, name=name: self._controller.mode_chosen(name))
        return made

    def _laid_out(self, back: Any) -> Any:
        controller = self._controller
        leave = button("‹ Scans", "raters_back", "Back to the list of scans. Everything is saved.", back)
        file = button(
            "From a file…",
            "raters_file",
            "Take over ticks that were saved (scores.json in the folder raters of a work folder), or a scoring table as CSV, JSON or XLSX.",
            controller.file_asked,
        )
        bold = get(self.hint, "font")
        title = label("Several raters", "raters_title")
        bold.setBold(True)
        title.setFont(bold)
        parts = row(*self.parts.values())
        parts.layout().setSpacing(0)
        before = button("‹", "raters_slice_before", "Slice before. Key: Page Up", lambda: controller.slice_turned(-1))
        after = button("›", "raters_slice_after", "Next slice. Key: Page Down", lambda: controller.slice_turned(1))
        for each in (before, after):
            each.setMaximumWidth(32)
        slices = row(before, self.place, after)
        slices.layout().setStretch(1, 1)
        chosen = (named("Scan", self.scan.widget), named("Bone", self.bone.widget))
        self._work = column(parts, slices, self.strip, *self._boxes.values(), row(self.undo, self.redo, None, file))
        return column(row(leave, title, None), *chosen, self.busy, self.hint, self._work, None)

    def show(self, view: RatersView) -> None:
        self.scan.show(view.scans, view.scan)
        self.bone.show(view.bones, view.bone)
        set_text(self.hint, view.hint)
        set_text(self.busy, view.busy)
        self._work.setVisible(bool(view.scan))
        for name, made in self.parts.items():
            why_not = view.why_not.get(name, "")
            with Quiet(made):
                made.setChecked(name == view.mode)
            made.setEnabled(not why_not)
            font = get(made, "font")
            font.setBold(name == view.mode)
            made.setFont(font)
            made.setToolTip(why_not or next(tip for part, _, tip in PARTS if part == name))
        for name, box in self._boxes.items():
            box.setVisible(name == view.mode)
        count = len(view.slices)
        self.place.setText(f"slice {view.index + 1} of {count}" if view.index >= 0 else "no view shows these slices")
        self.strip.show_slices(view.slices, view.index, view.read.color)
        self.grid.show(view.grid)
        self.read.show(view.read)
        if view.mode == TOGETHER:
            self.soft.show(view.soft)
        for made, words, what in ((self.undo, view.undo, "Take back"), (self.redo, view.redo, "Do again")):
            made.setEnabled(bool(words))
            made.setToolTip(f"{what}: {words}" if words else "")

    def enter(self, window: Any) -> None:
        self._keys.enter(window)

    def exit(self) -> None:
        self._keys.exit()


def _slots(controller: RatersController) -> dict[str, Any]:
    return {
        "left": lambda: controller.cursor_moved(0, -1),
        "right": lambda: controller.cursor_moved(0, 1),
        "up": lambda: controller.cursor_moved(-1, 0),
        "down": lambda: controller.cursor_moved(1, 0),
        "tick": controller.cell_toggled,
        **{f"grade_{level}": lambda level=level: controller.grade_given(level) for level in range(MOST_LEVELS + 1)},
        "read": controller.read_toggled,
        "unread": controller.next_unread,
        "next_slice": lambda: controller.slice_turned(1),
        "previous_slice": lambda: controller.slice_turned(-1),
        "undo": controller.undo,
        "redo": controller.redo,
    }
