"""The agreement of raters as a chart: Dice of every pair, and every rater's volumes against the consensus."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from ..data.contrast import Color, hexadecimal, luminance, mixed
from ..metrics.agreement import Agreement, PairAgreement, RaterAgreement
from ..metrics.agreement_table import icc_text, kappa_text
from .charts import shortened, ticks

_WIDTH, _CELL, _ROW = 860.0, 58.0, 34.0
_LETTER, _MOST_LETTERS = 6.7, 20
_LOW, _HIGH = (0.93, 0.95, 0.98), (0.02, 0.28, 0.55)
"""The shades of a Dice of 0 and of 1."""
_DOT_SPREAD = (0.0, -5.0, 5.0, -2.5, 2.5, -7.5, 7.5)
"""Dots of a row lie at these heights by turns, so that equal ones can be counted."""


def agreement_chart(result: Agreement) -> str:
    """An SVG: a matrix of mean Dice between raters, and below it each scan's difference of volume to the consensus, with bias and limits.

    One rater has no matrix. A pair without a common scan is left empty.
    """
    left = 16 + _LETTER * min(_MOST_LETTERS, max(len(item.rater) for item in result.raters))
    matrix, top = _matrix(result, left) if len(result.raters) > 1 else ("", 0.0)
    bias, height = _bias(result, left, top)
    label = f"agreement of the raters of {result.structure}"
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
        f"{matrix}{bias}</svg>"
    )


def _matrix(result: Agreement, left: float) -> tuple[str, float]:
    """The matrix and the height that it takes."""
    names = [item.rater for item in result.raters]
    pairs = {(pair.first, pair.second): pair for pair in result.pairs}
    size = min(_CELL, (_WIDTH - left - 20) / len(names))
    parts = [f'<text class="head" x="0" y="16">{escape(result.structure)}: Dice between raters</text>']
    for number, name in enumerate(names):
        y = 44 + number * _ROW
        parts.append(_name(name, left - 8, y + _ROW / 2 + 4, "end"))
        short = shortened(name, max(3, int(size / _LETTER)))
        parts.append(_name(name, left + (number + 0.5) * size, 38, "middle", short))
        for column, other in enumerate(names):
            pair = pairs.get((name, other)) or pairs.get((other, name))
            parts.append(_cell(pair, name == other, (left + column * size, y), size))
    bottom = 44 + len(names) * _ROW
    said = _together(result)
    parts += [
        f'<text class="tick" x="0" y="{bottom + 20 + 16 * row:.0f}">{escape(line)}</text>'
        for row, line in enumerate(said)
    ]
    return "".join(parts), bottom + 20 + 16 * len(said) + 14


def _cell(pair: PairAgreement | None, own: bool, corner: tuple[float, float], size: float) -> str:
    x, y = corner
    if own or pair is None:
        return f'<rect x="{x:.1f}" y="{y:.1f}" width="{size - 2:.1f}" height="{_ROW - 2:.1f}" fill="none" stroke="var(--line)"/>'
    dice = pair.dice.mean
    color = _shade(dice)
    ink = "#000000" if luminance(color) > 0.3 else "#ffffff"
    said = f"{pair.first} and {pair.second}: Dice {dice:.3f}, {pair.scans} scans, volume ICC {icc_text(pair.volume)}"
    return (
        f'<g><title>{escape(said)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{size - 2:.1f}" height="{_ROW - 2:.1f}" '
        f'fill="{hexadecimal(color)}"/><text x="{x + size / 2 - 1:.1f}" y="{y + _ROW / 2 + 3:.1f}" text-anchor="middle" '
        f'style="fill:{ink}">{dice:.2f}</text></g>'
    )


def _shade(dice: float) -> Color:
    return mixed(_LOW, _HIGH, min(max(dice, 0.0), 1.0))


def _together(result: Agreement) -> list[str]:
    """What all raters together say, in words."""
    lines = [f"All pairs: Dice {result.dice.mean:.3f}."] if result.dice.n else []
    if not math.isnan(result.volume.value):
        lines.append(f"Volume, all raters: ICC(2,1) {icc_text(result.volume)}.")
    if not math.isnan(result.cells.value):
        lines.append(f"Cells: {kappa_text(result.cells)}.")
    return lines


def _bias(result: Agreement, left: float, top: float) -> tuple[str, float]:
    """Each rater's differences to the consensus in mL, and the height where the chart ends."""
    head = f"{result.structure}: volume against the consensus ({result.consensus})"
    parts = [f'<text class="head" x="0" y="{top + 16:.0f}">{escape(head)}</text>']
    first, bottom = top + 34, top + 34 + len(result.raters) * _ROW
    low, high = _range(result.raters)
    right = _WIDTH - 30

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    for value in ticks(low, high, about=8):
        x = across(value)
        kind = "axis" if value == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{x:.1f} {first:.0f}V{bottom:.0f}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 18:.0f}" text-anchor="middle">{value:g}</text>')
    for number, rater in enumerate(result.raters):
        middle = first + (number + 0.5) * _ROW
        parts.append(_name(rater.rater, left - 8, middle + 4, "end"))
        limits = [across(min(max(value, low), high)) for value in rater.limits_ml if math.isfinite(value)]
        parts += _limits(rater, limits, middle)
        for place, volumes in enumerate(rater.volumes):
            y = middle + _DOT_SPREAD[place % len(_DOT_SPREAD)]
            said = f"{volumes.case}: {volumes.rater_ml:.2f} mL, consensus {volumes.consensus_ml:.2f} mL"
            parts.append(
                f'<circle cx="{across(volumes.bias_ml):.1f}" cy="{y:.1f}" r="2.6" style="fill:var(--accent)" opacity=".55">'
                f"<title>{escape(said)}</title></circle>"
            )
        if rater.bias_ml.n:
            x = across(rater.bias_ml.mean)
            parts.append(f'<path d="M{x:.1f} {middle - 11:.1f}v22" style="stroke:var(--ink);stroke-width:2.5"/>')
    title = "rater minus consensus, mL (line: bias; bar: limits of agreement)"
    parts.append(
        f'<text class="title" x="{(left + right) / 2:.0f}" y="{bottom + 37:.0f}" text-anchor="middle">{title}</text>'
    )
    return "".join(parts), bottom + 46


def _limits(rater: RaterAgreement, limits: Sequence[float], middle: float) -> list[str]:
    if len(limits) < 2:
        return []
    low, high = rater.limits_ml
    said = f"{rater.rater}: bias {rater.bias_ml.mean:.2f} mL, limits of agreement {low:.2f} to {high:.2f} mL"
    width = max(limits[1] - limits[0], 1.0)
    return [
        f'<rect x="{limits[0]:.1f}" y="{middle - 9:.1f}" width="{width:.1f}" height="18" style="fill:var(--accent)" opacity=".16">'
        f"<title>{escape(said)}</title></rect>"
    ]


def _range(raters: Sequence[RaterAgreement]) -> tuple[float, float]:
    """All differences and limits, with 0 in between, and never without a width."""
    values = [0.0, *(volumes.bias_ml for rater in raters for volumes in rater.volumes)]
    values += [value for rater in raters for value in rater.limits_ml if math.isfinite(value)]
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 1.0
    return low - margin, high + margin


def _name(name: str, x: float, y: float, anchor: str, shown: str | None = None) -> str:
    text = escape(shown or shortened(name, _MOST_LETTERS))
    return (
        f'<text class="name" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"><title>{escape(name)}</title>{text}</text>'
    )
