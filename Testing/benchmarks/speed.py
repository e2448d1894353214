"""How fast it is, measured side by side with the bare network and with a MONAI loop.

    python3 Testing bench speed              about five minutes on two quiet cores
    python3 Testing bench speed --short      a look in a minute or so, too short to be quoted

Writes `speed.md` and `speed.json` to Resources/Benchmarks, or to the folder given with `--out`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks import speed_memory, speed_monai, speed_predict, speed_select, speed_step
from benchmarks.paired import in_turn
from benchmarks.real_scans import HIPPOCAMPUS, ORGANS, Prepared, hippocampus, openkbp, prepare
from benchmarks.speed_table import page
from benchmarks.tables import RESULTS, load, machine, write_benchmark
from PartialLabelSegLib.train.device import keep_freed_memory

THREADS = 2


@dataclass(frozen=True)
class Pace:
    """How often everything is repeated. `steps` is for the 2.5D network; the slower 3D one takes half as many."""

    size: str
    shape: tuple[int, int, int]
    steps: int
    step_rounds: int
    monai_rounds: int
    workers: tuple[int, ...]
    predict_rounds: int
    times: int


FULL = Pace("full", (300, 512, 512), 8, 14, 5, speed_monai.WORKERS, 8, 5)
SHORT = Pace("short", (300, 512, 512), 4, 3, 2, (0,), 2, 1)


def main(arguments: list[str]) -> int:
    """Measures everything and writes the two files; the exit status says nothing about how fast it was."""
    parser = argparse.ArgumentParser(prog="python3 Testing bench speed", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer repetitions and a smaller cohort for the memory")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for speed.md and speed.json")
    parser.add_argument("--threads", type=int, default=min(THREADS, os.cpu_count() or 1), help="how many cores to use")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        numbers = measure(SHORT if chosen.short else FULL, Path(folder))
    text = page(numbers)
    write_benchmark(chosen.out, "speed", numbers, text)
    print(text)
    return 0


def measure(pace: Pace, folder: Path) -> dict[str, Any]:
    """The numbers of `speed.json`: the worst of the data sets for each ratio, then everything in detail."""
    busy = load()
    data = [
        _told("openkbp 2.5D", prepare("openkbp", openkbp(8), ORGANS, "2.5d", folder / "openkbp")),
        _told("hippocampus 3D", prepare("hippocampus", hippocampus(12), HIPPOCAMPUS, "3d", folder / "hippocampus")),
    ]
    step = {item.name: _step(item, pace, folder) for item in data}
    monai = {item.name: _monai(item, pace, folder) for item in data}
    if pace is FULL:
        # Small scans fit into one window: this one needs several that overlap.
        data.append(prepare("openkbp in 3D", openkbp(1), ORGANS, "3d", folder / "openkbp-3d"))
    prediction = {item.name: _prediction(item, pace) for item in data}
    select = _told("select", speed_select.measure(pace.shape, pace.times))
    memory = _told("memory", speed_memory.measure(folder / "memory", pace.size))
    return {
        "step_ratio_to_bare": max(item["ratio"]["median"] for item in step.values()),
        "throughput_ratio_to_monai": min(item["float32"]["median"] for item in monai.values()),
        "throughput_ratio_to_monai_same_precision": min(item["same_precision"]["median"] for item in monai.values()),
        "prediction_ratio_to_bare": max(item["volume"]["median"] for item in prediction.values()),
        "select_gamma_seconds": round(select["select"], 3),
        "streamed_peak_gib": max(item["peak_gib"] for item in memory.values()),
        "quotable": pace is FULL,
        "load_before": busy,
        "machine": machine(),
        "details": {"step": step, "monai": monai, "prediction": prediction, "select": select, "memory": memory},
    }


def _steps(data: Prepared, pace: Pace) -> int:
    return pace.steps if data.plan.dimensions != "3d" else pace.steps // 2


def _step(data: Prepared, pace: Pace, folder: Path) -> dict[str, Any]:
    steps = _steps(data, pace)
    rounds = speed_step.compare(data, steps, pace.step_rounds, folder)
    seconds = {arm: round(rounds.seconds(arm) / steps, 4) for arm in ("product", "bare")}
    return _told(
        f"step, {data.name}",
        {"ratio": rounds.ratio("product", "bare"), "seconds": seconds, "precision": data.plan.precision},
    )


def _monai(data: Prepared, pace: Pace, folder: Path) -> dict[str, Any]:
    """How many times longer MONAI takes for as many windows; of its workers the fastest number counts."""
    steps = _steps(data, pace)
    theirs = speed_monai.arms(data, steps, pace.workers)
    rounds = in_turn({"product": speed_step.product(data, steps, folder), **theirs}, pace.monai_rounds)
    best = {
        precision: min((arm for arm in theirs if arm.startswith(f"{precision},")), key=rounds.seconds)
        for precision in ("float32", data.plan.precision)
    }
    windows = data.plan.batch * steps
    found = {
        "float32": rounds.ratio(best["float32"], "product"),
        "same_precision": rounds.ratio(best[data.plan.precision], "product"),
        "windows_per_second": {arm: round(windows / rounds.seconds(arm), 1) for arm in ("product", *theirs)},
        "precision": data.plan.precision,
    }
    return _told(f"MONAI, {data.name}", found)


def _prediction(data: Prepared, pace: Pace) -> dict[str, Any]:
    small = data.name == "hippocampus"
    often = pace.predict_rounds if small or data.plan.dimensions != "3d" else pace.predict_rounds // 3
    rounds = speed_predict.compare(data, often, cases=4 if small else 1)
    found = {
        "volume": rounds.ratio("volume", "bare"),
        "scan": rounds.ratio("scan", "bare"),
        "seconds": {arm: round(rounds.seconds(arm), 4) for arm in ("volume", "scan", "bare")},
    }
    return _told(f"prediction, {data.name}", found)


def _told(what: str, value: Any) -> Any:
    """Says on the terminal what is done."""
    print(f"{what}: {value if isinstance(value, dict) else 'ready'}", flush=True)
    return value
