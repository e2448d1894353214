"""The panel as a person uses it, by the names of its buttons: in Slicer and in the window of the tests alike."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

VOLUMES = "vtkMRMLScalarVolumeNode"
LONGEST = 600.0


class Session:
    """`events()` lets Qt work. An AssertionError says what did not come about."""

    def __init__(self, panel: Any, events: Callable[[], object], longest: float = LONGEST) -> None:
        self.panel = panel
        self.desk = panel.logic.desk
        self._events = events
        self._longest = longest

    def until(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + self._longest
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}: {self.desk.message.text}"
            self._events()
            time.sleep(0.01)

    def click(self, name: str) -> None:
        """Clicks the button of a name as soon as it can be clicked."""
        self.until(lambda: self._button(name) is not None, f"the button {name}")
        self._button(name).click()

    def _button(self, name: str) -> Any:
        """The button that a person could click; None where there is none, or not yet."""
        qt = importlib.import_module("qt")
        found = [
            item for kind in (qt.QPushButton, qt.QToolButton) for item in self.panel.widget.findChildren(kind, name)
        ]
        usable = [item for item in found if item.isVisible() and item.isEnabled()]
        return usable[0] if usable else None

    def add_loaded_scans(self) -> None:
        """The list takes over what is in the scene, and that is enough to learn from."""
        self.click("step_scans")
        self.click("add_from_scene")
        loaded = self.desk.scene.GetNumberOfNodesByClass(VOLUMES)
        self.until(lambda: len(self.desk.state.scans) == loaded and not self.desk.busy, "the scans of the scene")
        why_not = self.panel.logic.scans.why_not_learn()
        assert not why_not, why_not

    def decide_and_undo(self) -> None:
        """A suggestion is looked at and accepted, and that is taken back."""
        decisions = self.panel.logic.decide
        self.click("step_look")
        self.click("step_decide")
        self.until(lambda: decisions.view().rows, "the queue of suggestions")
        decisions.suggestion_chosen(decisions.view().rows[0].key)
        self.click("decide_accept_all")
        self.until(lambda: decisions.view().undo, "the decision")
        self.click("decide_undo")
        self.until(lambda: decisions.view().redo and not decisions.view().undo, "the decision to be taken back")

    def read_as_raters(self) -> None:
        """A grid is laid on what is drawn in a scan, two raters click a cell, and one label is made of both."""
        self.click("step_scans")
        self.click("raters_open")
        raters, scan = self.panel._raters, next(scan for scan in self.desk.state.scans if scan.segmentation)
        raters.scan_chosen(scan.volume)
        drawn = [choice.key for choice in raters.drawings.choices(self.desk.scene)]
        raters.bone_chosen(next(key for key in drawn if key.startswith(f"{scan.segmentation}|")))
        self.until(lambda: not self.desk.busy and raters.room.bone_slices().any(), "what is drawn to be read")
        self.click("raters_fit_one_box")
        self.until(lambda: raters.room.rating.template is not None, "the grid")
        self.click("raters_part_read")
        index = min(raters.room.rating.template.keys)
        raters.slice_shown(index)
        self.until(lambda: raters.stage.index == index, "the slice in a view")
        for name in ("A", "B"):
            raters.reading.add_rater(name)
            self._press_cell(raters, index)
            self.until(lambda: raters.room.rating.current.ticks == {(index, 1, 1)}, "the tick of a click")
        self.click("raters_part_together")
        together = raters.room.together
        self.until(lambda: together.prepared is not None and not together.busy, "the label of both")
        assert together.preview is not None and together.preview.known, "there is no label"
        raters.together.compared()
        self.until(lambda: raters.together.comparing.result is not None, "the comparison")
        assert raters.together.comparing.result.dice.mean == 1.0, "two who say the same agree"
        self.click("raters_back")

    def _press_cell(self, raters: Any, index: int) -> None:
        """The left button on the cell in the second row and column, in the slice view."""
        middle = raters.room.placement(index).polygon(1, 1).mean(axis=0)
        interactors = self.panel.application.slice_interactors()
        name = next(name for name in interactors if raters.stage.shown(name) is not None)
        x, y = raters.stage.shown(name).window(middle)
        interactors[name].SetEventInformation(round(float(x)), round(float(y)), 0, 0)
        for event in ("LeftButtonPressEvent", "LeftButtonReleaseEvent"):
            interactors[name].InvokeEvent(event)
