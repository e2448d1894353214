"""Charts as inline SVG: curves with their names at their ends, and stacked bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LEFT, _TOP, _BOTTOM = 860, 58, 26, 44
_LETTER, _LINE = 6.7, 14.0
_MOST_NAMED, _LOWEST_NAMED = 16, 6


@dataclass(frozen=True)
class Series:
    """One curve. `color` is a CSS colour; points (x, y), a y that is None or not finite interrupts the line; `dash` as in SVG; `heavy` draws it thicker."""

    name: str
    color: str
    points: Sequence[tuple[float, float | None]]
    dash: str = ""
    heavy: bool = False

    def runs(self) -> list[list[tuple[float, float]]]:
        """The uninterrupted pieces."""
        pieces: list[list[tuple[float, float]]] = [[]]
        for x, y in self.points:
            if y is None or not math.isfinite(y) or not math.isfinite(x):
                pieces.append([])
            else:
                pieces[-1].append((x, y))
        return [piece for piece in pieces if piece]

    def last(self) -> float | None:
        runs = self.runs()
        return runs[-1][-1][1] if runs else None


@dataclass(frozen=True)
class Frame:
    """Axis titles with units, the range of y (None: from the data, starting at 0), and (x, name) of the sections, each starting at its x."""

    x_label: str
    y_label: str
    y_range: tuple[float, float] | None = None
    sections: Sequence[tuple[float, str]] = ()
    height: int = 300


def line_chart(series: Sequence[Series], frame: Frame) -> str:
    """An SVG of curves. With more than 16 curves only the heavy ones and the six lowest are named; the others are thin."""
    values = [point for item in series for run in item.runs() for point in run]
    if not values:
        return f'<p class="none">{escape(frame.y_label)}: no values were noted.</p>'
    named = _named(series)
    right = 34 + max((_LETTER * min(len(item.name), 24) for item in named), default=0)
    height = max(frame.height, int(_LINE * len(named)) + _TOP + _BOTTOM + 10)
    y_range = frame.y_range or _range([y for _, y in values])
    # A chart's first x is 0: curves show how long something took.
    scale = _Scale(_range([x for x, _ in values]), y_range, (_WIDTH - right, height - _BOTTOM))
    body = [_grid(scale, frame), _sections(scale, frame.sections)]
    body += [_curve(item, scale, item in named or len(series) <= _MOST_NAMED) for item in series]
    body.append(_end_names(named, scale))
    label = f"{frame.y_label} against {frame.x_label}"
    return f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}">{"".join(body)}</svg>'


@dataclass(frozen=True)
class _Scale:
    x: tuple[float, float]
    y: tuple[float, float]
    far: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (min(max(y, self.y[0]), self.y[1]) - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + across * (self.far[0] - _LEFT), self.far[1] - up * (self.far[1] - _TOP)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From 0, or the lowest value below it, to the highest; never without a width."""
    low, high = min(0.0, *values), max(0.0, *values)
    return low, high if high - low > 1e-9 else low + 1.0


def _named(series: Sequence[Series]) -> list[Series]:
    """The curves whose names are written: all while they are few, else the heavy ones and the lowest."""
    shown = [item for item in series if item.name and item.last() is not None]
    if len(shown) <= _MOST_NAMED:
        return shown
    heavy = [item for item in shown if item.heavy]
    light = sorted((item for item in shown if not item.heavy), key=lambda item: item.last() or 0.0)
    return heavy + light[:_LOWEST_NAMED]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most about + 2 of them."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _grid(scale: _Scale, frame: Frame) -> str:
    parts = []
    left, bottom, right = _LEFT, scale.far[1], scale.far[0]
    for value in ticks(*scale.y):
        y = scale.at(0, value)[1]
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right:.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in ticks(*scale.x, about=8):
        x = scale.at(value, scale.y[0])[0]
        parts.append(f'<path class="axis" d="M{x:.1f} {bottom:.1f}v5"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<path class="axis" d="M{left} {_TOP}V{bottom:.1f}H{right:.1f}"/>')
    middle = (left + right) / 2
    parts.append(
        f'<text class="title" x="{middle:.1f}" y="{bottom + 37:.1f}" text-anchor="middle">{escape(frame.x_label)}</text>'
    )
    high = (_TOP + bottom) / 2
    turned = f'transform="rotate(-90 14 {high:.1f})" text-anchor="middle"'
    parts.append(f'<text class="title" x="14" y="{high:.1f}" {turned}>{escape(frame.y_label)}</text>')
    return "".join(parts)


def _sections(scale: _Scale, sections: Sequence[tuple[float, str]]) -> str:
    """A line where a section starts and its name above, unless it would run into the next one's."""
    parts, free = [], 0.0
    for start, name in sections:
        x = scale.at(start, scale.y[0])[0]
        if start > scale.x[0]:
            parts.append(f'<path class="section" d="M{x:.1f} {_TOP - 10}V{scale.far[1]:.1f}"/>')
        if x >= free:
            parts.append(f'<text class="tick" x="{x + 4:.1f}" y="{_TOP - 10}">{escape(name)}</text>')
            free = x + 10 + _LETTER * len(name)
    return "".join(parts)


