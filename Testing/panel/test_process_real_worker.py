"""The real worker on phantoms, as the panel runs it: cancelled, killed, left alone and found again, and at last done."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flow import conftest
from panel.programs import Told
from PartialLabelSegLib.panel.follow import WatchedWorker, orphaned
from PartialLabelSegLib.panel.job import CONFIDENCE, FINISH, LEARN, PREDICT, job_of
from PartialLabelSegLib.panel.patience import Patience
from PartialLabelSegLib.panel.process import Listeners, WorkerProcess
from PartialLabelSegLib.panel.progress import LearningProgress
from PartialLabelSegLib.panel.surroundings import worker_command, worker_environment
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.folder import RunFolder

Wait = Callable[..., None]

pytestmark = pytest.mark.slow
SHORTER = {"steps": 300, "fine_tune_steps": 20, "confidence_steps": 30, "validate_every": 100, "patience": 0}

ball_cohort = conftest.ball_cohort


class Session:
    """One work folder, and the worker that is started in it again and again."""

    def __init__(self, cohort: Path, folder: Path, wait_until: Wait) -> None:
        self.cohort = cohort
        self.folder = folder / "work"
        self.run = RunFolder(self.folder / "run")
        self.progress = LearningProgress(lambda: job_of(self.run))
        self.shares: list[float] = []
        self._wait = wait_until

    def start(self) -> tuple[WorkerProcess, Told]:
        told = Told()
        worker = WorkerProcess(Listeners(self.listen(told), told.outcomes.append), Patience(grace=60.0))
        plan = [part for name, value in SHORTER.items() for part in ("--set", f"{name}={value}")]
        chosen = ("--review", "--rounds", "1", "--checkpoint-seconds", "0.3", "--no-progress", *plan)
        arguments = conftest.tiny(self.cohort, self.run.path, *chosen)
        self.progress.begin()
        self.shares.clear()
        worker.start(worker_command(sys.executable, *arguments), worker_environment(os.environ), self.folder, self.run)
        return worker, told

    def listen(self, told: Told) -> Callable[[Event], None]:
        def heard(event: Event) -> None:
            told.events.append(event)
            self.progress.hear(event)
            self.shares.append(self.progress.share() or 0.0)

        return heard

    def until(self, told: Told, kind: str) -> None:
        self._wait(lambda: kind in told.kinds or told.outcomes, 300, f"the worker's word '{kind}'")
        assert kind in told.kinds, told.outcomes

    def to_the_end(self, worker: WorkerProcess | WatchedWorker) -> None:
        self._wait(lambda: not worker.running(), 300, "the worker's end")


def test_cancelled_killed_left_alone_and_found_again_it_comes_to_its_end(
    ball_cohort: Path, wait_until: Wait, tmp_path: Path
) -> None:
    session = Session(ball_cohort, tmp_path, wait_until)
    cancelled_and_goes_on(session)
    killed_and_goes_on(session)
    left_alone_and_found_again(session)
    decided_and_finished(session)


def cancelled_and_goes_on(session: Session) -> None:
    worker, told = session.start()
    session.until(told, "estimate")
    job = job_of(session.run)
    assert job is not None and [stage.kind for stage in job.stages][1:] == [LEARN, CONFIDENCE, PREDICT]
    assert session.progress.estimate is not None and session.progress.seconds_left() is not None
    holder = orphaned(session.run)
    assert holder is not None and holder.is_here
    session.until(told, "progress")
    worker.cancel()
    session.to_the_end(worker)
    assert told.outcome.cancelled and told.outcome.code == 3 and not told.outcome.crashed
    assert (session.run.round(0).path / "segmentation.checkpoint.pt").exists() and not session.run.cancel.exists()
    assert orphaned(session.run) is None


def killed_and_goes_on(session: Session) -> None:
    worker, told = session.start()
    session.until(told, "resumed")
    session.until(told, "progress")
    os.killpg(worker._child.process_id, signal.SIGKILL)
    session.to_the_end(worker)
    assert told.outcome.crashed and "ended from outside" in told.outcome.sentence and "Resume" in told.outcome.way_out


def left_alone_and_found_again(session: Session) -> None:
    worker, told = session.start()
    session.until(told, "resumed")
    worker.let_go()
    assert orphaned(session.run) is not None
    found = Told()
    watched = WatchedWorker(Listeners(session.listen(found), found.outcomes.append))
    session.progress.begin()
    watched.start(session.run)
    session.to_the_end(watched)
    assert found.outcome.waiting and found.kinds[0] == "imported" and found.kinds[-1] == "waiting"
    assert session.progress.ended == "waiting" and session.progress.share() == 1.0
    folders = {path.parent.name for path in session.run.round(0).path.glob("predictions/*/prediction.json")}
    assert folders and {case for _, case in session.progress.predicted} == folders
    assert session.progress.curves({}).dice and session.progress.curves({}).loss


def decided_and_finished(session: Session) -> None:
    review = {"format": 1, "by": "person", "decisions": []}
    session.run.round(0).review.write_text(json.dumps(review), encoding="utf-8")
    job = job_of(session.run)
    assert job is not None and [stage.kind for stage in job.stages[-4:]] == [LEARN, CONFIDENCE, PREDICT, FINISH]
    worker, told = session.start()
    session.to_the_end(worker)
    assert told.outcome.done and told.kinds[-1] == "finished", told.outcome
    assert session.shares == sorted(session.shares) and session.shares[-1] == 1.0
    assert session.run.report_html.exists() and len(list(session.run.completed.glob("*.seg.nrrd"))) == 6
    assert worker.log() == ()
