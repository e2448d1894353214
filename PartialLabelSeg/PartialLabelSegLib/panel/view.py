"""The panel: the steps bar, what is said, and the step that is open. Steps are built when they are first opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt

from . import logic as steps
from .application import Application
from .logic import PanelLogic
from .widgets.message_area import MessageArea
from .widgets.steps_bar import StepsBar


@dataclass(frozen=True)
class _Page:
    """A step that was built: its widget (`.widget`, `.show(view)`), and where its view comes from."""

    step: Any
    view: Callable[[], Any]


class Panel:
    """`widget` goes into the module's place. `enter`, `exit` and `cleanup` are called as Slicer calls those of a module."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.logic = PanelLogic(application)
        self.bar = StepsBar(self.logic)
        self.message = MessageArea(lambda: self.logic.desk.say(""))
        self.widget = qt.QWidget()
        self.widget.setObjectName("partial_label_segmentation")
        self._layout = qt.QVBoxLayout(self.widget)
        self._layout.setContentsMargins(6, 6, 6, 6)
        self._layout.addWidget(self.bar.widget)
        self._layout.addWidget(self.message.widget)
        self._pages: dict[str, _Page] = {}
        self._open = ""
        self._inside = False
        self._stop = self.logic.desk.listen(self.show)
        self.show()

    def page(self, name: str) -> Any:
        """The widget of a step, built where it was not yet."""
        if name not in self._pages:
            self._pages[name] = self._built(name)
            widget = self._pages[name].step.widget
            widget.layout().setContentsMargins(0, 0, 0, 0)
            self._layout.addWidget(widget, 1)
        return self._pages[name].step

    def _built(self, name: str) -> _Page:
        # Imported when needed: opening the module is quick.
        logic = self.logic
        if name == steps.SCANS:
            from .widgets.scans_step import ScansStep

            return _Page(ScansStep(logic.scans), logic.scans.view)
        if name == steps.LEARN:
            from .widgets.learn_step import LearnStep

            return _Page(LearnStep(logic.learn), logic.learn.view)
        if name == steps.LOOK:
            from .widgets.look_step import LookStep

            return _Page(LookStep(logic.look), logic.look.view)
        if name == steps.DECIDE:
            from .widgets.decide_step import DecideStep

            return _Page(DecideStep(logic.decide), logic.decide.view)
        from .widgets.finish_step import FinishStep

        return _Page(FinishStep(logic.finish), logic.finish.view)

    def show(self) -> None:
        """Draws what is different from before."""
        desk = self.logic.desk
        self.bar.show(self.logic.steps())
        self.message.show(desk.message.text, desk.message.severity)
        name = desk.state.step
        step = self.page(name)
        step.show(self._pages[name].view())
        if name != self._open:
            self._turn_to(name)

    def _turn_to(self, name: str) -> None:
        """Only the open step is in sight, and only its keys work."""
        self._take_keys()
        for other, page in self._pages.items():
            page.step.widget.setVisible(other == name)
        self._open = name
        self._give_keys()

    def _give_keys(self) -> None:
        if self._inside and self._open == steps.DECIDE:
            self.page(self._open).enter(self.application.main_window() or self.widget)

    def _take_keys(self) -> None:
        if self._open == steps.DECIDE:
            self.page(self._open).exit()

    def open_folder(self, folder: Path) -> None:
        """Adds the scans of a folder or a manifest."""
        self.logic.scans.open_folder(folder)

    def enter(self) -> None:
        """The module is chosen."""
        self._inside = True
        self.logic.enter()
        self._give_keys()

    def exit(self) -> None:
        """Another module is chosen; what goes on goes on."""
        self._inside = False
        self._take_keys()
        self.logic.exit()

    def cleanup(self) -> None:
        """The module is closed or reloaded."""
        self._inside = False
        self._take_keys()
        self._stop()
        self.logic.release()
