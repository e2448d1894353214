"""The speed benchmark runs to its end and leaves its numbers; how large they are is for a quiet machine to say, not for a test."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from apart import python_apart

KEYS = (
    "step_ratio_to_bare",
    "throughput_ratio_to_monai",
    "throughput_ratio_to_monai_same_precision",
    "prediction_ratio_to_bare",
    "select_gamma_seconds",
    "streamed_peak_gib",
)


@pytest.mark.slow
def test_a_short_look_at_the_speed_leaves_every_number_and_nothing_of_this_machine(
    data_folder: Path, tmp_path: Path
) -> None:
    script = "import sys; from benchmarks.speed import main; sys.exit(main(sys.argv[1:]))"
    python_apart("-c", script, "--short", "--out", tmp_path / "out", PARTIALLABELSEG_DATA=str(data_folder))
    numbers = json.loads((tmp_path / "out" / "speed.json").read_text(encoding="utf-8"))
    assert all(math.isfinite(numbers[key]) and numbers[key] > 0 for key in KEYS)
    assert not numbers["quotable"]
    page = (tmp_path / "out" / "speed.md").read_text(encoding="utf-8")
    assert "not to be quoted" in page
    for text in (page, json.dumps(numbers)):
        assert str(Path.home()) not in text and str(tmp_path) not in text and str(data_folder) not in text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["speed.json", "speed.md"]
