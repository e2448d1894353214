"""A box of a scan's labels and prediction, on which decisions work as on the whole, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..data.labels import Labels, Marks, Slices
from ..data.prediction import Prediction
from .components import Box


def cropped_labels(labels: Labels, box: Box) -> Labels:
    """The labels within a box; soft labels, which decisions never touch, are left out."""
    shape = labels.label_map.shape
    return replace(
        labels,
        label_map=labels.label_map[box],
        origin=labels.origin[box],
        slices={name: _slices(where, box) for name, where in labels.slices.items()},
        overlaps=_marks(labels.overlaps, shape, box),
        negatives=_marks(labels.negatives, shape, box),
        soft={},
    )


def cropped_prediction(prediction: Prediction, box: Box) -> Prediction:
    arrays = (prediction.label, prediction.probability, prediction.confidence, prediction.rank)
    return Prediction(prediction.structures, *(array[box] for array in arrays))


def cropped_indices(indices: np.ndarray, shape: tuple[int, ...], box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of a volume of `shape` as those of the box (int64), and bool for each whether it lies in the box; the others are left out."""
    places = np.unravel_index(indices, shape)
    inside = np.ones(indices.shape, bool)
    for place, span in zip(places, box, strict=True):
        inside &= (place >= span.start) & (place < span.stop)
    inner = tuple(place[inside] - span.start for place, span in zip(places, box, strict=True))
    size = tuple(span.stop - span.start for span in box)
    return np.ravel_multi_index(inner, size).astype(np.int64, copy=False), inside


def _marks(group: Mapping[str, Marks], shape: tuple[int, ...], box: Box) -> dict[str, Marks]:
    found = {}
    for name, marks in group.items():
        indices, inside = cropped_indices(marks.indices, shape, box)
        if indices.size:
            found[name] = Marks(indices, marks.origin[inside])
    return found


def _slices(where: Slices, box: Box) -> Slices:
    span = box[where.axis]
    return Slices(where.axis, tuple(index - span.start for index in where.indices if span.start <= index < span.stop))
