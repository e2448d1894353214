"""A step of the panel in a window of its own, as wide as the panel, with real focus, keys and clicks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PySide6 import QtCore, QtTest, QtWidgets

NARROW, WIDE = 350, 700


@contextmanager
def shown(widget: Any, width: int = NARROW, height: int = 800) -> Iterator[Any]:
    """The widget in a scrolled window, active, until the block ends."""
    window = QtWidgets.QScrollArea()
    window.setWidgetResizable(True)
    window.setWidget(widget)
    window.resize(width, height)
    window.show()
    window.activateWindow()
    assert QtTest.QTest.qWaitForWindowActive(window)
    settle()
    yield window
    window.takeWidget()
    window.close()
    window.deleteLater()
    settle()


def settle() -> None:
    """Lets everything happen that Qt has put off."""
    for _ in range(3):
        QtWidgets.QApplication.processEvents()
        QtWidgets.QApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)


def click(widget: Any) -> None:
    """A click with the left button in the middle, or on the mark of a check box."""
    place = (
        QtCore.QPoint(8, widget.height() // 2) if isinstance(widget, QtWidgets.QCheckBox) else widget.rect().center()
    )
    assert widget.isVisible(), f"{widget.objectName()} cannot be seen"
    QtTest.QTest.mouseClick(widget, QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier, place)


def click_row(table: Any, row: int, column: int = 0) -> None:
    """A click on a row of a table or a list."""
    index = table.model().index(row, column)
    table.scrollTo(index)
    place = table.visualRect(index).center()
    QtTest.QTest.mouseClick(
        table.viewport(), QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier, place
    )


def press(widget: Any, key: str) -> None:
    """One key, such as 'A', 'Shift+A', '+' or 'Down', on a widget."""
    combination = QtCore.Qt.Key
    names = {"+": "Plus", "-": "Minus"}
    shift = key.startswith("Shift+")
    name = names.get(key, key.removeprefix("Shift+"))
    modifier = QtCore.Qt.KeyboardModifier.ShiftModifier if shift else QtCore.Qt.KeyboardModifier.NoModifier
    QtTest.QTest.keyClick(widget, getattr(combination, f"Key_{name}"), modifier)


def texts(table: Any) -> list[list[str]]:
    """The words of a table, row by row."""
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]
