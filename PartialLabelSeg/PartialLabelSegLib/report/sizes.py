"""Expected sizes against completed ones: for each structure a strip with one interval and one volume per scan, and what lies outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..data.conformal import Interval
from ..data.sizes import SizeTable, read_sizes
from ..run.folder import RunFolder
from .charts import shortened, ticks
from .tables import counted, percent

Report = Mapping[str, Any]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 430, 190, 46, 8, 12, 24
_MOST_SHOWN, _MOST_NAMED = 70, 3
_LETTER = 6.3


def last_sizes(run: RunFolder, rounds: int) -> SizeTable | None:
    """The expected sizes of the last round that has any. Failure: damaged."""
    for number in reversed(range(max(rounds, 1))):
        path = run.round(number).path / "sizes.json"
        if path.exists():
            return read_sizes(path)
    return None


def expected_sizes(table: SizeTable | None, cases: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the report says of them, by structure: coverage, the scans they were learned from, and per case expected [value, low, high] and completed volume [mL].

    Cases without an interval are left out, and structures without any. None where the run regressed no sizes.
    """
    if table is None:
        return None
    found: dict[str, Any] = {}
    for case in cases:
        for name, item in case["structures"].items():
            interval = table.volume_ml(case["name"], name)
            if interval is None:
                continue
            own = found.setdefault(
                name, {"coverage": table.coverage(name), "scans": table.learned_from.get(name, 0), "cases": []}
            )
            own["cases"].append(_row(case["name"], item, interval))
    return found


def _row(case: str, item: Mapping[str, Any], interval: Interval) -> dict[str, Any]:
    return {
        "case": case,
        "drawn": item["state"] in ("labelled", "absent"),
        "completed_ml": item["completed_ml"],
        "expected_ml": [interval.value, interval.low, interval.high],
        "outside": not interval.holds(item["completed_ml"]),
    }


def unexpected(found: Mapping[str, Any] | None) -> list[tuple[float, dict[str, str]]]:
    """(how many times too large or too small, warning) for each completed structure that nobody drew and whose volume lies outside its interval."""
    result = []
    for name, item in (found or {}).items():
        for row in item["cases"]:
            if not row["outside"] or row["drawn"]:
                continue
            _, low, high = row["expected_ml"]
            ml = row["completed_ml"]
            factor = min(1000.0, max(ml / max(high, 1e-9), low / max(ml, 1e-9)))
            size = f"{ml:.3g} mL were suggested" if ml else "nothing was suggested"
            message = f"{size}, expected {low:.3g}–{high:.3g} mL."
            result.append((factor, {"message": message, "case": row["case"], "structure": name}))
    return result


def sizes(report: Report) -> str:
    """The page's section; empty where the run regressed no sizes."""
    found = report.get("sizes")
    if not found:
        return ""
    # Without a coverage the bars are the truth.
    coverages = {1.0 if item["coverage"] is None else item["coverage"] for item in found.values()}
    lowest, at_least = min(coverages), "at least " if len(coverages) > 1 else ""
    text = (
        "<h2>Expected and completed volumes</h2><p>Small networks say from the image alone how large every structure should be; no scan was judged by one "
        f"that had learned from it. The bars hold the true volume in {at_least}{percent(lowest)} of scans like the labelled ones. The line in a bar is what "
        "is expected, and the scans are in its order.</p>"
    )
    key = (
        f'<p class="key"><span>{_key_dot("accent", True)}suggested</span><span>{_key_dot("expert", False)}drawn by an expert</span>'
        f"<span>{_key_dot('alarm', True)}suggested and outside its bar</span></p>"
    )
    strips = [
        _strip(report, index, entry["name"], found[entry["name"]])
        for index, entry in enumerate(report["structures"])
        if entry["name"] in found
    ]
    grid = '<div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:4px 24px">'
    return f"{text}{key}{grid}{''.join(strips)}</div>"


def _key_dot(color: str, filled: bool) -> str:
    fill = f"fill:var(--{color})" if filled else "fill:var(--paper)"
    return (
        '<svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true" style="vertical-align:-1px">'
        f'<circle cx="8" cy="6" r="3.6" style="{fill};stroke:var(--{color});stroke-width:1.4"/></svg>'
    )


def _strip(report: Report, index: int, name: str, item: Mapping[str, Any]) -> str:
    """One structure: its name, how many lie outside, and the picture."""
    rows = sorted(_shown(item["cases"]), key=lambda row: row["expected_ml"][0])
    suggested = [row for row in item["cases"] if not row["drawn"]]
    missed = sum(row["outside"] for row in suggested)
    said = f"{missed} of {len(suggested)} suggested outside" if suggested else "nothing suggested"
    left_out = len(item["cases"]) - len(rows)
    more = f"; {counted(left_out, 'scan')} inside not shown" if left_out else ""
    from_scans = f"expected from {counted(item['scans'], 'scan')}"
    head = (
        f'<h3><span class="swatch" style="background:var(--c{index})"></span>{escape(name)}</h3>'
        f'<p class="soft" style="margin:0;font-size:13px">{said}{more}; {from_scans}</p>'
    )
    return f"<div>{head}{_picture(name, rows)}</div>"


