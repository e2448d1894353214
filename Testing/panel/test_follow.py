"""A worker that this panel did not start: found by the run's lock, followed through its log, stopped gently or by force."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from panel.programs import PREAMBLE, SHORT, Told, is_alive
from PartialLabelSegLib.panel import follow
from PartialLabelSegLib.panel.follow import EventFollower, WatchedWorker, end_holder, orphaned
from PartialLabelSegLib.panel.process import WorkerProcess
from PartialLabelSegLib.panel.surroundings import LIBRARY, worker_command, worker_environment
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.folder import RunFolder

Wait = Callable[..., None]
Pump = Callable[[int], None]

AT_WORK = f"""{PREAMBLE}
sys.path.insert(0, {str(LIBRARY.parent)!r})
from pathlib import Path
from PartialLabelSegLib.run.events import Event, EventLog
from PartialLabelSegLib.run.folder import RunFolder
run = RunFolder(Path(sys.argv[1]))
log = EventLog(run.events)
with run.at_work():
    log(Event("prepared", {{"step": 1}}))
    print("at work", flush=True)
    if sys.argv[2] == "polite":
        while not run.cancelled():
            time.sleep(0.02)
        log(Event("cancelled", {{"message": "m"}}))
        run.cancel.unlink()
    elif sys.argv[2] == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"])
        log(Event("started", {{"process": child.pid}}))
        time.sleep(600)
    elif sys.argv[2] == "quick":
        time.sleep(0.5)
        log(Event("finished", {{"message": "Done."}}))
    else:
        time.sleep(600)