def _curve(item: Series, scale: _Scale, strong: bool) -> str:
    width = 3 if item.heavy else 2 if strong else 1
    dash = f' stroke-dasharray="{item.dash}"' if item.dash else ""
    faint = "" if strong else ' opacity=".45"'
    style = f'style="stroke:{item.color}" stroke-width="{width}"{dash}{faint}'
    parts = []
    for run in item.runs():
        spots = [scale.at(x, y) for x, y in run]
        if len(spots) == 1 or (strong and len(spots) <= 40):
            size = 3.5 if item.heavy or len(spots) == 1 else 2.2
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" style="fill:{item.color}"/>' for x, y in spots]
        if len(spots) > 1:
            parts.append(f'<path class="curve" {style} d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in spots)}"/>')
    return f"<g><title>{escape(item.name)}</title>{''.join(parts)}</g>"


def _end_names(named: Sequence[Series], scale: _Scale) -> str:
    """The names at the right ends of their curves, moved apart where they would overlap, each with a thin line to its end."""
    ends = sorted(((scale.at(*item.runs()[-1][-1]), item) for item in named), key=lambda end: end[0][1])
    heights = spread([end[0][1] for end in ends], _LINE, _TOP + 2, scale.far[1])
    parts = []
    for ((x, y), item), height in zip(ends, heights):
        name = shortened(item.name, 24)
        weight = ' font-weight="600"' if item.heavy else ""
        start = scale.far[0] + 14
        parts.append(
            f'<path class="lead" style="stroke:{item.color}" d="M{x + 4:.1f} {y:.1f}L{start - 3:.1f} {height:.1f}"/>'
        )
        parts.append(
            f'<text class="name" x="{start:.1f}" y="{height + 4:.1f}" style="fill:{item.color}"{weight}>{escape(name)}</text>'
        )
    return "".join(parts)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the sorted `wanted` ones that are at least `gap` apart and within low..high (the range is stretched where it is too short)."""
    high = max(high, low + gap * (len(wanted) - 1))
    places: list[float] = []
    for value in wanted:
        places.append(max(value, low if not places else places[-1] + gap))
    limit = high
    for index in range(len(places) - 1, -1, -1):
        places[index] = min(places[index], limit)
        limit = places[index] - gap
    return places


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


@dataclass(frozen=True)
class Bar:
    """A stacked bar: its name, the (value, CSS class, what it is) of its parts, and what is written behind it."""

    name: str
    parts: Sequence[tuple[float, str, str]]
    note: str = ""


def bar_chart(bars: Sequence[Bar], x_label: str, even: bool = False) -> str:
    """Horizontal stacked bars with a common scale; `even`: every bar fills the width, showing shares."""
    totals = [sum(value for value, _, _ in bar.parts) for bar in bars]
    if not bars or not any(totals):
        return f'<p class="none">{escape(x_label)}: nothing to show.</p>'
    names = [shortened(bar.name, 26) for bar in bars]
    left = 14 + _LETTER * max(len(name) for name in names)
    right = 20 + _LETTER * max(len(bar.note) for bar in bars)
    top, row, width = 8, 24, _WIDTH - left - right
    most = 1.0 if even else max(totals)
    parts = []
    for index, (bar, name, total) in enumerate(zip(bars, names, totals)):
        y = top + index * row
        parts.append(f'<text class="name" x="{left - 8:.1f}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        x = left
        for value, kind, said in bar.parts:
            size = value / ((total or 1.0) if even else most) * width
            if size > 0:
                parts.append(
                    f'<rect class="{kind}" x="{x:.2f}" y="{y}" width="{size:.2f}" height="18"><title>{escape(said)}</title></rect>'
                )
            x += size
        spot = left + width if even else x
        parts.append(f'<text class="tick" x="{spot + 8:.1f}" y="{y + 14}">{escape(bar.note)}</text>')
    bottom = top + len(bars) * row + 4
    for value in ticks(0, 100 if even else most):
        x = left + value / (100 if even else most) * width
        parts.append(
            f'<path class="axis" d="M{x:.1f} {bottom}v5"/><text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>'
        )
    parts.append(f'<path class="axis" d="M{left:.1f} {bottom}H{left + width:.1f}"/>')
    parts.append(
        f'<text class="title" x="{left + width / 2:.1f}" y="{bottom + 36}" text-anchor="middle">{escape(x_label)}</text>'
    )
    return f'<svg class="chart" viewBox="0 0 {_WIDTH} {bottom + 44}" role="img" aria-label="{escape(x_label)}">{"".join(parts)}</svg>'
