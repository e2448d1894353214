"""The script that tries the module inside Slicer, with the host's scene and window for Slicer's: it is not left to Slicer to find its slips."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import slicer
from PySide6 import QtWidgets

from host.host_application import HostApplication
from host.session import Session
from host.tries import FAILED, LEFT_OUT, OK, LeftOut, Tries
from host.window import Window
from panel.test_sample_data import SampleDataLogic
from PartialLabelSegLib.panel.sample_data import CATEGORY
from PartialLabelSegLib.panel.view import Panel

# What is tried


def test_each_try_is_said_and_the_next_is_made_all_the_same() -> None:
    said: list[str] = []
    tries = Tries(said.append)

    def wrong() -> None:
        raise ValueError("no scan")

    def elsewhere() -> None:
        raise LeftOut("there is no torch")

    for what, function in (("adding", wrong), ("learning", elsewhere), ("looking", lambda: None)):
        tries.attempt(what, function)
    assert tries.results == {"adding": FAILED, "learning": LEFT_OUT, "looking": OK}
    assert tries.status() == 1
    assert "ValueError: no scan" in said[0] and "FAILED   adding" in said[1]
    assert said[2].startswith("left out learning") and said[2].endswith(": there is no torch")
    assert said[-1] == "1 ok, 1 left out, 1 FAILED"


@pytest.mark.parametrize(
    ("results", "status"), [({"a": OK}, 0), ({"a": OK, "b": LEFT_OUT}, 0), ({"b": LEFT_OUT}, 1), ({}, 1)]
)
def test_a_run_in_which_nothing_worked_is_not_a_good_one(results: dict[str, str], status: int) -> None:
    tries = Tries(lambda text: None)
    tries.results = results
    assert tries.status() == status


# The script


@pytest.fixture
def script() -> types.ModuleType:
    return importlib.import_module("run_in_slicer")


@pytest.fixture
def around(
    application: HostApplication, window: Window, qt_application: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Slicer as the script sees it: its module with the panel in the window, its scene, its functions for scenes."""
    logic = SampleDataLogic()
    monkeypatch.setitem(sys.modules, "SampleData", SimpleNamespace(SampleDataLogic=logic))
    widget = SimpleNamespace(panel=None, onReload=lambda: renew())

    def renew() -> None:
        if widget.panel is not None:
            widget.panel.cleanup()
        widget.panel = Panel(application)
        window.set_panel(widget.panel.widget)
        widget.panel.enter()

    def save(path: str) -> bool:
        application.host.save_scene(Path(path))
        return True

    def offered() -> dict[str, list[Any]]:
        return {CATEGORY: [SimpleNamespace(**source) for source in logic.sources.get(CATEGORY, [])]}

    class Modules(SimpleNamespace):
        @property
        def sampleDataSources(self) -> dict[str, list[Any]]:
            return offered()

    modules = Modules(**vars(slicer.modules), partiallabelseg=object(), PartialLabelSegWidget=widget)
    monkeypatch.setattr(slicer, "modules", modules)
    monkeypatch.setattr(slicer.app, "processEvents", lambda: qt_application.processEvents())
    stand_ins: dict[str, Callable[..., Any]] = {
        "selectModule": lambda name: renew(),
        "saveScene": save,
        "loadScene": lambda path: application.host.open_scene(Path(path)),
        "showStatusMessage": lambda text, duration: None,
        "resetSliceViews": lambda: None,
    }
    for name, function in stand_ins.items():
        monkeypatch.setattr(slicer.util, name, function, raising=False)
    yield widget
    if widget.panel is not None:
        widget.panel.cleanup()


def test_everything_but_learning_is_tried_and_works(
    script: types.ModuleType, around: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "TEST_PACKAGES", ("a_package_that_nobody_has",))
    status = script.main(["--no-learning"])
    said = capsys.readouterr().out
    assert status == 0, said
    assert said.splitlines()[-1] == "7 ok, 1 left out, 0 FAILED"
    assert "no a_package_that_nobody_has" in said
    assert len(around.panel.logic.desk.state.scans) == 10


def test_a_module_that_slicer_does_not_take_ends_it(
    script: types.ModuleType, around: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del slicer.modules.partiallabelseg
    del slicer.modules.PartialLabelSegWidget
    taken: list[Any] = []
    factory = SimpleNamespace(registerModule=lambda info: taken.append(info.fileName()), loadModules=taken.append)
    manager = SimpleNamespace(factoryManager=lambda: factory)
    monkeypatch.setattr(slicer.app, "moduleManager", lambda: manager, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert script.main(["--no-learning"]) == 1
    assert taken == ["PartialLabelSeg.py", ["PartialLabelSeg"]]
    said = capsys.readouterr().out
    assert "Slicer did not take the module" in said and said.splitlines()[-1] == "0 ok, 0 left out, 1 FAILED"


def test_the_tests_that_it_names_are_there(script: types.ModuleType) -> None:
    for name in (*script.LIBRARY_TESTS, script.NEEDS_A_SCENE):
        assert (script.TESTING / name).exists()
    assert script.MODULE_FILE.is_file()


def test_a_button_that_nobody_could_click_is_not_clicked(application: HostApplication, window: Window) -> None:
    panel = Panel(application)
    window.set_panel(panel.widget)
    session = Session(panel, QtWidgets.QApplication.processEvents, longest=0.2)
    try:
        # Nothing is suggested yet.
        with pytest.raises(AssertionError, match="the button step_decide"):
            session.click("step_decide")
    finally:
        panel.cleanup()
