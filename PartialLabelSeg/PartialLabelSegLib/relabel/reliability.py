"""How right the most confident suggestions are, measured on held-out scans: the precision that can be expected at a share gamma."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.labels import Labels
from ..data.prediction import ONE, Prediction
from ..run.failure import Failure
from ..run.files import read_json, write_json
from .levels import GAMMAS

FORMAT = 1
FEWEST_VOXELS = 100
"""With fewer voxels nothing is said."""


@dataclass(frozen=True)
class Tally:
    """One structure over held-out scans in which it is known. Per level of GAMMAS: the most confident voxels, and those of them that truly are it."""

    scans: int
    voxels: tuple[int, ...]
    right: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.voxels) != len(GAMMAS) or len(self.right) != len(GAMMAS):
            raise ValueError(f"a tally needs {len(GAMMAS)} levels of gamma")
        if any(not 0 <= good <= every for good, every in zip(self.right, self.voxels)):
            raise ValueError("no more voxels can be right than there are")

    def precision(self, gamma: float) -> float | None:
        """The share of right voxels among the most confident share gamma, between levels interpolated; None where too few voxels tell."""
        at = gamma * len(GAMMAS) - 1
        below = min(max(int(np.floor(at + 1e-9)), 0), len(GAMMAS) - 1)
        above = min(below + 1, len(GAMMAS) - 1)
        first, second = self._share(below), self._share(above)
        part = min(max(at - below, 0.0), 1.0)
        return None if first is None or second is None else (1 - part) * first + part * second

    def _share(self, level: int) -> float | None:
        return self.right[level] / self.voxels[level] if self.voxels[level] >= FEWEST_VOXELS else None

    def and_then(self, other: Tally) -> Tally:
        voxels = (one + two for one, two in zip(self.voxels, other.voxels))
        right = (one + two for one, two in zip(self.right, other.right))
        return Tally(self.scans + other.scans, tuple(voxels), tuple(right))


def tallied(prediction: Prediction, labels: Labels) -> dict[str, Tally]:
    """Every structure that is known in the whole scan, drawn or absent: voxels predicted as it, most confident first, held against the label."""
    found = {}
    for structure in labels.structures:
        if labels.is_known(structure):
            places = np.flatnonzero(prediction.label == prediction.value(structure))
            order = np.argsort(ONE - prediction.confidence.reshape(-1)[places], kind="stable")
            right = np.concatenate([[0], np.cumsum(labels.positive(structure).reshape(-1)[places[order]])])
            counts = [round(gamma * places.size) for gamma in GAMMAS]
            found[structure] = Tally(1, tuple(counts), tuple(int(right[count]) for count in counts))
    return found


def pooled(scans: Iterable[Mapping[str, Tally]]) -> dict[str, Tally]:
    """The tallies of several scans as one per structure."""
    result: dict[str, Tally] = {}
    for scan in scans:
        for name, item in scan.items():
            result[name] = result[name].and_then(item) if name in result else item
    return result


def write_reliability(path: Path, found: Mapping[str, Tally]) -> None:
    """Writes the counts, and for other readers the precision that follows from them: per level, null where too few voxels tell."""
    structures = {
        name: {
            "scans": item.scans,
            "voxels": item.voxels,
            "right": item.right,
            "precision": [item.precision(gamma) for gamma in GAMMAS],
        }
        for name, item in found.items()
    }
    write_json(path, {"format": FORMAT, "gammas": GAMMAS, "structures": structures})


def read_reliability(path: Path) -> dict[str, Tally]:
    """What was measured in a round; nothing where it was not. Failure: damaged."""
    if not path.exists():
        return {}
    value = read_json(path, "the measured reliability")
    try:
        if value["format"] != FORMAT or list(value["gammas"]) != list(GAMMAS):
            raise ValueError("another format")
        return {
            str(name): Tally(int(item["scans"]), _numbers(item["voxels"]), _numbers(item["right"]))
            for name, item in value["structures"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure(f"{path.name} is damaged ({error}).", way_out="Delete it; it is made anew.") from None


def _numbers(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
