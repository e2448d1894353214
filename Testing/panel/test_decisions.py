"""Decisions: taken over any scope, saved at once, undone and redone across restarts, counted without a volume, and honoured by the worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.deciding import (
    CRUMB,
    GRID,
    KNOWN,
    LIVER,
    NAMES,
    at_once,
    labels_of,
    make_run,
    opened,
    predict,
    prediction_of,
)
from PartialLabelSegLib.panel.acceptance import Acceptance, Volumes
from PartialLabelSegLib.panel.decisions import Decisions, open_decisions, set_aside
from PartialLabelSegLib.panel.run_facts import RunReader
from PartialLabelSegLib.panel.scope import Counts, Said, Scope
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.edits import read_edits
from PartialLabelSegLib.relabel.proposal_file import NAME
from PartialLabelSegLib.relabel.reliability import Tally, write_reliability
from PartialLabelSegLib.relabel.review import Review, read_review
from PartialLabelSegLib.relabel.select import accepted
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.files import write_json
from PartialLabelSegLib.run.folder import RunFolder

LIVER_1 = Scope("CT 1", "Liver")
EVERYTHING = Scope()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run")


@pytest.fixture
def decisions(run: RunFolder) -> Decisions:
    return opened(run)


def on_disk(run: RunFolder) -> Review:
    """What the worker reads."""
    return read_review(run.round(0).review, NAMES, dict.fromkeys(KNOWN, 960))


def stand(decisions: Decisions) -> dict[tuple[str, str], str]:
    """Every decision on a whole structure, by its name."""
    pairs = [(scan, name) for scan in decisions.scans for name in decisions.structures(scan)]
    return {pair: said for pair in pairs if (said := decisions.said(*pair).decision)}


def test_only_training_scans_are_decided_on_and_only_what_is_not_known(decisions: Decisions) -> None:
    assert decisions.scans == ("CT 1", "CT 2", "CT 3")
    assert [decisions.structures(scan) for scan in decisions.scans] == [
        ("Liver",),
        ("Liver", "Spleen"),
        ("Spleen", "Tumour"),
    ]


def test_a_decision_is_on_disk_at_once_and_comes_back(run: RunFolder, decisions: Decisions) -> None:
    assert decisions.decide(LIVER_1, "accepted", 0.66) == "accept Liver in CT 1 at 66 %"
    assert on_disk(run) == Review("person", decisions.latest("CT 1"))
    assert decisions.said("CT 1", "Liver") == Said("accepted", 0.66)
    assert decisions.decide(LIVER_1, "accepted", 0.66) == ""
    assert decisions.decide(LIVER_1, "wrong", 1.0) == "wrong: Liver in CT 1"
    again = opened(run)
    assert again.said("CT 1", "Liver") == Said("wrong", 1.0)
    assert again.undo() == "wrong: Liver in CT 1" and again.said("CT 1", "Liver").gamma == 0.66
    # The redo survives a restart as well.
    third = opened(run)
    assert (third.undo_words, third.redo_words) == ("accept Liver in CT 1 at 66 %", "wrong: Liver in CT 1")
    assert third.redo() and third.said("CT 1", "Liver").decision == "wrong"
    assert third.redo() == "" and len(on_disk(run).decisions) == 2


def test_wide_scopes_decide_what_is_open_and_leave_the_rest_alone(decisions: Decisions) -> None:
    decisions.decide(Scope("CT 2", "Liver"), "wrong", 1.0)
    assert decisions.decide(EVERYTHING, "accepted", 0.5) == "accept: 3 suggestions"
    assert stand(decisions) == {
        ("CT 1", "Liver"): "accepted",
        ("CT 2", "Liver"): "wrong",
        ("CT 2", "Spleen"): "accepted",
        ("CT 3", "Spleen"): "accepted",
    }
    # The same with another share is taken over; another decision is not.
    assert decisions.decide(Scope(structure="Spleen"), "accepted", 0.75) == "accept: 2 suggestions"
    assert decisions.said("CT 3", "Spleen").gamma == 0.75 and decisions.said("CT 1", "Liver").gamma == 0.5
    assert decisions.decide(Scope(scan="CT 3"), "complete", 1.0) == ""
    assert decisions.undo() == "accept: 2 suggestions" and decisions.said("CT 3", "Spleen").gamma == 0.5
    assert decisions.undo() and stand(decisions) == {("CT 2", "Liver"): "wrong"}
    assert decisions.taken() == {"wrong": 1}
    decisions.redo()
    decisions.start_anew()
    assert not stand(decisions) and decisions.redo() == "wrong: Liver in CT 2"


def test_of_nothing_only_complete_says_something(decisions: Decisions) -> None:
    tumour = Scope("CT 3", "Tumour")
    for decision in ("accepted", "wrong"):
        assert decisions.decide(tumour, decision, 1.0) == ""
    assert decisions.decide(LIVER_1, "accepted", 0.0) == ""
    assert decisions.decide(tumour, "complete", 1.0) == "complete Tumour in CT 3"
    assert decisions.said("CT 3", "Tumour") == Said("complete")


def test_a_part_is_decided_by_itself(run: RunFolder, decisions: Decisions) -> None:
    large, small = decisions.proposal("CT 1").structures["Liver"].levels[-1].components
    assert (large.voxels, small.voxels) == (120, 2)
    part = Scope("CT 1", "Liver", small.seed)
    assert decisions.decide(part, "wrong", 1.0) == "wrong: a part of Liver in CT 1"
    assert (
        decisions.said("CT 1", "Liver") == Said(parts={small.seed: "wrong"}) and decisions.said("CT 1", "Liver").is_open
    )
    decisions.decide(LIVER_1, "accepted", 1.0)
    result = apply(labels_of("CT 1"), prediction_of("CT 1"), on_disk(run), "CT 1", 0)
    expected = np.zeros(GRID.shape, bool)
    expected[LIVER] = True
    assert np.array_equal(result.positive("Liver"), expected)
    denied = np.zeros(GRID.shape, bool)
    denied[CRUMB] = True
    assert result.negatives["Liver"].indices.tolist() == np.flatnonzero(denied).tolist()
    with pytest.raises(ValueError, match="belongs to one structure"):
        Scope("CT 1", None, 3)


def test_what_was_drawn_is_saved_and_completed(run: RunFolder, decisions: Decisions) -> None:
    decisions.decide(LIVER_1, "accepted", 1.0)
    mask = np.ones((2, 3, 4), bool)
    assert decisions.edited("CT 1", "Liver", mask, (2, 2, 2)) == "edit Liver in CT 1"
    assert decisions.said("CT 1", "Liver").decision == "edited"
    decisions.decide(LIVER_1, "complete", 0.5)
    said = opened(run).said("CT 1", "Liver")
    assert said.decision == "complete" and said.edit is not None and said.gamma is None
    review = on_disk(run)
    drawn = read_edits(run.round(0).path, review.latest("CT 1"), GRID)
    result = apply(labels_of("CT 1"), prediction_of("CT 1"), review, "CT 1", 0, drawn)
    assert result.is_known("Liver") and result.voxels("Liver") == 24
    assert np.array_equal(next(iter(decisions.edits("CT 1").values())), np.flatnonzero(result.positive("Liver")))
    decisions.undo()
    decisions.undo()
    assert decisions.said("CT 1", "Liver") == Said("accepted", 1.0)
    # A second drawing does not overwrite the first, which can be redone until then.
    assert (
        decisions.edited("CT 1", "Liver", mask, (0, 0, 0)) and len(list((run.round(0).path / "edits").iterdir())) == 2
    )
    with pytest.raises(ValueError, match="said with"):
        decisions.decide(LIVER_1, "edited", 1.0)


def test_suggestions_come_scan_by_scan(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "CT 2")
    decisions = open_decisions(run, RunReader().facts(run), 0)
    told: list[tuple[str, ...]] = []
    decisions.changed.append(lambda: told.append(decisions.scans))
    assert [decisions.refresh(), decisions.refresh()] == [("CT 2",), ()]
    predict(run, "CT 3")
    predict(run, "CT 1")
    assert [decisions.refresh(1), decisions.refresh(1)] == [("CT 1",), ("CT 3",)]
    assert told == [("CT 2",), ("CT 1", "CT 2"), ("CT 1", "CT 2", "CT 3")]
    assert decisions.counts(Scope("CT 9"), 1.0) == Counts()


def test_a_scan_without_a_list_of_suggestions_gets_it(run: RunFolder) -> None:
    folder = run.round(0).prediction("CT_1")
    (folder / NAME).unlink()
    (run.round(0).prediction("CT_2") / NAME).write_text("{}", encoding="utf-8")
    decisions = opened(run)
    assert [decisions.scans, decisions.lacking()] == [("CT 3",), ("CT 1", "CT 2")]
    for scan in decisions.lacking():
        decisions.make(scan)
    assert [decisions.scans, decisions.lacking()] == [("CT 1", "CT 2", "CT 3"), ()]


def test_counts_are_those_of_the_volumes(run: RunFolder, decisions: Decisions) -> None:
    prediction = prediction_of("CT 2")
    liver = decisions.counts(LIVER_1, 1.0)
    assert (liver.voxels, liver.all_voxels, liver.parts, liver.precision) == (122, 122, 2, None)
    assert [liver.ml, liver.all_ml] == pytest.approx([1.22, 1.22])
    half = decisions.counts(Scope("CT 2"), 0.5)
    assert (half.voxels, half.all_voxels) == (61 + 6, 122 + 12)
    assert half.voxels == np.count_nonzero(prediction.rank > 32767)
    whole = decisions.counts(EVERYTHING, 0.37)
    assert whole.all_voxels == 2 * 122 + 2 * 12 and whole.all_ml == pytest.approx(2.68)
    large = decisions.proposal("CT 1").structures["Liver"].levels[-1].components[0]
    part = decisions.counts(Scope("CT 1", "Liver", large.seed), 1.0)
    assert (part.voxels, part.parts, part.all_voxels) == (120, 1, 122)
    assert decisions.counts(Scope("CT 1", "Liver", 0), 1.0).voxels == 0
    assert decisions.counts(Scope("CT 3", "Tumour"), 1.0) == Counts()
    # Measured on held-out scans of the liver only.
    tally = Tally(1, tuple(range(100, 2100, 100)), tuple(range(90, 1890, 90)))
    write_reliability(run.round(0).reliability, {"Liver": tally})
    decisions.refresh()
    assert decisions.counts(LIVER_1, 0.5).precision == pytest.approx(0.9)
    mixed = decisions.counts(Scope("CT 2"), 1.0)
    assert mixed.precision == pytest.approx(0.9) and mixed.covered == pytest.approx(122 / 134)
    assert decisions.counts(Scope("CT 3"), 1.0).precision is None


def test_a_round_that_was_taken_over_stands(run: RunFolder, decisions: Decisions) -> None:
    decisions.decide(LIVER_1, "accepted", 0.5)
    before = run.round(0).review.read_bytes()
    write_json(run.round(0).relabelling, {})
    assert decisions.is_closed
    moves: list[Callable[[], object]] = [
        lambda: decisions.decide(LIVER_1, "wrong", 0.5),
        decisions.undo,
        lambda: decisions.edited("CT 1", "Liver", np.ones((1, 1, 1), bool), (0, 0, 0)),
    ]
    for move in moves:
        with pytest.raises(Failure, match="Round 1 is over"):
            move()
    assert run.round(0).review.read_bytes() == before and not (run.round(0).path / "edits").exists()


def test_a_decision_that_cannot_be_saved_is_not_taken(decisions: Decisions, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    decisions.decide(LIVER_1, "accepted", 0.5)
    monkeypatch.setattr("PartialLabelSegLib.panel.decisions.write_history", full)
    for move in (lambda: decisions.decide(LIVER_1, "wrong", 0.5), decisions.undo):
        with pytest.raises(Failure, match="could not be saved .No space left"):
            move()
    assert decisions.said("CT 1", "Liver") == Said("accepted", 0.5)


def test_a_damaged_review_is_said_and_can_be_set_aside(run: RunFolder, decisions: Decisions) -> None:
    decisions.decide(LIVER_1, "accepted", 0.5)
    for count in (1, 2):
        run.round(0).review.write_text("{ not json", encoding="utf-8")
        with pytest.raises(Failure, match="damaged"):
            opened(run)
        assert set_aside(run, 0).name == f"review-damaged-{count}.json"
        assert not stand(opened(run))


def test_a_review_written_by_hand_goes_on_and_is_undone_as_one_step(run: RunFolder) -> None:
    items = [{"case": "CT 1", "structure": "Liver", "decision": "accepted", "gamma": 0.5}]
    items.append({"case": "CT 2", "structure": "Spleen", "decision": "not now"})
    run.round(0).review.write_text(json.dumps({"format": 1, "by": "person", "decisions": items}), encoding="utf-8")
    decisions = opened(run)
    assert len(stand(decisions)) == 2
    decisions.decide(Scope("CT 2", "Liver"), "wrong", 1.0)
    decisions.undo()
    assert len(stand(decisions)) == 2
    decisions.undo()
    assert not stand(decisions) and on_disk(run) == Review("person")


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["decide", "decide", "decide", "undo", "redo", "edit", "restart"]),
        st.sampled_from([None, "CT 1", "CT 2", "CT 3"]),
        st.sampled_from([None, "Liver", "Spleen"]),
        st.sampled_from(["accepted", "wrong", "not now", "complete"]),
        st.sampled_from([0.25, 0.5, 1.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_run(tmp_path_factory.mktemp("shared") / "run")


@given(MOVES)
def test_whatever_is_clicked_the_worker_does_what_the_panel_shows(
    shared_run: RunFolder, moves: list[tuple[str, str | None, str | None, str, float, bool]]
) -> None:
    shared_run.round(0).review.unlink(missing_ok=True)
    decisions = opened(shared_run)
    for kind, scan, structure, decision, gamma, by_part in moves:
        if kind == "restart":
            decisions = opened(shared_run)
        elif kind in ("undo", "redo"):
            decisions.undo() if kind == "undo" else decisions.redo()
        elif kind == "edit":
            decisions.edited("CT 2", structure or "Liver", np.ones((2, 2, 3), bool), (3, 1, 8))
        else:
            part = None
            if by_part and scan and structure in decisions.structures(scan) and decision != "complete":
                level = decisions.proposal(scan).structures[structure].at(gamma)
                assert level is not None
                part = level.components[-1].seed
            decisions.decide(Scope(scan, structure, part), decision, gamma)
    review = on_disk(shared_run) if shared_run.round(0).review.exists() else Review("person")
    for scan in decisions.scans:
        assert review.latest(scan) == decisions.latest(scan)
        edits = decisions.edits(scan)
        prediction, labels = prediction_of(scan), labels_of(scan)
        after = apply(labels, prediction, review, scan, 0, edits)
        volumes = Volumes(NAMES, prediction.label, prediction.rank, partial(at_once, labels_of(scan)))
        shown = Acceptance(decisions.proposal(scan), volumes)
        for structure in decisions.structures(scan):
            region = shown.accepted(structure, decisions.latest(scan), edits)
            whole = np.zeros(GRID.shape, bool)
            if region is not None:
                whole[region[0]] = region[1]
            assert np.flatnonzero(whole).tolist() == accepted(after, structure).tolist()
            assert after.is_known(structure) == (decisions.said(scan, structure).decision == "complete")
