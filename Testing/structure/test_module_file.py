"""The module file outside Slicer, with stand-ins for what only Slicer has: it builds the panel, passes on what happens, and is loaded without torch."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import MagicMock

import pytest

from structure.sources import MODULE_FOLDER, PROJECT_FOLDER

MODULE_FILE = PROJECT_FOLDER / MODULE_FOLDER / "PartialLabelSeg.py"
LIBRARY = "PartialLabelSegLib.panel"


class Base:
    """What Slicer's own base classes do, as far as the shell relies on it."""

    def __init__(self, parent: object = None) -> None:
        self.parent = parent
        self.layout = MagicMock()
        self.reloaded = False

    def setup(self) -> None:
        pass

    def onReload(self) -> None:
        self.reloaded = True

    def delayDisplay(self, text: str) -> None:
        assert text


@contextmanager
def error_display(message: str, waitCursor: bool = False) -> Iterator[None]:
    """Slicer shows the error in a window of its own."""
    assert message
    yield


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module file, imported as Slicer imports it, and the panel that it will find."""
    names = ("ScriptedLoadableModule", "ScriptedLoadableModuleTest", "ScriptedLoadableModuleWidget")
    base = types.ModuleType("slicer.ScriptedLoadableModule")
    for name in names:
        setattr(base, name, type(name, (Base,), {}))
    slicer: Any = types.ModuleType("slicer")
    slicer.app, slicer.mrmlScene, slicer.modules = MagicMock(), MagicMock(), MagicMock()
    slicer.util = types.SimpleNamespace(tryWithErrorDisplay=error_display, selectModule=MagicMock())
    monkeypatch.setitem(sys.modules, "slicer", slicer)
    monkeypatch.setitem(sys.modules, "slicer.ScriptedLoadableModule", base)
    for name, part in (
        ("slicer_application", "SlicerApplication"),
        ("view", "Panel"),
        ("sample_data", "register_sample_data"),
        ("self_test", "learn_phantoms"),
    ):
        stand_in: Any = types.ModuleType(f"{LIBRARY}.{name}")
        setattr(stand_in, part, MagicMock())
        monkeypatch.setitem(sys.modules, f"{LIBRARY}.{name}", stand_in)
    spec = importlib.util.spec_from_file_location("PartialLabelSeg", MODULE_FILE)
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_module_describes_itself_and_offers_its_samples_once_slicer_is_up(module: Any) -> None:
    parent = types.SimpleNamespace()
    module.PartialLabelSeg(parent)
    assert parent.title == "Partial Label Segmentation"
    assert parent.categories == ["Segmentation"]
    assert parent.contributors and parent.helpText
    module.slicer.app.startupCompleted.connect.assert_called_once_with(module.register_samples)
    module.register_samples()
    sys.modules[f"{LIBRARY}.sample_data"].register_sample_data.assert_called_once_with(module.slicer.mrmlScene)


def test_the_widget_holds_the_panel_and_passes_on_what_happens(module: Any) -> None:
    widget = module.PartialLabelSegWidget()
    widget.enter()
    widget.exit()
    widget.cleanup()
    widget.setup()
    panel = widget.panel
    widget.layout.addWidget.assert_called_once_with(panel.widget)
    widget.enter()
    widget.exit()
    widget.cleanup()
    widget.cleanup()
    assert [call[0] for call in panel.method_calls] == ["enter", "exit", "cleanup"]


def test_a_reload_reads_the_library_again(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    widget = module.PartialLabelSegWidget()
    widget.setup()
    panel = widget.panel
    widget.onReload()
    assert widget.reloaded and [call[0] for call in panel.method_calls] == ["cleanup"]
    assert not any(name.split(".")[0] == "PartialLabelSegLib" for name in sys.modules)


def test_the_self_test_learns_from_phantoms(module: Any) -> None:
    learn = sys.modules[f"{LIBRARY}.self_test"].learn_phantoms
    learn.return_value = "waiting"
    test = module.PartialLabelSegTest()
    test.runTest()
    module.slicer.mrmlScene.Clear.assert_called_once_with(0)
    assert learn.call_args.args[0] is module.slicer.modules.PartialLabelSegWidget.panel
