"""The plan: from what the data is like and what the machine can do to spacing, patch, widths and steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..config import Configuration, Intensity, Plan, from_json, to_json
from ..run.failure import Failure
from .case import Case
from .geometry import Grid
from .grey import Scale, intensity_of, on_own_scale, scale_of, scales_differ
from .labels import Labels

PIXELS = {"quick": 160, "standard": 320, "paper": 512}
"""Most pixels along a side of the plane that the network works on."""
INSTANCE_FOREGROUND = 0.5
"""Share of windows centred on a lesion for an instance network. With 0.85, as for a U-Net, it takes the middle of a window for a lesion:
on ellipses AP50 was 0.6 instead of 1."""
_SAMPLES_PER_CASE = 20_000


@dataclass(frozen=True)
class Fingerprint:
    """What a cohort is like: medians over its cases, (z, y, x) in canonical orientation; grey values over labelled voxels.

    intensity: as they are. own_scale: the same with each scan on its own scale (data/grey.py), which is needed where `scales_differ`.
    """

    cases: int
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    intensity: Intensity
    foreground_share: float
    own_scale: Intensity
    scales_differ: bool


@dataclass(frozen=True)
class Machine:
    """What the plan needs to know of the device: its name, memory in GiB, and its fastest safe precision."""

    device: str
    gigabytes: float
    precision: str


@dataclass(frozen=True)
class _Basis:
    """What every preset starts from."""

    found: Fingerprint
    structures: tuple[str, ...]
    dimensions: str
    machine: Machine


def fingerprint(cases: Iterable[tuple[Case, Labels]]) -> Fingerprint:
    """Reads each case once. Grey values: the 0.5th and 99.5th percentile, mean and standard deviation on labelled voxels, or where no case has any, on the whole scans."""
    shapes, spacings, shares, scales = [], [], [], []
    labelled: list[tuple[np.ndarray, Scale]] = []
    whole: list[tuple[np.ndarray, Scale]] = []
    rng = np.random.default_rng(0)
    for case, labels in cases:
        grid = case.grid.canonical()
        shapes.append(grid.shape)
        spacings.append(grid.spacing_mm)
        array = sitk.GetArrayFromImage(case.image())
        drawn = labels.label_map > 0
        for plane in labels.soft.values():
            # What one rater of four saw is learned, too: its grey values must not be clipped away.
            drawn |= plane > 0
        shares.append(float(drawn.mean()))
        values = array[drawn] if drawn.any() else array.ravel()
        values = values[np.isfinite(values)]
        # Air of a scan in which nothing is drawn would make all organs look alike.
        samples = labelled if drawn.any() else whole
        scales.append(scale_of(array))
        some = rng.choice(values, min(values.size, _SAMPLES_PER_CASE), replace=False).astype(np.float32)
        samples.append((some, scales[-1]))
    if not shapes:
        raise Failure("There is no case to learn from.", way_out="Run `check` on the data set to see why.")
    shape = tuple(int(value) for value in np.median(shapes, axis=0))
    spacing = tuple(float(value) for value in np.median(spacings, axis=0))
    return Fingerprint(
        len(shapes),
        (shape[0], shape[1], shape[2]),
        (spacing[0], spacing[1], spacing[2]),
        intensity_of(np.concatenate([values for values, _ in labelled or whole])),
        float(np.mean(shares)),
        intensity_of(np.concatenate([on_own_scale(*sample) for sample in labelled or whole])),
        scales_differ(scales),
    )


def make_plan(
    found: Fingerprint,
    structures: Sequence[str],
    configuration: Configuration,
    machine: Machine,
    twins: Sequence[tuple[str, str]] | None,
) -> Plan:
    """The plan of a preset for a cohort and a machine, with the user's overrides. ValueError: an override that does not fit.

    twins: the structures that change places when a scan is mirrored; None where some has no twin (data/sides.py). Scans are mirrored by
    themselves only where no structure has a side; `mirror` in the plan does it with twins as well, which suits symmetric anatomy.
    """
    dimensions = configuration.dimensions or ("2d" if configuration.preset == "paper" else "2.5d")
    slice_axis = _slice_axis(found.spacing_mm, found.shape)
    order = [slice_axis, *(axis for axis in range(3) if axis != slice_axis)]
    spacing = [found.spacing_mm[axis] for axis in order]
    shape = [found.shape[axis] for axis in order]
    limit = PIXELS[configuration.preset]
    coarser = max(1.0, max(shape[1:]) / limit)
    spacing = [
        spacing[0] if dimensions != "3d" else max(spacing[0], spacing[1] * coarser / 2),
        spacing[1] * coarser,
        spacing[2] * coarser,
    ]
    sizes = [math.ceil(shape[axis] * found.spacing_mm[order[axis]] / spacing[axis]) for axis in range(3)]
    plan = _PRESETS[configuration.preset](_Basis(found, tuple(structures), dimensions, machine))
    own_scale = bool(configuration.plan.get("own_scale", found.scales_differ))
    patch, strides = _patch_and_strides(sizes, spacing, dimensions, len(plan.widths), limit)
    plan = replace(
        plan,
        slice_axis=slice_axis,
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        patch=patch,
        strides=strides,
        own_scale=own_scale,
        intensity=found.own_scale if own_scale else found.intensity,
        # With twins, too, mirroring would be right, but an abdomen with its liver on the left is one more thing to learn.
        mirror=(left_right(slice_axis),) if twins is not None and not twins else (),
        twins=tuple(twins or ()),
    )
    if configuration.plan.get("architecture") == "instance":
        plan = replace(plan, foreground_share=INSTANCE_FOREGROUND)
    return overridden(plan, configuration.plan)


def overridden(plan: Plan, changes: dict[str, Any]) -> Plan:
    """The plan with single fields replaced. ValueError: a field it does not have, a value that does not fit, or what is chosen elsewhere."""
    for name, place in (("structures", "by the data set"), ("dimensions", "with --dimensions")):
        if name in changes:
            raise ValueError(f"{name} cannot be set in the plan; they are chosen {place}")
    return from_json(Plan, {**to_json(plan), **changes})


def _slice_axis(spacing_mm: tuple[float, float, float], shape: tuple[int, int, int]) -> int:
    """Axial slices, unless another axis is cut more than twice as coarsely, or is the only one with a single slice."""
    if min(shape) == 1 < shape[0]:
        return shape.index(1)
    coarsest = int(np.argmax(spacing_mm))
    return coarsest if spacing_mm[coarsest] > 2 * spacing_mm[0] else 0


def stored_slice_axis(grid: Grid) -> int:
    """The array axis (of z, y, x as stored) along which the plan of a cohort of this one scan would cut it into slices."""
    canonical = grid.canonical()
    return grid.stored_axis(_slice_axis(canonical.spacing_mm, canonical.shape))


def left_right(slice_axis: int) -> int:
    """The left-right axis (x) in network order."""
    return 0 if slice_axis == 2 else 2


def _patch_and_strides(
    sizes: Sequence[int], spacing: Sequence[float], dimensions: str, levels: int, limit: int
) -> tuple[tuple[int, int, int], tuple[tuple[int, int, int], ...]]:
    """The patch covers the plane where the limit allows; an axis is halved as long as it stays at 4 voxels and is not much coarser than the others."""
    if dimensions == "3d":
        # On a processor a block of few slices: a step takes a third of the time, and 8 cm along the body tell where an organ ends.
        most = (32, 96, 96) if limit <= 160 else (128, 128, 128)
        lengths = [min(max(size, 8), longest) for size, longest in zip(sizes, most)]
    else:
        lengths = [1, min(sizes[1], limit), min(sizes[2], limit)]
    strides: list[tuple[int, int, int]] = [(1, 1, 1)]
    reach, left = list(spacing), list(lengths)
    for _ in range(levels - 1):
        finest = min(reach[axis] for axis in (range(3) if dimensions == "3d" else (1, 2)))
        step = [2 if left[axis] >= 8 and reach[axis] <= 2 * finest else 1 for axis in range(3)]
        strides.append((step[0], step[1], step[2]))
        reach = [value * factor for value, factor in zip(reach, step)]
        left = [math.ceil(value / factor) for value, factor in zip(left, step)]
    total = np.prod(strides, axis=0)
    patch = [int(math.ceil(length / factor) * factor) for length, factor in zip(lengths, total)]
    return (patch[0], patch[1], patch[2]), tuple(strides)


def _quick(basis: _Basis) -> Plan:
    """Minutes on two CPU cores."""
    deep = basis.dimensions == "3d"
    plan = _base(
        basis,
        widths=(16, 32, 64, 128, 256),
        batch=2 if deep else 12,
        steps=1600,
        # With blocks a batch holds two windows: at the rate for slices nothing was learned (measured on OpenKBP).
        rate=1e-3 if deep else 3e-3,
    )
    return replace(plan, flat_levels=1) if deep else plan


def _standard(basis: _Basis) -> Plan:
    """A GPU, an hour or so."""
    deep = basis.dimensions == "3d"
    widths = (32, 64, 128, 256, 320)
    roomy = basis.machine.gigabytes >= 10
    return replace(
        _base(
            basis,
            widths=widths,
            batch=(2 if deep else 16) if roomy else (1 if deep else 8),
            steps=20_000,
            rate=1e-3,
        ),
        validate_every=500,
        confidence_widths=(128, 64, 64),
    )


MLB: dict[str, Any] = {"normalised": "separate", "supervised_step": False, "views": 4, "teacher": 0.99}
"""How MLB-Seg's paper weighs doubtful labels."""


