"""The agreement chart: every pair and every scan is drawn where it belongs, and nothing breaks it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.metrics.agreement import Agreement, agreement
from PartialLabelSegLib.metrics.compared_scan import ComparedScan
from PartialLabelSegLib.report.agreement import agreement_chart

GRID = Grid((8, 2, 1), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def row(length: int) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[0, 0, :length] = True
    return mask


def study(lengths: list[dict[str, int]], consensus: int = 3) -> Agreement:
    scans = [
        ComparedScan(f"case {number}", GRID, {name: row(length) for name, length in raters.items()}, row(consensus))
        for number, raters in enumerate(lengths)
    ]
    return agreement(scans, "Lesion <1>", "majority")


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def words(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(svg).iter("text")]


def test_every_pair_has_its_dice_twice_and_every_scan_its_dot() -> None:
    svg = agreement_chart(study([{"Ann": 2, "Bob": 4, "Eve": 2}, {"Ann": 4, "Bob": 4, "Eve": 1}]))
    assert words(svg).count("0.83") == 2  # Ann and Bob: (4 / 6 + 1) / 2
    assert len(list(parsed(svg).iter("circle"))) == 6
    assert "Lesion <1>: Dice between raters" in words(svg)


def test_a_dot_lies_where_the_axis_says() -> None:
    svg = agreement_chart(study([{"Ann": 5}, {"Ann": 1}]))
    marks = {element.text: float(element.get("x", "nan")) for element in parsed(svg).iter("text")}
    first, second = (float(circle.get("cx", "nan")) for circle in parsed(svg).iter("circle"))
    assert first == pytest.approx(marks["2"], abs=0.2) and second == pytest.approx(marks["-2"], abs=0.2)


def test_one_rater_has_no_matrix_and_raters_without_a_common_scan_an_empty_cell() -> None:
    assert "Dice between raters" not in agreement_chart(study([{"Ann": 5}]))
    svg = agreement_chart(study([{"Ann": 5}, {"Bob": 5}]))
    assert not [text for text in words(svg) if re.fullmatch(r"\d\.\d\d", text)]


@settings(max_examples=30)
@given(
    st.lists(
        st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40),
            st.integers(0, 8),
            min_size=1,
            max_size=7,
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 8),
)
def test_no_study_breaks_the_chart(lengths: list[dict[str, int]], consensus: int) -> None:
    svg = agreement_chart(study(lengths, consensus))
    numbers = re.findall(r'(?:\b[xyr]|cx|cy|width|height|d|viewBox)="([^"]*)"', svg)
    assert numbers and not any("nan" in value or "inf" in value for value in numbers)
    parsed(svg)
