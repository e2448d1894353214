"""The report as one self-contained page: what was learned from what, how well, and what to look at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .colors import color_of, style_sheet
from .compared import evaluation, methods
from .figure import Look, case_figure
from .learned import learning, relabelling
from .lesions import lesions
from .origins import origins
from .sizes import sizes
from .slices import Picture
from .tables import BLANK, counted, duration, listing, number, percent, volume

Report = Mapping[str, Any]

_MOST_WARNINGS = 15
_NOTHING_YET = "No round has finished learning yet. This page shows what was imported."


def render(report: Report, pictures: Sequence[Picture] = ()) -> str:
    """The HTML of a report (collect.py) with a figure for each picture (slices.py). It refers to nothing outside itself and runs no script."""
    body = [
        _header(report),
        _cards(report),
        _warnings(report),
        methods(report),
        evaluation(report),
        lesions(report),
        learning(report),
        relabelling(report),
        sizes(report),
        origins(report),
        _figures(report, pictures),
        _choices(report),
    ]
    style = style_sheet(report["structures"], max(len(report["rounds"]), 1))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Completed segmentations</title><style>{style}</style></head>\n<body>"
        + "\n".join(part for part in body if part)
        + f"<footer>{escape(report['program'])}, report format {report['format']}. All numbers of this page are in report.json.</footer></body></html>\n"
    )


def _header(report: Report) -> str:
    """What was learned from what, and what was done with it, in plain words."""
    structures, learned = len(report["structures"]), _splits(report).get("train", 0)
    if not report["rounds"]:
        return f'<header><h1>Completed segmentations</h1><p class="lead">{_NOTHING_YET}</p></header>'
    share = report["share_labelled"]
    sentences = [f"{counted(structures, 'structure')} learned from {counted(learned, 'scan')}."]
    if share is not None and share < 1:
        sentences.append(
            f"Only some are drawn in each scan: {percent(share)} of all pairs of scan and structure are labelled."
        )
    accepted = sum(bool(_accepted(entry)) for entry in report["rounds"])
    if accepted:
        sentences.append(f"After {counted(accepted, 'round')} the most confident suggestions became labels themselves.")
    sentences.append(
        f"The last network completed {counted(_completed(report), 'scan')}. What an expert drew is unchanged."
    )
    return f'<header><h1>Completed segmentations</h1><p class="lead">{" ".join(sentences)}</p></header>'


def _accepted(entry: Report) -> int:
    """How many suggested voxels became labels after a round."""
    return int(((entry["relabelling"] or {}).get("total") or {}).get("accepted_total") or 0)


def _completed(report: Report) -> int:
    """Scans that received voxels or had nothing left to receive."""
    return sum(
        any(item["filled_ml"] or item["accepted_ml"] for item in case["structures"].values())
        or all(item["state"] in ("labelled", "absent") for item in case["structures"].values())
        for case in report["cases"]
    )


def _splits(report: Report) -> dict[str, int]:
    counts: dict[str, int] = {}
    for case in report["cases"]:
        counts[case["split"]] = counts.get(case["split"], 0) + 1
    return counts


def _cards(report: Report) -> str:
    splits = _splits(report)
    words = {"train": "to learn from", "validation": "to validate", "test": "only completed"}
    split_text = " · ".join(f"{splits[key]} {word}" for key, word in words.items() if key in splits)
    added = sum(entry["accepted_ml"] + entry["filled_ml"] for entry in report["structures"])
    drawn = sum(entry["expert_ml"] for entry in report["structures"])
    cards = [
        (str(len(report["cases"])), "scans", split_text),
        (str(len(report["structures"])), "structures", _not_learned_text(report)),
        (percent(report["share_labelled"]), "labelled", "of scans × structures, test scans apart"),
        (_large_volume(added), "suggested", f"beside {_large_volume(drawn)} drawn"),
    ]
    means = [value for value in report["validation"]["mean"] if value is not None]
    if means:
        cards.append((number(means[-1]), "validation Dice", "mean of the structures, last round"))
    overall = (report.get("evaluation_suggested") or {}).get("overall") or {}
    if overall.get("mean") is not None:
        cards.append((number(overall["mean"]), "Dice against truth", "mean over all that nobody had drawn"))
    spent = report["timing"].get("elapsed_seconds") or report["timing"].get("learning_seconds")
    if spent:
        cards.append((duration(spent), "time", f"{duration(report['timing'].get('learning_seconds'))} of it learning"))
    inner = "".join(
        f'<div class="card"><b>{value}</b><span class="what">{what}</span><br><span>{more}</span></div>'
        for value, what, more in cards
    )
    return f'<div class="cards">{inner}</div>'


def _large_volume(ml: float) -> str:
    return volume(ml) if ml < 1000 else f"{number(ml / 1000, 1)}{BLANK}L"


def _not_learned_text(report: Report) -> str:
    missed = len(report["not_learned"])
    return f"{missed} not learned" if missed else "all learned" if report["rounds"] else ""


def _warnings(report: Report) -> str:
    """What a person should look at before trusting the rest."""
    items = [
        f"{escape(name)} was not learned: its Dice on the validation scans stayed near 0."
        for name in report["not_learned"]
    ]
    for warning in report["warnings"]:
        place = ", ".join(escape(str(warning[key])) for key in ("case", "structure") if warning.get(key))
        items.append(f"{place}: {escape(warning['message'])}" if place else escape(warning["message"]))
    if not items:
        return ""
    more = f"<li>and {len(items) - _MOST_WARNINGS} more in report.json</li>" if len(items) > _MOST_WARNINGS else ""
    lines = "".join(f"<li>{item}</li>" for item in items[:_MOST_WARNINGS])
    return f'<section class="warn"><h2>Look at this first</h2><ul>{lines}{more}</ul></section>'


def _figures(report: Report, pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    colors = {entry["name"]: color_of(entry) for entry in report["structures"]}
    intensity = (report.get("plan") or {}).get("intensity") or {}
    window = (intensity["low"], intensity["high"]) if "low" in intensity and "high" in intensity else None
    look = Look.of(pictures, colors, window)
    cases = {case["name"]: case for case in report["cases"]}
    figures = [
        case_figure(picture, look, index, _caption(cases[picture.case])) for index, picture in enumerate(pictures)
    ]
    total = len(report["cases"])
    chosen = (
        f"The {len(pictures)} of {total} scans with the least confident suggestions."
        if len(pictures) < total
        else "Every scan, the least confident suggestions first."
    )
    text = (
        f"<h2>Scans</h2><p>{chosen} Each shows the slice with most of what was suggested. Solid: drawn by an expert. Dashed: suggested. "
        "Right: how confident the last network is, on one scale for all scans.</p>"
    )
    shown = {picture.case for picture in pictures}
    rest = ", ".join(escape(case["name"]) for case in report["cases"] if case["name"] not in shown)
    return (
        text
        + "".join(figures)
        + (f"<details><summary>Scans without a picture here</summary><p>{rest}</p></details>" if rest else "")
    )


def _caption(case: Mapping[str, Any]) -> str:
    confidence = mean_confidence(case)
    told = f", mean confidence of the suggestions {percent(confidence)}" if confidence is not None else ""
    return f'<b>{escape(case["name"])}</b> <span class="soft">{escape(case["split"])}{told} ·</span>'


def mean_confidence(case: Mapping[str, Any]) -> float | None:
    """Of what was suggested in a case: the mean over its structures; None where nothing was."""
    known = [item["mean_confidence"] for item in case["structures"].values() if item["mean_confidence"] is not None]
    return sum(known) / len(known) if known else None


def _choices(report: Report) -> str:
    """The configuration and the plan, folded away."""
    pairs = [*_flat("", report["configuration"]), *_flat("plan", report.get("plan") or {})]
    return (
        f"<h2>How it was done</h2><details><summary>Every choice of this run</summary>{listing(pairs)}</details>"
        if pairs
        else ""
    )


def _flat(prefix: str, value: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, item in value.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(item, Mapping):
            pairs += _flat(name, item)
        else:
            text = ", ".join(str(part) for part in item) if isinstance(item, (list, tuple)) else str(item)
            pairs.append((name, text if text else "–"))
    return pairs
