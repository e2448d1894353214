"""The rounds on a tiny cohort of balls: what is accepted, what never changes, and a run that is stopped anywhere ends the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.label_files import read_labels, write_labels
from PartialLabelSegLib.data.labels import EXPERT, FIRST_ROUND, Labels, Marks, Slices
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.relabel.review import ACCEPTED, COMPLETE, NOT_NOW, WRONG, Decision, Review, write_review
from PartialLabelSegLib.relabel.select import candidates
from PartialLabelSegLib.rounds import (
    WaitingForReview,
    automatic_gamma_max,
    gamma_of,
    open_cases,
    rounds_of,
    run_rounds,
)
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.steps import Cancelled
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

SIZE = 24**3


@dataclass(frozen=True, eq=False)
class Done:
    """A run that came to its end, with everything that it told."""

    session: Session
    events: tuple[Event, ...]

    def after(self, number: int, name: str) -> Labels:
        """A case's labels after the decisions of a round."""
        return read_labels(self.session.round(number).labels(name))[0]

    def report(self, number: int) -> dict[str, Any]:
        return json.loads(self.session.round(number).relabelling.read_text())

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def finish(session: Session) -> Done:
    return Done(session, tuple(run_rounds(session)))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Five scans, each of the first three without one structure, completed in two rounds up to gamma 1."""
    return finish(make_session(tmp_path_factory.mktemp("run"), labels_of_cohort()))


MISSING = {"scan0": "Dark", "scan1": "Small", "scan2": "Large"}
"""What each open scan of the cohort lacks."""


def same_labels(first: Labels, second: Labels) -> bool:
    arrays = np.array_equal(first.label_map, second.label_map) and np.array_equal(first.origin, second.origin)
    marks = all(
        set(one) == set(two) and all(np.array_equal(one[name].indices, two[name].indices) for name in one)
        for one, two in ((first.overlaps, second.overlaps), (first.negatives, second.negatives))
    )
    return arrays and marks and first.known == second.known


def test_a_run_comes_to_its_end_and_leaves_every_round(done: Done) -> None:
    assert [event.fields["round"] for event in done.events if event.kind == "round"] == [0, 1, 2]
    assert [event.fields["gamma"] for event in done.events if event.kind == "relabelled"] == [0.5, 1.0]
    for number in range(3):
        folder = done.session.round(number)
        assert folder.segmentation.exists() and folder.confidence.exists() and folder.training.exists()
        assert not list(folder.path.glob("*.checkpoint.pt"))
    assert not done.session.round(2).relabelling.exists()


def test_the_tiny_network_learns_the_balls(done: Done) -> None:
    curves = json.loads(done.session.round(2).training.read_text())
    best = max(curves["validation"], key=lambda entry: sum(entry["dice"].values()))["dice"]
    assert min(best.values()) > 0.7 and curves["not_learned"] == []


def test_every_accepted_voxel_carries_the_round_it_was_accepted_in(done: Done) -> None:
    for name, structure in MISSING.items():
        first, second = done.after(0, name), done.after(1, name)
        assert set(np.unique(first.origin)) == {0, EXPERT, FIRST_ROUND}
        assert set(np.unique(second.origin)) == {0, EXPERT, FIRST_ROUND, FIRST_ROUND + 1}
        for labels in (first, second):
            accepted = labels.origin >= FIRST_ROUND
            assert np.all(labels.label_map[accepted] == labels.value(structure))
            assert np.array_equal(labels.label_map > 0, labels.origin > 0)


def test_what_the_expert_drew_is_the_same_after_every_round(done: Done) -> None:
    for seed, drawn in enumerate(labels_of_cohort()[:3]):
        for number in (0, 1):
            labels = done.after(number, f"scan{seed}")
            mine = drawn.label_map > 0
            assert labels.label_map[mine].tobytes() == drawn.label_map[mine].tobytes()
            assert np.all(labels.origin[mine] == EXPERT) and not np.any(labels.origin[~mine] == EXPERT)
            assert labels.known == drawn.known


def test_the_share_gamma_is_accepted_and_what_was_accepted_stays(done: Done) -> None:
    for name, structure in MISSING.items():
        first, second = done.after(0, name), done.after(1, name)
        row, later = done.report(0)["cases"][name][structure], done.report(1)["cases"][name][structure]
        half = row["candidates"] * 0.5
        assert abs(row["accepted_total"] - half) <= 0.5 and row["accepted_new"] == row["accepted_total"] > 0
        kept = first.origin >= FIRST_ROUND
        assert np.all(second.origin[kept] == FIRST_ROUND)
        # At gamma 1 every candidate of the second round joins what the first one accepted.
        assert later["accepted_new"] == later["candidates"]
        assert (
            later["accepted_total"]
            == row["accepted_total"] + later["accepted_new"]
            == np.sum(second.origin >= FIRST_ROUND)
        )
        assert later["volume_ml"] == pytest.approx(later["accepted_total"] * 0.008)


def test_suggestions_are_accepted_in_the_order_of_their_rank(done: Done) -> None:
    for name, structure in MISSING.items():
        prediction, _ = read_prediction(done.session.round(0).prediction(name))
        labels = done.after(0, name)
        open_before = candidates(partial(scan_of(int(name[-1])).truth, labels.known), prediction.label, structure)
        accepted = labels.origin == FIRST_ROUND
        assert np.all(open_before[accepted])
        assert prediction.rank[accepted].min() > prediction.rank[open_before & ~accepted].max()


def test_scans_for_validation_are_never_relabelled(done: Done) -> None:
    for number in (0, 1):
        assert {path.name for path in (done.session.round(number).path / "labels").iterdir()} == set(MISSING)
        assert set(done.report(number)["cases"]) == set(MISSING)
    held_out = done.session.of_split("validation")[0]
    assert same_labels(held_out.labels(), done.session.labels(held_out, 2))


def test_a_scan_with_nothing_missing_is_neither_predicted_nor_relabelled(done: Done) -> None:
    assert [case.name for case in open_cases(done.session, done.session.cases)] == list(MISSING)
    assert {path.name for path in (done.session.round(2).path / "predictions").iterdir()} == set(MISSING)


def test_the_automatic_review_is_kept_as_the_papers_decisions(done: Done) -> None:
    stored = json.loads(done.session.round(0).review.read_text())
    assert stored["by"] == done.report(0)["by"] == "automatic"
    assert {(item["decision"], item["gamma"]) for item in stored["decisions"]} == {("accepted", 0.5)}


def test_a_finished_run_told_to_go_on_changes_nothing(done: Done) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.session.run.path.rglob("*") if path.is_file()}
    again = finish(done.session)
    assert {path: path.stat().st_mtime_ns for path in done.session.run.path.rglob("*") if path.is_file()} == before
    assert set(again.kinds()) == {"prepared", "round"}


def final_labels(session: Session) -> dict[str, Labels]:
    return {
        f"{number} {name}": read_labels(session.round(number).labels(name))[0] for number in (0, 1) for name in MISSING
    }


def assert_ended_alike(session: Session, done: Done) -> None:
    expected = final_labels(done.session)
    assert all(same_labels(labels, expected[key]) for key, labels in final_labels(session).items())
    for name in MISSING:
        found, wanted = (read_prediction(one.round(2).prediction(name))[0] for one in (session, done.session))
        assert all(
            np.array_equal(getattr(found, part), getattr(wanted, part)) for part in ("label", "confidence", "rank")
        )


def copied(done: Done, folder: Path) -> Session:
    """The same run again, with its cases only."""
    shutil.copytree(done.session.run.path / "cases", folder / "cases")
    cases = tuple(replace(case, folder=folder / "cases" / case.folder.name) for case in done.session.cases)
    configuration = replace(done.session.configuration, checkpoint_seconds=0.0)
    return replace(done.session, run=replace(done.session.run, path=folder), cases=cases, configuration=configuration)


def interrupted(session: Session, seen: set[str], cancelled: bool) -> bool:
    """Goes on until something new is told, and is stopped there: by a cancel file, or as if killed. Whether the run came to its end."""
    story = run_rounds(session)
    for event in story:
        told = f"{event.kind} {event.fields.get('stage', '')} {event.fields.get('step', '')} {event.fields.get('round', '')}"
        if event.kind in ("progress", "resumed") or told in seen:
            continue
        seen.add(told)
        if not cancelled:
            story.close()
            return False
        session.run.cancel.touch()
        try:
            for _ in story:
                pass
        except Cancelled:
            return False
        finally:
            session.run.cancel.unlink()
    return True


@pytest.mark.slow
@pytest.mark.parametrize("cancelled", [True, False])
def test_a_run_stopped_after_every_single_event_ends_as_an_undisturbed_one(
    done: Done, tmp_path: Path, cancelled: bool
) -> None:
    session = copied(done, tmp_path / "run")
    seen: set[str] = set()
    stops = 0
    while not interrupted(session, seen, cancelled):
        stops += 1
    # A cancelled run may pass on to the next event before it looks at the file; a killed one never does.
    assert stops > (20 if cancelled else 100)
    assert_ended_alike(session, done)


def test_a_run_killed_in_the_middle_of_each_kind_of_work_ends_as_an_undisturbed_one(done: Done, tmp_path: Path) -> None:
    session = copied(done, tmp_path / "run")
    for kind, number in (("prepared", 3), ("checkpoint", 37), ("checkpoint", 5), ("prediction", 2), ("relabelled", 1)):
        story = run_rounds(session)
        for event in story:
            number -= event.kind == kind
            if not number:
                break
        story.close()
    assert_ended_alike(finish(session).session, done)


def test_half_written_work_of_a_killed_relabelling_is_done_again(done: Done, tmp_path: Path) -> None:
    shutil.copytree(done.session.run.path, tmp_path / "run")
    cases = tuple(replace(case, folder=tmp_path / "run" / "cases" / case.folder.name) for case in done.session.cases)
    session = replace(done.session, run=replace(done.session.run, path=tmp_path / "run"), cases=cases)
    for number in (1, 2):
        for part in ("predictions", "labels"):
            shutil.rmtree(session.round(number).path / part, ignore_errors=True)
    session.round(1).relabelling.unlink()
    (session.round(1).labels("scan0")).mkdir(parents=True)
    (session.round(1).labels("scan0") / "labels.nrrd").write_bytes(b"half")
    assert_ended_alike(finish(session).session, done)


def test_lost_labels_of_a_round_are_a_failure_and_never_replaced_by_the_experts(done: Done, tmp_path: Path) -> None:
    shutil.copytree(done.session.run.path, tmp_path / "run")
    session = replace(done.session, run=replace(done.session.run, path=tmp_path / "run"))
    shutil.rmtree(session.round(1).labels("scan1"))
    with pytest.raises(Failure, match=r"labels\.json.*is missing from scan1"):
        finish(session)


def reviewed(folder: Path, labels: Sequence[Labels] | None = None) -> Session:
    choices = Relabelling(rounds=1, gamma_max=1.0, review=True)
    return make_session(folder, labels or labels_of_cohort(), choices)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A run whose suggestions of round 0 wait for a person."""
    session = reviewed(tmp_path_factory.mktemp("waiting"))
    with pytest.raises(WaitingForReview, match=r"rounds/0/review\.json"):
        finish(session)
    return session


