"""What the raters' page shows: frozen values that the logic makes and the widgets only draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...data.raters.steps import SoftSteps
from ...metrics.agreement import Agreement
from ..view_models_decide import Choice
from .soft_planes import SoftChoice

Color = tuple[float, float, float]


@dataclass(frozen=True)
class RaterLine:
    """One rater of the scan. cells: ticked ones; -1 of a drawn mask. read: slices of `count`."""

    name: str
    color: Color
    cells: int = 0
    read: int = 0
    count: int = 0
    score: str = ""


@dataclass(frozen=True)
class SliceMark:
    """One slice in the strip. bone: there is some. read: by the current rater. ticked: has ticks. key: the grid was placed there."""

    bone: bool = False
    read: bool = False
    ticked: bool = False
    key: bool = False


@dataclass(frozen=True)
class GridBoxView:
    """The part Grid. keys: slices from 1. why_not: why it cannot be placed; why_not_shape: why rows and columns cannot be changed."""

    placed: bool = False
    rows: int = 8
    columns: int = 8
    follow: str = "rectangle"
    keys: tuple[int, ...] = ()
    is_key: bool = False
    previous_key: bool = False
    next_key: bool = False
    why_not: str = ""
    why_not_shape: str = ""


@dataclass(frozen=True)
class ReadBoxView:
    """The part Read. why_not: why no cell can be ticked. levels: grades that a tick can have; level: the one that it gets now."""

    raters: tuple[Choice, ...] = ()
    rater: str = ""
    color: Color = (0.6, 0.6, 0.6)
    read: bool = False
    has_ticks_here: bool = False
    others_shown: bool = False
    can_show_others: bool = False
    unread_left: bool = False
    levels: int = 1
    level: int = 1
    summary: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class PlaceLine:
    """A place of disagreement. key: its number. where: in words. score: disagreement, summed over its voxels."""

    key: int
    where: str
    ml: float
    score: float


@dataclass(frozen=True, eq=False)
class AgreementView:
    """How far the raters agree. colors: of the raters, in the result's order. message: why there is none."""

    result: Agreement | None = None
    colors: tuple[Color, ...] = ()
    message: str = ""
    can_compare: bool = False


@dataclass(frozen=True)
class SoftBoxView:
    """The part Together. changed: step -> voxels that it changes on the shown slice; without it where nothing was made yet.

    exported: something was saved, `exporting` says where. can_stop: what `exporting` says goes on. steps_why_not: step -> why it cannot be taken. drawings: what could be a rater's mask.
    """

    raters: tuple[RaterLine, ...] = ()
    drawings: tuple[Choice, ...] = ()
    steps: SoftSteps = field(default_factory=SoftSteps)
    choice: SoftChoice = field(default_factory=SoftChoice)
    changed: Mapping[str, int] = field(default_factory=dict)
    steps_why_not: Mapping[str, str] = field(default_factory=dict)
    bright_level: str = ""
    places: tuple[PlaceLine, ...] = ()
    colors: tuple[Color, ...] = ()
    message: str = ""
    agreement: AgreementView = AgreementView()
    exporting: str = ""
    exported: bool = False
    can_stop: bool = False
    why_not_export: str = ""


@dataclass(frozen=True)
class RatersView:
    """The page. why_not: mode -> why that part cannot be opened yet. index: the shown slice from 0, -1 where no view shows one."""

    scans: tuple[Choice, ...] = ()
    scan: str = ""
    bones: tuple[Choice, ...] = ()
    bone: str = ""
    mode: str = "place"
    why_not: Mapping[str, str] = field(default_factory=dict)
    index: int = -1
    slices: tuple[SliceMark, ...] = ()
    grid: GridBoxView = GridBoxView()
    read: ReadBoxView = ReadBoxView()
    soft: SoftBoxView = field(default_factory=SoftBoxView)
    undo: str = ""
    redo: str = ""
    busy: str = ""
    hint: str = ""
