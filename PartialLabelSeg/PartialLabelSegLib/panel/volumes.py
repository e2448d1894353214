"""Volume nodes of the scene: can it be used as a scan, its voxels, and images in memory for voxels of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from ..data.geometry import Grid
from ..run.failure import Failure
from .geometry import grid_of, ijk_to_ras, vtk_matrix

_KINDS = {
    np.dtype(np.uint8): "UNSIGNED_CHAR",
    np.dtype(np.uint16): "UNSIGNED_SHORT",
    np.dtype(np.int16): "SHORT",
    np.dtype(np.float32): "FLOAT",
}


def check_volume(volume: Any) -> None:
    """Failure where a volume node cannot be a scan: no voxels, several values a voxel, or axes that are not at right angles."""
    grid_of(volume)
    values = volume.GetImageData().GetNumberOfScalarComponents()
    if volume.GetImageData().GetPointData().GetScalars() is None:
        raise Failure("it has no grey values.", case=volume.GetName(), way_out="Leave it out.")
    if values != 1:
        raise Failure(
            f"it holds {values} values a voxel (a colour image, or a series over time).",
            case=volume.GetName(),
            way_out="Choose a scan with one grey value a voxel; of a series, save one time point as a volume of its own.",
        )


def array_of(volume: Any) -> np.ndarray:
    """The voxels (z, y, x) of a scan: the node's own memory, to be read only. Failure as `check_volume`."""
    check_volume(volume)
    return image_array(volume.GetImageData())


def image_array(image: Any) -> np.ndarray:
    """The voxels (z, y, x) of a vtkImageData with one value a voxel: its own memory."""
    x0, x1, y0, y1, z0, z1 = image.GetExtent()
    shape = (z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1)
    scalars = image.GetPointData().GetScalars()
    if min(shape) < 1 or scalars is None:
        return np.zeros((0, 0, 0), np.uint8)
    return numpy_support.vtk_to_numpy(scalars).reshape(shape)


def image_of(volume: Any) -> sitk.Image:
    """The scan as the data room reads it from a file. Failure as `check_volume`."""
    array = array_of(volume)
    plain = array.astype(np.float32) if array.dtype == np.float64 else array
    return grid_of(volume).image(plain)


def new_image(shape: tuple[int, ...], kind: Any, start: tuple[int, int, int] = (0, 0, 0)) -> Any:
    """A vtkOrientedImageData for voxels (z, y, x) of a numpy kind (uint8, int16, uint16), not yet filled. start: its first voxel (z, y, x)."""
    image = slicer.vtkOrientedImageData()
    spans = [(first, first + size - 1) for first, size in zip(start, shape)]
    image.SetExtent(*(int(value) for span in reversed(spans) for value in span))
    image.AllocateScalars(getattr(vtk, f"VTK_{_KINDS[np.dtype(kind)]}"), 1)
    return image


def place(volume: Any, grid: Grid, start: tuple[int, int, int] = (0, 0, 0)) -> None:
    """Gives a volume node the place of a grid, of which it holds a box that begins at voxel `start` (z, y, x)."""
    matrix = ijk_to_ras(grid)
    matrix[:3, 3] = (matrix @ np.array([start[2], start[1], start[0], 1.0]))[:3]
    volume.SetIJKToRASMatrix(vtk_matrix(matrix))


def give(volume: Any, image: Any) -> None:
    """Gives a volume node the voxels of an image, without a copy; the node says where they lie."""
    data = vtk.vtkImageData()
    data.ShallowCopy(image)
    data.SetExtent(*(value for size in image.GetDimensions() for value in (0, size - 1)))
    data.SetOrigin(0, 0, 0)
    data.SetSpacing(1, 1, 1)
    volume.SetAndObserveImageData(data)


def fill(volume: Any, array: np.ndarray) -> None:
    """Gives a volume node a copy of the voxels (z, y, x; uint8, int16 or uint16)."""
    image = vtk.vtkImageData()
    image.ShallowCopy(new_image(array.shape, array.dtype))
    image_array(image)[:] = array
    volume.SetAndObserveImageData(image)
