"""From decisions to the next labels: each decision by hand, and what holds whatever was drawn, predicted and decided."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.labels import EXPERT, FIRST_ROUND, Labels, Marks, Slices
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.review import Decision, Edit, Review, automatic_review
from PartialLabelSegLib.relabel.select import candidates, rank_volume, select
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Spleen", "Tumour")
SHARING = frozenset({frozenset(("Liver", "Tumour"))})


def row(*values: float, kind: type = np.uint8) -> np.ndarray:
    """One row of voxels as a volume (1, 1, n)."""
    return np.array(values, kind).reshape(1, 1, -1)


def predicted(labels: Labels, *label: int) -> Prediction:
    """A prediction of one row whose confidence falls from left to right."""
    confidence = np.linspace(1, 0.5, len(label), dtype=np.float32).reshape(1, 1, -1)
    stored = fixed_point(confidence)
    return Prediction(NAMES, row(*label), stored, stored, rank_volume(labels, row(*label), confidence))


def said(decision: str, gamma: float | None = 1.0, component: int | None = None, structure: str = "Liver") -> Decision:
    return Decision("scan", structure, decision, gamma, component)


def after(labels: Labels, prediction: Prediction, *decisions: Decision, round_number: int = 0) -> Labels:
    return apply(labels, prediction, Review("person", decisions), "scan", round_number)


def drawn_as(structure: str = "Liver", decision: str = "edited", name: str = "a") -> Decision:
    return Decision("scan", structure, decision, edit=Edit(name, 0))


def after_drawing(labels: Labels, prediction: Prediction, *decisions: Decision, **drawings: list[int]) -> Labels:
    edits = {name: np.array(places, np.int64) for name, places in drawings.items()}
    return apply(labels, prediction, Review("person", decisions), "scan", 0, edits)


def same(first: Labels, second: Labels) -> bool:
    return (
        np.array_equal(first.label_map, second.label_map)
        and np.array_equal(first.origin, second.origin)
        and (first.known, first.slices, first.overlapping) == (second.known, second.slices, second.overlapping)
        and all(
            one.keys() == two.keys()
            and all(
                np.array_equal(one[k].indices, two[k].indices) and np.array_equal(one[k].origin, two[k].origin)
                for k in one
            )
            for one, two in ((first.overlaps, second.overlaps), (first.negatives, second.negatives))
        )
    )


@pytest.fixture
def labels() -> Labels:
    """The spleen is drawn at voxel 4 and known; liver and tumour are missing."""
    return Labels.expert(NAMES, row(0, 0, 0, 0, 2, 0, 0), (False, True, False))


@pytest.fixture
def prediction(labels: Labels) -> Prediction:
    """The liver in two components, {0, 1} and {3, 5} cut by the spleen into {3} and {5}; voxel 4 is wrongly liver; the tumour at 6."""
    return predicted(labels, 1, 1, 0, 1, 1, 1, 3)


def test_accepted_at_half_takes_the_more_confident_half(labels: Labels, prediction: Prediction) -> None:
    result = after(labels, prediction, said("accepted", 0.5), round_number=3)
    assert result.label_map.ravel().tolist() == [1, 1, 0, 0, 2, 0, 0]
    assert result.origin.ravel().tolist() == [5, 5, 0, 0, 1, 0, 0]
    assert result.known == (False, True, False)
    # An accepted voxel is certain for every structure that excludes the liver, and nothing else is.
    assert result.certain("Tumour").ravel().tolist() == [True, True, False, False, True, False, False]


def test_one_component_is_accepted_by_any_of_its_voxels(labels: Labels, prediction: Prediction) -> None:
    for seed in (0, 1):
        result = after(labels, prediction, said("accepted", 1.0, seed))
        assert result.label_map.ravel().tolist() == [1, 1, 0, 0, 2, 0, 0]


def test_wrong_voxels_are_certain_negatives_and_nothing_else_is_known(labels: Labels, prediction: Prediction) -> None:
    result = after(labels, prediction, said("wrong", 1.0, 3))
    assert np.array_equal(result.label_map, labels.label_map)
    assert result.negatives["Liver"].indices.tolist() == [3]
    assert result.negatives["Liver"].origin.tolist() == [FIRST_ROUND]
    assert result.certain("Liver").ravel().tolist() == [False, False, False, True, True, False, False]
    assert result.certain("Tumour").ravel().tolist() == [False, False, False, False, True, False, False]
    assert result.known == labels.known
    again = predicted(result, 1, 1, 0, 1, 1, 1, 3)
    assert np.flatnonzero(again.rank).tolist() == [0, 1, 5, 6]


def test_wrong_withdraws_what_was_accepted_in_an_earlier_round(labels: Labels, prediction: Prediction) -> None:
    first = after(labels, prediction, said("accepted", 1.0))
    # In the next round voxel 1 is no longer predicted as the liver; the whole structure is rejected all the same.
    second = predicted(first, 1, 0, 0, 1, 0, 1, 3)
    result = after(first, second, said("wrong", 1.0), round_number=1)
    assert np.array_equal(result.label_map, labels.label_map)
    assert np.array_equal(result.origin, labels.origin)
    assert result.negatives["Liver"].indices.tolist() == [0, 1, 3, 5]


def test_not_now_says_nothing(labels: Labels, prediction: Prediction) -> None:
    assert same(after(labels, prediction, said("not now", None), said("not now", 1.0, 3)), labels)


def test_not_now_on_a_component_leaves_it_out_of_the_whole(labels: Labels, prediction: Prediction) -> None:
    result = after(labels, prediction, said("not now", 1.0, 3), said("accepted"))
    assert result.label_map.ravel().tolist() == [1, 1, 0, 0, 2, 1, 0]
    assert not result.negatives


def test_complete_makes_the_structure_known_and_ends_its_candidates(labels: Labels, prediction: Prediction) -> None:
    result = after(labels, prediction, said("complete", 0.5))
    assert result.label_map.ravel().tolist() == [1, 1, 0, 0, 2, 0, 0]
    assert result.known == (True, True, False)
    assert result.certain("Liver").all()
    assert not candidates(result, prediction.label, "Liver").any()
    assert np.flatnonzero(predicted(result, 1, 1, 0, 1, 1, 1, 3).rank).tolist() == [6]


def test_complete_makes_a_quick_label_trusted_and_no_other_decision_does(
    labels: Labels, prediction: Prediction
) -> None:
    quick = replace(labels, imperfect=frozenset({"Liver", "Tumour"}))
    assert after(quick, prediction, said("complete", 0.5)).imperfect == {"Tumour"}
    for decision in ("accepted", "wrong", "not now"):
        assert after(quick, prediction, said(decision, 0.5)).imperfect == {"Liver", "Tumour"}


def test_complete_without_a_share_accepts_nothing(labels: Labels, prediction: Prediction) -> None:
    result = after(labels, prediction, said("complete", None))
    assert np.array_equal(result.label_map, labels.label_map)
    assert result.state("Liver") is State.ABSENT


def test_complete_ends_the_slices_of_a_partly_drawn_structure(labels: Labels, prediction: Prediction) -> None:
    partly = replace(labels, slices={"Liver": Slices(2, (0,))})
    result = after(partly, prediction, said("complete", 1.0))
    assert not result.slices
    # Slice 0 was looked at and nothing drawn there: the annotator's word stands.
    assert result.label_map.ravel().tolist() == [0, 1, 0, 1, 2, 1, 0]


def test_what_is_said_of_a_component_stands_over_the_whole(labels: Labels, prediction: Prediction) -> None:
    for decisions in (
        (said("wrong", 1.0, 0), said("accepted")),
        (said("accepted"), said("wrong", 1.0, 0)),
    ):
        result = after(labels, prediction, *decisions)
        assert result.label_map.ravel().tolist() == [0, 0, 0, 1, 2, 1, 0]
        assert result.negatives["Liver"].indices.tolist() == [0, 1]


def test_the_last_word_on_the_same_thing_counts(labels: Labels, prediction: Prediction) -> None:
    result = after(labels, prediction, said("wrong"), said("accepted"))
    assert result.label_map.ravel().tolist() == [1, 1, 0, 1, 2, 1, 0]
    assert not result.negatives
    assert same(after(labels, prediction, said("accepted"), said("not now", None)), labels)


def test_an_accepted_voxel_of_a_pair_that_may_share_goes_beside_the_label(labels: Labels) -> None:
    drawn = replace(
        Labels.expert(NAMES, row(1, 1, 0), (True, True, False)),
        overlapping=SHARING,
    )
    prediction = predicted(drawn, 3, 1, 3)
    result = after(drawn, prediction, said("accepted", structure="Tumour"))
    assert result.label_map.ravel().tolist() == [1, 1, 3]
    assert result.origin.ravel().tolist() == [EXPERT, EXPERT, FIRST_ROUND]
    assert result.overlaps["Tumour"].indices.tolist() == [0]
    assert result.positive("Tumour").ravel().tolist() == [True, False, True]
    back = after(result, predicted(result, 3, 0, 0), said("wrong", structure="Tumour"), round_number=1)
    assert back.label_map.ravel().tolist() == [1, 1, 0]
    assert not back.overlaps
    assert back.negatives["Tumour"].indices.tolist() == [0, 2]


def test_when_a_label_is_withdrawn_the_one_beside_it_takes_its_place() -> None:
    labels = Labels(
        NAMES,
        row(1),
        (False, True, False),
        row(2),
        overlaps={"Tumour": Marks(np.array([0]), np.array([3], np.uint8))},
        overlapping=SHARING,
    )
    result = after(labels, predicted(labels, 1), said("wrong"), round_number=2)
    assert result.label_map.ravel().tolist() == [3]
    assert result.origin.ravel().tolist() == [3]
    assert not result.overlaps


def test_a_drawing_takes_the_place_of_the_suggestion(labels: Labels, prediction: Prediction) -> None:
    result = after_drawing(labels, prediction, drawn_as(), a=[1, 2, 4, 5])
    # Voxel 4 is the spleen of the annotator; 0 and 3 were suggested and not drawn, and stay open.
    assert result.label_map.ravel().tolist() == [0, 1, 1, 0, 2, 1, 0]
    assert result.origin.ravel().tolist() == [0, 2, 2, 0, 1, 2, 0]
    assert result.known == labels.known and not result.negatives
    assert result.certain("Liver").ravel().tolist() == [False, True, True, False, True, True, False]
    complete = after_drawing(labels, prediction, drawn_as(), said("complete", 1.0), a=[1, 2, 4, 5])
    assert np.array_equal(complete.label_map, result.label_map)
    assert complete.known == (True, True, False)
    assert same(complete, after_drawing(labels, prediction, drawn_as(decision="complete"), a=[1, 2, 4, 5]))


def test_an_empty_drawing_accepts_nothing(labels: Labels, prediction: Prediction) -> None:
    assert same(after_drawing(labels, prediction, drawn_as(), a=[]), labels)
    absent = after_drawing(labels, prediction, drawn_as(decision="complete"), a=[])
    assert absent.state("Liver") is State.ABSENT


def test_a_drawing_withdraws_what_it_leaves_out_and_takes_what_was_accepted_of_others(labels: Labels) -> None:
    prediction = predicted(labels, 1, 1, 0, 1, 1, 1, 3)
    first = after(labels, prediction, said("accepted"), said("accepted", structure="Tumour"))
    first = after(first, predicted(first, 1, 1, 3, 1, 1, 1, 3), said("wrong", 1.0, 2, "Tumour"))
    assert first.label_map.ravel().tolist() == [1, 1, 0, 1, 2, 1, 3]
    again = predicted(first, 1, 1, 0, 1, 1, 1, 3)
    result = apply(first, again, Review("person", (drawn_as(),)), "scan", 1, {"a": np.array([0, 2, 6])})
    assert result.label_map.ravel().tolist() == [1, 0, 1, 0, 2, 0, 1]
    # What was accepted before keeps its round.
    assert result.origin.ravel().tolist() == [2, 0, 3, 0, 1, 0, 3]
    assert result.negatives["Tumour"].indices.tolist() == [2]
    tumour = apply(result, again, Review("person", (drawn_as("Tumour"),)), "scan", 2, {"a": np.array([2])})
    assert tumour.label_map.ravel().tolist() == [1, 0, 3, 0, 2, 0, 1]
    assert not tumour.negatives


def test_a_drawing_stands_over_what_is_accepted_and_a_later_one_over_an_earlier(
    labels: Labels, prediction: Prediction
) -> None:
    accepted, tumour = said("accepted"), drawn_as("Tumour", name="b")
    for decisions in ((accepted, tumour), (tumour, accepted)):
        result = after_drawing(labels, prediction, *decisions, b=[1, 2])
        assert result.label_map.ravel().tolist() == [1, 3, 3, 1, 2, 1, 0]
        assert not result.overlaps
    both = after_drawing(labels, prediction, drawn_as(), tumour, a=[0, 1], b=[1, 2])
    assert both.label_map.ravel().tolist() == [1, 3, 3, 0, 2, 0, 0]
    both = after_drawing(labels, prediction, tumour, drawn_as(), a=[0, 1], b=[1, 2])
    assert both.label_map.ravel().tolist() == [1, 1, 3, 0, 2, 0, 0]
    sharing = replace(labels, overlapping=SHARING)
    both = after_drawing(sharing, prediction, drawn_as(), tumour, a=[0, 1], b=[1, 2])
    assert both.positive("Liver").ravel().tolist() == [True, True, False, False, False, False, False]
    assert both.positive("Tumour").ravel().tolist() == [False, True, True, False, False, False, False]


def test_components_said_after_a_drawing_stand_over_it_and_wrong_ones_before_stay_wrong_outside_it(
    labels: Labels, prediction: Prediction
) -> None:
    wrong = said("wrong", 1.0, 0)
    result = after_drawing(labels, prediction, wrong, drawn_as(), a=[1, 2])
    assert result.label_map.ravel().tolist() == [0, 1, 1, 0, 2, 0, 0]
    assert result.negatives["Liver"].indices.tolist() == [0]
    result = after_drawing(labels, prediction, drawn_as(), wrong, said("accepted", 1.0, 5), a=[1, 2])
    assert result.label_map.ravel().tolist() == [0, 0, 1, 0, 2, 1, 0]
    assert result.negatives["Liver"].indices.tolist() == [0, 1]


def test_what_the_annotator_settled_does_not_move_for_a_drawing(labels: Labels, prediction: Prediction) -> None:
    partly = replace(
        labels,
        slices={"Liver": Slices(2, (0,))},
        negatives={"Liver": Marks(np.array([1]), np.array([EXPERT], np.uint8))},
    )
    result = after_drawing(partly, prediction, drawn_as(), a=[0, 1, 2, 4])
    assert result.label_map.ravel().tolist() == [0, 0, 1, 0, 2, 0, 0]
    assert result.negatives["Liver"].indices.tolist() == [1]


@given(st.data())
def test_a_drawing_alone_is_what_is_accepted(drawn: SimpleNamespace, data: st.DataObject) -> None:
    labels = data.draw(drawn.labels())
    expert = labels
    for round_number in range(2):
        prediction = data.draw(drawn.prediction(labels))
        labels = apply(labels, prediction, data.draw(drawn.review(prediction, True)), "scan", round_number, drawn.edits)
    structure = data.draw(st.sampled_from(labels.structures))
    before = labels
    file = str(data.draw(st.integers(0, 1000)))
    edit = Decision("scan", structure, "edited", edit=Edit(file, 0))
    result = apply(labels, prediction, Review("person", (edit,)), "scan", 2, drawn.edits)
    mask = np.zeros(labels.label_map.size, bool)
    mask[drawn.edits[file]] = True
    mask = mask.reshape(labels.label_map.shape)
    if before.is_known(structure) and not expert.is_known(structure):
        # It was completed in a round: nothing new is drawn, but what the drawing leaves out is withdrawn.
        assert np.array_equal(
            result.positive(structure), (before.positive(structure) & mask) | expert.positive(structure)
        )
    else:
        assert np.array_equal(
            result.positive(structure), (mask & ~expert.certain(structure)) | expert.positive(structure)
        )


def test_decisions_on_other_cases_are_passed_over(labels: Labels, prediction: Prediction) -> None:
    assert same(apply(labels, prediction, automatic_review(["other"], NAMES, 1.0), "scan", 0), labels)


def test_a_component_that_is_not_suggested_is_refused(labels: Labels, prediction: Prediction) -> None:
    for seed in (2, 4, 700):
        with pytest.raises(Failure, match=f"Case 'scan', structure 'Liver'.*voxel {seed}.*gamma 1"):
            after(labels, prediction, said("accepted", 1.0, seed))


def test_a_decision_on_an_unknown_structure_is_refused(labels: Labels, prediction: Prediction) -> None:
    with pytest.raises(Failure, match="structure 'Lung'"):
        after(labels, prediction, said("accepted", structure="Lung"))


def test_a_prediction_of_something_else_is_refused(labels: Labels, prediction: Prediction) -> None:
    other = Labels.expert(NAMES, row(0, 0), (False, True, True))
    with pytest.raises(Failure, match="another grid"):
        after(other, prediction, said("accepted"))
    with pytest.raises(ValueError, match="round"):
        after(labels, prediction, said("accepted"), round_number=254)


@given(st.data())
def test_an_expert_label_is_unchanged_after_every_round(drawn: SimpleNamespace, data: st.DataObject) -> None:
    labels = expert = data.draw(drawn.labels())
    for round_number in range(3):
        prediction = data.draw(drawn.prediction(labels))
        labels = apply(labels, prediction, data.draw(drawn.review(prediction, True)), "scan", round_number, drawn.edits)
        theirs = expert.origin == EXPERT
        assert np.array_equal(labels.label_map[theirs], expert.label_map[theirs])
        assert np.array_equal(labels.origin == EXPERT, theirs)
        assert np.array_equal(labels.label_map > 0, labels.origin > 0)
        for structure in expert.structures:
            # Whatever the annotator settled stays settled the same way.
            settled = expert.certain(structure)
            assert np.array_equal(labels.positive(structure)[settled], expert.positive(structure)[settled])
            assert labels.certain(structure)[settled].all()
        for structure, marks in expert.overlaps.items():
            kept = np.isin(marks.indices, labels.overlaps[structure].indices)
            assert kept.all()


@given(st.data())
def test_applying_the_same_review_twice_changes_nothing(drawn: SimpleNamespace, data: st.DataObject) -> None:
    labels = data.draw(drawn.labels())
    for round_number in range(2):
        prediction = data.draw(drawn.prediction(labels))
        review = data.draw(drawn.review(prediction, True))
        labels = apply(labels, prediction, review, "scan", round_number, drawn.edits)
        assert same(apply(labels, prediction, review, "scan", round_number, drawn.edits), labels)


@given(st.data())
def test_the_labels_that_were_handed_in_stay_as_they_are(drawn: SimpleNamespace, data: st.DataObject) -> None:
    labels = data.draw(drawn.labels())
    copy = replace(labels, label_map=labels.label_map.copy(), origin=labels.origin.copy())
    prediction = data.draw(drawn.prediction(labels))
    apply(labels, prediction, data.draw(drawn.review(prediction, True)), "scan", 0, drawn.edits)
    assert same(labels, copy)


@given(st.data(), st.sampled_from([0.25, 0.5, 1.0]))
def test_accepting_everything_accepts_the_selection_and_only_that(
    drawn: SimpleNamespace, data: st.DataObject, gamma: float
) -> None:
    labels = data.draw(drawn.labels())
    prediction = data.draw(drawn.prediction(labels))
    result = apply(labels, prediction, automatic_review(["scan"], labels.structures, gamma), "scan", 0)
    for structure in labels.structures:
        expected = labels.positive(structure) | select(prediction, labels, structure, gamma)
        assert np.array_equal(result.positive(structure), expected)
    assert (result.known, result.slices) == (labels.known, labels.slices)
    assert result.negatives == labels.negatives


@given(st.data())
def test_structures_that_exclude_each_other_never_share_a_voxel(drawn: SimpleNamespace, data: st.DataObject) -> None:
    labels = data.draw(drawn.labels())
    for round_number in range(2):
        prediction = data.draw(drawn.prediction(labels))
        labels = apply(labels, prediction, data.draw(drawn.review(prediction, True)), "scan", round_number, drawn.edits)
    for one in labels.structures:
        for other in labels.structures:
            if labels.excludes(one, other):
                assert not (labels.positive(one) & labels.positive(other)).any()
        if one in labels.negatives:
            assert not labels.positive(one).ravel()[labels.negatives[one].indices].any()
