"""Cases in: every format of a data set that is understood, read as one kind of cohort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...run.failure import Failure
from ..case import Cohort
from ..image_io import looks_like_scan
from ..types import Structure
from .choices import EVERY, CohortChoices, read_choices
from .choose import chosen
from .draft import DataSet, cohort_of
from .join import called, joined
from .manifest import read_manifest
from .nnunet import NAME, read_nnunet
from .openkbp import patients_in, read_openkbp
from .plain import read_plain
from .segmentations import is_segmentation, read_segmentations

MANIFEST = "cases.csv"
NO_CHOICES = CohortChoices()
__all__ = ["EVERY", "NO_CHOICES", "CohortChoices", "read_choices", "read_cohort", "read_cohorts"]
UNDERSTOOD = (
    f"Give one of: a manifest {MANIFEST} (or the folder that holds it); an nnU-Net data set folder with {NAME}; "
    "a folder of volumes with .seg.nrrd files; an OpenKBP folder with pt_*/ct.csv."
)


def read_cohort(path: Path, absent: str = "missing") -> Cohort:
    """The cases of a data set; scans and most labels are read later, one case at a time.

    absent: what a structure means that a label file could hold and does not draw, where the format itself does not say:
    'missing' (nobody looked) or 'absent' (it is not there). Failure: nothing there that is understood, or unusable as a whole.
    """
    return read_cohorts((path,), absent)


def read_cohorts(
    paths: Sequence[Path],
    absent: str = "missing",
    choices: CohortChoices = NO_CHOICES,
    plain: Sequence[Structure] = (),
) -> Cohort:
    """The cases of several data sets as one cohort, with what a person says of it; see `read_cohort`, `joined` and `chosen`.

    plain: what scans without any drawing may hold; without it they are no data set that is understood.
    """
    if absent not in ("missing", "absent"):
        raise ValueError(f"absent must be 'missing' or 'absent', got {absent!r}")

    def read(path: Path) -> DataSet:
        return read_plain(path, plain) if plain and not _is_data_set(path) else _read(path, absent)

    found = {name: _found(path, read, name if len(paths) > 1 else "") for name, path in zip(called(paths), paths)}
    data = joined(found) if len(found) > 1 else next(iter(found.values()))
    return cohort_of(data if choices == NO_CHOICES else chosen(data, choices))


def _found(path: Path, read: Callable[[Path], DataSet], name: str) -> DataSet:
    """The data set at a path; a Failure names it where it is one of several."""
    if not path.exists():
        raise Failure(f"there is no '{path}'.", way_out=UNDERSTOOD)
    try:
        return read(path)
    except Failure as failure:
        wrong = f"{failure.wrong} (In '{name}'.)" if name else failure.wrong
        raise Failure(wrong, way_out=failure.way_out, case=failure.case, structure=failure.structure) from None
    except OSError as error:
        text = f"'{path.name}' cannot be read ({error.strerror or error})."
        raise Failure(text, way_out="Look at its permissions.") from None


def _is_data_set(path: Path) -> bool:
    """Whether `path` looks like one of the data sets that are understood, and not like a scan; nothing is read yet."""
    if path.is_file():
        return path.name == NAME or path.suffix.lower() == ".csv"
    if not path.is_dir() or looks_like_scan(path):
        return False
    return (path / MANIFEST).is_file() or (path / NAME).is_file() or bool(patients_in(path)) or _has_segmentation(path)


def _has_segmentation(path: Path) -> bool:
    return any(is_segmentation(found) for pattern in ("*", "*/*") for found in path.glob(pattern))


def _read(path: Path, absent: str) -> DataSet:
    if path.is_file():
        if path.name == NAME:
            return read_nnunet(path.parent, absent)
        if path.suffix.lower() != ".csv":
            raise Failure(f"'{path.name}' is no data set that is understood.", way_out=UNDERSTOOD)
        return read_manifest(path)
    if (path / MANIFEST).is_file():
        return read_manifest(path / MANIFEST)
    if (path / NAME).is_file():
        return read_nnunet(path, absent)
    if patients_in(path):
        return read_openkbp(path, absent)
    if _has_segmentation(path):
        return read_segmentations(path, absent)
    raise Failure(f"'{path.name or path}' holds no data set that is understood.", way_out=UNDERSTOOD)
