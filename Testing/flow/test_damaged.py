"""Every kind of file in a run, cut off, overwritten or exchanged: the same command ends with the same labels or with one sentence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flow.conftest import Said, Stages, final_labels, same, staged


@dataclass(frozen=True)
class File:
    """A file of a run at a stage, and another of its kind from elsewhere in that run or (`other/…`) in another one."""

    stage: str
    path: str
    exchanged: str | None = None


PREDICTED = "rounds/0/predictions/scan3"
RELABELLED = "rounds/0/labels/scan3"
PREPARED = "prepared/scan3"
FILES = [
    File("finished", "run.json", "other/run.json"),
    File("learning", "run.json", "other/run.json"),
    File("learning", "plan.json", "other/plan.json"),
    File("relabelled", "plan.json", "other/plan.json"),
    File("relabelled", "cases/scan0/case.json", "cases/scan1/case.json"),
    File("relabelled", "cases/scan0/image.nrrd", "cases/scan1/image.nrrd"),
    File("relabelled", "cases/scan0/labels.nrrd", "cases/scan1/labels.nrrd"),
    File("relabelled", "cases/scan0/origin.nrrd", "cases/scan1/origin.nrrd"),
    File("relabelled", "cases/scan0/labels.json", "cases/scan1/labels.json"),
    File("finished", "cases/scan3/labels.json", "cases/scan0/labels.json"),
    File("finished", "cases/scan2/labels.json", "cases/scan3/labels.json"),
    File("relabelled", "cases/scan4/labels.nrrd", "cases/scan2/labels.nrrd"),
    File("learning", f"{PREPARED}/image.npy", "prepared/scan2/image.npy"),
    File("relabelled", f"{PREPARED}/image.json", "prepared/scan2/image.json"),
    File("relabelled", f"{PREPARED}/round-0/labels.npy", "prepared/scan2/round-0/labels.npy"),
    File("relabelled", "prepared/scan2/round-0/points.npz", "prepared/scan0/round-0/points.npz"),
    File("relabelled", f"{PREPARED}/round-0/labels.json", "prepared/scan2/round-0/labels.json"),
    File("learning", "rounds/0/segmentation.checkpoint.pt", "other/rounds/0/segmentation.checkpoint.pt"),
    File("confidence", "rounds/0/confidence.checkpoint.pt", "other/rounds/0/confidence.checkpoint.pt"),
    File("predicting", "rounds/0/segmentation.pt", "other/rounds/0/segmentation.pt"),
    File("relabelled", "rounds/0/segmentation.pt", "other/rounds/0/segmentation.pt"),
    File("predicting", "rounds/0/segmentation.pt", "rounds/0/confidence.pt"),
    File("predicting", "rounds/0/confidence.pt", "other/rounds/0/confidence.pt"),
    File("finished", "rounds/1/segmentation.pt", "rounds/0/segmentation.pt"),
    File("finished", "rounds/0/training.json", "other/rounds/0/training.json"),
    File("finished", "rounds/0/confidence.json", "other/rounds/0/confidence.json"),
    File("decided", f"{PREDICTED}/prediction.json", "rounds/0/predictions/scan0/prediction.json"),
    File("decided", f"{PREDICTED}/label.nrrd", "rounds/0/predictions/scan0/label.nrrd"),
    File("decided", f"{PREDICTED}/rank.nrrd", "other/rounds/0/predictions/scan3/rank.nrrd"),
    File("decided", f"{PREDICTED}/probability.nrrd", "rounds/0/predictions/scan0/probability.nrrd"),
    File("decided", f"{PREDICTED}/confidence.nrrd", f"{PREDICTED}/probability.nrrd"),
    File("decided", "rounds/0/review.json", None),
    File("relabelled", "rounds/0/review.json", "other/rounds/0/review.json"),
    File("relabelled", "rounds/0/relabelling.json", "other/rounds/0/relabelling.json"),
    File("relabelled", f"{RELABELLED}/labels.nrrd", "rounds/0/labels/scan0/labels.nrrd"),
    File("relabelled", f"{RELABELLED}/origin.nrrd", "rounds/0/labels/scan0/origin.nrrd"),
    File("relabelled", f"{RELABELLED}/labels.json", "rounds/0/labels/scan0/labels.json"),
    File("relabelled", f"{RELABELLED}/marks.npz", "prepared/scan2/round-0/points.npz"),
    File("finished", "rounds/1/predictions/scan5/label.nrrd", "rounds/1/predictions/scan3/label.nrrd"),
    File("finished", "completed/scan3.nii.gz", "completed/scan0.nii.gz"),
    File("finished", "completed/scan3.seg.nrrd", "completed/scan0.seg.nrrd"),
    File("finished", "report.json", None),
    File("relabelled", "events.jsonl", "other/events.jsonl"),
]


def truncated(path: Path, _run: Path, _other: Path | None) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def overwritten(path: Path, _run: Path, _other: Path | None) -> None:
    path.write_text("This is the diary of somebody else.\n", encoding="utf-8")


def exchanged(path: Path, _run: Path, other: Path | None) -> None:
    assert other is not None
    content = other.read_bytes()
    assert content != path.read_bytes(), f"{path.name} and what it is exchanged for are the same"
    path.write_bytes(content)


def damages() -> Iterator[Any]:
    for file in FILES:
        for damage in (truncated, overwritten, exchanged):
            if damage is not exchanged or file.exchanged is not None:
                name = f"{damage.__name__}-{file.stage}-{file.path}"
                yield pytest.param(file, damage, id=f"{name}-{file.exchanged}" if damage is exchanged else name)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["learning", "confidence", "predicting", "decided", "relabelled", "finished"])
def test_undamaged_a_run_goes_on_from_each_stage_to_the_same_labels(stages: Stages, stage: str, tmp_path: Path) -> None:
    run = staged(stages, stage, tmp_path / "run")
    done = stages.go_on(run)
    assert done.status == 0, done.out[-1000:]
    assert same(final_labels(run), stages.labels) == []


def assert_one_sentence(done: Said, run: Path) -> None:
    """The command ended with an error that a person understands."""
    assert done.status == 1
    assert done.events[-1]["event"] == "error"
    assert sum(event["event"] == "error" for event in done.events) == 1
    assert "Traceback" not in done.out + done.errors
    assert "The program made a mistake" not in done.message, (run / "error.txt").read_text(encoding="utf-8")
    assert "\n" not in done.message and str(run.parent) not in done.message
    assert not (run / "error.txt").exists()


def follow(message: str, run: Path, file: File, whole: Path) -> None:
    """Does what the sentence tells: deletes what it names, and in doubt puts the right file back."""
    named = re.findall(r"[Dd]elete (?:the folder )?'?([\w./-]*\w)'?", message)
    if not named or "right files back" in message or "choose another folder" in message:
        shutil.copy(whole / file.path, run / file.path)
        return
    path = run / {"it": "plan.json", "that": file.path}.get(named[0], named[0])
    assert path.exists(), f"{path} is not there to be deleted: {message}"
    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize(("file", "damage"), list(damages()))
def test_a_damaged_file_leads_to_the_same_labels_or_to_one_sentence(
    stages: Stages, file: File, damage: Callable[[Path, Path, Path | None], None], tmp_path: Path
) -> None:
    run = staged(stages, file.stage, tmp_path / "run")
    other = None
    if file.exchanged is not None:
        elsewhere = stages.other / ("waiting" if file.stage == "decided" else file.stage)
        inner = file.exchanged.removeprefix("other/")
        other = (elsewhere if file.exchanged.startswith("other/") else run) / inner
    damage(run / file.path, run, other)
    done = stages.go_on(run)
    if done.status != 0:
        assert_one_sentence(done, run)
        if damage is exchanged or file.stage == "finished":
            # The way out leads out.
            follow(done.message, run, file, stages.folder / file.stage)
            done = stages.go_on(run)
            assert done.status == 0, done.message
    if done.status == 0:
        assert same(final_labels(run), stages.labels) == []
