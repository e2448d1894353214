"""The four steps from ticks to a soft label, each with its switch, its number, and how many voxels it changes on the shown slice."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from ..qt_subset import Quiet, label, row
from ..raters.soft_actions import BRIGHT_PERCENTILE, NEIGHBOUR_WEIGHT
from ..raters.views import SoftBoxView
from ..view_models_decide import Choice
from .chooser import Chooser
from .fitting import percent, whole

STEPS = (
    (
        "votes",
        "Share of the raters",
        "How many of the raters who read this slice ticked the cell. Off: one tick is enough for all.",
    ),
    ("inside_bone", "Nothing outside the bone", "Voxels of a ticked cell that lie beside the bone become 0."),
    (
        "bright",
        "Bright bone is lesion",
        "Inside a ticked cell, voxels brighter than this percentile of the whole bone become 1.",
    ),
    (
        "neighbours",
        "Neighbouring slices",
        "A lesion at the same place on the slice before or after makes it likelier here; it never lowers anything.",
    ),
)
RULES = (
    Choice("noisy-or", "adds to it", "1 − (1 − q)(1 − w n): both speak for a lesion."),
    Choice("max", "at least", "The larger of q and w n."),
)


class StepsActions(Protocol):
    """Switches, numbers, and what is outlined."""

    def set_step(self, name: str, on: bool) -> None: ...
    def set_number(self, name: str, value: float) -> None: ...
    def set_rule(self, rule: str) -> None: ...
    def choose(self, **fields: object) -> None: ...


class StepsBox:
    """One line a step; the eye beside it outlines the voxels that the step changes."""

    def __init__(self, actions: StepsActions) -> None:
        self._actions = actions
        self._outlined = ""
        self.boxes: dict[str, Any] = {}
        self.counts: dict[str, Any] = {}
        self.eyes: dict[str, Any] = {}
        self.rule = Chooser("raters_rule", "How a neighbouring slice counts", actions.set_rule)
        self.level = label("", "raters_level", "The grey value above which bone counts as bright")
        self.percentile, self._percentile_text = (
            self._slider(BRIGHT_PERCENTILE, "The percentile of the bone's grey values"),
            label(""),
        )
        self.weight, self._weight_text = (
            self._slider(NEIGHBOUR_WEIGHT, "How much a neighbouring slice counts"),
            label(""),
        )
        for each in (self._percentile_text, self._weight_text):
            each.setMinimumWidth(40)
        self.widget = qt.QWidget()
        self.widget.setObjectName("raters_steps_box")
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for name, words, tip in STEPS:
            layout.addWidget(self._line(name, words, tip))
            if name == "bright":
                layout.addWidget(_under(self.percentile, self._percentile_text, self.level))
            if name == "neighbours":
                layout.addWidget(_under(self.weight, self._weight_text, self.rule.widget))

    def _slider(self, name: str, tip: str) -> Any:
        slider = qt.QSlider(qt.Qt.Horizontal)
        slider.setObjectName(f"raters_{name}")
        slider.setToolTip(tip)
        slider.setAccessibleName(tip)
        slider.setRange(0, 100)
        scale = 1.0 if name == BRIGHT_PERCENTILE else 0.01
        slider.valueChanged.connect(lambda value=0, name=name: self._actions.set_number(name, value * scale))
        return slider

    def _line(self, name: str, words: str, tip: str) -> Any:
        box = qt.QCheckBox(words)
        box.setObjectName(f"raters_step_{name}")
        box.setToolTip(tip)
        box.toggled.connect(lambda checked=False, name=name: self._actions.set_step(name, bool(checked)))
        count = label("", f"raters_changed_{name}", "Voxels that this step changes on the shown slice")
        eye = qt.QToolButton()
        eye.setText("outline")
        eye.setObjectName(f"raters_show_{name}")
        eye.setCheckable(True)
        eye.setAutoRaise(True)
        eye.setToolTip("Outline the voxels that this step changes on the shown slice, in white.")
        eye.clicked.connect(lambda checked=False, name=name: self._outline(name))
        self.boxes[name], self.counts[name], self.eyes[name] = box, count, eye
        return row(box, None, count, eye)

    def _outline(self, name: str) -> None:
        self._actions.choose(outlined="" if self._outlined == name else name)

    def show(self, view: SoftBoxView) -> None:
        """Draws a view model and emits nothing."""
        steps, self._outlined = view.steps, view.choice.outlined
        for name, _, tip in STEPS:
            why_not = view.steps_why_not.get(name, "")
            with Quiet(self.boxes[name], self.eyes[name]):
                self.boxes[name].setChecked(bool(getattr(steps, name)))
                self.eyes[name].setChecked(name == self._outlined)
            self.boxes[name].setEnabled(not why_not)
            self.boxes[name].setToolTip(f"{tip}\nNot possible now: {why_not}" if why_not else tip)
            changed = view.changed.get(name)
            self.counts[name].setText("" if changed is None else f"{whole(changed)} voxels")
            self.eyes[name].setEnabled(bool(changed) or name == self._outlined)
        with Quiet(self.percentile, self.weight):
            self.percentile.setValue(round(steps.bright_percentile))
            self.weight.setValue(round(100 * steps.neighbour_weight))
        self._percentile_text.setText(f"{steps.bright_percentile:.0f} %")
        self._weight_text.setText(percent(steps.neighbour_weight))
        self.level.setText(view.bright_level)
        self.percentile.setEnabled(steps.bright and "bright" not in view.steps_why_not)
        self.weight.setEnabled(steps.neighbours)
        self.rule.show(RULES, steps.neighbour_rule)
        self.rule.widget.setEnabled(steps.neighbours)


def _under(slider: Any, number: Any, more: Any) -> Any:
    """A step's number, a little to the right under its switch."""
    made = row(slider, number, more)
    made.layout().setContentsMargins(24, 0, 0, 0)
    made.layout().setStretch(0, 1)
    return made
