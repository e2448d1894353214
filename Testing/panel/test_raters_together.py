"""All raters together in the panel: the live label is that of the data room, places, agreement, masks of raters, and how quick it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from host.host_application import HostApplication
from host.window import Window
from panel.rated_scene import GRID, AtKnee, bone
from panel.scene_nodes import add_segmentation
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.consensus import svls
from PartialLabelSegLib.data.raters.steps import SoftSteps, prepare, soft_label
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.raters.rating import Rater
from PartialLabelSegLib.panel.raters.readings import rated_scan
from PartialLabelSegLib.panel.steps import Steps
from PartialLabelSegLib.panel.volumes import image_array

Wait = Callable[..., None]


def with_ticks(knee: AtKnee, **ticks: set[tuple[int, int, int]]) -> None:
    """A grid and raters, each of whom has read slices 4 to 9."""
    knee.click("raters_fit_one_box")
    rating = knee.rating
    for name, cells in ticks.items():
        rating = rating.with_rater(Rater(name, frozenset(cells), frozenset(range(4, 10))))
    knee.controller.room.sitting.put(replace(rating, rater=next(iter(ticks))), "ticks")
    knee.settle()


def overlay(knee: AtKnee) -> np.ndarray:
    node = knee.controller.room.together._overlay.node
    return np.array(image_array(node.GetImageData()))


def test_what_lies_over_the_scan_is_the_data_rooms_label_on_every_slice(knee: AtKnee) -> None:
    with_ticks(knee, anna={(6, 3, 2), (6, 3, 3), (7, 3, 3)}, ben={(6, 3, 3)})
    knee.click("raters_part_together")
    room = knee.controller.room
    assert room.rating is not None
    scan = rated_scan(room.rating, room.image(), room.mask)
    assert scan is not None
    expected = soft_label(prepare(scan), SoftSteps()).plane
    np.testing.assert_array_equal(overlay(knee), np.rint(100 * expected))
    assert expected.max() == 1 and 0 < np.count_nonzero(expected) < expected.size / 20


def test_a_steps_switch_and_number_change_the_shown_slice_at_once(knee: AtKnee) -> None:
    with_ticks(knee, anna={(6, 3, 2), (6, 3, 3)}, ben={(6, 3, 3)})
    knee.click("raters_part_together")
    knee.go_to(6)
    before = overlay(knee)[6]
    knee.opened.find("raters_step_bright").setChecked(False)
    after = overlay(knee)[6]
    assert set(np.unique(after)) == {0, 50, 100} or set(np.unique(after)) == {0, 50}
    assert np.count_nonzero(before != after) == int(np.count_nonzero((before == 100) & (after == 50)))
    knee.settle()
    assert not knee.controller.room.sitting.study.steps.bright
    knee.click("raters_step_bright")
    assert (
        knee.opened.text("raters_changed_bright").replace("\u202f", "") == f"{np.count_nonzero(before != after)} voxels"
    )
    knee.click("raters_show_bright")
    knee.picture("raters_step_outlined")


def test_the_places_of_most_disagreement_are_listed_and_jumped_to(knee: AtKnee) -> None:
    with_ticks(knee, anna={(6, 3, 2), (6, 3, 3), (8, 5, 4)}, ben={(6, 3, 3)})
    knee.click("raters_part_together")
    places = knee.controller.room.together.places
    assert [place.centre[0] for place in places] == [6, 8] or [place.centre[0] for place in places] == [8, 6]
    table = knee.opened.find("raters_places")
    table.setCurrentCell(0, 0)
    knee.settle()
    assert knee.controller.stage.index == places[0].centre[0]
    assert knee.window.widget is not None
    green = knee.controller.stage._views["Green"].node
    assert abs(green.GetSliceOffset() - knee.ras(0, (float(places[0].centre[1]), 0.0))[1]) < 0.6
    knee.picture("raters_places")


def test_disagreement_is_shown_where_half_of_the_raters_ticked(knee: AtKnee) -> None:
    with_ticks(knee, anna={(6, 3, 2), (6, 3, 3)}, ben={(6, 3, 3)})
    knee.click("raters_part_together")
    knee.controller.soft.choose(shown="disagreement")
    knee.settle()
    placement = knee.controller.room.placement(6)
    assert placement is not None
    cells = placement.cells(GRID.shape[1:])
    alone = (cells == 3 * 8 + 2) & bone()[6]
    np.testing.assert_array_equal(overlay(knee)[6] == 100, alone)
    knee.picture("raters_disagreement")


@pytest.mark.parametrize("method", ["share", "majority", "staple", "svls"])
def test_other_ways_to_one_label_are_shown_too(knee: AtKnee, method: str) -> None:
    with_ticks(knee, anna={(6, 3, 2), (6, 3, 3)}, ben={(6, 3, 3)}, cleo={(6, 3, 3), (7, 3, 3)})
    knee.click("raters_part_together")
    knee.controller.soft.choose(method=method)
    knee.settle()
    shown = overlay(knee)
    placement = knee.controller.room.placement(6)
    assert placement is not None
    middle = np.round(placement.polygon(3, 3).mean(axis=0)).astype(int)
    assert shown[6, middle[0], middle[1]] > 60 and not shown[:3].any()
    if method == "staple":
        assert "anna: sensitivity 0." in knee.opened.text("raters_message") or "1.00" in knee.opened.text(
            "raters_message"
        )
        knee.picture("raters_staple")


def test_the_reach_of_the_smoothing_is_chosen_and_shown_at_once(knee: AtKnee) -> None:
    with_ticks(knee, anna={(6, 3, 2), (6, 3, 3)}, ben={(6, 3, 3)})
    knee.click("raters_part_together")
    assert not knee.opened.is_seen("raters_sigma")
    knee.controller.soft.choose(method="svls")
    knee.go_to(6)
    assert knee.opened.find("raters_sigma").value() == 10
    knee.opened.find("raters_sigma").setValue(25)
    room = knee.controller.room
    assert room.rating is not None
    scan = rated_scan(room.rating, room.image(), room.mask)
    assert scan is not None
    expected = np.rint(100 * svls(scan, 2.5).plane)
    np.testing.assert_array_equal(overlay(knee)[6], expected[6])
    knee.settle()
    np.testing.assert_array_equal(overlay(knee), expected)
    assert (expected[6] != np.rint(100 * svls(scan, 1.0).plane)[6]).any()
    knee.picture("raters_sigma")


def test_segments_of_raters_count_as_their_masks(knee: AtKnee) -> None:
    mask = np.zeros(GRID.shape, bool)
    mask[5:8, 40:55, 35:50] = True
    shifted = np.roll(mask, 4, axis=1)
    add_segmentation(knee.scan, GRID, {"dora": mask, "emil": shifted}, "raters")
    knee.desk.tell_now()
    knee.click("raters_part_together")
    for name in ("dora", "emil"):
        box = knee.opened.find("raters_mask")
        place = next(number for number in range(box.count()) if box.itemText(number).startswith(name))
        box.setCurrentIndex(place)
        knee.click("raters_mask_add")
    assert [rater.mask.name for rater in knee.rating.raters] == ["dora", "emil"]
    assert not any(node.GetDisplayVisibility() for node in nodes_of_class(knee.desk.scene, "vtkMRMLSegmentationNode"))
    knee.controller.soft.choose(method="share")
    knee.settle()
    np.testing.assert_array_equal(overlay(knee), 50 * mask.astype(np.uint8) + 50 * shifted.astype(np.uint8))
    knee.controller.together.compared()
    knee.settle()
    result = knee.controller.together.comparing.result
    assert result is not None
    (pair,) = result.pairs
    assert pair.dice.mean == pytest.approx(2 * np.count_nonzero(mask & shifted) / (mask.sum() + shifted.sum()))
    knee.window.resize(1400, 1250)
    knee.picture("raters_masks")


def longest_step(steps: Steps[None]) -> float:
    """In seconds of the processor: others may keep it busy, too."""
    taken: list[float] = []
    while True:
        began = time.process_time()
        try:
            next(steps)
        except StopIteration:
            return max(taken)
        taken.append(time.process_time() - began)


LARGE = Grid((448, 448, 40), (0.4, 0.4, 4.0), (-90.0, -90.0, -80.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def test_a_steps_number_is_previewed_on_a_large_slice_within_a_moment(
    application: HostApplication, window: Window, wait_until: Wait
) -> None:
    knee = AtKnee(application, window, wait_until, LARGE)
    rng = np.random.default_rng(0)
    cells = [
        (int(index), int(row), int(column)) for index in range(15, 25) for row, column in rng.integers(0, 8, (8, 2))
    ]
    raters = {f"rater{number}": set(cells[number::2]) for number in range(7)}
    knee.click("raters_fit_one_box")
    rating = knee.rating
    for name, ticks in raters.items():
        rating = rating.with_rater(Rater(name, frozenset(ticks), None))
    knee.controller.room.sitting.put(replace(rating, rater="rater0"), "ticks")
    knee.click("raters_part_together")
    knee.go_to(20)
    taken = []
    for percentile in range(70, 95, 5):
        knee.controller.soft.set_number("bright_percentile", percentile)
        taken.append(knee.controller.room.together.seconds)
    assert min(taken) < 0.05
    knee.picture("raters_large")
    together = knee.controller.room.together
    for method in ("staple", "svls"):
        together.choose(replace(together.choice, method=method))
        assert longest_step(together._others()) < 0.04, "the window waits for no longer"
    knee.click("raters_part_read")
    taken = []
    for column in range(8):
        began = time.process_time()
        knee.controller.board.tick(20, ((0, column),), True, False)
        taken.append(time.process_time() - began)
    assert min(taken) < 0.03, "a tick is saved in the scene and on the disk, whose own time is not ours"
    knee.close()
