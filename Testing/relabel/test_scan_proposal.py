"""All levels at once: the same as the proposal at each of them, and as what is shown at any gamma."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from benchmarks.speed_select import bodies
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.relabel import levels as levels_module
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.components import component_of
from PartialLabelSegLib.relabel.levels import GAMMAS, MOST_PARTS, parts_at_levels
from PartialLabelSegLib.relabel.propose import propose
from PartialLabelSegLib.relabel.scan_proposal import first_levels, propose_levels, shown_at
from PartialLabelSegLib.relabel.select import _ranks, rank_volume, suggested, threshold


def distances(places: np.ndarray, shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> np.ndarray:
    """mm from each voxel to the centre of mass of all."""
    voxels = np.stack(np.unravel_index(places, shape), 1) * np.array(spacing_mm)
    return np.linalg.norm(voxels - voxels.mean(0), axis=1)


@given(st.data())
def test_at_every_level_it_is_the_proposal(drawn: SimpleNamespace, a_grid: Grid, data: st.DataObject) -> None:
    labels = data.draw(drawn.labels())
    first = data.draw(drawn.prediction(labels))
    labels = apply(labels, first, data.draw(drawn.review(first)), "scan", 0)
    prediction = data.draw(drawn.prediction(labels))
    found = propose_levels(prediction, labels, a_grid, "scan")
    assert list(found.structures) == [item.structure for item in propose(prediction, labels, 1.0, a_grid).structures]
    unknown = [name for name in labels.structures if not labels.is_known(name)]
    assert sorted([*found.structures, *found.nothing]) == sorted(unknown)
    for number, gamma in enumerate(GAMMAS):
        shown = suggested(prediction, gamma)
        for item in propose(prediction, labels, gamma, a_grid).structures:
            mine = found.structures[item.structure]
            level = mine.levels[number]
            assert (mine.pool, mine.accepted) == (item.pool, item.accepted)
            assert (level.voxels, level.parts, level.gamma) == (item.suggested, len(item.components), gamma)
            assert level.ml == pytest.approx(item.volume_ml)
            assert level.confidence == pytest.approx(item.confidence)
            assert [(part.seed, part.voxels, part.box, part.touches_border) for part in level.components] == [
                (part.seed, part.voxels, part.box, part.touches_border) for part in item.components[:MOST_PARTS]
            ]
            mask = shown == prediction.value(item.structure)
            for one, other in zip(level.components, item.components):
                assert one.confidence == pytest.approx(other.confidence)
                assert one.ml == pytest.approx(other.volume_ml)
                places = component_of(mask, other.seed)
                far = distances(places, mask.shape, a_grid.spacing_mm)
                x, y, z = one.centre_ijk
                chosen = np.searchsorted(places, np.ravel_multi_index((z, y, x), mask.shape))
                assert places[chosen] == np.ravel_multi_index((z, y, x), mask.shape)
                assert far[chosen] == pytest.approx(far.min())


@given(st.data(), st.integers(0, 100))
def test_counts_at_any_gamma_need_no_volume(
    drawn: SimpleNamespace, a_grid: Grid, data: st.DataObject, percent: int
) -> None:
    labels = data.draw(drawn.labels())
    first = data.draw(drawn.prediction(labels))
    labels = apply(labels, first, data.draw(drawn.review(first)), "scan", 0)
    prediction = data.draw(drawn.prediction(labels))
    shown = suggested(prediction, percent / 100)
    for name, item in propose_levels(prediction, labels, a_grid, "scan").structures.items():
        assert item.shown(percent / 100) == np.count_nonzero(shown == prediction.value(name))
        level = item.at(percent / 100)
        assert (level is None) == (percent < 5)
        if level is not None:
            assert level.gamma <= percent / 100 + 1e-9 and level.gamma + 0.05 > percent / 100


@given(st.integers(1, 200_000), st.data())
def test_the_formula_counts_the_ranks(pool: int, data: st.DataObject) -> None:
    unranked = data.draw(st.integers(0, pool))
    gamma = data.draw(st.floats(0, 1))
    assert shown_at(pool, unranked, gamma) == np.count_nonzero(_ranks(unranked, pool) > threshold(gamma))


def test_the_first_level_of_a_rank_is_the_first_that_shows_it() -> None:
    table = first_levels()
    ranks = np.arange(65536)
    for number, gamma in enumerate(GAMMAS, 1):
        assert np.array_equal((table > 0) & (table <= number), ranks > threshold(gamma))


@pytest.mark.parametrize(("sigma", "fewest"), [(0, MOST_PARTS), (2, 20)])
def test_joining_runs_and_labelling_agree(sigma: float, fewest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    noise = ndimage.gaussian_filter(random.random((20, 30, 40)), sigma) if sigma else random.random((20, 30, 40))
    place = noise.argsort(axis=None).argsort().reshape(noise.shape) / noise.size
    levels = np.clip(np.ceil(place * 30), 0, 20).astype(np.uint8)
    levels[random.random(noise.shape) < 0.2] = 0
    confidence = fixed_point(random.random(noise.shape).astype(np.float32))
    found = []
    for limit in (0, 10**9):
        monkeypatch.setattr(levels_module, "_VOXELS_PER_RUN", limit)
        found.append(list(parts_at_levels(levels, confidence, (3.0, 1.0, 1.0))))
    assert max(parts.count for parts in found[0]) > fewest
    for one, other in zip(*found, strict=True):
        assert (one.voxels, one.count, one.confidence) == (other.voxels, other.count, other.confidence)
        for name in ("seed", "sizes", "confidences", "low", "high", "centre"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.slow
def test_seven_organs_of_a_large_scan_take_a_few_seconds() -> None:
    """About two seconds of one core; the limit leaves room for slower ones. The confidence is smooth, as that of a network is."""
    shape = (300, 512, 512)
    label = bodies(shape)
    random = np.random.default_rng(0).random((150, 128, 128), dtype=np.float32)
    confidence = np.clip(ndimage.zoom(random, (2, 4, 4), order=1), 0, 1)
    names = tuple(f"structure {number}" for number in range(1, 8))
    labels = Labels.expert(names, np.zeros(shape, np.uint8), (False,) * 7)
    stored = fixed_point(confidence)
    prediction = Prediction(names, label, stored, stored, rank_volume(labels, label, confidence))
    grid = Grid((512, 512, 300), (0.8, 0.8, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    started = time.process_time()
    found = propose_levels(prediction, labels, grid, "scan")
    seconds = time.process_time() - started
    print(f"{seconds:.2f} s for {sum(item.pool for item in found.structures.values())} suggested voxels")
    assert len(found.structures) == 7 and seconds < 6


def test_only_the_largest_parts_are_listed_and_all_are_counted() -> None:
    shape = (1, 3, 400)
    label = np.zeros(shape, np.uint8)
    label[0, 0, ::2] = 1
    label[0, 2, 10:13] = 1
    label[0, 1, 10:13] = 0
    labels = Labels.expert(("Liver",), np.zeros(shape, np.uint8), (False,))
    confidence = np.where(label > 0, np.float32(0.5), np.float32(0))
    stored = fixed_point(confidence)
    prediction = Prediction(("Liver",), label, stored, stored, rank_volume(labels, label, confidence))
    grid = Grid((400, 3, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    level = propose_levels(prediction, labels, grid, "scan").structures["Liver"].levels[-1]
    assert (level.parts, len(level.components), level.voxels) == (201, 50, 203)
    assert level.components[0].voxels == 3 and level.components[0].centre_ijk == (11, 2, 0)
    assert [part.seed for part in level.components[1:4]] == [0, 2, 4]


def test_a_structure_of_which_only_accepted_voxels_are_left_has_no_box(a_grid: Grid) -> None:
    label_map = np.zeros(a_grid.shape, np.uint8)
    label_map[1, 1, 1] = 1
    labels = Labels(("Liver", "Spleen"), label_map, (False, False), label_map * np.uint8(2))
    empty = np.zeros(a_grid.shape, np.uint16)
    prediction = Prediction(labels.structures, np.zeros_like(label_map), empty, empty, empty)
    found = propose_levels(prediction, labels, a_grid, "scan")
    liver = found.structures["Liver"]
    assert (liver.pool, liver.accepted, liver.unranked, liver.box, liver.shown(1.0)) == (1, 1, 1, None, 0)
    assert found.nothing == ("Spleen",)
