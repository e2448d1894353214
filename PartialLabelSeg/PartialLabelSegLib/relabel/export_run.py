"""A finished run as files for other programs: the completed cases, a data set for nnU-Net, a table of volumes, or the lesions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.case import Case, read_case
from ..data.label_files import read_labels
from ..data.labels import Labels
from ..data.lesions import LIST, VOLUME
from ..data.prediction import read_prediction
from ..data.types import Structure
from ..run.failure import Failure
from ..run.files import inside
from ..run.folder import RunFolder
from .complete import Options, completed
from .counts import Volume, volumes, write_volumes
from .export import Completed, already_there, export_case
from .lesions import CompletedScan, export_instances, own_instances
from .nnunet import TrainingCase, export_nnunet

RUN_FORMATS = ("seg-nrrd", "nifti", "nnunet", "summary", "instances")


@dataclass(frozen=True)
class FinishedRun:
    """What an export needs of `run.json`: the structures, the case folders, and the rules for shape."""

    folder: RunFolder
    structures: tuple[Structure, ...]
    cases: tuple[str, ...]
    largest_component: bool
    fill_holes: bool


def export_run(
    run: RunFolder, what: str, out: Path, name: str = "Dataset001_Partial", replace: bool = False
) -> tuple[Path, ...]:
    """Exports a finished run into the folder `out`; returns the files and folders written.

    'seg-nrrd', 'nifti': each completed case. 'summary': `summary.csv`, the volumes of the completed cases (`out` may name the file itself).
    'instances': the list and the volume of each completed case's lesions (lesions.py).
    'nnunet': the data set `out/name` of the drawn and accepted labels, with the ignore label where something is still unknown.
    Failure: the run is not finished or damaged; something exists already and `replace` is not set.
    """
    if what not in RUN_FORMATS:
        raise ValueError(f"a run is exported as {', '.join(RUN_FORMATS)}, got {what!r}")
    finished = read_finished(run)
    if what == "summary":
        return (_write_summary(finished, out if out.suffix == ".csv" else out / "summary.csv", replace),)
    if what == "nnunet":
        if Path(name).name != name:
            raise Failure(f"nnU-Net does not take a data set named {name}.", way_out="Give a name without folders.")
        names = tuple(item.name for item in finished.structures)
        export_nnunet(out / name, names, _training_cases(finished), replace=replace)
        return (out / name,)
    if what == "instances":
        return tuple(path for folder in finished.cases for path in _write_instances(finished, folder, out, replace))
    return tuple(
        export_case(out, _completed(finished, folder), (what,), replace=replace)[0] for folder in finished.cases
    )


def read_finished(run: RunFolder) -> FinishedRun:
    """Failure: not a run of this program, damaged, or without a completed segmentation of every case."""
    head = run.read_head()
    try:
        structures = tuple(_structure(item) for item in head["structures"])
        cases = tuple(str(item["folder"]) for item in head["cases"])
        choices = head["configuration"]["relabelling"]
        rules = bool(choices["largest_component"]), bool(choices["fill_holes"])
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(f"run.json is damaged ({error}).", way_out="Start the run anew in another folder.") from None
    for folder in cases:
        inside(run.path / "cases", folder, "case folder")
        if not (run.completed / f"{folder}.seg.nrrd").exists():
            raise Failure(
                f"{run.path.name} is not finished: a case has no completed segmentation.",
                way_out="Run `complete` with the same folder until it ends.",
                case=folder,
            )
    return FinishedRun(run, structures, cases, *rules)


def _structure(item: dict[str, Any]) -> Structure:
    red, green, blue = (float(part) for part in item["color"])
    return Structure(str(item["name"]), (red, green, blue), str(item["terminology"]))


def labels_so_far(run: RunFolder, case: Case) -> Labels:
    """The labels after the last round that relabelled this case, or as the annotator left them."""
    for number in _rounds_from_the_last(run):
        folder = run.round(number).labels(case.folder.name)
        if (folder / "labels.json").exists():
            return read_labels(folder, case.name)[0]
    return case.labels()


def _rounds_from_the_last(run: RunFolder) -> list[int]:
    names = [path.name for path in (run.path / "rounds").glob("*") if path.name.isdecimal()]
    return sorted((int(name) for name in names), reverse=True)


def _completed(finished: FinishedRun, folder: str) -> Completed:
    case = read_case(finished.folder.case(folder))
    labels = labels_so_far(finished.folder, case)
    for number in _rounds_from_the_last(finished.folder):
        place = finished.folder.round(number).prediction(folder)
        if (place / "prediction.json").exists():
            prediction = read_prediction(place, case.name)[0]
            options = Options(number, finished.largest_component, finished.fill_holes)
            return Completed(
                folder, case.grid, completed(labels, prediction, options=options), finished.structures, prediction
            )
    return Completed(folder, case.grid, labels, finished.structures)


def _training_cases(finished: FinishedRun) -> Iterator[TrainingCase]:
    for folder in finished.cases:
        case = read_case(finished.folder.case(folder))
        yield TrainingCase(folder, case.image, labels_so_far(finished.folder, case))


def _write_instances(finished: FinishedRun, folder: str, out: Path, replace: bool) -> tuple[Path, ...]:
    case = _completed(finished, folder)
    paths = [out / f"{case.stem}{ending}" for ending in (LIST, VOLUME)]
    for path in paths:
        if path.exists() and not replace:
            raise already_there(path, case.name)
    before = labels_so_far(finished.folder, read_case(finished.folder.case(folder)))
    places = (finished.folder.round(number).prediction(folder) for number in _rounds_from_the_last(finished.folder))
    last = next((place for place in places if (place / "prediction.json").exists()), None)
    own = None if last is None else own_instances(last, case.grid.shape, case.labels.structures)
    scan = CompletedScan(case.grid, before, case.labels, case.prediction, own)
    return export_instances(out, case.stem, scan, volume=True)


def _write_summary(finished: FinishedRun, path: Path, replace: bool) -> Path:
    if path.exists() and not replace:
        raise Failure(
            f"{path.name} exists in {path.parent.name} and is not overwritten.", way_out="Choose another name."
        )
    rows: list[Volume] = []
    for folder in finished.cases:
        case = read_case(finished.folder.case(folder))
        rows += volumes(case.name, _completed(finished, folder).labels, case.grid, case.labels())
    write_volumes(path, rows)
    return path