def decided(waiting: Session, folder: Path, decisions: Sequence[Decision]) -> Done:
    """The waiting run, copied, with a person's decisions, run to its end."""
    shutil.copytree(waiting.run.path, folder)
    cases = tuple(replace(case, folder=folder / "cases" / case.folder.name) for case in waiting.cases)
    session = replace(waiting, run=replace(waiting.run, path=folder), cases=cases)
    write_review(session.round(0).review, Review("person", tuple(decisions)))
    return finish(session)


def test_a_run_waits_where_decisions_were_asked_for_and_changes_nothing_meanwhile(waiting: Session) -> None:
    folder = waiting.round(0)
    assert not folder.relabelling.exists() and not folder.review.exists()
    assert (folder.prediction("scan0") / "prediction.json").exists()
    with pytest.raises(WaitingForReview):
        finish(waiting)
    assert not folder.relabelling.exists()


def suggested(waiting: Session, name: str) -> np.ndarray:
    """bool: all suggestions for what a scan of the cohort lacks."""
    prediction, _ = read_prediction(waiting.round(0).prediction(name))
    mask: np.ndarray = (prediction.rank > 0) & (prediction.label == prediction.value(MISSING[name]))
    assert mask.any()
    return mask


def test_a_persons_decisions_are_honoured(waiting: Session, tmp_path: Path) -> None:
    result = decided(
        waiting,
        tmp_path / "run",
        [
            Decision("scan0", "Dark", ACCEPTED, 1.0),
            Decision("scan1", "Small", WRONG, 1.0),
            Decision("scan2", "Large", NOT_NOW),
            Decision("scan2", "Large", NOT_NOW, 0.5),
        ],
    )
    accepted, denied, left = (result.after(0, name) for name in MISSING)
    assert result.report(0)["by"] == "person"
    assert np.array_equal(accepted.origin == FIRST_ROUND, suggested(waiting, "scan0"))
    assert np.array_equal(denied.negatives["Small"].mask(denied.label_map.shape), suggested(waiting, "scan1"))
    assert not np.any(denied.origin >= FIRST_ROUND) and not denied.is_known("Small")
    assert same_labels(left, labels_of_cohort()[2])
    # What was denied teaches: those voxels are certain for the next round, and only those beside the drawn ones.
    learned = result.session.open(result.session.cases[1], 1)
    certain = np.unpackbits(learned.planes["certain-2"], axis=-1, count=24).astype(bool)
    assert np.array_equal(certain, suggested(waiting, "scan1") | (denied.label_map > 0))


