"""The real scans of the accuracy benchmark: which structures, which folds, and which labels are taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import SimpleITK as sitk

from benchmarks.real_scans import HIPPOCAMPUS, ORGANS, ScanFiles, data_folder, hippocampus, openkbp
from PartialLabelSegLib.data.labels import Labels

FOLDS = 5


@dataclass(frozen=True)
class Scan:
    """A scan with its label map; `partial` ones really lack structures and are used for training only."""

    files: ScanFiles
    partial: bool = False

    @property
    def name(self) -> str:
        return self.files.name

    def read_image(self) -> sitk.Image:
        return sitk.ReadImage(str(self.files.image))


def labels_of(scan: Scan, structures: tuple[str, ...]) -> Labels:
    """All that was drawn. A structure that a partial scan does not show was not contoured, hence is not known."""
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(scan.files.labels))).astype(np.uint8)
    known = tuple(not scan.partial or bool((array == value).any()) for value in range(1, len(structures) + 1))
    return Labels.expert(structures, array, known)


@dataclass(frozen=True)
class Study:
    """Scans, their structures, and how they are trained on. ceiling: removal of labels is simulated; else the labels are as partial as `alpha` says."""

    name: str
    structures: tuple[str, ...]
    scans: tuple[Scan, ...]
    dimensions: str
    plan: dict[str, Any] = field(default_factory=dict)
    ceiling: bool = True
    alpha: int = 100

    def split(self, fold: int) -> tuple[tuple[Scan, ...], tuple[Scan, ...]]:
        """Test and training scans of a fold: a fixed shuffle cut in five."""
        whole = [scan for scan in self.scans if not scan.partial]
        order = np.random.default_rng(2021).permutation(len(whole))
        tests = tuple(whole[index] for index in order[fold::FOLDS])
        return tests, tuple(scan for scan in self.scans if scan not in tests)

    def labelled(self, fold: int, alpha: int) -> dict[str, tuple[bool, ...]]:
        """Per training scan which structures are shown: `alpha` percent of the scans for each structure by itself, nested in alpha."""
        training = self.split(fold)[1]
        shown = np.zeros((len(training), len(self.structures)), bool)
        for column in range(len(self.structures)):
            order = np.random.default_rng([2021, fold, column]).permutation(len(training))
            shown[order[: round(alpha / 100 * len(training))], column] = True
        return {scan.name: tuple(bool(flag) for flag in row) for scan, row in zip(training, shown)}


MIRRORED = {"mirror": [2]}
"""Head and neck look alike from both sides; the parotid glands change places."""


def _openkbp() -> Study:
    return Study("openkbp", ORGANS, tuple(Scan(item) for item in openkbp(30)), "2.5d", MIRRORED)


def _openkbp_more() -> Study:
    """The 30 complete scans and 30 that really lack organs; the same folds as `openkbp`."""
    folder = data_folder() / "openkbp" / "partial"
    more = [
        ScanFiles(f"more_{path.name[: -len('_ct.nii.gz')]}", path, folder / path.name.replace("_ct.", "_oar."))
        for path in sorted(folder.glob("*_ct.nii.gz"))
    ]
    scans = (*(Scan(item) for item in openkbp(30)), *(Scan(item, partial=True) for item in more))
    return Study("openkbp-more", ORGANS, scans, "2.5d", MIRRORED, ceiling=False)


def _hippocampus() -> Study:
    return Study("hippocampus", HIPPOCAMPUS, tuple(Scan(item) for item in hippocampus(60)), "3d")


STUDIES: dict[str, Callable[[], Study]] = {
    "openkbp": _openkbp,
    "openkbp-more": _openkbp_more,
    "hippocampus": _hippocampus,
}
