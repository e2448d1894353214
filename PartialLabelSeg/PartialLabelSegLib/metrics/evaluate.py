"""Predicted against reference segmentations: every measure per case and structure, and their mean and spread over the cases.

Where the grids differ the prediction is resampled onto the reference's grid by nearest neighbour, never the reference. What one
side lacks is listed and not scored. Under nnU-Net's ignore label of the reference nothing is counted. A measure without a value
(overlap.py and surface.py say when) is null in JSON and counted as undefined. For a structure that was missing and has been
completed, `precision` and `recall` are those of its relabelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..data.geometry import Grid, resample_labels
from ..data.image_io import read_scan
from ..run.failure import Failure
from ..run.files import finite
from .mask_files import MaskFile, Naming, read_masks
from .measure import Comparison, Measured, Summary, measure, summarise
from .pairing import Missing, Note, Pair, pair_cases

RULES = {
    "empty_masks": "both empty: dice and jaccard 1, distances 0; one empty: dice and jaccard 0, distances undefined (null)",
    "surface": "voxels of the mask with a face neighbour outside it; every surface voxel counts once",
    "hd95_mm": "the larger of the two directed 95th percentiles",
    "asd_mm": "mean distance over the surface voxels of both masks together",
    "volume_error_ml": "predicted minus reference",
    "ranking": "of the voxels predicted as the structure by their confidence; fractions",
    "grid": "the reference's; a prediction on another grid is resampled by nearest neighbour",
    "structures": "mean and std (n - 1) over the n cases with a value; undefined counts the cases without",
    "overall": "the same over all pairs of case and structure",
}


@dataclass(frozen=True)
class CaseEvaluation:
    """What was measured in one case, what one side lacks there, and what a reader should know."""

    measured: tuple[Measured, ...]
    missing: tuple[Missing, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """All cases. `failed` holds a sentence for every case whose files could not be used."""

    measured: tuple[Measured, ...]
    missing: tuple[Missing, ...] = ()
    notes: tuple[Note, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def structures(self) -> tuple[str, ...]:
        """In the order in which they were first met."""
        return tuple(dict.fromkeys(item.structure for item in self.measured))

    def of(self, structure: str) -> dict[str, Summary]:
        """Mean and spread of every measure of one structure over the cases."""
        return summarise(item for item in self.measured if item.structure == structure)

    def overall(self) -> dict[str, Summary]:
        """Mean and spread of every measure over all pairs of case and structure."""
        return summarise(self.measured)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; what is undefined is None."""
        cases: dict[str, dict[str, Any]] = {}
        for item in self.measured:
            counts = {} if item.ranking is None else {"candidates": item.ranking.count, "errors": item.ranking.errors}
            cases.setdefault(item.case, {})[item.structure] = {**item.values(), **counts}
        value: dict[str, Any] = {
            "format": 1,
            "rules": RULES,
            "cases": cases,
            "structures": {name: _plain(self.of(name)) for name in self.structures},
            "overall": _plain(self.overall()),
            "missing": [asdict(item) for item in self.missing],
            "failed": list(self.failed),
            "notes": [asdict(note) for note in self.notes],
        }
        return {key: finite(part) for key, part in value.items()}


def evaluate(predicted: Path, reference: Path, structures: Mapping[str, int] | None = None) -> Evaluation:
    """Compare two files, or two folders case by case.

    `structures` gives the value of each structure in plain label maps; only these structures are then compared.
    Raises Failure where nothing can be compared. A case whose files are unusable is listed in `failed`, and the others go on.
    """
    pairing = pair_cases(predicted, reference)
    done, failures = [], []
    for pair in pairing.pairs:
        try:
            done.append(evaluate_pair(pair, structures))
        except Failure as failure:
            failures.append(failure)
    if not done:
        raise failures[0]
    return Evaluation(
        measured=tuple(item for case in done for item in case.measured),
        missing=pairing.missing + tuple(item for case in done for item in case.missing),
        notes=pairing.notes + tuple(note for case in done for note in case.notes),
        failed=tuple(str(failure) for failure in failures),
    )


def evaluate_pair(pair: Pair, structures: Mapping[str, int] | None = None) -> CaseEvaluation:
    """Compare the files of one case, structure by structure.

    Raises Failure, naming the case, for a file that cannot be used and where both files have no structure in common.
    """
    try:
        return _evaluate_pair(pair, structures)
    except Failure as failure:
        raise Failure(failure.wrong, way_out=failure.way_out, case=pair.case, structure=failure.structure) from None


@dataclass(frozen=True, eq=False)
class Opened:
    """Both files of a case, each on its own grid. common: {structure's name in the prediction: its name in the reference}."""

    predicted: MaskFile
    reference: MaskFile
    common: Mapping[str, str]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]


