"""The table scan × structure as the step Scans shows it, made of the panel's state and of what was read of each scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.types import PALETTE, QUICK, clean_name
from . import words
from .cohort_edits import possible
from .cohort_sources import DataSetRead, Known, Look, SceneScan, scan_of_scene
from .counts_as import LABELLED, MISSING, NOT_THERE, SOME, Counted, counted
from .made import made
from .merges import suggested_merges
from .readiness import labelled_in, set_problems, why_not_learn
from .state import PanelState, Scan
from .terminology import words_of
from .view_models import CellView, NodeView, ProblemView, ScansView, ScanView, SegmentView, StructureView

NOTHING_KNOWN = Known()
Key = tuple[str, str]


def key_of(scan: Scan) -> Key:
    """What stays the same of a scan, whatever it is called: its volume, or its place in its data set."""
    return (scan.source, scan.name) if scan.source else ("", scan.volume or scan.name)


def structures_of(scans: Iterable[Scan]) -> tuple[str, ...]:
    """Every structure that some scan's drawings count as, in the order of their first appearance."""
    return _all_names(counted(scan.found, scan.names) for scan in scans)


def _all_names(everywhere: Iterable[Mapping[str, Counted]]) -> tuple[str, ...]:
    return tuple({name: None for there in everywhere for name in there})


def explained(scan: Scan, structure: str) -> str:
    """What a structure's state in a scan means for learning, in a sentence or two: shown when it was changed."""
    there = counted(scan.found, scan.names).get(structure, NOT_THERE)
    word = words.STATES[scan.state(structure)]
    kept_out = there.state in (LABELLED, SOME) or there.in_part
    if scan.states.get(structure) == MISSING and kept_out:
        meaning = (
            "What is drawn of it is not learned from, and it is suggested anew; the drawing itself stays as it is."
        )
    elif there.in_part and structure not in scan.states:
        parts = ", ".join(f"'{name}'" for name in there.quiet)
        meaning = f"{parts} is not drawn here: what is drawn is learned, and nothing is learned about where it is not."
    else:
        meaning = word.meaning
    return f"{structure} in {scan.name} is {word.text}. {meaning}"


@dataclass(frozen=True)
class _Row:
    """A line that was drawn, and all that it was made of."""

    scan: Scan
    known: Known
    structures: tuple[str, ...]
    view: ScanView


class CohortTable:
    """Makes the view of the scans. Lines that did not change are the same objects as before, so that only others are drawn again."""

    def __init__(self) -> None:
        self._known: dict[Key, Known] = {}
        self._set_problems: dict[str, tuple[ProblemView, ...]] = {}
        self._rows: dict[Key, _Row] = {}

    def knows(self, scan: Scan) -> bool:
        """Whether the scan was read since the scene was opened."""
        return key_of(scan) in self._known

    def learn_scene(self, scene: SceneScan) -> Scan:
        """Keeps what was read of a pair of nodes. Its line, for `with_scene_scan`."""
        scan, known = scan_of_scene(scene)
        self._known[key_of(scan)] = known
        return scan

    def learn_data_set(self, data: DataSetRead) -> None:
        """Keeps what `check` found in a data set on disk."""
        self._known.update({(data.source, name): known for name, known in data.known.items()})
        self._set_problems[data.source] = data.problems

    def forget(self) -> None:
        """For another scene."""
        self._known, self._set_problems, self._rows = {}, {}, {}

    def look(self, state: PanelState, structure: str) -> Look:
        """Colour and terminology of a structure: of the first drawing of its name, else of the first that counts as it."""
        return self._looks(state, (structure,)).get(structure, Look())

    def usable(self, scan: Scan) -> bool:
        return self._known.get(key_of(scan), NOTHING_KNOWN).usable

    def view(
        self,
        state: PanelState,
        volumes: tuple[NodeView, ...] = (),
        segmentations: tuple[NodeView, ...] = (),
        busy: str = "",
    ) -> ScansView:
        """The whole step. volumes, segmentations: what the scene offers for a pair. busy: what is being done right now."""
        everywhere = [counted(scan.found, scan.names) for scan in state.scans]
        structures = _all_names(everywhere)
        looks = self._looks(state, structures)
        columns = tuple(_column(name, place, looks) for place, name in enumerate(structures))
        rows = tuple(self._row(scan, there, structures) for scan, there in zip(state.scans, everywhere))
        used = [(scan, there) for scan, there in zip(state.scans, everywhere) if self.usable(scan)]
        merges = suggested_merges(structures, {name: look.terminology for name, look in looks.items()}, used)
        problems = (*self._of_sets(state), *set_problems(rows, structures))
        summary = _summary(rows, structures)
        return ScansView(columns, rows, problems, merges, volumes, segmentations, state.scan, summary, busy)

    def why_not_learn(self, state: PanelState) -> str:
        """Why learning cannot start, in a sentence; empty where it can."""
        view = self.view(state)
        return why_not_learn(view.scans, [structure.name for structure in view.structures])

    def _of_sets(self, state: PanelState) -> list[ProblemView]:
        sources = dict.fromkeys(scan.source for scan in state.scans if scan.source)
        return [problem for source in sources for problem in self._set_problems.get(source, ())]

    def _looks(self, state: PanelState, structures: tuple[str, ...]) -> dict[str, Look]:
        result: dict[str, Look] = {}
        own = set()
        for scan in state.scans:
            for name, look in self._known.get(key_of(scan), NOTHING_KNOWN).looks.items():
                structure = scan.names.get(name, name)
                if structure not in result or (name == structure and structure not in own):
                    result[structure] = look
                if name == structure:
                    own.add(structure)
        return {name: result[name] for name in structures if name in result}

    def _row(self, scan: Scan, there: Mapping[str, Counted], structures: tuple[str, ...]) -> ScanView:
        key = key_of(scan)
        known, before = self._known.get(key, NOTHING_KNOWN), self._rows.get(key)
        if before is None or (before.scan, before.known, before.structures) != (scan, known, structures):
            self._rows[key] = _Row(scan, known, structures, _row(scan, there, known, structures))
        return self._rows[key].view


