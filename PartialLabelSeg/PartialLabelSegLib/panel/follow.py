"""A worker that this panel did not start, or lost when Slicer was closed: is it still at work, what does it say, how is it stopped?"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..run.events import Event, parse_event
from ..run.folder import Holder, RunFolder
from .child import BUSY_SECONDS, POLL_MS, end_group
from .outcome import LAST_WORDS, Ended, outcome_of
from .patience import Patience, Silence, Stopping
from .process import Listeners, forget_cancel, request_cancel
from .tail import Tail
from .ticker import Ticker

ALIVE_SECONDS = 0.5


def orphaned(run: RunFolder) -> Holder | None:
    """The process that is at work in this run; None where there is none. To be asked before a worker is started, not after."""
    return run.holder()


class EventFollower:
    """Calls `event(event)` for each event in a log and for each that is added to it, until `stop()`."""

    def __init__(self, path: Path, event: Callable[[Event], object]) -> None:
        self._path = path
        self._event = event
        self._tail = Tail(path)
        self._lines: deque[str] = deque()
        self._ticker = Ticker(self._tick)
        self._following = False

    def start(self, from_beginning: bool = True) -> None:
        """from_beginning: also all that is there already, a little at a time."""
        offset = 0 if from_beginning or not self._path.exists() else self._path.stat().st_size
        self._tail, self._lines = Tail(self._path, offset), deque()
        self._following = True
        self._ticker.start(0)

    def stop(self) -> None:
        self._following = False
        self._ticker.stop()

    def at_end(self) -> bool:
        """Whether everything that was there at the last look was told."""
        return not self._lines and self._tail.at_end

    def look_again(self) -> None:
        """Until there was another look, `at_end` is false."""
        self._tail.at_end = False

    def _tick(self) -> None:
        if not self._lines:
            self._lines.extend(self._tail.lines())
        until = time.monotonic() + BUSY_SECONDS
        while self._lines and self._following and time.monotonic() < until:
            event = parse_event(self._lines.popleft())
            if event is not None:
                self._event(event)
        if self._following:
            self._ticker.start(POLL_MS if self.at_end() else 0)


class WatchedWorker:
    """A worker at work in a run, seen through its folder; the same to the panel as a WorkerProcess that it started."""

    def __init__(self, listeners: Listeners, patience: Patience | None = None) -> None:
        self._listeners = listeners
        self._patience = patience or Patience()
        self._ticker = Ticker(self._look)
        self._silence = Silence(self._patience.silent, listeners.silent)
        self._stopping = Stopping(self._patience, ())
        self._follower: EventFollower | None = None
        self._run: RunFolder | None = None
        self._last: Event | None = None
        self._alive = True
        self._asked_alive = 0.0

    def start(self, run: RunFolder) -> None:
        """Tells all events of the run so far, then those that come, and `finished` when nobody is at work there any more."""
        assert not self.running(), "one worker at a time"
        self._run, self._last, self._alive = run, None, True
        steps = (lambda: request_cancel(run), lambda: end_holder(run, False), lambda: end_holder(run, True))
        self._stopping = Stopping(self._patience, steps)
        self._follower = EventFollower(run.events, self._heard)
        self._follower.start()
        self._silence.heard(time.monotonic())
        self._ticker.start(POLL_MS)

    def running(self) -> bool:
        return self._follower is not None

    def stopping(self) -> bool:
        return self.running() and self._stopping.asked

    def cancel(self) -> None:
        """As that of a WorkerProcess. A worker on another computer can only be asked."""
        if self.running():
            self._stopping.ask_harder(time.monotonic())

    def let_go(self) -> None:
        """Stops looking; the worker goes on."""
        self._ticker.stop()
        if self._follower is not None:
            self._follower.stop()
        self._follower = None

    def log(self) -> tuple[str, ...]:
        return ()

    def _heard(self, event: Event) -> None:
        self._silence.heard(time.monotonic())
        self._last = event if event.kind in LAST_WORDS else None
        self._listeners.event(event)

    def _look(self) -> None:
        now = time.monotonic()
        run, follower = self._run, self._follower
        if run is None or follower is None:
            return
        self._stopping.tick(now)
        self._silence.tick(now)
        if not self._alive and follower.at_end():
            self._end(run)
        elif self._alive and now - self._asked_alive >= ALIVE_SECONDS:
            self._asked_alive = now
            # What it wrote last is read after it was seen to be gone.
            self._alive = run.holder() is not None
            if not self._alive:
                follower.look_again()

    def _end(self, run: RunFolder) -> None:
        self.let_go()
        forget_cancel(run)
        stopping = self._stopping
        ended = Ended(None, self._last, asked=stopping.asked, forced=stopping.forced, watched=True)
        self._listeners.finished(outcome_of(ended))


def end_holder(run: RunFolder, by_force: bool) -> None:
    """Ends the process at work in a run, with its group, where it runs on this computer."""
    holder = run.holder()
    if holder is None or not holder.is_here:
        return
    if os.name != "posix":
        end_group(holder.process, by_force)
        return
    group = os.getpgid(holder.process)
    if group != os.getpgrp():
        end_group(group, by_force)
    else:
        # Started by hand from the very terminal that Slicer runs in: only this one.
        os.kill(holder.process, signal.SIGKILL if by_force else signal.SIGTERM)
