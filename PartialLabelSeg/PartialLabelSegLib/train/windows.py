"""Which windows a batch is made of, and how they are cut from the memory-mapped cases: sampling apart from augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..config import Plan
from .prepared import PreparedCase

OUTSIDE = 255
"""Label value of voxels outside the scan: nothing is known there, for no structure."""


@dataclass(frozen=True)
class Window:
    """One window: which case, and its centre (slice, row, column) in voxels."""

    case: int
    centre: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Sources:
    """The cases that windows are drawn from, and for each structure the cases in which it has voxels."""

    cases: tuple[PreparedCase, ...]
    holders: dict[int, np.ndarray]

    @classmethod
    def of(cls, cases: Sequence[PreparedCase]) -> Sources:
        teaching = tuple(case for case in cases if case.can_teach())
        values = sorted({value for case in teaching for value in case.points})
        holders = {v: np.array([i for i, case in enumerate(teaching) if v in case.points]) for v in values}
        return cls(teaching, holders)


def draw_windows(sources: Sources, count: int, foreground_share: float, rng: np.random.Generator) -> list[Window]:
    """`count` windows: a share centred on a voxel of a structure (structure first, evenly, then case, then voxel, so that small and rare structures are seen as often as large ones), the rest anywhere."""
    values = list(sources.holders)
    foreground = round(count * foreground_share) if values else 0
    windows = []
    for position in range(count):
        if position < foreground:
            value = values[int(rng.integers(len(values)))]
            index = int(rng.choice(sources.holders[value]))
            case = sources.cases[index]
            flat = int(rng.choice(case.points[value]))
            centre = tuple(int(place) for place in np.unravel_index(flat, case.shape))
        else:
            index = int(rng.integers(len(sources.cases)))
            centre = tuple(int(rng.integers(length)) for length in sources.cases[index].shape)
        windows.append(Window(index, (centre[0], centre[1], centre[2])))
    return windows


@dataclass(frozen=True, eq=False)
class Cut:
    """Windows cut out of their cases, before augmentation.

    image: float16 as prepared, (N, S, R, C); it becomes float32 on the device. label: uint8 (N, S', R, C), OUTSIDE beyond the scan; S' is 1 for 2D and 2.5D.
    planes: per plane name a bool (N, S', R, C) array, only for planes that some case of the batch has. known: bool (N, K).
    soft: per structure value with a soft label in some case of the batch its probabilities, float16 (N, S', R, C), nan where there is none.
    imperfect: bool (N, K), whose labels are doubtful; None: of none in the batch.
    """

    image: np.ndarray
    label: np.ndarray
    planes: dict[str, np.ndarray]
    known: np.ndarray
    soft: dict[int, np.ndarray] = field(default_factory=dict)
    imperfect: np.ndarray | None = None


def cut_windows(sources: Sources, windows: Sequence[Window], plan: Plan, size: tuple[int, int, int]) -> Cut:
    """Cuts windows of `size` (slices, rows, columns) around their centres; what lies outside the scan is the lowest grey value."""
    darkest = (plan.intensity.low - plan.intensity.mean) / plan.intensity.std
    image_size = (plan.channels, *size[1:]) if plan.dimensions == "2.5d" else size
    count = len(windows)
    image = np.full((count, *image_size), darkest, np.float16)
    label = np.full((count, *size), OUTSIDE, np.uint8)
    planes: dict[str, np.ndarray] = {}
    soft: dict[int, np.ndarray] = {}
    for row, window in enumerate(windows):
        case = sources.cases[window.case]
        _copy(case.image, window.centre, image[row])
        _copy(case.label_map, window.centre, label[row])
        for name, packed in case.planes.items():
            _copy_plane(packed, case.shape, window.centre, planes.setdefault(name, np.zeros(label.shape, bool))[row])
        for value, plane in case.soft.items():
            _copy(plane, window.centre, soft.setdefault(value, np.full(label.shape, np.nan, np.float16))[row])
    if plan.dimensions == "2.5d":
        _repeat_edge_slices(sources, windows, image)
    for index in {window.case for window in windows}:
        sources.cases[index].give_back_pages()
    known = np.stack([sources.cases[window.case].known for window in windows])
    return Cut(image, label, planes, known, soft, _imperfect(sources, windows))


def _imperfect(sources: Sources, windows: Sequence[Window]) -> np.ndarray | None:
    cases = [sources.cases[window.case] for window in windows]
    if not any(case.has_imperfect() for case in cases):
        return None
    return np.stack([np.zeros_like(case.known) if case.imperfect is None else case.imperfect for case in cases])


def _spans(centre: tuple[int, ...], shape: tuple[int, ...], size: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Per axis the part of the source and the part of the window that coincide."""
    spans = []
    for middle, length, wanted in zip(centre, shape, size):
        first = middle - wanted // 2
        low, high = max(first, 0), min(first + wanted, length)
        spans.append((slice(low, max(low, high)), slice(low - first, max(low, high) - first)))
    return spans


def _copy(source: np.ndarray, centre: tuple[int, int, int], target: np.ndarray) -> None:
    spans = _spans(centre, source.shape, target.shape)
    target[tuple(there for _, there in spans)] = source[tuple(here for here, _ in spans)]


def _copy_plane(
    packed: np.ndarray, shape: tuple[int, int, int], centre: tuple[int, int, int], target: np.ndarray
) -> None:
    spans = _spans(centre, shape, target.shape)
    here = tuple(span for span, _ in spans)
    bits = np.unpackbits(packed[here[0], here[1]], axis=-1, count=shape[2])[..., here[2]]
    target[tuple(there for _, there in spans)] = bits.astype(bool)


def _repeat_edge_slices(sources: Sources, windows: Sequence[Window], image: np.ndarray) -> None:
    """Beyond the first and last slice of a scan the neighbouring channels repeat that slice."""
    channels = image.shape[1]
    for row, window in enumerate(windows):
        depth, first = sources.cases[window.case].shape[0], window.centre[0] - channels // 2
        for channel in range(channels):
            inner = min(max(first + channel, 0), depth - 1) - first
            if inner != channel:
                image[row, channel] = image[row, inner]
