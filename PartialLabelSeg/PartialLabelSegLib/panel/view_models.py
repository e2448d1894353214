"""What the steps Scans and Learn, and the bar above all steps, show: frozen values, made by the logic and only read by the widgets."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..data.contrast import Color
from .state import Choices

Point = tuple[float, float]


@dataclass(frozen=True)
class StepView:
    """One step in the bar. `why_not`: why it cannot be opened yet; empty where it can. done: nothing is left to do there."""

    name: str
    done: bool = False
    why_not: str = ""


@dataclass(frozen=True)
class StepsView:
    """The bar: which step is open, which one comes next, and what to do in a sentence."""

    current: str
    steps: tuple[StepView, ...]
    next: str = ""
    hint: str = ""


@dataclass(frozen=True)
class ProblemView:
    """One thing wrong, in a sentence without the scan's name. severity 'error': the scan is left out; 'warning': it is used, but look."""

    sentence: str
    severity: str = "warning"
    structure: str = ""


@dataclass(frozen=True)
class StructureView:
    """A column of the table. `color` is RGB in 0..1. `terminology`: its code in words, or empty."""

    name: str
    color: Color = (0.6, 0.6, 0.6)
    terminology: str = ""


@dataclass(frozen=True)
class CellView:
    """One structure in one scan. state: a `State` value, or '' where the scan has not been read. `possible`: the states that may be chosen.

    made: how the label was made, a key of `words.MADE`; '' where nothing is labelled.

    changed: the user said so, differently from what was found. `remark`: what was found, such as "1480 mL, drawn as 'Leber'".
    """

    state: str = ""
    possible: tuple[str, ...] = ()
    changed: bool = False
    remark: str = ""
    made: str = ""


@dataclass(frozen=True)
class SegmentView:
    """A segment of a scan by the name it was drawn with, and the structure that it counts as ('' : it is left out)."""

    name: str
    structure: str


@dataclass(frozen=True)
class NodeView:
    """A node of the scene that can be chosen."""

    id: str
    name: str


@dataclass(frozen=True)
class ScanView:
    """A row of the table; `cells` in the order of the structures, or empty where it cannot be used.

    volume, segmentation: node ids, '' for none; both '' where the scan lies on disk. origin: where it comes from, in words; source: the
    data set that it came from, '' for one of the scene.
    """

    name: str
    cells: tuple[CellView, ...] = ()
    problems: tuple[ProblemView, ...] = ()
    segments: tuple[SegmentView, ...] = ()
    volume: str = ""
    segmentation: str = ""
    origin: str = ""
    source: str = ""

    @property
    def in_scene(self) -> bool:
        return bool(self.volume or self.segmentation)


@dataclass(frozen=True)
class MergeView:
    """Structures that are probably one, and why, in words: 'both carry the code of the liver'."""

    structures: tuple[str, ...]
    into: str
    why: str


@dataclass(frozen=True)
class DiskView:
    """Scans that lie on disk and were loaded to be looked at, by name. reading, shown: '' for none. kept: those that the next one does not remove."""

    reading: str = ""
    shown: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScansView:
    """The step Scans. `summary`: what there is, in a sentence; `busy`: what is being done right now, or empty.

    problems: those of the whole set. volumes, segmentations: what the scene offers for a pair.
    """

    structures: tuple[StructureView, ...] = ()
    scans: tuple[ScanView, ...] = ()
    problems: tuple[ProblemView, ...] = ()
    merges: tuple[MergeView, ...] = ()
    volumes: tuple[NodeView, ...] = ()
    segmentations: tuple[NodeView, ...] = ()
    shown: str = ""
    summary: str = ""
    busy: str = ""
    disk: DiskView = DiskView()


@dataclass(frozen=True)
class TorchView:
    """PyTorch. state: a key of `words.TORCH`. `detail`: what was found, in words. `output`: what the installer has said so far.

    doing, progress: what the installer does right now, in words, and how far that is (0..1); None where it is not known.
    """

    state: str = "unknown"
    detail: str = ""
    installing: bool = False
    output: str = ""
    doing: str = ""
    progress: float | None = None


@dataclass(frozen=True)
class EstimateView:
    """What learning will cost. gigabytes, threads 0: not known. measured: timed on this computer, not guessed."""

    seconds: float
    gigabytes: float = 0.0
    device: str = "auto"
    threads: int = 0
    measured: bool = False


@dataclass(frozen=True)
class ProgressView:
    """Where the worker is. stage: as the worker names it. `rounds`: the last round's number, from 0. seconds_left None: not known.

    share: how much of the whole job is done, 0..1, never less than before; None where it is not known.
    """

    stage: str = ""
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    rounds: int = 0
    remark: str = ""
    share: float | None = None


@dataclass(frozen=True)
class CurveView:
    """Validation Dice of one structure: points (step, Dice 0..1), steps counted over all rounds."""

    structure: str
    points: tuple[Point, ...]
    color: Color = (0.6, 0.6, 0.6)


@dataclass(frozen=True)
class CurvesView:
    """The live plot. loss: points (step, loss). `marks`: (step, words) where something begins, such as a round."""

    loss: tuple[Point, ...] = ()
    dice: tuple[CurveView, ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    steps: int = 0


@dataclass(frozen=True)
class NoteView:
    """Something that the worker said. severity: 'note', 'warning' or 'error'."""

    text: str
    severity: str = "note"


@dataclass(frozen=True)
class AdviceView:
    """What is recommended for what is labelled, as `Choices` names it. sentence: what, and why; '' where there is nothing to say."""

    method: str = "full"
    doubtful: str = "weigh"
    bounds: tuple[str, ...] = ()
    sentence: str = ""


@dataclass(frozen=True)
class LearnView:
    """The step Learn. state: idle, running, stopping, stopped, waiting (for decisions), finished or failed.

    why_not: why learning cannot start, '' where it can. can_resume: something was begun and not finished. message: how it stands, in a sentence.
    learned_from: a sentence per structure on what is learned from what, as the worker said it.
    """

    state: str = "idle"
    torch: TorchView = TorchView()
    choices: Choices = field(default_factory=Choices)
    why_not: str = ""
    can_resume: bool = False
    message: str = ""
    estimate: EstimateView | None = None
    progress: ProgressView | None = None
    curves: CurvesView = CurvesView()
    notes: tuple[NoteView, ...] = ()
    advice: AdviceView = AdviceView()
    learned_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        states = ("idle", "running", "stopping", "stopped", "waiting", "finished", "failed")
        if self.state not in states:
            raise ValueError(f"learning is {', '.join(states)}, got {self.state!r}")

    @property
    def busy(self) -> bool:
        return self.state in ("running", "stopping")
