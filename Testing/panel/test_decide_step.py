"""The step Decide: the queue, the slider with its counts, the parts, the buttons, the scope, editing, and the next round."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from panel.decide_samples import LONG, LONG_SCAN, ORGANS, Recorder, at_gamma, decide_view, find, parts, work_rows
from panel.showing import click, click_row, press, settle, shown, texts
from PartialLabelSegLib.panel import shortcuts
from PartialLabelSegLib.panel.view_models_decide import AtGamma, Choice, DecideView, NextRound, PartRow, WorkRow
from PartialLabelSegLib.panel.widgets.decide_step import DecideStep
from PartialLabelSegLib.panel.widgets.worklist_table import MOST_ROWS

BUTTONS = ("accept", "accept_all", "complete", "wrong", "not_now", "edit", "undo", "redo")
DECISIONS = ("accepted", "wrong", "not now", "edited", "complete")


@pytest.fixture
def step(actions: Any) -> DecideStep:
    made = DecideStep(actions)
    made.show(decide_view())
    return made


def queue_of(step: DecideStep) -> Any:
    return find(step.widget, "queue")


def test_showing_a_view_asks_for_nothing(step: DecideStep, actions: Recorder) -> None:
    with shown(step.widget):
        step.show(decide_view(chosen="2/3", gamma=0.1, scope="everything", part=1001))
        step.show(decide_view(editing="Liver in scan_000"))
        step.show(DecideView())
        step.show(decide_view(rows=work_rows(100), chosen="70/0"))
        settle()
    assert actions.take() == []


def test_the_queue_says_organ_scan_volume_confidence_parts_and_flags_in_the_order_of_the_view(step: DecideStep) -> None:
    rows = (
        WorkRow("a", "Liver", "scan_1", 1480.4, 0.926, 2, ("touches the border", "very large")),
        WorkRow("b", "Spleen", "scan_0", 0.418, 0.5, 1),
    )
    step.show(decide_view(rows=rows, chosen="b"))
    assert texts(queue_of(step)) == [
        ["Liver", "scan_1", "1480", "93 %", "2", "!!"],
        ["Spleen", "scan_0", "0.418", "50 %", "1", ""],
    ]
    assert "Look closely: very large" in queue_of(step).item(0, 3).toolTip()
    assert queue_of(step).currentRow() == 1


def test_a_click_and_the_arrow_keys_choose_a_suggestion(step: DecideStep, actions: Recorder) -> None:
    with shown(step.widget):
        click_row(queue_of(step), 3, 2)
        press(queue_of(step), "Down")
        press(queue_of(step), "Up")
    assert actions.take() == [("suggestion_chosen", key) for key in ("0/3", "0/4", "0/3")]


def test_a_click_on_the_chosen_one_asks_for_nothing_new(step: DecideStep, actions: Recorder) -> None:
    with shown(step.widget):
        click_row(queue_of(step), 1)
    assert actions.take() == []


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decided_suggestion_leaves_the_queue_and_is_found_among_the_decided_with_its_sign(
    step: DecideStep, decision: str
) -> None:
    rows = tuple(replace(row, decision=decision) if row.key == "1/2" else row for row in work_rows())
    step.show(decide_view(rows=rows))
    assert ["Right kidney", "scan_001"] not in [line[:2] for line in texts(queue_of(step))]
    box = find(step.widget, "queue_filter")
    box.setCurrentIndex(box.findText("decided"))
    found = [line[:2] for line in texts(queue_of(step)) if line[1] == "scan_001"]
    assert len(found) == 1 and found[0][0].endswith(" Right kidney") and not found[0][0][0].isalpha()
    box.setCurrentIndex(box.findText("all"))
    assert len(texts(queue_of(step))) == len(rows)


def test_the_chosen_one_stays_in_sight_when_it_is_decided(step: DecideStep) -> None:
    step.show(decide_view(rows=tuple(replace(row, decision="wrong") for row in work_rows()), chosen="1/2"))
    assert [line[:2] for line in texts(queue_of(step))] == [["✕ Right kidney", "scan_001"]]


def test_letters_find_an_organ_and_a_scan(step: DecideStep, actions: Recorder) -> None:
    field = find(step.widget, "queue_find")
    with shown(step.widget):
        field.setFocus()
        for letter in ("K", "I", "D", "Space", "0", "0", "3"):
            press(field, letter)
        assert field.text() == "kid 003"
        assert [line[:2] for line in texts(queue_of(step))] == [
            ["Left kidney", "scan_003"],
            ["Right kidney", "scan_003"],
        ]
        press(field, "Return")
        assert queue_of(step).hasFocus()
        field.setText("no such thing")
        assert texts(queue_of(step)) == []
        assert "None of them is listed" in find(step.widget, "queue_count").text()


def test_of_many_suggestions_those_worth_most_are_listed_and_the_others_can_be_found(step: DecideStep) -> None:
    rows = work_rows(100, tuple(f"Organ {number}" for number in range(40)))
    step.show(decide_view(rows=rows))
    assert queue_of(step).rowCount() == MOST_ROWS
    assert "100 worth most of 4\u202f000" in find(step.widget, "queue_count").text()
    find(step.widget, "queue_find").setText("Organ 39 scan_099")
    assert [line[:2] for line in texts(queue_of(step))] == [["Organ 39", "scan_099"]]


@pytest.mark.parametrize("seed", range(12))
def test_after_any_change_the_queue_reads_like_one_that_was_made_anew(seed: int) -> None:
    dice = random.Random(seed)
    rows = list(work_rows(5))
    old = DecideStep(Recorder())
    for _ in range(6):
        if dice.random() < 0.3:
            dice.shuffle(rows)
        rows = [replace(row, decision=dice.choice(("", "", *DECISIONS)), parts=dice.randint(1, 9)) for row in rows]
        view = decide_view(rows=tuple(dice.sample(rows, dice.randint(0, len(rows)))), chosen=dice.choice(rows).key)
        old.show(view)
        new = DecideStep(Recorder())
        new.show(view)
        assert texts(queue_of(old)) == texts(queue_of(new))
        assert [item.row() for item in queue_of(old).selectedItems()] == [
            item.row() for item in queue_of(new).selectedItems()
        ]


def test_every_step_of_the_slider_is_told_at_once_and_the_counts_once(step: DecideStep, actions: Recorder) -> None:
    slider = find(step.widget, "gamma_slider")
    with shown(step.widget):
        for _ in range(3):
            press(slider, "Right")
        told = actions.take()
        assert told[:3] == [("gamma_moved", 0.66), ("gamma_moved", 0.67), ("gamma_moved", 0.68)]
        settle()
        assert (told + actions.take())[-1] == ("counts_at", 0.68)
        assert find(step.widget, "gamma_title").text() == "Accept the most confident 68 %"
        assert find(step.widget, "gamma_volume").text() == "280 of 412 mL"
        assert find(step.widget, "decide_accept").text() == "Accept 68 %"


def test_many_moves_between_two_events_count_once(step: DecideStep, actions: Recorder) -> None:
    with shown(step.widget):
        for value in range(20, 90):
            find(step.widget, "gamma_slider").setValue(value)
        assert [call[0] for call in actions.take()] == ["gamma_moved"] * 70
        settle()
        assert actions.take() == [("counts_at", 0.89)]


def test_the_slider_goes_in_steps_of_one_percent_from_nothing_to_all(step: DecideStep, actions: Recorder) -> None:
    slider = find(step.widget, "gamma_slider")
    assert (slider.minimum(), slider.maximum(), slider.singleStep()) == (0, 100, 1)
    for percent in range(101):
        step.show(decide_view(gamma=percent / 100))
        assert step.gamma.gamma() == percent / 100


def test_the_counts_are_said_in_words(step: DecideStep) -> None:
    step.show(decide_view(at_gamma=AtGamma(154_000, 236_000, 269.5, 412.0, 1, 0.941)))
    assert [find(step.widget, f"gamma_{what}").text() for what in ("volume", "parts", "voxels", "precision")] == [
        "270 of 412 mL",
        "1 part",
        "154\u202f000 of 236\u202f000 voxels",
        "right: about 94 %",
    ]
    step.show(decide_view(at_gamma=AtGamma(10, 20, 0.1, 0.2, 2)))
    assert find(step.widget, "gamma_precision").text() == "right: not known"
    step.show(decide_view(at_gamma=AtGamma()))
    assert find(step.widget, "gamma_volume").text() == "Nothing is suggested here."


def test_the_bar_under_the_slider_shows_the_colours_of_what_is_accepted(step: DecideStep) -> None:
    with shown(step.widget):
        bar = find(step.widget, "gamma_bar")
        for gamma in (0.2, 0.8):
            find(step.widget, "gamma_slider").setValue(round(100 * gamma))
            settle()
            image = bar.grab().toImage()
            lively = [image.pixelColor(x, 3).saturationF() > 0.3 for x in range(image.width())]
            assert sum(lively) / len(lively) == pytest.approx(gamma, abs=0.02)
            assert lively[0] and not lively[-1]


def test_nothing_moves_while_the_slider_moves(step: DecideStep, actions: Recorder) -> None:
    with shown(step.widget):
        places = set()
        for value in (0, 1, 50, 100):
            find(step.widget, "gamma_slider").setValue(value)
            settle()
            names = ("gamma_slider", "parts", "decide_accept", "decide_redo")
            places.add(
                tuple(
                    find(step.widget, name).mapTo(step.widget, find(step.widget, name).rect().topLeft()).y()
                    for name in names
                )
            )
    assert len(places) == 1


def test_nothing_can_be_accepted_at_zero_percent(step: DecideStep, actions: Recorder) -> None:
    accept = find(step.widget, "decide_accept")
    with shown(step.widget):
        press(find(step.widget, "gamma_slider"), "Home")
        settle()
        assert not accept.isEnabled() and "move the slider" in accept.toolTip()
        press(find(step.widget, "gamma_slider"), "Right")
        settle()
        assert accept.isEnabled() and "Not possible" not in accept.toolTip()


def test_the_parts_are_listed_and_a_click_chooses_one(step: DecideStep, actions: Recorder) -> None:
    rows = (PartRow(77, 10, 250.4, 0.9), PartRow(3, 5, 1.25, 0.31, True, "wrong"))
    step.show(decide_view(at_gamma=replace(at_gamma(), rows=rows)))
    table = find(step.widget, "parts")
    assert texts(table) == [["1", "250", "90 %", ""], ["2", "1.25", "31 %", "✕ wrong, at the edge of the scan"]]
    with shown(step.widget):
        click_row(table, 1)
        assert actions.take() == [("part_chosen", 3)]
        step.show(decide_view(at_gamma=replace(at_gamma(), rows=rows), part=77))
        assert table.currentRow() == 0
    assert actions.take() == []


def test_a_suggestion_in_one_piece_has_no_table_of_parts(step: DecideStep) -> None:
    with shown(step.widget):
        assert find(step.widget, "parts").isVisible()
        step.show(decide_view(chosen="0/0", at_gamma=replace(at_gamma(), parts=1, rows=parts(1))))
        assert not find(step.widget, "parts").isVisible()


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_asks_for_its_action_once(step: DecideStep, actions: Recorder, action: str) -> None:
    step.show(decide_view(redo="Wrong: Spleen"))
    with shown(step.widget):
        click(find(step.widget, f"decide_{action}"))
    assert actions.take() == [(action,)]


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_says_what_it_teaches_and_its_key(step: DecideStep, action: str) -> None:
    tip = find(step.widget, f"decide_{action}").toolTip()
    entry = shortcuts.shortcut_for(action)
    assert entry.words in tip and f"Next round: {entry.teaches}" in tip and f"Key: {entry.key}" in tip
    assert entry.teaches


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_that_cannot_be_used_says_why(step: DecideStep, actions: Recorder, action: str) -> None:
    step.show(decide_view(why_not={action: "because of this."}, redo="x"))
    made = find(step.widget, f"decide_{action}")
    assert not made.isEnabled() and "Not possible now: because of this." in made.toolTip()
    others = [find(step.widget, f"decide_{other}").isEnabled() for other in BUTTONS if other != action]
    assert all(others)


def test_undo_and_redo_say_what_they_would_do(step: DecideStep) -> None:
    step.show(decide_view(undo="Takes back: Liver accepted.", redo=""))
    assert find(step.widget, "decide_undo").toolTip().startswith("Takes back: Liver accepted.")
    assert not find(step.widget, "decide_redo").isEnabled()
    step.show(decide_view(undo="", redo="Again: Liver accepted."))
    assert not find(step.widget, "decide_undo").isEnabled()
    assert find(step.widget, "decide_redo").toolTip().startswith("Again: Liver accepted.")


def test_without_a_chosen_suggestion_nothing_can_be_decided(step: DecideStep) -> None:
    step.show(decide_view(chosen=""))
    able = {action for action in BUTTONS if find(step.widget, f"decide_{action}").isEnabled()}
    assert able == {"undo"}
    assert queue_of(step).selectedItems() == []


def test_the_scope_is_chosen(step: DecideStep, actions: Recorder) -> None:
    with shown(step.widget):
        press(find(step.widget, "decide_scope"), "Down")
        press(find(step.widget, "decide_scope"), "End")
    assert actions.take() == [("scope_chosen", "organ everywhere"), ("scope_chosen", "everything")]


def test_while_a_suggestion_is_edited_only_the_drawing_can_be_decided_on(step: DecideStep, actions: Recorder) -> None:
    step.show(decide_view(editing="Left kidney in scan_000"))
    with shown(step.widget):
        assert "Left kidney in scan" in find(step.widget, "editing_words").text()
        assert not any(find(step.widget, f"decide_{action}").isVisible() for action in BUTTONS)
        assert not queue_of(step).isEnabled()
        click(find(step.widget, "edited_keep"))
        click(find(step.widget, "edited_discard"))
        step.show(decide_view())
        assert not find(step.widget, "edited_keep").isVisible() and queue_of(step).isEnabled()
    assert actions.take() == [("edited", True), ("edited", False)]


def test_the_next_round_says_how_many_decisions_it_learns_from(step: DecideStep, actions: Recorder) -> None:
    made = find(step.widget, "next_round")
    assert made.text() == "Next round (5 decisions)"
    with shown(step.widget):
        click(made)
        assert actions.take() == [("next_round",)]
        step.show(decide_view(next_round=NextRound(1, "", "this was the last round.")))
        assert made.text() == "Next round (1 decision)"
        assert not made.isEnabled() and "this was the last round." in made.toolTip()


def test_before_there_is_anything_to_decide_it_says_so_and_nothing_else(step: DecideStep) -> None:
    step.show(DecideView(message="There are no suggestions yet. Learn first."))
    with shown(step.widget):
        assert find(step.widget, "decide_message").isVisible()
        assert not queue_of(step).isVisible() and not find(step.widget, "decide_accept").isVisible()
        assert not find(step.widget, "gamma_slider").isVisible()


def test_the_chosen_suggestion_is_said_in_full(step: DecideStep) -> None:
    rows = (WorkRow("a", LONG, LONG_SCAN, 12.34, 0.5, 2, ("very small",), "wrong"),)
    step.show(decide_view(rows=rows, chosen="a", scopes=(Choice("part", LONG),)))
    unbroken = find(step.widget, "decide_title").text().replace("\u200b", "")
    assert unbroken == f"{LONG} in {LONG_SCAN}"
    assert (
        find(step.widget, "decide_details").text()
        == "12.3 mL in 2 parts, 50 % sure. Look closely: very small. Decided: wrong."
    )


def test_every_widget_that_is_clicked_has_a_tooltip_and_a_name(step: DecideStep) -> None:
    from PySide6 import QtWidgets

    kinds = (
        QtWidgets.QAbstractButton,
        QtWidgets.QSlider,
        QtWidgets.QComboBox,
        QtWidgets.QLineEdit,
        QtWidgets.QTableWidget,
    )
    clicked = [widget for kind in kinds for widget in step.widget.findChildren(kind)]
    own = [
        widget
        for widget in clicked
        if not widget.objectName().startswith("_") and not widget.parent().inherits("QLineEdit")
    ]
    own = [widget for widget in own if not widget.inherits("QTableCornerButton")]
    assert len(own) >= 17
    assert [widget for widget in own if not widget.toolTip() or not widget.objectName()] == []


def test_the_samples_have_all_organs() -> None:
    assert {row.structure for row in work_rows()} == set(ORGANS)