def _paper(basis: _Basis) -> Plan:
    """Table 11's U-Net, Adam 1e-4 -> 1e-5 exponentially, cross-entropy only (INERRANT, section 4.1.3)."""
    return replace(
        _base(basis, widths=(64, 128, 256, 512, 1024), batch=4, steps=50_000, rate=1e-4),
        learning_rate_end=1e-5,
        dice_weight=0.0,
        optimiser="adam",
        schedule="exponential",
        weight_decay=0.0,
        architecture="paper" if basis.dimensions != "3d" else "unet",
        average=0.0,
        clip_norm=0.0,
        validate_every=1000,
        confidence_widths=(400, 120, 64, 64),
        **MLB,
    )


_PRESETS = {"quick": _quick, "standard": _standard, "paper": _paper}


def _base(basis: _Basis, *, widths: tuple[int, ...], batch: int, steps: int, rate: float) -> Plan:
    dimensions = basis.dimensions
    return Plan(
        structures=basis.structures,
        dimensions=dimensions,
        slice_axis=0,
        spacing_mm=(1.0, 1.0, 1.0),
        patch=(16, 16, 16) if dimensions == "3d" else (1, 16, 16),
        context=1 if dimensions == "2.5d" else 0,
        batch=batch,
        widths=widths,
        strides=((1, 1, 1),) * len(widths),
        norm="batch" if dimensions != "3d" else "instance",
        intensity=basis.found.intensity,
        steps=steps,
        fine_tune_steps=steps // 3,
        confidence_steps=max(100, steps // 4),
        learning_rate=rate,
        learning_rate_end=rate / 50,
        dice_weight=1.0,
        mirror=(),
        rotate_degrees=15.0,
        scale=0.2,
        translate=0.05,
        precision=basis.machine.precision,
        average=0.99,
        confidence_widths=(48, 32),
        # Weights as in the paper, without a step on trusted labels, lost what these teach (measured: bench meta and kinds).
        normalised="even",
        supervised_step=True,
        views=0,
        teacher=0.0,
    )
