"""The keys of the Decide step: each does what its button does, only while the step is open, and not while somebody types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6 import QtGui, QtTest, QtWidgets

from panel.decide_samples import Recorder, decide_view, find
from panel.showing import press, settle, shown
from PartialLabelSegLib.panel.shortcuts import ACTIONS, SHORTCUTS, Shortcut, Shortcuts, shortcut_for, tip
from PartialLabelSegLib.panel.widgets.decide_step import DecideStep

# What Slicer's slice views do something with.
KEYS_OF_SLICE_VIEWS = {"B", "F", "G", "R", "T", "V", "[", "]", "{", "}", "Left", "Right", "Up", "Down"}


class Desk:
    """A window as Slicer's: the step in a dock, a view beside it, and a text field that is none of ours."""

    def __init__(self, actions: Any) -> None:
        self.actions = actions
        self.step = DecideStep(actions)
        self.step.show(decide_view(redo="again"))
        self.window = QtWidgets.QMainWindow()
        self.view = QtWidgets.QLabel("a slice view")
        self.view.setFocusPolicy(self.step.queue.widget.focusPolicy().StrongFocus)
        self.console = QtWidgets.QPlainTextEdit()
        beside = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(beside)
        layout.addWidget(self.step.widget)
        layout.addWidget(self.view)
        layout.addWidget(self.console)
        self.window.setCentralWidget(beside)
        self.window.show()
        self.window.activateWindow()
        assert QtTest.QTest.qWaitForWindowActive(self.window)


@pytest.fixture
def desk(qt_application: Any) -> Iterator[Desk]:
    made = Desk(Recorder())
    yield made
    made.step.exit()
    made.window.close()
    made.window.deleteLater()
    settle()


def test_no_key_and_no_action_stands_twice_and_each_has_words() -> None:
    assert len({item.key for item in SHORTCUTS}) == len(SHORTCUTS) == len(set(ACTIONS))
    assert all(item.words.endswith(".") for item in SHORTCUTS)
    assert all(not QtGui.QKeySequence(item.key).isEmpty() for item in SHORTCUTS)


def test_no_key_of_the_slice_views_is_taken() -> None:
    assert not KEYS_OF_SLICE_VIEWS & {item.key for item in SHORTCUTS}


def test_the_tooltip_is_made_from_the_table() -> None:
    words = tip("wrong", "nothing is shown.")
    item = shortcut_for("wrong")
    assert words.split("\n") == [
        item.words,
        f"Next round: {item.teaches}",
        "Key: W",
        "Not possible now: nothing is shown.",
    ]
    assert tip("next").split("\n") == [shortcut_for("next").words, "Key: J"]
    with pytest.raises(KeyError):
        shortcut_for("dance")


@pytest.mark.parametrize("item", SHORTCUTS, ids=lambda item: item.action)
def test_every_key_is_said_in_a_tooltip(item: Shortcut, actions: Recorder) -> None:
    step = DecideStep(actions)
    step.show(decide_view(redo="again"))
    tips = [part.toolTip() for part in step.widget.findChildren(QtWidgets.QWidget)]
    said = [words for tip in tips for words in re.findall(r"^.*Keys?: (.+)$", tip, re.M)]
    assert any(item.key in words.split(" ") for words in said)


@pytest.mark.parametrize("item", [item for item in SHORTCUTS if item.teaches], ids=lambda item: item.action)
def test_a_key_does_what_its_button_does_wherever_the_mouse_is(desk: Desk, item: Any) -> None:
    desk.step.enter(desk.window)
    for place in (desk.view, find(desk.step.widget, "queue"), find(desk.step.widget, "gamma_slider")):
        place.setFocus()
        press(place, item.key)
        assert desk.actions.take() == [(item.action,)]


