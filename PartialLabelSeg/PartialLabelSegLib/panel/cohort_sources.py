"""Where scans come from: pairs of nodes in the scene, and the worker's `check --json` of a data set on disk; each becomes a line of the table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ..data.importers import EVERY
from ..data.importers.cells import parse_state
from ..data.importers.segments import STATE_TAG
from ..data.importers.table import FIXED
from ..data.types import PALETTE, QUICK, State, clean_name
from ..relabel.export import ORIGIN_TAG
from ..run.failure import Failure
from .cohort_edits import refreshed
from .counts_as import LABELLED, MISSING, SOME
from .state import PanelState, Scan
from .view_models import ProblemView
from .words import volume

Color = tuple[float, float, float]
_AGAIN = "Update the module, or add the data set again."


class Segment(Protocol):
    """What is asked of a segment of a segmentation node, see `segments.drawn`."""

    @property
    def name(self) -> str: ...
    @property
    def color(self) -> Color: ...
    @property
    def terminology(self) -> str: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def empty(self) -> bool: ...


@dataclass(frozen=True)
class SceneScan:
    """A scan and its segmentation as they were read from the scene. problems: errors, for which it cannot be used."""

    name: str
    volume: str
    segmentation: str = ""
    segments: Sequence[Segment] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """How a drawing looks, and Slicer's terminology entry of it."""

    color: Color = PALETTE[0]
    terminology: str = ""


@dataclass(frozen=True)
class Known:
    """What was read of a scan and is not saved with the scene, because it is read again: by drawn name its looks and remarks, and the problems."""

    looks: Mapping[str, Look] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[ProblemView, ...] = ()

    @property
    def usable(self) -> bool:
        return all(problem.severity != "error" for problem in self.problems)


@dataclass(frozen=True)
class DataSetRead:
    """A data set on disk as `check` found it. problems: of the whole set."""

    source: str
    scans: tuple[Scan, ...]
    known: Mapping[str, Known]
    problems: tuple[ProblemView, ...] = ()


def scan_of_scene(scene: SceneScan) -> tuple[Scan, Known]:
    """The line of the table for a pair of nodes, and what is known of it."""
    found, problems = found_in(scene.segments)
    problems = (*(ProblemView(text, "error") for text in scene.problems), *problems)
    if not scene.volume:
        text = "Its volume is not in the scene any more. Choose another one, or remove this line."
        problems = (*problems, ProblemView(text, "error"))
    elif scene.segmentation and not found:
        text = "Its segmentation has no segment, so nothing is learned from this scan; it is completed like the others."
        problems = (*problems, ProblemView(text))
    looks = {segment.name: Look(segment.color, segment.terminology) for segment in scene.segments}
    told = tuple(problem.sentence for problem in problems)
    return Scan(scene.name, scene.volume, scene.segmentation, "", {}, found, {}, told), Known(looks, {}, problems)


def found_in(segments: Sequence[Segment]) -> tuple[dict[str, str], tuple[ProblemView, ...]]:
    """What each segment says by being drawn, or in its tag; and what is wrong with the segments."""
    found: dict[str, str] = {}
    problems = []
    for segment in segments:
        name = segment.name
        if name in found:
            text = f"Two segments are called '{name}'. Rename or merge them in the Segment Editor."
            problems.append(ProblemView(text, "error", name))
            continue
        if name.lower() in FIXED:
            text = f"A segment cannot be called '{name}', which is a word of the list of scans. Rename it in the Segment Editor."
            problems.append(ProblemView(text, "error", name))
        state, text = _state_of(segment)
        found[name] = state
        problems += [ProblemView(text, "warning", name)] if text else []
    return found, tuple(problems)


def _state_of(segment: Segment) -> tuple[str, str]:
    """The state of a segment, and what is odd about it in a sentence."""
    tag = segment.tags.get(STATE_TAG, "")
    try:
        said = parse_state(tag) if tag else None
    except ValueError:
        return (
            MISSING if segment.empty else LABELLED
        ), f"The tag '{tag}' of '{segment.name}' is not understood and is passed over."
    if segment.empty:
        if said in (State.ABSENT, State.MISSING):
            return said.value, ""
        return MISSING, f"'{segment.name}' is empty: it counts as not labelled. Draw it, or say that it is absent."
    origin = segment.tags.get(ORIGIN_TAG, "expert")
    if origin not in ("", "expert"):
        return (
            LABELLED,
            f"'{segment.name}' was suggested earlier, not drawn by an expert, and would be learned from like a drawing.",
        )
    if said in (State.ABSENT, State.MISSING):
        return LABELLED, f"The tag of '{segment.name}' says '{said.value}', but it is drawn; it counts as labelled."
    return (SOME if said is State.SOME_SLICES else LABELLED), ""


