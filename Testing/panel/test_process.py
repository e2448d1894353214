"""The worker process against real child processes: well-behaved ones, and every way in which one can misbehave."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from panel.programs import SHORT, ended, is_alive, program, started
from PartialLabelSegLib.panel import process
from PartialLabelSegLib.panel.child import Child
from PartialLabelSegLib.panel.patience import Patience
from PartialLabelSegLib.run.folder import RunFolder

Wait = Callable[..., None]
Pump = Callable[[int], None]


def test_events_arrive_in_order_and_the_last_word_becomes_the_outcome(wait_until: Wait, tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        for step in range(40):
            say("progress", step=step, text="µ 中 " * step)
        say("finished", message="Done. All is there.")
        """,
    )
    told = ended(wait_until, command, tmp_path)
    assert [event.fields["step"] for event in told.events[:-1]] == list(range(40))
    assert told.events[7].fields["text"] == "µ 中 " * 7
    assert told.outcome.done and told.outcome.code == 0
    assert told.outcome.sentence == "Done. All is there." and told.outcome.way_out == ""
    assert told.lines == []


def test_events_arrive_while_the_program_is_still_at_work(wait_until: Wait, tmp_path: Path) -> None:
    worker, told = started(program(tmp_path, "say('note', message='a')\ntime.sleep(60)"), tmp_path)
    wait_until(lambda: told.kinds == ["note"], 10)
    assert worker.running() and not told.outcomes
    worker.cancel()
    wait_until(lambda: not worker.running(), 10)


