"""The page's colours, told apart where they are alike."""

from __future__ import annotations

from PartialLabelSegLib.report.colors import dashes, style_sheet


def test_like_colours_get_unlike_dashes() -> None:
    red, blue = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)
    assert dashes([red, blue, red, (0.88, 0.12, 0.1)]) == ["", "", "7 3", "2 3"]


def test_the_style_sheet_has_a_colour_for_each_structure_and_round_and_refers_to_nothing() -> None:
    style = style_sheet([{"color": [0.9, 0.6, 0.0]}, {"color": [0.9, 0.9, 0.2]}], 3)
    for name in ("--s0:", "--s1:", "--c1:#e6e633", "--r2:", "prefers-color-scheme:dark", "@media print"):
        assert name in style
    assert "url(" not in style and "@import" not in style and "--s2" not in style
