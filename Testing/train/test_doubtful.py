"""What doubtful labels are to a round: trusted, left out, or beside initial labels; and what of a batch they make doubtful."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.data.prediction import Prediction, write_prediction
from PartialLabelSegLib.train.batches import BatchMaker, Seed, WeighedBatches, settling, trusted_labels, truth
from PartialLabelSegLib.train.doubtful import left_out, taken_as_given, with_initial
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.validate import validation_dice
from PartialLabelSegLib.train.windows import Sources
from train.making import CPU, STRUCTURES, labels_of_cohort, make_session, plan_of, prepared_case, scan_of

NAMES = ("Liver", "Spleen", "Tumour")
MAP = np.array([[[0, 1, 1, 2, 0, 3]]], np.uint8)


def labels_of(known: tuple[bool, bool, bool], imperfect: frozenset[str]) -> Labels:
    return replace(Labels.expert(NAMES, MAP, known), imperfect=imperfect)


def test_a_doubtful_label_that_is_left_out_is_missing_and_settles_nothing() -> None:
    labels = labels_of((True, True, False), frozenset({"Liver"}))
    left = left_out(labels)
    assert left.known == (False, True, False) and not left.imperfect
    assert left.label_map.ravel().tolist() == [0, 0, 0, 2, 0, 3]
    assert left.origin.ravel().tolist() == [0, 0, 0, 1, 0, 1]
    assert left.certain("Liver").ravel().tolist() == [False, False, False, True, False, True]
    assert labels.label_map.ravel().tolist() == MAP.ravel().tolist()


def test_labels_without_doubt_are_left_as_they_are() -> None:
    labels = labels_of((True, True, False), frozenset())
    assert left_out(labels) is labels


def test_slices_marks_and_soft_labels_of_a_doubtful_structure_are_left_out_too() -> None:
    marks = Marks.of(np.array([[[True, False, False, True, False, False]]]))
    soft = np.full(MAP.shape, 0.5, np.float32)
    labels = replace(
        labels_of((False, True, True), frozenset({"Liver"})),
        slices={"Liver": Slices(0, (0,))},
        overlaps={"Liver": marks, "Tumour": marks},
        negatives={"Liver": marks},
        soft={"Liver": soft},
    )
    left = left_out(labels)
    assert (dict(left.slices), set(left.overlaps), dict(left.negatives), dict(left.soft)) == ({}, {"Tumour"}, {}, {})


def test_a_doubtful_label_taken_as_given_is_trusted() -> None:
    labels = labels_of((True, True, False), frozenset({"Liver", "Spleen"}))
    assert taken_as_given(labels, {"Liver"}).imperfect == {"Spleen"}


def test_initial_labels_fill_what_is_missing_and_nothing_else() -> None:
    labels = labels_of((True, False, False), frozenset())
    predicted = np.array([[[1, 2, 0, 3, 2, 2]]], np.uint8)
    filled = with_initial(labels, predicted)
    # The liver is known, so that it is not added; drawn voxels stay; the spleen is added where nothing is drawn.
    assert filled.label_map.ravel().tolist() == [0, 1, 1, 2, 2, 3]
    assert filled.known == (True, True, True) and filled.imperfect == {"Spleen", "Tumour"}


def test_an_initial_label_is_not_set_where_a_person_said_no() -> None:
    no = Marks.of(np.array([[[False, False, False, False, True, False]]]))
    labels = replace(labels_of((True, False, True), frozenset()), negatives={"Spleen": no})
    assert with_initial(labels, np.full(MAP.shape, 2, np.uint8)).label_map.ravel().tolist() == [2, 1, 1, 2, 0, 3]


def test_a_structure_known_on_some_slices_gets_no_initial_label() -> None:
    labels = replace(labels_of((True, False, True), frozenset()), slices={"Spleen": Slices(0, (0,))})
    assert with_initial(labels, np.full(MAP.shape, 2, np.uint8)) is labels


def doubt_in(imperfect: list[bool], known: list[bool], settles: torch.Tensor | None = None) -> list[list[int]]:
    """Per structure and voxel of MAP 0: unknown, 1: trusted, 2: doubtful."""
    label = torch.from_numpy(MAP[0])
    flags, doubtful = torch.tensor([known]), torch.tensor([imperfect])
    _, weight = truth(label, flags, 3, {}, settles)
    part = trusted_labels(label, flags, {}, doubtful)
    _, sure = truth(part[0], part[1], 3, part[2], settles)
    assert not bool((sure & ~weight).any())
    return [row.tolist() for row in (weight.int() + (weight & ~sure).int())[0, :, :]]


def test_what_is_doubtful_in_a_batch_by_hand() -> None:
    # The liver (voxels 1 and 2) is doubtful, the spleen (3) trusted, the tumour (5) missing but drawn.
    assert doubt_in([True, False, False], [True, True, False]) == [
        [2, 2, 2, 1, 2, 1],
        [1, 1, 1, 1, 1, 1],
        [0, 2, 2, 1, 0, 1],
    ]


def test_a_doubtful_label_says_nothing_of_what_may_overlap_it() -> None:
    settles = settling(NAMES, [frozenset({"Liver", "Tumour"})])
    rows = doubt_in([True, False, False], [True, True, False], settles)
    assert rows[2] == [0, 0, 0, 1, 0, 1]


def a_case(imperfect: tuple[bool, bool, bool], name: str = "scan"):  # type: ignore[no-untyped-def]
    scan = scan_of(0)
    return replace(
        prepared_case(scan.truth, (True, True, False), scan.image, name), imperfect=np.array(imperfect, bool)
    )


def test_trusted_batches_know_nothing_where_labels_are_doubtful() -> None:
    case, plan = a_case((True, False, False)), plan_of(STRUCTURES, "2d")
    every = BatchMaker(Sources.of([case]), plan, CPU, Seed(0, 0, 1), None).batch(3, 6)
    assert every.imperfect is not None and bool(every.imperfect[:, 0].any()) and not bool(every.imperfect[:, 1].any())
    assert every.step == 3
    sure = BatchMaker(Sources.of([case.trusted_part()]), plan, CPU, Seed(0, 0, 1), None, True).batch(3, 6)
    assert sure.imperfect is None and sure.looked_for is not None
    assert sure.looked_for.tolist() == [[False, True, False]] * 6
    liver = sure.target[:, 0] & sure.weight[:, 0]
    assert not bool(liver.any())
    assert not bool((sure.weight[:, 0] & ~(sure.target[:, 1] | sure.target[:, 2])).any())


def test_batches_for_weighing_hold_a_trusted_one_and_begin_with_it_alone() -> None:
    plan, doubtful = plan_of(STRUCTURES, "2d"), a_case((True, False, False), "quick")
    trusted = a_case((False, False, False), "checked")
    first = BatchMaker(Sources.of([doubtful]), plan, CPU, Seed(0, 0, 3), None)
    second = BatchMaker(Sources.of([trusted]), plan, CPU, Seed(0, 0, 1), None, True)
    batches = WeighedBatches(first, second, begins=2)
    warm, later = batches.batch(1, 3), batches.batch(2, 3)
    assert warm.trusted is not None and torch.equal(warm.image, warm.trusted.image) and warm.imperfect is None
    assert later.trusted is not None and later.imperfect is not None
    assert torch.equal(later.trusted.image, second.batch(2, 3).image)
    assert torch.equal(later.image, first.batch(2, 3).image) and not torch.equal(later.image, later.trusted.image)


def test_validation_passes_over_doubtful_labels() -> None:
    plan = plan_of(STRUCTURES, "2d")
    network = torch.nn.Conv2d(1, 3, 1)
    dice = validation_dice(network, [a_case((True, False, False))], plan, CPU)
    assert np.isnan(dice[STRUCTURES[0]]) and not np.isnan(dice[STRUCTURES[1]])


def session_of(folder: Path, doubtful: str, method: str = "ambiguity-only", trusted: bool = True) -> Session:
    """Scan 0 has a doubtful first structure and lacks the last one; scan 1 is complete, its first structure trusted or not."""
    flags = ((True, True, False), (True, True, True), (True, True, True))
    labels = labels_of_cohort(flags)
    quick = frozenset({STRUCTURES[0]})
    labels[0] = replace(labels[0], imperfect=quick)
    if not trusted:
        labels[1] = replace(labels[1], imperfect=quick)
    session = make_session(folder, labels, Relabelling(method=method, rounds=1))
    return replace(session, configuration=replace(session.configuration, doubtful=doubtful))


@pytest.mark.parametrize("choice", ["weigh", "fixed"])
def test_doubtful_labels_stay_marked_where_they_are_weighed(tmp_path: Path, choice: str) -> None:
    session = session_of(tmp_path, choice)
    assert session.learned_labels(session.cases[0], 0).imperfect == {STRUCTURES[0]}


def test_doubtful_labels_are_given_or_left_out_as_chosen(tmp_path: Path) -> None:
    given = session_of(tmp_path / "given", "as-given")
    assert not given.learned_labels(given.cases[0], 0).imperfect
    assert given.learned_labels(given.cases[0], 0).known == (True, True, False)
    left = session_of(tmp_path / "left", "leave-out")
    assert left.learned_labels(left.cases[0], 0).known == (False, True, False)


def test_without_any_trusted_label_of_a_structure_doubtful_ones_are_trusted(tmp_path: Path) -> None:
    session = session_of(tmp_path, "weigh", trusted=False)
    assert session.untrusted(0) == {STRUCTURES[0]}
    assert not session.learned_labels(session.cases[0], 0).imperfect


def test_a_structure_that_a_person_completed_in_a_round_is_trusted_from_then_on(tmp_path: Path) -> None:
    labels = labels_of_cohort(((True, True, True), (False, True, True), (True, True, True)))
    labels[0] = replace(labels[0], imperfect=frozenset({STRUCTURES[0]}))
    session = make_session(tmp_path, labels, Relabelling(review=True))
    assert session.untrusted(0) == session.untrusted(1) == {STRUCTURES[0]}
    case = session.cases[1]
    write_labels(session.round(0).labels(case.folder.name), labels[1].confirmed(STRUCTURES[0]), case.grid)
    assert session.untrusted(0) == {STRUCTURES[0]} and session.untrusted(1) == frozenset()


def test_mlb_begins_with_trusted_labels_and_goes_on_with_initial_ones(tmp_path: Path) -> None:
    session = session_of(tmp_path, "weigh", "mlb")
    case = session.cases[0]
    assert session.learned_labels(case, 0).known == (False, True, False)
    truth_map = scan_of(0).truth
    shape = truth_map.shape
    zeros = np.zeros(shape, np.uint16)
    prediction = Prediction(STRUCTURES, truth_map, zeros, zeros, zeros)
    write_prediction(session.round(0).prediction(case.folder.name), prediction, case.grid)
    later = session.learned_labels(case, 1)
    assert later.known == (True, True, True) and later.imperfect == {STRUCTURES[0], STRUCTURES[2]}
    assert np.array_equal(later.label_map, truth_map)
    # A scan in which nothing is missing needs no prediction.
    assert session.learned_labels(session.cases[1], 1).imperfect == frozenset()
    assert session.made_with(1) != session.made_with(0)
