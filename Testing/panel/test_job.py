"""What is left to do in a run, from the files that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from PartialLabelSegLib.config import Configuration, Intensity, Plan, Relabelling, to_json
from PartialLabelSegLib.panel.job import CONFIDENCE, FINISH, LEARN, PREDICT, PREPARE, SIZES, WEIGH, Job, Stage, job_of
from PartialLabelSegLib.run.folder import RunFolder

PLAN = Plan(
    structures=("Liver",),
    dimensions="2d",
    slice_axis=0,
    spacing_mm=(3.0, 1.0, 1.0),
    patch=(1, 32, 32),
    context=0,
    batch=2,
    widths=(4, 8),
    strides=((1, 1, 1), (1, 2, 2)),
    norm="batch",
    intensity=Intensity(0.0, 1.0, 0.5, 0.2),
    steps=400,
    fine_tune_steps=100,
    confidence_steps=150,
    learning_rate=0.01,
    learning_rate_end=0.001,
    dice_weight=1.0,
    mirror=(),
    rotate_degrees=0.0,
    scale=0.0,
    translate=0.0,
    precision="float32",
)
SPLITS = ("train", "train", "train", "validation", "test")


def a_run(folder: Path, weighed: int = 0, bounds: tuple[str, ...] = (), **choices: Any) -> RunFolder:
    run = RunFolder(folder / "run")
    run.path.mkdir()
    relabelling = Relabelling(**{"rounds": 1, "review": True, **choices})
    configuration = Configuration(relabelling=relabelling, bounds=bounds, doubtful="weigh")
    cases = [{"name": f"c{i}", "folder": f"c{i}", "split": split} for i, split in enumerate(SPLITS)]
    run.write_head({"configuration": to_json(configuration), "cases": cases})
    run.plan.write_text(json.dumps({"plan": to_json(PLAN), "weighed_scans": weighed}), encoding="utf-8")
    return run


def made(run: RunFolder, *names: str) -> None:
    for name in names:
        path = run.path / "rounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def shape(job: Job | None) -> list[tuple[str, int, float]]:
    assert job is not None
    return [(stage.kind, stage.round, stage.units) for stage in job.stages]


def test_a_new_run_with_decisions_ends_at_the_first_suggestions(tmp_path: Path) -> None:
    job = job_of(a_run(tmp_path))
    assert shape(job) == [(PREPARE, 0, 5), (LEARN, 0, 400), (CONFIDENCE, 0, 150), (PREDICT, 0, 3)]
    assert job is not None and job.rounds == 1


def test_without_decisions_it_goes_through_all_rounds(tmp_path: Path) -> None:
    job = job_of(a_run(tmp_path, review=False, confidence="mcp"))
    assert shape(job) == [
        (PREPARE, 0, 5),
        (LEARN, 0, 400),
        (PREDICT, 0, 3),
        (PREPARE, 1, 3),
        (LEARN, 1, 100),
        (PREDICT, 1, 5),
        (FINISH, 1, 5),
    ]


def test_what_is_there_is_not_done_again(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    made(run, "0/segmentation.pt", "0/predictions/c0/prediction.json")
    assert shape(job_of(run)) == [(CONFIDENCE, 0, 150), (PREDICT, 0, 2)]
    made(run, "0/confidence.pt", "0/review.json")
    rest = [(PREPARE, 1, 3), (LEARN, 1, 100), (CONFIDENCE, 1, 150), (PREDICT, 1, 5), (FINISH, 1, 5)]
    assert shape(job_of(run)) == [(PREDICT, 0, 2), *rest]
    made(run, "0/relabelling.json")
    assert shape(job_of(run)) == rest


def test_a_method_without_rounds_learns_once(tmp_path: Path) -> None:
    assert shape(job_of(a_run(tmp_path, method="naive", confidence="mcp"))) == [
        (PREPARE, 0, 5),
        (LEARN, 0, 400),
        (PREDICT, 0, 5),
        (FINISH, 0, 5),
    ]


def test_sizes_are_learned_before_the_structures_where_bounds_are_kept(tmp_path: Path) -> None:
    run = a_run(tmp_path, bounds=("size",), confidence="mcp")
    assert shape(job_of(run)) == [(PREPARE, 0, 5), (SIZES, 0, 1200), (LEARN, 0, 400), (PREDICT, 0, 3)]
    made(run, "0/sizes.json")
    assert shape(job_of(run)) == [(PREPARE, 0, 5), (LEARN, 0, 400), (PREDICT, 0, 3)]
    made(run, "0/segmentation.pt", "0/relabelling.json", "0/review.json")
    assert (SIZES, 1, 1200) not in shape(job_of(run)), "nobody completed a structure, so the sizes are the same"
    (run.path / "rounds/0/review.json").write_text('{"decisions": [{"decision": "complete"}]}', encoding="utf-8")
    assert (SIZES, 1, 1200) in shape(job_of(run))


def test_weighed_labels_make_steps_dear_and_are_judged_after_the_confidence(tmp_path: Path) -> None:
    run = a_run(tmp_path, weighed=2)
    job = job_of(run)
    assert shape(job) == [(PREPARE, 0, 5), (LEARN, 0, 400), (CONFIDENCE, 0, 150), (WEIGH, 0, 2), (PREDICT, 0, 3)]
    assert job is not None
    learn = job.stage(LEARN, 0)
    # A quarter of the steps is for trusted labels alone; with four views and a teacher the others cost ten times as much.
    assert learn == Stage(LEARN, 0, 400, 1.0, 100, 10.0)
    assert [learn.work(step) for step in (0, 100, 101, 400)] == [0, 100, 110, 100 + 300 * 10]
    made(run, "0/segmentation.pt", "0/confidence.pt", "0/weights/c0/doubts.json")
    assert shape(job_of(run)) == [(WEIGH, 0, 1), (PREDICT, 0, 3)]


def test_mlb_begins_with_trusted_labels_and_weighs_from_the_second_round_on(tmp_path: Path) -> None:
    job = job_of(a_run(tmp_path, weighed=2, method="mlb", review=False, rounds=5, confidence="mcp"))
    assert shape(job) == [
        (PREPARE, 0, 5),
        (LEARN, 0, 100),
        (PREDICT, 0, 3),
        (PREPARE, 1, 3),
        (LEARN, 1, 300),
        (WEIGH, 1, 2),
        (PREDICT, 1, 5),
        (FINISH, 1, 5),
    ]
    assert job is not None and job.rounds == 1
    dear = [(stage.dear_from, stage.dear) for stage in job.stages if stage.kind == LEARN]
    assert dear == [(float("inf"), 1.0), (0, 10.0)]


@pytest.mark.parametrize("damage", ["no folder", "no plan", "a torn plan", "a torn head", "another program's"])
def test_without_readable_files_nothing_is_said(tmp_path: Path, damage: str) -> None:
    if damage == "no folder":
        assert job_of(RunFolder(tmp_path / "nowhere")) is None
        return
    run = a_run(tmp_path)
    if damage == "no plan":
        run.plan.unlink()
    elif damage == "a torn plan":
        run.plan.write_text(run.plan.read_text(encoding="utf-8")[:100], encoding="utf-8")
    elif damage == "a torn head":
        run.head.write_text('{"program": "PartialLabelSeg", "format": 1}', encoding="utf-8")
    else:
        run.head.write_text("{}", encoding="utf-8")
    assert job_of(run) is None
