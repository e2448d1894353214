"""`python3 Testing panel`: the panel in a window of its own, and sentences where no window can be opened."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtGui, QtWidgets

from host import desktop, tutorial


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A panel of one line in place of the real one, and what was asked of it."""
    asked: list[Any] = []

    class Panel:
        def __init__(self, application: Any) -> None:
            self.application = application
            self.widget = QtWidgets.QLabel("the panel")

        def enter(self) -> None:
            asked.append("entered")

        def open_folder(self, folder: Path) -> None:
            asked.append(folder)

        def cleanup(self) -> None:
            asked.append("cleaned up")

    view = types.ModuleType("PartialLabelSegLib.panel.view")
    view.Panel = Panel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "PartialLabelSegLib.panel.view", view)
    monkeypatch.setattr(desktop, "SETTLE_MS", 50)
    return asked


def test_a_picture_of_the_window_is_saved_and_the_program_ends(
    qt_application: Any, seen: list[Any], tmp_path: Path
) -> None:
    picture = tmp_path / "pictures" / "window.png"
    assert desktop.main(["--screenshot", str(picture), "--scans", str(tmp_path)]) == 0
    assert seen == ["entered", tmp_path, "cleaned up"]
    image = QtGui.QImage(str(picture))
    assert image.width() >= 1000 and image.height() >= 600
    assert len({image.pixel(x, 300) for x in range(0, image.width(), 7)}) > 2


def test_a_picture_that_cannot_be_written_is_a_sentence(
    qt_application: Any, seen: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desktop.main(["--screenshot", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().out


@pytest.mark.parametrize(("complaint", "status"), [("", 0), ("waited in vain for curves", 1)])
def test_the_tutorial_is_gone_through_and_says_what_did_not_come_about(
    qt_application: Any,
    seen: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    complaint: str,
    status: int,
) -> None:
    class Tutorial:
        def __init__(self, panel: Any, seam: Any, window: Any, folder: Path) -> None:
            seen.append(folder)

        def shorten(self, steps: int) -> None:
            seen.append(steps)

        def go_through(self) -> None:
            assert not complaint, complaint

    monkeypatch.setattr(tutorial, "Tutorial", Tutorial)
    assert desktop.main(["--pictures", str(tmp_path), "--steps", "7"]) == status
    assert seen == ["entered", tmp_path, 7, "cleaned up"]
    assert complaint in capsys.readouterr().out


def test_a_picture_is_made_smaller_and_nobody_sees_it(qt_application: Any) -> None:
    picture = QtGui.QPixmap(5, 3)
    picture.fill(QtGui.QColor(255, 130, 1))
    seen = tutorial.smaller(picture).pixelColor(4, 2)
    assert (seen.red(), seen.green(), seen.blue()) == (252, 128, 0)


def test_without_a_display_it_says_what_can_be_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(desktop, "has_display", lambda: False)
    assert desktop.main([]) == 2
    assert "--screenshot" in capsys.readouterr().out


def test_a_display_that_qt_cannot_use_is_a_sentence_with_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "has_display", lambda: True)
    monkeypatch.setenv("QT_QPA_PLATFORM", "no_such_platform")
    assert "apt-get install libxcb-cursor0" in desktop.why_no_window()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert desktop.why_no_window() == ""
