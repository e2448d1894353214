"""How long the window's thread is kept: a timer that should beat every 5 ms, and where the program was when it did not."""

from __future__ import annotations

import contextlib
import faulthandler
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PySide6 import QtCore

BEAT_MS = 5
SAMPLE_SECONDS = 0.005
FIRST_SAMPLE_SECONDS = 0.015
KEPT_MS = 20.0
"""Shorter ones count only towards the longest."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+) in (\S+)')

Frame = tuple[str, str, int]
"""The file with its folder, such as `panel/view.py`; the function; the line."""


@dataclass(frozen=True)
class Block:
    """A time without a beat. cpu_ms: processor time in it, of all threads: what drawing needs, too. stacks: samples of where it was, innermost frame first."""

    ms: float
    cpu_ms: float
    stacks: tuple[tuple[Frame, ...], ...] = ()


@dataclass
class Activity:
    """What was measured while something went on. seconds: how long that was."""

    name: str
    seconds: float = 0.0
    beats: int = 0
    blocks: list[Block] = field(default_factory=list)

    @property
    def longest(self) -> Block:
        return max(self.blocks, key=lambda block: block.ms, default=Block(0.0, 0.0))


class Heartbeat:
    """`with beat.during("accept"):` around what the window does. The system's clock interrupts a late thread, which then says where it is."""

    def __init__(self) -> None:
        self.activities: dict[str, Activity] = {}
        self._current: Activity | None = None
        self._timer = QtCore.QTimer()
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._at = (0.0, 0.0)
        # The file must have a number of its own: the samples are written by a signal's handler.
        self._samples: Any = tempfile.TemporaryFile()  # noqa: SIM115
        self._can_sample = hasattr(signal, "setitimer")

    @contextlib.contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Beats for an activity; several times the same one are counted together."""
        self._current = self.activities.setdefault(name, Activity(name))
        if self._can_sample:
            faulthandler.register(signal.SIGALRM, file=self._samples, all_threads=False)
        begun = time.perf_counter()
        self._timer.start()
        self._start_waiting()
        try:
            yield
        finally:
            self._beat()
            self._timer.stop()
            if self._can_sample:
                signal.setitimer(signal.ITIMER_REAL, 0)
                faulthandler.unregister(signal.SIGALRM)
            self._current.seconds += time.perf_counter() - begun
            self._current = None

    def close(self) -> None:
        """After the last activity."""
        self._samples.close()

    def _start_waiting(self) -> None:
        if self._can_sample:
            signal.setitimer(signal.ITIMER_REAL, FIRST_SAMPLE_SECONDS, SAMPLE_SECONDS)
        self._at = (time.perf_counter(), time.process_time())

    def _beat(self) -> None:
        if self._current is None:
            return
        ms = 1000 * (time.perf_counter() - self._at[0])
        cpu_ms = 1000 * (time.process_time() - self._at[1])
        if self._can_sample:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._current.beats += 1
        stacks = self._taken() if ms >= 1000 * FIRST_SAMPLE_SECONDS else ()
        if ms >= KEPT_MS or ms > self._current.longest.ms:
            self._current.blocks.append(Block(ms, cpu_ms, stacks))
        self._start_waiting()

    def _taken(self) -> tuple[tuple[Frame, ...], ...]:
        """The samples since the last beat."""
        self._samples.seek(0)
        text = self._samples.read().decode("utf-8", "replace")
        self._samples.seek(0)
        self._samples.truncate()
        stacks = [_FRAME.findall(part) for part in text.split("Stack (most recent call first)")[1:]]
        return tuple(tuple((_short(file), name, int(line)) for file, line, name in stack) for stack in stacks)


def _short(file: str) -> str:
    return "/".join(file.replace("\\", "/").split("/")[-2:])
