"""Merged drawings: what is known of a structure whose parts are known differently, and what the ignore label leaves open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data.small_scans import OBLIQUE, blocks
from PartialLabelSegLib.data.importers.choices import CaseChoices
from PartialLabelSegLib.data.importers.drawing import Drawing, Drawn, drawn_in, united
from PartialLabelSegLib.data.importers.rename import renamed, said_otherwise
from PartialLabelSegLib.data.importers.settle import settled
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.data.types import Problem, State

MASKS = blocks(OBLIQUE, left=(0, 0, 0), right=(2, 3, 4))
TO_KIDNEYS = CaseChoices({"left": "Kidneys", "right": "Kidneys"})
LABELLED, MISSING, ABSENT, SOME = State.LABELLED, State.MISSING, State.ABSENT, State.SOME_SLICES


def drawing(said: dict[str, State], slices: dict[str, Slices] | None = None, **more: object) -> Drawing:
    """Of 'left' and 'right' those are drawn that are labelled, or drawn on some slices."""
    drawn: dict[str, Drawn] = {}
    for name, state in said.items():
        if state in (LABELLED, SOME):
            drawn.update(drawn_in(MASKS[name].astype(np.uint8), {name: (1,)}))
    return Drawing(drawn, said, slices or {}, **more)  # type: ignore[arg-type]


def labels_of(wanted: Drawing, *names: str) -> tuple[Labels, tuple[Problem, ...]]:
    labels, problems = settled(wanted, names or ("Kidneys",), frozenset(), OBLIQUE)
    assert labels is not None, problems
    return labels, problems


@given(st.lists(hnp.arrays(bool, (3, 4, 2)).filter(np.any), min_size=1, max_size=4))
def test_united_drawings_hold_exactly_the_voxels_of_all(masks: list[np.ndarray]) -> None:
    whole = united([drawn_in(mask.astype(np.uint8), {"x": (1,)})["x"] for mask in masks])
    result = np.zeros((3, 4, 2), bool)
    result[whole.box] = whole.block
    np.testing.assert_array_equal(result, np.logical_or.reduce(masks))


@pytest.mark.parametrize(
    ("left", "right", "state"),
    [
        (LABELLED, LABELLED, LABELLED),
        (LABELLED, ABSENT, LABELLED),
        (ABSENT, ABSENT, ABSENT),
        (ABSENT, MISSING, MISSING),
        (MISSING, MISSING, MISSING),
    ],
)
def test_parts_that_agree_make_a_whole(left: State, right: State, state: State) -> None:
    labels, problems = labels_of(renamed(drawing({"left": left, "right": right}), TO_KIDNEYS))
    assert labels.state("Kidneys") is state and problems == ()


def test_where_a_part_is_missing_the_drawn_one_teaches_and_the_rest_stays_open() -> None:
    labels, problems = labels_of(renamed(drawing({"left": LABELLED, "right": MISSING}), TO_KIDNEYS))
    assert not labels.is_known("Kidneys")
    np.testing.assert_array_equal(labels.positive("Kidneys"), MASKS["left"])
    np.testing.assert_array_equal(labels.certain("Kidneys"), MASKS["left"])
    (problem,) = problems
    assert problem.severity == "warning" and "'right', which counts as it, is missing" in problem.message


def test_a_person_may_say_that_the_whole_is_drawn_though_a_part_is_missing() -> None:
    wish = CaseChoices(TO_KIDNEYS.names, {"Kidneys": LABELLED})
    seen = renamed(drawing({"left": LABELLED, "right": MISSING}), wish)
    labels, problems = labels_of(said_otherwise(seen, wish, OBLIQUE))
    assert labels.state("Kidneys") is LABELLED and problems == ()


def test_two_spellings_of_one_name_are_no_parts() -> None:
    part = drawn_in(MASKS["left"].astype(np.uint8), {"liver": (1,)})
    wish = CaseChoices({"LIVER": "Liver", "liver": "Liver"})
    for said in ({"liver": LABELLED, "Liver": MISSING}, {"liver": LABELLED, "LIVER": MISSING, "Liver": MISSING}):
        labels, problems = labels_of(renamed(Drawing(part, said), wish), "Liver")
        assert labels.state("Liver") is LABELLED and problems == ()


def test_an_empty_segment_beside_a_drawn_one_says_nothing_against_it() -> None:
    part = drawn_in(MASKS["left"].astype(np.uint8), {"left": (1,)})
    labels, problems = labels_of(renamed(Drawing(part, {"left": LABELLED, "right": LABELLED}), TO_KIDNEYS))
    assert labels.state("Kidneys") is LABELLED and problems == ()


def test_of_parts_drawn_on_some_slices_the_common_ones_are_known() -> None:
    slices = {"left": Slices(0, (0, 1, 2)), "right": Slices(0, (1, 2, 3))}
    labels, _ = labels_of(renamed(drawing({"left": SOME, "right": SOME}, slices), TO_KIDNEYS))
    assert labels.slices == {"Kidneys": Slices(0, (1, 2))}
    whole_and_some = renamed(drawing({"left": LABELLED, "right": SOME}, slices), TO_KIDNEYS)
    assert labels_of(whole_and_some)[0].slices == {"Kidneys": Slices(0, (1, 2, 3))}


@pytest.mark.parametrize("right", [Slices(1, (0, 3, 4)), Slices(0, (2, 3))])
def test_parts_without_a_common_slice_are_known_only_where_they_are_drawn(right: Slices) -> None:
    slices = {"left": Slices(0, (0, 1)), "right": right}
    labels, problems = labels_of(renamed(drawing({"left": SOME, "right": SOME}, slices), TO_KIDNEYS))
    np.testing.assert_array_equal(labels.certain("Kidneys"), MASKS["left"] | MASKS["right"])
    assert "drawn on different slices" in problems[0].message


def ignored_corner() -> np.ndarray:
    ignored = np.zeros(OBLIQUE.shape, bool)
    ignored[3, 0, :2] = True
    return ignored


def test_beside_ignored_voxels_only_what_the_data_set_speaks_of_is_known() -> None:
    labels, _ = labels_of(
        drawing({"left": LABELLED, "right": MISSING}, None, ignored=ignored_corner()), "left", "right", "Aorta"
    )
    for name in ("left", "right"):
        np.testing.assert_array_equal(labels.certain(name), ~ignored_corner())
    np.testing.assert_array_equal(labels.certain("Aorta"), MASKS["left"])


def test_beside_ignored_voxels_what_a_person_says_holds_in_the_whole_scan() -> None:
    seen = drawing({"left": LABELLED, "right": LABELLED}, None, ignored=ignored_corner())
    wish = CaseChoices({}, {"left": LABELLED, "right": MISSING})
    labels, _ = labels_of(said_otherwise(seen, wish, OBLIQUE), "left", "right")
    assert labels.state("left") is LABELLED and labels.certain("left").all()
    np.testing.assert_array_equal(labels.certain("right"), MASKS["left"])


def test_parts_in_a_scan_with_ignored_voxels_are_known_elsewhere() -> None:
    seen = drawing({"left": LABELLED, "right": MISSING}, None, ignored=ignored_corner())
    labels, problems = labels_of(renamed(seen, TO_KIDNEYS))
    np.testing.assert_array_equal(labels.certain("Kidneys"), ~ignored_corner())
    assert problems == ()
