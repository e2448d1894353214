"""The whole panel in a window with four views, used as a person uses it: by the names of its buttons and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6 import QtWidgets

from host.host_application import HostApplication
from host.pictures import picture
from host.window import Window
from panel.showing import click, settle
from PartialLabelSegLib.panel.self_test import TINY as TINY_PLAN
from PartialLabelSegLib.panel.view import Panel

TINY = ("--threads", "1", *TINY_PLAN)
Wait = Callable[..., None]


class PanelWindow:
    """The panel at work. `close()` ends it."""

    def __init__(self, application: HostApplication, window: Window, wait_until: Wait) -> None:
        self.application = application
        self.window = window
        self._wait = wait_until
        self._closed = False
        self.panel = Panel(application)
        self.desk = self.panel.logic.desk
        self.desk.extra_arguments = TINY
        window.set_panel(self.panel.widget)
        self.panel.enter()
        settle()

    def find(self, name: str) -> Any:
        """The one visible widget of a name."""
        found = [item for item in self.panel.widget.findChildren(QtWidgets.QWidget, name) if item.isVisible()]
        assert len(found) == 1, f"{len(found)} visible widgets are called {name}"
        return found[0]

    def is_seen(self, name: str) -> bool:
        return any(item.isVisible() for item in self.panel.widget.findChildren(QtWidgets.QWidget, name))

    def click(self, name: str) -> None:
        """A click on what is visible and can be clicked."""
        widget = self.find(name)
        assert widget.isEnabled(), f"{name} cannot be clicked: {widget.toolTip()}"
        click(widget)
        settle()

    def text(self, name: str) -> str:
        return str(self.find(name).text()).replace("\u200b", "")

    def until(self, condition: Callable[[], object], seconds: float = 120.0, what: str = "") -> None:
        self._wait(condition, seconds, what)
        settle()

    def until_read(self) -> None:
        """All scans of the list were read."""
        scans = self.panel.logic.scans
        self.until(lambda: not scans.view().busy and not self.desk.busy, what="the scans to be read")

    def until_learned(self, state: str, seconds: float = 240.0) -> None:
        """Learning came to this state; fails at once where it failed."""
        learn = self.panel.logic.learn
        self.until(lambda: learn.state in (state, "failed"), seconds, f"learning to be {state}")
        assert learn.state == state, self.desk.message.text

    def picture(self, name: str) -> None:
        settle()
        picture(self.window, name)

    def close(self) -> None:
        """Once; what learns goes on."""
        if not self._closed:
            self._closed = True
            self.panel.cleanup()
            settle()