def _shown(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All, or with many scans those outside and as many of the others as there is room for."""
    if len(rows) <= _MOST_SHOWN:
        return list(rows)
    outside = [row for row in rows if row["outside"]][:_MOST_SHOWN]
    inside = [row for row in rows if not row["outside"]]
    room = _MOST_SHOWN - len(outside)
    return outside + [inside[place * len(inside) // room] for place in range(room)]


def _picture(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    most = max(max(row["expected_ml"][2], row["completed_ml"]) for row in rows) or 1.0
    # A bar that reaches several times beyond all else would flatten the rest; it is cut instead.
    usual = max(max(row["expected_ml"][0], row["completed_ml"]) for row in rows)
    top = min(most, max(3 * usual, 1e-9)) * 1.04
    step, bottom = (_WIDTH - _LEFT - _RIGHT) / len(rows), _HEIGHT - _BOTTOM

    def height(ml: float) -> float:
        return bottom - min(max(ml / top, 0.0), 1.0) * (bottom - _TOP)

    parts = []
    for value in ticks(0, top, about=4):
        y = height(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    width = min(12.0, 0.7 * step)
    for place, row in enumerate(rows):
        x = _LEFT + (place + 0.5) * step
        parts.append(_bar(row, x, width, height))
    # Dots above all bars.
    parts += [_dot(row, _LEFT + (place + 0.5) * step, min(3.6, 0.5 * step), height) for place, row in enumerate(rows)]
    parts += _names(rows, step, height)
    parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}"/>')
    parts.append(f'<text class="title" x="{_LEFT}" y="{_HEIGHT - 6}">mL, one bar for each scan</text>')
    label = f"Expected and completed volumes of {name}"
    return f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _bar(row: Mapping[str, Any], x: float, width: float, height: Any) -> str:
    value, low, high = row["expected_ml"]
    above, below, middle = height(high), height(low), height(value)
    said = f"{row['case']}: {row['completed_ml']:.3g} mL, expected {low:.3g}–{high:.3g} mL"
    return (
        f'<g><title>{escape(said)}</title><rect x="{x - width / 2:.1f}" y="{above:.1f}" width="{width:.1f}" height="{max(below - above, 1):.1f}" '
        f'rx="1.5" style="fill:var(--soft);opacity:.28"/><path d="M{x - width / 2:.1f} {middle:.1f}h{width:.1f}" style="stroke:var(--soft);stroke-width:1.2"/></g>'
    )


def _dot(row: Mapping[str, Any], x: float, radius: float, height: Any) -> str:
    color = "expert" if row["drawn"] else "alarm" if row["outside"] else "accent"
    fill = "var(--paper)" if row["drawn"] else f"var(--{color})"
    style = f"fill:{fill};stroke:var(--{color});stroke-width:1.4"
    return f'<circle cx="{x:.1f}" cy="{height(row["completed_ml"]):.1f}" r="{radius:.1f}" style="{style}"/>'


def _names(rows: Sequence[Mapping[str, Any]], step: float, height: Any) -> list[str]:
    """The names of the few suggested volumes that lie farthest outside, beside their dots where there is room."""

    def distance(row: Mapping[str, Any]) -> float:
        _, low, high = row["expected_ml"]
        return max(row["completed_ml"] - high, low - row["completed_ml"])

    wrong = [(place, row) for place, row in enumerate(rows) if row["outside"] and not row["drawn"]]
    taken: list[tuple[float, float, float]] = []
    parts = []
    for place, row in sorted(wrong, key=lambda item: -distance(item[1]))[:_MOST_NAMED]:
        name = shortened(row["case"], 18)
        long, x, y = _LETTER * len(name), _LEFT + (place + 0.5) * step, height(row["completed_ml"])
        to_left = x + 7 + long > _WIDTH
        first = x - 7 - long if to_left else x + 7
        y = min(max(y + 4, _TOP + 8), _HEIGHT - _BOTTOM - 4)
        if any(abs(y - other) < 13 and first < end and start < first + long for start, end, other in taken):
            continue
        taken.append((first, first + long, y))
        anchor = ' text-anchor="end"' if to_left else ""
        spot = x - 7 if to_left else x + 7
        halo = "paint-order:stroke;stroke:var(--paper);stroke-width:3px"
        parts.append(f'<text x="{spot:.1f}" y="{y:.1f}"{anchor} style="{halo}">{escape(name)}</text>')
    return parts
