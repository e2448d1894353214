"""The worker as the panel runs it: events in, a sentence at the end, and a Cancel that is always obeyed."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..run.events import Event, parse_event
from ..run.folder import RunFolder
from .child import Child, Ending, Outputs
from .memory import is_little, memory_bytes
from .outcome import LAST_WORDS, Ended, Outcome, outcome_of
from .patience import Patience, Silence, Stopping
from .places import places_of, without_places
from .ticker import Ticker

OUTPUTS = "worker"
"""The folder, in the work folder, of the files that a worker prints into; gone once all of it was heard."""
LOG_LINES = 400
LOG_BYTES = 1 << 19
"""What one worker adds to panel.log at most, and what that is cut to before another is started."""
LONGEST_LOG_LINE = 2000
LOOK_MS = 200
FULL_BYTES = 1 << 20
MEMORY_SECONDS = 15.0
"""How long a shortage of memory is remembered: the end comes a moment after it."""


def _ignore(value: object) -> None:
    pass


@dataclass(frozen=True)
class Listeners:
    """What a worker calls, always on the window's thread. silent: seconds since its last event. line: what it printed besides events."""

    event: Callable[[Event], object]
    finished: Callable[[Outcome], object]
    silent: Callable[[float], object] = _ignore
    line: Callable[[str], object] = _ignore


class WorkerProcess:
    """One worker at a time. Everything returns at once; what happens is told to the listeners."""

    def __init__(self, listeners: Listeners, patience: Patience | None = None) -> None:
        self._listeners = listeners
        self._patience = patience or Patience()
        self._child = Child(self._heard, self._ended)
        self._ticker = Ticker(self._look)
        self._silence = Silence(self._patience.silent, listeners.silent)
        self._stopping = Stopping(self._patience, ())
        self._run: RunFolder | None = None
        self._folder = Path()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._places: tuple[str, ...] = ()
        self._written = 0
        self._last: Event | None = None
        self._little_memory = -MEMORY_SECONDS

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, run: RunFolder | None = None
    ) -> None:
        """Starts a worker that writes its log into the work folder. run: what it works on, so that it can be cancelled gently."""
        assert not self.running(), "one worker at a time"
        self._run, self._folder, self._last = run, folder, None
        self._log.clear()
        self._places = places_of(command, folder)
        self._written, self._little_memory = 0, -MEMORY_SECONDS
        self._stopping = Stopping(self._patience, (self._ask, self._child.terminate, self._child.kill))
        forget_cancel(run)
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            shorten(folder / "panel.log", LOG_BYTES)
        self._note(f"{time.strftime('%Y-%m-%d %H:%M:%S')} started")
        outputs = folder / OUTPUTS
        self._child.start(command, environment, Outputs(outputs / "said.txt", outputs / "complained.txt"))
        self._silence.heard(time.monotonic())
        self._ticker.start(LOOK_MS)

    def running(self) -> bool:
        """Whether `finished` is still to come."""
        return self._child.running()

    def stopping(self) -> bool:
        """Whether it was asked to stop and has not yet."""
        return self.running() and self._stopping.asked

    def cancel(self) -> None:
        """Asks the worker to save and stop; after the grace it is ended, and all that it started. Asked twice, it is ended now."""
        if self.running():
            self._stopping.ask_harder(time.monotonic())

    def let_go(self) -> None:
        """Leaves the worker at work without listening, as when Slicer is closed; `orphaned` finds it again."""
        self._ticker.stop()
        self._child.let_go()

    def log(self) -> tuple[str, ...]:
        """The last lines that were no events."""
        return tuple(self._log)

    def _ask(self) -> None:
        """Without a run to leave the request in, the program is asked through the system."""
        if self._run is None or not request_cancel(self._run):
            self._child.terminate()

    def _heard(self, line: str, complained: bool) -> None:
        event = None if complained else parse_event(line)
        if event is None:
            self._keep(line)
            return
        self._silence.heard(time.monotonic())
        self._last = event if event.kind in LAST_WORDS else None
        self._listeners.event(event)

    def _keep(self, line: str) -> None:
        if line.strip():
            short = without_places(line[:LONGEST_LOG_LINE], self._places)
            self._log.append(short)
            self._note(short)
            self._listeners.line(short)

    def _note(self, text: str) -> None:
        """Adds a line to panel.log, as long as it has room."""
        self._written += len(text) + 1
        if self._written <= LOG_BYTES:
            with contextlib.suppress(OSError), open(self._folder / "panel.log", "a", encoding="utf-8") as handle:
                handle.write(f"{text}\n")

    def _look(self) -> None:
        now = time.monotonic()
        if is_little(memory_bytes()):
            self._little_memory = now
        self._stopping.tick(now)
        self._silence.tick(now)

    def _ended(self, ending: Ending) -> None:
        self._ticker.stop()
        forget_cancel(self._run)
        shutil.rmtree(self._folder / OUTPUTS, ignore_errors=True)
        outcome = outcome_of(
            Ended(
                code=ending.code,
                last=self._last,
                said=self._log[-1] if self._log else "",
                asked=self._stopping.asked,
                forced=self._stopping.forced,
                little_memory=time.monotonic() - self._little_memory < MEMORY_SECONDS,
                full_disk=is_full(self._folder),
                not_started=ending.not_started,
            )
        )
        self._written = 0
        self._note(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {outcome.sentence}")
        self._listeners.finished(outcome)


def request_cancel(run: RunFolder) -> bool:
    """Leaves the request where the worker looks for it; False where that is not possible."""
    try:
        run.cancel.touch()
    except OSError:
        return False
    return True


def forget_cancel(run: RunFolder | None) -> None:
    """Removes a request that a worker could not obey any more: the next one would stop at once."""
    if run is not None and run.holder() is None:
        with contextlib.suppress(OSError):
            run.cancel.unlink(missing_ok=True)


def is_full(folder: Path) -> bool:
    """Whether a folder's disk has no room left."""
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def shorten(path: Path, most: int) -> None:
    """Cuts a log down to its last half where it is longer than `most` bytes."""
    if not path.is_file() or path.stat().st_size <= most:
        return
    with open(path, "rb") as handle:
        handle.seek(-most // 2, 2)
        kept = handle.read().partition(b"\n")[2]
    path.write_bytes(kept)
