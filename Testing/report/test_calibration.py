"""The reliability chart: a curve through the bins that have enough voxels, and the diagonal."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from PartialLabelSegLib.metrics.calibration import reliability
from PartialLabelSegLib.report.calibration import reliability_chart


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def words(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(svg).iter("text")]


def test_a_reliability_curve_goes_through_its_bins_and_leaves_out_the_thin_ones() -> None:
    probability = np.concatenate([np.full(100, 0.25), np.full(100, 0.75), np.full(3, 0.95)])
    truth = np.concatenate([np.arange(100) < 50, np.ones(100, bool), np.zeros(3, bool)])
    svg = reliability_chart({"model": reliability(probability, truth)})
    curve = next(element for element in parsed(svg).iter("g") if "model" in (element.findtext("title") or ""))
    dots = [(float(item.get("cx", 0)), float(item.get("cy", 0))) for item in curve.iter("circle")]
    assert len(dots) == 2 and dots[0][0] < dots[1][0] and dots[0][1] > dots[1][1]
    assert any("model (ECE 0." in text for text in words(svg))


def test_without_voxels_there_is_a_sentence_and_no_diagonal() -> None:
    assert "no values" in reliability_chart({"model": reliability(np.zeros(0), np.zeros(0, bool))})
