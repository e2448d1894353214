"""The page's sections on truth: the methods side by side, and the completed segmentations against a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .learned import swatch
from .tables import counted, folded, meter, number, table

Report = Mapping[str, Any]

_MOST_REMARKS = 10
_METHODS = {
    "naive": "naive (not drawn = background)",
    "ambiguity-only": "ambiguity only (not drawn = unknown)",
    "all-pseudo-labels": "all suggestions at once",
    "full": "full method (confident suggestions, in rounds)",
}
_MEASURES = (
    ("dice", "Dice", 3),
    ("hd95_mm", "HD95 mm", 1),
    ("asd_mm", "surface distance mm", 2),
    ("volume_error_ml", "volume error mL", 1),
)


def methods(report: Report) -> str:
    """Dice against truth of each method, per structure; the best of a row is set in bold."""
    given = report.get("methods")
    if not given:
        return ""
    names = sorted(given, key=lambda name: list(_METHODS).index(name) if name in _METHODS else len(_METHODS))
    per_structure = {name: given[name].get("dice") or {} for name in names}
    structures = list(dict.fromkeys(key for dice in per_structure.values() for key in dice))
    rows = [["Mean of the structures", *_row([given[name].get("dice_mean") for name in names])]]
    rows += [[swatch(report, key), *_row([per_structure[name].get(key) for name in names])] for key in structures]
    text = "<h2>What each method reaches</h2><p>All learned from the same partial labels. Dice against the truth.</p>"
    heads = ["Structure", *(_METHODS.get(name, name) for name in names)]
    return text + folded(table(heads, rows, strong_rows=[0]), len(rows))


def _row(values: list[float | None]) -> list[str]:
    known = [value for value in values if value is not None]
    best = max(known, default=None)
    return [
        f"<b>{meter(value)}</b>" if value is not None and value == best and len(known) > 1 else meter(value)
        for value in values
    ]


def evaluation(report: Report) -> str:
    """The completed segmentations against a reference: mean ± standard deviation over the cases."""
    given = report.get("evaluation")
    if not given:
        return ""
    measured, overall = dict(given.get("structures", {})), given.get("overall") or {}
    columns = [column for column in _MEASURES if any(column[0] in row for row in measured.values())]
    apart = report.get("evaluation_suggested") or {}
    rows = [
        [swatch(report, name), _apart(apart.get("structures", {}).get(name)), *_measures(row, columns)]
        for name, row in measured.items()
    ]
    rows.append(["All", _apart(apart.get("overall")), *_measures(overall, columns)])
    scans = counted(len(given.get("cases", {})), "scan")
    text = (
        f"<h2>Against a reference</h2><p>The completed segmentations of {scans}: mean ± standard deviation over the scans. "
        "What an expert drew counts as completed too, so the first column is about the suggested structures alone.</p>"
    )
    heads = ["Structure", "Dice where not drawn", *(head for _, head, _ in columns)]
    remarks = [*given.get("failed", []), *given.get("notes", [])][:_MOST_REMARKS]
    notes = "".join(f"<li>{escape(str(remark))}</li>" for remark in remarks)
    return text + folded(table(heads, rows, [len(rows) - 1]), len(rows)) + (f"<ul>{notes}</ul>" if notes else "")


def _measures(row: Mapping[str, Any], columns: Sequence[tuple[str, str, int]]) -> list[str]:
    return [_spread(row.get(key), places) for key, _, places in columns]


def _apart(item: Mapping[str, Any] | None) -> str:
    return meter(None) if not item or not item["n"] else f"{meter(item['mean'])}"


def _spread(summary: Mapping[str, Any] | None, places: int) -> str:
    if summary is None or summary.get("mean") is None:
        return number(None)
    spread = "" if summary.get("std") is None else f" ± {number(summary['std'], places)}"
    return number(summary["mean"], places) + spread
