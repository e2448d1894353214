"""The rounds of a run: what was kept, what was summed, how long it took, and what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from PartialLabelSegLib.report.history import mean, read_rounds, read_timing, told_warnings
from PartialLabelSegLib.run.events import Event, EventLog
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.files import write_json
from PartialLabelSegLib.run.folder import RunFolder

CURVES: dict[str, Any] = {
    "steps": [10, 20],
    "loss": [1.0, 0.5],
    "seconds": 12.5,
    "validation": [{"step": 10, "dice": {"A": 0.5, "B": None}}, {"step": 20, "dice": {"A": 0.4, "B": 0.2}}],
    "best_step": 10,
    "not_learned": ["B"],
}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path)
    write_json(folder.round(0).training, CURVES)
    return folder


def test_the_validation_of_a_round_is_that_of_the_step_it_kept(run: RunFolder) -> None:
    kept = read_rounds(run)[0]["validation"]
    assert kept == {"step": 10, "dice": {"A": 0.5, "B": None}, "dice_mean": 0.5}


def test_without_a_kept_step_the_last_one_counts_and_without_validation_there_is_no_dice(run: RunFolder) -> None:
    write_json(run.round(0).training, {**CURVES, "best_step": 0})
    assert read_rounds(run)[0]["validation"]["step"] == 20
    write_json(run.round(0).training, {"steps": [], "loss": []})
    assert read_rounds(run)[0]["validation"] == {"step": None, "dice": {}, "dice_mean": None}


def test_rounds_end_where_one_has_not_finished_learning(run: RunFolder) -> None:
    write_json(run.round(2).training, CURVES)
    assert [entry["round"] for entry in read_rounds(run)] == [0]
    assert read_rounds(RunFolder(run.path / "nothing")) == []


def test_counts_are_summed_over_the_cases_and_keep_what_was_said_of_a_structure(run: RunFolder) -> None:
    item = {
        "candidates": 10,
        "accepted_new": 4,
        "accepted_total": 6,
        "volume_ml": 0.5,
        "precision": None,
        "recall": None,
    }
    content = {
        "gamma": 0.5,
        "cases": {"a": {"A": item, "B": item}, "b": {"A": item}},
        "structures": {"A": {"precision": 0.9}},
    }
    write_json(run.round(0).relabelling, content)
    found = read_rounds(run)[0]["relabelling"]
    assert found["gamma"] == 0.5
    assert found["structures"]["A"] == {
        "candidates": 20,
        "accepted_new": 8,
        "accepted_total": 12,
        "volume_ml": 1.0,
        "precision": 0.9,
    }
    assert found["total"] == {"candidates": 30, "accepted_new": 12, "accepted_total": 18, "volume_ml": 1.5}


def test_times_of_learning_are_summed_whether_noted_once_or_per_step(run: RunFolder) -> None:
    write_json(run.round(0).confidence_training, {"seconds": [1.0, 2.0, None]})
    EventLog(run.events)(Event("started", {}, 100.0))
    EventLog(run.events)(Event("finished", {}, 160.0))
    timing = read_timing(run, read_rounds(run))
    assert timing["learning_seconds"] == 14.5 and timing["elapsed_seconds"] == 60.0
    assert timing["rounds"] == [{"round": 0, "segmentation_seconds": 12.5, "confidence_seconds": 2.0}]


def test_a_run_without_events_has_no_elapsed_time(run: RunFolder) -> None:
    assert read_timing(run, [])["elapsed_seconds"] is None


def test_what_the_worker_said_is_told_once(run: RunFolder) -> None:
    for _ in range(2):
        EventLog(run.events)(Event("note", {"message": "Memory ran out."}))
    EventLog(run.events)(Event("warning", {"message": "empty", "case": "c1", "structure": "A"}))
    EventLog(run.events)(Event("progress", {"message": "not this"}))
    told = told_warnings(run)
    assert told == [
        {"message": "Memory ran out.", "case": "", "structure": ""},
        {"message": "empty", "case": "c1", "structure": "A"},
    ]


def test_a_truncated_file_of_a_round_is_a_clear_sentence(run: RunFolder) -> None:
    run.round(0).training.write_text('{"steps": [1, 2', encoding="utf-8")
    with pytest.raises(Failure, match=r"training\.json"):
        read_rounds(run)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), ([None], None), ([float("nan"), 0.5], 0.5), ([0.2, None, 0.4], pytest.approx(0.3))],
)
def test_a_mean_passes_over_what_is_undefined(values: list[float | None], expected: Any) -> None:
    assert mean(values) == expected
