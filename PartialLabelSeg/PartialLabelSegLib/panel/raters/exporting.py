"""Saving the soft labels: the study is written into the work folder, and the worker makes the folder of it, as on the command line."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...data.raters.export import ExportOptions
from ...data.raters.steps import STEPS, SoftSteps
from ..finish_work import FinishWork
from ..optional_package import PackageOffer
from ..steps import Steps
from ..view_models_decide import Working
from .kept import FOLDER
from .rating import Drawing
from .room import Room
from .soft_planes import SoftChoice
from .study_files import why_not, write_study

WRITING, MAKING = "Writing the study…", "Making the soft labels…"
STUDY = "study"


@dataclass(frozen=True)
class ExportChoice:
    """threshold: of the hard label."""

    files: ExportOptions = field(default_factory=ExportOptions)
    threshold: float = 0.5


class Exporting:
    """`message`: what was saved last, and where."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.choice = ExportChoice()
        self.work = FinishWork(room.desk)
        self._highdicom = PackageOffer(room.desk, "highdicom", "A DICOM segmentation")
        self.folder: Path | None = None

    def why_not(self) -> str:
        """Why nothing can be saved now; '' where something can."""
        if self._highdicom.working() is not None:
            return "highdicom is being installed."
        if self.work.working() is not None:
            return "It is being saved."
        if self._room.desk.job is not None:
            return "Wait until the work that goes on in the background is done."
        return why_not(self._room.sitting.study, self._room.desk.scene)

    def working(self) -> Working | None:
        """What goes on, and how far it is."""
        return self._highdicom.working() or self.work.working()

    def can_stop(self) -> bool:
        return self._highdicom.working() is not None or self.work.can_stop()

    def cancel(self) -> None:
        self._highdicom.cancel()
        self.work.cancel()

    def release(self) -> None:
        """The panel goes: nobody could see an installation any more."""
        self._highdicom.cancel()

    def start(self) -> None:
        """Asks for a folder, in which a new one is made; before that for what DICOM segmentations need, where it is missing."""
        why = self.why_not()
        if why:
            self._room.warn(why)
        elif self.choice.files.dicom_seg:
            self._highdicom.when_there(self._choose)
        else:
            self._choose()

    def _choose(self) -> None:
        chosen = self._room.desk.application.choose_folder("Where to make a folder with the soft labels")
        if chosen is not None:
            self.start_into(_free(chosen))

    def start_into(self, out: Path) -> None:
        """Writes the study, then the folder `out`, which is not there yet."""
        room = self._room
        folder = room.desk.work_folder / FOLDER / STUDY
        steps = write_study(folder, room.sitting.study, room.desk.scene, self._mask_of)
        self.work.later(steps, lambda table: self._written(folder, out), WRITING)

    def _mask_of(self, volume: Any, drawing: Drawing) -> Steps[np.ndarray | None]:
        if not self._room.masks.is_fresh(volume, drawing):
            yield from self._room.masks.read(volume, drawing)
        return self._room.masks.mask(volume, drawing)

    def _written(self, study: Path, out: Path) -> None:
        self.folder = out
        arguments = command(study, out, self._room.sitting.study.steps, self._room.together.choice, self.choice)
        self.work.start(arguments, f"Saved in the folder {out.name}.", MAKING)

    def open_folder(self) -> None:
        """Shows what was saved."""
        if self.folder is not None and self.folder.is_dir():
            self._room.desk.application.open_document(self.folder)


def command(study: Path, out: Path, steps: SoftSteps, soft: SoftChoice, choice: ExportChoice) -> tuple[str | Path, ...]:
    """What is typed on the command line to make the same."""
    without: list[str] = []
    for name in STEPS:
        without += [] if getattr(steps, name) else ["--without", name]
    numbers: Sequence[str] = (
        *("--bright-percentile", f"{steps.bright_percentile:g}", "--neighbour-rule", steps.neighbour_rule),
        *("--neighbour-weight", f"{steps.neighbour_weight:g}", "--threshold", f"{choice.threshold:g}"),
    )
    files = choice.files
    kinds = {"--nifti": files.nifti, "--four-d": files.four_d, "--dicom-seg": files.dicom_seg}
    flags = [flag for flag, on in kinds.items() if on]
    return (
        "softlabels",
        study,
        "--out",
        out,
        "--method",
        soft.method,
        "--sigma",
        f"{soft.sigma:g}",
        *without,
        *numbers,
        "--bits",
        str(files.bits),
        *flags,
    )


def _free(folder: Path) -> Path:
    """A new folder in the chosen one."""
    name = f"soft labels {time.strftime('%Y-%m-%d')}"
    return next(
        path
        for number in range(1, 10000)
        if not (path := folder / (name if number == 1 else f"{name} ({number})")).exists()
    )