"""


class Stranger:
    """A worker somebody else started, in a group of its own."""

    def __init__(self, run: RunFolder, manner: str) -> None:
        run.path.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", AT_WORK, str(run.path), manner],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "at work\n"

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        if self.is_alive():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


@pytest.fixture
def stranger(run: RunFolder) -> Iterator[Callable[[str], Stranger]]:
    begun: list[Stranger] = []

    def begin(manner: str) -> Stranger:
        begun.append(Stranger(run, manner))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()


def watched(run: RunFolder) -> tuple[WatchedWorker, Told]:
    told = Told()
    worker = WatchedWorker(told.listeners(), SHORT)
    worker.start(run)
    return worker, told


def test_a_worker_at_work_is_found_and_a_dead_one_is_not(run: RunFolder, stranger: Callable[[str], Stranger]) -> None:
    assert orphaned(run) is None
    other = stranger("quiet")
    found = orphaned(run)
    assert found is not None and found.process == other.process.pid and found.is_here
    other.end()
    assert orphaned(run) is None


def test_it_is_heard_from_the_beginning_to_its_last_word(
    run: RunFolder, stranger: Callable[[str], Stranger], wait_until: Wait
) -> None:
    stranger("quick")
    worker, told = watched(run)
    wait_until(lambda: not worker.running(), 10)
    assert told.kinds == ["prepared", "finished"] and told.outcome.done and told.outcome.sentence == "Done."


def test_it_is_asked_to_stop_and_does(run: RunFolder, stranger: Callable[[str], Stranger], wait_until: Wait) -> None:
    other = stranger("polite")
    worker, told = watched(run)
    wait_until(lambda: told.kinds == ["prepared"], 5)
    worker.cancel()
    assert worker.running() and worker.stopping(), "it does not wait for the worker"
    wait_until(lambda: not worker.running(), 10)
    assert told.outcome.cancelled and told.kinds[-1] == "cancelled"
    wait_until(lambda: not other.is_alive(), 5)


def test_one_that_does_not_listen_is_ended_with_all_that_it_started(
    run: RunFolder, stranger: Callable[[str], Stranger], wait_until: Wait
) -> None:
    other = stranger("stubborn")
    worker, told = watched(run)
    wait_until(lambda: "started" in told.kinds, 5)
    worker.cancel()
    assert run.cancel.exists()
    wait_until(lambda: not worker.running(), 10)
    assert told.outcome.cancelled and "did not answer" in told.outcome.sentence
    assert not other.is_alive() and not run.cancel.exists()
    wait_until(lambda: not is_alive(told.events[-1].fields["process"]), 5)


def test_one_that_is_killed_is_said_to_have_ended_without_a_word(
    run: RunFolder, stranger: Callable[[str], Stranger], wait_until: Wait
) -> None:
    other = stranger("quiet")
    worker, told = watched(run)
    wait_until(lambda: told.kinds == ["prepared"], 5)
    other.end()
    wait_until(lambda: not worker.running(), 5)
    assert told.outcome.crashed and "Resume" in told.outcome.way_out


def test_a_worker_that_is_let_go_goes_on(
    run: RunFolder, stranger: Callable[[str], Stranger], wait_until: Wait, pump: Pump
) -> None:
    other = stranger("polite")
    worker, told = watched(run)
    wait_until(lambda: told.kinds == ["prepared"], 5)
    worker.let_go()
    run.cancel.touch()
    wait_until(lambda: not other.is_alive(), 5)
    pump(300)
    assert told.kinds == ["prepared"] and not told.outcomes and not worker.running()


def test_the_worker_itself_refuses_a_run_in_which_another_is_at_work(
    run: RunFolder, stranger: Callable[[str], Stranger], wait_until: Wait, tmp_path: Path
) -> None:
    other = stranger("quiet")
    told = Told()
    worker = WorkerProcess(told.listeners(), SHORT)
    (tmp_path / "cases.csv").write_text("case,image\n", encoding="utf-8")
    command = worker_command(sys.executable, "complete", tmp_path / "cases.csv", "--out", run.path, "--no-progress")
    worker.start(command, worker_environment(os.environ), tmp_path / "work", run)
    wait_until(lambda: not worker.running(), 60)
    assert told.outcome.sentence == "Another process is at work in run." and not told.outcome.crashed
    assert "Wait until it ends" in told.outcome.way_out and other.is_alive()


def test_a_process_of_another_computer_is_never_ended(run: RunFolder, stranger: Callable[[str], Stranger]) -> None:
    other = stranger("quiet")
    lock = run.path / ".lock"
    lock.write_text(json.dumps({"process": other.process.pid, "computer": "elsewhere"}), encoding="utf-8")
    end_holder(run, by_force=True)
    lock.write_text("", encoding="utf-8")
    end_holder(run, by_force=True)
    time.sleep(0.2)
    assert other.is_alive()


def test_a_log_is_followed_from_its_beginning_or_from_now_on(wait_until: Wait, pump: Pump, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    everything: list[Event] = []
    news: list[Event] = []
    first = EventFollower(path, everything.append)
    first.start()
    pump(50)
    path.write_bytes(b'{"event": "a"}\nrubbish\n\xff\xfe\n{"event": "b"}\n{"event": "ha')
    second = EventFollower(path, news.append)
    second.start(from_beginning=False)
    wait_until(lambda: [event.kind for event in everything] == ["a", "b"], 5)
    with open(path, "ab") as handle:
        handle.write(b'lf"}\n{"event": "c"}\n')
    wait_until(lambda: [event.kind for event in everything] == ["a", "b", "half", "c"], 5)
    wait_until(lambda: [event.kind for event in news] == ["c"], 5)
    first.stop()
    second.stop()
    with open(path, "ab") as handle:
        handle.write(b'{"event": "d"}\n')
    pump(250)
    assert len(everything) == 4 and len(news) == 1


def test_a_log_that_is_begun_anew_is_read_anew(wait_until: Wait, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "a", "text": "a long line"}\n', encoding="utf-8")
    heard: list[str] = []
    follower = EventFollower(path, lambda event: heard.append(event.kind))
    follower.start()
    wait_until(lambda: heard == ["a"], 5)
    path.unlink()
    wait_until(follower.at_end, 5)
    path.write_text('{"event": "b"}\n', encoding="utf-8")
    wait_until(lambda: heard == ["a", "b"], 5)
    follower.stop()


def test_whoever_hears_an_event_may_stop_following(wait_until: Wait, pump: Pump, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "a"}\n{"event": "b"}\n', encoding="utf-8")
    heard: list[str] = []

    def stop_at_once(event: Event) -> None:
        heard.append(event.kind)
        follower.stop()

    follower = EventFollower(path, stop_at_once)
    follower.start()
    wait_until(lambda: heard, 5)
    pump(250)
    assert heard == ["a"] and not follower._ticker._connected


def test_a_long_log_is_told_a_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f'{{"event": "progress", "step": {i}}}\n' for i in range(5000)), encoding="utf-8")
    heard: list[Event] = []
    follower = EventFollower(path, heard.append)
    follower.start()
    # By this clock each event takes a millisecond.
    clock = itertools.count(0.0, 0.001)
    monkeypatch.setattr(follow.time, "monotonic", lambda: next(clock))
    longest = 0
    while not (heard and follower.at_end()):
        before = len(heard)
        follower._tick()
        longest = max(longest, len(heard) - before)
    follower.stop()
    assert [event.fields["step"] for event in heard] == list(range(5000)) and 10 < longest < 20
