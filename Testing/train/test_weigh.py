"""Weights of quickly made labels: what is written, that it repeats, stops and goes on, and that planted errors are distrusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from PartialLabelSegLib.data.label_files import read_array
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.metrics.ranking import ranking
from PartialLabelSegLib.relabel.doubts import NAME, ONE, SHOULD_IT_BE_HERE, read_doubts
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.checkpoint import load, save
from PartialLabelSegLib.train.learn import trusted_batches
from PartialLabelSegLib.train.network import build_segmentation
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.steps import Cancelled
from PartialLabelSegLib.train.weigh import weigh_labels, weighed_structures, weights_of
from train.making import STRUCTURES, make_session, plan_of, scan_of

ADDED = np.s_[10:15, 15:21, 3:9]
EVERYTHING = (True, True, True)


def given(seed: int) -> Labels:
    """Scans 2 and 3 were drawn quickly; to the large ball of scan 2 something else was added."""
    truth = scan_of(seed).truth
    if seed == 2:
        truth = truth.copy()
        truth[ADDED] = np.where(truth[ADDED] == 0, 1, truth[ADDED])
    imperfect = frozenset({"Large", "Small"}) if seed in (2, 3) else frozenset[str]()
    return replace(Labels.expert(STRUCTURES, truth, EVERYTHING), imperfect=imperfect)


def ready(folder: Path, dimensions: str = "2d", steps: int = 30) -> Session:
    """A run that learned from trusted labels: two networks from along the way are kept."""
    plan = plan_of(STRUCTURES, dimensions)
    session = make_session(folder, [given(seed) for seed in range(5)], plan=plan)
    for case in session.cases:
        session.prepare(case, 0)
    keep_snapshots(session, steps)
    return session


def keep_snapshots(session: Session, steps: int) -> None:
    network, objective = build_segmentation(session.plan, 0), segmentation_objective(session.plan)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    batches, snapshots = trusted_batches(session, 0), []
    for step in range(steps):
        optimiser.zero_grad()
        torch.stack(list(objective(network, batches.batch(1000 + step, session.plan.batch)).values())).sum().backward()
        optimiser.step()
        if step in (steps // 2, steps - 1):
            snapshots.append({name: value.clone() for name, value in network.state_dict().items()})
    save(session.round(0).snapshots, {"snapshots": snapshots, "made_with": session.made_with(0)})


def trusted_of(session: Session) -> Callable[[int], Batch]:
    batches = trusted_batches(session, 0)
    return lambda step: batches.batch(step, session.plan.batch)


def content(session: Session) -> dict[str, bytes]:
    folder = session.round(0).path / "weights"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_each_scan_with_doubtful_labels_gets_weights_on_its_own_grid_and_is_then_passed_over(
    tmp_path: Path, dimensions: str
) -> None:
    session = ready(tmp_path, dimensions, steps=4)
    events = list(weigh_labels(session, 0, trusted_of(session)))
    assert [(event.kind, event.fields["case"], event.fields["step"]) for event in events] == [
        ("weighed", "scan2", 1),
        ("weighed", "scan3", 2),
    ]
    assert sorted(content(session)) == [
        f"scan{scan}/{name}" for scan in (2, 3) for name in (NAME, "weights-1.nrrd", "weights-2.nrrd")
    ]
    case = session.cases[2]
    image = sitk.ReadImage(str(session.round(0).weights("scan2") / "weights-1.nrrd"))
    assert image.GetPixelID() == sitk.sitkInt16 and image.GetSize() == case.grid.size
    assert image.GetOrigin() == pytest.approx(case.grid.origin)
    weight = sitk.GetArrayFromImage(image)
    # What a trusted label of another structure settles is not doubtful.
    dark = given(2).positive("Dark")
    assert not weight[dark].any() and np.count_nonzero(weight[~dark]) > 0.9 * np.count_nonzero(~dark)
    assert list(weigh_labels(session, 0, trusted_of(session))) == []


def test_the_same_run_gives_the_same_weights(tmp_path: Path) -> None:
    first, second = (ready(tmp_path / name, steps=4) for name in ("first", "second"))
    for session in (first, second):
        list(weigh_labels(session, 0, trusted_of(session)))
    assert content(first) == content(second)


def test_the_cancel_file_stops_it_and_the_same_call_goes_on_behind_the_finished_scans(tmp_path: Path) -> None:
    session = ready(tmp_path, steps=4)
    work = weigh_labels(session, 0, trusted_of(session))
    next(work)
    session.run.cancel.touch()
    with pytest.raises(Cancelled):
        next(work)
    assert sorted(path.name for path in (session.round(0).path / "weights").iterdir()) == ["scan2"]
    session.run.cancel.unlink()
    (event,) = weigh_labels(session, 0, trusted_of(session))
    assert event.fields["case"] == "scan3" and event.fields["step"] == event.fields["steps"] == 2


def test_a_planted_error_is_distrusted_and_asked_about(tmp_path: Path) -> None:
    session = ready(tmp_path, steps=60)
    list(weigh_labels(session, 0, trusted_of(session)))
    weight = read_array(session.round(0).weights("scan2") / "weights-1.nrrd") / ONE
    labels, true = given(2), scan_of(2).truth == 1
    wrong = labels.positive("Large") & ~true
    assert wrong.any() and np.median(weight[wrong]) < 0 < np.median(weight[true])
    drawn = labels.positive("Large")
    assert ranking(weight[drawn], true[drawn]).auc > 0.9
    first = read_doubts(session.round(0).weights("scan2"))[0]
    assert (first.structure, first.kind) == ("Large", SHOULD_IT_BE_HERE)
    assert wrong[first.centre_ijk[::-1]]


def test_nothing_is_weighed_without_networks_or_without_doubtful_labels(tmp_path: Path) -> None:
    session = ready(tmp_path, steps=2)
    assert [weighed_structures(session, case, 0) for case in session.cases] == [
        [], [], ["Large", "Small"], ["Large", "Small"], [],
    ]  # fmt: skip
    session.round(0).snapshots.unlink()
    assert list(weigh_labels(session, 0, trusted_of(session))) == [] and content(session) == {}


@pytest.mark.parametrize(
    "change", [{"made_with": "something else"}, {"snapshots": []}, {"snapshots": [{"a": torch.zeros(1)}]}]
)
def test_networks_of_another_learning_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    session = ready(tmp_path, steps=2)
    kept = load(session.round(0).snapshots, "the networks")
    save(session.round(0).snapshots, {**kept, **change})
    with pytest.raises(Failure, match="belongs to other|of another kind"):
        list(weigh_labels(session, 0, trusted_of(session)))
    assert content(session) == {}


def test_the_weight_of_a_label_is_its_odds_with_its_sign_and_of_a_soft_one_in_between() -> None:
    labels = given(2)
    odds = np.full(labels.label_map.shape, 2.0, np.float32)
    hard = weights_of(labels, "Large", odds, odds * 0)
    drawn, settled = labels.positive("Large"), labels.positive("Dark")
    assert (hard.weight[drawn] == 2).all() and (hard.weight[~drawn & ~settled] == -2).all()
    assert not hard.weight[settled].any()
    soft = np.where(drawn, np.float32(0.75), np.float32(np.nan))
    half = weights_of(replace(labels, soft={"Large": soft}), "Large", odds, odds * 0)
    assert np.allclose(half.weight[drawn], 1.0) and np.array_equal(half.weight[~drawn], hard.weight[~drawn])
