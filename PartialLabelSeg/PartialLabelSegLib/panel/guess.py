"""About how long learning will take, before the worker has measured it: from the preset and the device, with times of usual computers."""

from __future__ import annotations

import os

from .state import Choices
from .torch_probe import TorchState
from .view_models import EstimateView

STEPS = {"quick": 1600, "standard": 20_000, "paper": 50_000}
FINE_TUNE, CONFIDENCE = 1 / 3, 1 / 4
CONFIDENCE_COST, REST = 1.6, 1.15
"""As the worker's plan and its estimate have them."""
CPU_SECONDS = {"quick": 0.6, "standard": 9.0, "paper": 40.0}
"""Of a step on two cores."""
DEVICE_SECONDS = {
    "cuda": {"quick": 0.03, "standard": 0.15, "paper": 0.35},
    "mps": {"quick": 0.12, "standard": 1.0, "paper": 4.0},
}
MOST_CORES = 8
GIGABYTES = {"quick": 2.7, "standard": 7.0, "paper": 20.0}
"""Of a cohort of large scans, at most."""


def guessed(choices: Choices, torch: TorchState) -> EstimateView:
    """Clearly a guess; where the user set a time, that."""
    device = torch.device if choices.device == "auto" else choices.device
    threads = cores() if device == "cpu" else 0
    gigabytes = GIGABYTES.get(choices.preset, 0.0)
    if choices.minutes is not None:
        return EstimateView(choices.minutes * 60, gigabytes, device, threads)
    steps = STEPS.get(choices.preset, STEPS["quick"])
    learned = choices.confidence == "learned"
    confidence = (choices.rounds + 1) * CONFIDENCE * CONFIDENCE_COST if learned else 0.0
    units = steps * (1 + choices.rounds * FINE_TUNE + confidence)
    slow = CPU_SECONDS.get(choices.preset, CPU_SECONDS["quick"]) * 2 / max(1, min(threads, MOST_CORES))
    step = DEVICE_SECONDS.get(device, {}).get(choices.preset, slow)
    return EstimateView(units * step * REST, gigabytes, device, threads)


def cores() -> int:
    """How many the worker takes: it leaves one to Slicer where there are more than two."""
    there = os.cpu_count() or 1
    return there - 1 if there > 2 else there
