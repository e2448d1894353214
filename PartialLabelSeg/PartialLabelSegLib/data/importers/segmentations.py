"""A folder of volumes with `.seg.nrrd`, as 3D Slicer saves them.

`<name>.seg.nrrd` lies beside `<name>.nrrd` (or .nii, .nii.gz, .mha, .mhd, a folder `<name>` of DICOM files, or any of them named
`<name>-image`); or each sub-folder is a case and holds one scan and at most one `.seg.nrrd`. A scan without a segmentation is
unlabelled. A segment in the file is labelled, one that is not in it is missing; tags may say otherwise (`segments`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...run.failure import Failure
from ..geometry import Grid
from ..image_io import looks_like_scan, read_scan, volume_stem
from ..seg_nrrd import SegmentHead, read_heads
from ..types import Problem, State, Structure, clean_name
from .draft import DataSet, Draft
from .drawing import Drawing
from .names import similar_names
from .segments import STATE_TAG, draw_own_segments, draw_segments, tagged

ENDING = ".seg.nrrd"
_IMAGE = "-image"
_LABELS = ("-label", "_label", "-seg", "_seg", "-labels", "_labels", "-segmentation", "_segmentation")
_PAIR = f"Name them alike, such as liver-01.nrrd and liver-01{ENDING}, or put each case into a sub-folder of its own."


def is_segmentation(path: Path) -> bool:
    return path.name.lower().endswith(ENDING) and not path.name.startswith(".") and path.is_file()


def read_segmentations(folder: Path, absent: str = "missing") -> DataSet:
    """The data set of a folder; its structures are all segment names, in the order of their first appearance."""
    pairs, problems = _pairs(folder)
    structures: dict[str, Structure] = {}
    drafts = []
    for case, (scan, segmentation) in sorted(pairs.items()):
        try:
            heads = read_heads(segmentation) if segmentation else ()
            said = tagged(segmentation.name, heads)[0] if segmentation else {}
        except Failure as failure:
            problems.append(Problem.of(failure, case))
            continue
        for head in heads:
            structures.setdefault(head.name, Structure(head.name, head.color, head.terminology))
        draft = _draft(case, scan, segmentation, _stated(heads, said), absent)
        drafts.append(replace(draft, holds=frozenset(head.name for head in heads)))
    problems += similar_names(structures)
    return DataSet("segmentations", tuple(structures.values()), drafts, problems)


def _stated(heads: Sequence[SegmentHead], said: Mapping[str, State]) -> dict[str, State]:
    """What the tags say; a segment without a tag says nothing before its voxels are read."""
    return {head.name: said[head.name] for head in heads if STATE_TAG in head.tags}


def _draft(case: str, scan: Path, segmentation: Path | None, stated: Mapping[str, State], absent: str) -> Draft:
    read_image = partial(read_scan, scan)
    if segmentation is None:
        return Draft(case, read_image, _draw_nothing)
    draw = partial(_draw, segmentation, absent, frozenset(stated))
    return Draft(case, read_image, draw, stated, "", partial(draw_own_segments, segmentation))


def _draw_nothing(grid: Grid) -> Drawing:
    return Drawing()


def _draw(segmentation: Path, absent: str, stated: frozenset[str], grid: Grid) -> Drawing:
    """An empty segment without a tag is a warning, and missing, unless the caller says that what is not drawn is absent."""
    drawing = draw_segments(segmentation, grid)
    if absent != "absent":
        return drawing
    empty = {name: State.ABSENT for name in drawing.said if name not in drawing.drawn and name not in stated}
    return replace(drawing, said={**drawing.said, **empty})


def _pairs(folder: Path) -> tuple[dict[str, tuple[Path, Path | None]], list[Problem]]:
    """The scan and the segmentation (None: unlabelled) of each case, and what cannot be paired."""
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    scans, problems = _scans(entries)
    pairs: dict[str, tuple[Path, Path | None]] = {case: (scan, None) for case, scan in scans.items()}
    for path in filter(is_segmentation, entries):
        name = path.name[: -len(ENDING)]
        case = clean_name(name) if clean_name(name) in scans else clean_name(name.removesuffix(_IMAGE))
        if case in scans:
            pairs[case] = (scans[case], path)
        else:
            problems.append(Problem(f"{path.name} has no scan of the same name beside it. {_PAIR}", case))
    for sub in entries:
        if sub.is_dir() and sub not in scans.values():
            _add_sub_folder(sub, pairs, problems)
    return pairs, problems


def _scans(entries: Sequence[Path]) -> tuple[dict[str, Path], list[Problem]]:
    """The scans among a folder's entries, by the name of their case."""
    problems = []
    names = {path: path.name if path.is_dir() else volume_stem(path) for path in entries if looks_like_scan(path)}
    stems = set(names.values())
    scans: dict[str, Path] = {}
    for path, name in names.items():
        assert name is not None
        base = next((name.removesuffix(word) for word in _LABELS if name.endswith(word)), name)
        if base != name and {base, base + _IMAGE} & stems:
            text = f"{path.name} looks like a label map of this case and is left out. Only {ENDING} files are read as labels here."
            problems.append(Problem(text, clean_name(base), severity="warning"))
            continue
        case = clean_name(name.removesuffix(_IMAGE))
        if case in scans:
            problems.append(
                Problem(
                    f"{scans[case].name} and {path.name} are scans of one name; the first is used. Keep one of them.",
                    case,
                    severity="warning",
                )
            )
        else:
            scans[case] = path
    return scans, problems


def _add_sub_folder(sub: Path, pairs: dict[str, tuple[Path, Path | None]], problems: list[Problem]) -> None:
    """Adds the case that a sub-folder is; one without a scan and a segmentation is passed over."""
    entries = [path for path in sorted(sub.iterdir()) if not path.name.startswith(".")]
    segmentations = [path for path in entries if is_segmentation(path)]
    scans, found = _scans(entries)
    case = clean_name(sub.name)
    if not segmentations and not scans:
        return
    problems += [Problem(problem.message, case, severity=problem.severity) for problem in found]
    if len(scans) != 1 or len(segmentations) > 1:
        text = f"the folder {sub.name} holds {len(scans)} scans and {len(segmentations)} {ENDING} files; it needs one scan and at most one {ENDING}. Take the others out."
        problems.append(Problem(text, case))
    elif case in pairs:
        problems.append(
            Problem(f"the folder {sub.name} and a file beside it are cases of one name. Rename one of them.", case)
        )
    else:
        pairs[case] = (next(iter(scans.values())), segmentations[0] if segmentations else None)
