"""One DICOM series as a volume, refused where its slices do not form a regular grid: the reader would only warn and average."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..run.failure import Failure

_POSITION = "0020|0032"
_UNEVEN = 0.01
"""The most that a step between slices may differ from the mean step, as a share of it."""
_IN_SLICER = "Load the series in 3D Slicer, which makes it regular, and save it as .nrrd."


def is_dicom_folder(folder: Path) -> bool:
    """Whether one of the first files of `folder` has the mark of a DICOM file."""
    return folder.is_dir() and any(_has_mark(path) for path in islice(_files(folder), 20))


def _files(folder: Path) -> list[Path]:
    names = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return [path for path in names if path.name.upper() != "DICOMDIR"]


def _has_mark(path: Path) -> bool:
    try:
        with open(path, "rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_series(folder: Path) -> sitk.Image:
    """The volume of the only series in `folder`. Failure: none, several, damaged, or with missing, doubled or tilted slices."""
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)) if is_dicom_folder(folder) else ()
    name = folder.name
    if not series:
        raise Failure(
            f"the folder {name} holds no DICOM series.", way_out="Name a folder with the files of one series."
        )
    if len(series) > 1:
        raise Failure(
            f"the folder {name} holds {len(series)} DICOM series.", way_out="Leave one series in that folder."
        )
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0])
    others = sum(_has_mark(path) for path in _files(folder)) - len(files)
    if others > 0:
        text = f"the folder {name} holds {others} damaged DICOM file{'s' * (others > 1)}, or of no image."
        raise Failure(text, way_out="Copy the series again, and leave nothing else in that folder.")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        image = reader.Execute()
    except RuntimeError:
        raise Failure(f"the DICOM series in {name} cannot be read.", way_out="Copy or export it again.") from None
    _check_regular(image, _positions(reader), name)
    return image


def _positions(reader: sitk.ImageSeriesReader) -> np.ndarray:
    """The position of each slice's first voxel in mm, (n, 3); fewer where a file (of many frames) does not say it."""
    count = len(reader.GetFileNames())
    texts = [reader.GetMetaData(index, _POSITION) for index in range(count) if reader.HasMetaDataKey(index, _POSITION)]
    return np.array([[float(part) for part in text.split("\\")] for text in texts]).reshape(-1, 3)


def _check_regular(image: sitk.Image, positions: np.ndarray, name: str) -> None:
    if len(positions) < 3 or image.GetDimension() != 3:
        return
    steps = np.diff(positions, axis=0)
    normal = np.reshape(image.GetDirection(), (3, 3))[:, 2]
    along = steps @ normal
    mean = float(np.mean(along))
    if mean == 0 or np.abs(along - mean).max() > _UNEVEN * abs(mean):
        raise Failure(
            f"the slices of the DICOM series in {name} are not evenly spaced; some are missing or doubled.",
            way_out=_IN_SLICER,
        )
    if np.abs(steps - along[:, None] * normal).max() > _UNEVEN * abs(mean):
        raise Failure(f"the slices of the DICOM series in {name} are tilted against each other.", way_out=_IN_SLICER)
