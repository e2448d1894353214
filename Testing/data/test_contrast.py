"""Colours become readable on whatever lies behind them, and stay as they are where they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.contrast import ENOUGH, Color, contrast, hexadecimal, luminance, mixed, readable
from PartialLabelSegLib.data.types import PALETTE

COLORS = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
LIGHT, DARK = (1.0, 1.0, 1.0), (0.08, 0.09, 0.11)


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast((0.5, 0.2, 0.1), (0.5, 0.2, 0.1)) == 1
    assert contrast((1, 0, 0), (1, 1, 1)) == pytest.approx(4.0, abs=0.01)
    assert luminance((1, 1, 1)) == pytest.approx(1) and luminance((0, 1, 0)) == pytest.approx(0.7152)


@given(COLORS, COLORS)
def test_a_line_can_be_seen_on_any_background(color: Color, background: Color) -> None:
    result = readable(color, background)
    assert contrast(result, background) >= ENOUGH and all(0 <= part <= 1 for part in result)


@pytest.mark.parametrize("color", PALETTE)
def test_a_colour_that_can_be_seen_stays_as_it_is(color: Color) -> None:
    for background in (LIGHT, DARK):
        if contrast(color, background) >= ENOUGH:
            assert readable(color, background) == color


def test_a_mixture_lies_between() -> None:
    assert mixed((0.0, 0.2, 1.0), (1.0, 0.2, 0.0), 0.25) == pytest.approx((0.25, 0.2, 0.75))


def test_colours_are_written_for_a_page() -> None:
    assert hexadecimal((1.0, 0.5, 0.0)) == "#ff8000"
