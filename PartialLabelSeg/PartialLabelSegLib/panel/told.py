"""The fields of an event, whatever a damaged or a later worker put there."""

from __future__ import annotations

import math
import re
from typing import Any

from ..run.events import Event

ROUND_STAGE = re.compile(r"round (\d{1,6}): (.+)")


def number(event: Event, name: str) -> float | None:
    """A finite number, or None."""
    return finite(event.fields.get(name))


def whole(event: Event, name: str) -> int:
    """A whole number from 0; 0 where there is none."""
    value = number(event, name)
    return 0 if value is None or not 0 <= value < 1e12 else int(value)


def text(event: Event, name: str) -> str:
    value = event.fields.get(name)
    return value if isinstance(value, str) else ""


def finite(value: Any) -> float | None:
    """A JSON value as a finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def learning_stage(event: Event) -> tuple[int, bool] | None:
    """The round of a training's event, and whether it is the confidence that is learned; None for other stages."""
    found = ROUND_STAGE.fullmatch(text(event, "stage"))
    return (int(found[1]), "confidence" in found[2]) if found else None
