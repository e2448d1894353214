"""The colours of confidence: even to the eye, also in grey and for the colour-blind."""

from __future__ import annotations

import numpy as np
import pytest

from host.slicer_host import SlicerHost
from PartialLabelSegLib.panel import colors

# Machado, Oliveira and Fernandes 2009, severity 1, on linear sRGB.
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
TRITANOPIA = np.array(
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
)


def seen_by(matrix: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    mixed = np.clip(linear @ matrix.T, 0, 1)
    return np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)


def steps(lab: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(lab, axis=0), axis=1)


def test_neighbouring_colours_differ_alike() -> None:
    found = steps(colors.to_lab(colors.ramp()))
    assert found.max() / found.min() < 1.01
    assert found.sum() > 150


def test_lightness_rises_all_the_way_so_that_it_reads_in_grey() -> None:
    lightness = colors.to_lab(colors.ramp())[:, 0]
    rises = np.diff(lightness)
    assert rises.min() > 0 and rises.max() / rises.min() < 1.6
    assert lightness[0] > 35 and lightness[-1] - lightness[0] > 45


@pytest.mark.parametrize("matrix", [PROTANOPIA, DEUTERANOPIA, TRITANOPIA])
def test_the_colour_blind_see_the_same_order(matrix: np.ndarray) -> None:
    lab = colors.to_lab(seen_by(matrix, colors.ramp(17)))
    assert np.diff(lab[:, 0]).min() > 1.0
    assert steps(lab).min() > 3.0


def test_every_colour_is_one_that_a_screen_has() -> None:
    path = colors.from_lab(colors._smooth_path(np.linspace(0, 1, 500)))
    assert path.min() > -0.002 and path.max() < 1.002
    assert colors.ramp(5).shape == (5, 3)


def test_cielab_is_computed_as_published() -> None:
    """White, black, and sRGB red (53.24, 80.09, 67.20), known from tables."""
    known = np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]])
    lab = colors.to_lab(known)
    np.testing.assert_allclose(lab, np.array([[100.0, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]]), atol=0.02)
    np.testing.assert_allclose(colors.from_lab(lab), known, atol=1e-4)


def test_the_table_is_made_once_for_a_scene(host: SlicerHost) -> None:
    table = colors.color_table(host.scene)
    assert colors.color_table(host.scene).GetID() == table.GetID()
    assert table.GetNumberOfColors() == 256 and not table.GetSaveWithScene()
    rgba = np.zeros(4)
    table.GetColor(255, rgba)
    np.testing.assert_allclose(rgba, np.append(colors.ramp()[-1], 1.0), atol=0.5 / 255)
    host.close_scene()
    assert colors.color_table(host.scene).GetNumberOfColors() == 256
