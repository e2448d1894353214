"""A worker process that is let go: it works on by itself, and nothing of it reaches whoever comes next."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from panel.programs import program, started
from PartialLabelSegLib.panel import process

Wait = Callable[..., None]
Pump = Callable[[int], None]


def test_a_worker_that_was_let_go_works_on_and_tells_nothing_more(wait_until: Wait, pump: Pump, tmp_path: Path) -> None:
    done = tmp_path / "done"
    body = f"say('a')\ntime.sleep(0.7)\nprint('still printing')\nopen({str(done)!r}, 'w').close()\nsay('finished')"
    worker, told = started(program(tmp_path, body), tmp_path)
    wait_until(lambda: told.kinds == ["a"], 10)
    worker.let_go()
    assert not worker.running()
    wait_until(done.exists, 10)
    pump(300)
    assert told.kinds == ["a"] and not told.outcomes


def test_one_that_was_let_go_does_not_write_into_the_next_ones_lines(
    wait_until: Wait, pump: Pump, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    body = f"""
        say('a')
        while not os.path.exists({str(go_on)!r}): time.sleep(0.02)
        for _ in range(50): say('old'); print('old', file=sys.stderr)
        open({str(tmp_path / "done")!r}, 'w').close()
        """
    worker, told = started(program(tmp_path, body), tmp_path)
    wait_until(lambda: told.kinds == ["a"], 10)
    worker.let_go()
    worker.start(program(tmp_path, "say('b')\ntime.sleep(60)", "second.py"), os.environ, tmp_path / "work")
    wait_until(lambda: told.kinds == ["a", "b"], 10)
    go_on.touch()
    wait_until((tmp_path / "done").exists, 10)
    pump(300)
    worker.cancel()
    wait_until(lambda: not worker.running(), 10)
    assert told.kinds == ["a", "b"] and told.lines == []


def test_what_is_written_last_is_heard_however_slow_the_listener(wait_until: Wait, tmp_path: Path) -> None:
    kinds: list[str] = []
    outcomes: list[Any] = []

    def slow(event: Any) -> None:
        kinds.append(event.kind)
        time.sleep(0.05)

    worker = process.WorkerProcess(process.Listeners(slow, outcomes.append))
    body = "for i in range(8): say('a')\ntime.sleep(0.3)\nfor i in range(4): say('b')\nsay('finished', message='Done.')"
    worker.start(program(tmp_path, body), os.environ, tmp_path / "work")
    wait_until(lambda: not worker.running(), 20)
    assert kinds == ["a"] * 8 + ["b"] * 4 + ["finished"] and outcomes[0].done


def test_a_listener_may_let_go_or_start_anew(wait_until: Wait, pump: Pump, tmp_path: Path) -> None:
    kinds: list[str] = []
    outcomes: list[Any] = []

    def heard(event: Any) -> None:
        kinds.append(event.kind)
        worker.let_go()

    def finished(outcome: Any) -> None:
        outcomes.append(outcome)
        if len(outcomes) == 1:
            worker.start(program(tmp_path, "say('a')\nsay('b')"), os.environ, tmp_path / "work")

    worker = process.WorkerProcess(process.Listeners(heard, finished))
    worker.start(program(tmp_path, "sys.exit(5)", "first.py"), os.environ, tmp_path / "work")
    wait_until(lambda: kinds, 10)
    pump(300)
    assert kinds == ["a"] and len(outcomes) == 1 and not worker.running()
    assert not worker._child._ticker._connected and not worker._ticker._connected
