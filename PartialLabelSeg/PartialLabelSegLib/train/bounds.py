"""Bounds on what is predicted where a structure is missing: its regressed size, place and extent (Kervadec et al., Eqs. 3 to 5), one bound per missing structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..config import Plan
from ..data.sizes import SizeTable, read_sizes
from ..losses.region import place_penalty, soft_moments
from ..losses.size import size_penalty
from ..run.failure import Failure
from .batches import Batch, Seed
from .device import Device
from .objective import Objective
from .prepared import PreparedCase
from .session import Session
from .sizes import sizes_file, teachable

STAGE = 20
"""Its place among the stages of a round, for the seed."""
SHARE = 4
"""For so many windows of a batch there is one whole slice or volume that is held between bounds."""


@dataclass(frozen=True, eq=False)
class BoundedCase:
    """A case in which structures are missing. bounded: bool (K,). low, high: float64 (K, S, 5) of its slices, or (K, 7) of the whole scan, nan where there is no bound; see data/sizes.py."""

    case: PreparedCase
    bounded: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class Sight:
    """What the network is shown: image float32 (N, C, *spatial), inside bool (N, 1, *spatial) (the rest is padding), whole bool (N,), and the bounds low, high (N, K, 1 + 2 D) in mm, nan where there is none."""

    image: Tensor
    inside: Tensor
    whole: Tensor
    low: Tensor
    high: Tensor


def bounded_cases(session: Session, number: int, table: SizeTable) -> tuple[BoundedCase, ...]:
    """The training cases in which a structure is missing, of which the table says what to expect."""
    found = []
    for case in session.of_split("train"):
        labels = session.labels(case, number)
        missing = ~np.array(labels.known, bool)
        if session.configuration.doubtful == "leave-out":
            missing |= np.array(labels.known, bool) & ~teachable(session, case, labels)
        one = _bounded(session.plan, session.open(case, number), missing, table)
        if one.bounded.any():
            found.append(one)
    return tuple(found)


def _bounded(plan: Plan, case: PreparedCase, missing: np.ndarray, table: SizeTable) -> BoundedCase:
    flat = plan.dimensions != "3d"
    shape = (len(missing), case.shape[0], 5) if flat else (len(missing), 7)
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    expected = table.cases.get(case.name, {})
    for index, name in enumerate(plan.structures):
        if missing[index] and name in expected:
            look = table.slices if flat else table.whole
            rows = look(case.name, name, plan.margin)
            if rows[0].shape != shape[1:]:
                raise Failure(
                    "its expected sizes do not fit the prepared scan.",
                    case=case.name,
                    way_out="Delete sizes.json of the round; it is made anew.",
                )
            low[index], high[index] = rows
    finite = np.isfinite(high).reshape(len(missing), -1).any(1)
    return BoundedCase(case, missing & finite, low, high)


@dataclass(frozen=True, eq=False)
class BoundTerm:
    """The penalties of a step, by attribute, times lambda. cases: not empty. steps: of the stage; see `ramp`."""

    cases: Sequence[BoundedCase]
    plan: Plan
    device: Device
    seed: Seed
    attributes: tuple[str, ...]
    steps: int

    def __call__(self, network: nn.Module, step: int, windows: int) -> dict[str, Tensor]:
        """The terms of `step`, beside a batch of so many windows; the same for the same step and seed. Zero during the warm-up, when the network is not asked at all."""
        strength = self.plan.bound_weight * ramp(step, self.steps, self.plan.bound_warm_up)
        if strength == 0:
            return {name: torch.zeros((), device=self.device.torch) for name in self.attributes}
        sight = self.sight(step, max(1, windows // SHARE))
        found = self.penalties(as_it_predicts(network, sight.image), sight)
        return {name: strength * value for name, value in found.items()}

    def penalties(self, logits: Tensor, sight: Sight) -> dict[str, Tensor]:
        """Eq. 5 for each attribute, of logits (N, K, *spatial)."""
        dimensions = logits.ndim - 2
        spacing = torch.tensor(self.plan.spacing_mm[3 - dimensions :], device=logits.device)
        known = sight.high.isfinite() | sight.low.isfinite()
        found = {}
        if "size" in self.attributes:
            voxel = spacing.prod()
            bounds = (sight.low[..., 0] / voxel, sight.high[..., 0] / voxel)
            found["size"] = size_penalty(logits, bounds, known[..., 0], sight.whole, sight.inside)
        if not {"centroid", "extent"} & set(self.attributes):
            return found
        moments = soft_moments(torch.sigmoid(logits.float()), spacing, sight.inside)
        shape = _lengths(sight.inside)
        for name, first in (("centroid", 1), ("extent", 1 + dimensions)):
            if name in self.attributes:
                part = slice(first, first + dimensions)
                chosen = known[..., part].any(2) & sight.whole[:, None]
                bounds = (sight.low[..., part], sight.high[..., part])
                image = (spacing.expand(len(logits), -1), shape)
                found[name] = place_penalty(moments[..., part], bounds, chosen, image)
        return found

    def sight(self, step: int, count: int) -> Sight:
        """`count` whole slices, or one volume; a volume that is larger than a batch of windows is seen through a window, which knows the upper bound alone."""
        rng = self.seed.numpy(step)
        picked = [self._pick(rng) for _ in range(count if self._is_flat else 1)]
        images, lows, highs, whole = [], [], [], []
        for item in picked:
            slice_index = self._slice(item, rng) if self._is_flat else None
            image, seen = self._cut(item.case, slice_index, rng)
            images.append(image)
            whole.append(seen)
            here = (slice(None),) if slice_index is None else (slice(None), slice_index)
            keep = item.bounded[:, None]
            lows.append(np.where(keep, item.low[here], np.nan))
            highs.append(np.where(keep, item.high[here], np.nan))
            item.case.give_back_pages()
        stack, inside = self._stacked(images)
        place = self.device.torch
        low, high = (torch.from_numpy(np.stack(rows)).float().to(place) for rows in (lows, highs))
        stack = stack.to(place).contiguous(memory_format=self.device.memory_format(self.plan))
        return Sight(stack, inside.to(place), torch.tensor(whole, device=place), low, high)

    @property
    def _is_flat(self) -> bool:
        return self.plan.dimensions != "3d"

    def _pick(self, rng: np.random.Generator) -> BoundedCase:
        """A structure first, evenly, then a case in which it is missing."""
        holders = np.stack([item.bounded for item in self.cases])
        structure = int(rng.choice(np.flatnonzero(holders.any(0))))
        return self.cases[int(rng.choice(np.flatnonzero(holders[:, structure])))]

    @staticmethod
    def _slice(item: BoundedCase, rng: np.random.Generator) -> int:
        """Half of the slices should show something of what is missing."""
        depth = item.case.shape[0]
        if rng.random() < 0.5:
            there = np.flatnonzero((np.isfinite(item.high[item.bounded][:, :, 1:]).any(2)).any(0))
            if there.size:
                return int(rng.choice(there))
        return int(rng.integers(depth))

    def _cut(self, case: PreparedCase, index: int | None, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
        """(C, *spatial) float32 and whether that is the whole slice or volume."""
        if index is not None:
            reach = (self.plan.channels - 1) // 2
            wanted = np.clip(np.arange(index - reach, index + reach + 1), 0, case.shape[0] - 1)
            return np.asarray(case.image[wanted], np.float32), True
        patch = self.plan.patch
        if np.prod(case.shape) <= np.prod(patch) * self.plan.batch:
            return np.asarray(case.image, np.float32)[None], True
        starts = [int(rng.integers(max(1, length - size + 1))) for length, size in zip(case.shape, patch)]
        window = tuple(slice(start, start + size) for start, size in zip(starts, patch))
        return np.asarray(case.image[window], np.float32)[None], False

    def _stacked(self, images: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Of one size that the network can halve, padded behind with the darkest grey value; and where they are."""
        plan = self.plan
        dimensions = images[0].ndim - 1
        total = np.prod(plan.strides, axis=0)[3 - dimensions :]
        longest = np.max([image.shape[1:] for image in images], axis=0)
        size = [int(-(-length // step) * step) for length, step in zip(longest, total)]
        darkest = (plan.intensity.low - plan.intensity.mean) / plan.intensity.std
        image = torch.full((len(images), images[0].shape[0], *size), float(darkest))
        inside = torch.zeros((len(images), 1, *size), dtype=torch.bool)
        for row, item in enumerate(images):
            here = tuple(slice(0, length) for length in item.shape[1:])
            image[row][(slice(None), *here)] = torch.from_numpy(item)
            inside[row][(slice(None), *here)] = True
        return image, inside


def as_it_predicts(network: nn.Module, image: Tensor) -> Tensor:
    """The logits with running statistics and without dropout, as a scan is predicted; gradients flow.

    Whole slices are other images than windows round structures: normalised by themselves they would be predicted otherwise than here, and
    their statistics among the running ones spoil every prediction.
    """
    was_training = network.training
    network.eval()
    try:
        logits: Tensor = network(image)
    finally:
        network.train(was_training)
    return logits


def _lengths(inside: Tensor) -> Tensor:
    """(N, D): the sides of what is inside, in voxels."""
    sides = []
    for axis in range(2, inside.ndim):
        others = [other for other in range(1, inside.ndim) if other != axis]
        sides.append(inside.amax(others).sum(1))
    return torch.stack(sides, 1)


def ramp(step: int, steps: int, warm_up: float) -> float:
    """0 during the first `warm_up` of the steps, rising evenly to 1 over as many more; 1 from the start without a warm-up."""
    span = warm_up * steps
    return 1.0 if span == 0 else min(1.0, max(0.0, (step - span) / span))


class BoundedObjective:
    """An objective with the bounds' terms beside its own; what the inner one keeps between steps goes through."""

    def __init__(self, inner: Objective, term: BoundTerm) -> None:
        self.inner = inner
        self.term = term

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        terms = self.inner(network, batch)
        return {**terms, **self.term(network, batch.step, batch.image.shape[0])}

    def watch(self, optimiser: torch.optim.Optimizer) -> None:
        if hasattr(self.inner, "watch"):
            self.inner.watch(optimiser)

    def after_step(self, network: nn.Module, step: int) -> None:
        if hasattr(self.inner, "after_step"):
            self.inner.after_step(network, step)

    def state(self) -> dict[str, Any]:
        return self.inner.state() if hasattr(self.inner, "state") else {}

    def load_state(self, state: dict[str, Any]) -> None:
        if hasattr(self.inner, "load_state"):
            self.inner.load_state(state)


def bounded(objective: Objective, session: Session, number: int, table: SizeTable | None = None) -> Objective:
    """The objective with the bounds that the configuration names; itself where there are none, or no training case lacks a structure whose size is known.

    table: None, and the round's `sizes.json`; an experiment may hand in the truth (`oracle_sizes`). Failure: a network that lists lesions.
    """
    attributes = session.configuration.bounds
    if not attributes:
        return objective
    if session.plan.architecture == "instance":
        raise Failure(
            "A network that lists lesions has no soft size, so it cannot be held between bounds.",
            way_out="Leave out --bounds, or choose another architecture.",
        )
    cases = bounded_cases(session, number, table or read_sizes(sizes_file(session, number)))
    if not cases:
        return objective
    steps = session.configuration.relabelling.steps(session.plan, number)
    seed = Seed(session.configuration.seed, number, STAGE)
    return BoundedObjective(objective, BoundTerm(cases, session.plan, session.device, seed, attributes, steps))
