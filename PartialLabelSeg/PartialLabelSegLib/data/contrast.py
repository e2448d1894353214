"""Colours that can be told from a background: contrast as in WCAG 2.1. A colour is RGB in 0..1."""

from __future__ import annotations

Color = tuple[float, float, float]

ENOUGH = 3.2
"""The least contrast of a line or a sign on its background; WCAG asks for 3."""
_BLACK, _WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
_EVEN = 0.179
"""At this luminance black and white are equally far away."""
_STEPS = 20


def luminance(color: Color) -> float:
    """The relative luminance, 0 (black) to 1 (white)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: Color, second: Color) -> float:
    """The contrast ratio, 1 to 21."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(color: Color, other: Color, share: float) -> Color:
    """`share` of the way from `color` to `other`."""
    parts = [(1 - share) * own + share * far for own, far in zip(color, other)]
    return parts[0], parts[1], parts[2]


def readable(color: Color, background: Color) -> Color:
    """`color`, darkened on a light background and lightened on a dark one until it can be seen there."""
    goal = _BLACK if luminance(background) > _EVEN else _WHITE
    for step in range(_STEPS):
        tried = mixed(color, goal, step / _STEPS)
        if contrast(tried, background) >= ENOUGH:
            return tried
    return goal


def hexadecimal(color: Color) -> str:
    """'#rrggbb'."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)
