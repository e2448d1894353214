"""The step Look: going from scan to scan, choosing what lies over the slices, and reading what the colours mean."""

from __future__ import annotations

from typing import Any

import pytest

from panel.decide_samples import COLORS, Recorder, choices, find, look_view
from panel.showing import click, press, shown
from PartialLabelSegLib.panel.view_models_decide import (
    FILLED,
    OUTLINE,
    SHOWN_THINGS,
    STRIPED,
    SURFACES,
    KeyEntry,
    LegendView,
    LookView,
)
from PartialLabelSegLib.panel.widgets.legend import Legend, swatch
from PartialLabelSegLib.panel.widgets.look_step import LookStep


@pytest.fixture
def step(actions: Any) -> LookStep:
    made = LookStep(actions)
    made.show(look_view())
    return made


def test_showing_a_view_asks_for_nothing(step: LookStep, actions: Recorder) -> None:
    step.show(look_view(scan="scan_007", structure="Spleen", shown=frozenset((SURFACES,)), opacity=0.1))
    step.show(LookView())
    assert actions.take() == []


def test_it_shows_what_the_view_says(step: LookStep) -> None:
    step.show(look_view(scan="scan_007", shown=frozenset((SURFACES,)), opacity=0.25, message="Wait a moment."))
    assert find(step.widget, "look_scan").currentText() == "scan_007"
    assert find(step.widget, "look_place").text() == "8 of 12"
    assert find(step.widget, "look_structure").currentText() == "Liver"
    on = {thing for thing in SHOWN_THINGS if find(step.widget, f"look_{thing}").isChecked()}
    assert on == {SURFACES}
    assert find(step.widget, "look_opacity").value() == 25
    assert find(step.widget, "look_opacity_number").text() == "25 %"
    assert find(step.widget, "look_message").text() == "Wait a moment."


def test_previous_and_next_go_through_the_scans(step: LookStep, actions: Recorder) -> None:
    with shown(step.widget):
        click(find(step.widget, "look_next"))
        click(find(step.widget, "look_next"))
        click(find(step.widget, "look_previous"))
    assert actions.take() == [("scan_chosen", f"scan_00{number}") for number in (3, 4, 3)]


def test_there_is_nothing_before_the_first_scan_and_after_the_last(step: LookStep, actions: Recorder) -> None:
    previous, following = find(step.widget, "look_previous"), find(step.widget, "look_next")
    step.show(look_view(scan="scan_000"))
    assert (previous.isEnabled(), following.isEnabled()) == (False, True)
    step.show(look_view(scan="scan_011"))
    assert (previous.isEnabled(), following.isEnabled()) == (True, False)
    step.show(look_view(scans=()))
    assert (previous.isEnabled(), following.isEnabled()) == (False, False)
    assert find(step.widget, "look_place").text() == ""


def test_a_scan_and_a_structure_are_chosen_with_keys(step: LookStep, actions: Recorder) -> None:
    with shown(step.widget):
        press(find(step.widget, "look_scan"), "Down")
        press(find(step.widget, "look_structure"), "Up")
    assert actions.take() == [("scan_chosen", "scan_003"), ("structure_chosen", "")]


@pytest.mark.parametrize("thing", SHOWN_THINGS)
def test_a_click_shows_a_thing_or_hides_it(step: LookStep, actions: Recorder, thing: str) -> None:
    box = find(step.widget, f"look_{thing}")
    with shown(step.widget):
        before = box.isChecked()
        click(box)
        click(box)
    assert actions.take() == [("thing_shown", thing, not before), ("thing_shown", thing, before)]


def test_what_cannot_be_shown_says_why(step: LookStep) -> None:
    step.show(look_view(why_not={SURFACES: "this scan has no suggestions."}))
    box = find(step.widget, f"look_{SURFACES}")
    assert not box.isEnabled()
    assert "this scan has no suggestions." in box.toolTip()
    step.show(look_view())
    assert box.isEnabled() and "Not possible" not in box.toolTip()


