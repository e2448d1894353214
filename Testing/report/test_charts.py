"""Charts: every value finds its place, and no input breaks them."""

from __future__ import annotations

import itertools
import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.report.charts import Bar, Frame, Series, bar_chart, line_chart, shortened, spread, ticks

FRAME = Frame("training step", "Dice", (0.0, 1.0))
NUMBERS = st.one_of(st.none(), st.just(math.nan), st.just(math.inf), st.floats(-1e6, 1e6))


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def words(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter("text")]


def test_a_point_lies_where_its_axes_say() -> None:
    svg = line_chart([Series("Liver", "red", [(0, 0.0), (100, 1.0)])], FRAME)
    start, end = ([float(part) for part in circle] for circle in re.findall(r'circle cx="([\d.]+)" cy="([\d.]+)"', svg))
    labels = {element.text: element for element in parsed(svg).iter("text")}
    assert start[0] == 58 and end[0] == pytest.approx(float(labels["100"].get("x", "nan")), abs=0.1)
    assert start[1] > end[1] == 26


def test_a_single_point_is_a_dot_and_no_point_is_a_sentence() -> None:
    assert "<circle" in line_chart([Series("A", "red", [(5, 0.5)])], FRAME)
    for empty in ([], [Series("A", "red", [])], [Series("A", "red", [(1, None), (2, math.nan)])]):
        assert "no values" in line_chart(empty, FRAME) and "<svg" not in line_chart(empty, FRAME)


def test_a_missing_value_interrupts_the_line() -> None:
    item = Series("A", "red", [(0, 0.1), (1, 0.2), (2, None), (3, 0.4), (4, math.nan), (5, 0.6)])
    assert item.runs() == [[(0, 0.1), (1, 0.2)], [(3, 0.4)], [(5, 0.6)]] and item.last() == 0.6
    assert line_chart([item], FRAME).count('class="curve"') == 1


@settings(max_examples=50)
@given(st.lists(st.lists(st.tuples(st.floats(0, 1e6), NUMBERS), max_size=4), max_size=3), st.booleans())
def test_no_values_break_a_chart(points: list[list[tuple[float, float | None]]], fixed: bool) -> None:
    frame = FRAME if fixed else Frame("step", "loss")
    svg = line_chart([Series(f"s{i}", "red", line) for i, line in enumerate(points)], frame)
    assert not re.search(r"\bnan\b|\binf\b", svg)
    parsed(svg)


@pytest.mark.parametrize("count", [2, 7, 16, 40])
def test_names_at_the_ends_never_overlap_and_stay_inside(count: int) -> None:
    series = [Series(f"Structure {i}", "red", [(0, 0.0), (10, 0.9 + i / 1000)]) for i in range(count)]
    svg = parsed(line_chart([*series, Series("mean", "black", [(0, 0.0), (10, 0.9)], heavy=True)], FRAME))
    height = float(svg.get("viewBox", "").split()[3])
    places = sorted(float(item.get("y", "nan")) for item in svg.iter("text") if item.get("class") == "name")
    assert len(places) == (count + 1 if count < 16 else 7)
    assert all(later - earlier >= 13.9 for earlier, later in itertools.pairwise(places))
    assert places[0] > 10 and places[-1] < height
    for item in svg.iter("text"):
        assert float(item.get("x", "0")) + 6.4 * len(item.text or "") * (item.get("class") == "name") < 862


@given(st.lists(st.floats(-100, 500), min_size=1, max_size=20))
def test_spread_places_keep_their_order_their_distance_and_the_range(wanted: list[float]) -> None:
    places = spread(sorted(wanted), 14, 0, 300)
    assert all(later - earlier >= 14 - 1e-6 for earlier, later in itertools.pairwise(places))
    assert places[0] >= -1e-6 and places[-1] <= 300 + 1e-6


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e4), st.integers(3, 9))
def test_ticks_are_few_round_and_within_the_range(low: float, size: float, about: int) -> None:
    found = ticks(low, low + size, about)
    assert len(found) <= about + 2
    assert all(low - 1e-6 * size <= value <= low + size * (1 + 1e-6) + 1e-9 for value in found)


def test_ticks_of_a_common_range() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0, 400, 8) == [0, 50, 100, 150, 200, 250, 300, 350, 400]


def test_rounds_are_named_where_they_start_unless_the_names_would_collide() -> None:
    sections = [(0.0, "round 1"), (1.0, "round 2"), (50.0, "round 3")]
    svg = line_chart([Series("A", "red", [(0, 0.0), (100, 1.0)])], Frame("step", "Dice", (0, 1), sections))
    assert "round 1" in words(svg) and "round 2" not in words(svg) and "round 3" in words(svg)


def test_names_and_titles_are_escaped_in_charts() -> None:
    wicked = '<script>"&'
    svg = line_chart([Series(wicked, "red", [(0, 0.1)])], Frame(wicked, wicked))
    bars = bar_chart([Bar(wicked, [(1.0, "expert", wicked)], wicked)], wicked)
    for text in (svg, bars):
        assert wicked in words(text) and "<script" not in text


def test_the_parts_of_a_bar_have_their_shares_of_the_width() -> None:
    svg = parsed(
        bar_chart([Bar("Liver", [(30.0, "expert", "a"), (10.0, "r0", "b"), (0.0, "last", "c")])], "%", even=True)
    )
    widths = {item.get("class"): float(item.get("width", "0")) for item in svg.iter("rect")}
    assert widths["expert"] == pytest.approx(3 * widths["r0"], rel=1e-3) and "last" not in widths


def test_uneven_bars_share_one_scale() -> None:
    svg = parsed(bar_chart([Bar("A", [(30.0, "expert", "")]), Bar("B", [(15.0, "expert", "")])], "mL"))
    first, second = (float(item.get("width", "0")) for item in svg.iter("rect"))
    assert first == pytest.approx(2 * second, rel=1e-3)


def test_nothing_to_show_is_said() -> None:
    assert "nothing to show" in bar_chart([], "mL") and "nothing to show" in bar_chart(
        [Bar("A", [(0.0, "x", "")])], "mL"
    )


def test_long_names_are_shortened_with_a_sign() -> None:
    assert shortened("abcdef", 6) == "abcdef" and shortened("abcdefg", 6) == "abcde…"
