"""`proposal.json` beside a prediction: what is suggested at every 5 % of gamma, to be shown and counted without reading a volume."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..data.geometry import Grid
from ..data.label_files import place_of, read_labels
from ..data.labels import Labels
from ..data.prediction import Prediction, read_prediction
from ..run.failure import Failure
from ..run.files import finite, read_json, write_text
from .scan_proposal import Level, Part, ScanProposal, Spans, StructureLevels, Triple, propose_levels

NAME = "proposal.json"
FORMAT = 1


def write_proposal(folder: Path, case: str, prediction: Prediction, labels: Labels, grid: Grid) -> ScanProposal:
    """Writes the suggestions into the folder of a prediction that was just written there. labels: those that its round learned from."""
    proposal = replace(propose_levels(prediction, labels, grid, case), made_for=_made_for(folder))
    value = finite({"format": FORMAT, **dataclasses.asdict(proposal)})
    # Without blanks: a scan with many small parts has some thousand of them.
    write_text(folder / NAME, json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")
    return proposal


def _made_for(folder: Path) -> dict[str, int]:
    head = read_json(folder / "prediction.json", "the description of the prediction")
    sums = head.get("crc32") if isinstance(head, dict) else None
    if not isinstance(sums, dict):
        way_out = f"Delete the folder {place_of(folder)} and run the same command again; the prediction is made anew."
        raise Failure("its prediction is damaged.", case=folder.name, way_out=way_out)
    return {str(name): int(value) for name, value in sums.items()}


def read_proposal(folder: Path, case: str = "") -> ScanProposal:
    """The suggestions of a prediction's folder. Failure: absent, damaged, or made for another prediction."""
    value = read_json(folder / NAME, "the list of the suggestions")
    way_out = f"Delete {place_of(folder)}/{NAME}; it is made anew."
    try:
        if value["format"] != FORMAT:
            raise ValueError("another format")
        proposal = _scan(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        text = f"the list of its suggestions is damaged ({error})."
        raise Failure(text, case=case or folder.name, way_out=way_out) from None
    if dict(proposal.made_for) != _made_for(folder) or (case and proposal.case != case):
        text = "the list of its suggestions was made for another prediction."
        raise Failure(text, case=case or folder.name, way_out=way_out)
    return proposal


def read_proposal_or_make(folder: Path, labels_folder: Path, case: str) -> ScanProposal:
    """The same; where it is not there (an older run, or a worker killed at that very moment) or not usable it is made, which takes seconds.

    labels_folder: the labels that the round learned from. Failure: the prediction or the labels cannot be read.
    """
    try:
        return read_proposal(folder, case)
    except Failure:
        prediction, grid = read_prediction(folder, case)
        return write_proposal(folder, case, prediction, read_labels(labels_folder, case)[0], grid)


def _scan(value: Mapping[str, Any]) -> ScanProposal:
    structures = {str(name): _structure(item) for name, item in value["structures"].items()}
    z, y, x = value["spacing_mm"]
    sums = {str(name): int(number) for name, number in value["made_for"].items()}
    ml, nothing = float(value["voxel_ml"]), tuple(str(name) for name in value["nothing"])
    return ScanProposal(
        str(value["case"]), _triple(value["shape"]), (float(z), float(y), float(x)), ml, structures, nothing, sums
    )


def _structure(value: Mapping[str, Any]) -> StructureLevels:
    counts = [int(value[name]) for name in ("pool", "accepted", "unranked", "drawn")]
    box = None if value["box"] is None else _box(value["box"])
    levels = tuple(_level(item) for item in value["levels"])
    return StructureLevels(counts[0], counts[1], counts[2], counts[3], box, float(value["confidence"]), levels)


def _level(value: Mapping[str, Any]) -> Level:
    components = tuple(_part(item) for item in value["components"])
    numbers = float(value["gamma"]), int(value["voxels"]), float(value["ml"]), float(value["confidence"])
    return Level(*numbers, int(value["parts"]), components)


def _part(value: Mapping[str, Any]) -> Part:
    return Part(
        int(value["seed"]),
        int(value["voxels"]),
        float(value["ml"]),
        float(value["confidence"]),
        _box(value["box"]),
        _triple(value["centre_ijk"]),
        bool(value["touches_border"]),
    )


def _triple(value: Sequence[Any]) -> Triple:
    first, second, third = value
    return int(first), int(second), int(third)


def _box(value: Sequence[Sequence[Any]]) -> Spans:
    z, y, x = ((int(first), int(behind)) for first, behind in value)
    return z, y, x
