"""Turned, scaled, moved and mirrored: image and label alike, and not at all where nothing is asked for."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from PartialLabelSegLib.train.augment import (
    Strength,
    change_grey,
    draw_affine,
    draw_flips,
    sample_geometry,
    sample_soft,
    window_size,
)
from PartialLabelSegLib.train.windows import OUTSIDE
from train.making import plan_of

STILL = Strength(0.0, 0.0, 0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unflipped(count: int) -> Tensor:
    return torch.zeros(count, 3, dtype=torch.bool)


def identity(count: int, dimensions: int) -> Tensor:
    return torch.cat([torch.eye(dimensions), torch.zeros(dimensions, 1)], 1).repeat(count, 1, 1)


def lattice(window: tuple[int, ...]) -> Tensor:
    """Voxel positions relative to the window's centre, (*window, dimensions)."""
    axes = [torch.arange(length) - (length - 1) / 2 for length in window]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


even_offsets = st.integers(2, 3).flatmap(
    lambda dimensions: st.tuples(
        st.tuples(*(st.integers(1, 9),) * dimensions), st.tuples(*(st.integers(0, 3),) * dimensions)
    )
)


@given(even_offsets, st.integers(0, 2**31))
def test_the_identity_returns_the_middle_of_the_window_exactly(
    sizes: tuple[tuple[int, ...], tuple[int, ...]], seed: int
) -> None:
    patch, margin = sizes
    window = tuple(length + 2 * extra for length, extra in zip(patch, margin))
    image = torch.randn((2, 3, *window), generator=generator(seed))
    label = torch.randint(0, 5, (2, *window), generator=generator(seed), dtype=torch.uint8)
    planes = {"certain-1": label > 2}
    moved, moved_label, moved_planes = sample_geometry(image, label, planes, identity(2, len(patch)), patch)
    middle = tuple(slice(extra, extra + length) for length, extra in zip(patch, margin))
    assert torch.allclose(moved, image[(slice(None), slice(None), *middle)], atol=1e-5)
    assert torch.equal(moved_label, label[(slice(None), *middle)])
    assert torch.equal(moved_planes["certain-1"], planes["certain-1"][(slice(None), *middle)])


@pytest.mark.parametrize("patch", [(1, 32, 33), (1, 7, 9), (1, 160, 161)])
@pytest.mark.parametrize("dimensions", ["2d", "2.5d"])
def test_a_window_has_as_many_voxels_on_both_sides_of_its_patch(patch: tuple[int, int, int], dimensions: str) -> None:
    window = window_size(replace(plan_of(dimensions=dimensions), patch=patch, rotate_degrees=10.0))
    margins = [wide - length for wide, length in zip(window, patch)]
    assert margins[0] == 0
    for margin, length in zip(margins[1:], patch[1:]):
        assert margin % 2 == 0 and 0.25 * length <= margin < 0.25 * length + 2


def test_a_window_in_3d_is_deeper_too_and_without_turning_it_is_the_patch() -> None:
    plan = plan_of(dimensions="3d")
    assert window_size(plan) == plan.patch
    assert window_size(replace(plan, scale=0.1)) == (18, 20, 20)


def ball(window: tuple[int, ...], offset: tuple[float, ...], width: float) -> Tensor:
    """A smooth ball, highest at `offset` from the window's centre."""
    return torch.exp(-((lattice(window) - torch.tensor(offset)) ** 2).sum(-1) / (2 * width**2))


def centroid(weight: Tensor) -> Tensor:
    places = lattice(tuple(weight.shape))
    return (places * weight[..., None]).sum(tuple(range(weight.ndim))) / weight.sum()


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from([2, 3]))
def test_image_and_label_move_together(seed: int, dimensions: int) -> None:
    window, patch = (49, 84, 83)[-dimensions:], (41, 64, 63)[-dimensions:]
    offset = tuple((torch.rand(dimensions, generator=generator(seed)) * 6 - 3).tolist())
    image = ball(window, offset, 6.0)
    strength = Strength(30.0, 0.25, 0.05, spacing_mm=(2.0, 1.0, 1.0))
    flips = draw_flips(1, (0, 1, 2), generator(seed + 1))
    affine = draw_affine(strength, flips, dimensions, generator(seed))
    label = (image > 0.5).to(torch.uint8)
    moved, moved_label, planes = sample_geometry(image[None, None], label[None], {"p": label[None] > 0}, affine, patch)
    mask = moved_label[0] == 1
    assert torch.equal(planes["p"][0], mask)
    shown = moved[0, 0] > 0.5
    assert 2 * int((mask & shown).sum()) > 0.85 * int(mask.sum() + shown.sum())
    # Both have gone where the map says: patch voxel p shows window voxel A p + shift.
    shift = affine[0, :, -1] * torch.tensor(patch)
    for shown_at, was_at, within in (
        (centroid(moved[0, 0] ** 2), torch.tensor(offset), 0.05),
        (centroid(mask.float()), centroid(label.float()), 0.5),
    ):
        assert torch.allclose(shown_at, torch.linalg.solve(affine[0, :, :-1], was_at - shift), atol=within)


