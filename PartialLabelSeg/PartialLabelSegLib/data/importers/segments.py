"""What a `.seg.nrrd` file draws and, in the tags of its segments, says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...run.failure import Failure
from ..geometry import Grid
from ..labels import Slices
from ..seg_nrrd import Layers, SegmentHead, read_heads, read_layers
from ..types import Problem, State
from .cells import parse_slices, parse_state
from .drawing import Drawing, Drawn, boxes, drawn_in, placed

STATE_TAG = "PartialLabelSeg.State"
"""Value: labelled, missing, absent or some slices. Without it a segment in the file is labelled."""
SLICES_TAG = "PartialLabelSeg.Slices"
"""Value for some slices: slice numbers of the scan, from 0, such as '3-10, 15', or 'y: 3-10' along another axis."""


def draw_segments(path: Path, grid: Grid) -> Drawing:
    """The segments on the scan's grid; `said` holds every segment of the file. Failure: unreadable, elsewhere, or one name twice."""
    layers = read_layers(path)
    said, slices = tagged(path.name, layers.heads)
    drawn: dict[str, Drawn] = {}
    problems: list[Problem] = []
    for number, array in enumerate(layers.arrays):
        moved, found = placed(path.name, array, layers.grid, grid)
        values = _values(layers, number)
        nameless = set(boxes(array)) - {value for (value,) in values.values()}
        if nameless:
            text = (
                f"{path.name} holds voxels that belong to no segment; they are left out. Save it from 3D Slicer again."
            )
            found = [*found, Problem(text, severity="warning")]
        problems += [problem for problem in found if problem not in problems]
        drawn.update(drawn_in(moved, values))
    return Drawing(drawn, said, slices, None, tuple(problems))


def draw_own_segments(path: Path) -> Mapping[str, Drawn]:
    """The segments on their own grid; empty where the file has one layer, in which nothing can overlap."""
    heads = read_heads(path)
    if len({head.layer for head in heads}) < 2:
        return {}
    layers = read_layers(path)
    drawn: dict[str, Drawn] = {}
    for number, array in enumerate(layers.arrays):
        drawn.update(drawn_in(array, _values(layers, number)))
    return drawn


def _values(layers: Layers, number: int) -> dict[str, tuple[int, ...]]:
    return {head.name: (head.value,) for head in layers.heads if head.layer == number}


def tagged(file: str, heads: tuple[SegmentHead, ...]) -> tuple[dict[str, State], dict[str, Slices]]:
    """What each segment's tags say: its state (labelled where they are silent) and slices. Failure: two segments of one name, or a tag that is not understood."""
    said: dict[str, State] = {}
    slices = {}
    for head in heads:
        if head.name in said:
            raise Failure(
                f"{file} has two segments of this name.",
                structure=head.name,
                way_out="Rename or merge one of them in 3D Slicer.",
            )
        try:
            said[head.name] = parse_state(head.tags[STATE_TAG]) if STATE_TAG in head.tags else State.LABELLED
            if SLICES_TAG in head.tags:
                slices[head.name] = parse_slices(head.tags[SLICES_TAG])
        except ValueError as error:
            raise Failure(
                f"a tag of its segment in {file} is not understood: {error}.",
                structure=head.name,
                way_out="Correct the tag.",
            ) from None
    return said, slices
