"""What a decision is about: a part, an organ in a scan, an organ in all scans, a scan, or everything; and what it stands at now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..relabel.review import ACCEPTED, COMPLETE, EDITED, NOT_NOW, WRONG, Decision, Edit
from .words import counted


@dataclass(frozen=True)
class Scope:
    """scan, structure: None for all. part: the flat index of a voxel of one connected part, where scan and structure are named."""

    scan: str | None = None
    structure: str | None = None
    part: int | None = None

    def __post_init__(self) -> None:
        if self.part is not None and not self.is_one:
            raise ValueError("a part belongs to one structure in one scan")

    @property
    def is_one(self) -> bool:
        """Whether it names one structure in one scan."""
        return self.scan is not None and self.structure is not None

    def words(self) -> str:
        """'a part of the Liver in CT 1', 'Liver in CT 1', 'Liver in all scans', 'everything in CT 1', 'everything'."""
        if self.is_one:
            whole = f"{self.structure} in {self.scan}"
            return whole if self.part is None else f"a part of {whole}"
        if self.structure is not None:
            return f"{self.structure} in all scans"
        return "everything" if self.scan is None else f"everything in {self.scan}"


@dataclass(frozen=True)
class Said:
    """What is decided on a structure in a scan by now. decision: '' while nothing is said of the whole.

    gamma: at which, where it was. edit: what was drawn. parts: what was said of single parts: a voxel's flat index -> decision.
    """

    decision: str = ""
    gamma: float | None = None
    edit: Edit | None = None
    parts: Mapping[int, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return not self.decision


def said_of(decisions: tuple[Decision, ...], structure: str) -> Said:
    """What the decisions that count in a scan (`Review.latest`) say of one structure."""
    mine = [item for item in decisions if item.structure == structure]
    parts = {item.component: item.decision for item in mine if item.component is not None}
    whole = next((item for item in mine if item.component is None), None)
    if whole is None:
        return Said(parts=parts)
    return Said(whole.decision, whole.gamma, whole.edit, parts)


@dataclass(frozen=True)
class Counts:
    """What a gamma takes of a scope, beside all that is suggested there.

    parts: connected parts (at the 5 % level below gamma). precision: the share that can be expected to be right, measured on other scans and
    weighted by voxels; None where it is not known. covered: the share of the voxels that this speaks of.
    """

    voxels: int = 0
    all_voxels: int = 0
    ml: float = 0.0
    all_ml: float = 0.0
    parts: int = 0
    precision: float | None = None
    covered: float = 0.0


def percent(share: float) -> str:
    return f"{round(100 * share)} %"


_VERBS = {ACCEPTED: "accept", WRONG: "wrong", NOT_NOW: "not now", COMPLETE: "complete", EDITED: "edit"}


def step_words(step: tuple[Decision, ...]) -> str:
    """A step in words, for undo and redo: 'accept Liver in CT 1 at 66 %', 'wrong: 12 suggestions'."""
    first = step[0]
    if len(step) > 1:
        return f"{_VERBS[first.decision]}: {counted(len(step), 'suggestion')}"
    where = Scope(first.case, first.structure, first.component).words()
    share = f" at {percent(first.gamma)}" if first.decision == ACCEPTED and first.gamma is not None else ""
    return f"{_VERBS[first.decision]}{'' if first.decision in (ACCEPTED, EDITED, COMPLETE) else ':'} {where}{share}"
