"""The bar of steps: which one is open, which comes next, and why another is not possible yet."""

from __future__ import annotations

from typing import Any

import pytest

from host.pictures import picture
from panel.decide_samples import Recorder, find
from panel.showing import NARROW, click, press, shown
from panel.step_samples import dark, narrowest
from PartialLabelSegLib.panel.view_models import StepsView, StepView
from PartialLabelSegLib.panel.widgets.steps_bar import StepsBar

NOT_YET = "Nothing has been suggested yet: learn first."
VIEW = StepsView(
    "learn",
    (
        StepView("scans", done=True),
        StepView("learn"),
        StepView("look", why_not=NOT_YET),
        StepView("decide", why_not=NOT_YET),
    ),
    "learn",
    "Next: learn from 12 scans.",
)


@pytest.fixture
def bar(actions: Any) -> StepsBar:
    made = StepsBar(actions)
    made.show(VIEW)
    return made


def test_it_shows_what_is_done_open_next_and_not_possible(bar: StepsBar, actions: Recorder) -> None:
    texts = [find(bar.widget, f"step_{name}").text() for name in ("scans", "learn", "look", "decide", "finish")]
    assert texts == ["✓ Scans", "› Learn", "Look", "Decide", "Finish"]
    assert find(bar.widget, "step_learn").isChecked() and not find(bar.widget, "step_scans").isChecked()
    assert find(bar.widget, "step_learn").font().bold()
    look = find(bar.widget, "step_look")
    assert not look.isEnabled() and look.toolTip() == NOT_YET
    assert not find(bar.widget, "step_finish").isEnabled(), "the view does not speak of it"
    assert find(bar.widget, "steps_hint").text() == "Next: learn from 12 scans."
    assert actions.take() == []


def test_a_click_or_a_key_opens_a_step_and_the_open_one_stays_open(bar: StepsBar, actions: Recorder) -> None:
    with shown(bar.widget):
        click(find(bar.widget, "step_scans"))
        assert not find(bar.widget, "step_scans").isChecked(), "it is open once the view says so"
        click(find(bar.widget, "step_learn"))
        assert find(bar.widget, "step_learn").isChecked()
        press(find(bar.widget, "step_scans"), "Space")
        click(find(bar.widget, "step_look"))
    assert actions.take() == [("open_step", "scans"), ("open_step", "scans")]


def test_every_step_can_be_reached(bar: StepsBar, actions: Recorder) -> None:
    names = ("scans", "learn", "look", "decide", "finish")
    bar.show(StepsView("", tuple(StepView(name) for name in names)))
    with shown(bar.widget):
        for name in names:
            click(find(bar.widget, f"step_{name}"))
    assert actions.take() == [("open_step", name) for name in names]


def test_it_fits_a_narrow_panel(bar: StepsBar) -> None:
    bar.show(
        StepsView("finish", tuple(StepView(name, True) for name in ("scans", "learn", "look", "decide", "finish")))
    )
    with shown(bar.widget):
        assert narrowest(bar.widget) <= NARROW - 20


def test_pictures(actions: Any, pump: Any) -> None:
    with dark():
        bar = StepsBar(actions)
        bar.show(VIEW)
        with shown(bar.widget, NARROW, 80) as window:
            pump(20)
            picture(window, "steps_bar_dark")
