"""Decisions applied without learning: what changed is said, and the run then goes on as if it had done so itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.conftest import DECISIONS, Stages, final_labels, here, same, staged
from PartialLabelSegLib.data.label_files import read_labels
from PartialLabelSegLib.data.labels import FIRST_ROUND, Labels, Marks
from PartialLabelSegLib.relabel_round import changes


def decide(run: Path, *decisions: dict[str, Any]) -> None:
    review = {"format": 1, "by": "person", "decisions": list(decisions)}
    (run / "rounds" / "0" / "review.json").write_text(json.dumps(review), encoding="utf-8")


def test_it_says_what_changed_and_the_run_goes_on_to_the_same_labels(stages: Stages, tmp_path: Path) -> None:
    run = staged(stages, "waiting", tmp_path / "run")
    decide(run, *DECISIONS)
    done = here("relabel", run)
    assert done.status == 0, done.out
    told = {(event["case"], event["structure"]): event for event in done.events if event["event"] == "changed"}
    assert set(told) == {("scan0", "Spleen"), ("scan1", "Liver"), ("scan3", "Liver"), ("scan3", "Spleen")}
    rows = json.loads((run / "rounds" / "0" / "relabelling.json").read_text(encoding="utf-8"))["cases"]
    for (case, structure), event in told.items():
        assert event["accepted"] == rows[case][structure]["accepted_new"]
        assert event["volume_ml"] == pytest.approx(rows[case][structure]["volume_ml"], abs=1e-6)
        assert event["withdrawn"] == 0 and not event["complete"]
    wrong = told["scan3", "Liver"]
    labels, _ = read_labels(run / "rounds" / "0" / "labels" / "scan3")
    assert wrong["accepted"] == 0 and wrong["denied"] == labels.negatives["Liver"].indices.size > 0
    assert "Round 1 is relabelled. 4 changes. Go on with: complete --out run" in done.message
    assert not (run / "rounds" / "1").exists()
    assert stages.go_on(run).status == 0
    assert same(final_labels(run), stages.labels) == []


def test_a_complete_structure_and_no_change_are_said_too(stages: Stages, tmp_path: Path) -> None:
    run = staged(stages, "waiting", tmp_path / "run")
    decide(run, {"case": "scan0", "structure": "Spleen", "decision": "complete"})
    event = next(event for event in here("relabel", run).events if event["event"] == "changed")
    assert event["complete"] and (event["accepted"], event["denied"]) == (0, 0)
    again = staged(stages, "waiting", tmp_path / "again")
    decide(again)
    assert "Nothing was changed" in here("relabel", again).message


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("learning", "run has no suggestions yet. Run: complete --out run --review"),
        ("predicting", "run has no suggestions yet."),
        ("waiting", "Round 1 waits for decisions. Write them to rounds/0/review.json"),
        ("relabelled", "No round of run waits for decisions; all are relabelled."),
        ("finished", "No round of run waits for decisions"),
    ],
)
def test_where_nothing_waits_it_says_why_and_changes_nothing(
    stages: Stages, tmp_path: Path, stage: str, words: str
) -> None:
    run = staged(stages, stage, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "events.jsonl"}
    done = here("relabel", run)
    assert done.status == 1 and words in done.message
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "events.jsonl"}
    assert {path: content for path, content in after.items() if path.name != ".lock"} == {
        path: content for path, content in before.items() if path.name != ".lock"
    }


@pytest.mark.parametrize("missing", ["plan.json", "rounds"])
def test_a_run_that_has_not_begun_to_learn_has_no_suggestions(stages: Stages, tmp_path: Path, missing: str) -> None:
    run = staged(stages, "waiting", tmp_path / "run")
    shutil.rmtree(run / missing) if (run / missing).is_dir() else (run / missing).unlink()
    assert "has no suggestions yet" in here("relabel", run).message


def test_a_decision_on_something_that_is_not_there_changes_nothing(stages: Stages, tmp_path: Path) -> None:
    run = staged(stages, "waiting", tmp_path / "run")
    decide(run, {"case": "scan9", "structure": "Liver", "decision": "accepted", "gamma": 1.0})
    done = here("relabel", run)
    assert done.status == 1 and "scan9" in done.message
    assert not (run / "rounds" / "0" / "relabelling.json").exists()


def test_an_automatic_review_is_what_the_round_accepts_or_refused(stages: Stages, tmp_path: Path) -> None:
    run = staged(stages, "waiting", tmp_path / "run")
    decisions = [
        {"case": f"scan{case}", "structure": name, "decision": "accepted", "gamma": 0.25, "component": None}
        for case in (0, 1, 3)
        for name in ("Liver", "Spleen")
    ]
    path = run / "rounds" / "0" / "review.json"
    path.write_text(json.dumps({"format": 1, "by": "automatic", "decisions": decisions}), encoding="utf-8")
    done = stages.go_on(run)
    assert done.status == 1 and "calls itself automatic, but is not what this round accepts" in done.message
    for decision in decisions:
        decision["gamma"] = 1.0
    path.write_text(json.dumps({"format": 1, "by": "automatic", "decisions": decisions}), encoding="utf-8")
    assert here("relabel", run).status == 0


def test_the_changes_of_a_structure_are_counted_voxel_by_voxel() -> None:
    def labels(values: list[int], origins: list[int], denied: list[int], known: bool) -> Labels:
        arrays = (np.array(part, np.uint8).reshape(1, 2, 3) for part in (values, origins))
        label_map, origin = arrays
        marks = Marks(np.array(denied, np.int64), np.full(len(denied), FIRST_ROUND, np.uint8))
        return Labels(("A", "B"), label_map, (known, True), origin, negatives={"A": marks})

    before = labels([1, 1, 1, 2, 0, 0], [1, 2, 2, 1, 0, 0], [4], False)
    after = labels([1, 1, 0, 2, 1, 1], [1, 2, 0, 1, 3, 3], [2, 4], True)
    change = changes(before, after, "A")
    assert (change.accepted, change.withdrawn, change.denied, change.complete) == (2, 1, 1, True)
    assert not changes(before, after, "B") and not changes(before, before, "A")
