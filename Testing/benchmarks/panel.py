"""How fast the panel's window is: the slider, the longest time the window is kept, opening the module, accepting an organ.

    python3 Testing bench panel              about four minutes on two quiet cores
    python3 Testing bench panel --short      a look in a minute, on a scan too small to be quoted

Writes `panel.md` and `panel.json` to Resources/Benchmarks, or to the folder given with `--out`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.panel_table import page
from benchmarks.tables import RESULTS, load, machine, write_benchmark

TESTING = Path(__file__).resolve().parents[1]
OPENINGS, SHORT_OPENINGS = 5, 2


def main(arguments: list[str]) -> int:
    """Measures everything and writes the two files; the exit status says nothing about how fast it was."""
    parser = argparse.ArgumentParser(prog="python3 Testing bench panel", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a small scan and fewer repetitions")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for panel.md and panel.json")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        numbers = measure(chosen.short, Path(folder))
    text = page(numbers)
    write_benchmark(chosen.out, "panel", numbers, text)
    print(text)
    return 0


def measure(short: bool, folder: Path) -> dict[str, Any]:
    """The numbers of `panel.json`: the four that count first, then everything in detail."""
    busy = load()
    opening = opened(SHORT_OPENINGS if short else OPENINGS, folder)
    session = in_session(short, folder)
    accepted = session["accept_seconds"]
    return {
        "gamma_ms_per_view": round(max(item["median"] for item in session["gamma"].values()), 2),
        "gamma_processor_ms_per_view": round(max(item["processor"] for item in session["gamma"].values()), 2),
        "longest_block_ms": max(item["rest_ms"] for item in session["activities"]),
        "longest_own_block_ms": max(item["own_ms"] for item in session["activities"]),
        "module_open_seconds": round(opening["import_seconds"] + opening["build_seconds"], 3),
        "accept_organ_seconds": round(max(accepted.values()), 3),
        "accept_organ_median_seconds": round(statistics.median(accepted.values()), 3),
        "torch_imported": bool(opening["torch"] or session["torch_loaded"]),
        "quotable": not short,
        "load_before": busy,
        "machine": machine(),
        "details": {"open": opening, **session},
    }


def opened(times: int, folder: Path) -> dict[str, Any]:
    """The median over fresh processes; one before writes the compiled files and does not count."""
    runs = [json.loads(_run("benchmarks.panel_open", folder).splitlines()[-1]) for _ in range(times + 1)][1:]
    found = dict(runs[0])
    for name in ("import_seconds", "build_seconds", "draw_seconds"):
        found[name] = statistics.median(run[name] for run in runs)
    totals = [run["import_seconds"] + run["build_seconds"] for run in runs]
    return {
        **found,
        "least_seconds": min(totals),
        "most_seconds": max(totals),
        "torch": any(run["torch"] for run in runs),
    }


def in_session(short: bool, folder: Path) -> dict[str, Any]:
    """What `panel_session` measures."""
    result = folder / "session.json"
    work = folder / "session"
    (work / "documents").mkdir(parents=True)
    _run("benchmarks.panel_session", folder, str(work), str(result), *(["--short"] if short else []))
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def _run(module: str, folder: Path, *arguments: str) -> str:
    """The output of a module that runs in a process of its own. Compiled files are kept in `folder`, as an installed module keeps its own."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    environment["PYTHONPATH"] = os.pathsep.join([str(TESTING), str(TESTING.parent / "PartialLabelSeg")])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return done.stdout
