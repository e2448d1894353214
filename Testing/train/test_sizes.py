"""The expected sizes of a run: cross-fitted, resumable, from what is truly known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.sizes import read_sizes
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train import size_folds, sizes
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.sizes import fold_file, folds_of, learn_sizes, oracle_sizes, sizes_file, teachable
from PartialLabelSegLib.train.steps import Cancelled
from train.making import STRUCTURES, labels_of_cohort, make_session, partial, plan_of, scan_of

STEPS = 6
KNOWN = [(True, True, False), (True, False, True), (True, True, True), (True, True, False), (True, True, True)]


def session_of(folder: Path, known: Sequence[tuple[bool, ...]] = KNOWN, dimensions: str = "2d") -> Session:
    labels = [partial(scan_of(seed).truth, flags) for seed, flags in enumerate(known)]
    session = make_session(folder, labels, plan=replace(plan_of(dimensions=dimensions), size_steps=STEPS))
    for case in session.cases:
        session.prepare(case, 0)
    return session


@pytest.mark.parametrize("dimensions", ["2d", "3d"])
def test_every_scan_of_the_run_gets_sizes_and_every_structure_intervals(tmp_path: Path, dimensions: str) -> None:
    session = session_of(tmp_path, dimensions=dimensions)
    events = list(learn_sizes(session, 0))
    table = read_sizes(sizes_file(session, 0))
    assert set(table.cases) == {case.name for case in session.cases}
    # Four training scans show Large, three Small, two Dark.
    assert dict(table.learned_from) == {"Large": 4, "Small": 3, "Dark": 2}
    assert [table.coverage(name) for name in STRUCTURES] == pytest.approx([4 / 5, 3 / 4, 2 / 3])
    for case in session.cases:
        for name in STRUCTURES:
            interval = table.volume_ml(case.name, name)
            assert interval is not None and interval.low <= interval.value <= interval.high
    drawn = table.cases["scan0"]["Large"].drawn_ml
    assert drawn == pytest.approx((scan_of(0).truth == 1).sum() * 8 / 1000)
    assert table.cases["scan0"]["Dark"].drawn_ml is None
    assert (table.cases["scan0"]["Large"].slices is None) == (dimensions == "3d")
    assert any(event.kind == "progress" and event.fields["stage"].endswith("sizes") for event in events)
    assert "67 %" in next(event.fields["message"] for event in events if event.kind == "note")


def test_the_drawn_scans_lie_in_intervals_that_were_made_from_them(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    list(learn_sizes(session, 0))
    table = read_sizes(sizes_file(session, 0))
    for case in session.of_split("train"):
        for name in STRUCTURES:
            drawn, interval = table.cases[case.name][name].drawn_ml, table.volume_ml(case.name, name)
            assert interval is not None
            # With so few scans the band is as wide as the worst residual.
            assert drawn is None or interval.low - 1e-6 <= drawn <= interval.high + 1e-6


def test_a_scan_is_predicted_by_the_network_that_did_not_learn_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_of(tmp_path)
    work: list[sizes._Work] = []
    original = sizes._Work.table

    def kept(self: sizes._Work) -> object:
        work.append(self)
        return original(self)

    monkeypatch.setattr(sizes._Work, "table", kept)
    list(learn_sizes(session, 0))
    made, folds = work[0], work[0]._folds()
    table = read_sizes(sizes_file(session, 0))
    for teacher, fold in zip(made.teachers, folds):
        network = made._restored(int(fold))
        assert network is not None
        found = size_folds.predicted(network, made._coarse(teacher.case, np.zeros(3, bool)), session.device)
        mine = table.cases[teacher.case.name]["Large"].slices
        assert mine is not None and np.allclose(found[0], mine, rtol=1e-2, atol=1e-2)


def test_what_is_there_is_not_made_again_and_a_changed_label_makes_it_anew(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    list(learn_sizes(session, 0))
    before = sizes_file(session, 0).read_bytes()
    assert list(learn_sizes(session, 0)) == []
    grid = session.cases[0].grid
    write_labels(session.cases[0].folder, partial(scan_of(0).truth, (True, True, True)), grid)
    session.prepare(session.cases[0], 0)
    assert list(learn_sizes(session, 0))
    assert sizes_file(session, 0).read_bytes() != before


def test_a_stopped_learning_goes_on_behind_its_finished_folds_and_ends_as_if_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = session_of(tmp_path / "calm")
    list(learn_sizes(calm, 0))
    session = session_of(tmp_path / "stopped")
    looks = iter(range(10_000))
    # Twice for each scan and once for each step of the first fold, then into the second.
    monkeypatch.setattr(type(session.run), "cancelled", lambda self: next(looks) == STEPS + 7)
    with pytest.raises(Cancelled):
        list(learn_sizes(session, 0))
    assert fold_file(session, 0, 0).exists() and not fold_file(session, 0, 1).exists()
    monkeypatch.setattr(type(session.run), "cancelled", lambda self: False)
    stamp = fold_file(session, 0, 0).stat().st_mtime_ns
    list(learn_sizes(session, 0))
    assert fold_file(session, 0, 0).stat().st_mtime_ns == stamp
    assert sizes_file(session, 0).read_bytes() == sizes_file(calm, 0).read_bytes()


def test_a_later_round_without_a_newly_completed_structure_takes_the_sizes_over(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    list(learn_sizes(session, 0))
    for case in session.of_split("train"):
        session.prepare(case, 1)
    assert list(learn_sizes(session, 1)) == []
    assert sizes_file(session, 1).read_bytes() == sizes_file(session, 0).read_bytes()


def test_a_quick_label_that_was_confirmed_teaches_the_sizes_of_the_next_round(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    case = session.cases[3]
    labels = session.labels(case, 0)
    write_labels(case.folder, replace(labels, imperfect=frozenset({"Small"})), case.grid)
    list(learn_sizes(session, 0))
    write_labels(session.round(0).labels(case.folder.name), labels, case.grid)
    for one in session.of_split("train"):
        session.prepare(one, 1)
    list(learn_sizes(session, 1))
    first, second = (read_sizes(sizes_file(session, number)).learned_from["Small"] for number in (0, 1))
    assert (first, second) == (2, 3)


def test_no_complete_structure_anywhere_is_said_with_a_way_out(tmp_path: Path) -> None:
    session = session_of(tmp_path, [(False, False, False), (False, False, False), (True, True, True)])
    with pytest.raises(Failure, match="no size can be learned"):
        list(learn_sizes(session, 0))


def test_of_a_structure_that_one_scan_shows_nothing_is_said(tmp_path: Path) -> None:
    session = session_of(tmp_path, [(True, True, False), (True, False, False), (True, True, True)])
    notes = [event.fields["message"] for event in learn_sizes(session, 0) if event.kind == "note"]
    table = read_sizes(sizes_file(session, 0))
    assert any("Too few labelled scans" in note and "Small, Dark" in note for note in notes)
    assert table.coverage("Small") is None and table.volume_ml("scan1", "Small") is None
    assert table.volume_ml("scan1", "Large") is not None


def test_quickly_drawn_structures_do_not_teach_unless_they_count_as_given(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    labels = labels_of_cohort()[3]
    labels = replace(labels, imperfect=frozenset({"Small"}))
    case = session.cases[3]
    write_labels(case.folder, labels, case.grid)
    assert teachable(session, case, labels).tolist() == [True, False, True]
    given = replace(session, configuration=replace(session.configuration, doubtful="as-given"))
    assert teachable(given, case, labels).tolist() == [True, True, True]


@pytest.mark.parametrize("seed", range(5))
def test_the_scans_of_every_structure_are_spread_over_the_folds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = rng.random((17, 4)) < 0.4
    known[:, 0] = True
    known[[3, 8], 3], known[[0, 1, 2, 4, 5, 6, 7, *range(9, 17)], 3] = True, False
    folds = folds_of(known, 5, rng)
    assert set(folds.tolist()) == set(range(5))
    # The two scans of the rare structure lie apart, so that each is predicted by a network that saw the other.
    assert folds[3] != folds[8]
    counts = np.bincount(folds, minlength=5)
    assert counts.max() - counts.min() <= 3


def test_the_oracle_says_the_true_sizes(tmp_path: Path) -> None:
    session = session_of(tmp_path / "run")
    truth = tmp_path / "truth"
    for seed, case in enumerate(session.cases):
        write_labels(truth / case.folder.name, partial(scan_of(seed).truth, (True, True, True)), case.grid)
    table = oracle_sizes(replace(session, truth=truth))
    for seed, case in enumerate(session.cases):
        for value, name in enumerate(STRUCTURES, 1):
            ml = (scan_of(seed).truth == value).sum() * 8 / 1000
            interval = table.volume_ml(case.name, name)
            assert interval is not None
            assert (interval.low, interval.value, interval.high) == pytest.approx((ml, ml, ml))
