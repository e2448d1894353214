"""How many voxels of each structure the annotator drew and how many were suggested, and the table of volumes made of that."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.geometry import Grid
from ..data.labels import EXPERT, FIRST_ROUND, Labels
from ..run.files import write_text

COLUMNS = (
    "case",
    "structure",
    "state",
    "known",
    "voxels",
    "ml",
    "expert_voxels",
    "expert_ml",
    "suggested_voxels",
    "suggested_ml",
)


@dataclass(frozen=True)
class Volume:
    """One structure in one case. `state`: the annotator's word; `known`: whether it is settled in the whole scan by now."""

    case: str
    structure: str
    state: str
    known: bool
    expert_voxels: int
    suggested_voxels: int
    voxel_ml: float

    @property
    def origin(self) -> str:
        """Where the voxels come from: 'expert', 'suggested', 'expert+suggested' or 'none'."""
        parts = [
            name for name, count in (("expert", self.expert_voxels), ("suggested", self.suggested_voxels)) if count
        ]
        return "+".join(parts) or "none"

    def row(self) -> tuple[str, ...]:
        """The cells of COLUMNS; volumes in mL to 0.001."""
        counts = (self.expert_voxels + self.suggested_voxels, self.expert_voxels, self.suggested_voxels)
        cells = [text for count in counts for text in (str(count), f"{count * self.voxel_ml:.3f}")]
        return (self.case, self.structure, self.state, "yes" if self.known else "no", *cells)


def volumes(case: str, labels: Labels, grid: Grid, expert: Labels | None = None) -> tuple[Volume, ...]:
    """One Volume per structure of `labels`, in order. `expert`: the labels as the annotator left them, for the states; else `labels`."""
    said = labels if expert is None else expert
    counts = _by_origin(labels)
    return tuple(
        Volume(case, name, said.state(name).value, labels.is_known(name), int(theirs), int(ours), grid.voxel_ml)
        for name, (theirs, ours) in zip(labels.structures, counts[1:], strict=True)
    )


def _by_origin(labels: Labels) -> np.ndarray:
    """int64 (K + 1, 2): voxels per label value drawn by the annotator and accepted or filled in. Slice by slice, to need little memory."""
    size = len(labels.structures) + 1
    counts = np.zeros(2 * size, np.int64)
    for values, origins in zip(labels.label_map, labels.origin, strict=True):
        keys = 2 * values.astype(np.int32) + (origins >= FIRST_ROUND)
        counts += np.bincount(keys[values > 0], minlength=2 * size)
    table = counts.reshape(size, 2)
    for name, marks in labels.overlaps.items():
        beside = labels.label_map.reshape(-1)[marks.indices] != labels.value(name)
        theirs = int(np.count_nonzero(beside & (marks.origin == EXPERT)))
        table[labels.value(name)] += (theirs, int(np.count_nonzero(beside)) - theirs)
    return table


def write_volumes(path: Path, rows: Iterable[Volume]) -> None:
    """A CSV table with the columns COLUMNS: one line per case and structure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.row() for row in rows)
    write_text(path, text.getvalue())
