"""A scan to be looked at, with what there is to be shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.types import Structure
from .doubts import WeightFiles
from .suggestions import Suggestions


@dataclass(frozen=True, eq=False)
class Viewed:
    """The scan to be looked at.

    volume, expert: nodes (expert None: nothing was drawn). suggestions: None where there are none yet. labels: the folder with the labels
    that they were made with, for the ambiguity map. weights: those that were learned for its labels. others: segmentation nodes of other scans, which are hidden meanwhile.
    """

    name: str
    volume: Any
    structures: tuple[Structure, ...] = ()
    expert: Any = None
    suggestions: Suggestions | None = None
    labels: Path | None = None
    others: tuple[Any, ...] = ()
    weights: WeightFiles | None = None
