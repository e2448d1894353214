"""What labels that were made quickly, and labels that a network made, are to the learning of a round: pure changes of Labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ..data.labels import EXPERT, Labels

T = TypeVar("T")


def taken_as_given(labels: Labels, structures: Collection[str]) -> Labels:
    """The labels with these structures trusted, however they were made."""
    return replace(labels, imperfect=labels.imperfect - frozenset(structures))


def left_out(labels: Labels) -> Labels:
    """The labels without those of imperfect structures: these count as missing, and their voxels settle nothing for the others."""
    if not labels.imperfect:
        return labels
    gone = np.array([False, *(name in labels.imperfect for name in labels.structures)])
    label_map = np.where(gone[labels.label_map], np.uint8(0), labels.label_map)

    def without(group: Mapping[str, T]) -> dict[str, T]:
        return {name: item for name, item in group.items() if name not in labels.imperfect}

    return replace(
        labels,
        label_map=label_map,
        origin=np.where(label_map > 0, labels.origin, np.uint8(0)),
        known=tuple(flag and name not in labels.imperfect for name, flag in zip(labels.structures, labels.known)),
        slices=without(labels.slices),
        overlaps=without(labels.overlaps),
        negatives=without(labels.negatives),
        soft=without(labels.soft),
        imperfect=frozenset(),
    )


def with_initial(labels: Labels, predicted: np.ndarray) -> Labels:
    """The labels with the initial labels of MLB-Seg (Eq. 1): where a structure is missing, what a network `predicted`, as imperfect ones.

    predicted: uint8 (z, y, x), the label map of a network's exclusive prediction. Drawn voxels stay as they are. Of a structure that was
    looked for on some slices the other slices stay unknown.
    """
    missing = [name for name in labels.structures if not labels.is_known(name) and name not in labels.slices]
    if not missing:
        return labels
    wanted = np.array([False, *(name in missing for name in labels.structures)])
    fill = (labels.label_map == 0) & wanted[predicted]
    for name in missing:
        if name in labels.negatives:
            # A person said that it is not there.
            fill &= ~(labels.negatives[name].mask(fill.shape) & (predicted == labels.value(name)))
    return replace(
        labels,
        label_map=np.where(fill, predicted, labels.label_map),
        origin=np.where(fill, np.uint8(EXPERT), labels.origin),
        known=tuple(flag or name in missing for name, flag in zip(labels.structures, labels.known)),
        imperfect=labels.imperfect | frozenset(missing),
    )
