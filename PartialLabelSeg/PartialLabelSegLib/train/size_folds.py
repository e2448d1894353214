"""Learning to regress sizes: one small network per fold, from augmented whole slices or volumes, by squared error (Kervadec et al., Eq. 2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..config import Plan
from ..data.plan import left_right
from ..losses.region import soft_moments
from ..nets.size_regressor import RegressorShape, SizeRegressor
from .augment import Strength, change_grey, draw_affine, draw_flips, sample_soft
from .batches import Seed, twin_places
from .coarse import FULL, Coarse
from .device import Device
from .steps import Cancelled

BATCH_2D, BATCH_3D = 16, 2
RATE_2D, RATE_3D, DECAY, LONGEST_GRADIENT = 8e-3, 3e-3, 1e-3, 5.0
ROTATE_DEGREES = 45.0
LOOK_EVERY, MOST_LOOKED_AT = 50, 96
REACH_MM = 12.0
"""A slice is seen with its neighbours and with those about so far away."""
AT_ONCE = 32
FOREGROUND_SHARE = 1 / 3


@dataclass(frozen=True, eq=False)
class Teaching:
    """What one fold's network learns from and is stopped by.

    cases: with occupancy. looks: cases of the validation, for early stopping only.
    """

    plan: Plan
    device: Device
    seed: Seed
    cases: Sequence[Coarse]
    looks: Sequence[Coarse] = ()
    steps: int = 400

    @property
    def flat(self) -> bool:
        return self.plan.dimensions != "3d"


@dataclass(frozen=True, eq=False)
class Sample:
    """image (N, C, *spatial); occupancy (N, K, *spatial) in 0..1, known bool (N, K), spacing_mm (N, D)."""

    image: Tensor
    occupancy: Tensor
    known: Tensor
    spacing_mm: Tensor


def neighbours(coarse: Coarse) -> list[int]:
    """The slices, relative to a slice, that are its channels: five, of which some are the same where slices are thick."""
    far = max(1, round(REACH_MM / coarse.spacing_mm[0]))
    return [-far, -1, 0, 1, far]


def regressor(teaching: Teaching) -> SizeRegressor:
    """An untrained network; the same one for the same seed."""
    shape = RegressorShape(2 if teaching.flat else 3, 6 if teaching.flat else 2, len(teaching.plan.structures))
    return SizeRegressor(shape, teaching.seed.torch(0)).to(teaching.device.torch)


def learn(teaching: Teaching, network: SizeRegressor, cancelled: Callable[[], bool]) -> Iterator[tuple[int, float]]:
    """Trains the network in place; yields (step, loss). Cancelled: the user wants to stop."""
    network.train()
    scale, shares = (part.to(teaching.device.torch) for part in _scales(teaching))
    network.begin_at(shares)
    rate = RATE_2D if teaching.flat else RATE_3D
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=DECAY)
    best, kept = math.inf, None
    for step in range(teaching.steps):
        if cancelled():
            raise Cancelled
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 20) * (1 - step / teaching.steps) ** 0.9
        loss = regression_loss(network, draw(teaching, step + 1), scale)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
        optimiser.step()
        yield step + 1, float(loss.detach())
        if teaching.looks and ((step + 1) % LOOK_EVERY == 0 or step + 1 == teaching.steps):
            found = _looked(teaching, network, scale)
            if found <= best:
                best, kept = found, {name: value.clone() for name, value in network.state_dict().items()}
    if kept is not None:
        network.load_state_dict(kept)
    network.eval()


def regression_loss(network: SizeRegressor, sample: Sample, scale: Tensor) -> Tensor:
    """Over the known structures the squared error of the size (Eq. 2) in units of `scale` (K,), and how wrong the map is.

    The latter is its cross-entropy summed over the voxels, in the same units. Sizes alone leave open where they lie, and few scans do not settle it; and where a
    structure is a hundredth of the image, squared errors have no gradient to begin with: on OpenKBP nothing was learned in 400 steps.
    """
    truth, known = soft_moments(sample.occupancy, sample.spacing_mm), sample.known.float()
    logits = network.map_logits(sample.image)
    found = soft_moments(torch.sigmoid(logits), sample.spacing_mm)
    wrong = nn.functional.binary_cross_entropy_with_logits(logits, sample.occupancy, reduction="none")
    rest = wrong.flatten(2).sum(2) * sample.spacing_mm.prod(1)[:, None] / scale * known
    error = ((found - truth)[..., 0] / scale).square() * known
    return (error + rest).sum() / known.sum().clamp(min=1)


def _scales(teaching: Teaching) -> tuple[Tensor, Tensor]:
    """Of each structure the mean size where there is any (K,), and its mean share of the image (K,)."""
    dimensions = 2 if teaching.flat else 3
    result = torch.ones(len(teaching.plan.structures))
    shares = torch.full((len(result),), 0.01)
    rows: list[list[Tensor]] = [[] for _ in result]
    taken: list[list[float]] = [[] for _ in result]
    for case in teaching.cases:
        occupancy = _occupancy(case, np.arange(len(case.slices)), teaching.flat)
        found = soft_moments(occupancy, torch.tensor(case.spacing_mm[3 - dimensions :]))
        for index in np.flatnonzero(case.known).tolist():
            taken[index].append(float(occupancy[:, index].mean()))
            there = found[:, index, 0] > 0
            if there.any():
                rows[index].append(found[there, index, 0].mean())
    for index, (row, share) in enumerate(zip(rows, taken)):
        if row:
            result[index] = torch.stack(row).mean()
            shares[index] = float(np.clip(np.mean(share), 1e-5, 0.5))
    return result, shares


def draw(teaching: Teaching, step: int) -> Sample:
    """The augmented sample of a step: mirrored as far as the sides of the structures allow, turned by up to 45 degrees, grey values changed."""
    plan, rng, generator = teaching.plan, teaching.seed.numpy(step), teaching.seed.torch(step)
    picked = []
    for _ in range(BATCH_2D if teaching.flat else BATCH_3D):
        case = teaching.cases[int(rng.integers(len(teaching.cases)))]
        picked.append((case, np.array([_slice(case, rng)]) if teaching.flat else case.slices))
    still = _stacked(picked, teaching.flat)
    spacing = still.spacing_mm.mean(0).tolist()
    # A slice cannot be mirrored across slices: its channels would change places.
    mirror = tuple(axis for axis in plan.mirror if axis > 0 or not teaching.flat)
    flips = draw_flips(len(picked), mirror, generator)
    strength = Strength(ROTATE_DEGREES, 0.0, 0.0, spacing_mm=(spacing[0], spacing[-2], spacing[-1]))
    affine = draw_affine(strength, flips, len(spacing), generator)
    moved = _moved(still, affine, generator)
    if plan.twins:
        moved = _sides_changed(moved, flips, plan)
    place = teaching.device.torch
    return Sample(*(part.to(place) for part in (moved.image, moved.occupancy, moved.known, moved.spacing_mm)))


def _slice(case: Coarse, rng: np.random.Generator) -> int:
    """A third of the slices are sure to show one of the known structures, evenly by structure: small ones are seen as often as large ones. More would make sizes too large."""
    assert case.occupancy is not None
    if rng.random() < FOREGROUND_SHARE:
        shown: np.ndarray = np.any(case.occupancy, axis=(2, 3))
        there = np.flatnonzero(shown.any(1))
        if there.size:
            return int(rng.choice(np.flatnonzero(shown[int(rng.choice(there))])))
    return int(rng.integers(len(case.slices)))


def _stacked(picked: Sequence[tuple[Coarse, np.ndarray]], flat: bool) -> Sample:
    """Samples of different sizes, centred in one: beyond a scan's border its lowest grey value, and nothing of any structure."""
    images = [_image(case, case.slices[rows] if flat else rows, flat) for case, rows in picked]
    occupancies = [_occupancy(case, rows, flat) for case, rows in picked]
    size = [max(image.shape[2 + axis] for image in images) for axis in range(images[0].ndim - 2)]
    image = torch.cat([_centred(item, size) for item in images])
    occupancy = torch.cat([_centred(item, size) for item in occupancies])
    dimensions = 2 if flat else 3
    repeats = [len(item) for item in images]
    known = torch.cat([torch.from_numpy(case.known).expand(n, -1) for (case, _), n in zip(picked, repeats)])
    spacing = [torch.tensor(case.spacing_mm[3 - dimensions :]).expand(n, -1) for (case, _), n in zip(picked, repeats)]
    return Sample(image, occupancy, known, torch.cat(spacing))


