"""How fast the panel shows suggestions on a large scan: loading them, one step of the slider until the views are drawn, accepting an organ."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from benchmarks.panel_scan import LargeScan
from panel.scene_nodes import add_scan, add_segmentation
from PartialLabelSegLib.data.types import Structure
from PartialLabelSegLib.panel.accepted import accepted_segments, completed_segments, finish_structure
from PartialLabelSegLib.panel.masks import Region
from PartialLabelSegLib.panel.overlay import Overlay
from PartialLabelSegLib.panel.own_segments import Change, OwnSegments
from PartialLabelSegLib.panel.scan_files import write_scan
from PartialLabelSegLib.panel.state import Shown
from PartialLabelSegLib.panel.suggestions import read_suggestions
from PartialLabelSegLib.panel.viewed import Viewed

Timings = dict[str, float]


def timed_steps(work: Generator[float, None, Any]) -> tuple[Any, float, float]:
    """The result of a work, all its seconds, and the milliseconds of its longest step."""
    begun, longest = time.perf_counter(), 0.0
    while True:
        before = time.perf_counter()
        try:
            next(work)
        except StopIteration as stop:
            now = time.perf_counter()
            return stop.value, now - begun, 1000 * max(longest, now - before)
        longest = max(longest, time.perf_counter() - before)


def measure_overlay(host: Any, application: Any, window: Any, made: LargeScan, folder: Path) -> Timings:
    """All timings on a scan in a window with four views (`Testing/host`). folder: where the scan is written to, to time that too.

    gamma_ms_per_view: from the slider's step to the drawn slice view, median over views and steps. *_longest_ms: the longest step.
    """
    found: Timings = {}

    def keep(name: str, work: Generator[float, None, Any]) -> Any:
        result, found[f"{name}_seconds"], found[f"{name}_longest_ms"] = timed_steps(work)
        return result

    scan = add_scan(host.scene, made.grid, made.image, "CT")
    expert = add_segmentation(scan, made.grid, made.drawn, "drawn")
    keep("write_scan", write_scan(folder, "CT", scan, expert))
    suggestions = keep("read_suggestions", read_suggestions(made.prediction))
    overlay = Overlay(application)
    viewed = Viewed("CT", scan, made.structures, expert, suggestions, made.labels)
    keep("show", overlay.show(viewed, Shown(), "", 0.5))
    keep("choose_structure", overlay.set_structure("Spleen"))
    found["gamma_ms_per_view"] = gamma_step_ms(overlay, window)
    keep("choose_all", overlay.set_structure(""))
    found["gamma_all_ms_per_view"] = gamma_step_ms(overlay, window)
    overlay.set_gamma(0.66)
    _measure_decisions(overlay, viewed, found)
    keep("surfaces", overlay.set_shown(Shown(surfaces=True)))
    overlay.structure = "Spleen"
    keep("ambiguity", overlay.set_shown(Shown(ambiguity=True)))
    _timed(found, "clear_seconds", overlay.clear)
    return found


def gamma_step_ms(overlay: Overlay, window: Any, steps: int = 20) -> float:
    """Milliseconds from another gamma to a drawn slice view; what a view of the display then does with the picture does not count."""
    views = [label.view for label in window.labels.values()]
    for view in views:
        view.window.Render()
    times = []
    for number in range(steps):
        begun = time.perf_counter()
        overlay.set_gamma(0.05 + 0.9 * number / steps)
        for view in views:
            view.window.Render()
        times.append(1000 * (time.perf_counter() - begun) / len(views))
    return statistics.median(times)


def _measure_decisions(overlay: Overlay, viewed: Viewed, found: Timings) -> None:
    """Accepting the largest suggestion at gamma until it is in the scene and striped, taking it back, and finishing it."""
    regions = {item: overlay_region(overlay, item.name) for item in viewed.structures}
    structure = max((item for item in regions if regions[item] is not None), key=lambda item: voxels(regions[item]))
    accepted = accepted_segments(viewed.volume, viewed.name)
    change = _timed(found, "accept_organ_seconds", lambda: _accept(overlay, accepted, structure))
    _timed(found, "undo_organ_seconds", lambda: accepted.apply(change.reversed()))
    _timed(found, "redo_organ_seconds", lambda: accepted.apply(change))
    completed = completed_segments(viewed.volume, viewed.name)
    _timed(found, "finish_organ_seconds", lambda: finish_structure(completed, structure, [], accepted))


def _accept(overlay: Overlay, accepted: OwnSegments, structure: Structure) -> Change:
    region = overlay_region(overlay, structure.name)
    assert region is not None
    change = accepted.add(structure, region, "accepted")
    timed_steps(overlay.accepted_changed())
    return change


def overlay_region(overlay: Overlay, structure: str) -> Region | None:
    """What is accepted of a structure at the gamma that is shown."""
    assert overlay.viewed is not None and overlay.viewed.suggestions is not None
    return overlay.viewed.suggestions.mask(structure, overlay.gamma)


def voxels(region: Region | None) -> int:
    return 0 if region is None else int(region[1].sum())


def _timed(found: Timings, name: str, act: Callable[[], Any]) -> Any:
    begun = time.perf_counter()
    result = act()
    found[name] = time.perf_counter() - begun
    return result
