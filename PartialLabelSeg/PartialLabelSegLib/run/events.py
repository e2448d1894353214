"""One JSON line per event: what the worker tells whoever listens, and the same lines kept in the run folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from .files import finite


@dataclass(frozen=True)
class Event:
    """`kind` says what happened; `fields` are JSON values. Readers ignore kinds and fields that they do not know."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    time: float = field(default_factory=time.time)

    def line(self) -> str:
        return json.dumps({"event": self.kind, "time": round(self.time, 3), **finite(self.fields)}, ensure_ascii=False)


Listener = Callable[[Event], None]


class LineWriter:
    """A listener that prints each event as one flushed line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        self._stream.write(event.line() + "\n")
        self._stream.flush()


class EventLog:
    """A listener that appends each event to a file; an interrupted last line is closed before the next one is added."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, event: Event) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "a+b") as handle:
            if handle.tell() and not _ends_with_newline(handle):
                handle.write(b"\n")
            handle.write(event.line().encode() + b"\n")


def _ends_with_newline(handle: Any) -> bool:
    handle.seek(-1, 2)
    return bool(handle.read(1) == b"\n")


def read_events(path: Path) -> Iterator[Event]:
    """The events of a log, oldest first; lines that are not whole events are passed over (a killed writer leaves at most one)."""
    if not path.is_file():
        return
    with open(path, encoding="utf-8", errors="replace") as handle:
        for line in handle:
            event = parse_event(line)
            if event is not None:
                yield event


def parse_event(line: str) -> Event | None:
    """The event of one line, or None where the line is not one."""
    try:
        value = json.loads(line)
        kind, when = value.pop("event"), value.pop("time", 0.0)
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(kind, str) or not isinstance(when, (int, float)):
        return None
    return Event(kind, value, float(when))