def _centred(item: Tensor, size: Sequence[int]) -> Tensor:
    """In the middle of a larger image; around it each channel's lowest value."""
    if list(item.shape[2:]) == list(size):
        return item
    result = item.flatten(2).amin(2).view(*item.shape[:2], *(1,) * len(size)).repeat(1, 1, *size)
    here = [slice((wanted - n) // 2, (wanted - n) // 2 + n) for n, wanted in zip(item.shape[2:], size)]
    result[(slice(None), slice(None), *here)] = item
    return result


def _image(case: Coarse, slices: np.ndarray, flat: bool) -> Tensor:
    """float32 (N, 6, r, c) of slices: as prepared, then evened out with their neighbours; or (1, 2, s, r, c)."""
    if not flat:
        return torch.from_numpy(np.stack([case.image, case.even])[None].astype(np.float32))
    wanted = np.clip(slices[:, None] + np.array(neighbours(case)), 0, len(case.image) - 1)
    return torch.from_numpy(np.concatenate([case.image[slices][:, None], case.even[wanted]], 1).astype(np.float32))


def _occupancy(case: Coarse, rows: np.ndarray, flat: bool) -> Tensor:
    """float32 (N, K, r, c) of the case's slices `rows`, counted among those learned from, or (1, K, s, r, c)."""
    assert case.occupancy is not None
    whole = case.occupancy[:, rows].swapaxes(0, 1) if flat else case.occupancy[None]
    return torch.from_numpy(whole.astype(np.float32) / FULL)


def _moved(sample: Sample, affine: Tensor, generator: torch.Generator) -> Sample:
    """Turned and mirrored, image and occupancy alike, then its grey values changed."""
    patch = tuple(sample.image.shape[2:])
    both = torch.cat([sample.image, sample.occupancy], 1)
    channels = sample.image.shape[1]
    moved = sample_soft(both, affine, patch)
    darkest = sample.image.flatten(2).amin(2).view(*sample.image.shape[:2], *(1,) * len(patch))
    image = torch.where(moved[:, :channels].isnan(), darkest, moved[:, :channels])
    occupancy = moved[:, channels:].nan_to_num(0.0).clamp(0, 1)
    return Sample(change_grey(image, 1.0, generator), occupancy, sample.known, sample.spacing_mm)


def _sides_changed(sample: Sample, flips: Tensor, plan: Plan) -> Sample:
    """Twins exchanged where a sample is mirrored from left to right (train/batches.py)."""
    mirrored, places = flips[:, left_right(plan.slice_axis)], twin_places(plan)
    known = torch.where(mirrored[:, None], sample.known[:, places], sample.known)
    chosen = mirrored.view(-1, *(1,) * (sample.occupancy.ndim - 1))
    occupancy = torch.where(chosen, sample.occupancy[:, places], sample.occupancy)
    return Sample(sample.image, occupancy, known, sample.spacing_mm)


@torch.inference_mode()
def _looked(teaching: Teaching, network: SizeRegressor, scale: Tensor) -> float:
    """The loss on the validation scans, as they are."""
    network.eval()
    total, count = 0.0, 0
    for case in teaching.looks:
        share = max(1, MOST_LOOKED_AT // len(teaching.looks))
        rows = np.linspace(0, len(case.slices) - 1, min(share, len(case.slices))).astype(np.int64)
        sample = _stacked([(case, rows if teaching.flat else case.slices)], teaching.flat)
        place = teaching.device.torch
        sample = Sample(*(part.to(place) for part in (sample.image, sample.occupancy, sample.known, sample.spacing_mm)))
        total, count = total + float(regression_loss(network, sample, scale)), count + 1
    network.train()
    return total / max(1, count)


@torch.inference_mode()
def predicted(network: SizeRegressor, case: Coarse, device: Device) -> np.ndarray:
    """The attributes of every structure: float64 (K, S, 5) of slices, or (K, 7) of a volume."""
    network.eval()
    flat = network.shape.dimensions == 2
    spacing = torch.tensor(case.spacing_mm[1 if flat else 0 :], device=device.torch)
    parts = []
    for first in range(0, len(case.image) if flat else 1, AT_ONCE):
        slices = np.arange(first, min(first + AT_ONCE, len(case.image)))
        output = network(_image(case, slices, flat).to(device.torch))
        parts.append(soft_moments(output, spacing))
    found = torch.cat(parts).cpu().double().numpy()
    return found.swapaxes(0, 1) if flat else found[0]
