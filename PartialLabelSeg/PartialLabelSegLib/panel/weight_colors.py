"""The colours of support and doubt: bright orange where the trusted scans speak against a label, deep blue where they support it, clear between.

Orange and blue are told apart in every kind of colour blindness, and light from dark in grey. Both ends are even in CIELAB, as colors.py has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .colors import COLORS, from_lab, own_table

TABLE = "colours of weights"
AGAINST, FOR = (76.0, 72.0, 68.0), (44.0, 58.0, 278.0)
"""Lightness, chroma and hue (degrees) of the ends."""
PALE = 0.35
"""Of the chroma is left next to the middle."""
CLEAR, FULL = 0.12, 0.6
"""Weights below this share of the strongest are not shown; from the other share on they are as opaque as colours get."""


def ramp(count: int = COLORS) -> np.ndarray:
    """float64 (count, 4): sRGB and opacity in 0..1, from the strongest against to the strongest for a label."""
    share = np.linspace(-1, 1, count)
    colors = np.where((share < 0)[:, None], _side(np.abs(share), AGAINST), _side(np.abs(share), FOR))
    opacity = np.clip((np.abs(share) - CLEAR) / (FULL - CLEAR), 0, 1)
    return np.column_stack([np.clip(from_lab(colors), 0, 1), opacity])


def _side(share: np.ndarray, end: tuple[float, float, float]) -> np.ndarray:
    """CIELAB (n, 3) from next to the middle (0) to an end (1)."""
    lightness, chroma, hue = end[0], end[1] * (PALE + (1 - PALE) * share), np.radians(end[2])
    return np.stack([np.full_like(share, lightness), chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)


def weights_table(scene: Any) -> Any:
    """The scene's colour table node of these colours."""
    words = ["speaks against the label" if 2 * place < COLORS else "supports the label" for place in range(COLORS)]
    return own_table(scene, TABLE, "Weights of labels", ramp(), words)
