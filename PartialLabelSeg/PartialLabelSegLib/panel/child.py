"""A child process in a group of its own: its output is followed line by line, and the group can be ended as a whole.

`subprocess` and files instead of QProcess and pipes, for three reasons. `PythonSlicer` is a launcher, so that the program at work is its
child: in PythonQt, QProcess cannot give both a group of their own, and ending the launcher alone leaves the other one running. A pipe breaks
when Slicer crashes, and with it the work; a file does not. And QProcess ends its program, and waits for it, when Slicer is closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .tail import Tail
from .ticker import Ticker

POLL_MS = 100
BUSY_SECONDS = 0.015
"""At most this long the window's thread is kept with lines at one time."""


@dataclass(frozen=True)
class Outputs:
    """The files that a program writes to, its stdout and its stderr. What they held before is lost."""

    said: Path
    complained: Path


@dataclass(frozen=True)
class Ending:
    """code: the exit status, negative for a signal; None where it could not be started, for the reason in `not_started`."""

    code: int | None
    not_started: str = ""


class Child:
    """One run of a program. `heard(line, complained)` for each line of stdout (False) and stderr (True), then `ended(ending)` once.

    Neither is called before `start` has returned.
    """

    def __init__(self, heard: Callable[[str, bool], object], ended: Callable[[Ending], object]) -> None:
        self._heard = heard
        self._ended = ended
        self._process: subprocess.Popen[bytes] | None = None
        self._ticker = Ticker(self._tick)
        self._tails: tuple[tuple[Tail, bool], ...] = ()
        self._lines: deque[tuple[str, bool]] = deque()
        self._ending: Ending | None = None

    def start(self, command: Sequence[str], environment: Mapping[str, str], outputs: Outputs) -> None:
        """Starts the program; where that is not possible, `ended` says why."""
        assert not self.running(), "one program at a time"
        self._ending, self._lines = None, deque()
        try:
            outputs = Outputs(fresh(outputs.said), fresh(outputs.complained))
            with open(outputs.said, "wb") as said, open(outputs.complained, "wb") as complained:
                self._tails = ((Tail(outputs.said), False), (Tail(outputs.complained), True))
                self._process = _start(command, environment, (said.fileno(), complained.fileno()), outputs.said.parent)
        except (OSError, ValueError) as error:
            self._tails = ()
            self._ending = Ending(None, _reason(error))
        self._ticker.start(POLL_MS)

    def running(self) -> bool:
        """Whether `ended` is still to come."""
        return self._process is not None or self._ending is not None

    @property
    def process_id(self) -> int:
        """The program's number, which is its group's too; 0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    def terminate(self) -> None:
        """Asks the system to end the whole group, in a way that a program can refuse (on Windows it cannot)."""
        if self._process is not None:
            end_group(self._process.pid, by_force=False)

    def kill(self) -> None:
        """Ends the whole group at once."""
        if self._process is not None:
            end_group(self._process.pid, by_force=True)

    def let_go(self) -> None:
        """Stops listening; the program goes on by itself, and nothing more is called."""
        self._ticker.stop()
        with warnings.catch_warnings():
            # Python complains about a program that nobody waits for; here that is meant.
            warnings.simplefilter("ignore", ResourceWarning)
            self._process = None
        self._ending, self._tails, self._lines = None, (), deque()

    def _tick(self) -> None:
        if self._process is not None and self._ending is None:
            code = self._process.poll()
            if code is not None:
                # What it left running would hold the files and, in Slicer, the work itself.
                end_group(self._process.pid, by_force=True, after_its_leader=True)
                self._ending = Ending(code)
        ended, looked = self._ending is not None, not self._lines
        if looked:
            self._read(to_the_end=ended)
        until = time.monotonic() + BUSY_SECONDS
        while self._lines and time.monotonic() < until:
            self._heard(*self._lines.popleft())
        if not self.running():
            # Let go of by whoever heard a line.
            return
        if self._lines or not looked or not all(tail.at_end for tail, _ in self._tails):
            self._ticker.start(0)
        elif ended:
            self._finish()
        else:
            self._ticker.start(POLL_MS)

    def _read(self, to_the_end: bool) -> None:
        for tail, complained in self._tails:
            self._lines.extend((line, complained) for line in tail.lines())
            if to_the_end and tail.at_end:
                self._lines.extend((line, complained) for line in tail.rest())

    def _finish(self) -> None:
        ending = self._ending
        if ending is None:
            # A slot let other events happen meanwhile, and they came here first.
            return
        self._ticker.stop()
        self._process, self._ending, self._tails = None, None, ()
        self._ended(ending)


def fresh(path: Path) -> Path:
    """A path where no file is: this one, freed from what an earlier program left, or one beside it where that program still writes.

    To empty the file would not do: a program that was let go goes on writing at its old place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for beside in (path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, 10))):
        with contextlib.suppress(PermissionError):
            # Windows refuses while somebody writes.
            beside.unlink(missing_ok=True)
            return beside
    return path


def _reason(error: OSError | ValueError) -> str:
    """What the system refused, and for which file; its folders are not named."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.strerror} ({Path(str(error.filename)).name})" if error.filename else error.strerror


def _start(
    command: Sequence[str], environment: Mapping[str, str], files: tuple[int, int], folder: Path
) -> subprocess.Popen[bytes]:
    """The program as the leader of its own group, without a console window on Windows."""
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    return subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=files[0],
        stderr=files[1],
        env=dict(environment),
        cwd=folder,
        start_new_session=os.name == "posix",
        creationflags=flags,
    )


def end_group(leader: int, by_force: bool, after_its_leader: bool = False) -> None:
    """Ends a group of processes that `leader` began. after_its_leader: the leader has ended, only the others are left."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL if by_force else signal.SIGTERM)
    elif not after_its_leader:
        # Windows knows no groups, only parents; it does not wait for the answer of what has no window.
        with contextlib.suppress(OSError):
            subprocess.Popen(
                ["taskkill", "/PID", str(leader), "/T", "/F"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
