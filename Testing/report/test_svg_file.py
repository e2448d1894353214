"""A chart as a file: what a page's style sheet says is written into it, so that programs without style sheets show it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from PartialLabelSegLib.report.charts import Bar, Frame, Series, bar_chart, line_chart
from PartialLabelSegLib.report.svg_file import svg_file

SPACE = "{http://www.w3.org/2000/svg}"
CURVES = line_chart(
    [Series("A & B", "var(--accent)", [(0, 0.0), (1, 1.0)], dash="4 4")], Frame("x", "y", sections=[(0.5, "s")])
)


@pytest.mark.parametrize("chart", [CURVES, bar_chart([Bar("one", [(1.0, "expert", "all")], "1 mL")], "mL")])
def test_the_file_stands_by_itself(chart: str) -> None:
    text = svg_file(chart)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SPACE}svg" and float(root.get("width", "0")) == 860
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "") and "<script" not in text
    assert "var(" not in text and "class=" not in text


def test_lines_are_never_filled_where_no_style_sheet_says_so() -> None:
    paths = list(ElementTree.fromstring(svg_file(CURVES)).iter(f"{SPACE}path"))
    assert len(paths) > 5 and all(path.get("fill") == "none" for path in paths)


def test_the_words_are_those_of_the_chart() -> None:
    texts = ["".join(item.itertext()) for item in ElementTree.fromstring(svg_file(CURVES)).iter(f"{SPACE}text")]
    assert {"A & B", "x", "y", "s"} <= set(texts)


def test_a_sentence_instead_of_a_chart_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing drawn"):
        svg_file(line_chart([], Frame("x", "y")))
