"""The curves: what is drawn where, in colours that can be told apart and read, at any width."""

from __future__ import annotations

import itertools
import math
import time
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6 import QtGui

from host.pictures import picture
from panel.showing import NARROW, settle, shown
from panel.step_samples import curves, dark
from PartialLabelSegLib.data.types import PALETTE
from PartialLabelSegLib.panel.view_models import CurvesView, CurveView
from PartialLabelSegLib.panel.widgets.chart import Area, label_of, mean_of, thinned, ticks, top_of
from PartialLabelSegLib.panel.widgets.curve_plot import EMPTY, CurvePlot, summary
from PartialLabelSegLib.panel.widgets.shades import repeats

RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.2, 0.9)


def test_like_colors_are_counted_so_that_their_lines_differ() -> None:
    assert repeats([RED, BLUE, RED, RED, BLUE]) == [0, 0, 1, 2, 1]
    assert repeats(PALETTE[:8]) == [0] * 8


@given(st.floats(0, 1e6), st.floats(1e-6, 1e6), st.integers(1, 12))
def test_ticks_are_round_within_the_range_and_not_too_many(low: float, span: float, most: int) -> None:
    found = ticks(low, low + span, most)
    assert len(found) <= most + 1
    slack = 1e-6 * (low + span)
    assert all(low - slack <= value <= low + span + slack for value in found)
    steps = {round((b - a) / (found[1] - found[0]), 3) for a, b in itertools.pairwise(found)}
    assert steps <= {1.0}


def test_ticks_of_usual_ranges() -> None:
    assert ticks(0, 1, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert ticks(0, 3600, 4) == [0, 1000, 2000, 3000]
    assert ticks(1, 1, 4) == []
    assert [label_of(value) for value in (0.25, 40.0, 12_000.0, 0.0)] == ["0.25", "40", "12k", "0"]


def test_an_area_maps_values_to_pixels_and_keeps_them_inside() -> None:
    area = Area(10, 20, 100, 50, x_to=200, y_from=0, y_to=2)
    assert (area.x(0), area.x(200)) == (10, 110)
    assert (area.y(0), area.y(2), area.y(99), area.y(-1)) == (70, 20, 20, 70)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1)), max_size=300), st.integers(2, 50))
def test_thinning_keeps_the_ends(points: Any, most: int) -> None:
    kept = thinned(points, most)
    assert len(kept) <= most + 1
    assert kept[:1] == points[:1] and kept[-1:] == points[-1:]


def test_the_mean_is_taken_over_what_was_measured() -> None:
    first, second = [(100.0, 0.5), (200.0, 0.7)], [(200.0, 0.9), (300.0, math.nan)]
    assert mean_of([first, second]) == [(100.0, 0.5), (200.0, pytest.approx(0.8))]


def test_the_first_losses_do_not_flatten_the_rest() -> None:
    points = [(float(step), 100.0 if step < 3 else 0.5) for step in range(100)]
    assert top_of(points) == pytest.approx(0.525)
    assert top_of([]) > 0 and top_of([(0.0, math.nan)]) > 0


def test_the_plot_is_told_in_a_sentence_too() -> None:
    view = CurvesView(((1.0, 0.5),), (CurveView("Liver", ((1.0, 0.81), (2.0, math.nan))), CurveView("Spleen", ())))
    assert summary(view) == "Dice: Liver 0.81. Loss: 0.500."
    assert summary(CurvesView()) == "Dice: not measured yet. Loss: none yet."


def test_before_it_learns_it_says_so(qt_application: Any) -> None:
    plot = CurvePlot()
    assert plot.fontMetrics().horizontalAdvance(EMPTY) < NARROW - 40
    with shown(plot):
        empty = plot.grab().toImage()
        plot.show_curves(curves(3))
        settle()
        assert plot.grab().toImage() != empty
        assert "Liver 0.9" in plot.accessibleDescription()


def color_counts(plot: CurvePlot, color: Any) -> int:
    """How many pixels of the plot have nearly this colour."""
    image = plot.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(-1, 4)[:, 2::-1].astype(int)
    return int(np.count_nonzero(np.all(np.abs(pixels - 255 * np.array(color)) < 24, axis=1)))


def test_a_curve_is_drawn_in_its_structures_color_and_stands_out_when_asked(qt_application: Any) -> None:
    points = tuple((float(step), 0.2 + 0.6 * step / 20) for step in range(21))
    other = tuple((step, 0.9 * value) for step, value in points)
    view = CurvesView((), (CurveView("Red", points, RED), CurveView("Blue", other, BLUE)), (), 20)
    plot = CurvePlot()
    with shown(plot):
        plot.show_curves(view)
        settle()
        thin, faded = color_counts(plot, RED), color_counts(plot, BLUE)
        assert thin > 100 and faded > 100
        plot.show_curves(view, "Red")
        assert color_counts(plot, RED) > 1.3 * thin
        assert color_counts(plot, BLUE) < 0.2 * faded


def test_values_that_are_no_numbers_and_single_points_do_no_harm(qt_application: Any) -> None:
    strange = (
        CurveView("Point", ((5.0, 0.5),), RED),
        CurveView("Nothing", ()),
        CurveView("No number", ((1.0, math.nan), (2.0, math.inf))),
    )
    plot = CurvePlot()
    with shown(plot):
        plot.show_curves(CurvesView(((0.0, math.nan), (1.0, 1e30)), strange, ((0.0, "round 1"), (5.0, "round 2"))))
        settle()
        assert color_counts(plot, RED) > 20


def test_the_legend_gets_columns_where_there_is_room_and_the_height_follows(qt_application: Any) -> None:
    heights = {}
    for width in (NARROW, 700, 1400):
        plot = CurvePlot()
        with shown(plot, width):
            plot.show_curves(curves(40))
            settle()
            heights[width] = plot.height()
    assert heights[NARROW] > heights[700] > heights[1400]


def test_the_height_follows_when_the_panel_is_made_wider(qt_application: Any, pump: Any) -> None:
    plot = CurvePlot()
    with shown(plot, NARROW) as window:
        plot.show_curves(curves(40))
        pump(30)
        narrow = plot.height()
        window.resize(1000, 800)
        pump(30)
        assert plot.height() < narrow


def test_drawing_forty_long_curves_is_quick(qt_application: Any) -> None:
    plot = CurvePlot()
    view = curves(40, 400)
    with shown(plot, NARROW):
        plot.show_curves(view)
        settle()
        before = time.process_time()
        plot.grab()
        spent = 1000 * (time.process_time() - before)
    assert spent < 150, f"{spent:.0f} ms"


@pytest.mark.parametrize("theme", [nullcontext, dark])
@pytest.mark.parametrize("width", [NARROW, 900])
@pytest.mark.parametrize("organs", [1, 7, 40])
def test_pictures(organs: int, width: int, theme: Any, qt_application: Any, pump: Any) -> None:
    with theme():
        plot = CurvePlot()
        with shown(plot, width, 700) as window:
            plot.show_curves(curves(organs), "Spleen" if organs == 40 and theme is dark else "")
            pump(40)
            picture(window, f"curves_{organs}_{width}_{theme.__name__.replace('nullcontext', 'light')}")
