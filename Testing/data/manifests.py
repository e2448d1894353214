"""A manifest of one scan with three structures, and what is read of it."""

from __future__ import annotations

from pathlib import Path

from data.small_scans import OBLIQUE, blocks, label_map, write_volume
from PartialLabelSegLib.data.case import CaseSource, Cohort
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Tumour=(2, 0, 0), Spleen=(0, 3, 4))
HEAD = "case,image,labels,Liver,Tumour,Spleen"


def write(folder: Path, *lines: str, head: str = HEAD) -> Path:
    """The manifest, with a scan and a label map of the three structures beside it."""
    write_volume(folder / "ct.nrrd", OBLIQUE)
    write_volume(folder / "labels.nii.gz", OBLIQUE, label_map(MASKS))
    (folder / "cases.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return folder


def labels_of(cohort: Cohort, case: str = "A") -> Labels:
    source = source_of(cohort, case)
    return source.read_labels(Grid.from_image(source.read_image()))


def source_of(cohort: Cohort, case: str = "A") -> CaseSource:
    return next(source for source in cohort.sources if source.case == case)


def problems_of(cohort: Cohort, case: str = "A") -> list[str]:
    """The sentences about one case, of the line and of its files."""
    said = [problem for problem in cohort.problems if problem.case == case]
    for source in cohort.sources:
        if source.case == case:
            said += source.labels_and_problems(Grid.from_image(source.read_image()))[1]
    return [f"{problem.severity}: {problem.sentence()}" for problem in said]
