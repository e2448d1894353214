"""The label of all raters on one slice, at once: by the four steps or another rule, and where the raters disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data.raters.consensus import svls_on, votes_on
from ...data.raters.disagreement import disagreement
from ...data.raters.recipe import MAJORITY, METHODS, SHARE, STEPS, SVLS
from ...data.raters.steps import Prepared, Preview, SoftSteps, preview

SLICE_BY_SLICE = (STEPS, SHARE, MAJORITY, SVLS)
"""Methods whose slices are made one at a time; STAPLE needs the whole scan."""
LEAST_SIGMA, MOST_SIGMA = 0.1, 5.0
LABEL, DISAGREEMENT, NOTHING = SHOWN = ("label", "disagreement", "nothing")


@dataclass(frozen=True)
class SoftChoice:
    """How the label is made, and what of it lies over the scan. sigma: of svls, in voxels. outlined: the step whose changed voxels are outlined, '' for none."""

    method: str = STEPS
    shown: str = LABEL
    outlined: str = ""
    opacity: float = 0.6
    sigma: float = 1.0

    def __post_init__(self) -> None:
        if self.method not in METHODS or self.shown not in SHOWN or not 0 <= self.opacity <= 1:
            raise ValueError(f"no such choice: {self}")
        if not LEAST_SIGMA <= self.sigma <= MOST_SIGMA:
            raise ValueError(f"sigma must lie in {LEAST_SIGMA:g}..{MOST_SIGMA:g} voxels, got {self.sigma}")


def usable_steps(prepared: Prepared, steps: SoftSteps) -> SoftSteps:
    """Those of the steps that can be taken: two of them need a bone mask."""
    return steps if prepared.scan.bone is not None else steps.without_bone()


def steps_on(prepared: Prepared, index: int, steps: SoftSteps) -> Preview:
    """The four steps on a slice."""
    return preview(prepared, index, usable_steps(prepared, steps))


def plane_of(prepared: Prepared, index: int, steps: SoftSteps, choice: SoftChoice) -> np.ndarray:
    """float32 plane in 0..1: what is shown of a slice, for a method that goes slice by slice."""
    if choice.shown == DISAGREEMENT:
        return disagreement(share_on(prepared, index))
    if choice.method == STEPS:
        return _last(steps_on(prepared, index, steps))
    if choice.method == SVLS:
        return svls_on(prepared, index, choice.sigma)
    share = votes_on(prepared, index)
    return share if choice.method == SHARE else (share >= 0.5).astype(np.float32) * (share > 0)


def share_on(prepared: Prepared, index: int) -> np.ndarray:
    """float32 plane: the share of the votes, inside the bone where there is one."""
    share = votes_on(prepared, index)
    bone = prepared.scan.bone
    return share if bone is None else share * prepared.scan.plane(bone, index)


def _last(found: Preview) -> np.ndarray:
    return list(found.stages.values())[-1]
