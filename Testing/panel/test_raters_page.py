"""The raters' page in a window: corners that are dragged, keys, one rater blind to the other, undo, and a way back that leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6 import QtCore, QtTest

from data.small_scans import turned
from host.appearance import dark
from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from panel.rated_scene import GRID, AtKnee, bone
from panel.scene_nodes import add_segmentation, oriented
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel.raters.rating import Rater

Wait = Callable[..., None]
Key = QtCore.Qt.Key


def test_a_corner_that_is_dragged_makes_its_slice_a_key_and_others_go_over_evenly(knee: AtKnee) -> None:
    knee.click("raters_fit_one_box")
    (first,) = knee.rating.template.keys
    start = knee.rating.template.corners(3)
    knee.go_to(3)
    knee.drag(tuple(start[0]), (start[0][0] + 8, start[0][1] + 12))
    template = knee.rating.template
    assert set(template.keys) == {3, first}
    np.testing.assert_allclose(template.corners(3)[0], start[0] + [8, 12], atol=0.7)
    np.testing.assert_array_equal(template.corners(3)[1:], start[1:])
    share = (5 - 3) / (first - 3)
    expected = (1 - share) * template.corners(3)[0] + share * template.corners(first)[0]
    np.testing.assert_allclose(template.corners(5)[0], expected)
    assert "2 key slices: 4, " in knee.opened.text("raters_keys")
    knee.picture("raters_dragged")


def test_dragging_inside_moves_the_whole_grid_and_undo_brings_it_back(knee: AtKnee) -> None:
    knee.click("raters_fit_one_box")
    before = knee.rating.template
    knee.go_to(6)
    middle = before.corners(6).mean(axis=0)
    knee.drag(tuple(middle), (middle[0] + 5, middle[1] - 9))
    np.testing.assert_allclose(knee.rating.template.corners(6) - before.corners(6), [[5, -9]] * 4, atol=0.7)
    knee.click("raters_undo")
    assert knee.rating.template == before
    knee.click("raters_redo")
    assert set(knee.rating.template.keys) == {6, *before.keys}


def test_a_click_beside_the_grid_is_left_to_the_view(knee: AtKnee) -> None:
    knee.read()
    heard: list[str] = []
    interactor = knee.window.labels["Red"].view.interactor
    tag = interactor.AddObserver("LeftButtonPressEvent", lambda *_: heard.append("press"))
    knee.press_cell(0, 0)
    assert heard == [] and len(knee.rating.current.ticks) == 1
    place = knee.pixel((2.0, 2.0))
    QtTest.QTest.mouseClick(knee.window.labels["Red"], QtCore.Qt.MouseButton.LeftButton, pos=place)
    knee.settle()
    assert heard == ["press"] and len(knee.rating.current.ticks) == 1
    interactor.RemoveObserver(tag)


def test_one_stroke_ticks_every_cell_on_its_way_and_is_undone_as_one(knee: AtKnee) -> None:
    knee.read()
    knee.drag(knee.middle_of(2, 1), knee.middle_of(2, 5))
    assert knee.rating.current.ticks == {(6, 2, column) for column in range(1, 6)}
    knee.drag(knee.middle_of(2, 3), knee.middle_of(2, 5), 2)
    assert knee.rating.current.ticks == {(6, 2, 1), (6, 2, 2)}
    knee.key(Key.Key_Z)
    assert len(knee.rating.current.ticks) == 5
    knee.key(Key.Key_Z)
    assert not knee.rating.current.ticks and not knee.rating.current.has_read(6)
    knee.key(Key.Key_Y)
    assert len(knee.rating.current.ticks) == 5


def test_the_keys_move_tick_turn_and_mark_as_read(knee: AtKnee) -> None:
    knee.read()
    for key in (Key.Key_Down, Key.Key_Down, Key.Key_Right, Key.Key_Up, Key.Key_Space):
        knee.key(key)
    assert knee.rating.current.ticks == {(6, 5, 5)}, "it began in the middle of 8 x 8 cells"
    knee.key(Key.Key_PageDown)
    assert knee.controller.stage.index == 7
    assert not knee.rating.current.has_read(7)
    knee.key(Key.Key_D)
    assert knee.rating.current.has_read(7) and not knee.rating.current.cells_on(7)
    knee.key(Key.Key_U)
    assert knee.controller.stage.index == 8
    knee.key(Key.Key_PageUp)
    knee.key(Key.Key_PageUp)
    assert knee.controller.stage.index == 6
    knee.key(Key.Key_D)
    assert knee.rating.current.has_read(6), "a slice with ticks stays read"
    knee.opened.find("raters_name").setFocus()
    QtTest.QTest.keyClicks(knee.opened.find("raters_name"), "dz")
    assert knee.opened.find("raters_name").text() == "dz" and len(knee.rating.current.ticks) == 1


def test_a_slice_is_read_or_not_for_each_rater(knee: AtKnee) -> None:
    knee.read()
    knee.click("raters_read")
    knee.add_rater("Ben")
    assert not knee.opened.find("raters_read").isChecked()
    knee.go_to(7)
    knee.click("raters_read")
    assert knee.rating.rater_named("Anna").read == {6} and knee.rating.rater_named("Ben").read == {7}
    knee.click("raters_all_read")
    assert knee.rating.rater_named("Ben").read == set(range(14))
    assert not knee.opened.find("raters_next_unread").isEnabled()


def test_a_rater_sees_the_others_only_when_that_is_switched_on(knee: AtKnee) -> None:
    knee.read()
    knee.press_cell(4, 4)
    anna = knee.controller._picture(6)
    knee.add_rater("Ben")
    blind = knee.controller._picture(6)
    assert len(anna.marked[0].quads) == 1 and not blind.marked
    assert knee.opened.find("raters_undo").isEnabled() is False, "Ben cannot take Anna's ticks back"
    knee.click("raters_others")
    seen = knee.controller._picture(6)
    assert [len(item.quads) for item in seen.marked] == [1] and not seen.marked[0].fill
    assert seen.marked[0].color == anna.marked[0].color
    knee.picture("raters_others")


def test_what_other_raters_have_drawn_is_hidden_while_somebody_reads(knee: AtKnee) -> None:
    assert knee.drawn.GetDisplayVisibility() == 0
    knee.click("raters_back")
    assert knee.drawn.GetDisplayVisibility() == 1


def test_the_page_comes_back_after_another_module_was_used(knee: AtKnee) -> None:
    knee.read()
    knee.opened.panel.exit()
    assert knee.drawn.GetDisplayVisibility() == 1
    knee.opened.panel.enter()
    knee.settle()
    assert knee.opened.is_seen("raters_page")
    knee.press_cell(1, 1)
    assert knee.rating.current.ticks == {(6, 1, 1)}


def test_a_bone_that_is_drawn_on_meanwhile_is_read_again(knee: AtKnee) -> None:
    knee.click("raters_fit_one_box")
    follow = knee.opened.find("raters_follow")
    follow.setCurrentIndex(1)
    knee.settle()
    knee.go_to(6)
    before = knee.controller.room.placement(6)
    assert before is not None and not np.all(before.widths == before.widths[0])
    smaller = bone() & (np.indices(GRID.shape)[1] > 50)
    segment = knee.drawn.GetSegmentation().GetSegment("id0")
    segment.AddRepresentation("Binary labelmap", oriented(smaller.astype(np.uint8), GRID))
    knee.opened.panel.exit()
    knee.opened.panel.enter()
    knee.settle()
    after = knee.controller.room.placement(6)
    assert after is not None and after.height[0] > before.height[0] + 0.2
    knee.picture("raters_outline")


def test_another_bone_of_the_scan_has_a_grid_and_ticks_of_its_own(knee: AtKnee) -> None:
    knee.read()
    knee.press_cell(3, 3)
    add_segmentation(knee.scan, GRID, {"Tibia": np.roll(bone(), 10, axis=2)}, "more")
    knee.desk.tell_now()
    box = knee.opened.find("raters_bone")
    box.setCurrentIndex(next(n for n in range(box.count()) if box.itemText(n).startswith("Tibia")))
    knee.settle()
    assert knee.rating.structure == "Tibia lesion" and knee.rating.template is None
    assert [rater.name for rater in knee.rating.raters] == ["Anna"] and not knee.rating.has_ticks
    box.setCurrentIndex(next(n for n in range(box.count()) if box.itemText(n).startswith("Femur")))
    knee.settle()
    assert knee.rating.rater_named("Anna").ticks == {(6, 3, 3)}


def test_rows_and_columns_stay_once_cells_are_ticked(knee: AtKnee) -> None:
    knee.click("raters_fit_one_box")
    knee.opened.find("raters_rows").setValue(5)
    knee.settle()
    assert (knee.rating.template.rows, knee.rating.template.columns) == (5, 8)
    knee.click("raters_part_read")
    knee.add_rater("Anna")
    knee.press_cell(2, 2)
    knee.click("raters_part_place")
    assert not knee.opened.find("raters_rows").isEnabled()
    assert "ticked already" in knee.opened.find("raters_rows").toolTip()


def test_an_oblique_scan_turns_a_view_and_gives_it_back(
    application: HostApplication, window: Window, wait_until: Wait
) -> None:
    grid = Grid(GRID.size, GRID.spacing, GRID.origin, turned(14, -9))
    node = window.labels["Red"].view.logic.GetSliceNode()
    knee = AtKnee(application, window, wait_until, grid)
    matrix = [node.GetSliceToRAS().GetElement(row, column) for row in range(3) for column in range(3)]
    assert abs(matrix[8]) < 0.995
    knee.read()
    knee.press_cell(4, 5)
    assert knee.rating.current.ticks == {(6, 4, 5)}
    knee.picture("raters_oblique")
    knee.click("raters_back")
    back = [node.GetSliceToRAS().GetElement(row, column) for row in range(3) for column in range(3)]
    np.testing.assert_allclose(np.abs(back), np.eye(3).ravel(), atol=1e-9)
    knee.close()


def test_without_a_scan_the_page_says_what_to_do(
    application: HostApplication, window: Window, wait_until: Wait
) -> None:
    opened = PanelWindow(application, window, wait_until)
    opened.click("raters_open")
    assert "Load a scan first" in opened.text("raters_hint") and not opened.is_seen("raters_part_read")
    opened.close()


def test_a_scan_that_is_removed_closes_its_grid(knee: AtKnee) -> None:
    knee.read()
    knee.desk.scene.RemoveNode(knee.scan)
    knee.settle()
    assert "scan" in knee.opened.text("raters_hint")
    assert knee.controller.stage.index is None
    assert len(knee.controller.room.sitting.study.ratings) == 1, "the ticks are kept"


@pytest.mark.parametrize("part", ["place", "read", "together"])
def test_the_page_fits_a_narrow_dark_panel(knee: AtKnee, part: str, qt_application: Any) -> None:
    knee.read()
    rating = knee.rating.with_rater(Rater("Dr. Annemarie Hohenlohe-Langenburg", frozenset({(6, 3, 3)}), frozenset({6})))
    knee.controller.room.sitting.put(rating, "ticks")
    knee.click(f"raters_part_{part}")
    knee.window.resize(1200, 1000, 350)
    with dark(qt_application):
        knee.settle()
        assert knee.opened.panel.widget.minimumSizeHint().width() <= 330, "a scroll bar may stand beside it"
        knee.picture(f"raters_dark_{part}")


def test_another_step_closes_the_page_and_a_focused_list_keeps_its_arrows(knee: AtKnee) -> None:
    knee.read()
    knee.add_rater("Ben")
    box = knee.opened.find("raters_rater")
    box.setFocus()
    before = knee.controller.room.cell
    knee.key(Key.Key_Up)
    assert knee.rating.rater == "Anna" and knee.controller.room.cell == before
    box.clearFocus()
    knee.key(Key.Key_Up)
    assert knee.controller.room.cell != before
    knee.desk.change(step="finish")
    knee.settle()
    assert knee.opened.is_seen("finish_step") and not knee.controller.is_open
    knee.desk.change(step="scans")
    knee.settle()
    assert knee.opened.is_seen("scans_step")


def test_who_may_not_tick_is_told_why(knee: AtKnee) -> None:
    knee.click("raters_fit_one_box")
    knee.click("raters_part_read")
    knee.go_to(6)
    knee.press_cell(3, 3)
    assert "add a name" in knee.desk.message.text and not knee.rating.raters
    assert knee.opened.text("raters_why_not").startswith("Say who reads")
    knee.picture("raters_nobody")
    knee.add_rater("Anna")
    assert not knee.opened.is_seen("message_area")


def test_a_rater_is_removed_and_brought_back(knee: AtKnee) -> None:
    knee.read()
    knee.press_cell(3, 3)
    knee.click("raters_remove")
    assert knee.rating.raters == ()
    knee.click("raters_undo")
    assert knee.rating.rater_named("Anna").ticks == {(6, 3, 3)}


def test_a_click_on_the_strip_goes_to_that_slice(knee: AtKnee) -> None:
    strip = knee.opened.find("raters_strip")
    place = QtCore.QPoint(round(strip.width() * 9.5 / 14), strip.height() // 2)
    QtTest.QTest.mouseClick(strip, QtCore.Qt.MouseButton.LeftButton, pos=place)
    knee.settle()
    assert knee.controller.stage.index == 9 and knee.opened.text("raters_place") == "slice 10 of 14"
