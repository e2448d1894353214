"""How one label is made of several raters' readings: the method, its numbers, and the label with what the method learned about the raters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...run.steps import Steps, finish_now
from .consensus import majority, svls, vote_share
from .rated import RatedScan
from .staple import staple_in_steps
from .steps import SoftLabel, SoftSteps, prepare, soft_label

STEPS, SHARE, MAJORITY, STAPLE, SVLS = METHODS = ("steps", "share", "majority", "staple", "svls")


@dataclass(frozen=True)
class Recipe:
    """method: 'steps' (steps.py), or of consensus.py 'share' of the votes, 'majority', 'staple', 'svls'.

    steps: only for that method. sigma: of svls, in voxels. threshold: a voxel with at least this probability is in the hard label.
    """

    method: str = "steps"
    steps: SoftSteps = field(default_factory=SoftSteps)
    sigma: float = 1.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"a label is made by {', '.join(METHODS)}, got {self.method!r}")
        if not 0 < self.threshold <= 1:
            raise ValueError(f"the threshold must be above 0 and at most 1, got {self.threshold}")
        if not self.sigma > 0:
            raise ValueError(f"sigma must be above 0 voxels, got {self.sigma}")

    def to_json(self) -> dict[str, Any]:
        own: dict[str, dict[str, Any]] = {
            "steps": {"steps": self.steps.to_json()},
            "svls": {"sigma_voxels": self.sigma},
        }
        return {"method": self.method, **own.get(self.method, {}), "threshold": self.threshold}


@dataclass(frozen=True, eq=False)
class Made:
    """A label and how it came about. steps: those that were really taken, None for another method. raters: what STAPLE says of each."""

    scan: RatedScan
    label: SoftLabel
    threshold: float
    steps: SoftSteps | None = None
    raters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def hard(self) -> np.ndarray:
        """bool (z, y, x): probability at least the threshold."""
        return self.label.plane >= np.float32(self.threshold)


def make(scan: RatedScan, recipe: Recipe) -> Made:
    """The label of one structure in one scan. Without a bone mask (masks need none) the steps that ask for it are left out, as `Made.steps` says."""
    return finish_now(make_in_steps(scan, recipe))


def make_in_steps(scan: RatedScan, recipe: Recipe) -> Steps[Made]:
    """The same; STAPLE, which looks at the whole scan before it knows anything, a slice a step."""
    yield 0.0
    if recipe.method == STEPS:
        steps = recipe.steps if scan.bone is not None else recipe.steps.without_bone()
        return Made(scan, soft_label(prepare(scan), steps), recipe.threshold, steps)
    if recipe.method == STAPLE:
        found = yield from staple_in_steps(scan, scan.bone)
        raters = {
            reading.rater: {"sensitivity": sensitivity, "specificity": specificity}
            for reading, sensitivity, specificity in zip(scan.readings, found.sensitivity, found.specificity)
        }
        return Made(scan, found.label, recipe.threshold, None, raters)
    if recipe.method == SVLS:
        return Made(scan, svls(scan, recipe.sigma), recipe.threshold)
    return Made(scan, majority(scan) if recipe.method == MAJORITY else vote_share(scan), recipe.threshold)
