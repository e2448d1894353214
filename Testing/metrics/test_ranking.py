"""Ranking by confidence and quality of relabelling: by hand, and equal to scikit-learn whatever the ties."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from PartialLabelSegLib.metrics.ranking import Ranking, RelabelQuality, rank_candidates, ranking, relabel_quality

Ranked = tuple[NDArray[np.floating], NDArray[np.bool_]]


@st.composite
def ranked_values(draw: st.DrawFn) -> Ranked:
    """Both classes present; few distinct values, hence many ties, half of the time."""
    count = draw(st.integers(2, 40))
    coarse = st.sampled_from([0.0, 0.25, 0.5, 1.0])
    fine = st.floats(0.0, 1.0, width=32)
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    confidence = draw(hnp.arrays(dtype, count, elements=draw(st.sampled_from([coarse, fine]))))
    correct = draw(hnp.arrays(np.bool_, count))
    correct[0], correct[-1] = True, False
    return confidence, correct


def flags(text: str) -> NDArray[np.bool_]:
    return np.array([letter == "1" for letter in text], dtype=np.bool_)


def test_a_small_ranking_is_as_computed_by_hand() -> None:
    result = ranking(np.array([0.9, 0.8, 0.7, 0.6]), flags("1101"))
    # Pairs: the wrong one (0.7) lies below 0.9 and 0.8, above 0.6. Successes at ranks 1, 2, 4; the error second from below.
    assert result.auc == pytest.approx(2 / 3)
    assert result.ap_success == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert result.ap_error == pytest.approx(1 / 2)
    assert (result.count, result.errors) == (4, 1)


def test_tied_values_share_one_threshold() -> None:
    result = ranking(np.array([0.5, 0.5, 0.5, 0.5]), flags("1110"))
    assert result.auc == 0.5
    assert result.ap_success == 0.75
    assert result.ap_error == 0.25


def test_a_perfect_ranking_and_its_reverse() -> None:
    correct = flags("0001111")
    perfect = ranking(np.linspace(0, 1, 7), correct)
    assert (perfect.auc, perfect.ap_success, perfect.ap_error) == (1.0, 1.0, 1.0)
    assert ranking(np.linspace(1, 0, 7), correct).auc == 0.0


@given(ranked_values())
@settings(max_examples=400)
def test_the_measures_equal_scikit_learns(ranked: Ranked) -> None:
    confidence, correct = ranked
    result = ranking(confidence, correct)
    assert result.auc == pytest.approx(roc_auc_score(correct, confidence), abs=1e-12)
    assert result.ap_success == pytest.approx(average_precision_score(correct, confidence), abs=1e-12)
    assert result.ap_error == pytest.approx(average_precision_score(~correct, -confidence), abs=1e-12)


@given(ranked_values(), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_the_order_of_the_voxels_does_not_matter(ranked: Ranked, random: Random) -> None:
    confidence, correct = ranked
    order = list(range(len(correct)))
    random.shuffle(order)
    assert ranking(confidence[order], correct[order]) == ranking(confidence, correct)


@given(ranked_values())
@settings(max_examples=100)
def test_correct_and_wrong_swap_roles_when_the_confidence_is_turned_round(ranked: Ranked) -> None:
    confidence, correct = ranked
    forth, back = ranking(confidence, correct), ranking(-confidence, ~correct)
    assert (back.auc, back.ap_success, back.ap_error) == (forth.auc, forth.ap_error, forth.ap_success)


@given(ranked_values())
@settings(max_examples=100)
def test_a_monotone_rescaling_of_the_confidence_changes_nothing(ranked: Ranked) -> None:
    confidence, correct = ranked
    assert ranking(confidence * 4, correct) == ranking(confidence.astype(np.float64), correct)
    assert ranking(np.sqrt(confidence.astype(np.float64)), correct) == ranking(confidence, correct)


def test_confidences_close_to_1_are_not_tied() -> None:
    confidence = np.array([1e-30, 2e-30, 3e-30], dtype=np.float32)
    assert ranking(confidence, flags("011")).auc == 1.0


def test_nothing_is_said_where_all_are_correct_or_all_are_wrong_or_there_are_none() -> None:
    values = np.array([0.1, 0.2])
    for confidence, correct, errors in ((values, "11", 0), (values, "00", 2), (values[:0], "", 0)):
        result = ranking(confidence, flags(correct))
        assert all(math.isnan(value) for value in (result.auc, result.ap_success, result.ap_error))
        assert (result.count, result.errors) == (len(correct), errors)


def test_a_million_values_of_8_bits_equal_scikit_learns() -> None:
    random = np.random.default_rng(1)
    confidence = np.round(random.random(1_000_000) * 255).astype(np.float32)
    correct = random.random(len(confidence)) < confidence / 255
    result = ranking(confidence, correct)
    assert result.auc == pytest.approx(roc_auc_score(correct, confidence), abs=1e-12)
    assert result.ap_error == pytest.approx(average_precision_score(~correct, -confidence), abs=1e-12)


def test_a_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="finite real numbers"):
        ranking(np.array([0.5, math.nan]), flags("10"))
    with pytest.raises(ValueError, match=r"one length, got \(3,\) and \(2,\)"):
        ranking(np.zeros(3), flags("10"))
    with pytest.raises(ValueError, match="correct must be a boolean array, got int64"):
        ranking(np.zeros(2), np.array([0, 1]))
    with pytest.raises(ValueError, match="errors must lie in"):
        Ranking(0.5, 0.5, 0.5, count=1, errors=2)


def test_candidates_are_the_predicted_voxels_only() -> None:
    predicted = flags("111100").reshape(1, 2, 3)
    reference = flags("110101").reshape(1, 2, 3)
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.0, 0.1]).reshape(1, 2, 3)
    result = rank_candidates(predicted, reference, confidence)
    assert result == ranking(np.array([0.9, 0.8, 0.7, 0.6]), flags("1101"))
    with pytest.raises(ValueError, match="confidence must have the masks' shape"):
        rank_candidates(predicted, reference, confidence[0])


def test_relabelling_precision_and_recall_are_as_counted_by_hand() -> None:
    quality = relabel_quality(accepted=flags("11110000"), truth=flags("01110111"))
    assert quality == RelabelQuality(accepted=4, accepted_true=3, true=6)
    assert (quality.precision, quality.recall) == (0.75, 0.5)


def test_relabelling_of_several_scans_is_pooled_by_voxels() -> None:
    pooled = RelabelQuality(4, 3, 6) + RelabelQuality(6, 2, 4)
    assert (pooled.precision, pooled.recall) == (0.5, 0.5)


def test_relabelling_without_accepted_or_true_voxels_has_no_share() -> None:
    assert math.isnan(relabel_quality(flags("00"), flags("01")).precision)
    assert math.isnan(relabel_quality(flags("01"), flags("00")).recall)
    with pytest.raises(ValueError, match="accepted_true must lie in"):
        RelabelQuality(accepted=2, accepted_true=3, true=5)
