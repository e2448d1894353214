"""How long it takes to select a share gamma of the suggestions of seven structures in a large scan, with the ranks given."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.relabel.select import rank_volume, select, suggested

STRUCTURES = tuple(f"structure {number}" for number in range(1, 8))
GAMMA = 0.5


def measure(shape: tuple[int, int, int], times: int) -> dict[str, float]:
    """Seconds, medians: 'select' for each structure one by one with all checks against the labels, 'preview' for all in one pass, 'rank' made once per prediction."""
    label = bodies(shape)
    confidence = np.random.default_rng(0).random(shape, dtype=np.float32)
    labels = Labels.expert(STRUCTURES, np.zeros(shape, np.uint8), (False,) * len(STRUCTURES))
    started = time.perf_counter()
    rank = rank_volume(labels, label, confidence)
    ranked = time.perf_counter() - started
    stored = fixed_point(confidence)
    prediction = Prediction(STRUCTURES, label, stored, stored, rank)

    def one_by_one() -> None:
        for name in STRUCTURES:
            select(prediction, labels, name, GAMMA)

    return {
        "select": _median(one_by_one, times),
        "preview": _median(lambda: suggested(prediction, GAMMA), times),
        "rank": ranked,
        "candidates_share": float(np.count_nonzero(rank) / rank.size),
    }


def bodies(shape: tuple[int, int, int]) -> np.ndarray:
    """Seven ellipsoids, together about four percent of the volume, as organs are."""
    rng = np.random.default_rng(1)
    label = np.zeros(shape, np.uint8)
    axes = np.ogrid[tuple(slice(0, length) for length in shape)]
    for value in range(1, len(STRUCTURES) + 1):
        middle, radius = rng.uniform(0.25, 0.75, 3) * shape, rng.uniform(0.06, 0.16, 3) * shape
        distance = sum(((axis - m) / r) ** 2 for axis, m, r in zip(axes, middle, radius))
        label[np.asarray(distance) <= 1] = value
    return label


def _median(work: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
