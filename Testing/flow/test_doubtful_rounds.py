"""Rounds with doubtful and with missing labels: what is weighed, that it goes on where it was stopped, and that no label changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flow.finished import finish
from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.train.checkpoint import load
from PartialLabelSegLib.train.learn import SNAPSHOTS, learn_segmentation
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.steps import Cancelled
from train.making import STRUCTURES, labels_of_cohort, make_session, plan_of, scan_of

FLAGS = ((True, True, True),) * 5
LARGE = STRUCTURES[0]


def shifted(labels: Labels) -> Labels:
    """The large ball drawn four voxels too far up, and said to be doubtful."""
    label_map = labels.label_map.copy()
    moved = np.roll(label_map == 1, 4, axis=1)
    label_map[label_map == 1] = 0
    label_map[moved & (label_map == 0)] = 1
    return replace(Labels.expert(STRUCTURES, label_map, labels.known), imperfect=frozenset({LARGE}))


def doubtful_session(folder: Path, doubtful: str, method: str = "ambiguity-only", steps: int = 60) -> Session:
    """Scans 0 and 1 with a doubtful large ball, 2 and 3 trusted, 4 for validation; views and teacher as in the method."""
    labels = labels_of_cohort(FLAGS)
    labels[:2] = [shifted(item) for item in labels[:2]]
    if method == "mlb":
        labels[2] = labels_of_cohort(((True, True, True), (True, True, True), (True, True, False)))[2]
    plan = replace(plan_of(steps=steps), views=2, teacher=0.9)
    session = make_session(folder, labels, Relabelling(method=method, confidence="mcp"), plan)
    return replace(session, configuration=replace(session.configuration, doubtful=doubtful))


def curves_of(session: Session, number: int = 0) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(session.round(number).training.read_text(encoding="utf-8"))
    return content


def best_dice(session: Session, number: int = 0) -> float:
    return max(entry["dice"][LARGE] for entry in curves_of(session, number)["validation"])


@pytest.fixture(scope="module")
def weighed(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return finish(doubtful_session(tmp_path_factory.mktemp("run"), "weigh")).session


def test_each_term_is_told_apart_from_the_step_on_at_which_it_counts(weighed: Session) -> None:
    terms = curves_of(weighed)["terms"]
    steps = curves_of(weighed)["steps"]
    assert {"bce", "dice", "given", "pseudo", "consistency_views", "consistency_teacher"} <= set(terms)
    assert all(len(row) == len(steps) for row in terms.values())
    first = steps.index(20)  # a quarter of 60 steps is for trusted labels alone
    assert terms["given"][: first - 1] == [None] * (first - 1) and terms["given"][-1] is not None
    assert terms["bce"][0] is not None and terms["bce"][-1] is None


def test_the_networks_along_the_way_are_kept(weighed: Session) -> None:
    kept = load(weighed.round(0).snapshots, "the snapshots")["snapshots"]
    assert len(kept) == SNAPSHOTS
    names = [name for name, value in kept[0].items() if value.is_floating_point() and "running" not in name]
    assert any(not torch.equal(kept[0][name], kept[-1][name]) for name in names)


def test_doubtful_labels_mislead_less_when_they_are_weighed(weighed: Session, tmp_path: Path) -> None:
    given = finish(doubtful_session(tmp_path, "as-given")).session
    assert best_dice(weighed) > best_dice(given)
    assert set(curves_of(given)["terms"]) == {"bce", "dice"}


def test_fixed_weights_are_a_choice(tmp_path: Path) -> None:
    session = finish(doubtful_session(tmp_path, "fixed", steps=20)).session
    assert {"given", "pseudo", "trusted"} <= set(curves_of(session)["terms"])
    # What the checked scans speak against is told in this way too.
    assert (session.round(0).weights(session.cases[0].folder.name) / "doubts.json").exists()


def test_mlb_goes_on_with_initial_labels_and_leaves_the_given_ones_alone(tmp_path: Path) -> None:
    session = doubtful_session(tmp_path, "weigh", "mlb")
    before = [(case.folder / "labels.nrrd").read_bytes() for case in session.cases]
    done = finish(session)
    assert [event.fields["round"] for event in done.events if event.kind == "round"] == [0, 1]
    assert [event.fields["gamma"] for event in done.events if event.kind == "relabelled"] == [0.0]
    assert set(curves_of(session, 0)["terms"]) == {"bce", "dice"} and "given" in curves_of(session, 1)["terms"]
    # The first two rounds share the steps of another method's first one.
    assert (curves_of(session, 0)["steps"][-1], curves_of(session, 1)["steps"][-1]) == (15, 45)
    assert [(case.folder / "labels.nrrd").read_bytes() for case in session.cases] == before
    missing = session.labels(session.cases[2], 1)
    assert not missing.is_known(STRUCTURES[2]) and not missing.voxels(STRUCTURES[2])


def learn_until(session: Session, step: int) -> None:
    """Learns, and asks it to stop after the validation at a step."""
    for event in learn_segmentation(session, 0):
        if event.kind == "validation" and event.fields["step"] >= step:
            session.run.cancel.touch()


def test_a_stopped_weighing_goes_on_to_the_same_network(weighed: Session, tmp_path: Path) -> None:
    session = doubtful_session(tmp_path, "weigh")
    for case in session.cases:
        session.prepare(case, 0)
    for step in (20, 40):
        with pytest.raises(Cancelled):
            learn_until(session, step)
        session.run.cancel.unlink()
    list(learn_segmentation(session, 0))
    first, second = (load(s.round(0).segmentation, "the network")["weights"] for s in (weighed, session))
    assert all(torch.equal(first[name], second[name]) for name in first)
    kept = [load(s.round(0).snapshots, "the snapshots")["snapshots"] for s in (weighed, session)]
    assert all(torch.equal(one[name], two[name]) for one, two in zip(*kept) for name in one)


def test_the_truth_of_the_test_is_what_was_shifted() -> None:
    truth = scan_of(0).truth == 1
    drawn = shifted(labels_of_cohort(FLAGS)[0]).positive(LARGE)
    dice = 2 * (truth & drawn).sum() / (truth.sum() + drawn.sum())
    assert 0.3 < dice < 0.7


def test_what_is_doubted_is_written_for_scans_with_doubtful_labels_alone(weighed: Session) -> None:
    places = [weighed.round(0).weights(case.folder.name) for case in weighed.cases]
    assert [(place / "doubts.json").exists() for place in places] == [True, True, False, False, False]
    assert not list(places[0].glob("weights-2.nrrd"))


def test_bounds_are_learned_and_count_as_terms_of_the_loss(tmp_path: Path) -> None:
    flags = ((True, True, True), (True, True, True), (True, True, True), (False, True, True), (True, True, True))
    session = make_session(
        tmp_path,
        labels_of_cohort(flags),
        Relabelling(method="ambiguity-only", confidence="mcp"),
        replace(plan_of(steps=20), bound_warm_up=0.25),
    )
    session = replace(session, configuration=replace(session.configuration, bounds=("size", "centroid")))
    finish(session)
    terms = curves_of(session)["terms"]
    assert {"size", "centroid"} <= set(terms) and terms["size"][0] is not None
    assert (session.round(0).path / "sizes.json").exists()
