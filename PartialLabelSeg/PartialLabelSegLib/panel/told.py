"""The fields of an event, whatever a damaged or a later worker put there."""

from __future__ import annotations

import math
from typing import Any

from ..run.events import Event
from ..run.round_words import STAGE
from .job import CONFIDENCE, LEARN, SIZES

_LEARNED = {"learning the structures": LEARN, "learning the confidence": CONFIDENCE, "learning the sizes": SIZES}


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


def sentences(event: Event) -> tuple[str, ...]:
    """The sentences of an event that says several; those of another kind are left out."""
    said = event.fields.get("sentences")
    return tuple(item for item in said if isinstance(item, str) and item) if isinstance(said, list) else ()


def finite(value: Any) -> float | None:
    """A JSON value as a finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def learning_stage(event: Event) -> tuple[int, str] | None:
    """The round of a training's event, and what is learned: a kind of stage of the job, or '' for what is not known; None for other stages."""
    found = STAGE.fullmatch(text(event, "stage"))
    return (int(found[1]), _LEARNED.get(found[2], "")) if found else None
