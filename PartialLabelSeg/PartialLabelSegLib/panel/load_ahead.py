"""Libraries that are needed once suggestions are there, loaded one after the other while the window lives. The panel opens without them."""

from __future__ import annotations

import importlib

from .steps import Steps

NEEDED = (
    "scipy",
    "scipy._lib._util",
    "scipy.sparse._sputils",
    "scipy.sparse",
    "scipy.sparse.csgraph",
    "scipy.special",
    "scipy.ndimage",
)
"""In the order in which they load one another, so that no step is long; a part that another version of scipy lacks is passed over."""


def load_ahead() -> Steps[None]:
    """One library a step; a moment where they are there already."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        yield 0.0
