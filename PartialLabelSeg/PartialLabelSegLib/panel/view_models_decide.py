"""What the steps Look, Decide and Finish show: frozen values that the logic makes and the views only draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .view_models import Color

FILLED, OUTLINE, STRIPED = "filled", "outline", "striped"
FORMS = (FILLED, OUTLINE, STRIPED)

# What may lie over the slices, in the order in which the Look step lists it; the names are those of the panel's state.
OUTLINES, CONFIDENCE, AMBIGUITY = "outlines", "confidence", "ambiguity"
EXPERT, ACCEPTED, SURFACES, DOUBTS = "expert", "accepted", "surfaces", "doubts"
SHOWN_THINGS = (OUTLINES, CONFIDENCE, AMBIGUITY, DOUBTS, EXPERT, ACCEPTED, SURFACES)

PART, ORGAN_HERE, ORGAN_EVERYWHERE, SCAN, EVERYTHING = "part", "organ here", "organ everywhere", "scan", "everything"
SCOPES = (PART, ORGAN_HERE, ORGAN_EVERYWHERE, SCAN, EVERYTHING)

SEG_NRRD, NIFTI, NNUNET, DICOM = "seg-nrrd", "nifti", "nnunet", "dicom"
FORMATS = (SEG_NRRD, NIFTI, NNUNET, DICOM)


def _share(value: float | None, what: str) -> None:
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{what} must lie in 0..1, got {value}")


@dataclass(frozen=True)
class Choice:
    """One line of a chooser. key: what is handed back. words: what is read. why_not: why it cannot be chosen now; empty where it can."""

    key: str
    words: str
    tip: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class KeyEntry:
    """How one kind of voxel is drawn over the slices, and the words for it."""

    words: str
    color: Color
    form: str

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"a form is one of {', '.join(FORMS)}, got {self.form!r}")


@dataclass(frozen=True)
class LegendView:
    """The confidence colours, lowest first, and what the drawn forms mean. cut: below this share of the bar nothing is shown."""

    colors: tuple[Color, ...]
    title: str = "Confidence"
    low: str = "least sure"
    high: str = "surest"
    cut: float = 0.0
    key: tuple[KeyEntry, ...] = ()

    def __post_init__(self) -> None:
        _share(self.cut, "the cut of the legend")


@dataclass(frozen=True)
class DoubtRow:
    """A region of a scan where a given label is doubted. number: its name, handed back when it is chosen; 1 is the most doubtful."""

    number: int
    structure: str
    question: str
    ml: float
    sentence: str


@dataclass(frozen=True)
class DoubtsView:
    """The labels of a scan to check, the most doubtful first. note: what to say of all of them, or why there are none."""

    rows: tuple[DoubtRow, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class LookView:
    """scans, structures: to choose from; an empty `structure` key means all. shown: those of SHOWN_THINGS that are on.

    why_not: why one of SHOWN_THINGS cannot be shown. message: what to say instead of suggestions, such as that there are none yet.
    doubts: the labels to check; None where none of the run's labels was weighed, and nothing speaks of it.
    """

    scans: tuple[Choice, ...] = ()
    scan: str = ""
    structures: tuple[Choice, ...] = ()
    structure: str = ""
    shown: frozenset[str] = frozenset((OUTLINES, CONFIDENCE, EXPERT, ACCEPTED))
    why_not: Mapping[str, str] = field(default_factory=dict)
    opacity: float = 0.5
    legend: LegendView | None = None
    message: str = ""
    doubts: DoubtsView | None = None

    def __post_init__(self) -> None:
        _share(self.opacity, "the opacity")
        if not {*self.shown, *self.why_not} <= set(SHOWN_THINGS):
            raise ValueError(f"only {', '.join(SHOWN_THINGS)} can be shown, got {sorted({*self.shown, *self.why_not})}")


@dataclass(frozen=True)
class WorkRow:
    """A suggestion in the queue: one structure in one scan. key: handed back when it is chosen. ml: all of it, whatever gamma is.

    flags: why to look closely, each a few words. decision: a key of words.DECISIONS, or empty while it is open.
    """

    key: str
    structure: str
    scan: str
    ml: float
    confidence: float
    parts: int
    flags: tuple[str, ...] = ()
    decision: str = ""

    def __post_init__(self) -> None:
        _share(self.confidence, "a confidence")


@dataclass(frozen=True)
class PartRow:
    """A connected part of the chosen suggestion at the present gamma. seed: its name, handed back when it is chosen."""

    seed: int
    voxels: int
    ml: float
    confidence: float
    touches_border: bool = False
    decision: str = ""


@dataclass(frozen=True)
class AtGamma:
    """What is accepted at a gamma in the chosen scope, beside all that is suggested there. precision: expected share that is right, if known.

    parts: how many there are; rows: the largest of the chosen suggestion, in falling size.
    """

    voxels: int = 0
    all_voxels: int = 0
    ml: float = 0.0
    all_ml: float = 0.0
    parts: int = 0
    precision: float | None = None
    rows: tuple[PartRow, ...] = ()

    def __post_init__(self) -> None:
        _share(self.precision, "a precision")


@dataclass(frozen=True)
class NextRound:
    """decisions: how many were taken. summary: in a sentence, of which kinds. why_not: why learning cannot begin now; empty where it can."""

    decisions: int = 0
    summary: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class DecideView:
    """The queue, most worthwhile first, the chosen suggestion, and what can be done with it.

    colors: those of confidence over the scan, lowest first. part: the seed of the chosen part. why_not: action of shortcuts.SHORTCUTS -> why it cannot be done now. undo, redo: what they would
    do, in words. editing: what is being edited in the Segment Editor, empty where nothing is. message: what to say, empty where nothing.
    """

    rows: tuple[WorkRow, ...] = ()
    chosen: str = ""
    gamma: float = 0.5
    at_gamma: AtGamma = AtGamma()
    colors: tuple[Color, ...] = ()
    part: int | None = None
    scopes: tuple[Choice, ...] = ()
    scope: str = ORGAN_HERE
    why_not: Mapping[str, str] = field(default_factory=dict)
    undo: str = ""
    redo: str = ""
    next_round: NextRound = NextRound()
    editing: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        _share(self.gamma, "gamma")

    def chosen_row(self) -> WorkRow | None:
        return next((row for row in self.rows if row.key == self.chosen), None)


@dataclass(frozen=True)
class TargetScan:
    """A scan that a saved model can be applied to. note: what it lacks, or why it cannot be used (then `usable` is false)."""

    name: str
    note: str = ""
    ticked: bool = False
    usable: bool = True


@dataclass(frozen=True)
class LesionRow:
    """One lesion of a scan. number: its name, handed back when it is chosen; 1 is the surest. score: how sure it is, 0..1."""

    number: int
    structure: str
    score: float
    ml: float

    def __post_init__(self) -> None:
        _share(self.score, "a score")


@dataclass(frozen=True)
class LesionsView:
    """The lesions of a scan, the surest first. scans: those that have a list, to choose from; none where nothing was listed.

    structures: to list those of one only; an empty `structure` key means all.
    note: what to say of the rows, such as that there are more.
    """

    scans: tuple[Choice, ...] = ()
    scan: str = ""
    structures: tuple[Choice, ...] = ()
    structure: str = ""
    rows: tuple[LesionRow, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Working:
    """What goes on and how far it is: share in 0..1, or None where that is not known."""

    words: str
    share: float | None = None

    def __post_init__(self) -> None:
        _share(self.share, "progress")


@dataclass(frozen=True)
class FinishView:
    """What can be taken home. summary: in a sentence, how complete the segmentations are. Choices say why they cannot be made.

    fills: what becomes of structures nobody decided on. report: why there is none, empty where it can be opened. model_name: the proposed name.
    model_why_not: why no model can be saved now. message: what was done last, or why it was not.
    """

    summary: str = ""
    scopes: tuple[Choice, ...] = ()
    scope: str = ""
    fills: tuple[Choice, ...] = ()
    fill: str = ""
    why_not: str = ""
    formats: tuple[Choice, ...] = ()
    format: str = SEG_NRRD
    report: str = ""
    model_name: str = ""
    model_why_not: str = ""
    models: tuple[Choice, ...] = ()
    model: str = ""
    targets: tuple[TargetScan, ...] = ()
    lesions: LesionsView = LesionsView()
    working: Working | None = None
    message: str = ""
