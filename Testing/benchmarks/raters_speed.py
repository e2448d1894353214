"""How long a soft label of seven raters takes on a knee-like volume, and the preview of one slice."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.steps import SoftSteps, prepare, preview, soft_label
from PartialLabelSegLib.data.raters.template import OUTLINE, around_bone
from PartialLabelSegLib.data.raters.types import Reading, Tick
from PartialLabelSegLib.run.files import write_json

SHAPE = (40, 448, 448)
RATERS, ROWS, COLUMNS = 7, 8, 10
TIMES = 5


def knee() -> RatedScan:
    """A bright ellipsoid of bone on 40 slices of 448 x 448, a grid that follows its outline, and seven raters who tick a tenth of its cells each."""
    rng = np.random.default_rng(0)
    z, y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in SHAPE)
    bone = (z[:, None, None] / 0.95) ** 2 + (y[:, None] / 0.6) ** 2 + (x / 0.5) ** 2 < 1
    image = rng.normal(100, 20, SHAPE).astype(np.float32) + 50 * bone
    template = around_bone(bone, ROWS, COLUMNS, follow=OUTLINE)
    slices = np.flatnonzero(bone.any(axis=(1, 2)))
    readings = []
    for number in range(RATERS):
        ticked = rng.random((SHAPE[0], ROWS, COLUMNS)) < 0.1
        ticks = tuple(Tick(*(int(part) for part in cell)) for cell in np.argwhere(ticked) if cell[0] in slices)
        readings.append(Reading("knee", f"rater {number}", ticks=ticks))
    return RatedScan(tuple(readings), SHAPE, template, bone, image)


def measure_speed(path: Path) -> None:
    """Writes the medians in seconds; nothing is done where they are there."""
    if path.exists():
        return
    scan = knee()
    prepared = prepare(scan)
    middle = SHAPE[0] // 2
    percentiles = iter(np.linspace(80, 95, TIMES + 1))
    write_json(
        path,
        {
            "raters": RATERS,
            "shape": list(SHAPE),
            "soft_label_seconds": _median(lambda: soft_label(prepare(scan))),
            "preview_seconds": _median(
                lambda: preview(prepared, middle, SoftSteps(bright_percentile=float(next(percentiles))))
            ),
        },
    )


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times), 4)
