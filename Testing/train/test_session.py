"""The session: which labels a round learns from, and when they are prepared anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.files import write_json
from PartialLabelSegLib.train.session import Session
from train.making import STRUCTURES, labels_of_cohort, make_session, partial, scan_of

KNOWN = ((True, False, True), (True, True, True), (True, True, True))


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Two scans to learn from, the first of them open, and one for validation."""
    return make_session(tmp_path, labels_of_cohort(KNOWN))


def relabelled(session: Session, number: int) -> Labels:
    """Writes what a round would leave: the first scan with its missing structure."""
    case = session.cases[0]
    labels = Labels.expert(STRUCTURES, scan_of(0).truth, KNOWN[0])
    write_labels(session.round(number).labels(case.folder.name), labels, case.grid)
    write_json(session.round(number).relabelling, {"gamma": 1.0, "cases": {case.name: {}}})
    return labels


def test_splits_are_told_apart(session: Session) -> None:
    assert [case.name for case in session.of_split("train")] == ["scan0", "scan1"]
    assert [case.name for case in session.of_split("validation", "test")] == ["scan2"]


def test_a_scan_is_open_where_a_structure_is_not_known(session: Session) -> None:
    assert [session.is_open(case) for case in session.cases] == [True, False, False]
    assert session.known(session.cases[0]) == (True, False, True)


@pytest.mark.parametrize("content", ["[]", '{"known": [true]}', '{"known": "all"}', "{", ""])
def test_a_damaged_description_of_labels_is_a_failure(session: Session, content: str) -> None:
    (session.cases[0].folder / "labels.json").write_text(content, encoding="utf-8")
    with pytest.raises(Failure):
        session.known(session.cases[0])


def test_round_zero_learns_from_the_expert_and_later_rounds_from_the_round_before(session: Session) -> None:
    first, second, held_out = session.cases
    labels = relabelled(session, 0)
    assert np.array_equal(session.labels(first, 0).label_map, partial(scan_of(0).truth, KNOWN[0]).label_map)
    assert np.array_equal(session.labels(first, 1).label_map, labels.label_map)
    # What no round touched is still the expert's.
    for case in (second, held_out):
        assert np.array_equal(session.labels(case, 1).label_map, case.labels().label_map)


def test_labels_that_a_round_wrote_and_that_are_gone_are_a_failure(session: Session) -> None:
    relabelled(session, 0)
    (session.round(0).labels("scan0") / "labels.json").unlink()
    with pytest.raises(Failure, match=r"labels\.json"):
        session.labels(session.cases[0], 1)


@pytest.mark.parametrize("content", ["[]", "{}", '{"cases": []}', "{"])
def test_a_damaged_report_of_a_relabelling_is_a_failure(session: Session, content: str) -> None:
    session.round(0).relabelling.parent.mkdir(parents=True)
    session.round(0).relabelling.write_text(content, encoding="utf-8")
    with pytest.raises(Failure, match=r"relabelling\.json"):
        session.labels(session.cases[0], 1)


def test_labels_decided_anew_are_prepared_anew(session: Session) -> None:
    case = session.cases[0]
    labels = relabelled(session, 0)
    session.prepare(case, 1)
    assert 2 in session.open(case, 1).points
    less = replace(labels, label_map=np.where(labels.label_map == 2, 0, labels.label_map).astype(np.uint8))
    write_labels(session.round(0).labels("scan0"), less, case.grid)
    session.prepare(case, 1)
    assert 2 not in session.open(case, 1).points


def test_what_is_prepared_is_left_alone(session: Session) -> None:
    for case in session.cases:
        session.prepare(case, 0)
    files = {path: path.stat().st_mtime_ns for path in (session.run.path / "prepared").rglob("*") if path.is_file()}
    for case in session.cases:
        session.prepare(case, 0)
    assert files == {path: path.stat().st_mtime_ns for path in files}


def test_the_naive_reading_is_for_training_scans_only_and_prepared_apart(tmp_path: Path) -> None:
    labels = labels_of_cohort(KNOWN)
    cut = replace(labels[0], slices={"Small": Slices(0, (3, 4))})
    session = make_session(tmp_path, [cut, labels[1], replace(labels[2], known=(True, False, True))])
    naive = replace(session, configuration=replace(session.configuration, relabelling=Relabelling(method="naive")))
    first, held_out = session.cases[0], session.cases[2]
    assert naive.learned_labels(first, 0).known == (True, True, True) and not naive.learned_labels(first, 0).slices
    assert naive.learned_labels(held_out, 0).known == (True, False, True)
    assert session.learned_labels(first, 0).known == (True, False, True)
    session.prepare(first, 0)
    assert "certain-2" in session.open(first, 0).planes
    naive.prepare(first, 0)
    assert naive.open(first, 0).known.all() and not naive.open(first, 0).planes


def test_networks_are_marked_by_everything_that_they_learn_from(session: Session) -> None:
    """The mark stays where nothing changed, and changes with the plan, the choices, the round, a scan's part or a label."""
    mark = session.made_with(0)
    chosen = session.configuration.relabelling
    others = [
        session.made_with(1),
        replace(session, plan=replace(session.plan, spacing_mm=(2.0, 2.0, 2.5))).made_with(0),
        replace(session, configuration=replace(session.configuration, seed=1)).made_with(0),
        replace(
            session, configuration=replace(session.configuration, relabelling=replace(chosen, frozen=True))
        ).made_with(0),
        replace(session, cases=session.cases[1:]).made_with(0),
        replace(session, cases=(replace(session.cases[0], split="validation"), *session.cases[1:])).made_with(0),
    ]
    unseen = replace(session, cases=(*session.cases, replace(session.cases[0], name="unseen", split="test")))
    assert session.made_with(0) == unseen.made_with(0) == mark
    case, before = session.cases[0], session.made_with(1)
    relabelled(session, 0)
    assert session.made_with(0) == mark and session.made_with(1) != before
    write_labels(case.folder, partial(scan_of(0).truth, (True, False, False)), case.grid)
    assert len({mark, session.made_with(0), *others}) == len(others) + 2


def test_a_pair_that_may_overlap_settles_nothing_for_each_other(session: Session) -> None:
    assert session.settles() is None
    table = replace(session, overlapping=frozenset({frozenset(STRUCTURES[:2])})).settles()
    assert table is not None and not table[1, 1] and not table[2, 0] and table[1, 2]


def test_the_description_of_prepared_labels_names_no_path(session: Session) -> None:
    session.prepare(session.cases[0], 0)
    for name in ("image.json", "round-0/labels.json"):
        text = (session.run.prepared("scan0") / name).read_text(encoding="utf-8")
        assert str(session.run.path) not in text and json.loads(text)["made_with"]
