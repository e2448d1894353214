"""The bar above everything: Scans, Learn, Look, Decide, Finish; which one is open, which comes next, and which are possible yet."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from .. import words
from ..qt_subset import Quiet, get, paragraph
from ..view_models import StepsView, StepView
from .fitting import set_text

DONE, NEXT = "✓", "›"


class StepsActions(Protocol):
    """Opens a step by its name."""

    def open_step(self, name: str) -> None: ...


class StepsBar:
    """Five buttons. A finished step has a tick, the next one an arrow and bold letters; a step that is not possible yet says why."""

    def __init__(self, actions: StepsActions) -> None:
        self._actions = actions
        self._view = StepsView("", ())
        self.buttons: dict[str, Any] = {}
        self.hint = paragraph("", "steps_hint")
        self.widget = qt.QWidget()
        self.widget.setObjectName("steps_bar")
        grid = qt.QGridLayout(self.widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(0)
        for place, name in enumerate(words.STEPS):
            self.buttons[name] = self._button(name)
            grid.addWidget(self.buttons[name], 0, place)
            grid.setColumnStretch(place, 1)
        grid.addWidget(self.hint, 1, 0, 1, len(words.STEPS))

    def _button(self, name: str) -> Any:
        made = qt.QToolButton()
        made.setObjectName(f"step_{name}")
        made.setText(words.STEPS[name].text)
        made.setCheckable(True)
        made.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
        made.clicked.connect(lambda checked=False, name=name: self._clicked(name))
        return made

    def show(self, view: StepsView) -> None:
        """Emits nothing."""
        self._view = view
        given = {step.name: step for step in view.steps}
        for name, button in self.buttons.items():
            step = given.get(name, StepView(name, why_not="This step is not there yet."))
            self._show_step(button, step)
        set_text(self.hint, view.hint)

    def _show_step(self, button: Any, step: StepView) -> None:
        word, is_next = words.STEPS[step.name], step.name == self._view.next
        sign = f"{DONE} " if step.done else f"{NEXT} " if is_next else ""
        with Quiet(button):
            button.setText(sign + word.text)
            button.setChecked(step.name == self._view.current)
            button.setEnabled(not step.why_not)
        state = "Done. " if step.done else "This comes next. " if is_next else ""
        button.setToolTip(step.why_not or f"{state}{word.meaning}")
        font = get(button, "font")
        font.setBold(is_next)
        button.setFont(font)

    def _clicked(self, name: str) -> None:
        """A click on the open step leaves it open."""
        with Quiet(self.buttons[name]):
            self.buttons[name].setChecked(name == self._view.current)
        if name != self._view.current:
            self._actions.open_step(name)
