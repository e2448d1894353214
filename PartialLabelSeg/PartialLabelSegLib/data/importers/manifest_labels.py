"""The labels of one line of a manifest: a label map, a `.seg.nrrd`, or one mask per structure, and soft labels beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...run.failure import Failure
from ..geometry import Grid
from ..image_io import read_label_map
from ..labels import Slices
from ..placing import place_labels
from ..seg_nrrd import read_seg_nrrd
from ..types import Problem, State
from .drawing import Drawing, Drawn, drawn_in, placed, read_named
from .segments import draw_own_segments, draw_segments
from .side_file import Meaning
from .soft import SoftFile, drawn_own, with_soft


@dataclass(frozen=True)
class ManifestLabels:
    """How the labels of one line are read, when they are asked for. `files` by structure; one file for all has the key ''."""

    files: Mapping[str, Path]
    states: Mapping[str, State]
    slices: Mapping[str, Slices]
    meaning: Meaning
    soft: Mapping[str, SoftFile] = field(default_factory=dict)
    quick: frozenset[str] = frozenset()

    def draw(self, grid: Grid) -> Drawing:
        """The drawing on the scan's grid."""
        drawing = with_soft(self._draw(grid), self.soft, grid) if self.soft else self._draw(grid)
        return replace(drawing, quick=self.quick)

    def _draw(self, grid: Grid) -> Drawing:
        if not self.files:
            return Drawing({}, self.states, self.slices)
        if "" not in self.files:
            return self._draw_masks(grid)
        path = self.files[""]
        if path.name.lower().endswith(".seg.nrrd"):
            return self._draw_segments(path, grid)
        labels, source = read_named(path, self._values())
        moved, problems = placed(path.name, labels, source, grid)
        return Drawing(drawn_in(moved, self._values()), self.states, self.slices, None, tuple(problems))

    def _values(self) -> dict[str, tuple[int, ...]]:
        return {name: (value,) for name, value in self.meaning.values.items()}

    def _draw_segments(self, path: Path, grid: Grid) -> Drawing:
        """The manifest says the state; a segment whose own tags say 'some slices' is held to them where the manifest says labelled."""
        found = draw_segments(path, grid)
        tagged = {
            name: where
            for name, where in found.slices.items()
            if found.said[name] is State.SOME_SLICES and name not in self.slices
        }
        narrowed = {name: State.SOME_SLICES for name in tagged if self.states.get(name) is State.LABELLED}
        text = f"{path.name} has a segment of this name, but the manifest has no such column, so it is left out. Add the column to use it."
        strange = [name for name in found.said if name not in self.states]
        problems = [Problem(text, structure=name, severity="warning") for name in strange]
        drawn = {name: part for name, part in found.drawn.items() if name in self.states}
        slices = {**tagged, **self.slices}
        return Drawing(drawn, {**self.states, **narrowed}, slices, None, (*found.problems, *problems))

    def _draw_masks(self, grid: Grid) -> Drawing:
        drawn: dict[str, Drawn] = {}
        problems: list[Problem] = []
        for name, path in self.files.items():
            try:
                mask, source = _read_mask(path)
                moved, found = placed(path.name, mask, source, grid)
            except Failure as failure:
                raise Failure(failure.wrong, way_out=failure.way_out, structure=name) from None
            drawn.update(drawn_in(moved, {name: (1,)}))
            problems += [Problem(item.message, structure=name, severity=item.severity) for item in found]
        return Drawing(drawn, self.states, self.slices, None, tuple(problems))

    def draw_own(self) -> Mapping[str, Drawn]:
        """The structures on the labels' own grid, where they may share voxels (of several masks and soft labels: the first one's grid)."""
        path = self.files.get("")
        if path is not None and not self.soft:
            named = draw_own_segments(path) if path.name.lower().endswith(".seg.nrrd") else {}
            return {name: part for name, part in named.items() if name in self.states}
        drawn: dict[str, Drawn] = {}
        grid: Grid | None = None
        if path is not None:
            grid = _own_grid(path)
            drawn.update(self._draw(grid).drawn)
        for name, file in self.files.items() if path is None and len(self.files) + len(self.soft) > 1 else ():
            mask, source = _read_mask(file)
            grid = grid or source
            drawn.update(drawn_in(place_labels(mask, source, grid), {name: (1,)}))
        hard = drawn_own(self.soft, grid) if len(self.files) + len(self.soft) > 1 else {}
        return {**{name: part for name, part in drawn.items() if name not in self.soft}, **hard}


def _own_grid(path: Path) -> Grid:
    return read_seg_nrrd(path).grid if path.name.lower().endswith(".seg.nrrd") else read_label_map(path)[1]


def _read_mask(path: Path) -> tuple[np.ndarray, Grid]:
    """A mask as 0 and 1 (uint8). Failure: unreadable, or more than one value besides 0."""
    labels, grid = read_label_map(path)
    values = sorted({int(value) for plane in labels for value in np.unique(plane)} - {0})
    if len(values) > 1:
        listed = ", ".join(str(value) for value in values[:10])
        raise Failure(
            f"{path.name} is not a mask of one structure: it holds the values {listed}.",
            way_out="Give one mask per structure.",
        )
    return (labels != 0).astype(np.uint8), grid