def _column(name: str, place: int, looks: Mapping[str, Look]) -> StructureView:
    look = looks.get(name, Look(PALETTE[place % len(PALETTE)]))
    return StructureView(name, look.color, words_of(look.terminology))


def _row(scan: Scan, there: Mapping[str, Counted], known: Known, structures: tuple[str, ...]) -> ScanView:
    cells = tuple(_cell(scan, name, there.get(name, NOT_THERE), known) for name in structures) if known.usable else ()
    found = known.problems or tuple(ProblemView(sentence) for sentence in scan.problems)
    problems = (*found, *_part_problems(scan, there)) if known.usable else found
    segments = tuple(
        SegmentView(name, scan.names.get(name, name)) for name, state in scan.found.items() if state != MISSING
    )
    return ScanView(scan.name, cells, problems, segments, scan.volume, scan.segmentation, _origin(scan), scan.source)


def _cell(scan: Scan, structure: str, there: Counted, known: Known) -> CellView:
    said, how = scan.states.get(structure, ""), made(scan, structure, there)
    if there is NOT_THERE or (there.drawings == (structure,) and not known.remarks):
        return _PLAIN[there.state, said, how]
    remarks = [known.remarks.get(name, "") for name in there.drawings]
    drawn = [name for name in there.drawings if scan.found[name] != MISSING]
    if drawn and drawn != [structure]:
        remarks.append("drawn as " + " and ".join(f"'{name}'" for name in drawn))
    if there.in_part:
        remarks.append("a part is not drawn")
    return CellView(said or there.state, possible(scan, there), bool(said), ", ".join(filter(None, remarks)), how)


def _plain(found: str, said: str, how: str) -> CellView:
    scan = Scan("any", found={"it": found})
    return CellView(said or found, possible(scan, Counted(found, ("it",))), bool(said), made=how)


_PLAIN: Mapping[tuple[str, str, str], CellView] = {
    (found, said, how): _plain(found, said, how)
    for found in words.STATES
    for said in ("", *words.STATES)
    for how in ("", *words.MADE)
}
"""The cells of which there is nothing to remark, by what was found, what was said, and how the label was made."""


def _part_problems(scan: Scan, there: Mapping[str, Counted]) -> tuple[ProblemView, ...]:
    """What was merged of parts, one of which is not drawn here."""
    text = "{parts} is not drawn here, so {name} counts as drawn in part: only what is drawn teaches. Say 'labelled' if that is all of it."
    return tuple(
        ProblemView(text.format(parts=" and ".join(f"'{part}'" for part in item.quiet), name=name), "warning", name)
        for name, item in there.items()
        if item.in_part and name not in scan.states
    )


def _origin(scan: Scan) -> str:
    if scan.source:
        return f"from {clean_name(Path(scan.source).name)}"
    return "loaded in Slicer"


def _summary(rows: Sequence[ScanView], structures: Sequence[str]) -> str:
    """'12 scans, 7 structures: 30 of 84 are labelled, 8 of them quickly. 2 scans cannot be used.'"""
    if not rows:
        return ""
    usable = sum(bool(row.cells) for row in rows)
    labelled = sum(labelled_in(rows, structures).values())
    text = f"{words.counted(len(rows), 'scan')}, {words.counted(len(structures), 'structure')}"
    quick = sum(cell.made == QUICK for row in rows for cell in row.cells)
    quickly = f", {quick} of them quickly" if quick else ""
    text += f": {labelled} of {usable * len(structures)} are labelled{quickly}." if usable and structures else "."
    left = len(rows) - usable
    return f"{text} {words.counted(left, 'scan')} cannot be used." if left else text
