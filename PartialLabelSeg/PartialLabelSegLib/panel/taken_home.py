"""The completed segmentations of a run as files in a folder of the user's choice: copies, made in steps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..run.failure import Failure
from ..run.folder import RunFolder
from .steps import Steps
from .view_models_decide import NIFTI, SEG_NRRD

ENDINGS = {SEG_NRRD: (".seg.nrrd",), NIFTI: (".nii.gz", ".json")}


def is_completed(run: RunFolder | None, case_folder: str | None) -> bool:
    """Whether the worker has written the completed segmentation of a case."""
    return run is not None and case_folder is not None and (run.completed / f"{case_folder}.seg.nrrd").is_file()


def files_of(run: RunFolder, case_folders: Sequence[str], what: str) -> list[Path]:
    """The files of a format; the description beside a NIfTI label map says which value is which structure."""
    return [run.completed / f"{case}{ending}" for case in case_folders for ending in ENDINGS[what]]


def existing(files: Sequence[Path], folder: Path) -> list[str]:
    """The names of those that are already in the folder."""
    return [path.name for path in files if (folder / path.name).exists()]


def copied(files: Sequence[Path], folder: Path) -> Steps[int]:
    """Copies files, each whole or not at all; how many. Failure: one of them is missing."""
    for done, path in enumerate(files, 1):
        if not path.is_file():
            raise Failure(
                f"{path.name} is missing among the completed segmentations.",
                way_out="Resume learning: it is written again.",
            )
        beside = folder / f".{path.name}.part"
        shutil.copyfile(path, beside)
        os.replace(beside, folder / path.name)
        yield done / len(files)
    return len(files)