def test_a_turn_by_a_right_angle_is_exact() -> None:
    image = torch.arange(25.0).view(1, 1, 5, 5)
    label = torch.arange(25, dtype=torch.uint8).view(1, 5, 5)
    quarter = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])
    moved, moved_label, _ = sample_geometry(image, label, {}, quarter, (5, 5))
    # Row r, column c of the result shows row -c, column r of the window, counted from its centre.
    assert torch.equal(moved_label[0], torch.rot90(label[0], -1))
    assert torch.allclose(moved[0, 0], moved_label[0].float(), atol=1e-4)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("mirror", [(), (0,), (1,), (2,), (0, 2)])
def test_mirroring_happens_along_the_named_axes_only(dimensions: int, mirror: tuple[int, ...]) -> None:
    affine = draw_affine(STILL, draw_flips(64, mirror, generator(3)), dimensions, generator(4))
    assert torch.all(affine[:, :, -1] == 0)
    signs = torch.diagonal(affine[:, :, :-1], dim1=1, dim2=2)
    assert torch.equal(torch.diag_embed(signs), affine[:, :, :-1])
    for axis in range(3 - dimensions, 3):
        seen = set(signs[:, axis - 3 + dimensions].tolist())
        assert seen == ({1.0, -1.0} if axis in mirror else {1.0})


def test_a_mirrored_window_is_the_window_backwards() -> None:
    image, label = torch.randn(1, 1, 4, 6), torch.randint(0, 9, (1, 4, 6), dtype=torch.uint8)
    flip = identity(1, 2)
    flip[0, 1, 1] = -1
    moved, moved_label, _ = sample_geometry(image, label, {}, flip, (4, 6))
    assert torch.allclose(moved, image.flip(-1), atol=1e-5) and torch.equal(moved_label, label.flip(-1))


@given(st.integers(0, 2**31), st.tuples(*(st.floats(0.5, 6.0),) * 3))
def test_turning_keeps_lengths_in_millimetres(seed: int, spacing_mm: tuple[float, float, float]) -> None:
    for dimensions in (2, 3):
        strength = Strength(30.0, 0.0, 0.0, spacing_mm=spacing_mm)
        matrix = draw_affine(strength, unflipped(4), dimensions, generator(seed))[:, :, :-1]
        spacing = torch.tensor(spacing_mm[3 - dimensions :])
        in_mm = matrix * spacing[:, None] / spacing
        assert torch.allclose(in_mm @ in_mm.transpose(1, 2), torch.eye(dimensions).expand_as(in_mm), atol=1e-4)
        assert torch.allclose(torch.linalg.det(in_mm), torch.ones(4), atol=1e-4)


def test_the_strength_limits_turning_scaling_and_shift() -> None:
    affine = draw_affine(Strength(15.0, 0.2, 0.05), unflipped(500), 2, generator(5))
    size = torch.linalg.det(affine[:, :, :-1]).sqrt()
    angle = torch.atan2(affine[:, 1, 0], affine[:, 0, 0]).rad2deg()
    assert 1 / 1.2 - 1e-3 < float(size.min()) < 0.86 and 1.16 < float(size.max()) < 1.2 + 1e-3
    assert -15.001 < float(angle.min()) < -13 and 13 < float(angle.max()) < 15.001
    assert 0.045 < float(affine[:, :, -1].abs().max()) <= 0.05


def test_across_slices_the_turn_is_a_third_of_the_turn_in_the_plane() -> None:
    affine = draw_affine(Strength(30.0, 0.0, 0.0), unflipped(500), 3, generator(6))
    tilt = torch.acos(affine[:, 0, 0].clamp(-1, 1)).rad2deg()
    assert 8 < float(tilt.max()) < math.hypot(10, 10) + 0.01


