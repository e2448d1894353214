"""The predicting step of a round: what the networks say of each scan, on its own grid, with the confidence's rank."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage
from torch import nn

from ..config import Plan
from ..data.case import Case
from ..data.label_files import read_labels
from ..data.labels import Labels
from ..data.prediction import Prediction, fixed_point, write_prediction
from ..relabel.select import candidates, rank_volume
from ..run.events import Event
from ..run.files import replacing
from .learn import confidence_network, segmentation_network
from .predict import exclusive_labels, on_scan_grid, predict_volume
from .session import Session
from .steps import Cancelled

NEIGHBOUR_MM = 5.0
"""How far along the slices a suggestion has to be upheld (measured on OpenKBP: 2.5 to 7.5 mm rank alike)."""


def predict_cases(session: Session, number: int, cases: tuple[Case, ...]) -> Iterator[Event]:
    """Predicts the given cases with the networks of a round; each leaves a folder, so that a run goes on where it ended."""
    folder = session.round(number)
    waiting = [case for case in cases if not (folder.prediction(case.folder.name) / "prediction.json").exists()]
    if not waiting:
        return
    segmentation = segmentation_network(session, number).eval()
    confidence = None
    if session.configuration.relabelling.confidence == "learned":
        confidence = confidence_network(session, segmentation, number).eval()
    for done, case in enumerate(waiting, len(cases) - len(waiting) + 1):
        if session.run.cancelled():
            raise Cancelled
        _predict_case(session, number, case, segmentation, confidence)
        yield Event("prediction", {"round": number, "case": case.name, "step": done, "steps": len(cases)})


def _predict_case(
    session: Session, number: int, case: Case, segmentation: nn.Module, confidence: nn.Module | None
) -> None:
    plan, device = session.plan, session.device
    image = session.open(case, 0).image
    probabilities = predict_volume(segmentation, image, plan, device)
    label, best = exclusive_labels(on_scan_grid(volume, case.grid, plan) for volume in probabilities)
    predicted, _ = exclusive_labels(volume.numpy() for volume in probabilities)
    del probabilities
    sure = np.where(label > 0, best, np.float32(0))
    if confidence is not None:
        volumes = predict_volume(confidence, image, plan, device)
        for value in np.unique(label[label > 0]):
            own = upheld_by_neighbours(volumes[int(value) - 1].numpy(), predicted == value, plan)
            mine = label == value
            sure[mine] = on_scan_grid(own, case.grid, plan)[mine]
    np.clip(sure, 0, 1, out=sure)
    labels = session.labels(case, number)
    rank = rank_volume(labels, label, sure)
    prediction = Prediction(plan.structures, label, fixed_point(np.clip(best, 0, 1)), fixed_point(sure), rank)
    folder = session.round(number).prediction(case.folder.name)
    if session.truth is not None:
        _keep_for_ranking(folder / "candidates.npz", session.truth / case.folder.name, labels, label, best, sure)
    write_prediction(folder, prediction, case.grid)


def upheld_by_neighbours(confidence: np.ndarray, predicted: np.ndarray, plan: Plan) -> np.ndarray:
    """The confidence of one structure, float32 (slice, row, column), where the network saw single slices: times how far neighbouring slices agree.

    Agreement is the confidence on the voxels `predicted` (bool) as the structure, averaged along the slices with Gaussian weights of
    sigma NEIGHBOUR_MM. A slice-wise network cannot see that its suggestion ends with the next slice; most of its errors lie there.
    """
    if plan.dimensions == "3d":
        return confidence
    sigma = NEIGHBOUR_MM / plan.spacing_mm[0]
    agreement = ndimage.gaussian_filter1d(np.where(predicted, confidence, np.float32(0)), sigma, axis=0, mode="nearest")
    upheld: np.ndarray = confidence * agreement
    return upheld


def _keep_for_ranking(
    path: Path, truth_folder: Path, labels: Labels, label: np.ndarray, mcp: np.ndarray, confidence: np.ndarray
) -> None:
    """In an experiment with truth: for each candidate voxel whether it is right, and both confidences unrounded."""
    if not (truth_folder / "labels.json").exists():
        return
    truth, _ = read_labels(truth_folder)
    arrays = {}
    for value, name in enumerate(labels.structures, 1):
        found = candidates(labels, label, name)
        arrays[f"correct-{value}"] = truth.positive(name)[found]
        arrays[f"mcp-{value}"] = mcp[found]
        arrays[f"confidence-{value}"] = confidence[found]
    with replacing(path) as beside, open(beside, "wb") as handle:
        np.savez_compressed(handle, **arrays)
