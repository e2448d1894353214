"""The module file outside Slicer, with stand-ins for the two modules that only Slicer has."""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Any
from unittest.mock import MagicMock

import pytest

from structure.sources import MODULE_FOLDER, PROJECT_FOLDER

MODULE_FILE = PROJECT_FOLDER / MODULE_FOLDER / "PartialLabelSeg.py"


class Label:
    """What the shell uses of a QLabel."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def setText(self, text: str) -> None:
        self.text = text

    def setWordWrap(self, wrap: bool) -> None:
        assert wrap is True

    def setTextInteractionFlags(self, flags: object) -> None:
        assert flags is not None


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module file, imported as Slicer imports it."""

    class Base:
        def __init__(self, parent: object = None) -> None:
            self.parent = parent
            self.layout = MagicMock()

        def setup(self) -> None:
            pass

    names = ("ScriptedLoadableModule", "ScriptedLoadableModuleTest", "ScriptedLoadableModuleWidget")
    base = types.ModuleType("slicer.ScriptedLoadableModule")
    for name in names:
        setattr(base, name, type(name, (Base,), {}))
    monkeypatch.setitem(sys.modules, "slicer", types.ModuleType("slicer"))
    monkeypatch.setitem(sys.modules, "slicer.ScriptedLoadableModule", base)
    monkeypatch.setitem(sys.modules, "qt", types.SimpleNamespace(QLabel=Label, Qt=MagicMock()))
    spec = importlib.util.spec_from_file_location("PartialLabelSeg", MODULE_FILE)
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_module_describes_itself(module: Any) -> None:
    parent = types.SimpleNamespace()
    module.PartialLabelSeg(parent)
    assert parent.title == "Partial Label Segmentation"
    assert parent.categories == ["Segmentation"]
    assert parent.contributors and parent.helpText


@pytest.mark.parametrize(
    ("found", "said"), [(None, "is not installed in this Slicer"), (object(), "is installed in this Slicer")]
)
def test_the_panel_says_whether_torch_is_there_and_shows_the_command(
    module: Any, monkeypatch: pytest.MonkeyPatch, found: object, said: str
) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: found)
    widget = module.PartialLabelSegWidget()
    widget.setup()
    assert said in widget.torchLabel.text
    assert f"{MODULE_FILE.parent / 'PartialLabelSegLib'}" in widget.commandLabel.text
    assert "complete CASES --out RUN" in widget.commandLabel.text
