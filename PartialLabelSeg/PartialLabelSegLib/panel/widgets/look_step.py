"""The step Look: which scan and structure is shown, what lies over the slices and how strongly, and what the colours mean."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from ..qt_subset import Quiet, button, get, label, paragraph, section
from ..view_models_decide import (
    ACCEPTED,
    AMBIGUITY,
    CONFIDENCE,
    DOUBTS,
    EXPERT,
    OUTLINES,
    SHOWN_THINGS,
    SURFACES,
    LookView,
)
from .chooser import Chooser, named
from .doubts_box import DoubtsBox
from .fitting import percent, set_text
from .legend import Legend

THINGS = {
    OUTLINES: ("Suggestions, as outlines", "The border of what the program suggests"),
    CONFIDENCE: ("Confidence, as colours", "How sure the program is of each suggested voxel"),
    AMBIGUITY: (
        "Where nothing was learned",
        "Voxels that no label says anything about: the program could not learn there",
    ),
    DOUBTS: (
        "Where labels are doubted",
        "Orange: the checked scans speak against the label that was given. Blue: they support what is drawn.\n"
        "Shown in place of the confidence, for the chosen structure",
    ),
    EXPERT: ("Expert labels", "What was drawn before; it is never changed"),
    ACCEPTED: (
        "Accepted suggestions",
        "What you accepted; kept apart from the expert labels until the structure is finished",
    ),
    SURFACES: ("3D surfaces", "Suggestions and accepted voxels in the 3D view; takes a moment"),
}


class LookActions(Protocol):
    """What the user asks for in this step."""

    def scan_chosen(self, key: str) -> None:
        """Show this scan in all views."""

    def structure_chosen(self, key: str) -> None:
        """Show this structure's suggestions; the empty key means those of all structures."""

    def thing_shown(self, thing: str, on: bool) -> None:
        """Show one of SHOWN_THINGS, or no longer."""

    def doubt_chosen(self, number: int) -> None:
        """Jump to one of the labels to check in all views."""

    def opacity_changed(self, opacity: float) -> None:
        """How strongly colours cover the scan, in 0..1."""


class LookStep:
    """The widget of the step; `show` makes it agree with a view model and asks for nothing."""

    def __init__(self, actions: LookActions) -> None:
        self._actions = actions
        self._scan = Chooser("look_scan", "The scan in all views", self._scan_chosen)
        self._structure = Chooser(
            "look_structure", "The structure whose suggestions are shown", actions.structure_chosen
        )
        self._previous = button("Previous", "look_previous", "The scan before this one", lambda: self._scan.step(-1))
        self._next = button("Next", "look_next", "The scan after this one", lambda: self._scan.step(1))
        self._place = label("", "look_place")
        self._place.setAlignment(qt.Qt.AlignCenter)
        self._message = paragraph("", "look_message")
        self._boxes = {thing: self._box(thing) for thing in SHOWN_THINGS}
        self._opacity = self._opacity_slider()
        self._opacity_number = label("", "look_opacity_number")
        self.legend = Legend()
        self.doubts = DoubtsBox(actions.doubt_chosen)
        self.widget = self._laid_out()

    def _box(self, thing: str) -> Any:
        words, tip = THINGS[thing]
        box = qt.QCheckBox(words)
        box.setObjectName(f"look_{thing}")
        box.setToolTip(tip)
        box.toggled.connect(lambda checked=False, thing=thing: self._actions.thing_shown(thing, bool(checked)))
        return box

    def _opacity_slider(self) -> Any:
        slider = qt.QSlider(qt.Qt.Horizontal)
        slider.setObjectName("look_opacity")
        slider.setToolTip("How strongly the colours cover the scan")
        slider.setAccessibleName("Opacity, in percent")
        slider.setRange(0, 100)
        slider.setPageStep(10)
        slider.valueChanged.connect(self._opacity_moved)
        return slider

    def _laid_out(self) -> Any:
        widget = qt.QWidget()
        widget.setObjectName("look_step")
        layout = qt.QVBoxLayout(widget)
        layout.addWidget(named("Scan", self._scan.widget))
        steps = qt.QWidget()
        line = qt.QHBoxLayout(steps)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._previous)
        line.addWidget(self._place, 1)
        line.addWidget(self._next)
        layout.addWidget(steps)
        layout.addWidget(named("Structure", self._structure.widget))
        layout.addWidget(self._message)
        layout.addWidget(self.doubts.widget)
        shown, inner = section("Shown over the scan", "look_shown")
        for thing in SHOWN_THINGS:
            inner.addWidget(self._boxes[thing])
        inner.addWidget(self._opacity_line())
        layout.addWidget(shown)
        colors, inner = section("What the colours mean", "look_colors")
        inner.addWidget(self.legend.widget)
        layout.addWidget(colors)
        layout.addStretch(1)
        return widget

    def _opacity_line(self) -> Any:
        widget = qt.QWidget()
        line = qt.QHBoxLayout(widget)
        line.setContentsMargins(0, 0, 0, 0)
        title = label("Opacity")
        title.setBuddy(self._opacity)
        line.addWidget(title)
        line.addWidget(self._opacity, 1)
        line.addWidget(self._opacity_number)
        return widget

    def show(self, view: LookView) -> None:
        """Shows a view model; cheap where little changed."""
        self._scan.show(view.scans, view.scan)
        self._structure.show(view.structures, view.structure)
        self._show_place()
        set_text(self._message, view.message)
        self.doubts.show(view.doubts, view.scan)
        self._boxes[DOUBTS].setVisible(view.doubts is not None)
        for thing, box in self._boxes.items():
            why_not = view.why_not.get(thing, "")
            with Quiet(box):
                box.setChecked(thing in view.shown)
            box.setEnabled(not why_not)
            tip = THINGS[thing][1]
            box.setToolTip(f"{tip}\nNot possible now: {why_not}" if why_not else tip)
        with Quiet(self._opacity):
            self._opacity.setValue(round(100 * view.opacity))
        self._opacity_number.setText(percent(view.opacity))
        self.legend.show(view.legend)

    def _show_place(self) -> None:
        """'3 of 100', and whether there is a scan before and after."""
        self._previous.setEnabled(self._scan.can_step(-1))
        self._next.setEnabled(self._scan.can_step(1))
        count, place = get(self._scan.widget, "count"), get(self._scan.widget, "currentIndex")
        self._place.setText(f"{place + 1} of {count}" if place >= 0 else "")

    def _scan_chosen(self, key: str) -> None:
        self._show_place()
        self._actions.scan_chosen(key)

    def _opacity_moved(self, value: int = 0) -> None:
        self._opacity_number.setText(percent(value / 100))
        self._actions.opacity_changed(value / 100)
