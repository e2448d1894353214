"""Views of an image: what they show, that mapping back undoes them, and which voxels they do not see."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from PartialLabelSegLib.train.views import View, enhanced, views_of
from train.making import plan_of

SIZES = [(13, 17), (14, 18), (9, 12, 15), (16, 16, 16)]
ZOOMS = [1.25, 0.8, 1.5, 0.65]


def grid(size: tuple[int, ...]) -> list[Tensor]:
    return list(torch.meshgrid(*(torch.arange(length, dtype=torch.float64) for length in size), indexing="ij"))


def there_and_back(view: View, image: Tensor) -> Tensor:
    return view.back(view.of(image), image.shape[2:])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("flip", [None, 0, 1])
def test_a_ramp_comes_back_exactly_within_the_view(size: tuple[int, ...], zoom: float, flip: int | None) -> None:
    # Linear interpolation is exact on what is linear: only a voxel that is off its place would show.
    ramp = sum((2.0 + axis) * place for axis, place in enumerate(grid(size)))
    assert isinstance(ramp, Tensor)
    view = View(zoom, flip)
    kept = view.seen(size)
    assert kept.sum() > 30
    assert torch.allclose(there_and_back(view, ramp[None, None])[0, 0][kept], ramp[kept], atol=1e-10)


@pytest.mark.parametrize("size", [(40, 44), (24, 28, 32)])
@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_smooth_image_comes_back_within_three_percent_of_its_range(size: tuple[int, ...], zoom: float) -> None:
    waves = torch.stack([torch.sin(6.3 * place / 20) for place in grid(size)]).mean(0)
    view = View(zoom)
    kept = view.seen(size)
    apart = (there_and_back(view, waves[None, None])[0, 0] - waves)[kept].abs().max()
    assert apart < 0.03 * (waves.max() - waves.min())


@pytest.mark.parametrize("size", SIZES)
def test_a_mirrored_view_comes_back_exactly(size: tuple[int, ...]) -> None:
    image = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    for axis in range(len(size)):
        view = View(flip=axis)
        assert torch.equal(there_and_back(view, image), image) and bool(view.seen(size).all())
        assert torch.equal(view.of(image), image.flip(2 + axis))


@pytest.mark.parametrize(("zoom", "size"), [(3.0, (12, 15)), (2.0, (9, 11)), (2.0, (9, 11, 7))])
def test_a_whole_number_of_times_nearer_every_seen_voxel_comes_back_exactly(zoom: float, size: tuple[int, ...]) -> None:
    image = torch.randn(1, 2, *size, generator=torch.Generator().manual_seed(1))
    view = View(zoom)
    kept = view.seen(size)
    assert kept.sum() > 10
    assert torch.equal(there_and_back(view, image)[..., kept], image[..., kept])


def test_half_as_near_is_the_mean_of_two_voxels() -> None:
    shown = View(0.5).of(torch.tensor([[[1.0, 3.0, 10.0, 20.0]]]))
    assert shown.tolist() == [[[2, 15]]]
    assert View(0.5).back(shown, (4,)).tolist() == [[[2, 5.25, 11.75, 15]]]


def test_twice_as_near_the_middle_half_is_seen() -> None:
    assert View(2.0).seen((8,)).tolist() == [False, False, True, True, True, True, False, False]
    assert View(2.0).of(torch.arange(8.0)[None, None]).tolist() == [[[1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75, 5.25]]]


@pytest.mark.parametrize("size", [*SIZES, (1, 1), (1, 20, 20)])
@pytest.mark.parametrize("zoom", [0.8, 0.65, 0.5])
def test_from_afar_a_smaller_view_shows_as_much_as_fits(size: tuple[int, ...], zoom: float) -> None:
    view = View(zoom)
    image = torch.ones(1, 1, *size)
    assert view.of(image).shape[2:] == view.size(size)
    for shown, length in zip(view.size(size), size, strict=True):
        # No more is lost than one voxel of the view, half of it at either end.
        assert length - 1 - 1 / zoom < (shown - 1) / zoom <= length - 1 + 1e-9
    assert torch.equal(there_and_back(view, image), image)


def test_twins_change_places_in_the_mirror() -> None:
    said = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]]).view(1, 2, 2)
    assert View(flip=0, places=(1, 0)).back(said, (2,)).tolist() == [[[4, 3], [2, 1]]]


def test_there_are_as_many_views_as_the_plan_says() -> None:
    for count in (0, 2, 4, 6):
        views = views_of(replace(plan_of(), views=count))
        assert len(views) == len(set(views)) == count
        assert sum(view.zoom > 1 for view in views) == {0: 0, 2: 1, 4: 1, 6: 2}[count]
    kinds = [(view.zoom, view.flip is not None) for view in views_of(replace(plan_of(), views=4))]
    assert kinds == [(1.25, False), (0.8, False), (0.65, False), (1.0, True)]


def test_another_number_of_views_is_refused() -> None:
    with pytest.raises(ValueError, match="0, 2, 4, 6, got 3"):
        views_of(replace(plan_of(), views=3))


@pytest.mark.parametrize(
    ("dimensions", "mirror", "twins", "slice_axis", "flip", "places"),
    [
        ("2d", (2,), (), 0, 1, None),
        ("2.5d", (0, 1), (), 0, 0, None),
        ("2d", (), (), 0, 0, None),
        ("2d", (), (), 2, 1, None),
        ("3d", (), (), 0, 1, None),
        ("3d", (), (), 2, 2, None),
        ("2d", (), (("Large", "Dark"),), 0, 1, (2, 1, 0)),
        ("2d", (), (("Large", "Dark"),), 2, 1, None),
        ("3d", (0,), (("Large", "Dark"),), 2, 0, (2, 1, 0)),
        ("3d", (), (("Large", "Dark"),), 1, 2, (2, 1, 0)),
    ],
)
def test_the_mirrored_view_never_makes_a_left_organ_a_right_one(
    dimensions: str,
    mirror: tuple[int, ...],
    twins: tuple[tuple[str, str], ...],
    slice_axis: int,
    flip: int,
    places: tuple[int, ...] | None,
) -> None:
    plan = replace(plan_of(dimensions=dimensions), mirror=mirror, twins=twins, slice_axis=slice_axis, views=4)
    mirrored = views_of(plan)[3]
    assert (mirrored.flip, mirrored.places) == (flip, places)


def test_a_zoom_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="zoom"):
        View(0.0)


def test_the_enhanced_probability_is_the_mean_over_the_views_that_see_a_voxel() -> None:
    said = [torch.tensor([[[0.2, 0.4]]]), torch.tensor([[[0.6, float("nan")]]])]
    mean = enhanced(said, [torch.tensor([True, True]), torch.tensor([True, False])])
    assert mean.flatten().tolist() == pytest.approx([0.4, 0.4])
