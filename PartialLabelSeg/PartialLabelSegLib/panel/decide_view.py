"""What the step Decide shows, made of the decisions, the queue, and what was chosen in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..relabel.scan_proposal import Part
from . import words
from .decisions import Decisions
from .scope import Scope
from .view_models_decide import (
    EVERYTHING,
    ORGAN_EVERYWHERE,
    ORGAN_HERE,
    PART,
    SCAN,
    AtGamma,
    Choice,
    NextRound,
    PartRow,
)
from .worklist import Item

ACTIONS = ("accept", "accept_all", "wrong", "not_now", "edit", "complete", "undo", "redo")
"""Those of `shortcuts.SHORTCUTS` that change decisions."""
MOST_ROWS = 50
NOTHING_HERE = "nothing is suggested here. Complete says that it is not in the scan; Edit lets you draw it."
PART_IS_NOT_ALL = "a part cannot be complete. Choose the whole structure to decide on."
ONE_PART = "there is only one part."


@dataclass(frozen=True)
class Chosen:
    """What is chosen in the queue. part: the seed of a part; loaded: whether its scan is in the views."""

    item: Item
    gamma: float
    scope: str = ORGAN_HERE
    part: int | None = None
    loaded: bool = True

    def to_decide_on(self) -> Scope:
        """What the buttons speak of."""
        scan, structure = self.item.key
        if self.scope == PART and self.part is not None:
            return Scope(scan, structure, self.part)
        if self.scope == ORGAN_EVERYWHERE:
            return Scope(None, structure)
        if self.scope == SCAN:
            return Scope(scan, None)
        return Scope() if self.scope == EVERYTHING else Scope(scan, structure)


def at_gamma(decisions: Decisions, chosen: Chosen, gamma: float) -> AtGamma:
    """What is taken at gamma in the chosen scope; no volume is read."""
    counts = decisions.counts(chosen.to_decide_on(), gamma)
    parts = parts_at(decisions, chosen.item.key, gamma)
    said = decisions.said(*chosen.item.key)
    rows = tuple(
        PartRow(
            part.seed, part.voxels, part.ml, _share(part.confidence), part.touches_border, said.parts.get(part.seed, "")
        )
        for part in parts[:MOST_ROWS]
    )
    return AtGamma(counts.voxels, counts.all_voxels, counts.ml, counts.all_ml, counts.parts, counts.precision, rows)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


def parts_at(decisions: Decisions, pair: tuple[str, str], gamma: float) -> Sequence[Part]:
    """The listed parts of a suggestion at the level of gamma, in falling size."""
    levels = decisions.proposal(pair[0]).structures.get(pair[1])
    level = levels.at(gamma) if levels is not None else None
    return () if level is None else level.components


def scopes(items: Sequence[Item], chosen: Chosen) -> tuple[Choice, ...]:
    """What can be decided on at once, each with how many suggestions it speaks of that are still open."""
    scan, structure = chosen.item.key
    still = [item.key for item in items if item.said.is_open and item.voxels]
    everywhere = sum(key[1] == structure for key in still)
    here = sum(key[0] == scan for key in still)
    why_no_part = ONE_PART if chosen.item.parts < 2 and chosen.part is None else ""
    why_no_part = why_no_part or (
        "choose a part in the list above, or click on one in a view." if chosen.part is None else ""
    )
    return (
        Choice(PART, "only the chosen part", "One connected part of it.", why_no_part),
        Choice(ORGAN_HERE, f"{structure} in {scan}", "The suggestion that is chosen in the list."),
        Choice(
            ORGAN_EVERYWHERE,
            f"{structure} in all scans ({everywhere} open)",
            "Those on which something else was decided stay as they are.",
        ),
        Choice(
            SCAN, f"everything in {scan} ({here} open)", "Those on which something else was decided stay as they are."
        ),
        Choice(
            EVERYTHING, f"everything ({len(still)} open)", "Those on which something else was decided stay as they are."
        ),
    )


def why_not(chosen: Chosen) -> dict[str, str]:
    """Action -> why it cannot be done now."""
    if not chosen.item.voxels and chosen.scope in (ORGAN_HERE, PART):
        found = dict.fromkeys(("accept", "accept_all", "wrong"), NOTHING_HERE)
    else:
        found = {}
    if chosen.scope == PART and chosen.part is not None:
        found["complete"] = PART_IS_NOT_ALL
    if not chosen.loaded:
        found["edit"] = "the scan is being loaded; wait a moment."
    return found


def next_round(taken: Mapping[str, int], still_open: int, refused: str) -> NextRound:
    """refused: why learning cannot go on now, whatever was decided."""
    whole = {key: count for key, count in taken.items() if count}
    number = sum(whole.values())
    if not number:
        return NextRound(0, "Nothing was decided yet.", refused or "decide on at least one suggestion first.")
    order = [*words.DECISIONS, ""]
    listed = [f"{whole[key]} {words.DECISIONS[key].text if key else 'in part'}" for key in order if key in whole]
    verb = "is" if still_open == 1 else "are"
    left = (
        f" {words.counted(still_open, 'suggestion').capitalize()} {verb} still open."
        if still_open
        else " Every suggestion is decided on."
    )
    return NextRound(number, f"Decided: {', '.join(listed)}.{left}", refused)
