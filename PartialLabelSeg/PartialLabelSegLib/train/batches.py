"""Batches: windows, cut, moved to the device, augmented; targets and the ambiguity map computed there, never stored as K volumes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..config import Plan
from ..data.plan import left_right
from .augment import Strength, change_grey, draw_affine, draw_flips, sample_geometry, sample_soft, window_size
from .device import Device
from .windows import OUTSIDE, Cut, Sources, cut_windows, draw_windows


@dataclass(frozen=True, eq=False)
class Batch:
    """image float32 (N, C, *patch); target and weight bool (N, K, *patch): weight is the ambiguity map w of INERRANT, Eq. 2.

    Where a window's case has a soft label the target is float32, in 0..1.
    looked_for: bool (N, K), whether anybody looked for the structure in the window, so that its background is known too; None: everywhere.
    generator: what decides the chance that is left to the objective, of the cpu; it depends on the step alone, as the batch does.
    imperfect: bool (N, K, *patch), where w = 1 and the label is doubtful; None: nowhere.
    trusted: the batch S^c of MLB-Seg that is drawn beside a batch S^n; its weight is 0 where a label is doubtful.
    """

    image: Tensor
    target: Tensor
    weight: Tensor
    looked_for: Tensor | None = None
    generator: torch.Generator | None = None
    imperfect: Tensor | None = None
    trusted: Batch | None = None
    step: int = 0


@dataclass(frozen=True)
class Seed:
    """What a batch's chance depends on, so that a resumed run draws the same: seed of the run, round, stage, step."""

    run: int
    round: int
    stage: int

    def numpy(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.run, self.round, self.stage, step])

    def torch(self, step: int) -> torch.Generator:
        number = int(
            np.random.SeedSequence([self.run, self.round, self.stage, step, 1]).generate_state(1, np.uint64)[0]
        )
        return torch.Generator().manual_seed(number >> 1)


class BatchMaker:
    """Makes the batch of any step from the seed alone."""

    def __init__(
        self,
        sources: Sources,
        plan: Plan,
        device: Device,
        seed: Seed,
        excludes: Tensor | None,
        trusted_only: bool = False,
    ) -> None:
        """excludes: see `settling`. trusted_only: where a label is doubtful nothing is known."""
        self._trusted_only = trusted_only
        self._sources = sources
        self._plan = plan
        self._device = device
        self._seed = seed
        self._settles = None if excludes is None else excludes.to(device.torch)

    def batch(self, step: int, size: int) -> Batch:
        """The batch of `step` with `size` windows."""
        rng, generator = self._seed.numpy(step), self._seed.torch(step)
        windows = draw_windows(self._sources, size, self._plan.foreground_share, rng)
        cut = cut_windows(self._sources, windows, self._plan, window_size(self._plan))
        return replace(self._augmented(cut, generator), step=step)

    def _augmented(self, cut: Cut, generator: torch.Generator) -> Batch:
        plan, device = self._plan, self._device.torch
        image = torch.from_numpy(cut.image).to(device).float()
        label = torch.from_numpy(cut.label).to(device)
        planes = {name: torch.from_numpy(plane).to(device) for name, plane in cut.planes.items()}
        flat = plan.dimensions != "3d"
        if flat:
            label, planes = label[:, 0], {name: plane[:, 0] for name, plane in planes.items()}
        else:
            image = image[:, None]
        strength, patch = Strength.of(plan), plan.patch[1:] if flat else plan.patch
        flips = draw_flips(image.shape[0], plan.mirror, generator)
        affine = draw_affine(strength, flips, len(patch), generator)
        image, label, planes = sample_geometry(image, label, planes, affine, patch)
        image = change_grey(image, strength.grey if plan.rotate_degrees else 0.0, generator)
        known = torch.from_numpy(cut.known).to(device)
        target, weight = truth(label, known, len(plan.structures), planes, self._settles)
        if cut.soft:
            planes_soft = torch.from_numpy(np.stack(list(cut.soft.values()), axis=1)).to(device).float()
            moved = sample_soft(planes_soft[:, :, 0] if flat else planes_soft, affine, patch)
            target = softened(target, dict(zip(cut.soft, moved.unbind(1))))
        image = image.contiguous(memory_format=self._device.memory_format(plan))
        found, imperfect = looked_for(known, planes), None
        if cut.imperfect is not None:
            doubtful = torch.from_numpy(cut.imperfect).to(device)
            trusted = trusted_labels(label, known, planes, doubtful)
            _, sure = truth(trusted[0], trusted[1], len(plan.structures), trusted[2], self._settles)
            imperfect = weight & ~sure
            if self._trusted_only:
                weight, imperfect, found = sure, None, looked_for(trusted[1], trusted[2])
        batch = Batch(image, target, weight, found, generator, imperfect)
        return sides_changed(batch, flips[:, left_right(plan.slice_axis)], twin_places(plan)) if plan.twins else batch


class WeighedBatches:
    """The batches of MLB-Seg: windows S^n of scans with doubtful labels, and beside each batch a trusted one, S^c.

    Before step `begins` only the trusted one is made, and stands for both.
    """

    def __init__(self, doubtful: BatchMaker, trusted: BatchMaker, begins: int) -> None:
        self._doubtful = doubtful
        self._trusted = trusted
        self._begins = begins

    def batch(self, step: int, size: int) -> Batch:
        """The batch of `step` with `size` windows, and as many trusted ones."""
        trusted = self._trusted.batch(step, size)
        if step < self._begins:
            return replace(trusted, trusted=trusted)
        return replace(self._doubtful.batch(step, size), trusted=trusted)


