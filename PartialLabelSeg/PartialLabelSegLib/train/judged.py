"""In an experiment with truth: which candidates are right, and how well each confidence ranks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..data.label_files import read_labels
from ..data.labels import Labels
from ..metrics.ranking import ranking
from ..relabel.select import candidates
from ..run.files import replacing
from .session import Session

MEASURES = ("auc", "ap_success", "ap_error")
CANDIDATES = "candidates.npz"


def keep_candidates(
    path: Path, truth_folder: Path, labels: Labels, label: np.ndarray, mcp: np.ndarray, confidence: np.ndarray
) -> None:
    """Writes for each candidate voxel whether it is right, and both confidences unrounded; nothing where the truth is not given.

    label: uint8 (z, y, x), the predicted structures. mcp, confidence: float32 of the same shape.
    """
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


def confidence_ranking(session: Session, number: int) -> dict[str, dict[str, float]]:
    """Per kind of confidence AUC, AP_success and AP_error (INERRANT, section 4.1.2) of a round's candidates; empty where no truth is given.

    Pooled over the training scans for each structure, then averaged over the structures that have right and wrong candidates.
    """
    pooled: dict[str, dict[int, list[np.ndarray]]] = {"correct": {}, "mcp": {}, "confidence": {}}
    for case in session.of_split("train"):
        path = session.round(number).prediction(case.folder.name) / CANDIDATES
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                for key in stored.files:
                    word, value = key.rsplit("-", 1)
                    pooled[word].setdefault(int(value), []).append(stored[key])
    kinds = {"mcp": "mcp"}
    if session.configuration.relabelling.confidence != "mcp":
        kinds["learned"] = "confidence"
    ranked = {name: _averaged(pooled[kind], pooled["correct"]) for name, kind in kinds.items()}
    return {name: values for name, values in ranked.items() if values}


def _averaged(confidence: dict[int, list[np.ndarray]], correct: dict[int, list[np.ndarray]]) -> dict[str, float]:
    rows: list[dict[str, Any]] = []
    for value, parts in correct.items():
        right = np.concatenate(parts)
        if right.any() and not right.all():
            found = ranking(np.concatenate(confidence[value]), right)
            rows.append({word: getattr(found, word) for word in MEASURES})
    return {word: float(np.mean([row[word] for row in rows])) for word in MEASURES} if rows else {}
