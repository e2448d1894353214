"""What the step Look shows, made of the state and of what is known of the scan in the views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..data.types import State, Structure
from . import weight_colors
from .colors import ramp
from .state import PanelState
from .view_models import Color
from .view_models_decide import (
    ACCEPTED,
    AMBIGUITY,
    CONFIDENCE,
    DOUBTS,
    EXPERT,
    FILLED,
    OUTLINE,
    OUTLINES,
    SHOWN_THINGS,
    STRIPED,
    SURFACES,
    Choice,
    KeyEntry,
    LegendView,
    LookView,
)
from .viewed import Viewed

GREY: Color = (0.6, 0.6, 0.6)
VEIL: Color = (0.92, 0.92, 1.0)
COLORS = 32
_SETTLED = (State.LABELLED.value, State.ABSENT.value)


@dataclass(frozen=True)
class Looked:
    """accepted: whether anything was accepted in the scan; None where nothing ever was. loading: the scan is on its way into the views."""

    viewed: Viewed | None = None
    accepted: bool | None = None
    loading: bool = False
    problem: str = ""


def look_view(
    state: PanelState,
    structures: Sequence[Structure],
    scans: Sequence[tuple[str, bool]],
    looked: Looked,
    learning: bool = False,
) -> LookView:
    """scans: each name, and whether something is suggested in it. learning: the worker is at work."""
    named = {item.name: item for item in structures}
    structure = state.structure if state.structure in named else ""
    why_not = _why_not(looked, structure)
    if state.overlay.doubts and DOUBTS not in why_not:
        # The outline is then that of the given label.
        for thing in (OUTLINES, CONFIDENCE):
            why_not.setdefault(thing, "where given labels are doubted is shown in its place.")
    shown = frozenset(thing for thing in SHOWN_THINGS if getattr(state.overlay, thing))
    return LookView(
        scans=tuple(_scan_choice(name, there, state, structures) for name, there in scans),
        scan=state.scan,
        structures=(Choice("", "all structures"), *(Choice(name, name) for name in named)),
        structure=structure,
        shown=shown,
        why_not=why_not,
        opacity=state.overlay.opacity,
        legend=_legend(named.get(structure), shown, why_not) if looked.viewed is not None else None,
        message=_message(state, structures, scans, looked, learning),
    )


def _scan_choice(name: str, suggested: bool, state: PanelState, structures: Sequence[Structure]) -> Choice:
    if suggested:
        return Choice(name, name, f"{name}: there are suggestions.")
    if _is_settled(name, state, structures):
        return Choice(name, f"{name} (all labelled)", f"{name}: everything is labelled, so nothing is suggested.")
    return Choice(name, f"{name} (not yet)", f"{name}: nothing is suggested yet.")


def _is_settled(name: str, state: PanelState, structures: Sequence[Structure]) -> bool:
    scan = state.scan_named(name)
    return scan is not None and bool(structures) and all(scan.state(item.name) in _SETTLED for item in structures)


def _why_not(looked: Looked, structure: str) -> dict[str, str]:
    viewed = looked.viewed
    if viewed is None:
        return dict.fromkeys(SHOWN_THINGS, "no scan is shown.")
    why_not = {}
    if viewed.suggestions is None:
        why_not = dict.fromkeys((OUTLINES, CONFIDENCE), "there are no suggestions for this scan yet.")
    if viewed.weights is None:
        why_not[DOUBTS] = "no label of this scan was weighed; only quick labels of scans that are learned from are."
    elif not structure:
        why_not[DOUBTS] = "choose one structure first; each has its own."
    elif structure not in viewed.weights.files:
        why_not[DOUBTS] = (
            f"the label of {structure} was not weighed; only quick labels of scans that are learned from are."
        )
    if viewed.labels is None:
        why_not[AMBIGUITY] = "nothing has been learned yet."
    elif not structure:
        why_not[AMBIGUITY] = "choose one structure first; each has its own."
    if viewed.expert is None:
        why_not[EXPERT] = "nothing was drawn in this scan."
    if not looked.accepted:
        why_not[ACCEPTED] = "nothing was accepted in this scan yet."
    if not viewed.suggestions and viewed.expert is None:
        why_not[SURFACES] = "there is nothing to show."
    return why_not


def _legend(structure: Structure | None, shown: frozenset[str], why_not: dict[str, str]) -> LegendView | None:
    color = structure.color if structure is not None else GREY
    entries = {
        EXPERT: KeyEntry("drawn by an expert", color, FILLED),
        OUTLINES: KeyEntry("suggested", color, OUTLINE),
        ACCEPTED: KeyEntry("accepted", color, STRIPED),
        AMBIGUITY: KeyEntry("nothing was learned here", VEIL, FILLED),
    }
    if DOUBTS in shown and DOUBTS not in why_not and structure is not None:
        # Filled, it would cover its own weights.
        entries[EXPERT] = KeyEntry("drawn, as it was given", color, OUTLINE)
        key = tuple(entry for thing, entry in entries.items() if thing in shown and thing not in why_not)
        ends = ("others speak against it", "others support it")
        return LegendView(doubt_colors(), f"The given label of {structure.name}", *ends, key=key)
    key = tuple(entry for thing, entry in entries.items() if thing in shown and thing not in why_not)
    if not key or CONFIDENCE in why_not:
        return LegendView((), "", key=key) if key else None
    title = f"Confidence in {structure.name}" if structure is not None else "Confidence"
    return LegendView(confidence_colors(), title, key=key)


@cache
def confidence_colors() -> tuple[Color, ...]:
    """The colours of confidence, lowest first."""
    return tuple((float(red), float(green), float(blue)) for red, green, blue in ramp(COLORS))


@cache
def doubt_colors() -> tuple[Color, ...]:
    """The colours of weights on grey, from the strongest against a label to the strongest for it."""
    colors = weight_colors.ramp(COLORS)
    seen = colors[:, :3] * colors[:, 3:] + np.array(GREY) * (1 - colors[:, 3:])
    return tuple((float(red), float(green), float(blue)) for red, green, blue in seen)


def _message(
    state: PanelState,
    structures: Sequence[Structure],
    scans: Sequence[tuple[str, bool]],
    looked: Looked,
    learning: bool,
) -> str:
    if looked.problem:
        return looked.problem
    if not scans:
        return "There is no scan yet. Add scans in the step Scans."
    if looked.loading:
        return f"Loading {state.scan}…"
    viewed = looked.viewed
    if viewed is None:
        return ""
    if viewed.suggestions is not None:
        return "" if viewed.suggestions.boxes else f"Nothing is suggested in {state.scan}."
    if _is_settled(state.scan, state, structures):
        return f"Everything is labelled in {state.scan}, so nothing is suggested there."
    if any(there for _, there in scans):
        return f"Nothing is suggested in {state.scan} yet."
    return (
        "Suggestions appear here scan by scan, once learning has come that far."
        if learning
        else "There are no suggestions yet. Learn first."
    )
