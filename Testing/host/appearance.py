"""How the same window looks to others: with a dark palette, or with text twice as large."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PySide6 import QtGui

Role = QtGui.QPalette.ColorRole
DARK = {
    Role.Window: "#2d2d2d",
    Role.WindowText: "#f0f0f0",
    Role.Base: "#1e1e1e",
    Role.AlternateBase: "#2a2a2a",
    Role.Text: "#f0f0f0",
    Role.Button: "#3a3a3a",
    Role.ButtonText: "#f0f0f0",
    Role.ToolTipBase: "#3a3a3a",
    Role.ToolTipText: "#f0f0f0",
    Role.PlaceholderText: "#9a9a9a",
    Role.Highlight: "#2a6fb0",
    Role.HighlightedText: "#ffffff",
    Role.Link: "#6cb4ff",
    Role.Light: "#505050",
    Role.Mid: "#404040",
    Role.Dark: "#202020",
}
WHEN_DISABLED = (Role.WindowText, Role.Text, Role.ButtonText)


def dark_palette() -> QtGui.QPalette:
    """The colours of a dark desktop."""
    palette = QtGui.QPalette()
    for role, colour in DARK.items():
        palette.setColor(role, QtGui.QColor(colour))
    for role in WHEN_DISABLED:
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, role, QtGui.QColor("#7a7a7a"))
    return palette


@contextmanager
def dark(application: Any, palette: QtGui.QPalette | None = None) -> Iterator[None]:
    """The application in a dark palette; without one, in that of a dark desktop."""
    before = application.palette()
    application.setPalette(palette or dark_palette())
    try:
        yield
    finally:
        application.setPalette(before)


@contextmanager
def larger_text(application: Any, factor: float = 2.0) -> Iterator[None]:
    """The application on a screen on which everything is drawn `factor` times as large, as far as a layout feels it: its text.

    Widgets made inside have the larger text from the start.
    """
    before = application.font()
    larger = QtGui.QFont(before)
    larger.setPointSizeF(before.pointSizeF() * factor)
    application.setFont(larger)
    try:
        yield
    finally:
        application.setFont(before)
