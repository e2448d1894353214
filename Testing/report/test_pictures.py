"""Grey windows, the colour map, PNG files and outlines, against independent ways to compute them."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from PartialLabelSegLib.report.pictures import data_address, even_colors, grey, outline, png, shrunk

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))


def test_a_window_maps_its_ends_to_black_and_white_and_clips_beyond() -> None:
    values = np.array([[-500.0, -160.0, 40.0, 240.0, 3000.0, np.nan]])
    assert grey(values, -160, 240).tolist() == [[0, 0, 128, 255, 255, 0]]


def test_a_window_without_width_does_not_divide_by_zero() -> None:
    assert set(np.unique(grey(np.array([[1.0, 2.0]]), 1, 1))) <= {0, 255}


def test_the_colour_map_rises_evenly_in_lightness() -> None:
    colors = even_colors(np.linspace(0, 1, 256)).astype(float) / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ (0.2126, 0.7152, 0.0722)) - 16
    steps = np.diff(lightness)
    assert np.all(steps > -0.2) and lightness[-1] - lightness[0] > 70
    in_eighths = np.diff(lightness[::32])
    assert in_eighths.max() < 2 * in_eighths.min()


@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 3), (1, 1, 3)])
def test_another_program_reads_back_the_same_pixels(shape: tuple[int, ...], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (tmp_path / "a.png").write_bytes(png(pixels))
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "a.png"))).reshape(shape), pixels)


def test_an_address_holds_the_file_itself() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    head, _, content = data_address(pixels).partition(",")
    assert head == "data:image/png;base64" and base64.b64decode(content) == png(pixels)


@pytest.mark.parametrize("pixels", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros((0, 3), np.uint8)])
def test_what_is_no_picture_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        png(pixels)


def test_shrinking_takes_the_means_of_blocks() -> None:
    values = np.array([[0.0, 2, 9, 9, 5], [2, 4, 9, 9, 5], [1, 1, 1, 1, 1]])
    assert shrunk(values, 3).tolist() == [[2.0, 9.0]]
    assert np.array_equal(shrunk(values, 5), values)
    assert shrunk(np.ones((700, 3)), 320).shape == (233, 1)


def test_the_outline_of_one_pixel_is_a_diamond_around_it() -> None:
    mask = np.zeros((3, 3), bool)
    mask[1, 2] = True
    path = outline(mask)
    assert path.startswith("M") and path.endswith("Z")
    # Half pixels: the pixel reaches from 4 to 6 across and from 2 to 4 down.
    assert set(path[1:-1].split("L")) == {"5 2", "6 3", "5 4", "4 3"}


def rings_of(path: str) -> list[np.ndarray]:
    return [np.array([spot.split() for spot in ring[1:].split("L")], float) for ring in path.split("Z")[:-1]]


@given(MASKS)
def test_an_outline_has_a_ring_per_piece_and_per_hole_and_encloses_the_pixels(mask: np.ndarray) -> None:
    pieces = ndimage.label(mask)[1]
    holes = ndimage.label(np.pad(~mask, 1, constant_values=True), np.ones((3, 3)))[1] - 1
    rings = rings_of(outline(mask))
    assert len(rings) == pieces + holes
    area = sum(
        float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2
        for x, y in ((ring[:, 0], ring[:, 1]) for ring in rings)
    )
    # A cut corner takes an eighth of a pixel; a ring turns by four corners more to one side than to the other.
    assert area / 4 == pytest.approx(mask.sum() - 0.5 * (pieces - holes))


@given(st.integers(1, 6), st.integers(1, 6))
def test_straight_borders_need_no_points_between_their_ends(rows: int, columns: int) -> None:
    ring = rings_of(outline(np.ones((rows, columns), bool)))[0]
    assert len(ring) == 4 + 2 * (rows > 1) + 2 * (columns > 1)


def test_an_empty_mask_has_no_outline() -> None:
    assert outline(np.zeros((4, 4), bool)) == ""
