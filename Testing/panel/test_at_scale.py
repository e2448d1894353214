"""The steps on a screen with twice as many pixels, and with letters half as large again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apart import TESTING, python_apart
from host.pictures import picture
from panel.showing import NARROW, shown
from panel.step_samples import both_steps, narrowest


def test_at_200_percent_the_steps_fit_and_are_drawn_with_all_pixels() -> None:
    printed = python_apart("-W", "error", TESTING / "panel" / "at_scale.py", QT_SCALE_FACTOR="2")
    found = json.loads(printed.splitlines()[-1])
    assert found["ratio"] == 2
    for name in ("scans", "learn"):
        assert found[name] <= NARROW - 20
        assert found[f"{name}_pixels"] == 2 * NARROW


@pytest.fixture
def large_letters(qt_application: Any) -> Any:
    before = qt_application.font()
    large = qt_application.font()
    large.setPointSizeF(1.5 * before.pointSizeF())
    qt_application.setFont(large)
    yield
    qt_application.setFont(before)


def test_with_large_letters_the_steps_still_fit_a_panel_of_usual_width(large_letters: Any, pump: Any) -> None:
    for name, step, view in both_steps():
        with shown(step.widget, 500, 900) as window:
            step.show(view)
            pump(60)
            picture(window, f"{name}_large_letters")
            assert narrowest(step.widget) <= 480
