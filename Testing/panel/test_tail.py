"""The lines of a growing file: each exactly once, whole, in order, however the bytes come."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.panel import tail
from PartialLabelSegLib.panel.tail import Tail


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=40), max_size=12), most=st.integers(1, 9))
def test_lines_are_those_of_the_whole_file(
    pieces: list[bytes], most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "MOST_BYTES", most)
    path = tmp_path / "file"
    path.write_bytes(b"")
    follower, found = Tail(path), []
    for piece in pieces:
        with open(path, "ab") as handle:
            handle.write(piece)
        found += follower.lines()
    while True:
        found += follower.lines()
        if follower.at_end:
            break
    found += follower.rest()
    expected = b"".join(pieces).split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert found == [line.decode("utf-8", "replace").rstrip("\r") for line in expected]


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    follower = Tail(tmp_path / "later")
    assert follower.lines() == [] and follower.at_end
    (tmp_path / "later").write_text("a\n", encoding="utf-8")
    assert follower.lines() == ["a"]


def test_a_line_that_is_too_long_is_left_out_and_the_next_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "LONGEST_LINE", 100)
    monkeypatch.setattr(tail, "MOST_BYTES", 30)
    path = tmp_path / "file"
    path.write_text("before\n" + "x" * 500 + "\nafter\n" + "y" * 100 + "\n", encoding="utf-8")
    follower, found = Tail(path), []
    for _ in range(40):
        found += follower.lines()
    assert found == ["before", "after", "y" * 100]
