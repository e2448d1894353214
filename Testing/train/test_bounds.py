"""Bounds on missing structures: which samples are drawn, what they cost, and when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from PartialLabelSegLib.config import Configuration, Plan
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.sizes import write_sizes
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.batches import Batch, Seed
from PartialLabelSegLib.train.bounds import (
    BoundedObjective,
    BoundTerm,
    bounded,
    bounded_cases,
    ramp,
)
from PartialLabelSegLib.train.objective import Remembering
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.sizes import oracle_sizes, sizes_file
from train.making import make_session, partial, plan_of, scan_of

KNOWN = [(True, True, False), (True, True, True), (False, True, False), (True, True, True)]
ALL = ("size", "centroid", "extent")


def session_of(folder: Path, plan: Plan | None = None, bounds: tuple[str, ...] = ALL) -> Session:
    """Four scans of balls, two of them lacking structures, whose truth lies beside the run."""
    labels = [partial(scan_of(seed).truth, flags) for seed, flags in enumerate(KNOWN)]
    session = make_session(folder / "run", labels, plan=plan)
    session = replace(session, truth=folder / "truth", configuration=Configuration(bounds=bounds))
    for seed, case in enumerate(session.cases):
        session.prepare(case, 0)
        complete = partial(scan_of(seed).truth, (True, True, True))
        write_labels(folder / "truth" / case.folder.name, complete, case.grid)
    return session


def term_of(session: Session, attributes: tuple[str, ...] = ALL) -> BoundTerm:
    cases = bounded_cases(session, 0, oracle_sizes(session))
    return BoundTerm(cases, session.plan, session.device, Seed(0, 0, 20), attributes, 100)


def logits_of(truths: Tensor) -> Tensor:
    """Logits (N, K, *spatial) that are sure of label maps (N, *spatial)."""
    values = torch.arange(1, 4).view(1, 3, *(1,) * (truths.ndim - 1))
    return torch.where(truths[:, None] == values, 60.0, -60.0)


def test_only_training_scans_that_lack_something_are_bounded_and_only_in_what_they_lack(tmp_path: Path) -> None:
    cases = term_of(session_of(tmp_path)).cases
    assert [item.case.name for item in cases] == ["scan0", "scan2"]
    assert [item.bounded.tolist() for item in cases] == [[False, False, True], [True, False, True]]


def test_the_true_prediction_costs_nothing_and_an_empty_one_its_square(tmp_path: Path) -> None:
    term = term_of(session_of(tmp_path))
    truths = {name: scan_of(seed).truth for seed, name in ((0, "scan0"), (2, "scan2"))}
    for step in range(8):
        sight = term.sight(step, 1)
        planes = [(name, index) for name, truth in truths.items() for index in range(24)]
        bounds = sight.high[0, :, 0]
        match = [
            p
            for p in planes
            if all(
                bounds[k].isnan() or abs(float(bounds[k]) - (truths[p[0]][p[1]] == k + 1).sum() * 4) < 1e-3
                for k in range(3)
            )
        ]
        assert match
        if len(set(match)) > 1:
            continue
        label = torch.from_numpy(truths[match[0][0]][match[0][1]])[None]
        found = term.penalties(logits_of(label), sight)
        assert all(float(value) == pytest.approx(0, abs=1e-4) for value in found.values())
        empty = float(term.penalties(torch.full((1, 3, 24, 24), -60.0), sight)["size"])
        known = bounds[~bounds.isnan()] / 4
        assert empty == pytest.approx(float((known**2).mean() / 24**2), rel=1e-4)


def test_a_moved_prediction_of_the_right_size_costs_for_its_place_alone(tmp_path: Path) -> None:
    term = term_of(session_of(tmp_path, replace(plan_of(dimensions="3d"), batch=4)))
    sight = term.sight(0, 1)
    assert sight.whole.tolist() == [True] and sight.image.shape == (1, 1, 24, 24, 24)
    name = next(item.case.name for item in term.cases if np.allclose(item.case.image[5], sight.image[0, 0, 5]))
    truth = torch.from_numpy(scan_of(int(name[-1])).truth)
    moved = term.penalties(logits_of(torch.roll(truth, 2, 1)[None]), sight)
    assert float(moved["size"]) == pytest.approx(0, abs=1e-4) and float(moved["extent"]) == pytest.approx(0, abs=1e-3)
    # Two voxels along one of three axes of 24 voxels.
    assert float(moved["centroid"]) == pytest.approx(4 / 24 / 3, rel=1e-2)


def test_a_window_of_a_large_volume_knows_the_upper_bound_only(tmp_path: Path) -> None:
    plan = replace(plan_of(dimensions="3d"), patch=(8, 8, 8), batch=1)
    term = term_of(session_of(tmp_path, plan))
    sight = term.sight(3, 4)
    assert sight.whole.tolist() == [False] and sight.image.shape == (1, 1, 8, 8, 8)
    nothing = term.penalties(torch.full((1, 3, 8, 8, 8), -60.0), sight)
    assert [float(nothing[name]) for name in ALL] == [0, 0, 0]
    everything = term.penalties(torch.full((1, 3, 8, 8, 8), 60.0), sight)
    assert float(everything["size"]) > 0 and float(everything["centroid"]) == 0


def test_slices_of_different_sizes_lie_in_one_batch_and_padding_does_not_count(tmp_path: Path) -> None:
    term = term_of(session_of(tmp_path))
    term = replace(
        term,
        cases=[
            replace(term.cases[0], case=replace(term.cases[0].case, image=term.cases[0].case.image[:, :21, :17])),
            term.cases[1],
        ],
    )
    sight = next(
        found for step in range(20) if (found := term.sight(step, 4)).inside.flatten(1).sum(1).unique().numel() == 2
    )
    assert sight.image.shape == (4, 1, 24, 24)
    assert set(sight.inside.flatten(1).sum(1).tolist()) == {21 * 17, 24 * 24}


def test_slices_have_their_neighbours_as_channels_and_the_border_repeats(tmp_path: Path) -> None:
    term = term_of(session_of(tmp_path, plan_of(dimensions="2.5d")))
    image = term._cut(term.cases[0].case, 0, np.random.default_rng(0))[0]
    assert image.shape == (3, 24, 24)
    assert np.array_equal(image[0], image[1]) and not np.array_equal(image[1], image[2])


def test_the_penalty_sets_in_after_the_warm_up_and_rises_over_as_many_steps() -> None:
    assert [ramp(step, 100, 0.25) for step in (0, 24, 25, 30, 50, 99)] == pytest.approx([0, 0, 0, 0.2, 1, 1])
    assert ramp(0, 100, 0.0) == 1.0


def test_during_the_warm_up_the_network_is_not_asked(tmp_path: Path) -> None:
    term = term_of(session_of(tmp_path))

    class Never(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            raise AssertionError("asked")

    assert {name: float(value) for name, value in term(Never(), 10, 8).items()} == dict.fromkeys(ALL, 0.0)


def test_a_step_repeats_and_lambda_weighs_it(tmp_path: Path) -> None:
    term = term_of(session_of(tmp_path))
    network = nn.Conv2d(1, 3, 1)
    first, again = (term(network, 80, 8)["size"] for _ in range(2))
    other = term(network, 81, 8)["size"]
    assert torch.equal(first, again) and not torch.equal(first, other)
    double = replace(term, plan=replace(term.plan, bound_weight=2 * term.plan.bound_weight))
    assert float(double(network, 80, 8)["size"].detach()) == pytest.approx(2 * float(first.detach()))


def test_the_gradient_reaches_the_network(tmp_path: Path) -> None:
    network = nn.Conv2d(1, 3, 1)
    terms = term_of(session_of(tmp_path))(network, 80, 8)
    torch.stack(list(terms.values())).sum().backward()
    assert network.weight.grad is not None and torch.isfinite(network.weight.grad).all()
    # The second structure is known everywhere.
    assert network.weight.grad[1].abs().sum() == 0 and network.weight.grad[2].abs().sum() > 0


def test_what_is_bounded_is_what_would_be_predicted_and_running_statistics_stay(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3), nn.Dropout(0.5)).train()
    norm = network[1]
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None
    norm.running_mean.fill_(0.3)
    term = term_of(session_of(tmp_path))
    before = {name: value.clone() for name, value in network.named_buffers()}
    found = term(network, 80, 8)["size"]
    assert network.training and norm.training
    assert all(torch.equal(value, before[name]) for name, value in network.named_buffers())
    expected = term(network.eval(), 80, 8)["size"]
    assert float(found.detach()) == float(expected.detach()) > 0
    found.backward()
    assert norm.weight.grad is not None and norm.weight.grad.any()


class Counting:
    """An objective that keeps something between steps."""

    def __init__(self) -> None:
        self.steps = 0

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        return {"bce": network(batch.image).mean()}

    def watch(self, optimiser: torch.optim.Optimizer) -> None:
        self.watched = optimiser

    def after_step(self, network: nn.Module, step: int) -> None:
        self.steps = step

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def batch_of(step: int) -> Batch:
    flags = torch.ones(4, 3, 24, 24, dtype=torch.bool)
    return Batch(torch.zeros(4, 1, 24, 24), flags, flags, step=step)


def test_the_terms_stand_beside_those_of_the_objective_and_its_memory_goes_through(tmp_path: Path) -> None:
    inner = Counting()
    objective = BoundedObjective(inner, term_of(session_of(tmp_path)))
    assert list(objective(nn.Conv2d(1, 3, 1), batch_of(80))) == ["bce", *ALL]
    assert isinstance(objective, Remembering)
    optimiser = torch.optim.SGD([torch.zeros(1)], 0.1)
    objective.watch(optimiser)
    assert inner.watched is optimiser
    objective.after_step(nn.Identity(), 7)
    assert objective.state() == {"steps": 7}
    objective.load_state({"steps": 3})
    assert inner.steps == 3


def test_an_objective_without_memory_needs_none(tmp_path: Path) -> None:
    objective = BoundedObjective(lambda network, batch: {}, term_of(session_of(tmp_path)))
    objective.after_step(nn.Identity(), 1)
    objective.load_state({})
    assert objective.state() == {}


def test_without_chosen_attributes_or_missing_structures_the_objective_stays_as_it_is(tmp_path: Path) -> None:
    inner, session = Counting(), session_of(tmp_path, bounds=())
    assert bounded(inner, session, 0) is inner
    wanted = replace(session, configuration=Configuration(bounds=("size",)))
    nothing = replace(oracle_sizes(session), cases={})
    assert bounded(inner, wanted, 0, nothing) is inner


def test_the_sizes_of_the_round_are_read_and_those_of_another_grid_refused(tmp_path: Path) -> None:
    session = session_of(tmp_path, bounds=("size",))
    table = oracle_sizes(session)
    write_sizes(sizes_file(session, 0), table)
    objective = bounded(Counting(), session, 0)
    assert isinstance(objective, BoundedObjective) and objective.term.attributes == ("size",)
    assert objective.term.steps == session.plan.steps
    rows = table.cases["scan0"]
    short = {name: replace(item, slices=item.slices[:-1]) for name, item in rows.items() if item.slices is not None}
    with pytest.raises(Failure, match="do not fit"):
        bounded(Counting(), session, 0, replace(table, cases={"scan0": short}))


def test_a_network_that_lists_lesions_is_refused_in_words(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    session = replace(session, plan=replace(session.plan, architecture="instance"))
    with pytest.raises(Failure, match="soft size"):
        bounded(Counting(), session, 0)


def test_bounding_teaches_the_size_of_what_nobody_drew(tmp_path: Path) -> None:
    session = session_of(tmp_path, bounds=("size",))
    term = replace(term_of(session, ("size",)), plan=replace(session.plan, bound_warm_up=0.0, bound_weight=1.0))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    costs = []
    for step in range(80):
        cost = term(network, step, 32)["size"]
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
        costs.append(float(cost.detach()))
    assert np.mean(costs[-10:]) < np.mean(costs[:5]) / 20
