"""The figure of a case: both pictures on one scale, names that do not cover one another."""

from __future__ import annotations

import re

import numpy as np
import pytest

from PartialLabelSegLib.report.figure import Look, case_figure
from PartialLabelSegLib.report.slices import Picture, View

VIEW = View(0, 4, False, (False, False), "axial", ("R", "L", "A", "P"), (2.0, 1.0))


def picture(rows: int, columns: int, confidence: float = np.nan) -> Picture:
    mask = np.zeros((rows, columns), bool)
    mask[1:3, 1:3] = True
    shares = np.where(mask, confidence, np.nan).astype(np.float32)
    return Picture(
        "scan",
        VIEW,
        9,
        np.arange(rows * columns, dtype=np.float32).reshape(rows, columns),
        {"A": mask},
        {"B": mask},
        shares,
    )


LOOK = Look({"A": (1.0, 0.0, 0.0), "B": (0.0, 1.0, 0.0)}, (0.0, 100.0), 0.5)


def test_a_pixel_keeps_its_shape_in_the_patient() -> None:
    # 40 columns of 1 mm and 10 rows of 2 mm: twice as wide as high.
    figure = case_figure(picture(10, 40, 0.8), LOOK, 0, "")
    assert figure.count('viewBox="0 0 430 215"') == 2
    assert 'width="430.00" height="215.00"' in figure


@pytest.mark.parametrize("shape", [(8, 1000), (700, 500), (5, 5)])
def test_a_large_slice_is_shrunk_and_still_covers_its_place(shape: tuple[int, int]) -> None:
    figure = case_figure(picture(*shape, 0.8), LOOK, 0, "")
    widths = [float(value) for value in re.findall(r'<image[^>]* width="([\d.]+)"', figure)]
    assert len(widths) == 2 and widths[0] == widths[1] and 425 <= widths[0] <= 430.01
    assert len(figure) < 300_000


def test_names_do_not_cover_one_another() -> None:
    figure = case_figure(picture(40, 40, 0.8), LOOK, 0, "")
    assert figure.count('class="on"') == 1


def test_without_a_prediction_the_right_side_says_so() -> None:
    figure = case_figure(picture(10, 10), LOOK, 3, "")
    assert "no prediction" in figure and figure.count("<image") == 1 and 'href="#scan3"' in figure


def test_the_scale_starts_below_all_but_a_few_and_never_at_its_end() -> None:
    assert Look.of([picture(9, 9, 0.76), picture(9, 9, 0.95)], {}, None).least == pytest.approx(0.7)
    assert Look.of([picture(9, 9, 1.0)], {}, None).least == 0.9
    assert Look.of([picture(9, 9)], {}, None).least == 0.0 == Look.of([], {}, None).least


def test_without_a_window_each_slice_takes_its_own() -> None:
    figure = case_figure(picture(10, 10, 0.8), Look(LOOK.colors, None, 0.0), 0, "")
    assert figure.count("<image") == 2 and ">0</text>" in figure
