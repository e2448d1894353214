"""Three scans with seven structures, and all that a worker leaves of them in a run: what the panel's window is measured with.

"CT 1" is for the scene, with three structures drawn; "CT 2" lies on disk and nothing is drawn in it; so does the small "CT 3" with the
other four, so that all seven are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.panel_scan import BODIES, DRAWN, GRID, NAMES, Body, body
from PartialLabelSegLib.data.case import CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_image
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import write_prediction
from PartialLabelSegLib.data.seg_nrrd import Segment, write_seg_nrrd
from PartialLabelSegLib.data.types import Structure, structures_named
from PartialLabelSegLib.relabel.proposal_file import write_proposal
from PartialLabelSegLib.run.files import write_json, write_text
from PartialLabelSegLib.run.folder import RunFolder

IN_SCENE, ON_DISK, SMALL = "CT 1", "CT 2", "CT 3"
KNOWN = {IN_SCENE: DRAWN, ON_DISK: (), SMALL: tuple(name for name in NAMES if name not in DRAWN)}
LITTLE = Grid((64, 64, 40), (6.4, 6.4, 11.0), GRID.origin, GRID.direction)
CRUMBS = 30
"""For each structure."""
SCATTERED = "Pancreas"


@dataclass(frozen=True, eq=False)
class ScanCohort:
    """body: that of CT 1 on `grid`. data_set: a folder with CT 2 and CT 3. left: a run as a worker leaves it that waits for decisions."""

    grid: Grid
    body: Body
    data_set: Path
    left: RunFolder

    @property
    def structures(self) -> tuple[Structure, ...]:
        return structures_named(list(NAMES))

    def drawn(self) -> dict[str, np.ndarray]:
        """The expert's masks in CT 1, bool (z, y, x)."""
        return {name: self.body.label == NAMES.index(name) + 1 for name in DRAWN}


def folder_of(scan: str) -> str:
    """The name of a scan's folder in the run."""
    return scan.replace(" ", "_")


def make_cohort(folder: Path, grid: Grid = GRID) -> ScanCohort:
    """Writes the data set and the run below `folder`."""
    large, little = _with_crumbs(body(grid), 1), _with_crumbs(body(LITTLE), 2)
    scans = {IN_SCENE: (large, grid), ON_DISK: (large, grid), SMALL: (little, LITTLE)}
    made = ScanCohort(grid, large, folder / "data set", RunFolder(folder / "left"))
    _write_data_set(made.data_set, scans)
    for scan, (what, where) in scans.items():
        _write_case(made.left, scan, what, where)
        _write_completed(made.left.completed / f"{folder_of(scan)}.seg.nrrd", what, where)
    cases = [{"name": scan, "folder": folder_of(scan), "split": "train"} for scan in scans]
    structures = [{"name": item.name, "color": item.color, "terminology": ""} for item in made.structures]
    configuration = {"relabelling": {"method": "full", "rounds": 2}}
    made.left.write_head({"configuration": configuration, "structures": structures, "overlapping": [], "cases": cases})
    return made


def _with_crumbs(made: Body, seed: int) -> Body:
    """As a network leaves it: small, doubtful pieces lie near each structure, and those of the SCATTERED one all over the scan."""
    rng = np.random.default_rng(seed)
    label, confidence = made.label.copy(), made.confidence.copy()
    shape = np.array(label.shape)
    for value, ((*middle,), (*radii,), _) in enumerate(BODIES, 1):
        reach = np.ones(3) if NAMES[value - 1] == SCATTERED else 1.3 * np.minimum(np.array(radii[::-1]), 0.7)
        for _ in range(CRUMBS):
            where = np.array(middle[::-1]) * (NAMES[value - 1] != SCATTERED) + reach * rng.uniform(-1, 1, 3)
            low = np.clip((where + 1) / 2 * shape, 0, shape - 5).astype(int)
            place = tuple(slice(first, first + int(rng.integers(1, 5))) for first in low)
            free = label[place] == 0
            label[place][free] = value
            confidence[place][free] = rng.uniform(0.02, 0.3)
    return replace(made, label=label, confidence=confidence)


def _write_data_set(folder: Path, scans: dict[str, tuple[Body, Grid]]) -> None:
    what, grid = scans[ON_DISK]
    write_image(folder / "large.nrrd", grid.image(what.image))
    what, grid = scans[SMALL]
    write_image(folder / "small.nrrd", grid.image(what.image))
    write_image(folder / "drawn.nii.gz", grid.image(what.labels(KNOWN[SMALL]).label_map))
    write_json(folder / "structures.json", {name: {"value": value} for value, name in enumerate(NAMES, 1)})
    states = ",".join("labelled" if name in KNOWN[SMALL] else "missing" for name in NAMES)
    lines = [
        f"case,image,labels,{','.join(NAMES)}",
        f"{ON_DISK},large.nrrd,,{','.join(['missing'] * len(NAMES))}",
        f"{SMALL},small.nrrd,drawn.nii.gz,{states}",
    ]
    write_text(folder / "cases.csv", "\n".join(lines) + "\n")


def _write_case(run: RunFolder, scan: str, what: Body, grid: Grid) -> None:
    labels = what.labels(KNOWN[scan])
    image = grid.image(what.image)
    write_case(run.case(folder_of(scan)), CaseSource(scan, lambda: image, lambda _: labels), scan)
    _predict(run, scan, what, labels, grid)


def _predict(run: RunFolder, scan: str, what: Body, labels: Labels, grid: Grid) -> None:
    folder = run.round(0).prediction(folder_of(scan))
    prediction = what.prediction(labels)
    write_prediction(folder, prediction, grid)
    write_proposal(folder, scan, prediction, labels, grid)


def _write_completed(path: Path, what: Body, grid: Grid) -> None:
    """The segmentation as the last round leaves it."""
    segments = [
        Segment(f"Segment_{value}", item.name, item.color, "", what.label == value)
        for value, item in enumerate(structures_named(list(NAMES)), 1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_seg_nrrd(path, segments, grid)
