"""The learning steps of a round: finished files are passed over, and the confidence learns with its own copy of the network."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train import learn
from PartialLabelSegLib.train.checkpoint import load, save
from PartialLabelSegLib.train.learn import _not_learned, _repeats, learn_confidence, learn_segmentation
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.steps import Cancelled
from train.making import labels_of_cohort, make_session, plan_of


def ready(folder: Path, choices: Relabelling | None = None, steps: int = 12) -> Session:
    """A run whose scans are prepared."""
    session = make_session(folder, labels_of_cohort(), choices, plan_of(steps=steps))
    for case in session.cases:
        session.prepare(case, 0)
    return session


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_a_finished_training_leaves_network_and_curves_and_is_passed_over(tmp_path: Path) -> None:
    session = ready(tmp_path)
    folder = session.round(0)
    events = list(learn_segmentation(session, 0))
    assert events[-1].kind in ("validation", "note")
    curves = read(folder.training)
    assert curves["steps"] == [10, 12] and curves["validation"][-1]["step"] == 12 and curves["batch"] == 8
    (folder.path / "segmentation.checkpoint.pt").write_bytes(b"left behind by a process that was killed just then")
    before = folder.segmentation.stat().st_mtime_ns
    assert list(learn_segmentation(session, 0)) == []
    assert folder.segmentation.stat().st_mtime_ns == before
    assert not (folder.path / "segmentation.checkpoint.pt").exists()


def test_the_nested_network_learns_and_its_confidence_too(tmp_path: Path) -> None:
    plan = replace(plan_of(steps=60), architecture="unet++")
    session = make_session(tmp_path, labels_of_cohort(), None, plan)
    for case in session.cases:
        session.prepare(case, 0)
    list(learn_segmentation(session, 0))
    list(learn_confidence(session, 0))
    curves = read(session.round(0).training)
    assert curves["validation"][-1]["dice"]["Large"] > 0.8 and curves["not_learned"] == []
    assert session.round(0).confidence.exists()


def doubtful_and_empty(folder: Path, patience: int = 0) -> Session:
    """A run whose one doubtful label says that a structure is not there, in a scan without any."""
    labels = labels_of_cohort()
    nothing = np.zeros(labels[0].label_map.shape, np.uint8)
    known = (True,) * len(labels[0].structures)
    labels[0] = replace(Labels.expert(labels[0].structures, nothing, known), imperfect=frozenset({"Large"}))
    plan = replace(plan_of(steps=12), patience=patience, validate_every=1, views=0, teacher=0.0)
    session = make_session(folder, labels, None, plan)
    for case in session.cases:
        session.prepare(case, 0)
    return session


def test_doubtful_labels_may_say_that_nothing_is_there(tmp_path: Path) -> None:
    session = doubtful_and_empty(tmp_path)
    list(learn_segmentation(session, 0))
    assert {"given", "pseudo"} <= set(read(session.round(0).training)["terms"])


def test_a_learning_that_ends_early_keeps_its_network_for_weighing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falling = iter((0.9, 0.1, 0.1))
    monkeypatch.setattr(learn, "_validation", lambda session: lambda network: {"Large": next(falling)})
    session = doubtful_and_empty(tmp_path, patience=1)
    list(learn_segmentation(session, 0))
    kept = load(session.round(0).snapshots, "the networks")["snapshots"]
    learned = load(session.round(0).segmentation, "the network")["weights"]
    assert len(kept) == 1 and all(torch.equal(value, learned[name]) for name, value in kept[0].items())


def test_the_cancel_file_stops_it_and_the_same_call_goes_on(tmp_path: Path) -> None:
    undisturbed = ready(tmp_path / "undisturbed")
    list(learn_segmentation(undisturbed, 0))
    session = ready(tmp_path / "cancelled")
    session.run.cancel.touch()
    with pytest.raises(Cancelled):
        list(learn_segmentation(session, 0))
    assert not session.round(0).segmentation.exists()
    session.run.cancel.unlink()
    list(learn_segmentation(session, 0))
    found, expected = (load(one.round(0).segmentation, "the network")["weights"] for one in (session, undisturbed))
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


def test_a_later_round_goes_on_from_the_network_before(tmp_path: Path) -> None:
    session = ready(tmp_path)
    list(learn_segmentation(session, 0))
    for case in session.cases:
        session.prepare(case, 1)
    slow = replace(session, plan=replace(session.plan, learning_rate=1e-9, learning_rate_end=1e-9, norm="batch"))
    # A run keeps its plan; for this test the first network is said to come from the slow one.
    network = load(session.round(0).segmentation, "the network")
    save(session.round(0).segmentation, {**network, "made_with": slow.made_with(0)})
    list(learn_segmentation(slow, 1))
    first, second = (load(session.round(number).segmentation, "the network")["weights"] for number in (0, 1))
    learned = [name for name in first if not name.endswith(("mean", "var", "tracked"))]
    assert learned and all(torch.allclose(first[name], second[name], atol=1e-5) for name in learned)
    assert read(session.round(1).training)["steps"][-1] == session.plan.fine_tune_steps


@pytest.mark.parametrize("target", ["correctness", "tcp"])
@pytest.mark.parametrize("frozen", [False, True])
def test_the_confidence_moves_its_copy_unless_frozen_and_never_the_segmentation(
    tmp_path: Path, target: str, frozen: bool
) -> None:
    session = ready(tmp_path, Relabelling(target=target, frozen=frozen), steps=40)
    list(learn_segmentation(session, 0))
    judged = session.round(0).segmentation.read_bytes()
    events = list(learn_confidence(session, 0))
    assert session.round(0).segmentation.read_bytes() == judged
    segmentation = load(session.round(0).segmentation, "the network")["weights"]
    weights = load(session.round(0).confidence, "the network")["weights"]
    copy = {name.removeprefix("backbone."): value for name, value in weights.items() if name.startswith("backbone.")}
    assert set(copy) == set(segmentation)
    moved = {name for name, value in copy.items() if not torch.equal(value, segmentation[name])}
    if frozen:
        assert not moved
    else:
        # All that the head builds on learns, down to the first convolution.
        assert {"down.0.0.weight", "join.0.0.weight"} <= moved
    said = read(session.round(0).confidence_training)
    assert (said["target"], said["frozen"], said["held_out_cases"]) == (target, frozen, 1)
    assert all(math.isfinite(value) for value in said["loss"]) and any(event.kind == "progress" for event in events)


def test_the_confidence_is_passed_over_where_it_is_there_or_not_wanted(tmp_path: Path) -> None:
    session = ready(tmp_path)
    list(learn_segmentation(session, 0))
    list(learn_confidence(session, 0))
    assert list(learn_confidence(session, 0)) == []
    plain = replace(session, configuration=replace(session.configuration, relabelling=Relabelling(confidence="mcp")))
    session.round(0).confidence.unlink()
    assert list(learn_confidence(plain, 0)) == []
    assert not session.round(0).confidence.exists()


def test_a_damaged_network_of_the_round_before_is_a_failure(tmp_path: Path) -> None:
    session = ready(tmp_path)
    session.round(0).segmentation.parent.mkdir(parents=True)
    session.round(0).segmentation.write_bytes(b"not a network")
    for case in session.cases:
        session.prepare(case, 1)
    with pytest.raises(Failure, match=r"segmentation\.pt"):
        list(learn_segmentation(session, 1))


def test_the_held_out_scans_are_about_half_of_what_the_confidence_sees() -> None:
    assert _repeats(16, 4) == 4 and _repeats(3, 10) == 1 and _repeats(5, 0) == 0


def test_a_structure_whose_best_dice_stays_low_was_not_learned() -> None:
    curves = [
        {"step": 10, "dice": {"A": 0.5, "B": 0.05, "C": math.nan, "D": 0.0}},
        {"step": 20, "dice": {"A": 0.0, "B": 0.09, "C": math.nan, "D": 0.2}},
    ]
    assert _not_learned(curves) == ["B"] and _not_learned([]) == []


def test_what_was_not_learned_is_told_and_kept(tmp_path: Path) -> None:
    session = ready(tmp_path, steps=1)
    events: list[Event] = list(learn_segmentation(session, 0))
    notes = [event for event in events if event.kind == "note"]
    assert notes[-1].fields["message"].startswith("Not learned so far: ")
    assert read(session.round(0).training)["not_learned"] == notes[-1].fields["structures"]