def test_j_and_k_go_through_the_queue(desk: Desk) -> None:
    desk.step.enter(desk.window)
    press(desk.view, "J")
    press(desk.view, "J")
    press(desk.view, "K")
    assert desk.actions.take() == [("suggestion_chosen", key) for key in ("0/2", "0/3", "0/2")]


def test_plus_and_minus_move_the_slider_by_one_percent(desk: Desk) -> None:
    desk.step.enter(desk.window)
    press(desk.view, "+")
    press(desk.view, "-")
    press(desk.view, "-")
    assert [call for call in desk.actions.take() if call[0] == "gamma_moved"] == [
        ("gamma_moved", share) for share in (0.66, 0.65, 0.64)
    ]


def test_before_the_step_opens_and_after_it_closes_no_key_works(desk: Desk) -> None:
    for item in SHORTCUTS:
        press(desk.view, item.key)
    desk.step.enter(desk.window)
    desk.step.exit()
    settle()
    for item in SHORTCUTS:
        press(desk.view, item.key)
    assert desk.actions.take() == []
    assert desk.window.findChildren(QtGui.QShortcut) == []


def test_opening_twice_and_closing_twice_is_like_once(desk: Desk) -> None:
    for _ in range(3):
        desk.step.enter(desk.window)
        desk.step.enter(desk.window)
        assert len(desk.window.findChildren(QtGui.QShortcut)) == len(SHORTCUTS)
        press(desk.view, "A")
        assert desk.actions.take() == [("accept",)]
        desk.step.exit()
        desk.step.exit()
        settle()
        assert desk.window.findChildren(QtGui.QShortcut) == []


def test_typing_in_a_field_decides_nothing(desk: Desk) -> None:
    desk.step.enter(desk.window)
    field = find(desk.step.widget, "queue_find")
    field.setFocus()
    for letter in ("A", "W", "N", "Z"):
        press(field, letter)
    assert field.text() == "awnz"
    desk.console.setFocus()
    press(desk.console, "C")
    assert desk.console.toPlainText() == "c"
    assert desk.actions.take() == []


def test_a_field_for_numbers_keeps_its_keys(desk: Desk) -> None:
    number = QtWidgets.QSpinBox(desk.window)
    number.show()
    desk.step.enter(desk.window)
    number.setFocus()
    for key in ("A", "+", "-", "W"):
        press(number, key)
    assert desk.actions.take() == []


def test_after_entering_the_keys_work_at_once_though_there_is_a_field(desk: Desk) -> None:
    find(desk.step.widget, "queue_find").setFocus()
    desk.step.enter(desk.window)
    press(desk.window.focusWidget(), "W")
    assert desk.actions.take() == [("wrong",)]


def test_a_key_does_nothing_where_its_button_cannot_be_used(desk: Desk) -> None:
    desk.step.enter(desk.window)
    desk.step.show(decide_view(why_not={"wrong": "because."}, undo=""))
    press(desk.view, "W")
    press(desk.view, "Z")
    desk.step.show(decide_view(editing="Liver in scan_000"))
    press(desk.view, "A")
    press(desk.view, "J")
    press(desk.view, "+")
    assert desk.actions.take() == []


def test_a_decision_is_taken_once_however_long_its_key_is_held(desk: Desk) -> None:
    desk.step.enter(desk.window)
    made = desk.window.findChildren(QtGui.QShortcut)
    held = {shortcut.objectName().removeprefix("shortcut_") for shortcut in made if shortcut.autoRepeat()}
    assert held == {"undo", "redo", "next", "previous", "more", "less"}


def test_without_a_window_the_keys_work_in_the_step_itself() -> None:
    actions: Any = Recorder()
    step = DecideStep(actions)
    step.show(decide_view())
    with shown(step.widget):
        step.enter(None)
        press(find(step.widget, "queue"), "N")
        step.exit()
    assert actions.take() == [("not_now",)]


def test_a_key_for_an_unknown_action_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="dance"):
        Shortcuts({"dance": lambda: None})
