"""The whole panel: its bar, its message area, one open step at a time, keys only where they belong, quickly opened, gone without a trace."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtGui, QtWidgets

from host.appearance import dark
from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from panel.showing import settle
from panel.test_scans_logic import load_pair
from PartialLabelSegLib.panel.desk import ERROR
from PartialLabelSegLib.panel.view import Panel
from PartialLabelSegLib.panel.widgets.learn_step import LearnStep

Wait = Callable[..., None]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def opened(application: HostApplication, window: Window, wait_until: Wait) -> Iterator[PanelWindow]:
    made = PanelWindow(application, window, wait_until)
    yield made
    made.close()


def with_scans(opened: PanelWindow) -> PanelWindow:
    load_pair(opened.desk.scene, "anna", "Liver", "Spleen")
    load_pair(opened.desk.scene, "bert", "Spleen")
    opened.click("add_from_scene")
    opened.until_read()
    return opened


def test_an_empty_scene_begins_with_scans_and_says_what_to_do(opened: PanelWindow) -> None:
    assert opened.is_seen("scans_step") and "sample scans" in opened.text("steps_hint")
    assert not opened.find("step_learn").isEnabled() and not opened.find("step_look").isEnabled()
    assert opened.find("step_learn").toolTip() == "Add scans first."
    assert opened.find("step_finish").isEnabled(), "a saved model can be applied without learning"


def test_a_step_that_is_built_is_not_seen_before_it_says_what_it_has_to(
    opened: PanelWindow, qt_application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_scans(opened)
    filled: list[bool] = []
    real = LearnStep.show

    def show(self: LearnStep, *view: Any) -> None:
        filled.append(True)
        real(self, *view)

    monkeypatch.setattr(LearnStep, "show", show)
    opened.desk.change(step="learn")
    turns = 0
    while not (found := opened.panel.widget.findChildren(QtWidgets.QWidget, "learn_step")) or not found[0].isVisible():
        assert opened.is_seen("scans_step"), "the step before stays until the next one is there"
        qt_application.processEvents()
        turns += 1
        assert turns < 1000
    assert filled and not opened.is_seen("scans_step")


def test_only_the_open_step_is_there_and_seen(opened: PanelWindow) -> None:
    with_scans(opened)
    assert opened.text("step_scans").startswith("✓") and opened.text("step_learn").startswith("›")
    assert opened.panel.widget.findChild(QtWidgets.QWidget, "learn_step") is None
    opened.click("step_learn")
    assert opened.is_seen("learn_step") and not opened.is_seen("scans_step")
    opened.click("step_scans")
    assert opened.is_seen("scans_step") and not opened.is_seen("learn_step")


def test_what_is_said_stands_in_the_panel_until_it_is_read(opened: PanelWindow) -> None:
    assert not opened.is_seen("message_area")
    opened.click("add_from_scene")
    assert "No scan is loaded" in opened.text("message_text") and opened.text("message_sign") == "!"
    opened.click("message_close")
    assert not opened.is_seen("message_area")
    opened.desk.say("The disk is full. " * 12, ERROR)
    settle()
    assert opened.text("message_sign") == "✕"
    assert opened.find("message_text").height() >= 3 * opened.find("message_sign").fontMetrics().height()


def test_the_keys_of_decide_work_only_while_it_is_open_and_the_panel_is_in_sight(opened: PanelWindow) -> None:
    def keys() -> int:
        return sum(
            item.objectName().startswith("shortcut_") for item in opened.window.widget.findChildren(QtGui.QShortcut)
        )

    assert keys() == 0
    opened.desk.change(step="decide")
    opened.until(keys, 5)
    there = keys()
    opened.panel.exit()
    settle()
    assert keys() == 0
    opened.panel.enter()
    assert keys() == there
    opened.desk.change(step="scans")
    opened.until(lambda: keys() == 0, 5)


def test_another_scene_closes_what_was_open(opened: PanelWindow) -> None:
    with_scans(opened)
    opened.desk.change(step="finish")
    settle()
    opened.desk.scene.Clear(0)
    settle()
    assert opened.is_seen("scans_step") and opened.panel.logic.scans.view().scans == ()


def test_after_cleanup_the_panel_hears_nothing(application: HostApplication, pump: Callable[[int], None]) -> None:
    before = application.scene.GetNumberOfNodes()
    panel = Panel(application)
    panel.enter()
    pump(10)
    panel.cleanup()
    drawn: list[Any] = []
    panel.show = lambda: drawn.append(1)  # type: ignore[method-assign]
    load_pair(application.scene, "anna", "Liver")
    application.scene.Clear(0)
    pump(20)
    assert drawn == [] and application.scene.GetNumberOfNodes() <= before + 60


def test_the_panel_opens_at_once(application: HostApplication) -> None:
    best = min(_seconds_to_open(application) for _ in range(3))
    assert best < 0.3


def _seconds_to_open(application: HostApplication) -> float:
    began = time.process_time()
    panel = Panel(application)
    taken = time.process_time() - began
    panel.cleanup()
    return taken


def test_the_panel_is_imported_without_torch_and_soon() -> None:
    script = (
        "import sys, time\n"
        "sys.path[:0] = ['PartialLabelSeg', 'Testing']\n"
        "from host import environment, qt_host\n"
        "environment.draw_without_display(); qt_host.install()\n"
        "import slicer, vtk, numpy, SimpleITK, qt, scipy.ndimage\n"
        "began = time.process_time()\n"
        "import PartialLabelSegLib.panel.view\n"
        "print(time.process_time() - began)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.split()[-1]) < 0.6


@pytest.mark.parametrize("width", [350, 700])
def test_the_panel_fits_a_narrow_and_a_wide_place(opened: PanelWindow, width: int) -> None:
    with_scans(opened)
    opened.window.resize(1400, 860, width)
    settle()
    for step in ("scans", "learn", "finish"):
        opened.desk.change(step=step)
        settle()
        assert opened.panel.widget.minimumSizeHint().width() <= 350, step
        opened.picture(f"panel_{step}_{width}")


def test_the_panel_is_readable_on_a_dark_screen(opened: PanelWindow, qt_application: Any) -> None:
    with_scans(opened)
    with dark(qt_application):
        opened.desk.say("Learning was stopped because its scene was closed. Open that scene again to go on.")
        opened.click("step_learn")
        opened.picture("panel_learn_dark")