def test_the_opacity_follows_the_slider(step: LookStep, actions: Recorder) -> None:
    with shown(step.widget):
        press(find(step.widget, "look_opacity"), "Right")
    assert actions.take() == [("opacity_changed", 0.51)]
    assert find(step.widget, "look_opacity_number").text() == "51 %"


def test_a_view_refuses_things_that_nobody_can_show() -> None:
    with pytest.raises(ValueError, match="can be shown"):
        LookView(shown=frozenset(("everything",)))
    with pytest.raises(ValueError, match="opacity"):
        LookView(opacity=1.5)


def test_the_list_of_scans_is_made_anew_only_when_it_changed(step: LookStep) -> None:
    box = find(step.widget, "look_scan")
    box.setItemText(0, "seen")
    step.show(look_view(scan="scan_001"))
    assert box.itemText(0) == "seen"
    step.show(look_view(scans=choices("a", "b"), scan="b"))
    assert [box.itemText(place) for place in range(box.count())] == ["a", "b"]


def test_the_bar_has_the_colours_and_hatching_where_nothing_is_shown(qt_application: Any) -> None:
    legend = Legend()
    legend.show(LegendView(COLORS, cut=0.5))
    with shown(legend.widget, 300, 120):
        image = legend.bar.grab().toImage()
    ratio, width = image.devicePixelRatio(), legend.bar.width()
    seen = image.pixelColor(int((width - 2) * ratio), 4)
    assert seen.getRgbF()[:3] == pytest.approx(COLORS[-1], abs=0.02)
    hidden = {image.pixelColor(x, y).name() for x in range(int(0.4 * width * ratio)) for y in range(image.height())}
    window = legend.bar.palette().window().color().name()
    assert window in hidden and len(hidden) > 1
    lively = max(image.pixelColor(int(0.2 * width * ratio), y).saturationF() for y in range(image.height()))
    assert lively < 0.2
    assert find(legend.widget, "legend_low").text() == "not shown"


def test_expert_suggested_and_accepted_differ_in_form_not_only_in_colour(qt_application: Any) -> None:
    images = [swatch(KeyEntry("words", (0.2, 0.8, 0.6), form)).toImage() for form in (FILLED, OUTLINE, STRIPED)]
    inside = [[image.pixelColor(x, y) for x in range(6, 46) for y in range(6, 22)] for image in images]
    clear = [sum(color.alphaF() < 0.1 for color in colors) / len(colors) for colors in inside]
    dark = [
        sum(color.alphaF() > 0.9 and color.lightnessF() < 0.1 for color in colors) / len(colors) for colors in inside
    ]
    assert clear == [0, 1, 0]
    assert dark[:2] == [0, 0] and 0.2 < dark[2] < 0.8
    assert min(image.pixelColor(x, 2).alphaF() for image in images for x in range(6, 46)) > 0.9


def test_a_bar_of_many_colours_is_painted_from_few(qt_application: Any) -> None:
    many = tuple((place / 255, 0.0, 1 - place / 255) for place in range(256))
    legend = Legend()
    legend.show(LegendView(many))
    with shown(legend.widget, 300, 120):
        image = legend.bar.grab().toImage()
    for share in (0.0, 0.3, 0.7, 1.0):
        x = min(image.width() - 1, round(share * image.width()))
        assert image.pixelColor(x, 4).redF() == pytest.approx(share, abs=0.02)


def test_the_key_is_replaced_and_a_legend_without_a_view_is_hidden(step: LookStep) -> None:
    step.show(look_view(legend=LegendView(COLORS, key=(KeyEntry("only this", (1, 0, 0), FILLED),))))
    with shown(step.widget):
        assert find(step.widget, "legend_key_0").text() == "only this"
        assert not step.widget.findChildren(object, "legend_key_1")
        step.show(look_view(legend=None))
        assert not step.legend.widget.isVisible()


def test_a_form_that_nobody_can_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="form"):
        KeyEntry("words", (0, 0, 0), "dotted")
