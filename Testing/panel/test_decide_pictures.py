"""How Look, Decide and Finish look: narrow and wide, light and dark, long names, many scans, twice the size. The pictures are for people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtGui, QtWidgets

from host.pictures import picture
from panel import decide_samples as samples
from panel.showing import NARROW, WIDE, shown
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.view_models_decide import DICOM, Choice, DecideView, TargetScan, Working
from PartialLabelSegLib.panel.widgets.decide_step import DecideStep
from PartialLabelSegLib.panel.widgets.finish_step import FinishStep
from PartialLabelSegLib.panel.widgets.look_step import LookStep

ACTIONS: Any = samples.Recorder()
LONG_SCANS = tuple(f"{samples.LONG_SCAN}_{number}" for number in range(100))
LONG_ORGANS = tuple(f"{samples.LONG} {number}" if number % 3 == 1 else f"Rib {number}" for number in range(40))
NO_DICOM = "scan_002 was not loaded from DICOM, so it cannot be written as DICOM SEG. Load it through Slicer's DICOM database, or choose another format."


def look(**changed: Any) -> LookStep:
    step = LookStep(ACTIONS)
    step.show(samples.look_view(**changed))
    return step


def long_look() -> LookStep:
    structures = samples.choices(*LONG_ORGANS)
    legend = replace(samples.look_view().legend or pytest.fail("no legend"), title=f"Confidence in {LONG_ORGANS[1]}")
    return look(
        scans=samples.choices(*LONG_SCANS),
        scan=LONG_SCANS[4],
        structures=structures,
        structure=LONG_ORGANS[1],
        legend=legend,
        why_not={"surfaces": "this scan has no suggestions yet."},
        message=f"The suggestions in {LONG_SCANS[4]} are not there yet: about 2 minutes left.",
    )


def decide(view: DecideView | None = None) -> DecideStep:
    step = DecideStep(ACTIONS)
    step.show(view or samples.decide_view())
    return step


def long_decide() -> DecideStep:
    rows = samples.work_rows(100, LONG_ORGANS)
    rows = tuple(replace(row, scan=LONG_SCANS[int(row.key.split("/")[0])]) for row in rows)
    scopes = tuple(Choice(scope.key, f"{LONG_ORGANS[1]}: {scope.words}") for scope in samples.decide_view().scopes)
    large = replace(
        samples.at_gamma(),
        rows=samples.parts(50),
        parts=50,
        ml=11_234.5,
        all_ml=21_234,
        voxels=11_153_400,
        all_voxels=22_236_000,
    )
    message = f"Accepted 23 mL of {LONG_ORGANS[1]} in {LONG_SCANS[0]}."
    return decide(samples.decide_view(rows=rows, scopes=scopes, at_gamma=large, message=message))


def finish(**changed: Any) -> FinishStep:
    step = FinishStep(ACTIONS)
    step.show(samples.finish_view(**changed))
    open_section(samples.find(step.widget, "finish_apply"))
    return step


def long_finish() -> FinishStep:
    formats = (Choice(DICOM, "DICOM SEG", why_not=NO_DICOM),)
    targets = tuple(
        TargetScan(scan, "Liver is drawn, it stays", number % 3 == 0) for number, scan in enumerate(LONG_SCANS)
    )
    working = Working(f"Writing {LONG_SCANS[4]}: 5 of 100", 0.05)
    return finish(formats=formats, format=DICOM, targets=targets, working=working, model_name=samples.LONG)


STEPS: dict[str, tuple[Callable[[], Any], int]] = {
    "look": (look, 560),
    "look_long": (long_look, 600),
    "decide": (decide, 820),
    "decide_long": (long_decide, 900),
    "decide_editing": (lambda: decide(samples.decide_view(editing="Left kidney in scan_000")), 600),
    "decide_nothing": (lambda: decide(DecideView(message="There are no suggestions yet. Learn first.")), 200),
    "finish": (finish, 760),
    "finish_long": (long_finish, 860),
}


def pictures(widths: tuple[int, ...] = (NARROW, WIDE), ending: str = "") -> dict[str, int]:
    """Saves a picture of every step; returns by how many pixels the widest part sticks out of the window, where it does."""
    too_wide = {}
    for name, (make, height) in STEPS.items():
        for width in widths:
            with shown(make().widget, width, height) as window:
                picture(window, f"{name}-{width}{ending}")
                bar = window.horizontalScrollBar()
                if bar.maximum() > 0:
                    too_wide[f"{name}-{width}"] = bar.maximum()
    return too_wide


def test_no_step_is_wider_than_the_panel_however_long_the_names_are(qt_application: Any) -> None:
    assert pictures() == {}


def test_in_dark_colours_every_word_is_lighter_than_its_ground(qt_application: Any) -> None:
    before = qt_application.palette()
    qt_application.setPalette(samples.dark_palette())
    try:
        assert pictures(ending="-dark") == {}
        with shown(decide().widget) as window:
            image = window.grab().toImage()
    finally:
        qt_application.setPalette(before)
    lights = sorted(image.pixelColor(x, y).lightness() for x in range(0, NARROW, 3) for y in range(0, 800, 3))
    assert lights[len(lights) // 2] < 80, "most of the panel is dark"
    assert lights[-20] > 180, "and there are light words on it"


def test_with_large_letters_nothing_sticks_out(qt_application: Any) -> None:
    before = qt_application.font()
    large = QtGui.QFont(before)
    large.setPointSizeF(1.5 * before.pointSizeF())
    qt_application.setFont(large)
    try:
        assert pictures((NARROW,), "-large-letters") == {}
    finally:
        qt_application.setFont(before)


def test_at_twice_the_size_everything_is_there_and_sharp() -> None:
    script = (
        "from host import environment, qt_host\n"
        "environment.draw_without_display(); qt_host.install()\n"
        "from PySide6 import QtWidgets\n"
        "app = QtWidgets.QApplication(['tests'])\n"
        "import json\nfrom panel.test_decide_pictures import NARROW, decide, pictures, samples\n"
        "from panel.showing import shown\n"
        "with shown(decide().widget) as window: ratio = window.grab().devicePixelRatio()\n"
        "print(json.dumps([ratio, pictures((NARROW,), '-200%')]))\n"
    )
    testing = Path(__file__).resolve().parents[1]
    path = os.pathsep.join([str(testing), str(testing.parent / "PartialLabelSeg")])
    environment = {**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [2.0, {}]


def test_the_panel_sets_no_colours_and_no_style_of_its_own(qt_application: Any) -> None:
    for make, _ in STEPS.values():
        widget = make().widget
        parts = [widget, *widget.findChildren(QtWidgets.QWidget)]
        assert [part.objectName() for part in parts if part.styleSheet()] == []
