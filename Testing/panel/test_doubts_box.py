"""The list of labels to check in the step Look: read, walked through with clicks and keys, and away where there is none."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from host.pictures import picture
from panel.decide_samples import Recorder, doubts_view, find, look_view
from panel.showing import NARROW, click_row, press, settle, shown, texts
from panel.step_samples import dark
from PartialLabelSegLib.panel.look_view import doubt_colors
from PartialLabelSegLib.panel.view_models_decide import CONFIDENCE, DOUBTS, OUTLINES, DoubtsView, LegendView
from PartialLabelSegLib.panel.widgets.look_step import LookStep


@pytest.fixture
def step(actions: Any) -> LookStep:
    made = LookStep(actions)
    made.show(look_view())
    return made


def test_each_place_is_a_line_and_a_sentence(step: LookStep) -> None:
    table = find(step.widget, "doubts")
    assert texts(table)[:2] == [
        ["Liver", "should it be here?", "9.6"],
        ["Left kidney", "is it missing here?", "4.8"],
    ]
    assert table.item(1, 0).toolTip() == "Left kidney, not drawn here, other scans speak for it, 4.8 mL"
    assert find(step.widget, "doubts_note").text() == "7 places to check, the most doubtful first."


def test_a_click_and_return_go_there(step: LookStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1000):
        table = find(step.widget, "doubts")
        click_row(table, 1)
        assert find(step.widget, "doubts_note").text().startswith("Left kidney, not drawn here")
        table.setFocus()
        press(table, "Down")
        press(table, "Return")
        step.show(look_view(structure="Right kidney"))
        settle()
        assert table.currentRow() == 2, "what was gone to stays chosen"
    assert actions.take() == [("doubt_chosen", 2), ("doubt_chosen", 3)]


def test_showing_it_asks_for_nothing_and_another_scan_begins_anew(step: LookStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1000):
        click_row(find(step.widget, "doubts"), 3)
        actions.take()
        step.show(look_view(scan="scan_005", doubts=doubts_view(3)))
        press(find(step.widget, "doubts"), "Return")
        assert find(step.widget, "doubts_note").text() == "3 places to check, the most doubtful first."
    assert actions.take() == []


def test_where_there_is_nothing_to_check_it_says_why_or_is_not_there(step: LookStep) -> None:
    with shown(step.widget, NARROW, 1000):
        step.show(look_view(doubts=DoubtsView((), "Nowhere do the other scans speak against a label of this one.")))
        assert not find(step.widget, "doubts").isVisible()
        assert find(step.widget, "doubts_note").text().startswith("Nowhere")
        step.show(look_view(doubts=None))
        assert not find(step.widget, "look_doubts_list").isVisible()
        assert not find(step.widget, "look_doubts").isVisible()


@pytest.mark.parametrize("theme", [nullcontext, dark])
@pytest.mark.parametrize("width", [NARROW, 600])
def test_pictures(theme: Any, width: int, actions: Any, pump: Any) -> None:
    with theme():
        step = LookStep(actions)
        ends = ("others speak against it", "others support it")
        legend = LegendView(doubt_colors(), "The given label of Liver", *ends, key=look_view().legend.key)  # type: ignore[union-attr]
        everything = look_view().shown | {DOUBTS}
        instead = "where given labels are doubted is shown in its place."
        why_not = {CONFIDENCE: instead, OUTLINES: instead}
        with shown(step.widget, width, 860) as window:
            step.show(look_view(legend=legend, shown=everything, why_not=why_not))
            click_row(find(step.widget, "doubts"), 1)
            for _ in range(4):
                pump(10)
            assert not window.horizontalScrollBar().isVisible()
            picture(window, f"doubts_{width}_{theme.__name__.replace('nullcontext', 'light')}")
