"""A network learns to say how large balls are, from augmented slices and volumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from PartialLabelSegLib.train import size_folds
from PartialLabelSegLib.train.batches import Seed
from PartialLabelSegLib.train.coarse import Coarse, coarsened
from PartialLabelSegLib.train.size_folds import Teaching, draw, learn, neighbours, predicted, regressor
from PartialLabelSegLib.train.steps import Cancelled
from train.making import CPU, STRUCTURES, plan_of, prepared_case, scan_of

ALL = (True, True, True)


def coarse(seed: int, dimensions: str = "2d", known: tuple[bool, ...] = ALL) -> Coarse:
    scan = scan_of(seed)
    case = prepared_case(scan.truth, known, scan.image / 4)
    return coarsened(case, plan_of(dimensions=dimensions), (2.0 if dimensions != "3d" else 3.0,) * 3, np.array(known))


def teaching(dimensions: str = "2d", steps: int = 60) -> Teaching:
    cases = [coarse(seed, dimensions) for seed in range(4)]
    return Teaching(plan_of(dimensions=dimensions), CPU, Seed(0, 0, 5), cases, (), steps)


def taught(given: Teaching) -> list[float]:
    network = regressor(given)
    return [loss for _, loss in learn(given, network, lambda: False)]


@pytest.mark.parametrize("dimensions", ["2d", "3d"])
def test_the_volume_of_an_unseen_scan_is_found(dimensions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_folds, "ROTATE_DEGREES", 15.0)
    given = teaching(dimensions, 60 if dimensions == "2d" else 90)
    network = regressor(given)
    losses = [loss for _, loss in learn(given, network, lambda: False)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) / 2
    values, truth = predicted(network, coarse(9, dimensions), CPU), scan_of(9).truth
    volume = values[:, :, 0].sum(1) * 2.0 if dimensions != "3d" else values[:, 0]
    drawn = np.array([(truth == value).sum() * 8.0 for value in (1, 2, 3)])
    # After sixty steps within a factor of two; a run's networks learn longer and their volumes are recalibrated.
    assert np.abs(np.log(volume / drawn)).max() < np.log(2)


def test_the_same_seed_learns_the_same() -> None:
    assert taught(teaching(steps=3)) == taught(teaching(steps=3))
    other = replace(teaching(steps=3), seed=Seed(1, 0, 5))
    assert taught(teaching(steps=3)) != taught(other)


def test_turning_and_mirroring_keep_the_areas_of_what_stays_in_sight() -> None:
    given = teaching()
    given = replace(given, plan=replace(given.plan, mirror=(1, 2)))
    areas = torch.cat([draw(given, step).occupancy[:, 1].flatten(1).sum(1) for step in range(1, 9)])
    straight = torch.from_numpy(
        np.concatenate(
            [case.occupancy[1].reshape(24, -1).sum(1) / 255 for case in given.cases if case.occupancy is not None]
        )
    )
    # The small ball never leaves the slice; its largest cut is as large turned as straight.
    assert float(areas.max()) == pytest.approx(float(straight.max()), rel=0.05)


def test_mirrored_twins_change_places() -> None:
    given = teaching()
    plan = replace(given.plan, mirror=(2,), twins=((STRUCTURES[0], STRUCTURES[1]),))
    known = (True, False, True)
    still = replace(given, plan=replace(plan, mirror=()), cases=[coarse(0, known=known)])
    turned = replace(still, plan=plan)
    assert torch.equal(draw(still, 1).known, torch.tensor([known] * 16))
    flags = draw(turned, 1).known
    mirrored = flags[:, 1]
    assert mirrored.any() and not mirrored.all()
    assert torch.equal(flags[:, 0], ~mirrored)
    assert not draw(turned, 1).occupancy[mirrored][:, 0].any()


def test_what_is_not_known_is_not_learned_from() -> None:
    given = replace(teaching(steps=2), cases=[coarse(0, known=(True, False, False))])
    network = regressor(given)
    before = network.output.weight.detach().clone()
    for _ in learn(given, network, lambda: False):
        pass
    moved = (network.output.weight.detach() - before).abs().flatten(1).sum(1)
    # Weight decay alone moves the others a little.
    assert float(moved[0]) > 100 * float(moved[1:].max())


def test_a_wish_to_stop_is_heard_at_the_next_step() -> None:
    given = teaching(steps=5)
    asked = iter((False, False, True))
    steps = learn(given, regressor(given), lambda: next(asked))
    assert [next(steps)[0], next(steps)[0]] == [1, 2]
    with pytest.raises(Cancelled):
        next(steps)


def test_validation_scans_keep_the_best_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_folds, "LOOK_EVERY", 2)
    given = replace(teaching(steps=6), looks=[coarse(7)])
    found = iter((3.0, 1.0, 2.0))
    monkeypatch.setattr(size_folds, "_looked", lambda *_: next(found))
    network = regressor(given)
    states = []
    for step, _ in learn(given, network, lambda: False):
        states.append((step, network.output.weight.detach().clone()))
    assert torch.equal(network.output.weight, dict(states)[4])


def test_a_slice_is_seen_with_its_neighbours_and_with_those_twelve_millimetres_away() -> None:
    one = coarse(0)
    assert neighbours(one) == [-6, -1, 0, 1, 6]
    assert neighbours(replace(one, spacing_mm=(10.0, 2.0, 2.0))) == [-1, -1, 0, 1, 1]
