"""The measurement of the overlay's speed, on a small scan: it measures every step, and its scan is what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.panel_overlay import measure_overlay, timed_steps
from benchmarks.panel_scan import DRAWN, GRID, NAMES, large_scan
from data.small_scans import IDENTITY
from host.host_application import HostApplication
from host.slicer_host import SlicerHost
from host.window import Window
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.prediction import read_prediction

SMALL = Grid((64, 64, 40), (6.4, 6.4, 11.0), (-204.8, -204.8, -225.0), IDENTITY)


def test_the_scan_has_seven_structures_of_which_three_are_drawn(tmp_path: Path) -> None:
    assert GRID.size == (512, 512, 300)
    made = large_scan(tmp_path, SMALL)
    prediction, grid = read_prediction(made.prediction)
    assert grid.same_as(SMALL) and prediction.structures == NAMES
    assert set(made.drawn) == set(DRAWN) and all(mask.any() for mask in made.drawn.values())
    suggested = {NAMES[value - 1] for value in np.unique(prediction.label[prediction.rank > 0])}
    assert suggested == set(NAMES) - set(DRAWN)


def test_every_step_is_measured(host: SlicerHost, application: HostApplication, window: Window, tmp_path: Path) -> None:
    found = measure_overlay(host, application, window, large_scan(tmp_path, SMALL), tmp_path / "out")
    assert {
        "gamma_ms_per_view",
        "accept_organ_seconds",
        "read_suggestions_seconds",
        "read_suggestions_longest_ms",
    } <= set(found)
    assert all(value > 0 for value in found.values())


def test_the_longest_step_is_the_longest() -> None:
    import time

    def work():  # type: ignore[no-untyped-def]
        yield 0.5
        time.sleep(0.03)
        yield 1.0
        return "done"

    result, seconds, longest = timed_steps(work())
    assert result == "done" and longest >= 30 and seconds >= longest / 1000