def data_set_of(source: str, table: Any) -> DataSetRead:
    """The lines of a data set. table: the parsed output of `check --json`. Failure: it is not such an output."""
    try:
        problems = [(str(item["case"]), _problem(item)) for item in table["problems"]]
        looks = {
            name: Look(color_of(item["color"]), str(item["terminology"]))
            for name, item in table.get("looks", {}).items()
        }
        scans, known = [], {}
        for row in table["cases"]:
            case = str(row["case"])
            found = {name: str(cell["state"]) for name, cell in row["structures"].items()}
            remarks = {name: _remark(cell) for name, cell in row["structures"].items()}
            mine = tuple(problem for name, problem in problems if name == case)
            quick = tuple(name for name, cell in row["structures"].items() if cell.get("made") == QUICK)
            told = tuple(problem.sentence for problem in mine)
            scans.append(Scan(case, "", "", source, {}, found, {}, told, quick))
            known[case] = Known({name: looks[name] for name in found if name in looks}, remarks, mine)
    except (KeyError, TypeError, ValueError, AttributeError):
        name = Path(source).name
        raise Failure(f"What the worker said of '{name}' is not understood.", way_out=_AGAIN) from None
    return DataSetRead(source, tuple(scans), known, tuple(problem for case, problem in problems if not case))


def color_of(value: Sequence[float]) -> Color:
    """RGB in 0..1 as the worker prints it. TypeError, ValueError: it is none."""
    red, green, blue = (float(part) for part in value)
    return (red, green, blue)


def _problem(item: Mapping[str, Any]) -> ProblemView:
    """Without the scan's name, which stands beside it."""
    structure = str(item["structure"])
    sentence = Failure(str(item["message"]), structure=structure).sentence()
    first = sentence.split(" ")[0]
    return ProblemView(
        sentence[:1].upper() + sentence[1:] if first.isalpha() else sentence, str(item["severity"]), structure
    )


def _remark(cell: Mapping[str, Any]) -> str:
    """'1480 mL', 'slices 3 of 40, 12 mL', or empty where nothing is drawn."""
    if not cell["voxels"]:
        return ""
    slices = f"{cell['slices']} of {cell['slices_of']} slices, " if cell["slices_of"] else ""
    in_part = "drawn in part, " if cell["state"] == MISSING else ""
    return f"{in_part}{slices}{volume(float(cell['ml']))}"


def with_scene_scan(state: PanelState, scan: Scan) -> PanelState:
    """The same with a scan of the scene: read again where its volume is in the table, else added under a name of its own."""
    old = next((item for item in state.scans if item.volume and item.volume == scan.volume), None)
    if old is None:
        return state.with_scan(replace(scan, name=free_name(scan.name, [item.name for item in state.scans])))
    fresh = refreshed(replace(old, segmentation=scan.segmentation), scan.found, scan.problems)
    return state.with_scan(fresh)


def with_data_set(state: PanelState, data: DataSetRead) -> PanelState:
    """The same with the scans of a data set on disk; those that are there already are read again, and keep what was said of them.

    Failure: a scan of the same name is there from another data set. Scans of the scene give way, by another name.
    """
    mine = {scan.name: scan for scan in data.scans}
    taken = {scan.name for scan in state.scans} | set(mine)
    scans = []
    for scan in state.scans:
        if scan.source == data.source and scan.name in mine:
            new = mine.pop(scan.name)
            scans.append(refreshed(replace(scan, quick=new.quick), new.found, new.problems))
        elif scan.source == data.source:
            gone = "It is not in its data set any more. Remove this line."
            scans.append(replace(scan, problems=(gone,)))
        elif scan.name not in mine:
            scans.append(scan)
        elif scan.source:
            _refuse(scan, data)
        else:
            name = free_name(scan.name, taken)
            taken.add(name)
            scans.append(replace(scan, name=name))
    shown = state.scan if any(scan.name == state.scan for scan in scans) else ""
    return replace(state, scans=(*scans, *mine.values()), scan=shown)


def _refuse(scan: Scan, data: DataSetRead) -> None:
    first, second = Path(scan.source), Path(data.source)
    names = (first.name, second.name) if first.name != second.name else (str(first), str(second))
    raise Failure(
        f"a scan of this name is in '{names[0]}' and in '{names[1]}', so the second data set was not added.",
        case=scan.name,
        way_out="Give each scan a name of its own in one of the two, or add only one of them.",
    )


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where another scan has it."""
    plain = clean_name(name)
    plain = "scan" if plain in ("", EVERY) else plain
    if plain not in taken:
        return plain
    return next(f"{plain} ({number})" for number in range(2, len(taken) + 3) if f"{plain} ({number})" not in taken)