def test_complete_makes_a_structure_known_in_the_whole_scan(waiting: Session, tmp_path: Path) -> None:
    result = decided(waiting, tmp_path / "run", [Decision("scan0", "Dark", COMPLETE, 1.0)])
    labels = result.after(0, "scan0")
    assert labels.known == (True, True, True)
    assert np.array_equal(labels.positive("Dark"), suggested(waiting, "scan0"))
    assert result.session.open(result.session.cases[0], 1).known.all()
    assert result.session.cases[0].labels().known == (True, True, False)


def test_decisions_on_a_case_that_the_run_does_not_have_are_a_failure(waiting: Session, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="which this run does not have"):
        decided(waiting, tmp_path / "run", [Decision("scan9", "Dark", ACCEPTED, 1.0)])


def test_decisions_that_come_before_they_are_asked_for_are_honoured_too(tmp_path: Path) -> None:
    session = make_session(tmp_path, labels_of_cohort(), Relabelling(rounds=1, gamma_max=1.0), plan_of(steps=30))
    write_review(session.round(0).review, Review("person", ()))
    result = finish(session)
    assert all(not np.any(result.after(0, name).origin >= FIRST_ROUND) for name in MISSING)


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
        assert json.loads(result.session.round(number).training.read_text())["not_learned"] == ["Dark"]
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
    result = finish(make_session(tmp_path, cohort, Relabelling(rounds=1, gamma_max=1.0)))
    labels = result.after(0, "scan0")
    accepted = labels.origin >= FIRST_ROUND
    assert accepted.any() and not accepted[~beyond].any()
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


def truth_folder(folder: Path, session: Session) -> Session:
    """The session as an experiment, compared with every ball as it was made."""
    for seed, case in enumerate(session.cases):
        whole = Labels.expert(STRUCTURES, scan_of(seed).truth, (True, True, True))
        write_labels(folder / case.folder.name, whole, case.grid)
    return replace(session, truth=folder)


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
