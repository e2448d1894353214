"""Whole volumes: what the windows say is put together without seams, and comes back onto the scan's own grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.nets.unet import UNet
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.network import build_segmentation
from PartialLabelSegLib.train.predict import _starts, exclusive_labels, on_scan_grid, predict_volume
from PartialLabelSegLib.train.prepared import prepared_grid
from train.making import CPU, plan_of, straight_grid


class Echo(nn.Module):
    """Gives each structure the input itself: its middle channel in 2.5D."""

    def __init__(self, structures: int = 1) -> None:
        super().__init__()
        self.structures = structures
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(tuple(x.shape))
        middle = x.shape[1] // 2
        return x[:, middle : middle + 1].expand(-1, self.structures, *x.shape[2:])


def image_of(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, shape).astype(np.float16)


def sigmoid(image: np.ndarray) -> Tensor:
    return torch.sigmoid(torch.from_numpy(image.astype(np.float32)))


@given(
    st.tuples(*(st.integers(1, 21),) * 3),
    st.tuples(*(st.sampled_from([4, 8, 12, 16]),) * 3),
    st.sampled_from([0.0, 0.25, 0.5, 0.75]),
)
def test_blended_windows_of_a_network_that_echoes_give_the_volume_back(
    shape: tuple[int, int, int], patch: tuple[int, int, int], overlap: float
) -> None:
    plan = replace(plan_of(("A", "B"), "3d"), patch=patch, overlap=overlap)
    image = image_of(shape)
    found = predict_volume(Echo(2), image, plan, CPU)
    assert found.shape == (2, *shape) and found.dtype == torch.float32
    assert torch.allclose(found[0], sigmoid(image), atol=1e-5) and torch.equal(found[0], found[1])


@pytest.mark.parametrize("dimensions", ["2d", "2.5d"])
@pytest.mark.parametrize("shape", [(1, 5, 7), (2, 8, 8), (37, 6, 4)])
def test_slices_of_a_network_that_echoes_give_the_volume_back(dimensions: str, shape: tuple[int, int, int]) -> None:
    image = image_of(shape)
    found = predict_volume(Echo(), image, plan_of(("A",), dimensions), CPU)
    assert torch.allclose(found[0], sigmoid(image), atol=1e-6)


@given(st.integers(1, 60), st.integers(1, 20), st.floats(0, 0.9))
def test_windows_cover_everything_and_overlap_enough(length: int, size: int, overlap: float) -> None:
    starts = _starts(length, size, overlap)
    assert starts[0] == 0
    if length <= size:
        assert starts == [0]
        return
    assert starts[-1] == length - size
    steps = np.diff(starts)
    # Starts are whole voxels, so that a step may be less than one voxel more than the share says, but never leaves a gap.
    assert steps.max() <= min(size, int(size * (1 - overlap)) + 1)


def trained_like(plan: Plan) -> UNet:
    """A network with weights large enough that its probabilities differ from voxel to voxel."""
    network = build_segmentation(plan, 3)
    assert isinstance(network, UNet)
    with torch.no_grad():
        network.output.weight.normal_(0, 3, generator=torch.Generator().manual_seed(1))
        assert network.output.bias is not None
        network.output.bias.zero_()
    return network.eval()


def test_a_2d_prediction_is_the_network_slice_by_slice() -> None:
    plan = plan_of()
    network, image = trained_like(plan), image_of((20, 16, 12))
    found = predict_volume(network, image, plan, CPU)
    with torch.no_grad():
        direct = torch.sigmoid(network(torch.from_numpy(image.astype(np.float32))[:, None])).movedim(1, 0)
    assert float(found.std()) > 0.05
    assert torch.allclose(found, direct, atol=1e-5)


def test_a_25d_prediction_sees_the_neighbouring_slices() -> None:
    plan = plan_of(dimensions="2.5d")
    network, image = trained_like(plan), image_of((5, 16, 12))
    found = predict_volume(network, image, plan, CPU)
    volume = torch.from_numpy(image.astype(np.float32))
    for number, neighbours in enumerate(([0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 4])):
        with torch.no_grad():
            direct = torch.sigmoid(network(volume[neighbours][None]))[0]
        assert torch.allclose(found[:, number], direct, atol=1e-5)


def test_a_3d_prediction_of_one_patch_is_the_network_itself() -> None:
    plan = plan_of(dimensions="3d")
    network, image = trained_like(plan), image_of((16, 16, 16))
    found = predict_volume(network, image, plan, CPU)
    with torch.no_grad():
        direct = torch.sigmoid(network(torch.from_numpy(image.astype(np.float32))[None, None]))[0]
    assert torch.allclose(found, direct, atol=1e-5)


def test_windows_are_no_larger_than_a_small_volume_needs() -> None:
    plan = replace(plan_of(("A",), "3d"), patch=(64, 64, 64))
    echo = Echo()
    predict_volume(echo, image_of((5, 20, 40)), plan, CPU)
    assert echo.seen == [(1, 1, 16, 32, 48)]


def test_a_network_is_used_as_it_was_learned_and_left_so() -> None:
    plan = plan_of()
    network = build_segmentation(plan, 0).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first, again = (predict_volume(network, image_of((3, 8, 8)), plan, CPU) for _ in range(2))
    assert torch.equal(first, again)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Hungry(Echo):
    """Runs out of memory for more than `most` windows at once."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] > self.most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")
        return super().forward(x)


