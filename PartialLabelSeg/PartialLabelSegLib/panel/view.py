"""The panel: the steps bar, what is said, and the step that is open. Steps are built when they are first opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import qt

from . import logic as steps
from .application import Application
from .logic import PanelLogic
from .widgets.message_area import MessageArea
from .widgets.raters_entry import RatersEntry
from .widgets.steps_bar import StepsBar

RATERS = "raters"
"""A page beside the five steps."""
_WITH_KEYS = (steps.DECIDE, RATERS)


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
        self._raters: Any = None
        self._away = False
        """Whether the raters' page was open when the panel went out of sight."""
        self._entry = RatersEntry(self.open_raters)
        self._layout.addWidget(self._entry.widget)
        self._later = qt.QTimer()
        self._later.setSingleShot(True)
        # PythonQt takes back only the very object that was connected.
        self._slot = self._build
        self._later.timeout.connect(self._slot)
        self._stop = self.logic.desk.listen(self.show)
        self.show()

    def page(self, name: str) -> Any:
        """The widget of a step, built where it was not yet."""
        if name not in self._pages:
            self._pages[name] = self._built(name)
            widget = self._pages[name].step.widget
            widget.layout().setContentsMargins(0, 0, 0, 0)
            self._layout.insertWidget(2, widget, 1)
        return self._pages[name].step

    def _built(self, name: str) -> _Page:
        # Imported when needed: opening the module is quick.
        logic = self.logic
        if name == RATERS:
            from .raters.viewing import raters_view
            from .widgets.raters_page import RatersPage

            return _Page(RatersPage(self._raters, self.close_raters), lambda: raters_view(self._raters))
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
        self.message.show(desk.message.text, desk.message.severity)
        name = self._wanted()
        view = self.logic.steps()
        self.bar.show(replace(view, hint="") if name == RATERS else view)
        self._entry.widget.setVisible(name == steps.SCANS)
        if self._open and name not in self._pages:
            self._later.start(0)
            return
        step = self.page(name)
        step.show(self._pages[name].view())
        if name != self._open:
            self._turn_to(name)

    def _wanted(self) -> str:
        """The page to be seen. The raters' lies over the step Scans; going to another step leaves it."""
        step = self.logic.desk.state.step
        if self._raters is not None and self._raters.is_open:
            if step == steps.SCANS:
                return RATERS
            self._raters.close()
        return step

    def open_raters(self) -> None:
        """The page of several raters, in place of the list of scans."""
        from .raters.controller import RatersController

        if self._raters is None:
            self._raters = RatersController(self.logic.desk)
            self._raters.learn_from = self.open_folder
        self.logic.desk.change(step=steps.SCANS)
        self._raters.open()

    def close_raters(self) -> None:
        self._raters.close()

    def _build(self) -> None:
        """Building a step takes a moment, and so does filling it: each has a turn of its own, with what waits in between."""
        name = self._wanted()
        if name not in self._pages:
            self.page(name).widget.setVisible(False)
        self.logic.desk.tell()

    def _turn_to(self, name: str) -> None:
        """Only the open step is in sight, and only its keys work."""
        self._take_keys()
        for other, page in self._pages.items():
            page.step.widget.setVisible(other == name)
        self._open = name
        self._give_keys()

    def _give_keys(self) -> None:
        if self._inside and self._open in _WITH_KEYS:
            self.page(self._open).enter(self.application.main_window() or self.widget)

    def _take_keys(self) -> None:
        if self._open in _WITH_KEYS:
            self.page(self._open).exit()

    def open_folder(self, folder: Path) -> None:
        """Adds the scans of a folder or a manifest."""
        self.logic.scans.open_folder(folder)

    def enter(self) -> None:
        """The module is chosen."""
        self._inside = True
        self.logic.enter()
        if self._away:
            self._raters.open()
        self._give_keys()

    def exit(self) -> None:
        """Another module is chosen; what goes on goes on."""
        self._inside = False
        self._take_keys()
        self._away = self._raters is not None and self._raters.is_open
        if self._raters is not None:
            self._raters.close()
        self.logic.exit()

    def cleanup(self) -> None:
        """The module is closed or reloaded."""
        self._inside = False
        self._take_keys()
        self._stop()
        self._later.stop()
        self._later.timeout.disconnect(self._slot)
        if self._raters is not None:
            self._raters.release()
        self.logic.release()