def open_pair(pair: Pair, structures: Mapping[str, int] | None = None) -> Opened:
    """Reads the files of a case and matches their structures. Failure: a file cannot be used, or they have none in common."""
    predicted, reference = read_masks(pair.predicted, structures), read_masks(pair.reference, structures)
    notes = _notes_on_names(predicted, reference) if structures is None else []
    predicted, reference = _named_alike(predicted, reference)
    common, missing = _match(pair.case, predicted, reference)
    notes += [f"'{own}' of the prediction was compared with '{name}'." for own, name in common.items() if own != name]
    return Opened(predicted, reference, common, missing, tuple(notes))


def _evaluate_pair(pair: Pair, structures: Mapping[str, int] | None) -> CaseEvaluation:
    opened = open_pair(pair, structures)
    predicted, reference, notes = opened.predicted, opened.reference, list(opened.notes)
    if not predicted.grid.same_as(reference.grid):
        notes.append(
            f"the prediction, {_grid_text(predicted.grid)}, was resampled by nearest neighbour onto the reference's grid, "
            f"{_grid_text(reference.grid)}."
        )
        predicted = predicted.on(reference.grid)
    confidence, said = read_confidence(pair.confidence, reference.grid) if pair.confidence else (None, [])
    notes += said
    within = reference.known()
    measured = []
    for own, name in opened.common.items():
        masks = Comparison(predicted.mask(own), reference.mask(name), reference.grid, within, confidence)
        measured.append(measure(pair.case, name, masks))
    return CaseEvaluation(tuple(measured), opened.missing, tuple(Note(pair.case, text) for text in notes))


def _named_alike(predicted: MaskFile, reference: MaskFile) -> tuple[MaskFile, MaskFile]:
    """Reads the values of a label map without names as those of the other label map; a value that it lacks is empty there."""
    if Naming.SEGMENTS in (predicted.naming, reference.naming):
        return predicted, reference
    left = predicted.named_as(reference) if predicted.naming is Naming.VALUES else predicted
    right = reference.named_as(predicted) if reference.naming is Naming.VALUES else reference
    return left, right


def _match(case: str, predicted: MaskFile, reference: MaskFile) -> tuple[dict[str, str], tuple[Missing, ...]]:
    """The structures of both sides, {name in the prediction: name in the reference}, and those that one side lacks.

    Names are equal, or else equal but for capitals, blanks, '_', '-' and '.' where that is not ambiguous.
    """
    common = {name: name for name in reference.places if name in predicted.places}
    left = _by_folded_name(name for name in predicted.places if name not in common)
    right = _by_folded_name(name for name in reference.places if name not in common)
    common.update({left[key][0]: right[key][0] for key in right if len(right[key]) == len(left.get(key, ())) == 1})
    if not common:
        raise Failure(
            f"the prediction ({', '.join(predicted.places) or 'empty'}) and the reference "
            f"({', '.join(reference.places) or 'empty'}) have no structure in common.",
            way_out="Name the structures alike, or say beside a label map (in dataset.json) what its values mean.",
        )
    lacking = [Missing(case, name, "prediction") for name in reference.places if name not in common.values()]
    return common, (*lacking, *(Missing(case, name, "reference") for name in predicted.places if name not in common))


def _by_folded_name(names: Iterable[str]) -> dict[str, list[str]]:
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(re.sub(r"[\s_.-]+", " ", name).strip().casefold(), []).append(name)
    return folded


def _notes_on_names(predicted: MaskFile, reference: MaskFile) -> list[str]:
    notes = []
    for side, file, other in (("prediction", predicted, reference), ("reference", reference, predicted)):
        if file.naming is Naming.VALUES and other.naming is Naming.DESCRIBED:
            notes.append(f"nothing names the values of the {side}; they were read as those of the other side.")
        if values := file.unnamed_values():
            notes.append(
                f"the {side} holds values without a name ({', '.join(map(str, values))}), which were left out."
            )
    return notes


def read_confidence(path: Path, grid: Grid) -> tuple[NDArray[np.number] | None, list[str]]:
    """The confidence on the grid; or None and why it could not be used, which is no reason to measure nothing."""
    try:
        image = read_scan(path)
    except Failure as failure:
        return None, [f"the confidence was left out: {failure.wrong}"]
    on_grid = Grid.from_image(image).same_as(grid)
    return sitk.GetArrayFromImage(image if on_grid else resample_labels(image, grid)), []


def _grid_text(grid: Grid) -> str:
    size = "×".join(str(side) for side in grid.size)
    return f"{size} voxels of {'×'.join(f'{side:.4g}' for side in grid.spacing)} mm"


def _plain(summaries: Mapping[str, Summary]) -> dict[str, dict[str, float]]:
    return {name: asdict(summary) for name, summary in summaries.items()}
