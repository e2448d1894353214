"""Corrupted labels of the benchmarks: as bad as was asked for, each in its own way, and the same ones every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.corruption import Mistake, Worsened, corrupted, dice


def discs(count: int) -> dict[str, np.ndarray]:
    """Scans of (3, 48, 48) with a disc and a ring round it, at places that differ."""
    rows, columns = np.mgrid[:48, :48]
    scans = {}
    for number in range(count):
        far = np.hypot(rows - 20 - number % 7, columns - 22 - number % 5)
        label = np.where(far < 6, 2, np.where(far < 10, 1, 0)).astype(np.uint8)
        scans[f"scan{number}"] = np.stack([label, label, np.zeros_like(label)])
    return scans


@pytest.mark.parametrize("level", [0.41, 0.62, 0.80])
def test_the_mean_dice_is_as_asked_for_and_the_scans_differ(level: float) -> None:
    truths = discs(12)
    made = corrupted(truths, level)
    scores = [dice(truths[name] == value, made.label_maps[name] == value) for name in truths for value in (1, 2)]
    assert made.mean == pytest.approx(np.mean(scores)) == pytest.approx(level, abs=0.02)
    assert made.spread > 0.02 and all(label.dtype == np.uint8 for label in made.label_maps.values())


def test_a_scan_is_worsened_in_the_same_way_whatever_other_scans_there_are() -> None:
    some, more = corrupted(discs(12), 0.62), corrupted(discs(12), 0.62)
    assert all(np.array_equal(some.label_maps[name], more.label_maps[name]) for name in some.label_maps)
    truth = discs(1)["scan0"]
    assert not np.array_equal(truth, some.label_maps["scan0"])


@given(st.integers(0, 10_000))
def test_without_strength_a_structure_stays_as_it_was_and_some_of_it_is_always_left_of_shrinking(seed: int) -> None:
    mask = discs(1)["scan0"] == 2
    mistake = Mistake.drawn(np.random.default_rng(seed))
    worsened = Worsened.of(mask, mistake)
    assert np.array_equal(worsened.at(0.0), mask)
    shrunk = Worsened.of(mask, Mistake(0.0, (0.0, 1.0), -1.0))
    assert shrunk.at(50.0).any() and not (shrunk.at(50.0) & ~mask).any()


def test_swelling_adds_all_round_and_turning_moves_without_changing_the_size() -> None:
    mask = discs(1)["scan0"] == 2
    swollen = Worsened.of(mask, Mistake(0.0, (0.0, 1.0), 0.5)).at(1.0)
    assert swollen[mask].all() and swollen.sum() > 1.5 * mask.sum()
    turned = Worsened.of(mask, Mistake(90.0, (0.0, 1.0), 0.0)).at(1.0)
    assert abs(int(turned.sum()) - int(mask.sum())) < 0.1 * mask.sum() and dice(turned, mask) < 0.6


def test_a_level_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        corrupted(discs(1), 1.0)
