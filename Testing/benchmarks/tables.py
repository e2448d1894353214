"""What every benchmark leaves behind: `<name>.json` with the numbers and `<name>.md` for people, each whole or not at all."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from PartialLabelSegLib.run.files import write_json, write_text

RESULTS = Path(__file__).resolve().parents[2] / "Resources" / "Benchmarks"


def machine() -> dict[str, Any]:
    """What a number of seconds depends on; no name of the host, of a person or of a folder."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
    }


def load() -> float | None:
    """How many programs wanted a core in the last minute, this one included; None where the system does not say."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    """The model's name as the processor gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write_benchmark(folder: Path, name: str, numbers: Mapping[str, Any], text: str) -> None:
    """Writes `<name>.json` and `<name>.md`; the text ends with the machine's facts where `numbers` has them."""
    facts = numbers.get("machine")
    tail = "\n" + ", ".join(f"{key} {value}" for key, value in facts.items()) + ".\n" if facts else ""
    write_text(folder / f"{name}.md", text.rstrip("\n") + "\n" + tail)
    write_json(folder / f"{name}.json", dict(numbers))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"
