"""How well single lesions are found in predicted segmentations: AP50, AP75, IoU, precision and recall per structure over the cases.

The reference's lesions are the connected components of its masks. Those of a prediction are, in this order: the instances of the volume
`<case>.instances.nrrd` beside it, described by `<case>.instances.json`; the components of its masks, with their scores from that list; or
with the mean of `<case>.confidence.nrrd`; or with the score 1, where nothing says how sure they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..data.geometry import Grid, resample_labels
from ..data.image_io import read_label_map
from ..data.lesions import LIST, VOLUME, Lesion, parts_of, read_lesions
from ..run.failure import Failure
from ..run.files import finite
from .detection import Detection, Instance, Scored, component_numbers, instances_of, match, summed
from .evaluate import Opened, open_pair, read_confidence
from .mask_files import MaskFile
from .pairing import Pair, case_name, pair_cases, stem

THRESHOLDS = (0.5, 0.75)
SURE = 0.5
"""A detection that is less sure counts for average precision alone: an instance network lists what it takes for unlikely, too."""
RULES = {
    "lesions": "connected components of the reference; voxels touch by faces, edges or corners",
    "matching": "the surest detection first, to the free lesion of the highest IoU; a second detection of a lesion is wrong",
    "ap50, ap75": "area under the monotone precision-recall curve over all cases, matched at an IoU of at least 0.5 and 0.75",
    "found, wrong, missed, precision, recall, iou": "of detections with a score of at least 0.5, matched at an IoU of at least 0.5",
    "iou": "mean over the matched pairs",
    "scores": "those of the list of instances; without it the mean confidence, moved to 0.5 to 1; else 1",
}


@dataclass(frozen=True)
class CaseDetections:
    """What became of the detections of one structure in one case: by threshold, and how many lesions the reference has."""

    case: str
    structure: str
    lesions: int
    matched: Mapping[float, tuple[Scored, ...]]

    def sure(self) -> Detection:
        """Of the sure detections at the lower threshold."""
        return summed([item for item in self.matched[THRESHOLDS[0]] if item.score >= SURE], self.lesions, THRESHOLDS[0])


@dataclass(frozen=True)
class StructureDetections:
    """One structure over all cases. sure: found, wrong and missed at an IoU of 0.5, of the sure detections. Fractions in 0..1, or nan."""

    cases: int
    lesions: int
    detected: int
    ap50: float
    ap75: float
    sure: Detection

    def values(self) -> dict[str, float]:
        counts = {"cases": self.cases, "lesions": self.lesions, "detected": self.detected}
        sure = {"found": self.sure.found, "wrong": self.sure.wrong, "missed": self.sure.missed}
        rates = {"iou": self.sure.matched_iou, "precision": self.sure.precision, "recall": self.sure.recall}
        return {**counts, "ap50": self.ap50, "ap75": self.ap75, **sure, **rates}


@dataclass(frozen=True)
class DetectionEvaluation:
    """All cases that both sides have. `failed` holds a sentence for every case whose files could not be used."""

    cases: tuple[CaseDetections, ...]
    failed: tuple[str, ...] = ()

    @property
    def structures(self) -> tuple[str, ...]:
        """In the order in which they were first met."""
        return tuple(dict.fromkeys(item.structure for item in self.cases))

    def of(self, structure: str) -> StructureDetections:
        mine = [item for item in self.cases if item.structure == structure]
        lesions = sum(item.lesions for item in mine)
        pooled = {at: [one for item in mine for one in item.matched[at]] for at in THRESHOLDS}
        low, high = (summed(pooled[at], lesions, at).average_precision for at in THRESHOLDS)
        sure = summed([one for one in pooled[THRESHOLDS[0]] if one.score >= SURE], lesions, THRESHOLDS[0])
        return StructureDetections(len(mine), lesions, len(pooled[THRESHOLDS[0]]), low, high, sure)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; what is undefined is None."""
        cases: dict[str, dict[str, Any]] = {}
        for item in self.cases:
            sure = item.sure()
            counts = {"found": sure.found, "wrong": sure.wrong, "missed": sure.missed}
            cases.setdefault(item.case, {})[item.structure] = {"lesions": item.lesions, **counts}
        value = {
            "rules": RULES,
            "structures": {name: self.of(name).values() for name in self.structures},
            "cases": cases,
            "failed": list(self.failed),
        }
        return {key: finite(part) for key, part in value.items()}


