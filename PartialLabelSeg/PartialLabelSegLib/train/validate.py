"""Validation Dice on cases that are fixed for the whole run, over what their annotators looked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import nn

from ..config import Plan
from .device import Device
from .predict import exclusive_labels, predict_volume
from .prepared import PreparedCase


def validation_dice(network: nn.Module, cases: Sequence[PreparedCase], plan: Plan, device: Device) -> dict[str, float]:
    """Mean Dice per structure name over the cases in which it is known and drawn; nan where there is no such case.

    Doubtful labels do not count. A soft label is hardened at 0.5, and counts on the slices that were read.
    """
    scores: dict[str, list[float]] = {name: [] for name in plan.structures}
    for case in cases:
        probability = predict_volume(network, case.image, plan, device)
        predicted, _ = exclusive_labels(volume.numpy() for volume in probability)
        for value, name in enumerate(plan.structures, 1):
            where = case.looked_at(value)
            if where is None or value not in case.points or case.is_imperfect(value):
                continue
            truth = case.positive(value) & where
            if truth.any():
                scores[name].append(_dice((predicted == value) & where, truth))
        case.give_back_pages()
    return {name: sum(found) / len(found) if found else math.nan for name, found in scores.items()}


def _dice(predicted: np.ndarray, truth: np.ndarray) -> float:
    both = int(np.count_nonzero(predicted & truth))
    return 2 * both / max(1, int(np.count_nonzero(predicted)) + int(np.count_nonzero(truth)))
