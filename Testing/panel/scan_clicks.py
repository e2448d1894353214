"""Clicks and keys on the step Scans as a person makes them, and what can be read there."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtTest, QtWidgets

from panel.decide_samples import find
from panel.showing import settle
from panel.step_samples import two_scans
from PartialLabelSegLib.panel.widgets.scans_step import ScansStep

LEFT = QtCore.Qt.MouseButton.LeftButton
NONE, CONTROL = QtCore.Qt.KeyboardModifier.NoModifier, QtCore.Qt.KeyboardModifier.ControlModifier


def step_of_two_scans(actions: Any) -> ScansStep:
    """The step as it is tried in most tests."""
    made = ScansStep(actions)
    made.show(two_scans())
    return made


def table_of(step: ScansStep) -> Any:
    return find(step.widget, "scan_table")


def place_of(step: ScansStep, row: int, column: int) -> QtCore.QPoint:
    table = table_of(step)
    return table.visualItemRect(table.item(row, column)).center()


def click_cell(step: ScansStep, row: int, column: int, held: QtCore.Qt.KeyboardModifier = NONE) -> None:
    QtTest.QTest.mouseClick(table_of(step).viewport(), LEFT, held, place_of(step, row, column))
    settle()


def right_click_cell(step: ScansStep, row: int, column: int) -> None:
    place = place_of(step, row, column)
    viewport = table_of(step).viewport()
    event = QtGui.QContextMenuEvent(QtGui.QContextMenuEvent.Reason.Mouse, place, viewport.mapToGlobal(place))
    QtWidgets.QApplication.sendEvent(viewport, event)
    settle()


def open_menu() -> QtWidgets.QMenu:
    """The menu that is open."""
    menu = QtWidgets.QApplication.activePopupWidget()
    assert isinstance(menu, QtWidgets.QMenu), menu
    return menu


def choose(name: str) -> None:
    """Clicks on an entry of the open menu."""
    menu = open_menu()
    action = next(action for action in menu.actions() if action.objectName() == name)
    QtTest.QTest.mouseClick(menu, LEFT, NONE, menu.actionGeometry(action).center())
    settle()


def entries() -> list[str]:
    return [action.objectName() for action in open_menu().actions() if not action.isSeparator()]


def signs(step: ScansStep) -> list[list[str]]:
    table = table_of(step)
    return [
        [table.item(row, column).text() for column in range(table.columnCount() - 1)] for row in range(table.rowCount())
    ]
