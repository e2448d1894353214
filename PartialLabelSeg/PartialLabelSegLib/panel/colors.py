"""The colours of confidence: even steps for the eye, in lightness too, so that they also read in grey and by the colour-blind.

Made in CIELAB (CIE 1976; D65): a path from violet over blue and green to yellow, cut so that neighbouring colours differ by the same Delta E.
It begins lighter than such tables usually do, for it lies over the dark parts of scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer

from .our_nodes import OURS

COLORS = 256
TABLE = "colours of confidence"
# Lightness, chroma and hue (degrees) along the path. Found by trying: as much chroma as sRGB has at that lightness and hue, less a margin.
_PATH = np.array(
    [
        (42.0, 62.0, 308.0),
        (50.0, 52.0, 285.0),
        (58.0, 36.0, 250.0),
        (66.0, 33.0, 205.0),
        (74.0, 48.0, 165.0),
        (84.0, 62.0, 130.0),
        (94.0, 78.0, 104.0),
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def ramp(count: int = COLORS) -> np.ndarray:
    """float64 (count, 3): sRGB in 0..1, from the least to the most confident, in even steps of Delta E."""
    fine = np.linspace(0, 1, 4001)
    lab = _smooth_path(fine)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(lab, axis=0), axis=1))])
    even = np.interp(np.linspace(0, length[-1], count), length, fine)
    return np.clip(from_lab(_smooth_path(even)), 0.0, 1.0)


def _smooth_path(share: np.ndarray) -> np.ndarray:
    """CIELAB (n, 3) along the path at 0..1: a Catmull-Rom curve through its points."""
    lightness, chroma, hue = _PATH.T
    angle = np.radians(hue)
    points = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    place = np.clip(share, 0, 1) * (len(points) - 1)
    first = np.minimum(place.astype(int), len(points) - 2)
    t = (place - first)[:, None]
    p0, p1, p2, p3 = (padded[first + offset] for offset in range(4))
    curve: np.ndarray = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve


def from_lab(lab: np.ndarray) -> np.ndarray:
    """CIELAB (n, 3) as sRGB; outside 0..1 where the screen has no such colour."""
    fy = (lab[:, 0] + 16) / 116
    f = np.stack([fy + lab[:, 1] / 500, fy, fy - lab[:, 2] / 200], axis=1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _WHITE
    linear = xyz @ np.linalg.inv(_TO_XYZ).T
    bright = 1.055 * np.sign(linear) * np.abs(linear) ** (1 / 2.4) - 0.055
    encoded: np.ndarray = np.where(linear <= 0.0031308, 12.92 * linear, bright)
    return encoded


def to_lab(colors: np.ndarray) -> np.ndarray:
    """sRGB (n, 3) in 0..1 as CIELAB."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    lab: np.ndarray = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    return lab


def color_table(scene: Any) -> Any:
    """The scene's colour table node of these colours."""
    words = [f"{100 * place / (COLORS - 1):.0f} %" for place in range(COLORS)]
    return own_table(scene, TABLE, "Confidence", ramp(), words)


def own_table(scene: Any, mark: str, name: str, colors: np.ndarray, words: Sequence[str]) -> Any:
    """A colour table node of ours, known by its `mark`; made when it is first asked for, not saved with the scene.

    colors: (n, 3) sRGB, or (n, 4) with opacity, in 0..1; words: what each colour means.
    """
    for place in range(scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")):
        node = scene.GetNthNodeByClass(place, "vtkMRMLColorTableNode")
        if node.GetAttribute(OURS) == mark:
            return node
    node = slicer.vtkMRMLColorTableNode()
    node.SetTypeToUser()
    node.SetName(name)
    node.SetAttribute(OURS, mark)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetNumberOfColors(len(colors))
    for place, (color, word) in enumerate(zip(colors.tolist(), words, strict=True)):
        red, green, blue, opacity = (*color, 1.0)[:4]
        node.SetColor(place, word, red, green, blue, opacity)
    return scene.AddNode(node)
