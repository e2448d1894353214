"""The predicting step: every scan on its own grid, one after the other, and what the confidence says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import ONE, read_prediction
from PartialLabelSegLib.relabel.select import candidates
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.learn import (
    confidence_network,
    learn_confidence,
    learn_segmentation,
    segmentation_network,
)
from PartialLabelSegLib.train.predict import predict_volume
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.steps import Cancelled
from PartialLabelSegLib.train.suggest import NEIGHBOUR_MM, predict_cases, upheld_by_neighbours
from train.making import CPU, STRUCTURES, labels_of_cohort, make_session, partial, plan_of, scan_of, write_scan


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A run whose networks of round 0 are there."""
    session = make_session(tmp_path_factory.mktemp("run"), labels_of_cohort())
    for case in session.cases:
        session.prepare(case, 0)
    list(learn_segmentation(session, 0))
    list(learn_confidence(session, 0))
    return session


def elsewhere(session: Session, folder: Path) -> Session:
    """The same run, writing its predictions into another folder."""
    for name in ("cases", "prepared"):
        (folder / name).symlink_to(session.run.path / name)
    (folder / "rounds" / "0").mkdir(parents=True)
    for name in ("segmentation.pt", "confidence.pt"):
        (folder / "rounds" / "0" / name).symlink_to(session.run.path / "rounds" / "0" / name)
    return replace(session, run=replace(session.run, path=folder))


def test_each_case_is_told_and_what_is_there_is_not_predicted_again(learned: Session, tmp_path: Path) -> None:
    session = elsewhere(learned, tmp_path)
    list(predict_cases(session, 0, session.cases[1:2]))
    events = list(predict_cases(session, 0, session.cases[:3]))
    assert [(event.fields["case"], event.fields["step"], event.fields["steps"]) for event in events] == [
        ("scan0", 2, 3),
        ("scan2", 3, 3),
    ]
    assert list(predict_cases(session, 0, session.cases[:3])) == []


def test_the_cancel_file_stops_between_two_cases(learned: Session, tmp_path: Path) -> None:
    session = elsewhere(learned, tmp_path)
    story = predict_cases(session, 0, session.cases[:3])
    next(iter(story))
    session.run.cancel.touch()
    with pytest.raises(Cancelled):
        list(story)
    assert [path.name for path in (session.round(0).path / "predictions").iterdir()] == ["scan0"]


def test_a_prediction_is_right_where_the_network_has_learned(learned: Session, tmp_path: Path) -> None:
    session = elsewhere(learned, tmp_path)
    list(predict_cases(session, 0, session.cases[:3]))
    for seed in range(3):
        prediction, grid = read_prediction(session.round(0).prediction(f"scan{seed}"))
        truth = scan_of(seed).truth
        assert grid == session.cases[seed].grid and prediction.structures == STRUCTURES
        both = np.sum((prediction.label == truth) & (truth > 0))
        assert 2 * both / (np.sum(prediction.label > 0) + np.sum(truth > 0)) > 0.7


def test_confidence_belongs_to_the_predicted_structure_and_rank_to_the_candidates(
    learned: Session, tmp_path: Path
) -> None:
    session = elsewhere(learned, tmp_path)
    list(predict_cases(session, 0, session.cases[:1]))
    prediction, _ = read_prediction(session.round(0).prediction("scan0"))
    labels = session.cases[0].labels()
    nowhere = prediction.label == 0
    assert not prediction.confidence[nowhere].any() and prediction.confidence[~nowhere].any()
    assert np.all(prediction.probability[~nowhere] >= ONE // 2) and np.all(
        prediction.probability[nowhere] <= ONE // 2 + 1
    )
    open_voxels = candidates(labels, prediction.label, "Dark")
    assert np.array_equal(prediction.rank > 0, open_voxels)
    # Learned, not copied from the probability.
    assert not np.array_equal(prediction.confidence, np.where(nowhere, 0, prediction.probability))


def test_the_confidence_of_each_structure_is_what_its_own_output_says(learned: Session, tmp_path: Path) -> None:
    session = elsewhere(learned, tmp_path)
    list(predict_cases(session, 0, session.cases[:1]))
    prediction, _ = read_prediction(session.round(0).prediction("scan0"))
    network = confidence_network(session, segmentation_network(session, 0), 0)
    # The scan lies on the plan's own grid, so that nothing is resampled on the way back.
    outputs = predict_volume(network, session.open(session.cases[0], 0).image, session.plan, CPU)
    for value, output in enumerate(outputs.numpy(), 1):
        mine = prediction.label == value
        expected = upheld_by_neighbours(output, mine, session.plan)
        assert mine.any() and np.allclose(prediction.confidence[mine] / ONE, expected[mine], atol=2e-5)


