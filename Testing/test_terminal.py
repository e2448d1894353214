"""What a person at a terminal reads: a bar that comes to its end, the time left in words, and a sentence for what stays."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest

from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.terminal import SENTENCES, ProgressBar, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(step: int, **more: Any) -> Event:
    return Event("progress", {"stage": "learning", "step": step, "steps": 10, "loss": 0.5, **more})


def shown(stream: io.StringIO, *events: Event) -> str:
    bar = ProgressBar(stream)
    for event in events:
        bar(event)
    return stream.getvalue()


def test_a_terminal_shows_one_bar_over_and_over_and_ends_the_line_with_the_last_step() -> None:
    text = shown(
        Terminal(), progress(1, seconds_left=200.0), progress(5, seconds_left=80.0), progress(10, seconds_left=0.0)
    )
    assert text.count("\n") == 1 and text.endswith("\n")
    first, second, last = text.split("\r\x1b[K")[1:]
    assert "learning ██······················ 1/10 about 3 minutes left  loss 0.500" in first
    assert "5/10 about 80 seconds left" in second
    assert "·" not in last and "10/10" in last and "left" not in last


def test_a_file_receives_only_the_end_of_each_stage() -> None:
    text = shown(io.StringIO(), progress(1, seconds_left=1.0), progress(10, seconds_left=0.0))
    assert text == f"learning {'█' * 24} 10/10  loss 0.500\n"


def test_rounds_are_counted_from_1() -> None:
    learned = progress(10, stage="round 0: learning the structures", seconds_left=0.0)
    assert shown(io.StringIO(), learned).startswith("Round 1: learning the structures ███")
    began = Event("round", {"round": 0, "rounds": 2, "gamma": 0.5})
    assert shown(io.StringIO(), began, learned).startswith("Round 1 of 3: learning the structures ███")


def test_reading_preparing_predicting_and_writing_are_bars_with_the_name_of_the_scan() -> None:
    for kind in ("imported", "prepared", "weighed", "prediction", "completed"):
        text = shown(Terminal(), Event(kind, {"case": "CT 1", "step": 1, "steps": 2}))
        assert "1/2" in text and "left" in text and text.endswith("CT 1")


def test_a_loss_that_is_not_a_number_and_a_stage_without_steps_do_not_stop_the_bar() -> None:
    assert "nan" in shown(Terminal(), progress(1, loss=math.nan, seconds_left=None))
    assert "0/0" in shown(Terminal(), Event("prepared", {"case": "a", "step": 0, "steps": 0}))


def test_what_it_does_not_know_it_does_not_show() -> None:
    assert shown(io.StringIO(), Event("checkpoint", {"step": 1}), Event("of a later version", {})) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 1 seconds"),
        (89, "about 89 seconds"),
        (90, "about 2 minutes"),
        (3600, "about 60 minutes"),
        (5400, "about 1.5 hours"),
        (36000, "about 10.0 hours"),
    ],
)
def test_durations_are_said_as_a_person_says_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


CHANGE = {
    "case": "CT 1",
    "structure": "Liver",
    "accepted": 120,
    "withdrawn": 3,
    "denied": 7,
    "complete": True,
    "volume_ml": 0.8123,
}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Event("problem", {"message": "Case 'a': it is empty."}), "Problem: Case 'a': it is empty."),
        (Event("note", {"message": "look"}), "Note: look"),
        (
            Event("estimate", {"seconds": 240.0, "gigabytes": 1.26, "device": "cpu"}),
            "This will take about 4 minutes on cpu, with about 1.3 GiB of memory.",
        ),
        (
            Event(
                "validation", {"step": 20, "dice_mean": 0.5, "dice": {"Liver": 0.5, "Spleen": None, "Aorta": math.nan}}
            ),
            "  validation Dice at step 20: mean 0.500 (Liver 0.50)",
        ),
        (
            Event("relabelled", {"gamma": 0.66, "cases": 4}),
            "Accepted the most confident 66% of the suggestions in 4 scans",
        ),
        (
            Event("relabelled", {"gamma": 0.0, "cases": 4}),
            "What is suggested in 4 scans is learned next, each voxel with a weight",
        ),
        (
            Event("resumed", {"stage": "round 1: learning the structures", "step": 5, "steps": 10}),
            "Going on at step 5 of 10 (Round 2: learning the structures)",
        ),
        (Event("resumed", {"stage": "learning", "step": 5, "steps": 10}), "Going on at step 5 of 10 (learning)"),
        (
            Event("changed", CHANGE),
            "  CT 1, Liver: 120 voxels accepted (0.812 mL in all), 3 withdrawn, 7 certainly not, now known in the whole scan",
        ),
        (
            Event("changed", {**CHANGE, "accepted": 0, "withdrawn": 0, "complete": False}),
            "  CT 1, Liver: 7 certainly not",
        ),
        (Event("error", {"message": "The disk is full."}), "The disk is full."),
    ],
)
def test_what_stays_is_a_sentence(event: Event, line: str) -> None:
    assert shown(io.StringIO(), event) == line + "\n"
    assert shown(Terminal(), event) == f"\r\x1b[K{line}\n"


def test_every_way_to_end_has_its_sentence() -> None:
    assert {"finished", "cancelled", "waiting", "error"} <= set(SENTENCES)
