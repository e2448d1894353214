"""The rounds with other methods and dimensions, and on cohorts with something special in their labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flow.finished import MISSING, Done, finish, truth_folder
from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.labels import EXPERT, FIRST_ROUND, Labels, Marks, Slices
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.relabel.review import Review, write_review
from PartialLabelSegLib.rounds import (
    automatic_gamma_max,
    gamma_of,
    rounds_of,
)
from PartialLabelSegLib.run.failure import Failure
from train.making import (
    STRUCTURES,
    labels_of_cohort,
    make_session,
    partial,
    plan_of,
    scan_of,
    straight_grid,
    write_scan,
)


def quick(folder: Path, labels: Sequence[Labels], choices: Relabelling) -> Done:
    return finish(make_session(folder, labels, choices, plan_of(labels[0].structures, steps=20)))


def test_the_naive_method_takes_what_is_missing_for_background(tmp_path: Path) -> None:
    result = quick(tmp_path, labels_of_cohort(), Relabelling(method="naive"))
    session = result.session
    assert rounds_of(session) == 0 and "relabelled" not in result.kinds()
    for case in session.of_split("train"):
        assert session.open(case, 0).known.all()
    # The annotator's word is not changed by that: what is suggested in the end is what was missing.
    assert {path.name for path in (session.round(0).path / "predictions").iterdir()} == set(MISSING)


def test_the_naive_method_is_validated_against_what_was_looked_for(tmp_path: Path) -> None:
    labels = labels_of_cohort()
    labels[-1] = partial(scan_of(4).truth, (True, False, True))
    session = quick(tmp_path, labels, Relabelling(method="naive")).session
    assert session.open(session.of_split("validation")[0], 0).known.tolist() == [True, False, True]


def test_ambiguity_only_never_relabels_and_all_pseudo_labels_accepts_everything_at_once(tmp_path: Path) -> None:
    only = quick(tmp_path / "only", labels_of_cohort(), Relabelling(method="ambiguity-only"))
    assert rounds_of(only.session) == 0 and not only.session.round(0).relabelling.exists()
    everything = quick(tmp_path / "all", labels_of_cohort(), Relabelling(method="all-pseudo-labels", rounds=5))
    assert rounds_of(everything.session) == 1 and everything.report(0)["gamma"] == 1.0
    for name in MISSING:
        row = everything.report(0)["cases"][name][MISSING[name]]
        assert row["accepted_total"] == row["candidates"]


def test_the_paper_confidence_needs_no_second_network(tmp_path: Path) -> None:
    result = quick(tmp_path, labels_of_cohort(), Relabelling(rounds=1, confidence="mcp", gamma_max=1.0))
    assert not result.session.round(0).confidence.exists()
    prediction, _ = read_prediction(result.session.round(0).prediction("scan2"))
    found = prediction.label > 0
    assert found.any() and np.array_equal(prediction.confidence[found], prediction.probability[found])
    assert not prediction.confidence[~found].any()


@pytest.mark.parametrize("dimensions", ["2.5d", "3d"])
def test_other_dimensions_run_to_the_end(tmp_path: Path, dimensions: str) -> None:
    choices = Relabelling(rounds=1, gamma_max=1.0)
    result = finish(make_session(tmp_path, labels_of_cohort(), choices, plan_of(dimensions=dimensions, steps=40)))
    assert set(result.report(0)["cases"]) == set(MISSING)
    assert sum(row["accepted_total"] for rows in result.report(0)["cases"].values() for row in rows.values()) > 0


def test_a_scan_without_any_label_is_completed_too(tmp_path: Path) -> None:
    known = ((True, True, True), (False, False, False), (True, True, True), (True, True, True))
    result = finish(make_session(tmp_path, labels_of_cohort(known), Relabelling(rounds=1, gamma_max=1.0)))
    labels, truth = result.after(0, "scan1"), scan_of(1).truth
    accepted = labels.label_map > 0
    assert np.all(labels.origin[accepted] == FIRST_ROUND)
    assert np.mean(labels.label_map[accepted] == truth[accepted]) > 0.8
    assert result.report(0)["cases"].keys() == {"scan1"}


def test_a_structure_that_nobody_labelled_is_named_and_the_others_are_learned(tmp_path: Path) -> None:
    known = ((True, True, False), (True, False, False), (True, True, False), (True, True, False))
    result = finish(make_session(tmp_path, labels_of_cohort(known), Relabelling(rounds=1, gamma_max=1.0)))
    notes = [event.fields for event in result.events if event.kind == "note"]
    assert notes[0]["message"] == "Labelled in no training scan, so nothing can be suggested for it: Dark."
    for number in (0, 1):
        assert json.loads(result.session.round(number).training.read_text(encoding="utf-8"))["not_learned"] == ["Dark"]
    assert result.report(0)["cases"]["scan1"]["Small"]["accepted_total"] > 0
    assert all(rows["Dark"]["candidates"] == 0 for rows in result.report(0)["cases"].values())


def test_where_no_structure_is_labelled_anywhere_a_sentence_says_so(tmp_path: Path) -> None:
    labels = labels_of_cohort(((False, False, False),) * 3)
    with pytest.raises(Failure, match=r"No training case has a labelled structure.*Run `check`"):
        quick(tmp_path, labels, Relabelling())


def test_a_structure_drawn_on_some_slices_is_completed_on_the_others_only(tmp_path: Path) -> None:
    cohort = labels_of_cohort(((True, True, True),) * 4)
    looked_at = tuple(range(9, 13))
    drawn = cohort[0].label_map.copy()
    beyond = np.ones(24, bool)
    beyond[list(looked_at)] = False
    drawn[beyond] = np.where(drawn[beyond] == 1, 0, drawn[beyond])
    cohort[0] = Labels.expert(STRUCTURES, drawn, (False, True, True), {"Large": Slices(0, looked_at)})
    session = make_session(tmp_path / "run", cohort, Relabelling(rounds=1, gamma_max=1.0))
    result = finish(truth_folder(tmp_path / "truth", session))
    labels = result.after(0, "scan0")
    accepted = labels.origin >= FIRST_ROUND
    assert accepted.any() and not accepted[~beyond].any()
    assert result.report(0)["cases"]["scan0"]["Large"]["truth"] == np.sum(scan_of(0).truth[beyond] == 1)
    assert np.array_equal(labels.label_map[~beyond], drawn[~beyond])
    assert labels.slices["Large"].indices == looked_at


def overlapping_cohort() -> list[Labels]:
    """A core inside the large ball: drawn beside it in two scans, missing in one."""
    pair = frozenset({frozenset(("Large", "Core"))})
    found = []
    for seed in range(4):
        truth = scan_of(seed).truth
        large = (truth == 1).astype(np.uint8)
        places = np.argwhere(large)
        inner = np.linalg.norm(np.indices(large.shape).transpose(1, 2, 3, 0) - places.mean(0), axis=-1) < 3.5
        missing = seed == 1
        overlaps = {} if missing else {"Core": Marks.of(inner & (large > 0))}
        known = (True, not missing)
        origin = (large > 0).astype(np.uint8)
        found.append(Labels(("Large", "Core"), large, known, origin, {}, overlaps, {}, {}, pair))
    return found


def test_a_structure_within_another_is_learned_and_completed_beside_it(tmp_path: Path) -> None:
    cohort = overlapping_cohort()
    session = make_session(tmp_path, cohort, Relabelling(rounds=1, gamma_max=1.0))
    result = finish(session)
    ready = session.open(session.cases[0], 0)
    assert np.array_equal(ready.points[2], cohort[0].overlaps["Core"].indices)
    labels = result.after(0, "scan1")
    assert labels.label_map.tobytes() == cohort[1].label_map.tobytes()
    assert np.all(labels.origin[labels.label_map == 1] == EXPERT)
    row = result.report(0)["cases"]["scan1"]["Core"]
    assert row["accepted_total"] == row["accepted_new"] == labels.voxels("Core")


def test_with_the_truth_given_it_is_said_how_right_each_round_was(tmp_path: Path) -> None:
    known = ((True, False, False), (True, False, True), (True, True, True), (True, True, True), (True, True, True))
    session = make_session(tmp_path / "run", labels_of_cohort(known), Relabelling(rounds=1, gamma_max=1.0))
    result = finish(truth_folder(tmp_path / "truth", session))
    report = result.report(0)
    correct, accepted, true = 0, 0, 0
    for seed in (0, 1):
        labels, truth = result.after(0, f"scan{seed}"), scan_of(seed).truth
        mine = (labels.label_map == 2) & (labels.origin >= FIRST_ROUND)
        row = report["cases"][f"scan{seed}"]["Small"]
        assert row["correct"] == np.sum(truth[mine] == 2) and row["truth"] == np.sum(truth == 2)
        assert row["precision"] == pytest.approx(row["correct"] / row["accepted_total"])
        assert row["recall"] == pytest.approx(row["correct"] / row["truth"])
        correct, accepted, true = correct + row["correct"], accepted + int(mine.sum()), true + row["truth"]
    assert report["structures"]["Small"] == pytest.approx({"precision": correct / accepted, "recall": correct / true})
    assert report["structures"]["Large"] == {}
    with np.load(result.session.round(0).prediction("scan0") / "candidates.npz") as stored:
        assert stored["correct-2"].dtype == bool and stored["correct-2"].shape == stored["confidence-2"].shape


def test_nothing_accepted_has_no_precision(tmp_path: Path) -> None:
    session = make_session(
        tmp_path / "run", labels_of_cohort(), Relabelling(rounds=1, gamma_max=1.0), plan_of(steps=20)
    )
    session = truth_folder(tmp_path / "truth", session)
    write_review(session.round(0).review, Review("person", ()))
    row = finish(session).report(0)["cases"]["scan0"]["Dark"]
    assert row["accepted_total"] == 0 and row["precision"] is None and row["recall"] == 0


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (((True, True, False), (True, False, False), (True, True, True)), 1.0),
        (((True, False, False), (True, True, False), (True, True, True)), 1.0),
        (((True, False, False), (True, False, False), (True, True, True)), 0.66),
        (((False, False, False), (True, False, False), (True, True, True)), 0.66),
    ],
)
def test_gamma_stops_at_two_thirds_where_less_than_half_is_labelled(
    tmp_path: Path, known: Sequence[Sequence[bool]], expected: float
) -> None:
    session = make_session(tmp_path, labels_of_cohort(known), Relabelling(rounds=3))
    assert automatic_gamma_max(session) == expected
    assert [gamma_of(session, number) for number in range(3)] == pytest.approx(
        [expected / 3, expected * 2 / 3, expected]
    )


def test_a_run_without_scans_for_validation_runs_to_its_end(tmp_path: Path) -> None:
    session = make_session(tmp_path, labels_of_cohort(), Relabelling(rounds=1, gamma_max=1.0), plan_of(steps=20))
    only = replace(session, cases=session.of_split("train"))
    result = finish(only)
    assert "validation" not in result.kinds() and result.report(0)["cases"].keys() == set(MISSING)


def test_an_open_scan_of_the_test_split_is_predicted_in_the_end_and_never_learned_from(tmp_path: Path) -> None:
    session = make_session(tmp_path, labels_of_cohort(), Relabelling(rounds=1, gamma_max=1.0), plan_of(steps=20))
    unseen = write_scan(
        session.run.case("unseen"), scan_of(9).image, partial(scan_of(9).truth, (False,) * 3), straight_grid(), "test"
    )
    result = finish(replace(session, cases=(*session.cases, unseen)))
    assert "unseen" not in result.report(0)["cases"]
    assert not (result.session.round(0).prediction("unseen")).exists()
    prediction, _ = read_prediction(result.session.round(1).prediction("unseen"))
    assert prediction.label.shape == scan_of(9).truth.shape
