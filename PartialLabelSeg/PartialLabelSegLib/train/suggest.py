"""The predicting step of a round: what the networks say of each scan, on its own grid, with the confidence's rank."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from torch import nn

from ..config import Plan
from ..data.case import Case
from ..data.prediction import Prediction, fixed_point, write_prediction
from ..nets.instance.network import InstanceNetwork
from ..relabel.proposal_file import write_proposal
from ..relabel.select import rank_volume
from ..run.events import Event
from .instance_files import write_instances
from .instances import predict_instances
from .judged import keep_candidates
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
        keep_candidates(folder / "candidates.npz", session.truth / case.folder.name, labels, label, best, sure)
    if isinstance(segmentation, InstanceNetwork):
        found = predict_instances(segmentation, image, plan, device)
        write_instances(folder, found, (image.shape[0], image.shape[1], image.shape[2]), case.grid, plan)
    write_prediction(folder, prediction, case.grid)
    write_proposal(folder, case.name, prediction, labels, case.grid)


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
