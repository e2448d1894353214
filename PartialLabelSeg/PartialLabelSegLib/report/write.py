"""`report.json` and `report.html` of a run, written together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..data.case import read_case
from ..run.files import write_json, write_text
from ..run.folder import RunFolder
from .html import mean_confidence, render
from .outcome import read_outcome
from .slices import Picture, picture_of

MOST_PICTURES = 12


def write_report(run: RunFolder, report: Mapping[str, Any], most_pictures: int = MOST_PICTURES) -> Path:
    """Writes the report of `collect` as JSON, then as a page with pictures of some cases; returns the page. Failure: a case is damaged."""
    write_json(run.report_json, report)
    write_text(run.report_html, render(report, _pictures(run, report, most_pictures)))
    return run.report_html


def _pictures(run: RunFolder, report: Mapping[str, Any], most: int) -> list[Picture]:
    """Of the cases with the least confident suggestions; cases without any suggestion come last."""
    ranked = sorted(report["cases"], key=_confidence_first)
    choices = report["configuration"].get("relabelling", {})
    rules = (bool(choices.get("largest_component")), bool(choices.get("fill_holes")))
    pictures = []
    for case in ranked[:most]:
        outcome = read_outcome(run, case["folder"], len(report["rounds"]), rules)
        image = read_case(run.case(case["folder"])).image()
        pictures.append(picture_of(case["name"], sitk.GetArrayViewFromImage(image), outcome))
    return pictures


def _confidence_first(case: Mapping[str, Any]) -> float:
    """A sorting key: the mean confidence, above 1 where nothing was suggested."""
    confidence = mean_confidence(case)
    return 2.0 if confidence is None else confidence
