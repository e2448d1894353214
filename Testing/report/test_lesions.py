"""The page's section on lesions: counts, volumes and scores of a small report written by hand."""

from __future__ import annotations

import re
from typing import Any

from PartialLabelSegLib.report.lesions import lesions

STRUCTURES = [{"name": "Oedema", "color": [1.0, 0.5, 0.0]}, {"name": "Cyst", "color": [0.0, 0.5, 1.0]}]


def lesion(number: int, structure: str, score: float, ml: float) -> dict[str, Any]:
    said = {"number": number, "structure": structure, "score": score, "origin": "expert+suggested", "voxels": 10}
    return {**said, "volume_ml": ml, "centre_mm": [1.25, -2.0, 30.0], "box": [[0, 0, 0], [1, 1, 10]]}


def report(*cases: list[dict[str, Any]] | None, **more: Any) -> dict[str, Any]:
    named = [{"name": f"knee {number}", "instances": own} for number, own in enumerate(cases, 1)]
    return {"structures": STRUCTURES, "cases": named, **more}


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).replace("\u00a0", " ")


def test_a_run_without_lists_has_no_section() -> None:
    assert lesions(report(None, None)) == ""


def test_each_scan_says_how_many_how_sure_and_how_much() -> None:
    own = [lesion(1, "Oedema", 0.9, 2.0), lesion(2, "Oedema", 0.6, 1.0), lesion(3, "Oedema", 0.2, 8.0)]
    text = words(lesions(report([*own, lesion(4, "Cyst", 0.1, 4.0)], None, [])))
    assert "in 2 completed scans" in text
    # Three, of which two are sure and have 3 mL together; the surest has 0.9.
    assert "knee 1 Oedema 3 2 3.0 mL 0.90" in text
    assert "knee 1 Cyst 1 0 0.0 mL 0.10" in text
    assert "knee 3 0 0 0.0 mL –" in text and "knee 2" not in text
    assert "knee 1 2 Oedema 0.60 1.0 mL 1.2, -2.0, 30.0 expert and suggested" in text


def test_against_the_truth_each_structure_has_its_average_precision() -> None:
    item = {"lesions": 7, "ap50": 0.5, "ap75": 0.25, "iou": 0.8, "precision": None, "recall": 0.625}
    text = words(lesions(report([], evaluation_instances={"structures": {"Oedema": item}})))
    assert "Oedema 7 0.500 0.250 0.800 – 0.625" in text


def test_names_are_escaped() -> None:
    given = report([lesion(1, "<b>", 0.9, 1.0)])
    given["cases"][0]["name"] = "<i>"
    page = lesions(given)
    assert "<b>" not in page and "<i>" not in page and "&lt;b&gt;" in page and "&lt;i&gt;" in page


def test_of_very_many_lesions_the_surest_of_each_scan_are_listed() -> None:
    many = [lesion(number, "Cyst", 1 - number / 1000, 1.0) for number in range(1, 400)]
    text = words(lesions(report(many, many)))
    assert "the surest 500 of 798" in text
    assert " 250 Cyst" in text and " 251 Cyst" not in text