def evaluate_instances(
    predicted: Path, reference: Path, structures: Mapping[str, int] | None = None
) -> DetectionEvaluation:
    """Compare the lesions of two files, or of two folders case by case; the arguments are those of `evaluate`.

    Raises Failure where nothing can be compared. A case whose files are unusable is listed in `failed`, and the others go on.
    """
    done: list[CaseDetections] = []
    failures = []
    for pair in pair_cases(predicted, reference).pairs:
        try:
            done += _evaluate_pair(pair, structures)
        except Failure as failure:
            failures.append(
                Failure(failure.wrong, way_out=failure.way_out, case=pair.case, structure=failure.structure)
            )
    if not done and failures:
        raise failures[0]
    return DetectionEvaluation(tuple(done), tuple(str(failure) for failure in failures))


def _evaluate_pair(pair: Pair, structures: Mapping[str, int] | None) -> list[CaseDetections]:
    opened = open_pair(pair, structures)
    source = _Source.beside(pair, opened.predicted)
    within = opened.reference.known()
    result = []
    for own, name in opened.common.items():
        mask = opened.reference.mask(name)
        lesions = instances_of(mask if within is None else mask & within)
        detected = source.instances(own, opened, within)
        matched = {at: tuple(match(detected, lesions, at)) for at in THRESHOLDS}
        result.append(CaseDetections(pair.case, name, len(lesions), matched))
    return result


@dataclass(frozen=True, eq=False)
class _Source:
    """Where the instances of a prediction come from. listed: None without a list. volume, confidence: on the prediction's grid."""

    predicted: MaskFile
    listed: tuple[Lesion, ...] | None
    volume: NDArray[np.integer] | None
    confidence: NDArray[np.float32] | None

    @classmethod
    def beside(cls, pair: Pair, predicted: MaskFile) -> _Source:
        """Failure: the volume has no list, or does not lie on the prediction's grid."""
        names = dict.fromkeys((case_name(pair.predicted), stem(pair.predicted)))
        path = next((at for at in (pair.predicted.with_name(f"{name}{LIST}") for name in names) if at.is_file()), None)
        if path is None:
            return cls(predicted, None, None, _shares(pair, predicted.grid))
        listed, place = read_lesions(path), path.with_name(path.name.removesuffix(LIST) + VOLUME)
        if not place.is_file():
            return cls(predicted, listed, None, None)
        volume, grid = read_label_map(place)
        if not grid.same_as(predicted.grid):
            raise Failure(
                f"{place.name} does not lie on the grid of {pair.predicted.name}.", way_out="Write both again."
            )
        return cls(predicted, listed, volume, None)

    def instances(self, structure: str, opened: Opened, within: NDArray[np.bool_] | None) -> list[Instance]:
        """The instances of a structure on the reference's grid, as far as they lie where the truth is known."""
        numbers, scores = self._numbered(structure)
        numbers = _on(numbers, self.predicted.grid, opened.reference.grid)
        if within is not None:
            numbers = np.where(within, numbers, 0)
        return [Instance(part, scores[number]) for number, part in parts_of(numbers).items()]

    def _numbered(self, structure: str) -> tuple[NDArray[np.integer], Mapping[int, float]]:
        mine = [one for one in self.listed or () if one.structure == structure]
        if self.volume is not None:
            scores = {one.number: one.score for one in mine}
            return np.where(np.isin(self.volume, list(scores)), self.volume, 0), scores
        mask = self.predicted.mask(structure)
        numbers = component_numbers(mask)
        if self.listed is None:
            parts = instances_of(mask, self.confidence)
            # The segmentation has decided for these, however small their confidence is beside others'.
            return numbers, {number: 0.5 + 0.5 * min(one.score, 1.0) for number, one in enumerate(parts, 1)}
        said = {(one.box, one.voxels): one.score for one in mine}
        return numbers, {number: said.get(_key(part, mask.shape), 1.0) for number, part in parts_of(numbers).items()}


def _shares(pair: Pair, grid: Grid) -> NDArray[np.float32] | None:
    """The confidence on the prediction's grid, 1 for the largest stored whole number; None where there is none that can be read."""
    stored = read_confidence(pair.confidence, grid)[0] if pair.confidence else None
    if stored is None:
        return None
    one = np.iinfo(stored.dtype.name).max if stored.dtype.kind in "iu" else 1
    return stored.astype(np.float32) / np.float32(one)


def _key(part: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[Any, int]:
    """Box and size, by which a component is found again in a list; one that was drawn since then is not there, and is sure."""
    places = np.stack(np.unravel_index(part, shape))
    return (tuple(places.min(axis=1).tolist()), tuple((places.max(axis=1) + 1).tolist())), int(part.size)


def _on(numbers: NDArray[np.integer], own: Grid, grid: Grid) -> NDArray[np.integer]:
    if own.same_as(grid):
        return numbers
    image = resample_labels(own.image(numbers.astype(np.int32)), grid)
    return sitk.GetArrayFromImage(image)
