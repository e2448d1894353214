"""What the table of scans is made of, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Drawn:
    """A segment as the table needs it."""

    name: str
    color: tuple[float, float, float] = (0.1, 0.2, 0.3)
    terminology: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    empty: bool = False
