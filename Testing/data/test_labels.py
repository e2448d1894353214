"""Labels: what is drawn, what is known, and what each voxel therefore says of each structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PartialLabelSegLib.data.labels import EXPERT, FIRST_ROUND, Labels, Marks, Slices
from PartialLabelSegLib.data.types import State

NAMES = ("Liver", "Tumour", "Spleen")
SHAPE = (2, 2, 3)
LIVER_TUMOUR = frozenset({frozenset(("Liver", "Tumour"))})


def a_map(*values: int) -> np.ndarray:
    result = np.zeros(12, np.uint8)
    result[: len(values)] = values
    return result.reshape(SHAPE)


def marks(*indices: int) -> Marks:
    return Marks(np.array(indices, np.int64), np.full(len(indices), EXPERT, np.uint8))


def test_marks_are_sorted_and_without_repeats() -> None:
    for wrong in ([3, 1], [1, 1], [-1, 2]):
        with pytest.raises(ValueError, match="marks"):
            Marks(np.array(wrong, np.int64), np.ones(2, np.uint8))
    with pytest.raises(ValueError, match="marks"):
        Marks(np.array([1, 2], np.int64), np.ones(3, np.uint8))


@given(hnp.arrays(bool, SHAPE), hnp.arrays(bool, SHAPE))
def test_united_marks_are_the_union_and_the_first_origin_stays(first: np.ndarray, second: np.ndarray) -> None:
    both = Marks.of(first, EXPERT).united(Marks.of(second, FIRST_ROUND))
    np.testing.assert_array_equal(both.mask(SHAPE), first | second)
    np.testing.assert_array_equal(both.origin == EXPERT, first.ravel()[both.indices])


@pytest.mark.parametrize(("axis", "indices"), [(3, (0,)), (0, (1, 0)), (0, (1, 1)), (0, (-1,))])
def test_slices_that_are_none_are_refused(axis: int, indices: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="slice"):
        Slices(axis, indices)


def test_slices_lie_along_their_axis() -> None:
    assert Slices(2, (0, 2)).mask(SHAPE)[1, 1].tolist() == [True, False, True]
    assert not Slices(0, ()).mask(SHAPE).any()


@pytest.mark.parametrize(
    "changed",
    [
        {"structures": ("Liver", "Liver", "Spleen")},
        {"known": (True, True)},
        {"label_map": a_map(4)},
        {"label_map": a_map(1).astype(np.int16)},
        {"origin": np.zeros((2, 2, 2), np.uint8)},
        {"overlaps": {"Heart": marks(0)}},
        {"overlaps": {"Liver": marks(12)}},
        {"negatives": {"Liver": marks(12)}},
        {"known": (False, True, True), "slices": {"Liver": Slices(0, (2,))}},
        {"known": (True, True, True), "slices": {"Liver": Slices(0, (1,))}},
        {"soft": {"Liver": np.zeros((2, 2, 2), np.float32)}},
        {"soft": {"Liver": np.zeros(SHAPE, np.float64)}},
        {"soft": {"Liver": np.full(SHAPE, 1.5, np.float32)}},
        {"soft": {"Liver": np.full(SHAPE, -0.1, np.float32)}},
        {"imperfect": frozenset({"Heart"})},
    ],
)
def test_labels_that_contradict_themselves_are_refused(changed: Mapping) -> None:
    whole: dict[str, Any] = {
        "structures": NAMES,
        "label_map": a_map(1),
        "known": (True, True, True),
        "origin": a_map(1),
    }
    Labels(**whole)
    with pytest.raises(ValueError):
        Labels(**{**whole, **changed})


def test_a_missing_structure_is_certain_only_where_another_label_excludes_it() -> None:
    labels = Labels.expert(NAMES, a_map(1, 2, 3), (True, False, False))
    assert labels.certain("Liver").all()
    assert labels.certain("Spleen").ravel().tolist() == [True, True, True] + [False] * 9


def test_a_structure_that_may_overlap_is_not_excluded_by_the_other() -> None:
    labels = Labels(NAMES, a_map(1, 2, 3), (True, False, False), a_map(1, 1, 1), overlapping=LIVER_TUMOUR)
    assert labels.certain("Tumour").ravel().tolist() == [False, True, True] + [False] * 9
    assert labels.certain("Spleen").ravel().tolist() == [True, True, True] + [False] * 9


def test_shared_voxels_are_positive_for_both_and_negative_for_neither() -> None:
    labels = Labels(
        NAMES,
        a_map(2, 1),
        (False, False, False),
        a_map(1, 1),
        overlaps={"Liver": marks(0, 5)},
        overlapping=LIVER_TUMOUR,
    )
    assert labels.positive("Liver").ravel()[:6].tolist() == [True, True, False, False, False, True]
    assert labels.positive("Tumour").ravel()[:6].tolist() == [True, False, False, False, False, False]
    assert labels.certain("Tumour").ravel()[:6].tolist() == [True, False, False, False, False, False]
    assert labels.certain("Spleen").ravel()[:6].tolist() == [True, True, False, False, False, True]
    assert labels.voxels("Liver") == 3


def test_slices_and_negatives_make_voxels_certain() -> None:
    labels = Labels(
        NAMES, a_map(), (False,) * 3, a_map(), slices={"Liver": Slices(0, (1,))}, negatives={"Tumour": marks(4, 7)}
    )
    assert labels.certain("Liver").ravel().tolist() == [False] * 6 + [True] * 6
    assert np.flatnonzero(labels.certain("Tumour")).tolist() == [4, 7]
    assert not labels.certain("Spleen").any()


@given(hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, 3)), st.tuples(*[st.booleans()] * 3))
def test_every_positive_voxel_is_certain_and_every_known_structure_wholly(
    array: np.ndarray, known: tuple[bool, ...]
) -> None:
    labels = Labels.expert(NAMES, array, known)
    for flag, name in zip(known, NAMES):
        assert np.all(labels.certain(name)[labels.positive(name)])
        assert labels.certain(name).all() or not flag
        assert labels.voxels(name) == int(labels.positive(name).sum())


def test_the_state_is_what_a_clinician_reads() -> None:
    slices = {"Spleen": Slices(0, (0,))}
    labels = Labels.expert((*NAMES, "Heart"), a_map(1, 3), (True, True, False, False), slices)
    states = [labels.state(name) for name in labels.structures]
    assert states == [State.LABELLED, State.ABSENT, State.SOME_SLICES, State.MISSING]


def test_a_soft_label_counts_as_labelled() -> None:
    soft = {"Liver": np.full(SHAPE, 0.3, np.float32)}
    assert Labels(NAMES, a_map(), (True, False, False), a_map(), soft=soft).state("Liver") is State.LABELLED


def test_soft_labels_are_the_same_where_the_same_voxels_were_read() -> None:
    plane = np.full(SHAPE, 0.3, np.float32)
    plane[0] = np.nan
    first, second, third = (
        Labels(NAMES, a_map(), (True, False, False), a_map(), soft={"Liver": soft})
        for soft in (plane, plane.copy(), np.nan_to_num(plane))
    )
    assert first.same_as(second) and not first.same_as(third)


def test_with_known_ends_the_list_of_slices_and_touches_nothing_else() -> None:
    labels = Labels.expert(NAMES, a_map(1), (False,) * 3, {"Liver": Slices(0, (0,)), "Spleen": Slices(1, (0,))})
    found = labels.with_known("Liver")
    assert found.known == (True, False, False)
    assert set(found.slices) == {"Spleen"}
    assert found.label_map is labels.label_map


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Labels.expert(NAMES, a_map(), (True,) * 3).value("Heart")


def test_confirmed_labels_are_known_and_trusted_and_nothing_else_changes() -> None:
    labels = Labels(NAMES, a_map(1), (False,) * 3, a_map(1), {"Liver": Slices(0, (0,))}, imperfect=frozenset(NAMES))
    found = labels.confirmed("Liver")
    assert found.known == (True, False, False)
    assert not found.slices
    assert found.imperfect == {"Tumour", "Spleen"}
    assert found.label_map is labels.label_map
    assert found.origin is labels.origin
    assert labels.with_known("Liver").imperfect == set(NAMES)


def test_labels_of_another_quality_are_not_the_same() -> None:
    labels = Labels.expert(NAMES, a_map(1), (True,) * 3)
    assert not labels.same_as(replace(labels, imperfect=frozenset({"Liver"})))
    assert labels.same_as(replace(labels, imperfect=frozenset()))