def test_what_is_kept_names_no_folder_of_the_computer(wait_until: Wait, tmp_path: Path) -> None:
    """Paths may name a patient: those of the command are cut in the log, and what was printed is gone once it was heard."""
    out = tmp_path / "Mustermann Erika"
    command = [*program(tmp_path, "print(sys.argv[1] + '/Dataset001')"), str(out)]
    told = ended(wait_until, command, tmp_path)
    assert told.lines == ["…/Dataset001"] and told.outcome.sentence
    kept = [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == ["panel.log"]
    log = kept[0].read_text(encoding="utf-8")
    assert "…/Dataset001" in log and "Mustermann" not in log and str(tmp_path) not in log


def test_rubbish_is_kept_in_the_log_and_disturbs_no_event(wait_until: Wait, tmp_path: Path) -> None:
    command = program(
        tmp_path,
        r"""
        print("hello")
        print("[1, 2")
        print('{"no": "event"}')
        print("[]"); print("null"); print("{}")
        sys.stdout.buffer.write(b"\xff\xfe\x80 not UTF-8\n")
        sys.stdout.buffer.write(b"\x00\x1b[31mbytes\r\n\r\n\n")
        sys.stdout.flush()
        say("note", message="still here")
        print("a warning", file=sys.stderr)
        sys.stdout.write(json.dumps({"event": "finished", "message": "Done."}))
        """,
    )
    told = ended(wait_until, command, tmp_path)
    assert told.kinds == ["note", "finished"] and told.outcome.done
    assert "hello" in told.lines and "a warning" in told.lines and "\ufffd\ufffd\ufffd not UTF-8" in told.lines
    log = (tmp_path / "work" / "panel.log").read_text(encoding="utf-8")
    assert all(line in log for line in told.lines) and "started" in log and "Done." in log


def test_a_line_of_a_megabyte_arrives_whole_and_one_of_twenty_is_left_out(wait_until: Wait, tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        say("prediction", case="x" * 1_000_000)
        print("y" * 20_000_000)
        say("finished", message="Done.")
        """,
    )
    told = ended(wait_until, command, tmp_path)
    assert told.kinds == ["prediction", "finished"] and len(told.events[0].fields["case"]) == 1_000_000
    assert told.lines == []


def test_a_flood_of_output_leaves_the_window_free_and_the_log_bounded(
    wait_until: Wait, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busy: list[float] = []
    tick = Child._tick

    def timed(child: Child) -> None:
        # Processor time: what another program takes of this core is not the panel's doing.
        began = time.thread_time()
        tick(child)
        busy.append(time.thread_time() - began)

    monkeypatch.setattr(Child, "_tick", timed)
    body = """
        for i in range(60_000):
            print(f"rubbish number {i} of a program that has lost its mind")
        say("finished", message="Done.")
        """
    told = ended(wait_until, program(tmp_path, body), tmp_path)
    assert told.outcome.done and len(told.lines) == 60_000
    assert (tmp_path / "work" / "panel.log").stat().st_size <= process.LOG_BYTES + 1000
    assert len(busy) > 20 and sorted(busy)[len(busy) * 9 // 10] < 0.05


def test_the_log_is_cut_before_it_grows_too_long(wait_until: Wait, tmp_path: Path) -> None:
    log = tmp_path / "work" / "panel.log"
    log.parent.mkdir()
    log.write_text("".join(f"an old line {i}\n" for i in range(60_000)), encoding="utf-8")
    ended(wait_until, program(tmp_path, "print('new')"), tmp_path)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert log.stat().st_size < process.LOG_BYTES
    assert lines[0].startswith("an old line ") and "new" in lines


@pytest.mark.parametrize(
    ("body", "words", "way_out"),
    [
        ("sys.exit(7)", "without saying why (exit status 7)", "panel.log"),
        ("import no_such_thing", "its last line was: ModuleNotFoundError", "Resume"),
        ("say('progress', step=1)", "Done.", ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended from outside, perhaps because memory ran out", "Resume"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "ended from outside.", "Resume"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed, inside PyTorch or a driver", "processor as device"),
        (
            "os.kill(os.getpid(), signal.SIGILL)",
            "instructions that this processor does not have",
            "made for this computer",
        ),
        ("sys.exit(137)", "ended from outside, perhaps because memory ran out", "Resume"),
    ],
)
def test_an_end_without_a_last_word_is_a_sentence_with_a_way_out(
    wait_until: Wait, tmp_path: Path, body: str, words: str, way_out: str
) -> None:
    outcome = ended(wait_until, program(tmp_path, body), tmp_path).outcome
    assert words in outcome.sentence and way_out in outcome.way_out
    assert outcome.crashed == (outcome.code != 0) and not outcome.cancelled
    assert "Traceback" not in outcome.sentence + outcome.way_out


def test_killed_while_memory_is_short_is_said_to_be_the_memory(
    wait_until: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "memory_bytes", lambda: (100 * 2**20, 16 * 2**30))
    command = program(tmp_path, "say('progress', step=1)\ntime.sleep(0.8)\nos.kill(os.getpid(), signal.SIGKILL)")
    outcome = ended(wait_until, command, tmp_path).outcome
    assert "ran out of memory" in outcome.sentence and "Close other programs" in outcome.way_out and outcome.crashed


def test_a_worker_that_cannot_even_write_its_last_word_has_a_full_disk(
    wait_until: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=4096)
    monkeypatch.setattr(process.shutil, "disk_usage", lambda folder: full)
    outcome = ended(wait_until, program(tmp_path, "sys.exit(1)"), tmp_path).outcome
    assert "is full" in outcome.sentence and "Make room" in outcome.way_out


def test_an_error_of_the_worker_keeps_its_sentence_and_its_way_out_apart(wait_until: Wait, tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        say("error", message="Case 'CT 1': the scan is empty. Draw it again.", way_out="Draw it again.", case="CT 1")
        sys.exit(1)
        """,
    )
    outcome = ended(wait_until, command, tmp_path).outcome
    assert (outcome.sentence, outcome.way_out) == ("Case 'CT 1': the scan is empty.", "Draw it again.")
    assert not outcome.crashed and not outcome.done


def test_running_out_of_memory_in_the_worker_is_its_own_sentence(wait_until: Wait, tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        try:
            bytearray(1 << 60)
        except MemoryError:
            say("error", message="Memory ran out. Close other programs.", way_out="Close other programs.")
            sys.exit(1)
        """,
    )
    outcome = ended(wait_until, command, tmp_path).outcome
    assert (outcome.sentence, outcome.way_out) == ("Memory ran out.", "Close other programs.")


def test_waiting_for_decisions_is_neither_an_error_nor_the_end(wait_until: Wait, tmp_path: Path) -> None:
    outcome = ended(wait_until, program(tmp_path, "say('waiting', message='m')\nsys.exit(4)"), tmp_path).outcome
    assert outcome.waiting and not outcome.done and not outcome.crashed and "decisions" in outcome.sentence


def test_a_last_word_that_is_not_the_last_counts_for_nothing(wait_until: Wait, tmp_path: Path) -> None:
    body = "say('waiting', message='m')\nsay('progress', step=1)\nos.kill(os.getpid(), signal.SIGKILL)"
    outcome = ended(wait_until, program(tmp_path, body), tmp_path).outcome
    assert outcome.crashed and not outcome.waiting


@pytest.mark.parametrize("kind", ["no such program", "a folder", "not executable", "a null in it"])
def test_a_program_that_cannot_be_started_is_said_to_be_so(wait_until: Wait, tmp_path: Path, kind: str) -> None:
    (tmp_path / "text").write_text("not a program", encoding="utf-8")
    commands = {
        "no such program": [str(tmp_path / "PythonSlicer")],
        "a folder": [str(tmp_path)],
        "not executable": [str(tmp_path / "text")],
        "a null in it": ["a\0b"],
    }
    outcome = ended(wait_until, commands[kind], tmp_path).outcome
    assert (
        outcome.sentence.startswith("The learning program could not be started: ")
        and "Restart Slicer" in outcome.way_out
    )
    assert outcome.crashed and outcome.code is None
    assert str(tmp_path) not in outcome.sentence


def test_a_work_folder_that_cannot_be_written_is_said_to_be_so(wait_until: Wait, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file stands where the folder should be", encoding="utf-8")
    outcome = ended(wait_until, program(tmp_path, "say('finished')"), tmp_path).outcome
    assert "could not be started" in outcome.sentence and "work folder" in outcome.way_out


def test_start_and_cancel_give_the_window_back_at_once(wait_until: Wait, tmp_path: Path) -> None:
    """The worker, which would take a minute, is still there when each of them comes back."""
    worker, _ = started(program(tmp_path, "time.sleep(60)"), tmp_path)
    assert worker.running()
    worker.cancel()
    assert worker.running() and worker.stopping()
    wait_until(lambda: not worker.running(), 5)
    assert not worker.stopping()


POLITE = """
from pathlib import Path
cancel = Path(sys.argv[1]) / "cancel"
say("progress", step=1)
while not cancel.exists():
    time.sleep(0.02)
time.sleep(0.2)
cancel.unlink()
say("cancelled", message="Cancelled; everything up to here is kept.")
sys.exit(3)
"""


def test_a_worker_that_looks_for_the_request_saves_and_stops_by_itself(wait_until: Wait, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    worker, told = started([*program(tmp_path, POLITE), str(run.path)], tmp_path, run=run)
    wait_until(lambda: told.kinds == ["progress"], 10)
    worker.cancel()
    wait_until(lambda: not worker.running(), 5)
    assert told.outcome.cancelled and told.outcome.code == 3 and told.kinds[-1] == "cancelled"
    assert "kept" in told.outcome.way_out and not told.outcome.crashed


STUBBORN = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
grandchild = subprocess.Popen([sys.executable, "-c",
    "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); time.sleep(600)"],
    stdout=subprocess.PIPE, encoding="utf-8")
say("started", processes=[os.getpid(), child.pid, grandchild.pid, int(grandchild.stdout.readline())])
time.sleep(600)
"""


def test_one_that_ignores_everything_is_ended_with_all_that_it_started(wait_until: Wait, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    worker, told = started(program(tmp_path, STUBBORN), tmp_path, run=run)
    wait_until(lambda: told.kinds == ["started"], 10)
    processes = told.events[0].fields["processes"]
    assert all(map(is_alive, processes)) and len(processes) == 4
    began = time.monotonic()
    worker.cancel()
    assert run.cancel.exists()
    wait_until(lambda: not worker.running(), 10)
    assert SHORT.grace + SHORT.harder <= time.monotonic() - began < 3
    wait_until(lambda: not any(map(is_alive, processes)), 5)
    assert told.outcome.cancelled and "did not answer" in told.outcome.sentence and not told.outcome.crashed
    assert not run.cancel.exists(), "the next worker would stop at once"


def test_cancel_asked_twice_does_not_wait_for_the_grace(wait_until: Wait, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    worker, told = started(program(tmp_path, "say('a')\ntime.sleep(600)"), tmp_path, Patience(grace=60.0), run)
    wait_until(lambda: told.kinds == ["a"], 10)
    worker.cancel()
    worker.cancel()
    wait_until(lambda: not worker.running(), 5)
    assert told.outcome.cancelled and told.outcome.code == -signal.SIGTERM


def test_a_launcher_that_is_killed_takes_the_trainer_with_it(wait_until: Wait, tmp_path: Path) -> None:
    trainer = program(tmp_path, "say('started', process=os.getpid())\ntime.sleep(600)", "trainer.py")
    launcher = program(tmp_path, "sys.exit(subprocess.call(sys.argv[1:]))", "launcher.py")
    worker, told = started([*launcher, *trainer], tmp_path)
    wait_until(lambda: told.kinds == ["started"], 10)
    trainer_id = told.events[0].fields["process"]
    os.kill(worker._child.process_id, signal.SIGKILL)
    wait_until(lambda: not worker.running(), 5)
    wait_until(lambda: not is_alive(trainer_id), 5)
    assert told.outcome.crashed and "ended from outside" in told.outcome.sentence


def test_what_a_worker_leaves_running_does_not_hold_up_its_end(wait_until: Wait, tmp_path: Path) -> None:
    body = "p = subprocess.Popen(['sleep', '600'])\nsay('finished', message='Done.', process=p.pid)"
    told = ended(wait_until, program(tmp_path, body), tmp_path)
    assert told.outcome.done
    wait_until(lambda: not is_alive(told.events[0].fields["process"]), 5)


def test_silence_is_said_again_and_again_and_ends_nothing(wait_until: Wait, pump: Pump, tmp_path: Path) -> None:
    body = "say('a')\ntime.sleep(2.2)\nsay('finished', message='Done.')"
    worker, told = started(program(tmp_path, body), tmp_path, Patience(silent=0.7))
    wait_until(lambda: not worker.running(), 15)
    assert len(told.silences) >= 2 and all(seconds >= 0.7 for seconds in told.silences)
    assert told.outcome.done


def test_an_old_request_to_stop_does_not_stop_the_next_worker(wait_until: Wait, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.cancel.touch()
    body = f"say('finished', message=str(os.path.exists({str(run.cancel)!r})))"
    worker, told = started(program(tmp_path, body), tmp_path, run=run)
    wait_until(lambda: not worker.running(), 10)
    assert told.outcome.sentence == "False"


def test_one_worker_after_another_from_the_same_object(wait_until: Wait, tmp_path: Path) -> None:
    worker, told = started(program(tmp_path, "print('x')\nsay('finished', message='one')"), tmp_path)
    wait_until(lambda: not worker.running(), 10)
    worker.start(program(tmp_path, "say('finished', message='two')"), os.environ, tmp_path / "work")
    wait_until(lambda: not worker.running(), 10)
    assert [outcome.sentence for outcome in told.outcomes] == ["one", "two"]
    assert worker.log() == ()


def test_a_mistake_of_a_listener_loses_no_event_and_no_end(wait_until: Wait, tmp_path: Path, watch: Any) -> None:
    seen: list[str] = []
    outcomes: list[Any] = []

    def stumbling(event: Any) -> None:
        seen.append(event.kind)
        if event.kind == "b":
            raise ZeroDivisionError("a mistake of a view")

    worker = process.WorkerProcess(process.Listeners(stumbling, outcomes.append))
    body = "for kind in 'abcd': say(kind)\nsay('finished', message='Done.')"
    worker.start(program(tmp_path, body), os.environ, tmp_path / "work")
    wait_until(lambda: not worker.running(), 10)
    assert seen == ["a", "b", "c", "d", "finished"] and outcomes[0].done
    assert any("ZeroDivisionError" in text for text in watch.seen)
    watch.seen.clear()
