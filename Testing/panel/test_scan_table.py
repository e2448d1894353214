"""The table scan × structure: read at a glance, changed with clicks and keys, drawn in a moment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from PySide6 import QtCore, QtGui, QtTest, QtWidgets

from host.pictures import picture
from panel.decide_samples import Recorder, find
from panel.scan_clicks import (
    CONTROL,
    LEFT,
    NONE,
    choose,
    click_cell,
    entries,
    open_menu,
    place_of,
    right_click_cell,
    signs,
    step_of_two_scans,
    table_of,
)
from panel.showing import NARROW, click, press, settle, shown
from panel.step_samples import cell, cohort, dark, two_scans
from PartialLabelSegLib.data.contrast import contrast
from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.widgets.scans_step import ScansStep


@pytest.fixture
def step(actions: Any) -> ScansStep:
    return step_of_two_scans(actions)


def test_each_state_has_its_own_sign_and_a_star_says_that_the_user_changed_it(
    step: ScansStep, pump: Callable[[int], None]
) -> None:
    with shown(step.widget):
        pump(50)
        assert signs(step) == [["●", "○"], ["◐", "✕*"]]
        legend = find(step.widget, "scans_legend").text().replace("\u00a0", " ")
    for word in words.STATES.values():
        assert f"{word.symbol} {word.text}" in legend
    assert "* changed by you" in legend


def test_where_there_is_room_the_words_stand_in_the_cells(step: ScansStep) -> None:
    with shown(step.widget, 900):
        assert signs(step) == [["● labelled", "○ not labelled"], ["◐ some slices", "✕ absent*"]]
        assert not find(step.widget, "scans_legend").isVisible()


def test_a_panel_that_gets_wider_and_narrower_goes_from_signs_to_words_and_back(
    step: ScansStep, pump: Callable[[int], None]
) -> None:
    with shown(step.widget, NARROW) as window:
        window.resize(900, 700)
        pump(50)
        assert signs(step)[0] == ["● labelled", "○ not labelled"]
        window.resize(NARROW, 700)
        pump(50)
        assert signs(step)[0] == ["●", "○"]


def test_a_cell_is_told_to_a_screen_reader_in_words(step: ScansStep) -> None:
    item = table_of(step).item(1, 1)
    assert item.data(QtCore.Qt.ItemDataRole.AccessibleTextRole) == "absent, changed by you"


def test_a_click_opens_a_menu_that_says_what_each_state_means(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click_cell(step, 0, 1)
        texts = {action.objectName(): action.text() for action in open_menu().actions()}
        picture(open_menu(), "scans_menu_of_a_cell")
        assert texts["menu_title"] == "Spleen in Ann"
        assert words.STATES["absent"].short in texts["state_absent"] and "absent" in texts["state_absent"]
        assert "state_labelled" not in texts, "nothing is drawn there"
        ticked = [action.objectName() for action in open_menu().actions() if action.isChecked()]
        assert ticked == ["state_missing"]
        choose("state_absent")
    assert actions.take() == [("set_states", (("Ann", "Spleen"),), "absent")]


def test_a_click_with_control_only_selects_and_a_right_click_takes_all_that_is_selected(
    step: ScansStep, actions: Recorder
) -> None:
    with shown(step.widget):
        click_cell(step, 0, 1, CONTROL)
        click_cell(step, 1, 1, CONTROL)
        assert QtWidgets.QApplication.activePopupWidget() is None
        right_click_cell(step, 1, 1)
        assert open_menu().actions()[0].text() == "Spleen in 2 scans"
        choose("state_missing")
        right_click_cell(step, 1, 1)
        choose("menu_remove")
    assert actions.take() == [
        ("set_states", (("Ann", "Spleen"), ("Bob", "Spleen")), "missing"),
        ("remove", ("Ann", "Bob")),
    ]


def test_a_state_that_only_some_of_the_selected_cells_can_have_is_asked_for_those_only(
    step: ScansStep, actions: Recorder
) -> None:
    with shown(step.widget):
        table_of(step).selectAll()
        right_click_cell(step, 0, 0)
        action = next(action for action in open_menu().actions() if action.objectName() == "state_absent")
        assert "(2 of 4)" in action.text()
        choose("state_absent")
    assert actions.take() == [("set_states", (("Ann", "Spleen"), ("Bob", "Spleen")), "absent")]


def test_space_goes_to_the_next_state_and_return_opens_the_menu(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        table = table_of(step)
        table.setFocus()
        table.setCurrentCell(0, 0)
        press(table, "Right")
        press(table, "Space")
        assert actions.take() == [("cycle_state", "Ann", "Spleen")]
        press(table, "Return")
        settle()
        assert open_menu().actions()[0].text() == "Spleen in Ann"
        press(open_menu(), "Escape")
    assert actions.take() == []


def test_a_double_click_on_a_scans_name_shows_it(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        names = table_of(step).verticalHeader()
        place = QtCore.QPoint(10, names.sectionViewportPosition(1) + 8)
        QtTest.QTest.mouseDClick(names.viewport(), LEFT, NONE, place)
        assert find(step.widget, "scan_title").text().startswith("Bob")
    assert actions.take() == [("show_scan", "Bob")]


def test_a_double_click_behind_the_cells_shows_the_scan_too(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget, 900):
        place = place_of(step, 1, 2)
        QtTest.QTest.mouseClick(table_of(step).viewport(), LEFT, NONE, place)
        QtTest.QTest.mouseDClick(table_of(step).viewport(), LEFT, NONE, place)
        settle()
        assert "double click" in table_of(step).verticalHeaderItem(1).toolTip()
    assert actions.take() == [("show_scan", "Bob")]


def test_the_name_above_a_column_changes_all_scans_at_once(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click(find(step.widget, "structure_1"))
        assert open_menu().actions()[0].text() == "Spleen in all scans"
        picture(open_menu(), "scans_menu_of_a_column")
        assert entries() == ["menu_title", "state_missing", "state_absent", "menu_merge", "menu_leave_out"]
        choose("state_absent")
        click(find(step.widget, "structure_1"))
        choose("menu_leave_out")
    assert actions.take() == [("set_states", (("Ann", "Spleen"),), "absent"), ("merge", ("Spleen",), "")]


def test_the_current_cell_stays_on_its_scan_when_scans_come_and_go(step: ScansStep) -> None:
    with shown(step.widget):
        table_of(step).setCurrentCell(1, 1)
        view = two_scans()
        step.show(replace(view, scans=(replace(view.scans[0], name="Abe"), *view.scans)))
        assert (table_of(step).currentRow(), table_of(step).currentColumn()) == (2, 1)
        step.show(replace(view, scans=view.scans[:1]))
        assert find(step.widget, "scan_title").text() in ("", "Ann")


def test_only_cells_that_changed_are_drawn_again(step: ScansStep, pump: Callable[[int], None]) -> None:
    with shown(step.widget):
        pump(50)
        before = [[table_of(step).item(row, column) for column in range(2)] for row in range(2)]
        view = two_scans()
        ann = replace(view.scans[0], cells=(view.scans[0].cells[0], cell("absent", True)))
        step.show(replace(view, scans=(ann, view.scans[1])))
        after = [[table_of(step).item(row, column) for column in range(2)] for row in range(2)]
    assert [[a is b for a, b in zip(*rows)] for rows in zip(before, after)] == [[True, False], [True, True]]


def test_of_a_hundred_scans_with_forty_structures_only_what_changed_is_drawn_anew(step: ScansStep) -> None:
    """Four thousand cells would halt the window."""
    view = cohort(100, 40, summary="other words")
    changed = list(view.scans)
    changed[50] = replace(changed[50], cells=tuple(cell("absent", True) for _ in range(40)))
    with shown(step.widget):
        step.show(view)
        drawn: list[tuple[int, int]] = []
        find(step.widget, "scan_table").model().dataChanged.connect(
            lambda first, last, roles: drawn.append((first.row(), first.column()))
        )
        step.show(replace(view, scans=tuple(replace(scan) for scan in changed)))
        assert signs(step)[50] == ["✕*"] * 40
        assert {row for row, _ in drawn} == {50} and len({column for _, column in drawn}) >= 39


@pytest.mark.parametrize("theme", [nullcontext, dark])
def test_signs_and_links_can_be_read_in_light_and_dark(theme: Any, actions: Any) -> None:
    with theme():
        _check_contrast(ScansStep(actions))


def parts(color: QtGui.QColor) -> tuple[float, float, float]:
    return color.redF(), color.greenF(), color.blueF()


def _check_contrast(step: ScansStep) -> None:
    step.show(two_scans())
    with shown(step.widget):
        table = table_of(step)
        base = table.palette().color(QtGui.QPalette.ColorRole.Base)
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            item = table.item(row, column)
            painted = item.background().color() if item.background().style() != QtCore.Qt.BrushStyle.NoBrush else base
            assert contrast(parts(item.foreground().color()), parts(painted)) >= 2.9
        link = find(step.widget, "set_problems").text().split("color:")[1][:7]
        window = step.widget.palette().color(QtGui.QPalette.ColorRole.Window)
        assert contrast(parts(QtGui.QColor(link)), parts(window)) >= 2.9


def test_a_change_of_the_theme_is_seen_with_the_next_view(step: ScansStep) -> None:
    with shown(step.widget):
        light = table_of(step).item(0, 0).foreground().color().name()
        with dark():
            settle()
            step.show(two_scans())
            assert table_of(step).item(0, 0).foreground().color().name() != light


def test_long_names_above_the_table_are_shortened_and_whole_in_the_tooltip(step: ScansStep) -> None:
    view = cohort(3, 8)
    step.show(view)
    with shown(step.widget):
        button = find(step.widget, "structure_7")
        assert view.structures[7].name in button.toolTip()
        assert button.height() <= 12 * button.fontMetrics().height()


def test_the_names_scroll_with_their_columns(step: ScansStep) -> None:
    step.show(cohort(5, 40))
    with shown(step.widget):
        table = table_of(step)
        table.horizontalScrollBar().setValue(200)
        settle()
        name = find(step.widget, "structure_30")
        x = table.viewport().mapFromGlobal(name.mapToGlobal(QtCore.QPoint(0, 0))).x()
        assert abs(x - table.visualItemRect(table.item(0, 30)).left()) <= 2
