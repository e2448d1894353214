"""Colours taken from the palette of the window, so that what is drawn can be read in light and dark themes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

from ...data.contrast import Color
from ..qt_subset import get

_LIKE = 0.2


def shade(widget: Any, role: Any) -> Color:
    """A colour of the widget's palette, such as `qt.QPalette.Text`, as RGB in 0..1."""
    color = get(widget, "palette").color(role)
    return color.redF(), color.greenF(), color.blueF()


def qcolor(color: Color, opacity: float = 1.0) -> Any:
    """The same for Qt."""
    return qt.QColor.fromRgbF(float(color[0]), float(color[1]), float(color[2]), float(opacity))


def repeats(colors: Sequence[Color]) -> list[int]:
    """For each colour how many very similar ones came before it, so that their lines can be dashed differently."""
    return [
        sum(max(abs(a - b) for a, b in zip(color, other)) < _LIKE for other in colors[:index])
        for index, color in enumerate(colors)
    ]
