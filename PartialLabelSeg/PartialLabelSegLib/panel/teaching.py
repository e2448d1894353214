"""What a decision teaches the next round, in a clinician's words and with the numbers at hand."""

from __future__ import annotations

from ..relabel.review import ACCEPTED, DECISIONS, EDITED, NOT_NOW, WRONG
from .scope import Counts, Scope, percent
from .words import volume


def what_it_teaches(decision: str, scope: Scope, counts: Counts) -> str:
    """One or two sentences for a tooltip. ValueError: no such decision."""
    if decision not in DECISIONS:
        raise ValueError(f"a decision is one of {', '.join(DECISIONS)}, got {decision!r}")
    name, where = scope.structure or "the structure", scope.scan or "each scan"
    if decision in (ACCEPTED, WRONG) and not counts.voxels:
        return "Nothing is suggested here at this share, so nothing would be learned."
    shown = f"{volume(counts.ml)} shown"
    if decision == ACCEPTED:
        sure = ""
        if counts.precision is not None:
            sure = f" On scans that it never learned from, about {percent(counts.precision)} of such voxels were right."
        return f"The next round learns that the {shown} are {name}. The rest of {where} stays open.{sure}"
    if decision == WRONG:
        return f"The next round learns that the {shown} are certainly not {name}. What else they are stays open."
    if decision == NOT_NOW:
        return "Nothing is learned from it. It is suggested again after the next round."
    if decision == EDITED:
        return f"The next round learns what you drew instead of the suggestion. The rest of {where} stays open until you say Complete."
    if not counts.voxels:
        return f"The next round learns that {name} is not in {where}: all of it teaches what {name} does not look like."
    return f"This teaches most: {where} is learned as a whole. The {shown} are {name}, everything else is not."
