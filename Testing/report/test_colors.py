"""Colours: readable on both backgrounds, and told apart where they are alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.types import PALETTE
from PartialLabelSegLib.report.colors import DARK, LIGHT, Color, contrast, dashes, hexadecimal, readable, style_sheet

COLORS = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast((0.5, 0.2, 0.1), (0.5, 0.2, 0.1)) == 1
    assert contrast((1, 0, 0), (1, 1, 1)) == pytest.approx(4.0, abs=0.01)


@given(COLORS, st.sampled_from([LIGHT, DARK]))
def test_a_line_can_be_seen_on_either_background(color: Color, background: Color) -> None:
    result = readable(color, background)
    assert contrast(result, background) >= 3 and all(0 <= part <= 1 for part in result)


@pytest.mark.parametrize("color", PALETTE)
def test_a_colour_that_can_be_seen_stays_as_it_is(color: Color) -> None:
    for background in (LIGHT, DARK):
        if contrast(color, background) >= 3.2:
            assert readable(color, background) == color


def test_like_colours_get_unlike_dashes() -> None:
    red, blue = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)
    assert dashes([red, blue, red, (0.88, 0.12, 0.1)]) == ["", "", "7 3", "2 3"]


def test_colours_are_written_for_a_page() -> None:
    assert hexadecimal((1.0, 0.5, 0.0)) == "#ff8000"


def test_the_style_sheet_has_a_colour_for_each_structure_and_round_and_refers_to_nothing() -> None:
    style = style_sheet([{"color": [0.9, 0.6, 0.0]}, {"color": [0.9, 0.9, 0.2]}], 3)
    for name in ("--s0:", "--s1:", "--c1:#e6e633", "--r2:", "prefers-color-scheme:dark", "@media print"):
        assert name in style
    assert "url(" not in style and "@import" not in style and "--s2" not in style
