"""The step Scans: adding, correcting, renaming and merging, and every problem in a sentence."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from PySide6 import QtTest

from host.pictures import picture
from panel.decide_samples import Recorder, find
from panel.scan_clicks import (
    choose,
    click_cell,
    step_of_two_scans,
    table_of,
)
from panel.showing import NARROW, click, press, settle, shown
from panel.step_samples import MERGE, OTHER_GRID, UNUSABLE, cohort, dark, narrowest, two_scans
from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.view_models import DiskView, ProblemView, ScansView
from PartialLabelSegLib.panel.widgets.scans_step import ScansStep


@pytest.fixture
def step(actions: Any) -> ScansStep:
    return step_of_two_scans(actions)


def test_showing_a_view_asks_for_nothing(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        for view in (cohort(20, 9), two_scans(merges=(MERGE,)), ScansView(), two_scans()):
            step.show(view)
            settle()
    assert actions.take() == []


def test_the_menu_of_a_cell_renames_shows_and_removes(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click_cell(step, 1, 0)
        choose("menu_show")
        click_cell(step, 1, 0)
        choose("menu_remove")
        click_cell(step, 1, 0)
        choose("menu_rename")
        assert find(step.widget, "rename_question").text() == "'Leber' in Bob counts as"
        assert find(step.widget, "rename_box").currentText() == "Liver"
        QtTest.QTest.keyClicks(find(step.widget, "rename_edit"), "Spleen")
        press(find(step.widget, "rename_edit"), "Return")
        assert not find(step.widget, "rename_box").isVisible()
    assert actions.take() == [("show_scan", "Bob"), ("remove", ("Bob",)), ("rename", "Bob", "Leber", "Spleen")]


def test_a_structure_is_merged_into_another_by_its_name(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click(find(step.widget, "structure_1"))
        choose("menu_merge")
        box = find(step.widget, "rename_box")
        box.setCurrentIndex(box.findText("Liver"))
        click(find(step.widget, "rename_apply"))
    assert actions.take() == [("merge", ("Spleen",), "Liver")]


def test_leaving_a_structure_out_is_a_choice_of_the_line_too_and_cancel_changes_nothing(
    step: ScansStep, actions: Recorder
) -> None:
    with shown(step.widget):
        click(find(step.widget, "structure_0"))
        choose("menu_merge")
        click(find(step.widget, "rename_cancel"))
        assert not find(step.widget, "rename_apply").isVisible()
        click(find(step.widget, "structure_0"))
        choose("menu_merge")
        box = find(step.widget, "rename_box")
        box.setCurrentIndex(box.count() - 1)
        click(find(step.widget, "rename_apply"))
    assert actions.take() == [("merge", ("Liver",), "")]


def test_structures_that_are_probably_one_are_merged_with_a_click(step: ScansStep, actions: Recorder) -> None:
    step.show(two_scans(merges=(MERGE, MERGE)))
    with shown(step.widget):
        text = find(step.widget, "merge_text").text()
        assert (
            text.startswith("'Leber' may be the same as 'Liver': both carry the code of the liver.")
            and "1 more" in text
        )
        click(find(step.widget, "merge_apply"))
    assert actions.take() == [("merge", ("Leber", "Liver"), "Liver")]


@pytest.mark.parametrize("name", ["add_from_scene", "add_folder", "add_manifest", "add_sample"])
def test_scans_are_added_in_four_ways(name: str, step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget):
        click(find(step.widget, name))
    assert actions.take() == [(name,)]


def test_without_scans_it_says_what_to_do(step: ScansStep) -> None:
    step.show(ScansView())
    with shown(step.widget):
        assert "Add scans" in find(step.widget, "scans_summary").text()
        assert not table_of(step).isVisible()
        assert find(step.widget, "add_sample").isVisible()


def test_what_belongs_to_the_current_scan_is_shown_and_can_be_corrected(step: ScansStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1200):
        table_of(step).setCurrentCell(1, 0)
        assert find(step.widget, "scan_title").text() == "Bob"
        readout = find(step.widget, "cell_readout").text()
        assert readout.startswith("Liver: some slices.") and words.STATES["some slices"].meaning in readout
        assert find(step.widget, "pair_volume").currentText() == "CT Bob"
        assert find(step.widget, "pair_segmentation").currentText() == "Drawn Bob"
        assert find(step.widget, "segment").currentText() == "Leber → Liver"
        find(step.widget, "pair_volume").setCurrentIndex(3)
        find(step.widget, "pair_segmentation").setCurrentIndex(0)
        click(find(step.widget, "scan_show"))
        click(find(step.widget, "scan_remove"))
        click(find(step.widget, "segment_rename"))
        click(find(step.widget, "rename_apply"))
    assert actions.take() == [
        ("pick_pair", "Bob", "v3", "s2"),
        ("pick_pair", "Bob", "v2", ""),
        ("show_scan", "Bob"),
        ("remove", ("Bob",)),
        ("rename", "Bob", "Leber", "Liver"),
    ]


def test_a_scan_on_disk_has_no_pair_to_pick(step: ScansStep) -> None:
    on_disk = replace(two_scans().scans[0], volume="", segmentation="", origin="from the folder abdomen")
    step.show(replace(two_scans(), scans=(on_disk,)))
    with shown(step.widget, NARROW, 1200):
        table_of(step).setCurrentCell(0, 0)
        assert find(step.widget, "scan_title").text() == "Ann (from the folder abdomen)"
        assert not find(step.widget, "pair_volume").isVisible()


def test_a_scan_on_disk_can_be_kept_once_it_is_shown(step: ScansStep, actions: Recorder) -> None:
    on_disk = replace(two_scans().scans[0], volume="", segmentation="", origin="from the folder abdomen")
    view = replace(two_scans(), scans=(on_disk, two_scans().scans[1]))
    with shown(step.widget, NARROW, 1200) as window:
        step.show(view)
        table_of(step).setCurrentCell(0, 0)
        keep = find(step.widget, "scan_keep")
        assert not keep.isVisible() and "not changed" in find(step.widget, "scan_show").toolTip()
        step.show(replace(view, disk=DiskView(reading="Ann")))
        assert not keep.isVisible() and not find(step.widget, "scan_show").isEnabled()
        step.show(replace(view, disk=DiskView(shown="Ann")))
        assert keep.isVisible() and find(step.widget, "scan_show").isEnabled()
        assert keep.width() >= keep.sizeHint().width(), "all of it can be read in a narrow panel"
        picture(window, "scans_keep")
        click(keep)
        step.show(replace(view, disk=DiskView(shown="Ann", kept=("Ann",))))
        click(keep)
        table_of(step).setCurrentCell(1, 0)
        assert not keep.isVisible() and "not changed" not in find(step.widget, "scan_show").toolTip()
    assert actions.take() == [("keep_scan", "Ann", True), ("keep_scan", "Ann", False)]


def test_problems_stand_beside_the_scan_in_a_sentence(step: ScansStep) -> None:
    with shown(step.widget, 900):
        table = table_of(step)
        assert table.item(1, 2).text() == OTHER_GRID.sentence and table.item(0, 2).text() == ""
        assert not table.verticalHeaderItem(1).icon().isNull() and table.verticalHeaderItem(0).icon().isNull()
        assert OTHER_GRID.sentence in table.verticalHeaderItem(1).toolTip()
        table.setCurrentCell(1, 0)
        assert OTHER_GRID.sentence in find(step.widget, "scan_problems").text()


def test_names_of_other_scans_with_problems_lead_to_them(step: ScansStep, actions: Recorder) -> None:
    step.show(cohort(20, 3))
    with shown(step.widget, NARROW, 1200):
        table_of(step).setCurrentCell(0, 1)
        find(step.widget, "scan_filter").setText("scan_000")
        links = find(step.widget, "set_problems")
        assert "3 scans to look at" in links.text()
        links.linkActivated.emit("scan_005")
        assert table_of(step).currentRow() == 5
        assert find(step.widget, "scan_filter").text() == "" and not table_of(step).isRowHidden(5)
        problems = find(step.widget, "scan_problems").text()
        assert UNUSABLE.sentence in problems and "left out" in problems
    assert actions.take() == []


def test_problems_of_the_whole_set_are_shown_even_without_scans(step: ScansStep) -> None:
    step.show(ScansView(problems=(ProblemView("The list <cases.csv> names no scan.", "error"),)))
    with shown(step.widget):
        assert "The list &lt;cases.csv&gt; names no scan." in find(step.widget, "set_problems").text()


def test_a_long_list_can_be_searched(step: ScansStep) -> None:
    step.show(cohort(30, 3))
    with shown(step.widget):
        table = table_of(step)

        def left() -> list[int]:
            return [row for row in range(30) if not table.isRowHidden(row)]

        assert left() == list(range(30))
        QtTest.QTest.keyClicks(find(step.widget, "scan_filter"), "N_02")
        assert left() == list(range(20, 30))
        click(find(step.widget, "only_problems"))
        assert left() == [21]
        step.show(cohort(30, 3))
        assert left() == [21], "a filter stays while the table is drawn again"
        find(step.widget, "scan_filter").clear()
        assert left() == [3, 5, 12, 21]


def test_a_short_list_needs_no_search(step: ScansStep) -> None:
    with shown(step.widget):
        assert not find(step.widget, "scan_filter").isVisible()


@pytest.mark.parametrize(
    ("scans", "organs", "long_names"), [(0, 0, False), (2, 1, False), (9, 7, True), (100, 40, True)]
)
def test_the_step_fits_a_narrow_panel(scans: int, organs: int, long_names: bool, step: ScansStep) -> None:
    step.show(cohort(scans, organs, long_names, merges=(MERGE,)))
    with shown(step.widget) as window:
        table_of(step).setCurrentCell(3, 1)
        settle()
        assert narrowest(step.widget) <= NARROW - 20
        assert not window.horizontalScrollBar().isVisible()


@pytest.mark.parametrize("theme", [nullcontext, dark])
@pytest.mark.parametrize("width", [NARROW, 1000])
@pytest.mark.parametrize(
    ("scans", "organs", "long_names"), [(0, 0, False), (9, 5, False), (12, 8, True), (100, 40, True)]
)
def test_pictures(theme: Any, width: int, scans: int, organs: int, long_names: bool, actions: Any, pump: Any) -> None:
    with theme():
        step = ScansStep(actions)
        with shown(step.widget, width, 900) as window:
            step.show(cohort(scans, organs, long_names, merges=(MERGE,) if scans == 12 else ()))
            table_of(step).setCurrentCell(3, 1)
            pump(60)
            assert not window.horizontalScrollBar().isVisible()
            picture(window, f"scans_{scans}x{organs}_{width}_{theme.__name__.replace('nullcontext', 'light')}")
