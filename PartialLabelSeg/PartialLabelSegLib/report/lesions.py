"""The page's section on lesions: how many each scan has, how well they are found where the truth is known, and each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .learned import swatch
from .tables import counted, folded, number, table, volume

Report = Mapping[str, Any]

_MOST_LISTED = 500


def lesions(report: Report) -> str:
    """Empty where no scan has a list of lesions (data/lesions.py)."""
    cases = [case for case in report["cases"] if case.get("instances") is not None]
    if not cases:
        return ""
    text = (
        f"<h2>Lesions</h2><p>Single instances of the structures in {counted(len(cases), 'completed scan')}. The score says how sure the "
        "network is of one, from 0 to 1; what an expert drew has 1. What an instance network is less sure of than 0.5 is listed, but not part of the segmentation.</p>"
    )
    rows = [row for case in cases for row in _rows_of(report, case)]
    heads = ["Scan", "Structure", "lesions", "score from 0.5", "their volume", "the surest"]
    return text + _detection(report) + folded(table(heads, rows), len(rows)) + _each(report, cases)


def _rows_of(report: Report, case: Mapping[str, Any]) -> list[list[str]]:
    """One row for each structure of which a scan has lesions, or one that says that it has none."""
    by_structure: dict[str, list[Mapping[str, Any]]] = {}
    for one in case["instances"]:
        by_structure.setdefault(one["structure"], []).append(one)
    if not by_structure:
        return [[escape(case["name"]), "", "0", "0", volume(0.0), number(None)]]
    rows = []
    for name, own in by_structure.items():
        sure = [one for one in own if one["score"] >= 0.5]
        ml, best = sum(one["volume_ml"] for one in sure), max(one["score"] for one in own)
        cells = [str(len(own)), str(len(sure)), volume(ml), number(best, 2)]
        rows.append([escape(case["name"]), swatch(report, name), *cells])
    return rows


def _detection(report: Report) -> str:
    """Against the truth: how many lesions are found, per structure over all scans."""
    given = report.get("evaluation_instances")
    if not given or not given["structures"]:
        return ""
    heads = ["Structure", "lesions in truth", "AP50", "AP75", "IoU", "precision", "recall"]
    keys = ("ap50", "ap75", "iou", "precision", "recall")
    rows = [
        [swatch(report, name), str(item["lesions"]), *(number(item[key]) for key in keys)]
        for name, item in given["structures"].items()
    ]
    said = (
        "<h3>Against a reference</h3><p>AP50, AP75: average precision, a lesion counting as found from an overlap (IoU) of 0.5, 0.75. "
        "IoU of the found ones, precision and recall: of scores from 0.5, at an overlap of 0.5.</p>"
    )
    return said + table(heads, rows)


def _each(report: Report, cases: Sequence[Mapping[str, Any]]) -> str:
    """Every lesion with its place, folded away; of very many the surest of each scan."""
    listed = [(case, one) for case in cases for one in case["instances"]]
    if not listed:
        return ""
    shown = listed
    if len(listed) > _MOST_LISTED:
        share = max(1, _MOST_LISTED // len(cases))
        shown = [(case, one) for case in cases for one in case["instances"][:share]]
    rows = [_row(report, case, one) for case, one in shown]
    heads = ["Scan", "Number", "Structure", "score", "volume", "centre R, A, S in mm", "from"]
    left = f", the surest {len(shown)} of {len(listed)}" if len(shown) < len(listed) else ""
    return f"<details><summary>Every lesion{left}</summary>{table(heads, rows)}</details>"


def _row(report: Report, case: Mapping[str, Any], one: Mapping[str, Any]) -> list[str]:
    centre = ", ".join(number(value, 1) for value in one["centre_mm"])
    cells = [number(one["score"], 2), volume(one["volume_ml"]), centre, escape(one["origin"].replace("+", " and "))]
    return [escape(case["name"]), str(one["number"]), swatch(report, one["structure"]), *cells]
