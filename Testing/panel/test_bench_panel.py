"""The panel's benchmark runs to its end and leaves its numbers; how large they are is for a quiet machine to say, not for a test."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from apart import python_apart
from benchmarks.panel_blocks import summed_up
from benchmarks.panel_heartbeat import Activity, Block

KEYS = ("gamma_ms_per_view", "longest_block_ms", "module_open_seconds", "accept_organ_seconds")
NODE = (("panel/own_segments.py", "_store", 3), ("panel/view.py", "show", 1))
OTHER = (("panel/view.py", "show", 1),)
DRAWS = (("host/views.py", "render", 2), ("host/views.py", "draw", 1))


@pytest.mark.slow
def test_a_short_look_at_the_window_leaves_every_number_and_nothing_of_this_machine(
    project_folder: Path, tmp_path: Path
) -> None:
    script = "import sys; from benchmarks.panel import main; sys.exit(main(sys.argv[1:]))"
    python_apart("-c", script, "--short", "--out", tmp_path / "out")
    numbers = json.loads((tmp_path / "out" / "panel.json").read_text(encoding="utf-8"))
    assert all(math.isfinite(numbers[key]) and numbers[key] > 0 for key in KEYS)
    assert not numbers["quotable"] and not numbers["torch_imported"]
    assert all(item["beats"] > 0 for item in numbers["details"]["activities"])
    page = (tmp_path / "out" / "panel.md").read_text(encoding="utf-8")
    assert "not to be quoted" in page
    for text in (page, json.dumps(numbers)):
        assert str(Path.home()) not in text and str(tmp_path) not in text and str(project_folder) not in text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["panel.json", "panel.md"]


def test_time_with_nodes_is_told_apart_by_where_the_thread_was() -> None:
    half = Block(200.0, 150.0, (NODE, OTHER))
    found = summed_up(Activity("accepting", 1.0, 10, [Block(120.0, 80.0, (OTHER,)), half, Block(30.0, 5.0)]))
    assert found["longest_ms"] == 200.0 and found["over_50_ms"] == 2
    assert found["rest_ms"] == 120.0 and found["rest_cpu_ms"] == 80.0 and found["rest_over_50_ms"] == 2
    assert found["own_ms"] == 120.0
    drawing = summed_up(Activity("moving", 1.0, 10, [Block(90.0, 30.0, (DRAWS, DRAWS, OTHER))]))
    assert drawing["rest_ms"] == 90.0 and drawing["own_ms"] == 30.0
    assert found["nodes_ms"] == 100.0 and "_store" in found["nodes_where"][0]


def test_the_module_opens_without_pytorch_and_scipy() -> None:
    found = json.loads(python_apart("-W", "error", "-m", "benchmarks.panel_open").splitlines()[-1])
    assert not found["torch"] and "SimpleITK" in found["packages"]
    assert not {"torch", "scipy", "matplotlib", "pandas"} & set(found["packages"])
