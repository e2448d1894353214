"""Events as lines: whole, one per line, in the log also after a death in the middle of one."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.run.events import Event, EventLog, LineWriter, parse_event, read_events

FIELDS = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name not in ("event", "time")),
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text() | st.lists(st.text()),
)


@given(st.text(min_size=1), FIELDS, st.floats(0, 1e10).map(lambda value: round(value, 3)))
def test_an_event_comes_back_from_its_line_as_it_was(kind: str, fields: dict[str, Any], when: float) -> None:
    event = Event(kind, fields, when)
    assert "\n" not in event.line()
    assert parse_event(event.line() + "\n") == event


def test_a_loss_that_is_not_a_number_is_null_in_the_line() -> None:
    line = Event("progress", {"loss": math.nan, "dice": {"Liver": math.inf}}, 1.0).line()
    assert json.loads(line, parse_constant=pytest.fail) == {
        "event": "progress",
        "time": 1.0,
        "loss": None,
        "dice": {"Liver": None},
    }


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "plain text",
        '{"event": "progre',
        "[]",
        "3",
        "null",
        '{"time": 1}',
        '{"event": 3}',
        '{"event": "a", "time": "yesterday"}',
        '["event"]',
        "[" * 100_000,
    ],
)
def test_what_is_no_event_is_passed_over(line: str) -> None:
    assert parse_event(line) is None


def test_a_reader_keeps_kinds_and_fields_that_it_does_not_know() -> None:
    assert parse_event('{"event": "of a later version", "new": [1]}') == Event("of a later version", {"new": [1]}, 0.0)


def test_each_event_is_a_flushed_line() -> None:
    stream = io.StringIO()
    write = LineWriter(stream)
    write(Event("a", {"text": "first\nsecond"}))
    write(Event("b"))
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["a", "b"]


def test_the_log_is_read_back_oldest_first(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run" / "events.jsonl")
    events = [Event("step", {"n": number, "word": "Ä"}, float(number)) for number in range(3)]
    for event in events:
        log(event)
    assert list(read_events(tmp_path / "run" / "events.jsonl")) == events


def test_there_are_no_events_where_there_is_no_log(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "events.jsonl")) == []
    assert list(read_events(tmp_path)) == []


@pytest.mark.parametrize("torn", [b'{"event": "progress", "ti', b"\xff\xfe", b"{", '{"event": "Ä'.encode()[:-1]])
def test_a_last_line_that_a_killed_writer_left_torn_costs_only_itself(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path)(Event("before"))
    with open(path, "ab") as handle:
        handle.write(torn)
    EventLog(path)(Event("after"))
    assert [event.kind for event in read_events(path)] == ["before", "after"]


def test_a_log_of_something_else_holds_no_events_and_can_be_written_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(bytes(range(256)) * 10)
    assert list(read_events(path)) == []
    EventLog(path)(Event("after"))
    assert [event.kind for event in read_events(path)] == ["after"]
