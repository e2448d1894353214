"""Colours taken from the palette of the window, so that what is drawn can be read in light and dark themes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

from ..qt_subset import get
from ..view_models import Color

ENOUGH = 3.0
"""The least contrast ratio (WCAG 2.1) of a line or a sign on its background."""
_STEPS = 20
_LIKE = 0.2


def shade(widget: Any, role: Any) -> Color:
    """A colour of the widget's palette, such as `qt.QPalette.Text`, as RGB in 0..1."""
    color = get(widget, "palette").color(role)
    return color.redF(), color.greenF(), color.blueF()


def qcolor(color: Color, opacity: float = 1.0) -> Any:
    """The same for Qt."""
    return qt.QColor.fromRgbF(float(color[0]), float(color[1]), float(color[2]), float(opacity))


def hexadecimal(color: Color) -> str:
    """'#rrggbb'."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)


def mixed(color: Color, other: Color, share: float) -> Color:
    """`share` of the way from `color` to `other`."""
    parts = [(1 - share) * own + share * far for own, far in zip(color, other)]
    return parts[0], parts[1], parts[2]


def luminance(color: Color) -> float:
    """The relative luminance of WCAG 2.1, 0 (black) to 1 (white)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: Color, second: Color) -> float:
    """The contrast ratio of WCAG 2.1, 1 to 21."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(color: Color, background: Color) -> Color:
    """`color`, darkened on a light background and lightened on a dark one until it can be seen there."""
    # At this luminance black and white are equally far away.
    goal = (0.0, 0.0, 0.0) if luminance(background) > 0.179 else (1.0, 1.0, 1.0)
    for step in range(_STEPS):
        tried = mixed(color, goal, step / _STEPS)
        if contrast(tried, background) >= ENOUGH:
            return tried
    return goal


def repeats(colors: Sequence[Color]) -> list[int]:
    """For each colour how many very similar ones came before it, so that their lines can be dashed differently."""
    return [
        sum(max(abs(a - b) for a, b in zip(color, other)) < _LIKE for other in colors[:index])
        for index, color in enumerate(colors)
    ]
