"""The rounds on a tiny cohort of balls: what is accepted, what never changes, and a run that is stopped anywhere ends the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flow.finished import MISSING, Done, finish, same_labels
from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.label_files import read_labels
from PartialLabelSegLib.data.labels import EXPERT, FIRST_ROUND, Labels
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.relabel.review import ACCEPTED, COMPLETE, NOT_NOW, WRONG, Decision, Review, write_review
from PartialLabelSegLib.relabel.select import candidates
from PartialLabelSegLib.rounds import (
    WaitingForReview,
    open_cases,
    run_rounds,
)
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.steps import Cancelled
from train.making import (
    labels_of_cohort,
    make_session,
    partial,
    plan_of,
    scan_of,
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Five scans, each of the first three without one structure, completed in two rounds up to gamma 1."""
    return finish(make_session(tmp_path_factory.mktemp("run"), labels_of_cohort()))


def test_a_run_comes_to_its_end_and_leaves_every_round(done: Done) -> None:
    assert [event.fields["round"] for event in done.events if event.kind == "round"] == [0, 1, 2]
    assert [event.fields["gamma"] for event in done.events if event.kind == "relabelled"] == [0.5, 1.0]
    for number in range(3):
        folder = done.session.round(number)
        assert folder.segmentation.exists() and folder.confidence.exists() and folder.training.exists()
        assert not list(folder.path.glob("*.checkpoint.pt"))
    assert not done.session.round(2).relabelling.exists()


def test_the_tiny_network_learns_the_balls(done: Done) -> None:
    curves = json.loads(done.session.round(2).training.read_text(encoding="utf-8"))
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
    stored = json.loads(done.session.round(0).review.read_text(encoding="utf-8"))
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