def test_beyond_the_window_nothing_is_known_and_the_image_goes_on() -> None:
    image, label = torch.full((1, 1, 4, 4), 7.0), torch.ones((1, 4, 4), dtype=torch.uint8)
    away = identity(1, 2)
    away[0, 1, 2] = 0.5
    moved, moved_label, planes = sample_geometry(image, label, {"p": label > 0}, away, (4, 4))
    assert torch.equal(moved_label[0, :, :2], torch.ones(4, 2, dtype=torch.uint8))
    assert torch.all(moved_label[0, :, 2:] == OUTSIDE) and not planes["p"][0, :, 2:].any()
    assert torch.all(moved == 7.0)


def test_outside_voxels_of_the_window_stay_outside() -> None:
    label = torch.full((1, 4, 4), OUTSIDE, dtype=torch.uint8)
    _, moved, _ = sample_geometry(torch.zeros(1, 1, 4, 4), label, {}, identity(1, 2), (4, 4))
    assert torch.equal(moved, label)


def test_the_same_generator_gives_the_same_changes_and_another_one_others() -> None:
    strength, image = Strength(20.0, 0.2, 0.1), torch.randn(6, 1, 5, 5)
    for draw in (
        lambda seed: draw_affine(strength, unflipped(6), 3, generator(seed)),
        lambda seed: draw_flips(40, (0, 2), generator(seed)),
        lambda seed: change_grey(image, 1.0, generator(seed)),
    ):
        assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))


def test_grey_values_are_left_alone_at_strength_zero_and_changed_within_limits_else() -> None:
    image = torch.ones(200, 1, 4, 4)
    assert change_grey(image, 0.0, generator()) is image
    changed = change_grey(image, 1.0, generator())
    noisy = changed.flatten(1).std(1) > 0
    assert 20 < int(noisy.sum()) < 60
    middle = changed[~noisy].flatten(1)[:, 0]
    assert 0.6 <= float(middle.min()) < 0.75 and 1.25 < float(middle.max()) <= 1.4
    assert torch.all(image == 1)


@pytest.mark.parametrize("window", [(6, 7), (4, 6, 5)])
def test_unmoved_soft_labels_are_what_they_were_and_hard_ones_stay_exactly_hard(window: tuple[int, ...]) -> None:
    soft = torch.rand(2, 2, *window, generator=generator())
    soft[:, 1] = soft[:, 1].round()
    soft[0, 0, 0] = torch.nan
    found = sample_soft(soft, identity(2, len(window)), window)
    assert torch.allclose(found, soft, atol=1.1e-3, equal_nan=True)
    assert torch.equal(found[:, 1], soft[:, 1])


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), dimensions=st.sampled_from([2, 3]))
def test_soft_labels_move_linearly_with_the_image(seed: int, dimensions: int) -> None:
    """A plane of probabilities that goes evenly up is, wherever it is moved, where an image of the same values is."""
    window, patch = (16,) * dimensions, (9,) * dimensions
    ramp = 0.5 + 0.02 * lattice(window).sum(-1)[None, None]
    strength = Strength(20.0, 0.1, 0.05)
    affine = draw_affine(strength, unflipped(1), dimensions, generator(seed))
    image, _, _ = sample_geometry(ramp, torch.zeros(1, *window, dtype=torch.uint8), {}, affine, patch)
    found = sample_soft(ramp, affine, patch)
    inside = ~found.isnan()
    assert inside.float().mean() > 0.9
    # Only where a whole voxel around lies in the window: beyond, an image goes on and a soft label ends.
    middle = (slice(None), slice(None), *(slice(2, -2),) * dimensions)
    assert torch.allclose(found[middle], image[middle], atol=1e-4)


def test_what_nobody_read_has_no_share_in_its_neighbours() -> None:
    soft = torch.full((1, 1, 1, 6), 0.8)
    soft[..., 3:] = torch.nan
    half = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.4 / 6]]])
    found = sample_soft(soft, half, (1, 6))
    # Each voxel is taken 0.4 to the right: the third one between a voxel that was read and one that was not.
    assert found[0, 0, 0, :3].tolist() == pytest.approx([0.8, 0.8, 0.8]) and found[0, 0, 0, 3:].isnan().all()


def test_beyond_the_window_there_is_no_soft_label() -> None:
    moved = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.5]]])
    found = sample_soft(torch.full((1, 1, 4, 4), 0.6), moved, (4, 4))
    assert torch.allclose(found[..., :2], torch.tensor(0.6)) and found[..., 2:].isnan().all()