def test_a_suggestion_counts_as_far_as_the_slices_around_uphold_it() -> None:
    """With slices 5 mm apart the Gaussian has a sigma of one slice: 0.3989 of it lies on the slice itself, cut off after four."""
    plan = replace(plan_of(), spacing_mm=(NEIGHBOUR_MM, 2.0, 2.0))
    confidence = np.full((11, 1, 3), 0.8, np.float32)
    predicted = np.zeros(confidence.shape, bool)
    predicted[:, 0, 0] = predicted[5, 0, 1] = True
    found = upheld_by_neighbours(confidence, predicted, plan)
    assert found.dtype == np.float32
    assert np.allclose(found[:, 0, 0], 0.8 * 0.8) and found[5, 0, 1] == pytest.approx(0.8 * 0.8 * 0.3989, rel=1e-3)
    assert not found[:, 0, 2].any()
    assert np.array_equal(upheld_by_neighbours(confidence, predicted, plan_of(dimensions="3d")), confidence)


def test_a_scan_on_an_oblique_anisotropic_grid_is_predicted_on_that_grid(learned: Session, tmp_path: Path) -> None:
    session = elsewhere(learned, tmp_path)
    scan = scan_of(7)
    # The same balls as rows of the file that run the other way, with every second slice left out.
    turned = np.ascontiguousarray(scan.image[::-2, :, ::-1])
    grid = Grid((24, 24, 12), (2.0, 2.0, 4.0), (26.0, 5.0, 146.0), (-1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0))
    nothing = partial(np.zeros(turned.shape, np.uint8), (False,) * 3)
    case = write_scan(tmp_path / "turned", turned, nothing, grid)
    session.run.path.joinpath("prepared").unlink()
    session.prepare(case, 0)
    list(predict_cases(session, 0, (case,)))
    prediction, found_grid = read_prediction(session.round(0).prediction("turned"))
    truth = scan.truth[::-2, :, ::-1]
    assert found_grid == grid and prediction.label.shape == truth.shape
    large = prediction.label == 1
    assert 2 * np.sum(large & (truth == 1)) / (large.sum() + np.sum(truth == 1)) > 0.7


def test_without_a_learned_confidence_the_probability_takes_its_place(learned: Session, tmp_path: Path) -> None:
    session = elsewhere(learned, tmp_path)
    plain = replace(session, configuration=replace(session.configuration, relabelling=Relabelling(confidence="mcp")))
    list(predict_cases(plain, 0, session.cases[:1]))
    prediction, _ = read_prediction(session.round(0).prediction("scan0"))
    assert np.array_equal(prediction.confidence, np.where(prediction.label > 0, prediction.probability, 0))


def test_with_the_truth_given_both_confidences_of_every_candidate_are_kept(learned: Session, tmp_path: Path) -> None:
    session = replace(elsewhere(learned, tmp_path), truth=tmp_path / "truth")
    case = session.cases[0]
    whole = Labels.expert(STRUCTURES, scan_of(0).truth, (True, True, True))
    write_labels(tmp_path / "truth" / "scan0", whole, case.grid)
    list(predict_cases(session, 0, session.cases[:2]))
    prediction, _ = read_prediction(session.round(0).prediction("scan0"))
    found = candidates(case.labels(), prediction.label, "Dark")
    with np.load(session.round(0).prediction("scan0") / "candidates.npz") as stored:
        assert np.array_equal(stored["correct-3"], whole.positive("Dark")[found])
        assert np.array_equal(
            np.rint(stored["confidence-3"] * np.float32(ONE)).astype(np.uint16), prediction.confidence[found]
        )
        assert np.array_equal(
            np.rint(stored["mcp-3"] * np.float32(ONE)).astype(np.uint16), prediction.probability[found]
        )
        assert stored["correct-1"].size == 0
    # Where no truth of a case is given, nothing is compared.
    assert not (session.round(0).prediction("scan1") / "candidates.npz").exists()


@pytest.mark.parametrize("name", ["segmentation.pt", "confidence.pt"])
def test_a_missing_network_is_a_failure(learned: Session, tmp_path: Path, name: str) -> None:
    session = elsewhere(learned, tmp_path)
    (session.round(0).path / name).unlink()
    with pytest.raises(Failure, match=f"{name}.* is missing"):
        list(predict_cases(session, 0, session.cases[:1]))
