"""What the tests of training are made of: tiny scans of balls, the plan of a tiny network, and a run that is ready to learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PartialLabelSegLib.config import Configuration, Intensity, Plan, Relabelling
from PartialLabelSegLib.data.case import Case, CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.device import Device
from PartialLabelSegLib.train.prepared import PreparedCase
from PartialLabelSegLib.train.session import Session

STRUCTURES = ("Large", "Small", "Dark")
SIZE = 24
CPU = Device("cpu", "float32")

# Middle (z, y, x), radius and grey value of each ball, in the order of STRUCTURES.
BALLS = (((12.0, 8.0, 8.0), 5.5, 3.0), ((12.0, 17.0, 16.0), 3.2, 6.0), ((7.0, 16.0, 6.0), 3.6, -4.0))


def plan_of(structures: Sequence[str] = STRUCTURES, dimensions: str = "2d", steps: int = 60) -> Plan:
    """A plan for scans of 24 voxels of 2 mm along each side: a network of two levels, nothing turned or moved."""
    deep = dimensions == "3d"
    down = (2, 2, 2) if deep else (1, 2, 2)
    return Plan(
        structures=tuple(structures),
        dimensions=dimensions,
        slice_axis=0,
        spacing_mm=(2.0, 2.0, 2.0),
        patch=(16, 16, 16) if deep else (1, SIZE, SIZE),
        context=1 if dimensions == "2.5d" else 0,
        batch=2 if deep else 8,
        widths=(8, 12),
        strides=((1, 1, 1), down),
        norm="instance" if deep else "batch",
        intensity=Intensity(-8.0, 8.0, 0.0, 4.0),
        steps=steps,
        fine_tune_steps=max(1, steps // 3),
        confidence_steps=max(1, steps // 3),
        learning_rate=1e-2,
        learning_rate_end=1e-3,
        dice_weight=1.0,
        mirror=(),
        rotate_degrees=0.0,
        scale=0.0,
        translate=0.0,
        precision="float32",
        prior=0.05,
        validate_every=20,
        confidence_widths=(8,),
        average=0.9,
    )


def straight_grid(size: tuple[int, int, int] = (SIZE, SIZE, SIZE), spacing_mm: float = 2.0) -> Grid:
    """A grid of cubes along the patient's axes; `size` is (x, y, z)."""
    return Grid(size, (spacing_mm,) * 3, (-20.0, 5.0, 100.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


@dataclass(frozen=True, eq=False)
class Scan:
    """Grey values float32 and the true label map uint8, both (z, y, x)."""

    image: np.ndarray
    truth: np.ndarray


def scan_of(seed: int, balls: Sequence[tuple[tuple[float, float, float], float, float]] = BALLS) -> Scan:
    """Noisy balls near their usual places."""
    rng = np.random.default_rng([5, seed])
    places = np.stack(np.meshgrid(*(np.arange(SIZE),) * 3, indexing="ij"), -1).astype(float)
    image = rng.normal(0, 0.7, (SIZE,) * 3)
    truth = np.zeros((SIZE,) * 3, np.uint8)
    for value, (middle, radius, grey) in enumerate(balls, 1):
        inside = np.linalg.norm(places - np.array(middle) - rng.uniform(-1, 1, 3), axis=-1) < radius
        image[inside] += grey
        truth[inside] = value
    return Scan(image.astype(np.float32), truth)


def source_of(name: str, image: sitk.Image, labels: Labels, split: str = "train") -> CaseSource:
    return CaseSource(name, lambda: image, lambda grid: labels, split=split)


def write_scan(folder: Path, array: np.ndarray, labels: Labels, grid: Grid, split: str = "train") -> Case:
    """A case of a run, named as its folder."""
    return write_case(folder, source_of(folder.name, grid.image(array), labels, split), folder.name)


def partial(truth: np.ndarray, known: Sequence[bool]) -> Labels:
    """An annotator's labels: the structures that are not known are not drawn."""
    kept = np.array([0, *(value if flag else 0 for value, flag in enumerate(known, 1))], np.uint8)
    return Labels.expert(STRUCTURES[: len(known)], kept[truth], tuple(known))


# Which structures each of the five scans shows; the last one is for validation.
KNOWN = ((True, True, False), (True, False, True), (False, True, True), (True, True, True), (True, True, True))


def labels_of_cohort(known: Sequence[Sequence[bool]] = KNOWN) -> list[Labels]:
    return [partial(scan_of(seed).truth, flags) for seed, flags in enumerate(known)]


def make_session(
    folder: Path,
    labels: Sequence[Labels],
    relabelling: Relabelling | None = None,
    plan: Plan | None = None,
    change: Callable[[Session], Session] = lambda session: session,
) -> Session:
    """A run in `folder` with one scan of balls per given labels; the last one is for validation."""
    run, grid = RunFolder(folder), straight_grid()
    splits = ["train"] * (len(labels) - 1) + ["validation"]
    cases = []
    for seed, (said, split) in enumerate(zip(labels, splits)):
        cases.append(write_scan(run.case(f"scan{seed}"), scan_of(seed).image, said, grid, split))
    configuration = Configuration(relabelling=relabelling or Relabelling(gamma_max=1.0))
    overlapping = labels[0].overlapping
    chosen = plan or plan_of(labels[0].structures)
    return change(Session(run, configuration, chosen, CPU, tuple(cases), overlapping))


def prepared_case(
    label_map: np.ndarray, known: Sequence[bool], image: np.ndarray | None = None, name: str = "scan"
) -> PreparedCase:
    """A prepared case in memory, without planes."""
    grey = np.zeros(label_map.shape, np.float16) if image is None else image.astype(np.float16)
    values = [int(value) for value in np.unique(label_map) if value]
    points = {value: np.flatnonzero(label_map == value).astype(np.int64) for value in values}
    return PreparedCase(name, grey, label_map.astype(np.uint8), np.array(known, bool), {}, points)


def with_planes(case: PreparedCase, planes: dict[str, np.ndarray]) -> PreparedCase:
    """The same case with masks, bool (slice, row, column), as planes."""
    return replace(case, planes={name: np.packbits(mask, axis=-1) for name, mask in planes.items()})


def with_soft(case: PreparedCase, soft: dict[int, np.ndarray]) -> PreparedCase:
    """The same case with soft labels (slice, row, column) by structure value."""
    return replace(case, soft={value: plane.astype(np.float16) for value, plane in soft.items()})
