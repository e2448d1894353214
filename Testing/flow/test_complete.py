"""The command line from a partial cohort to completed segmentations: what it says, what it leaves, and that nothing drawn is changed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flow.conftest import STATES, ball_scan, events_of, tiny
from PartialLabelSegLib.data.label_files import read_array
from PartialLabelSegLib.data.seg_nrrd import read_seg_nrrd
from PartialLabelSegLib.metrics.overlap import overlap

Worker = Callable[..., subprocess.CompletedProcess[str]]


def test_every_line_on_stdout_is_an_event_and_the_last_says_finished(finished: tuple[Path, str]) -> None:
    events = events_of(finished[1])
    kinds = {event["event"] for event in events}
    assert events[-1]["event"] == "finished"
    assert {"imported", "estimate", "round", "progress", "validation", "prediction", "relabelled", "completed"} <= kinds


def test_the_log_in_the_folder_holds_the_same_events(finished: tuple[Path, str]) -> None:
    told, log = events_of(finished[1]), events_of((finished[0] / "events.jsonl").read_text(encoding="utf-8"))
    # What other tests asked of this run later is appended.
    assert log[: len(told)] == told


def test_what_the_expert_drew_is_in_the_completed_segmentation_voxel_for_voxel(finished: tuple[Path, str]) -> None:
    for index, (_, *states) in enumerate(STATES):
        truth = ball_scan(index)[1]
        result = read_array(finished[0] / "completed" / f"scan{index}.nii.gz")
        for value, state in enumerate(states, 1):
            if state == "labelled":
                assert np.array_equal(result == value, truth == value)


def test_missing_structures_are_found(finished: tuple[Path, str]) -> None:
    found = []
    for index, (_, *states) in enumerate(STATES):
        truth, result = ball_scan(index)[1], read_array(finished[0] / "completed" / f"scan{index}.nii.gz")
        for value, state in enumerate(states, 1):
            if state == "missing":
                found.append(overlap(result == value, truth == value, 1.0).dice)
    assert np.mean(found) > 0.8, found


def test_the_completed_file_has_the_names_and_the_grid_of_the_scan(finished: tuple[Path, str]) -> None:
    file = read_seg_nrrd(finished[0] / "completed" / "scan3.seg.nrrd")
    assert [segment.name for segment in file.segments] == ["Liver", "Spleen"]
    assert file.grid.spacing == (1.5, 1.5, 3.0)
    assert file.grid.origin == (5.0, -7.0, 11.0)


def test_the_report_says_what_was_relabelled_in_each_round(finished: tuple[Path, str]) -> None:
    report = json.loads((finished[0] / "report.json").read_text(encoding="utf-8"))
    gammas = [entry["relabelling"]["gamma"] for entry in report["rounds"] if entry["relabelling"]]
    assert gammas == [0.5, 1.0]
    assert (finished[0] / "report.html").stat().st_size > 10_000


def test_the_same_command_on_a_finished_run_changes_no_label(
    finished: tuple[Path, str], ball_cohort: Path, worker: Worker
) -> None:
    before = read_array(finished[0] / "completed" / "scan3.nii.gz")
    assert worker(*tiny(ball_cohort, finished[0])).returncode == 0
    assert np.array_equal(read_array(finished[0] / "completed" / "scan3.nii.gz"), before)


def test_other_choices_for_a_run_that_was_begun_are_refused_by_name(
    finished: tuple[Path, str], ball_cohort: Path, worker: Worker
) -> None:
    refused = worker("complete", ball_cohort / "cases.csv", "--out", finished[0], "--rounds", "5")
    assert refused.returncode == 1
    assert "rounds" in events_of(refused.stdout)[-1]["message"]


def test_a_run_waits_for_a_review_where_one_was_asked_for(ball_cohort: Path, worker: Worker, tmp_path: Path) -> None:
    arguments = tiny(ball_cohort, tmp_path / "run", "--review", "--rounds", "1", "--confidence", "mcp")
    assert worker(*arguments).returncode == 4
    decisions = [{"case": "scan3", "structure": "Liver", "decision": "accepted", "gamma": 1.0}]
    review = {"format": 1, "by": "person", "decisions": decisions}
    (tmp_path / "run" / "rounds" / "0" / "review.json").write_text(json.dumps(review), encoding="utf-8")
    done = worker(*arguments)
    assert done.returncode == 0, done.stdout[-1500:]
    relabelled = json.loads((tmp_path / "run" / "rounds" / "0" / "relabelling.json").read_text(encoding="utf-8"))
    assert relabelled["by"] == "person"
    assert relabelled["cases"]["scan3"]["Liver"]["accepted_new"] > 0
    assert relabelled["cases"]["scan3"]["Spleen"]["accepted_new"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nowhere"], "nowhere"),
        (["complete", "--out", "no-run-here"], "no-run-here"),
        (["complete", "x", "--out", "y", "--rounds", "99"], "rounds"),
        (["complete", "x", "--out", "y", "--set", "nonsense=3"], "nonsense"),
    ],
)
def test_a_mistake_is_one_sentence_and_never_a_traceback(
    worker: Worker, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = subprocess.run(
        [*worker.__globals__["command"](*arguments)],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1
    assert words in events_of(done.stdout)[-1]["message"]
    assert "Traceback" not in done.stderr
