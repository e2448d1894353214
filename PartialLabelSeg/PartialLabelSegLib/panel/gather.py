"""The working data set: scans of the scene written into the work folder with a manifest, and `choices.json` with all that was said of all scans.

`scans/` holds scan-001.nrrd, scan-001.seg.nrrd, ..., structures.json and cases.csv; only cases.csv says which scan is which. It is deleted
first and written last, so that a folder that has it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from ..data.importers import CohortChoices
from ..data.types import State
from ..run.failure import Failure
from ..run.files import write_json
from .cohort_sources import Segment, found_in
from .counts_as import SOME, counted
from .manifest_file import CASES, STRUCTURES, Line, numbers_before, write_manifest
from .state import Scan
from .steps import Steps, scaled
from .written_before import Book, Written

T = TypeVar("T")
SCANS, CHOICES = "scans", "choices.json"
_OURS = re.compile(r"(?:\.\d+\.)?scan-\d{3,}(?:\.seg)?\.nrrd")
"""What gathering leaves in `scans/`, and what is left of a file when it is killed while writing it."""


class WriteScan(Protocol):
    """Writes a scan of the scene in steps: its volume as `<stem>.nrrd`, without what else its file may have said of the patient, and what is
    drawn as `<stem>.seg.nrrd` (removed where nothing is), each whole or not at all. Returns the segments. Failure: it cannot be written.
    """

    def __call__(self, scan: Scan, folder: Path, stem: str) -> Steps[Sequence[Segment]]: ...


def _always(_: Scan) -> str:
    return ""


@dataclass(frozen=True)
class Writer:
    """How scans are written. stamp(scan): changes whenever the scan's voxels or segments may have changed; '' : write it in any case."""

    write: WriteScan
    stamp: Callable[[Scan], str] = _always


@dataclass(frozen=True)
class Gathered:
    """What was gathered. data_sets, choices_file: for the worker; choices: what is in it.

    found: by scan of the scene, what each drawing that was written says, which may be more than the table knew.
    """

    data_sets: tuple[Path, ...]
    choices_file: Path
    choices: CohortChoices
    found: Mapping[str, Mapping[str, str]]


def gathered(scans: Sequence[Scan], folder: Path, writer: Writer) -> Steps[Gathered]:
    """Writes the scans of the scene among `scans`, and what was said of all, into the work folder; yields how far it is (0..1).

    scans: those that can be used; every other one of a data set is left out. Failure, OSError: a scan cannot be read or written.
    """
    place = folder / SCANS
    scene = [scan for scan in scans if not scan.source]
    before = numbers_before(place)
    book = Book(place)
    (place / CASES).unlink(missing_ok=True)
    lines = []
    for done, (stem, scan) in enumerate(zip(_stems([scan.name for scan in scene], before), scene)):
        share = (done / len(scene), (done + 1) / len(scene))
        lines.append(Line(scan.name, stem, (yield from scaled(_written(scan, place / stem, book, writer), *share))))
        yield share[1]
    _tidy(place, lines)
    book.keep_only([line.stem for line in lines])
    found = {line.case: line.written.found for line in lines}
    others = dict.fromkeys(name for scan in scans for name in counted(scan.found, scan.names))
    if lines:
        write_manifest(place, lines, tuple(others))
    choices = choices_of(scans, found)
    write_json(folder / CHOICES, choices.to_json())
    sources = tuple(Path(source) for source in dict.fromkeys(scan.source for scan in scans) if source)
    return Gathered((*([place] if lines else []), *sources), folder / CHOICES, choices, found)


def _stems(names: Sequence[str], before: Mapping[str, str]) -> list[str]:
    """'scan-001', ... for each scan: the one that it had before, else the lowest free one."""
    kept = {before[name] for name in names if name in before}
    free = (f"scan-{number:03d}" for number in range(1, len(names) + len(kept) + 1))
    fresh = (stem for stem in free if stem not in kept)
    return [before[name] if name in before else next(fresh) for name in names]


def _written(scan: Scan, path: Path, book: Book, writer: Writer) -> Steps[Written]:
    """The scan's files; nothing is done where they are there and the scan has not changed since."""
    stamp, earlier = writer.stamp(scan), book.get(path.name)
    if earlier is not None and stamp and earlier.stamp == stamp and _are_there(path, earlier):
        return earlier
    path.parent.mkdir(parents=True, exist_ok=True)
    book.forget(path.name)
    segments = yield from writer.write(scan, path.parent, path.name)
    found, problems = found_in(segments)
    errors = [problem.sentence for problem in problems if problem.severity == "error"]
    if errors:
        raise Failure(errors[0], case=scan.name)
    written = Written.of(stamp, segments, found)
    book.keep(path.name, written)
    return written


def _are_there(path: Path, written: Written) -> bool:
    return all(path.with_name(f"{path.name}{ending}").is_file() for ending in written.files())


def _tidy(place: Path, lines: Sequence[Line]) -> None:
    """Removes what an earlier gathering left and this one does not need; files that are not ours stay."""
    if not place.is_dir():
        return
    needed = {f"{line.stem}{ending}" for line in lines for ending in line.written.files()}
    for path in place.iterdir():
        if (_OURS.fullmatch(path.name) and path.name not in needed) or (path.name == STRUCTURES and not lines):
            path.unlink(missing_ok=True)


def choices_of(scans: Sequence[Scan], found: Mapping[str, Mapping[str, str]]) -> CohortChoices:
    """What was said of the scans, as the worker reads it. found: what was written of scans of the scene, which counts before what the table says."""
    names, states, made = {}, {}, {}
    there = {scan.name: counted(found.get(scan.name, scan.found), scan.names) for scan in scans}
    structures = {name for found_there in there.values() for name in found_there}
    for scan in scans:
        drawn = found.get(scan.name, scan.found)
        names[scan.name] = {name: target for name, target in scan.names.items() if name in drawn and target != name}
        said = {name: State(word) for name, word in scan.states.items() if name in structures}
        if not scan.source:
            # The manifest says that they are labelled; without a list of slices they are those on which something is drawn.
            some = {name: State(SOME) for name, item in there[scan.name].items() if item.state == SOME}
            said = {**some, **said}
        states[scan.name] = said
        made[scan.name] = {name: how for name, how in scan.made.items() if name in there[scan.name]}
    on_disk = any(scan.source for scan in scans)
    only = frozenset(scan.name for scan in scans) if on_disk else None
    return CohortChoices(_filled(names), _filled(states), {}, frozenset(), only, made=_filled(made))


def _filled(by_case: Mapping[str, Mapping[str, T]]) -> dict[str, Mapping[str, T]]:
    return {case: said for case, said in by_case.items() if said}