@pytest.mark.parametrize("dimensions", ["2d", "3d"])
@pytest.mark.parametrize("most", [1, 3])
def test_where_memory_runs_out_fewer_are_predicted_at_once(dimensions: str, most: int) -> None:
    plan = replace(plan_of(("A",), dimensions), batch=7)
    network, image = Hungry(most), image_of((37, 20, 18))
    found = predict_volume(network, image, plan, CPU)
    assert torch.allclose(found[0], sigmoid(image), atol=1e-5)
    assert 1 <= max(shape[0] for shape in network.seen) <= most


def test_where_memory_does_not_hold_a_single_slice_the_person_is_told() -> None:
    with pytest.raises(Failure, match="Memory ran out"):
        predict_volume(Hungry(0), image_of((3, 4, 4)), plan_of(("A",)), CPU)


def test_another_error_of_the_network_is_not_taken_for_missing_memory() -> None:
    class Broken(Echo):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        predict_volume(Broken(), image_of((3, 4, 4)), plan_of(("A",)), CPU)


@given(st.integers(1, 5), st.integers(0, 2**31))
def test_exclusive_labels_are_the_argmax_where_it_reaches_one_half(structures: int, seed: int) -> None:
    # Few distinct values, so that ties and exact halves occur.
    volumes = (np.random.default_rng(seed).integers(0, 9, (structures, 3, 4, 5)) / 8).astype(np.float32)
    given_volumes = volumes.copy()
    label, best = exclusive_labels(iter(volumes))
    assert label.dtype == np.uint8 and best.dtype == np.float32
    assert np.array_equal(best, volumes.max(0))
    assert np.array_equal(label, np.where(volumes.max(0) >= 0.5, volumes.argmax(0) + 1, 0))
    assert np.array_equal(volumes, given_volumes)


def oblique_grid() -> Grid:
    turned = np.linalg.qr(np.array([[1.0, 0.2, 0.1], [-0.3, 1.0, 0.2], [0.1, -0.2, 1.0]]))[0]
    return Grid((20, 18, 11), (1.0, 1.3, 3.0), (-12.5, 33.0, 101.25), tuple(float(part) for part in turned.ravel()))


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (1.7, 2.2, 0.9)])
def test_a_constant_stays_a_constant_up_to_the_border(slice_axis: int, spacing: tuple[float, float, float]) -> None:
    grid, plan = oblique_grid(), replace(plan_of(), slice_axis=slice_axis, spacing_mm=spacing)
    shape = prepared_grid(grid, plan).shape
    order = [slice_axis, *(axis for axis in range(3) if axis != slice_axis)]
    volume = torch.full([shape[axis] for axis in order], 0.7)
    found = on_scan_grid(volume, grid, plan)
    assert found.shape == grid.shape and found.dtype == np.float32
    assert np.allclose(found, 0.7, atol=1e-5)


def heights(grid: Grid) -> np.ndarray:
    """For each voxel how far it lies along an oblique direction in the patient, (z, y, x)."""
    z, y, x = np.indices(grid.shape)
    steps = np.stack([x, y, z], -1) * np.array(grid.spacing)
    places = np.array(grid.origin) + steps @ np.reshape(grid.direction, (3, 3)).T
    return (places @ np.array([0.3, -0.5, 0.8])).astype(np.float32)


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_a_linear_ramp_is_the_same_ramp_on_the_scan(slice_axis: int) -> None:
    grid, plan = oblique_grid(), replace(plan_of(), slice_axis=slice_axis, spacing_mm=(1.2, 1.1, 1.0))
    ramp = np.moveaxis(heights(prepared_grid(grid, plan)), slice_axis, 0)
    found = on_scan_grid(ramp, grid, plan)
    inner = (slice(2, -2),) * 3
    assert np.allclose(found[inner], heights(grid)[inner], atol=0.02)
    assert np.abs(found - heights(grid)).max() < 2.5


def test_a_scan_on_the_plans_own_grid_gets_the_values_untouched() -> None:
    grid, plan = straight_grid((6, 5, 4)), plan_of()
    volume = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    # Patient order is the file's order here: nothing is turned, and no voxel lies between others.
    assert np.allclose(on_scan_grid(volume, grid, plan), volume, atol=1e-6)
