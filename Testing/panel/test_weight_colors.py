"""The colours of support and doubt: told apart by everybody, also in grey, and clear where nothing is said."""

from __future__ import annotations

import numpy as np
import pytest

from host.slicer_host import SlicerHost
from panel.test_colors_of_confidence import DEUTERANOPIA, PROTANOPIA, TRITANOPIA, seen_by
from PartialLabelSegLib.panel.colors import to_lab
from PartialLabelSegLib.panel.weight_colors import ramp, weights_table


def test_both_ends_are_strong_and_the_middle_is_clear() -> None:
    colors = ramp()
    assert colors.shape == (256, 4) and colors.min() >= 0 and colors.max() <= 1
    assert not colors[120:136, 3].any()
    assert (colors[[0, 30, 225, 255], 3] == 1).all()
    opacity = colors[128:, 3]
    assert (np.diff(opacity) >= 0).all()
    np.testing.assert_allclose(opacity, colors[:128, 3][::-1], atol=1e-12)


def test_doubt_is_orange_and_bright_support_is_blue_and_dark_so_that_it_reads_in_grey() -> None:
    against, support = to_lab(ramp()[[0, 255], :3])
    assert against[0] - support[0] > 28
    assert against[1] > 15 and against[2] > 45 and support[2] < -45


@pytest.mark.parametrize("matrix", [PROTANOPIA, DEUTERANOPIA, TRITANOPIA])
def test_the_colour_blind_tell_doubt_from_support_wherever_it_is_shown(matrix: np.ndarray) -> None:
    colors = ramp()
    shown = np.flatnonzero(colors[:128, 3] > 0.3)
    against = to_lab(seen_by(matrix, colors[shown, :3]))
    support = to_lab(seen_by(matrix, colors[255 - shown, :3]))
    assert np.linalg.norm(against - support, axis=1).min() > 30


def test_the_table_is_made_once_and_its_names_say_what_colours_mean(host: SlicerHost) -> None:
    table = weights_table(host.scene)
    assert weights_table(host.scene) is table and not table.GetSaveWithScene()
    assert table.GetColorName(0) == "speaks against the label" and table.GetColorName(255) == "supports the label"
    color = [0.0] * 4
    table.GetColor(128, color)
    assert color[3] == 0.0
