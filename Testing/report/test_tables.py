"""Numbers as a reader sees them, and cells that cannot break a table."""

from __future__ import annotations

import math

import pytest

from PartialLabelSegLib.report.tables import counted, duration, folded, listing, meter, number, percent, table, volume


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (0.81249, 3, "0.812"),
        (12345.6, 0, "12\u202f346"),
        (-0.0001, 2, "0.00"),
        (None, 3, "–"),
        (math.nan, 3, "–"),
        (math.inf, 1, "–"),
    ],
)
def test_a_number_is_rounded_and_a_missing_one_is_a_dash(value: float | None, places: int, expected: str) -> None:
    assert number(value, places) == expected


@pytest.mark.parametrize(
    ("ml", "expected"),
    [
        (0.0, "0.0\u00a0mL"),
        (0.034, "0.03\u00a0mL"),
        (12.34, "12.3\u00a0mL"),
        (1432.4, "1\u202f432\u00a0mL"),
        (None, "–"),
    ],
)
def test_a_volume_has_the_digits_that_matter(ml: float | None, expected: str) -> None:
    assert volume(ml) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.4, "0 s"), (89.4, "89 s"), (150, "2 min 30 s"), (7325, "2 h 2 min"), (None, "–")]
)
def test_a_duration_is_said_as_a_person_says_it(seconds: float | None, expected: str) -> None:
    assert duration(seconds).replace("\u00a0", " ") == expected


def test_shares_and_counts() -> None:
    assert percent(0.405) == "40\u00a0%" and percent(None) == "–"
    assert counted(1, "scan") == "1 scan" and counted(0, "scan") == "0 scans"


def test_a_meter_shows_the_number_and_stays_within_its_bar() -> None:
    assert "0.500" in meter(0.5) and "width:50%" in meter(0.5) and "width:100%" in meter(1.7) and meter(None) == "–"


def test_heads_and_lists_are_escaped_and_totals_are_marked() -> None:
    text = table(["<i>"], [["a"], ["b"]], strong_rows=[1])
    assert "&lt;i&gt;" in text and '<tr class="all"><td>b</td></tr>' in text
    assert listing([("<k>", "<v>")]) == "<dl><dt>&lt;k&gt;</dt><dd>&lt;v&gt;</dd></dl>"


def test_a_long_table_opens_on_a_click() -> None:
    assert folded("x", 20) == "x" and folded("x", 21).startswith("<details>")
