"""Which slice is shown, and that it looks the same however the scan was stored."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import EXPERT, FIRST_ROUND, Labels, Marks
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.report.outcome import Outcome
from PartialLabelSegLib.report.slices import Picture, picture_of

SPACING = (2.0, 1.5, 4.0)  # along left, posterior, superior


def stored_grid(
    order: tuple[int, ...], signs: tuple[int, ...], shape: tuple[int, int, int], spacing: tuple[float, ...]
) -> Grid:
    """A grid whose array axis a runs along patient axis order[a], backwards where signs[a] is -1. shape: of the array."""
    direction = np.zeros((3, 3))
    for axis, (patient, sign) in enumerate(zip(order, signs)):
        direction[patient, 2 - axis] = sign
    size = (shape[2], shape[1], shape[0])
    step = tuple(spacing[order[2 - i]] for i in range(3))
    return Grid(size, (step[0], step[1], step[2]), (0.0, 0.0, 0.0), tuple(direction.ravel()))


def outcome_of(label_map: np.ndarray, origin: np.ndarray, grid: Grid, labels: Labels | None = None) -> Outcome:
    final = labels or Labels(("A", "B"), label_map, (False, False), origin)
    share = fixed_point((label_map > 0) * np.float32(0.75))
    prediction = Prediction(final.structures, label_map, share, share, np.zeros(label_map.shape, np.uint16))
    return Outcome(grid, final, final, final, prediction, 0)


def picture(image: np.ndarray, outcome: Outcome) -> Picture:
    return picture_of("scan", image, outcome)


def patient_volume() -> tuple[np.ndarray, np.ndarray]:
    """Indexed (superior, posterior, left); the body fills it, structure A lies right, in front, in slice 3."""
    image = np.random.default_rng(1).integers(100, 900, (6, 9, 12)).astype(np.int16)
    image[0, 0, 0] = 0
    label_map = np.zeros(image.shape, np.uint8)
    label_map[3, 1:4, 1:5] = 1
    return image, label_map


ORIENTATIONS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_a_slice_looks_the_same_however_the_scan_was_stored(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    image, label_map = patient_volume()
    # Patient axes 0 left, 1 posterior, 2 superior are the axes 2, 1, 0 of the patient volume.
    turn = [2 - patient for patient in order]
    flips = tuple(slice(None, None, sign) for sign in signs)
    stored = [np.ascontiguousarray(np.transpose(volume, turn)[flips]) for volume in (image, label_map)]
    grid = stored_grid(order, signs, stored[0].shape, SPACING)
    origin = (stored[1] > 0).astype(np.uint8) * np.uint8(FIRST_ROUND)
    shown = picture(stored[0], outcome_of(stored[1], origin, grid))
    assert shown.view.plane == "axial" and shown.view.letters == ("R", "L", "A", "P")
    assert shown.view.pixel_mm == (SPACING[1], SPACING[0])
    assert np.array_equal(shown.grey, image[3])
    assert np.array_equal(shown.suggested["A"], label_map[3] == 1)


@pytest.mark.parametrize(
    ("thick", "plane", "letters"),
    [(0, "sagittal", ("A", "P", "S", "I")), (1, "coronal", ("R", "L", "S", "I")), (2, "axial", ("R", "L", "A", "P"))],
)
def test_thick_slices_are_shown_as_they_were_taken(thick: int, plane: str, letters: tuple[str, ...]) -> None:
    spacing = [1.0, 1.0, 1.0]
    spacing[thick] = 5.0
    image, label_map = patient_volume()
    grid = stored_grid((2, 1, 0), (1, 1, 1), image.shape, tuple(spacing))
    shown = picture(image, outcome_of(label_map, label_map, grid))
    assert shown.view.plane == plane and shown.view.letters == letters
    if plane == "coronal":
        assert np.array_equal(shown.grey, image[::-1, shown.view.index])
    if plane == "sagittal":
        assert np.array_equal(shown.grey, image[::-1, :, shown.view.index])


def test_each_suggested_structure_counts_alike_in_the_choice_of_the_slice() -> None:
    label_map = np.zeros((5, 8, 8), np.uint8)
    label_map[1, :6, :6] = 1
    label_map[2, :6, :5] = 1
    label_map[2, 7, 7] = 2
    label_map[4] = 1
    origin = (label_map > 0).astype(np.uint8) * np.uint8(FIRST_ROUND)
    origin[4] = EXPERT
    grid = stored_grid((2, 1, 0), (1, 1, 1), label_map.shape, (1.0, 1.0, 1.0))
    shown = picture(np.ones(label_map.shape, np.int16), outcome_of(label_map, origin, grid))
    assert shown.view.index == 2 and set(shown.suggested) == {"A", "B"} and not shown.expert


def test_without_suggestions_the_drawn_slice_is_shown_and_without_both_the_middle() -> None:
    label_map = np.zeros((5, 8, 8), np.uint8)
    grid = stored_grid((2, 1, 0), (1, 1, 1), label_map.shape, (1.0, 1.0, 1.0))
    image = np.ones(label_map.shape, np.int16)
    assert picture(image, outcome_of(label_map, label_map, grid)).view.index == 2
    drawn = label_map.copy()
    drawn[4, 2:4, 2:4] = 1
    shown = picture(image, outcome_of(drawn, (drawn > 0).astype(np.uint8), grid))
    assert shown.view.index == 4 and set(shown.expert) == {"A"} and not shown.suggested


def test_a_voxel_of_two_structures_is_in_both_outlines() -> None:
    label_map = np.zeros((3, 6, 6), np.uint8)
    label_map[1, 1:5, 1:5] = 1
    inner = np.zeros(label_map.shape, bool)
    inner[1, 2:4, 2:4] = True
    origin = (label_map > 0).astype(np.uint8)
    labels = Labels(("A", "B"), label_map, (True, False), origin, overlaps={"B": Marks.of(inner, FIRST_ROUND)})
    grid = stored_grid((2, 1, 0), (1, 1, 1), label_map.shape, (1.0, 1.0, 1.0))
    shown = picture(np.ones(label_map.shape, np.int16), outcome_of(label_map, origin, grid, labels))
    assert shown.expert["A"].sum() == 16 and shown.suggested["B"].sum() == 4


def test_the_air_around_the_body_is_cropped_but_never_an_outline() -> None:
    image = np.full((3, 60, 60), -1000, np.int16)
    image[:, 20:40, 25:45] = 50
    label_map = np.zeros(image.shape, np.uint8)
    label_map[1, 5:8, 25:30] = 1
    grid = stored_grid((2, 1, 0), (1, 1, 1), image.shape, (1.0, 1.0, 1.0))
    shown = picture(image, outcome_of(label_map, (label_map > 0).astype(np.uint8), grid))
    assert shown.grey.shape == (39, 24) and shown.expert["A"].sum() == 15
    assert np.nanmin(shown.confidence) == pytest.approx(0.75, abs=1e-4) and np.isfinite(shown.confidence).sum() == 15


def test_an_empty_constant_scan_is_shown_whole() -> None:
    image = np.zeros((3, 6, 6), np.int16)
    grid = stored_grid((2, 1, 0), (1, 1, 1), image.shape, (1.0, 1.0, 1.0))
    empty = np.zeros(image.shape, np.uint8)
    assert picture(image, outcome_of(empty, empty, grid)).grey.shape == (6, 6)
