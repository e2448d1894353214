"""The page's sections on where the voxels come from: per structure, per case, and in one table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ..run.round_words import round_word
from .charts import Bar, bar_chart, shortened
from .learned import swatch
from .tables import percent, table, volume

Report = Mapping[str, Any]

_MOST_CELLS = 6000
_WORDS = {
    "labelled": "drawn",
    "missing": "not drawn",
    "absent": "confirmed absent",
    "some slices": "drawn on some slices",
}


def origins(report: Report) -> str:
    """Stacked bars: drawn by an expert, accepted after each round, filled in at the end."""
    bars = []
    for entry in report["structures"]:
        items = [case["structures"][entry["name"]] for case in report["cases"]]
        parts = _parts(_united(items))
        bars.append(Bar(entry["name"], parts, volume(sum(value for value, _, _ in parts))))
    text = (
        "<h2>Where the voxels come from</h2>"
        f"<p>{_key(report)}</p><h3>All scans together</h3>{bar_chart(bars, 'share of the volume, %', even=True)}"
    )
    return text + _matrix(report) + _volumes(report)


def _united(items: list[Mapping[str, Any]]) -> dict[str, Any]:
    accepted: dict[str, float] = {}
    for item in items:
        for number, ml in item["accepted_ml"].items():
            accepted[number] = accepted.get(number, 0.0) + ml
    total = {key: sum(item[key] for item in items) for key in ("expert_ml", "filled_ml")}
    return {**total, "accepted_ml": accepted}


def _parts(item: Mapping[str, Any]) -> list[tuple[float, str, str]]:
    accepted = sorted(item["accepted_ml"].items(), key=lambda pair: int(pair[0]))
    return [
        (item["expert_ml"], "expert", f"drawn: {volume(item['expert_ml'])}"),
        *((ml, f"r{number}", f"accepted after {round_word(int(number))}: {volume(ml)}") for number, ml in accepted),
        (item["filled_ml"], "last", f"filled in at the end: {volume(item['filled_ml'])}"),
    ]


def _key(report: Report) -> str:
    rounds = sorted(
        {
            int(number)
            for case in report["cases"]
            for item in case["structures"].values()
            for number in item["accepted_ml"]
        }
    )
    kinds = [
        ("expert", "drawn by an expert"),
        *((f"r{number}", f"accepted after {round_word(number)}") for number in rounds),
    ]
    kinds.append(("last", "filled in at the end by the last network"))
    return (
        '<span class="key">' + "".join(f'<span><i class="{kind}"></i>{said}</span>' for kind, said in kinds) + "</span>"
    )


def _matrix(report: Report) -> str:
    """A small stacked bar of shares for each case and structure."""
    names = [entry["name"] for entry in report["structures"]]
    shown = report["cases"][: max(1, _MOST_CELLS // max(1, len(names)))]
    long = len(names) > 8 or max((len(name) for name in names), default=0) > 14
    heads = "".join(
        f'<th class="{"up" if long else ""}"><span>{escape(shortened(name, 22))}</span></th>' for name in names
    )
    rows = []
    for case in shown:
        cells = "".join(f"<td>{_cell(case['structures'][name], name)}</td>" for name in names)
        rows.append(f'<tr><td title="{escape(case["name"])}">{escape(shortened(case["name"], 28))}</td>{cells}</tr>')
    wide = 3 + max((min(len(case["name"]), 28) for case in shown), default=0)
    left = len(report["cases"]) - len(shown)
    more = f"<p>And {left} more scans in report.json.</p>" if left else ""
    text = '<h3>Scan by scan</h3><p class="soft">Each bar is one structure in one scan, as shares of its volume. – confirmed absent, · nothing there.</p>'
    return f'{text}<div class="wide"><table class="origin{"" if long else " few"}"><thead><tr><th style="width:{wide}ch"></th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>{more}'


def _cell(item: Mapping[str, Any], name: str) -> str:
    parts = [part for part in _parts(item) if part[0] > 0]
    if not parts:
        return "–" if item["state"] == "absent" else "·"
    said = "; ".join(part[2] for part in parts)
    total = sum(part[0] for part in parts)
    pieces = "".join(f'<i class="{kind}" style="flex:{100 * value / total:.1f}"></i>' for value, kind, _ in parts)
    return f'<span class="mix" title="{escape(name)}: {said}">{pieces}</span>'


def _volumes(report: Report) -> str:
    """Every case and structure in numbers, folded away."""
    heads = ["Scan", "split", "structure", "label", "drawn", "accepted", "filled in", "completed", "mean confidence"]
    rows = []
    for case in report["cases"]:
        for name, item in case["structures"].items():
            accepted = sum(item["accepted_ml"].values())
            volumes = [volume(ml) for ml in (item["expert_ml"], accepted, item["filled_ml"], item["completed_ml"])]
            where = [
                escape(case["name"]),
                escape(case["split"]),
                swatch(report, name),
                _WORDS.get(item["state"], item["state"]),
            ]
            rows.append([*where, *volumes, percent(item["mean_confidence"])])
    left = len(rows) - _MOST_CELLS // 4
    more = f"<p>And {left} more lines in report.json.</p>" if left > 0 else ""
    return f"<details><summary>Volumes of every scan</summary>{table(heads, rows[: _MOST_CELLS // 4])}{more}</details>"
