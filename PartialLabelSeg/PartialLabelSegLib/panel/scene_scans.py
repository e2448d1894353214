"""Pairs of nodes of the scene as the table and the working data set take them: read, stamped, and written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..run.failure import Failure
from .cohort_sources import SceneScan, Segment
from .gather import Writer
from .geometry import into_volume
from .pairs import Pair
from .scan_files import write_scan
from .segments import drawn, labelmaps_in_steps
from .state import Scan
from .steps import Steps, finish_now, one_after_another, scaled
from .volumes import check_volume


def read_pairs(pairs: Sequence[Pair]) -> Steps[list[SceneScan]]:
    """Each pair as it is drawn now."""
    return (yield from one_after_another([_read(pair.name, pair.volume, pair.segmentation) for pair in pairs]))


def read_pair(name: str, volume: Any, segmentation: Any = None) -> SceneScan:
    """A volume node (None: it is gone) and its segmentation node (None: there is none). What is wrong with them becomes sentences."""
    return finish_now(_read(name, volume, segmentation))


def _read(name: str, volume: Any, segmentation: Any) -> Steps[SceneScan]:
    problems = []
    segments: tuple[Segment, ...] = ()
    try:
        if volume is not None:
            check_volume(volume)
            segments = yield from _drawn(segmentation, volume)
    except Failure as failure:
        problems.append(Failure(failure.wrong[:1].upper() + failure.wrong[1:], way_out=failure.way_out).sentence())
    yield 1.0
    return SceneScan(name, _id(volume), _id(segmentation), segments, tuple(problems))


def _drawn(segmentation: Any, volume: Any) -> Steps[tuple[Segment, ...]]:
    return () if segmentation is None else drawn((yield from labelmaps_in_steps(segmentation, volume)))


def _id(node: Any) -> str:
    return str(node.GetID()) if node is not None else ""


def scene_writer(scene: Any, session: str) -> Writer:
    """Writes scans of a scene. session: a word of this program's run; what another one wrote is written again."""

    def write(scan: Scan, folder: Path, stem: str) -> Steps[Sequence[Segment]]:
        volume, segmentation = _nodes(scene, scan)
        if volume is None:
            text = "Choose another volume for it, or remove it from the list."
            raise Failure("its volume is not in the scene any more.", case=scan.name, way_out=text)
        try:
            segments = yield from scaled(_drawn(segmentation, volume), 0.0, 0.0)
            yield from write_scan(folder, stem, volume, segmentation)
        except Failure as failure:
            raise Failure(failure.wrong, way_out=failure.way_out, case=scan.name, structure=failure.structure) from None
        return segments

    def stamp(scan: Scan) -> str:
        return f"{session} {_changes(*_nodes(scene, scan))}"

    return Writer(write, stamp)


def _nodes(scene: Any, scan: Scan) -> tuple[Any, Any]:
    return tuple(scene.GetNodeByID(key) if key else None for key in (scan.volume, scan.segmentation))  # type: ignore[return-value]


def _changes(volume: Any, segmentation: Any) -> str:
    """A text that changes with the voxels, the segments, and where the two nodes lie to each other."""
    if volume is None:
        return "gone"
    parts: list[object] = [volume.GetID(), volume.GetMTime(), _time(volume.GetImageData())]
    if segmentation is not None:
        parts += [segmentation.GetID(), segmentation.GetMTime(), *_times(segmentation.GetSegmentation())]
        parts.append(_place(segmentation, volume))
    return " ".join(map(str, parts))


def _times(segmentation: Any) -> Iterable[object]:
    yield segmentation.GetMTime()
    for place in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(place)
        yield segment.GetMTime()
        yield _time(segment.GetRepresentation(segmentation.GetSourceRepresentationName()))


def _time(data: Any) -> int:
    return int(data.GetMTime()) if data is not None else 0


def _place(segmentation: Any, volume: Any) -> str:
    try:
        return str(into_volume(segmentation, volume).round(6).tolist())
    except Failure:
        return "bent"
