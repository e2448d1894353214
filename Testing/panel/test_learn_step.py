"""The step Learn: the estimate before, one button, the progress after, and PyTorch where it is not there."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from PySide6 import QtTest

from host.pictures import picture
from panel.decide_samples import Recorder, find
from panel.showing import NARROW, WIDE, click, press, shown
from panel.step_samples import ADVICE, READY, curves, dark, learn_views, narrowest
from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.state import Choices
from PartialLabelSegLib.panel.view_models import (
    CurvesView,
    EstimateView,
    LearnView,
    NoteView,
    ProgressView,
    TorchView,
)
from PartialLabelSegLib.panel.widgets.learn_step import UNMEASURED, LearnStep, estimate_words

STATES = sorted(learn_views())


@pytest.fixture
def step(actions: Any) -> LearnStep:
    made = LearnStep(actions)
    made.show(learn_views()["idle"])
    return made


def visible(step: LearnStep, name: str) -> bool:
    return bool(find(step.widget, name).isVisible())


def open_advanced(step: LearnStep) -> None:
    click(find(find(step.widget, "advanced"), "section_header"))


def test_what_is_recommended_and_why_stands_above_the_choices(step: LearnStep) -> None:
    with shown(step.widget):
        assert find(step.widget, "advice").text() == ADVICE.sentence
        open_advanced(step)
        assert find(step.widget, "method").currentText() == "learn in rounds (recommended)"
        assert find(step.widget, "doubtful").currentText() == "weigh each voxel (recommended)"
        ticked = [name for name in ("size", "centroid", "extent") if find(step.widget, f"bounds_{name}").isChecked()]
        assert ticked == ["size"]
        step.show(replace(learn_views()["idle"], advice=replace(ADVICE, sentence="", method="mlb", bounds=())))
        assert not find(step.widget, "advice").isVisible()
        assert find(step.widget, "method").currentText() == "learn from drafts, weighed (recommended)"
        assert not find(step.widget, "bounds_size").isChecked()


def test_another_way_than_the_recommended_one_can_be_chosen_and_left_again(step: LearnStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1000):
        open_advanced(step)
        method, doubtful = find(step.widget, "method"), find(step.widget, "doubtful")
        assert method.count() == len(words.METHODS) and doubtful.count() == len(words.DOUBTFUL)
        method.setCurrentIndex(method.findData("mlb"))
        doubtful.setCurrentIndex(doubtful.findData("leave-out"))
        chosen = Choices(method="mlb", doubtful="leave-out", bounds=("centroid",))
        step.show(replace(learn_views()["idle"], choices=chosen))
        assert (method.currentText(), doubtful.currentText()) == ("learn from drafts, weighed", "leave them out")
        assert find(step.widget, "bounds_centroid").isChecked() and not find(step.widget, "bounds_size").isChecked()
        method.setCurrentIndex(0)
        click(find(step.widget, "bounds_size"))
        click(find(step.widget, "bounds_centroid"))
    assert actions.take() == [
        ("set_choice", "method", "mlb"),
        ("set_choice", "doubtful", "leave-out"),
        ("set_choice", "method", None),
        ("set_choice", "bounds", ("size", "centroid")),
        ("set_choice", "bounds", None),
    ]


def test_showing_views_asks_for_nothing(step: LearnStep, actions: Recorder) -> None:
    with shown(step.widget):
        for view in learn_views().values():
            step.show(view)
        step.show(LearnView(choices=Choices("paper", 12.0, "cpu", 5, "3d", "mcp", 7, lesions=True)))
    assert actions.take() == []


def test_the_estimate_says_time_device_and_memory_before_the_button(step: LearnStep) -> None:
    with shown(step.widget):
        said = find(step.widget, "estimate").text()
        assert said == "This will take about 12 minutes on the processor (2 cores), with about 1.3 GB of memory."
        assert find(step.widget, "estimate").y() < find(step.widget, "learn").parentWidget().y()


def test_an_estimate_that_is_a_guess_says_so() -> None:
    assert estimate_words(None) == UNMEASURED
    words = estimate_words(EstimateView(30 * 3600.0, 0.0, "cuda"))
    assert words.startswith("This will take about 30 hours on the NVIDIA graphics card.") and "guess" in words
    assert (
        estimate_words(EstimateView(40.0, 0.0, "mps", 0, True)) == "This will take about 40 seconds on Apple graphics."
    )


def test_learn_resume_and_cancel(step: LearnStep, actions: Recorder) -> None:
    with shown(step.widget):
        assert visible(step, "learn") and not visible(step, "resume") and not visible(step, "cancel")
        click(find(step.widget, "learn"))
        step.show(learn_views()["running"])
        assert not visible(step, "learn") and not visible(step, "resume")
        click(find(step.widget, "cancel"))
        step.show(learn_views()["stopped"])
        click(find(step.widget, "resume"))
        find(step.widget, "learn").setFocus()
        press(find(step.widget, "learn"), "Space")
    assert actions.take() == [("learn",), ("cancel",), ("resume",), ("learn",)]


def test_cancel_says_that_it_is_stopping_and_cannot_be_pressed_twice(step: LearnStep, actions: Recorder) -> None:
    step.show(learn_views()["stopping"])
    with shown(step.widget):
        button = find(step.widget, "cancel")
        assert button.text() == "Stopping…" and not button.isEnabled()
        click(button)
        step.show(learn_views()["running"])
        assert button.text() == "Cancel" and button.isEnabled()
    assert actions.take() == []


def test_where_learning_is_not_possible_yet_the_reason_stands_there(step: LearnStep, actions: Recorder) -> None:
    step.show(learn_views()["nothing_drawn"])
    with shown(step.widget):
        button = find(step.widget, "learn")
        assert not button.isEnabled() and "Nothing is labelled" in button.toolTip()
        assert "Nothing is labelled" in find(step.widget, "learn_why_not").text()
        click(button)
    assert actions.take() == []


def test_beginning_anew_is_named_so(step: LearnStep) -> None:
    for name, text in (
        ("idle", "Learn"),
        ("stopped", "Learn anew"),
        ("finished", "Learn anew"),
        ("waiting", "Learn anew"),
    ):
        step.show(learn_views()[name])
        assert find(step.widget, "learn").text() == text


def test_the_choices_are_told_with_their_names_and_values(step: LearnStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1000):
        find(step.widget, "preset").setCurrentIndex(1)
        click(find(step.widget, "limit_time"))
        find(step.widget, "minutes").setValue(90)
        click(find(step.widget, "limit_time"))
        assert actions.take() == [
            ("set_choice", "preset", "standard"),
            ("set_choice", "minutes", 60.0),
            ("set_choice", "minutes", 90.0),
            ("set_choice", "minutes", None),
        ]
        open_advanced(step)
        for name, place in (("device", 1), ("dimensions", 3), ("dimensions", 0), ("confidence", 1)):
            find(step.widget, name).setCurrentIndex(place)
        find(step.widget, "rounds").setValue(4)
        press(find(step.widget, "seed"), "Up")
        for _ in range(2):
            click(find(step.widget, "list_lesions"))
        click(find(step.widget, "choices_reset"))
    assert actions.take() == [
        ("set_choice", "device", "cpu"),
        ("set_choice", "dimensions", "3d"),
        ("set_choice", "dimensions", None),
        ("set_choice", "confidence", "mcp"),
        ("set_choice", "rounds", 3),
        ("set_choice", "seed", 1),
        ("set_choice", "lesions", True),
        ("set_choice", "lesions", False),
        ("reset_choices",),
    ]


def test_a_number_that_is_typed_counts_once_it_is_typed(step: LearnStep, actions: Recorder) -> None:
    step.show(LearnView(torch=READY, choices=Choices(minutes=60.0)))
    with shown(step.widget):
        minutes = find(step.widget, "minutes")
        minutes.setFocus()
        minutes.selectAll()
        QtTest.QTest.keyClicks(minutes, "120")
        assert actions.take() == []
        press(minutes, "Return")
    assert actions.take() == [("set_choice", "minutes", 120.0)]


def test_it_shows_what_was_chosen(step: LearnStep) -> None:
    step.show(LearnView(torch=READY, choices=Choices("standard", 45.0, "cuda", 4, "2.5d", "mcp", 9)))
    values = {name: find(step.widget, name).currentData() for name in ("preset", "device", "dimensions", "confidence")}
    assert values == {"preset": "standard", "device": "cuda", "dimensions": "2.5d", "confidence": "mcp"}
    assert [find(step.widget, name).value() for name in ("minutes", "rounds", "seed")] == [45, 5, 9]
    assert find(step.widget, "limit_time").isChecked()


@pytest.mark.parametrize("chosen", [0, 1, 2, 20])
def test_as_many_rounds_are_counted_while_it_learns_as_were_chosen(step: LearnStep, chosen: int) -> None:
    progress = ProgressView("round 0: learning the structures", 1, 10, rounds=chosen)
    step.show(LearnView("running", READY, Choices(rounds=chosen), progress=progress))
    number = find(step.widget, "rounds").value()
    assert number == chosen + 1
    of_all = f" of {number}" if chosen else ""
    assert find(step.widget, "stage").text() == f"Round 1{of_all}: learning the structures"


def test_advanced_is_closed_at_first_and_nothing_is_changed_while_it_learns(step: LearnStep) -> None:
    with shown(step.widget):
        assert not visible(step, "device")
        open_advanced(step)
        assert visible(step, "device")
        step.show(learn_views()["running"])
        assert not find(step.widget, "device").isEnabled() and not find(step.widget, "preset").isEnabled()


def test_what_is_learned_from_what_is_a_line_per_structure_under_a_closed_heading(step: LearnStep) -> None:
    step.show(learn_views()["running"])
    with shown(step.widget):
        assert visible(step, "learned_from") and not visible(step, "learned_from_text")
        text = find(step.widget, "learned_from_text").text()
        assert text.count("<p") == 2 and "from 4 checked scans" in text
        step.show(learn_views()["idle"])
        assert not visible(step, "learned_from")


def test_progress_is_said_in_words_with_the_time_left(step: LearnStep) -> None:
    step.show(learn_views()["running"])
    with shown(step.widget):
        assert find(step.widget, "stage").text() == "Round 1 of 3: learning the structures"
        assert find(step.widget, "time_left").text() == "About 4 minutes left, step 300 of 1200"
        bar = find(step.widget, "progress")
        assert (bar.value(), bar.maximum()) == (180, 1000), "the share of everything, not of this stage"


def test_without_a_share_the_bar_follows_the_stage_and_without_steps_it_only_moves(step: LearnStep) -> None:
    bar = find(step.widget, "progress")
    step.show(LearnView("running", READY, progress=ProgressView("prediction", 3, 4, remark="scan_007")))
    assert bar.value() == 750 and "(scan_007)" in find(step.widget, "stage").text().replace("\u200b", "")
    step.show(LearnView("running", READY, progress=ProgressView("planning")))
    assert (bar.minimum(), bar.maximum()) == (0, 0)
    assert find(step.widget, "stage").text() == "Looking at the scans and timing this computer"


def test_notes_stand_newest_first_and_say_how_many_are_not_shown(step: LearnStep) -> None:
    notes = tuple(NoteView(f"note <{number}>", "warning") for number in range(11))
    step.show(replace(learn_views()["running"], notes=notes))
    text = find(step.widget, "notes").text()
    assert text.index("note &lt;10&gt;") < text.index("note &lt;3&gt;") and "note &lt;2&gt;" not in text
    assert "3 earlier notes" in text


@pytest.mark.parametrize(
    ("state", "said"), [("missing", "is not installed"), ("broken", "does not start"), ("old", "is too old")]
)
def test_a_torch_that_cannot_be_used_is_explained_and_can_be_installed(
    state: str, said: str, step: LearnStep, actions: Recorder
) -> None:
    step.show(LearnView("idle", TorchView(state, "What was found.")))
    with shown(step.widget):
        assert said in find(step.widget, "torch_text").text()
        assert find(step.widget, "torch_detail").text() == "What was found."
        assert not find(step.widget, "learn").isEnabled()
        for name in ("torch_install", "torch_wheels", "torch_check"):
            click(find(step.widget, name))
    assert actions.take() == [("install_torch", "extension"), ("install_torch", "wheels"), ("check_torch",)]


def test_while_it_installs_the_output_is_visible_and_it_can_be_stopped(step: LearnStep, actions: Recorder) -> None:
    view = learn_views()["installing"]
    step.show(view)
    with shown(step.widget):
        assert not find(step.widget, "torch_install").isEnabled() and not find(step.widget, "torch_wheels").isEnabled()
        assert find(step.widget, "torch_progress").value() == 400
        assert find(step.widget, "torch_detail").text() == "Downloading torch, 797 MB"
        assert "Collecting torch" in find(step.widget, "torch_output").toPlainText()
        click(find(step.widget, "torch_cancel"))
    assert actions.take() == [("cancel_install",)]


def test_the_installers_words_are_added_and_stay_where_they_are_read(step: LearnStep) -> None:
    lines = [f"line {number}\n" for number in range(60)]

    def view(count: int) -> LearnView:
        return LearnView("idle", TorchView("missing", "", True, "".join(lines[:count])))

    step.show(view(20))
    with shown(step.widget):
        output = find(step.widget, "torch_output")
        step.show(view(40))
        bar = output.verticalScrollBar()
        assert output.toPlainText() == "".join(lines[:40]) and bar.value() == bar.maximum()
        bar.setValue(3)
        step.show(view(60))
        assert output.toPlainText() == "".join(lines) and bar.value() == 3
        step.show(LearnView("idle", TorchView("missing", "", True, "Another try\n")))
        assert output.toPlainText() == "Another try\n"


def test_a_ready_torch_takes_no_room(step: LearnStep) -> None:
    with shown(step.widget):
        assert not visible(step, "torch_box")


def test_one_structures_curve_can_be_made_to_stand_out(step: LearnStep, actions: Recorder) -> None:
    with shown(step.widget, NARROW, 1200):
        step.show(LearnView("running", READY, progress=ProgressView(), curves=curves(3)))
        assert not visible(step, "highlight"), "three curves can be told apart"
        step.show(LearnView("running", READY, progress=ProgressView(), curves=curves(9)))
        box = find(step.widget, "highlight")
        before = find(step.widget, "curve_plot").grab().toImage()
        box.setCurrentIndex(box.findText("Spleen"))
        assert find(step.widget, "curve_plot").grab().toImage() != before
        step.show(LearnView("running", READY, progress=ProgressView(), curves=curves(12)))
        assert box.currentText() == "Spleen"
        step.show(LearnView("running", READY, progress=ProgressView(), curves=CurvesView()))
        assert box.currentText() == "all structures"
    assert actions.take() == []


def test_everything_that_can_be_changed_says_what_it_does(step: LearnStep) -> None:
    names = ("preset", "limit_time", "minutes", "device", "dimensions", "confidence", "rounds", "seed", "choices_reset",
             "learn", "resume", "cancel", "torch_install", "torch_wheels", "torch_check", "torch_cancel", "highlight")  # fmt: skip
    assert [name for name in names if not find(step.widget, name).toolTip()] == []


@pytest.mark.parametrize("name", STATES)
def test_every_state_fits_a_narrow_panel(name: str, step: LearnStep) -> None:
    step.show(learn_views()[name])
    with shown(step.widget):
        open_advanced(step) if find(step.widget, "advanced").isEnabled() else None
        assert narrowest(step.widget) <= NARROW - 20


@pytest.mark.parametrize("theme", [nullcontext, dark])
@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("name", STATES)
def test_pictures(name: str, width: int, theme: Any, actions: Any, pump: Any) -> None:
    with theme():
        step = LearnStep(actions)
        with shown(step.widget, width, 800) as window:
            step.show(learn_views()[name])
            if name == "idle":
                open_advanced(step)
            # Heights follow from widths, layout by layout.
            for _ in range(6):
                pump(10)
            assert not window.horizontalScrollBar().isVisible()
            plot = find(step.widget, "curve_plot")
            assert not plot.isVisible() or plot.parentWidget().rect().contains(plot.geometry()), "the plot is cut off"
            picture(window, f"learn_{name}_{width}_{theme.__name__.replace('nullcontext', 'light')}")
