"""What was decided on a round's suggestions: the decisions, in order, and their file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..run.failure import Failure
from ..run.files import read_json, write_json

FORMAT = 1
ACCEPTED, WRONG, NOT_NOW, COMPLETE, EDITED = "accepted", "wrong", "not now", "complete", "edited"
DECISIONS = (ACCEPTED, WRONG, NOT_NOW, COMPLETE, EDITED)
AUTOMATIC, PERSON = "automatic", "person"
_WAY_OUT = "Delete that decision from review.json, or the file to decide anew, and run the same command again."


@dataclass(frozen=True)
class Edit:
    """A mask that a person drew: its file beside review.json, such as 'edits/CT_1-3.nrrd', and the checksum of its voxels and their place."""

    file: str
    crc32: int

    def __post_init__(self) -> None:
        if not self.file or not 0 <= self.crc32 < 2**32:
            raise ValueError(f"an edit names its file and its checksum, got {self.file!r} and {self.crc32}")


@dataclass(frozen=True)
class Decision:
    """One decision on the suggestions of a structure in a case, or on one component of them.

    accepted: they are the structure. wrong: they certainly are not. not now: nothing is said. edited: the structure is what a person drew,
    instead of what is suggested; the rest of the scan stays open. complete: the structure is now known in the whole scan (what is suggested at
    gamma is accepted first, where a gamma is given; or what a person drew, where there is an edit).
    gamma: the share in 0..1 at which it was taken. component: its smallest flat voxel index at that gamma; None: all suggestions.
    """

    case: str
    structure: str
    decision: str
    gamma: float | None = None
    component: int | None = None
    note: str = ""
    edit: Edit | None = None

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise ValueError(f"a decision is one of {', '.join(DECISIONS)}, got {self.decision!r}")
        if self.gamma is not None and not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma must lie in 0..1, got {self.gamma}")
        if self.component is not None and self.component < 0:
            raise ValueError(f"a component is named by a voxel index from 0, got {self.component}")
        if self.gamma is None and (self.decision in (ACCEPTED, WRONG) or self.component is not None):
            raise ValueError(f"'{self.decision}' needs the gamma at which it was decided")
        if self.decision in (COMPLETE, EDITED) and self.component is not None:
            raise ValueError(f"'{self.decision}' speaks of a whole structure, not of a component")
        if self.decision == EDITED and self.edit is None:
            raise ValueError("'edited' needs the mask that was drawn")
        if self.edit is not None and (self.decision not in (COMPLETE, EDITED) or self.gamma is not None):
            raise ValueError("a drawn mask stands instead of a gamma, in 'edited' or 'complete'")


@dataclass(frozen=True)
class Review:
    """The decisions of one round, in the order in which they were taken. `by`: 'automatic' or 'person'."""

    by: str
    decisions: tuple[Decision, ...] = ()

    def __post_init__(self) -> None:
        if self.by not in (AUTOMATIC, PERSON):
            raise ValueError(f"a review is by 'automatic' or 'person', got {self.by!r}")

    def with_decision(self, decision: Decision) -> Review:
        return replace(self, decisions=(*self.decisions, decision))

    def without_last(self) -> Review:
        """The review before its last decision; an empty one stays empty."""
        return replace(self, decisions=self.decisions[:-1])

    def latest(self, case: str) -> tuple[Decision, ...]:
        """The decisions on a case that count: the last on each structure and each component, in order.

        What was drawn takes the place of components that were accepted or left before; those that were wrong stay wrong, outside the drawing.
        'complete' after 'edited' keeps the drawing, unless it brings another; it then stands in the place of that.
        """
        last: dict[tuple[str, int | None], Decision] = {}
        for item in self.decisions:
            if item.case != case:
                continue
            whole = last.get((item.structure, None))
            drawn = None if whole is None else whole.edit
            if item.decision == COMPLETE and drawn is not None and item.edit in (None, drawn):
                last[item.structure, None] = replace(item, gamma=None, edit=drawn)
                continue
            last.pop((item.structure, item.component), None)
            if item.decision == EDITED:
                last = {key: old for key, old in last.items() if key[0] != item.structure or old.decision == WRONG}
            last[item.structure, item.component] = item
        return tuple(last.values())


def automatic_review(cases: Iterable[str], structures: Sequence[str], gamma: float) -> Review:
    """Every suggestion of every structure in every case accepted at `gamma`: the paper's relabelling. Known structures have none."""
    decisions = (Decision(case, structure, ACCEPTED, gamma) for case in cases for structure in structures)
    return Review(AUTOMATIC, tuple(decisions))