def trusted_labels(
    label: Tensor, known: Tensor, planes: dict[str, Tensor], imperfect: Tensor
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Label map (N, *patch), known (N, K) and planes as `truth` takes them, without what is doubtful: `imperfect`, bool (N, K)."""
    table = torch.zeros(len(label), OUTSIDE + 1, dtype=torch.bool, device=label.device)
    table[:, 1 : 1 + imperfect.shape[1]] = imperfect
    doubtful = table.gather(1, label.flatten(1).long()).view_as(label)
    kept = {}
    for name, plane in planes.items():
        sure = ~imperfect[:, int(name.rsplit("-", 1)[1]) - 1]
        kept[name] = plane & sure.view(-1, *(1,) * (plane.ndim - 1))
    return torch.where(doubtful, 0, label), known & ~imperfect, kept


def twin_places(plan: Plan) -> list[int]:
    """For each structure the place of the one that it becomes when a scan is mirrored: its twin's, or its own."""
    partner = {one: other for pair in plan.twins for one, other in (pair, pair[::-1])}
    return [plan.structures.index(partner.get(name, name)) for name in plan.structures]


def sides_changed(batch: Batch, mirrored: Tensor, places: list[int]) -> Batch:
    """The batch with twins exchanged in the windows that are `mirrored`, bool (N,): there the left one is the right one."""

    def exchanged(values: Tensor) -> Tensor:
        chosen = mirrored.to(values.device)
        return torch.where(chosen.view(-1, *(1,) * (values.ndim - 1)), values[:, places], values)

    found = None if batch.looked_for is None else exchanged(batch.looked_for)
    imperfect = None if batch.imperfect is None else exchanged(batch.imperfect)
    return replace(
        batch, target=exchanged(batch.target), weight=exchanged(batch.weight), looked_for=found, imperfect=imperfect
    )


def looked_for(known: Tensor, planes: dict[str, Tensor]) -> Tensor:
    """bool (N, K): the structures that are known in a window's scan, or on some of the window's voxels."""
    found = known.clone()
    for name, plane in planes.items():
        word, value = name.rsplit("-", 1)
        if word == "certain":
            found[:, int(value) - 1] |= plane.flatten(1).any(1)
    return found


def truth(
    label: Tensor, known: Tensor, structures: int, planes: dict[str, Tensor], settles: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Target and ambiguity map, bool (N, K, *patch), of a label map (N, *patch) uint8.

    w = known | (label > 0) (INERRANT, Eq. 2), and nothing outside the scan. `settles` (K + 1, K) bool says which label settles which structure
    where some may overlap; None: every label settles all. Planes: 'positive-<value>' adds positives, 'certain-<value>' certain voxels.
    """
    values = torch.arange(1, structures + 1, device=label.device, dtype=torch.uint8)
    spread = (1, structures) + (1,) * (label.ndim - 1)
    # On volumes of bytes of one shape torch is ten times faster than on truth values, or than against a single number.
    different = label[:, None] ^ values.view(spread)
    target = different == torch.zeros_like(different)
    inside = (label != OUTSIDE)[:, None]
    drawn = (label > 0)[:, None] if settles is None else _settled(label, settles)
    anywhere = known.view(known.shape + (1,) * (label.ndim - 1))
    weight = ((_bytes(anywhere) | _bytes(drawn)) & _bytes(inside)).view(torch.bool)
    for name, plane in planes.items():
        word, value = name.rsplit("-", 1)
        index = int(value) - 1
        weight[:, index] |= plane
        if word == "positive":
            target[:, index] |= plane
            # A further positive settles the others as well, but for those that may share voxels with it.
            settled = torch.ones_like(known[0]) if settles is None else settles[index + 1]
            weight |= plane[:, None] & settled.view(spread)
    return target, weight


def softened(target: Tensor, soft: dict[int, Tensor]) -> Tensor:
    """The target as float32 (N, K, *patch), with the soft labels (N, *patch), by structure value, where they are not nan."""
    result = target.float()
    for value, plane in soft.items():
        result[:, value - 1] = torch.where(plane.isnan(), result[:, value - 1], plane)
    return result


def _bytes(flags: Tensor) -> Tensor:
    return flags.view(torch.uint8)


def _settled(label: Tensor, settles: Tensor) -> Tensor:
    clean = torch.where(label == OUTSIDE, 0, label).long()
    return settles.T[:, clean].movedim(0, 1)


def settling(structures: tuple[str, ...], overlapping: Iterable[frozenset[str]]) -> Tensor | None:
    """bool (K + 1, K): whether a voxel with label l is settled for structure k. None where all exclude each other."""
    pairs = [pair for pair in overlapping if len(pair) == 2]
    if not pairs:
        return None
    table = torch.ones(len(structures) + 1, len(structures), dtype=torch.bool)
    table[0] = False
    for pair in pairs:
        first, second = (structures.index(name) for name in sorted(pair))
        table[first + 1, second] = False
        table[second + 1, first] = False
    return table
