"""Small programs that behave like workers, well and badly, and how a test runs one and waits for it."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PartialLabelSegLib.panel.outcome import Outcome
from PartialLabelSegLib.panel.patience import Patience
from PartialLabelSegLib.panel.process import Listeners, WorkerProcess
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.folder import RunFolder

SHORT = Patience(silent=60.0, grace=0.6, harder=0.4)

PREAMBLE = """
import json, os, signal, subprocess, sys, time
def say(kind, **fields):
    print(json.dumps({"event": kind, "time": time.time(), **fields}), flush=True)
"""


class Told:
    """Everything that a worker told, for assertions."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.outcomes: list[Outcome] = []
        self.silences: list[float] = []
        self.lines: list[str] = []

    def listeners(self) -> Listeners:
        return Listeners(self.events.append, self.outcomes.append, self.silences.append, self.lines.append)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    @property
    def outcome(self) -> Outcome:
        assert len(self.outcomes) == 1, self.outcomes
        return self.outcomes[0]


def program(folder: Path, body: str, name: str = "program.py") -> list[str]:
    """The command of a Python program with `say(kind, **fields)` and the usual imports."""
    path = folder / name
    path.write_text(PREAMBLE + textwrap.dedent(body), encoding="utf-8")
    return [sys.executable, "-u", str(path)]


def started(
    command: list[str], folder: Path, patience: Patience = SHORT, run: RunFolder | None = None
) -> tuple[WorkerProcess, Told]:
    """A worker in its first moment, and what it will tell."""
    told = Told()
    worker = WorkerProcess(told.listeners(), patience)
    worker.start(command, os.environ, folder / "work", run)
    return worker, told


def ended(wait_until: Callable[..., None], command: list[str], folder: Path) -> Told:
    """What a worker told from its start to its end."""
    worker, told = started(command, folder)
    wait_until(lambda: not worker.running(), 30, "the program's end")
    return told


def is_alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    import psutil

    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def event(kind: str, time: float = 0.0, **fields: Any) -> Event:
    return Event(kind, fields, time)