def write_review(path: Path, review: Review) -> None:
    decisions = [decision_to_json(item) for item in review.decisions]
    write_json(path, {"format": FORMAT, "by": review.by, "decisions": decisions})


def decision_to_json(decision: Decision) -> dict[str, Any]:
    value: dict[str, Any] = {
        "case": decision.case,
        "structure": decision.structure,
        "decision": decision.decision,
        "gamma": decision.gamma,
        "component": decision.component,
    }
    if decision.note:
        value["note"] = decision.note
    if decision.edit is not None:
        value["edit"] = {"file": decision.edit.file, "crc32": decision.edit.crc32}
    return value


def read_review(path: Path, structures: Sequence[str], voxels: Mapping[str, int]) -> Review:
    """The review of a round of a run with these structures and cases; `voxels`: the number of voxels of each case.

    Failure: absent, damaged, or a decision on something that the run does not have.
    """
    value = read_json(path, "the review of the suggestions")
    if not isinstance(value, dict) or not isinstance(value.get("decisions"), list):
        raise Failure(
            f"{path.name} is not a review of this program.", way_out="Delete it and run the same command again."
        )
    if value.get("format") != FORMAT:
        raise Failure(f"{path.name} is a review of format {value.get('format')}; this version reads {FORMAT}.")
    if value.get("by") not in (AUTOMATIC, PERSON):
        raise Failure(
            f"{path.name} does not say whether the decisions are 'automatic' or a 'person' took them.", way_out=_WAY_OUT
        )
    return Review(value["by"], decisions_from_json(value["decisions"], path.name, structures, voxels))


def decisions_from_json(
    items: Sequence[Any], name: str, structures: Sequence[str], voxels: Mapping[str, int]
) -> tuple[Decision, ...]:
    """The decisions of a list in the file `name`. Failure as `read_review`."""
    decisions = tuple(_from_json(item, place, name) for place, item in enumerate(items, 1))
    for place, decision in enumerate(decisions, 1):
        _check(decision, structures, voxels, f"Decision {place} in {name}")
    return decisions


def _from_json(item: Any, place: int, name: str) -> Decision:
    try:
        case, structure, decision = (item[key] for key in ("case", "structure", "decision"))
        gamma, component, note = item.get("gamma"), item.get("component"), item.get("note", "")
        if not all(isinstance(text, str) for text in (case, structure, decision, note)):
            raise ValueError("case, structure, decision and note must be texts")
        if gamma is not None and (
            not isinstance(gamma, (int, float)) or isinstance(gamma, bool) or not math.isfinite(gamma)
        ):
            raise ValueError(f"gamma must be a number, got {gamma!r}")
        if component is not None and (not isinstance(component, int) or isinstance(component, bool)):
            raise ValueError(f"component must be a voxel index, got {component!r}")
        share = None if gamma is None else float(gamma)
        return Decision(case, structure, decision, share, component, note, _edit(item.get("edit")))
    except KeyError as error:
        raise Failure(f"Decision {place} in {name} lacks {error}.", way_out=_WAY_OUT) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise Failure(f"Decision {place} in {name} cannot be understood: {error}.", way_out=_WAY_OUT) from None


def _edit(value: Any) -> Edit | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("file"), str) or type(value.get("crc32")) is not int:
        raise ValueError(f"edit must name its file and its crc32, got {value!r}")
    return Edit(value["file"], value["crc32"])


def _check(decision: Decision, structures: Sequence[str], voxels: Mapping[str, int], where: str) -> None:
    if decision.case not in voxels:
        raise Failure(f"{where} speaks of the case '{decision.case}', which this run does not have.", way_out=_WAY_OUT)
    if decision.structure not in structures:
        raise Failure(
            f"{where} speaks of a structure that this run does not have.",
            way_out=_WAY_OUT,
            case=decision.case,
            structure=decision.structure,
        )
    if decision.component is not None and decision.component >= voxels[decision.case]:
        raise Failure(
            f"{where} names voxel {decision.component}, outside the scan of {voxels[decision.case]} voxels.",
            way_out=_WAY_OUT,
            case=decision.case,
            structure=decision.structure,
        )
