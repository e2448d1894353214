"""A run that waits for decisions: three training scans and one for validation, small enough to count by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from PartialLabelSegLib.data.case import CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import EXPERT, Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, write_prediction
from PartialLabelSegLib.data.sizes import Bands, CaseSizes, SizeTable, write_sizes
from PartialLabelSegLib.panel.decisions import Decisions, open_decisions
from PartialLabelSegLib.panel.run_facts import RunReader
from PartialLabelSegLib.panel.steps import Steps, finish_now
from PartialLabelSegLib.panel.stream import write_volume
from PartialLabelSegLib.relabel.doubts import SHOULD_IT_BE_HERE, Doubt, write_doubts
from PartialLabelSegLib.relabel.proposal_file import write_proposal
from PartialLabelSegLib.relabel.select import rank_volume
from PartialLabelSegLib.run.files import write_json
from PartialLabelSegLib.run.folder import RunFolder

NAMES = ("Liver", "Spleen", "Tumour")
GRID = Grid((12, 10, 8), (1.0, 2.0, 5.0), (3.0, -4.0, 10.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
"""Voxels of 0.01 mL."""
KNOWN = {
    "CT 1": (False, True, True),
    "CT 2": (False, False, True),
    "CT 3": (True, False, False),
    "CT 4": (True, True, True),
}
Box = tuple[slice, slice, slice]
LIVER: Box = (slice(2, 6), slice(2, 7), slice(2, 8))
CRUMB: Box = (slice(6, 7), slice(8, 9), slice(9, 11))
SPLEEN: Box = (slice(3, 5), slice(1, 3), slice(9, 12))
"""Suggested in every scan: 120 voxels of liver and a crumb of 2, 12 of spleen at the edge of the scan. Tumours are nowhere."""


def labels_of(scan: str) -> Labels:
    """One voxel of the tumour is drawn where it is known."""
    label_map = np.zeros(GRID.shape, np.uint8)
    if KNOWN[scan][2]:
        label_map[0, 0, 0] = 3
    return Labels(NAMES, label_map, KNOWN[scan], (label_map > 0).astype(np.uint8) * np.uint8(EXPERT))


def at_once(labels: Labels) -> Steps[Labels]:
    """Labels that need no reading, where some are to be read in steps."""
    yield 1.0
    return labels


def prediction_of(scan: str) -> Prediction:
    """The confidence falls with the flat index within a structure."""
    label = np.zeros(GRID.shape, np.uint8)
    for value, box in ((1, LIVER), (1, CRUMB), (2, SPLEEN)):
        label[box] = value
    falling = np.linspace(0.95, 0.55, label.size, dtype=np.float32).reshape(label.shape)
    confidence = np.where(label > 0, falling, np.float32(0))
    stored = fixed_point(confidence)
    return Prediction(NAMES, label, stored, stored, rank_volume(labels_of(scan), label, confidence))


def predict(run: RunFolder, scan: str, number: int = 0) -> None:
    """What the worker leaves for one scan."""
    folder = run.round(number).prediction(scan.replace(" ", "_"))
    prediction = prediction_of(scan)
    write_prediction(folder, prediction, GRID)
    write_proposal(folder, scan, prediction, labels_of(scan), GRID)


def make_run(path: Path, *predicted: str) -> RunFolder:
    run = RunFolder(path)
    cases = [
        {"name": scan, "folder": scan.replace(" ", "_"), "split": "validation" if scan == "CT 4" else "train"}
        for scan in KNOWN
    ]
    structures = [{"name": name, "color": [0.5, 0.5, 0.5], "terminology": ""} for name in NAMES]
    configuration = {"relabelling": {"method": "full", "rounds": 2}}
    run.write_head({"configuration": configuration, "structures": structures, "overlapping": [], "cases": cases})
    for case in cases:
        write_case(run.case(str(case["folder"])), _source(str(case["name"])), str(case["name"]))
    for scan in predicted or KNOWN:
        predict(run, scan)
    return run


def write_volumes(path: Path, volumes: Mapping[tuple[str, str], tuple[float, float, float]]) -> None:
    """`sizes.json` as the worker leaves it. volumes: by scan and structure the predicted volume, the lowest and the highest (mL)."""
    cases: dict[str, dict[str, CaseSizes]] = {}
    for (scan, structure), (predicted, _, _) in volumes.items():
        sizes = CaseSizes(np.array([1000 * predicted, 0, 0, 0, 9, 9, 9]), np.full((3, 5), 1.5, np.float32))
        cases.setdefault(scan, {})[structure] = sizes
    write_sizes(path, SizeTable((5.0, 2.0, 1.0), 0, dict.fromkeys(NAMES, _NO_BANDS), cases))
    content = json.loads(path.read_text(encoding="utf-8"))
    for (scan, structure), (predicted, low, high) in volumes.items():
        content["cases"][scan][structure]["volume_ml"] = {"predicted": predicted, "low": low, "high": high}
    write_json(path, content)


def write_weights(run: RunFolder, scan: str, weights: Mapping[str, np.ndarray], regions: Sequence[Doubt]) -> Path:
    """What the worker leaves where the labels of a scan were weighed in round 0. weights: int16 (z, y, x) by structure."""
    folder = run.round(0).weights(scan.replace(" ", "_"))
    folder.mkdir(parents=True)
    for structure, array in weights.items():
        finish_now(write_volume(folder / f"weights-{NAMES.index(structure) + 1}.nrrd", array, GRID))
    write_doubts(folder, scan, {structure: NAMES.index(structure) + 1 for structure in weights}, regions)
    return folder


def region(structure: str, score: float, centre_ijk: tuple[int, int, int], kind: str = SHOULD_IT_BE_HERE) -> Doubt:
    """A region to check of 3.2 mL."""
    x, y, z = centre_ijk
    return Doubt(structure, kind, 320, 3.2, score, centre_ijk, ((z, z + 1), (y, y + 1), (x, x + 1)))


def tumour_weights() -> np.ndarray:
    """Supported on one side of the scan, doubted on the other, more and more to the ends; nothing in between."""
    along = np.linspace(-4000, 4000, GRID.size[0])
    along[4:8] = 0
    return np.broadcast_to(along, GRID.shape).astype(np.int16)


_NO_BANDS = Bands(1.0, (None,) * 7)


def _source(scan: str) -> CaseSource:
    return CaseSource(scan, lambda: GRID.image(np.zeros(GRID.shape, np.int16)), lambda _: labels_of(scan))


def opened(run: RunFolder, number: int = 0) -> Decisions:
    """As after a start of the panel."""
    decisions = open_decisions(run, RunReader().facts(run), number)
    decisions.refresh()
    return decisions
