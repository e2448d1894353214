"""Reading a scan or a label map from NRRD, NIfTI, MetaImage or a DICOM series: three-dimensional, one value a voxel, and whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..run.failure import Failure
from .dicom import is_dicom_folder, read_series
from .geometry import Grid
from .whole_file import verify_whole

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
_AGAIN = "Export that image again, for example as .nrrd from 3D Slicer."


def volume_stem(path: Path) -> str | None:
    """The name of a volume file without its ending; None where the ending is no volume's (or is that of a .seg.nrrd)."""
    name = path.name
    if name.lower().endswith(".seg.nrrd") or name.startswith("."):
        return None
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    return name[: -len(ending)] or None if ending else None


def looks_like_scan(path: Path) -> bool:
    """Whether `path` may be read as a scan: a file with a volume's ending, or a folder with DICOM files."""
    return is_dicom_folder(path) if path.is_dir() else volume_stem(path) is not None


def read_scan(path: Path) -> sitk.Image:
    """The scan of a file or DICOM folder: 3-D, one finite number a voxel, float64 as float32. Failure where it is anything else."""
    image = _volume(read_series(path) if path.is_dir() else read_whole(path), path.name)
    _check_finite(image, path.name)
    return sitk.Cast(image, sitk.sitkFloat32) if image.GetPixelID() == sitk.sitkFloat64 else image


def read_label_map(path: Path) -> tuple[np.ndarray, Grid]:
    """The values of a label map, an integer array (z, y, x) of the smallest kind that holds them, and its grid. Failure: fractions."""
    if path.is_dir():
        raise Failure(f"{path.name} is a folder, not a label file.", way_out="Name the file itself.")
    image = _volume(read_whole(path), path.name)
    array = sitk.GetArrayFromImage(image)
    if array.dtype.kind == "f" and not all(np.array_equal(plane, np.rint(plane)) for plane in array):
        raise Failure(
            f"{path.name} holds fractions, so it is no label map.", way_out="Give the label map of that case."
        )
    low, high = array.min(), array.max()
    kinds = (np.uint8, np.uint16, np.int32)
    kind = next((kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max), None)
    if kind is None:
        raise Failure(
            f"{path.name} holds values up to {high:g}, so it is no label map.",
            way_out="Give the label map of that case.",
        )
    return array.astype(kind, copy=False), Grid.from_image(image)


def read_whole(path: Path) -> sitk.Image:
    """The image of a file as SimpleITK reads it. Failure: absent, cut off, damaged, or of a format that is not understood."""
    verify_whole(path)
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise Failure(f"{path.name} {_reason(str(error))}", way_out=_AGAIN) from None


def _reason(error: str) -> str:
    if "orthonormal" in error:
        return "has axes that are not at right angles to each other (a sheared grid), which is not supported."
    if "Unable to determine ImageIO" in error:
        return "is not a readable NRRD, NIfTI or MetaImage file."
    return "cannot be read as an image; it is damaged or of another kind than its ending says."


def _volume(image: sitk.Image, name: str) -> sitk.Image:
    """The image as a volume: one flat slice gets a thickness, a fourth axis of length 1 goes."""
    values = image.GetNumberOfComponentsPerPixel()
    if values > 1 or "complex" in image.GetPixelIDTypeAsString():
        raise Failure(
            f"{name} holds {values if values > 1 else 2} values a voxel (a colour image or a vector field).",
            way_out="Give an image with one grey value a voxel.",
        )
    if values == 1 and "vector" in image.GetPixelIDTypeAsString():
        image = sitk.VectorIndexSelectionCast(image, 0)
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() != 3:
        raise Failure(
            f"{name} holds {image.GetSize()[-1]} volumes (a series over time).", way_out="Give one volume per case."
        )
    try:
        Grid.from_image(image)
    except ValueError as error:
        raise Failure(f"{name} does not say where its voxels lie ({error}).", way_out=_AGAIN) from None
    return image


def _check_finite(image: sitk.Image, name: str) -> None:
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind != "f":
        return
    strange = sum(int(plane.size - np.count_nonzero(np.isfinite(plane))) for plane in array)
    if strange:
        raise Failure(
            f"{name} has {strange} voxel{'s' * (strange > 1)} whose value is not a number (NaN or infinite).",
            way_out="Replace them by the value of air or background, and export the image again.",
        )
