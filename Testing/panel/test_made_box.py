"""Saying how labels were made: of one cell, of several, of a scan and of a whole data set, with clicks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from host.pictures import picture
from panel.decide_samples import Recorder, find
from panel.scan_clicks import CONTROL, choose, click_cell, entries, open_menu, right_click_cell, signs, table_of
from panel.showing import NARROW, click, settle, shown
from panel.step_samples import cohort, dark, partly_quick, two_scans
from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.widgets.scans_step import ScansStep


@pytest.fixture
def step(actions: Any) -> ScansStep:
    made = ScansStep(actions)
    made.show(partly_quick())
    return made


def test_labels_that_were_made_quickly_have_a_sign_of_their_own(step: ScansStep, pump: Any) -> None:
    with shown(step.widget, NARROW):
        pump(50)
        assert signs(step) == [["●", "●~"], ["◐~", "✕*"], ["●", "○"]]
        assert "~ made quickly" in find(step.widget, "scans_legend").text().replace("\u00a0", " ")
        step.show(two_scans())
        assert signs(step)[1] == ["◐", "✕*"]
        assert "~" not in find(step.widget, "scans_legend").text()
    with shown(step.widget, 1000):
        step.show(partly_quick())
        assert signs(step)[0] == ["● labelled", "● labelled, quick"]


def test_the_current_cell_says_in_words_how_its_label_was_made(step: ScansStep) -> None:
    with shown(step.widget, NARROW, 1200):
        table_of(step).setCurrentCell(1, 0)
        readout = find(step.widget, "cell_readout").text()
    assert readout.startswith("Liver: some slices (made quickly).") and words.MADE["quick"].meaning in readout


def test_the_menu_of_a_cell_asks_how_its_label_was_made(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click_cell(step, 1, 0)
        asked = next(action for action in open_menu().actions() if action.objectName() == "menu_how_made")
        assert asked.text() == "How were these labels made?" and not asked.isEnabled()
        ticked = {action.objectName() for action in open_menu().actions() if action.isChecked()}
        assert ticked == {"state_some_slices", "made_quick"}
        choose("made_checked")
        click_cell(step, 2, 1)
        assert not {"menu_how_made", "made_quick"} & set(entries()), "nothing is labelled there"
        open_menu().close()
    assert actions.take() == [("set_made", (("Bob", "Liver"),), "checked")]


def test_many_cells_are_said_at_once_and_only_those_that_are_labelled(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click_cell(step, 0, 0, CONTROL)
        click_cell(step, 2, 0, CONTROL)
        click_cell(step, 2, 1, CONTROL)
        right_click_cell(step, 2, 0)
        text = next(action.text() for action in open_menu().actions() if action.objectName() == "made_quick")
        count = len([name for name in entries() if name.startswith("made_")])
        choose("made_quick")
    assert "quick (2 of 3)" in text and count == 2
    assert actions.take() == [("set_made", (("Ann", "Liver"), ("Eve", "Liver")), "quick")]


def test_the_menu_of_a_structure_says_it_of_all_scans(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click(find(step.widget, "structure_0"))
        choose("made_quick")
    assert actions.take() == [("set_made", (("Ann", "Liver"), ("Bob", "Liver"), ("Eve", "Liver")), "quick")]


def test_all_labels_of_a_scan_are_said_at_once(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1200):
        table_of(step).setCurrentCell(0, 0)
        box = find(step.widget, "scan_made")
        assert box.currentText() == "checked and quick" and box.count() == 3
        assert not find(step.widget, "made_everywhere").isEnabled()
        box.setCurrentIndex(1)
        table_of(step).setCurrentCell(2, 0)
        assert box.currentText() == "checked" and box.count() == 2
    assert actions.take() == [("set_made_in", ("Ann",), "quick")]


def test_what_holds_for_a_scan_is_said_of_its_whole_data_set_with_one_click(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1200):
        table_of(step).setCurrentCell(1, 0)
        button = find(step.widget, "made_everywhere")
        assert button.toolTip() == "Says of all labels of all 2 scans from abdomen: they are 'quick'."
        click(find(step.widget, "made_everywhere"))
        table_of(step).setCurrentCell(2, 0)
        settle()
        assert not button.isEnabled() and "'checked' already" in button.toolTip()
    assert actions.take() == [("set_made_in", ("Ann", "Bob"), "quick")]


def test_where_nothing_is_labelled_nothing_is_asked(step: ScansStep) -> None:
    view = two_scans()
    bare = tuple(type(scan)(scan.name) for scan in view.scans)
    with shown(step.widget):
        step.show(two_scans(scans=bare))
        table_of(step).setCurrentCell(0, 0)
        assert not find(step.widget, "scan_made").isVisible()
        assert not find(step.widget, "made_everywhere").isVisible()


@pytest.mark.parametrize("theme", [nullcontext, dark])
@pytest.mark.parametrize("width", [NARROW, 1000])
def test_pictures(theme: Any, width: int, actions: Any, pump: Any) -> None:
    with theme():
        step = ScansStep(actions)
        with shown(step.widget, width, 900) as window:
            step.show(_a_third_quick())
            table_of(step).setCurrentCell(1, 1)
            pump(60)
            assert not window.horizontalScrollBar().isVisible()
            name = f"{width}_{theme.__name__.replace('nullcontext', 'light')}"
            picture(window, f"made_{name}")
            click_cell(step, 1, 3)
            picture(open_menu(), f"made_menu_{name}")
            open_menu().close()


def _a_third_quick() -> Any:
    from dataclasses import replace

    view = cohort(9, 5)
    rows = tuple(
        replace(
            row,
            cells=tuple(replace(cell, made="quick") if cell.made and place % 3 == 1 else cell for cell in row.cells),
        )
        for place, row in enumerate(view.scans)
    )
    return replace(view, scans=rows)
