"""What the step Finish shows, made of what is known of the run, the scene and the saved models."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..run.folder import RunFolder
from . import words
from .run_facts import RunFacts
from .saved_models import SavedModel
from .state import Scan
from .taken_home import is_completed
from .view_models_decide import DICOM, NIFTI, NNUNET, SEG_NRRD, Choice, TargetScan

PREDICTION, ACCEPTED = "prediction", "accepted"
UNFINISHED = "learning has not come to its end yet; the last round writes it."
NOT_DICOM = "{scan} did not come from DICOM, so it cannot be written as DICOM SEG. Load it through Slicer's DICOM module, or choose another format."


@dataclass(frozen=True)
class Finishing:
    """scans: all of the panel. completed: those that the worker has completed. open: structure -> in how many scans it is still open."""

    scans: tuple[str, ...] = ()
    completed: frozenset[str] = frozenset()
    open: Mapping[str, int] | None = None

    @property
    def is_finished(self) -> bool:
        return bool(self.scans) and self.completed >= set(self.scans)


def finishing(run: RunFolder | None, facts: RunFacts, scans: Sequence[Scan]) -> Finishing:
    """How far everything is."""
    folders = dict(facts.folders)
    names = tuple(folders) or tuple(scan.name for scan in scans)
    completed = frozenset(name for name in names if is_completed(run, folders.get(name)))
    left: dict[str, int] = {}
    for structure in facts.structures:
        count = sum(scan.state(structure.name) in ("missing", "some slices") for scan in scans if scan.name in names)
        if count:
            left[structure.name] = count
    return Finishing(names, completed, left)


def summary(now: Finishing) -> str:
    """How complete the segmentations are, in a sentence."""
    if not now.scans:
        return "There is nothing to finish yet: add scans and learn first."
    everything = words.counted(len(now.scans), "scan")
    if now.is_finished:
        return f"Learning is finished: {'the scan is' if len(now.scans) == 1 else f'all {everything} are'} complete."
    open_now = now.open or {}
    text = f"Not finished: {len(now.completed)} of {everything} are complete."
    if open_now:
        listed = [f"{name} in {count}" for name, count in list(open_now.items())[:4]]
        more = f" and {len(open_now) - 4} more structures" if len(open_now) > 4 else ""
        text += f" Not drawn by hand: {', '.join(listed)}{more}."
    return f"{text} Until the last round is learned, only what was drawn and accepted can be taken over."


def scopes(now: Finishing) -> tuple[Choice, ...]:
    """All scans, or one of them."""
    if not now.scans:
        return ()
    everything = Choice("", f"all {words.counted(len(now.scans), 'scan')}" if len(now.scans) > 1 else now.scans[0])
    return (everything, *(Choice(name, f"only {name}") for name in now.scans if len(now.scans) > 1))


def fills(now: Finishing, chosen: Collection[str]) -> tuple[Choice, ...]:
    """chosen: the scans that are spoken of."""
    ready = bool(chosen) and set(chosen) <= now.completed
    late = "" if ready else UNFINISHED
    return (
        Choice(
            PREDICTION,
            "as suggested in the last round",
            "Structures on which nothing was decided are filled with the last suggestions.",
            late,
        ),
        Choice(
            ACCEPTED,
            "only what was drawn and accepted",
            "Structures on which nothing was decided stay as they were drawn.",
        ),
    )


def formats(now: Finishing, chosen: Collection[str], fill: str, dicom: str) -> tuple[Choice, ...]:
    """dicom: why the chosen scan cannot be written as DICOM SEG; empty where it can."""
    late = "" if bool(chosen) and set(chosen) <= now.completed else UNFINISHED
    drawn_only = "this format holds completed segmentations: choose 'as suggested in the last round' above."
    late = late or (drawn_only if fill == ACCEPTED else "")
    whole = (
        UNFINISHED
        if not now.is_finished
        else ""
        if set(chosen) >= set(now.scans)
        else "a data set holds all scans: choose all of them above."
    )
    return (
        Choice(
            SEG_NRRD,
            "Slicer segmentation (.seg.nrrd)",
            "With names, colours, terminology, and where each part comes from.",
            "" if fill == ACCEPTED else late,
        ),
        Choice(
            NIFTI,
            "NIfTI label map (.nii.gz)",
            "A label map for each scan, and beside it which value is which structure.",
            late,
        ),
        Choice(
            NNUNET,
            "nnU-Net data set",
            "What was drawn and accepted; where nothing was decided, its ignore label.",
            whole,
        ),
        Choice(DICOM, "DICOM SEG", "Through Slicer's own DICOM export, for a scan that was loaded from DICOM.", dicom),
    )


def model_choice(model: SavedModel) -> Choice:
    missing = "" if model.path.is_file() else f"{model.path.name} is not there any more."
    return Choice(str(model.path), model.name, model.words, missing)


def proposed_name(facts: RunFacts) -> str:
    """A name for what was learned: by its structures, as long as they are few."""
    names = [item.name for item in facts.structures]
    if not names:
        return ""
    return " ".join(names) if len(names) <= 2 else f"{names[0]} and {len(names) - 1} more"


def targets(scans: Sequence[Scan], ticked: Collection[str]) -> tuple[TargetScan, ...]:
    return tuple(_target(scan, scan.name in ticked) for scan in scans)


def _target(scan: Scan, ticked: bool) -> TargetScan:
    drawn = [name for name, state in scan.found.items() if state in ("labelled", "some slices")]
    listed = " and ".join(drawn) if len(drawn) <= 2 else f"{drawn[0]} and {len(drawn) - 1} more" if drawn else ""
    verb = "is" if len(drawn) == 1 else "are"
    stays = "it stays" if len(drawn) == 1 else "they stay"
    return TargetScan(scan.name, f"{listed} {verb} drawn, {stays}" if drawn else "", ticked)
