"""Where a person's drawing may change the labels: everywhere but where the annotator settled the matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..data.labels import EXPERT, Labels, Marks
from .select import accepted_at, open_at


def open_to_drawing(labels: Labels, indices: np.ndarray, structure: str) -> np.ndarray:
    """Those of the sorted flat `indices` that the annotator left open for the structure, or that were accepted as it in a round.

    What rounds accepted of other structures, and what they said is certainly not it, does not stand against a drawing.
    """
    values = np.full(indices.shape, labels.value(structure), np.uint8)
    kept = open_at(_of_the_annotator(labels), indices, values) | accepted_at(labels, indices, values)
    return indices[kept]


def _of_the_annotator(labels: Labels) -> Labels:
    """The labels without what was accepted or denied in rounds."""
    theirs = labels.origin == EXPERT
    return replace(
        labels,
        label_map=labels.label_map * theirs,
        origin=labels.origin * theirs,
        overlaps=_theirs(labels.overlaps),
        negatives=_theirs(labels.negatives),
    )


def _theirs(group: Mapping[str, Marks]) -> dict[str, Marks]:
    kept = {name: marks.origin == EXPERT for name, marks in group.items()}
    return {
        name: Marks(group[name].indices[mine], group[name].origin[mine]) for name, mine in kept.items() if mine.any()
    }
