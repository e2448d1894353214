"""Active-passive loss (APL): normalised cross-entropies that pull towards the label, and a reverse one that pushes away from the other label."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from .noise_robust import CLIP, hardened, normalised_cross_entropy, normalised_reverse_cross_entropy


@dataclass(frozen=True)
class ActivePassive:
    """alpha1 NBCE + alpha2 NSCE + beta NRCE per voxel (Felfeliyan et al. 2022, Eq. 1; Ma et al. 2020).

    NBCE is the normalised cross-entropy to the hardened target (q >= 0.5), NSCE the one to the soft target, NRCE the normalised reverse
    cross-entropy to the soft target, its logarithm clipped at `clip`. Each lies in 0..1, so the sum lies in 0..alpha1 + alpha2 + beta.
    The paper's rows: (1, 1, 1), (0, 2, 1), (0, 1, 1), (2, 2, 1) with soft targets, (1, 0, 1) and (2, 0, 1) with hard ones.
    """

    alpha1: float = 1.0
    alpha2: float = 1.0
    beta: float = 1.0
    clip: float = CLIP

    def __post_init__(self) -> None:
        weights = (self.alpha1, self.alpha2, self.beta)
        if not all(0 <= weight < math.inf for weight in weights) or not any(weights):
            raise ValueError(f"the weights of an active-passive loss must be from 0, and not all 0, got {weights}")

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each voxel; logits and target as in losses/noise_robust.py."""
        parts = []
        if self.alpha1:
            parts.append(self.alpha1 * normalised_cross_entropy(logits, hardened(target)))
        if self.alpha2:
            parts.append(self.alpha2 * normalised_cross_entropy(logits, target))
        if self.beta:
            parts.append(self.beta * normalised_reverse_cross_entropy(logits, target, self.clip))
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total
