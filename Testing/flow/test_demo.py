"""The demonstration that a newcomer runs first: it ends well, and the methods come out in the order that the paper reports."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flow.conftest import events_of

Worker = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_the_demo_completes_phantoms_and_the_full_method_is_the_best(worker: Worker, tmp_path: Path) -> None:
    done = worker("demo", "--out", tmp_path, "--no-progress", OMP_NUM_THREADS=str(os.cpu_count() or 1))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    methods = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))["methods"]
    naive, ambiguity, full = (methods[name]["dice_mean"] for name in ("naive", "ambiguity-only", "full"))
    assert naive < ambiguity - 0.1, methods
    assert full > 0.7, methods
    assert full > ambiguity - 0.01, methods
    assert len(list((tmp_path / "run" / "completed").glob("*.seg.nrrd"))) == 26
    assert "report.html" in events_of(done.stdout)[-1]["message"]


def test_the_published_study_is_completed_from_a_folder(worker: Worker, data_folder: Path, tmp_path: Path) -> None:
    """Three patients as published, with a plan of a few steps: the walk is tested here, not the accuracy."""
    study = data_folder / "openkbp" / "original_csv"
    checked = worker("check", study, "--json")
    assert checked.returncode == 0, checked.stdout[-1000:]
    listing = json.loads(
        (Path(__file__).parents[2] / "PartialLabelSeg/Resources/SampleData/openkbp.json").read_text(encoding="utf-8")
    )
    for path, facts in listing["files"].items():
        here = study / path
        if here.exists():
            assert here.stat().st_size == facts["bytes"], path
