"""How much memory is left."""

from __future__ import annotations

import sys

import psutil
import pytest

from PartialLabelSegLib.panel.memory import is_little, memory_bytes, of_linux

GB = 2**30


def test_the_numbers_of_the_system_are_read() -> None:
    text = (
        "MemTotal:       24636404 kB\nMemFree:         1000 kB\nMemAvailable:   20000000 kB\nHugePages_Total:       0\n"
    )
    assert of_linux(text) == (20000000 * 1024, 24636404 * 1024)


@pytest.mark.skipif(sys.platform != "linux", reason="compared with another reader of the same file")
def test_they_agree_with_another_reader() -> None:
    found, other = memory_bytes(), psutil.virtual_memory()
    assert found is not None and found[1] == other.total
    assert abs(found[0] - other.available) < 0.3 * other.total


def test_little_is_a_small_share_or_a_small_number_and_unknown_is_not_little() -> None:
    assert is_little((int(0.5 * GB), 4 * GB))
    assert is_little((1 * GB, 32 * GB))
    assert not is_little((3 * GB, 32 * GB))
    assert not is_little(None)
