"""Scans and drawings of a run's folder as nodes of the scene, loaded in steps: for scans that came from a folder on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from ..data.geometry import Grid
from ..data.label_files import place_of
from ..data.labels import EXPERT
from ..data.seg_nrrd import TERMINOLOGY
from ..data.types import Structure
from ..relabel.export import ORIGIN_TAG
from ..run.failure import Failure
from .ambiguity import Said, read_said
from .geometry import ijk_to_ras, vtk_matrix
from .our_nodes import BINARY, OURS
from .own_segments import SCAN
from .segments import STRUCTURE_TAG, slabs
from .slabs import tight_in_steps
from .steps import Steps, scaled
from .stream import look_into, read_into
from .volumes import image_array, new_image, place

ROLE = "loaded"


def load_scan(scene: Any, path: Path, name: str, role: str = ROLE) -> Steps[Any]:
    """The volume node of a scan's file; not saved with the scene, for it can be loaded again. Failure: absent or damaged."""
    grid, kind = _head(path)
    image = new_image(grid.shape, kind)
    yield from scaled(read_into(image_array(image), path), 0.0, 0.9)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    _mark(node, name, role)
    place(node, grid)
    plain = vtk.vtkImageData()
    plain.ShallowCopy(image)
    # Before the voxels: a display node without a contrast would go through all of them to find one.
    node.CreateDefaultDisplayNodes()
    _set_contrast(node.GetDisplayNode(), image_array(image))
    node.SetAndObserveImageData(plain)
    return node


def _head(path: Path) -> tuple[Grid, Any]:
    """The grid of a volume file and the kind of its voxels."""
    look_into(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        kinds = {
            sitk.sitkInt16: np.int16,
            sitk.sitkUInt8: np.uint8,
            sitk.sitkUInt16: np.uint16,
            sitk.sitkFloat32: np.float32,
        }
        grid = Grid(reader.GetSize(), reader.GetSpacing(), reader.GetOrigin(), reader.GetDirection())
        return grid, kinds[reader.GetPixelID()]
    except (RuntimeError, ValueError, KeyError):
        text = f"{path.name} in {place_of(path.parent)} cannot be read as a scan."
        raise Failure(text, way_out="Delete its folder and learn again; it is imported anew.") from None


def _set_contrast(display: Any, array: np.ndarray) -> None:
    """Shows the middle 98 % of the grey values of a sample: looking at all takes too long."""
    if display is None:
        return
    sample = array[:: max(1, array.shape[0] // 20), ::4, ::4]
    low, high = np.percentile(sample, [1, 99])
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(float(low), float(max(high, low + 1)))


def load_drawn(scan: Any, folder: Path, structures: tuple[Structure, ...], role: str = ROLE) -> Steps[Any]:
    """What the expert drew of a scan, from its case's folder, as a segmentation node; None where nothing was drawn."""
    said: Said = yield from scaled(read_said(folder), 0.0, 0.6)
    origin = np.empty(said.grid.shape, np.uint8)
    yield from scaled(read_into(origin, folder / "origin.nrrd"), 0.6, 0.8)
    images = yield from scaled(_drawn_maps(said, origin), 0.8, 1.0)
    if not images:
        return None
    node = scan.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", f"{scan.GetName()} drawn")
    _mark(node, scan.GetName(), role)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(scan)
    known = {structure.name: structure for structure in structures}
    for value in sorted(images):
        name = said.structures[value - 1]
        _add(node, known.get(name, Structure(name)), f"Drawn_{value}", images[value])
    return node


def _drawn_maps(said: Said, origin: np.ndarray) -> Steps[dict[int, tuple[Any, int]]]:
    """By label value the label map in which a structure lies, and its value there: one for all, and one each for those that share voxels with others."""
    marks = {value: said.overlap(value, EXPERT) for value in range(1, len(said.structures) + 1)}
    apart = [value for value, indices in marks.items() if indices.size]
    image = _oriented(said.grid, said.grid.shape, (0, 0, 0))
    values: set[int] = set()
    for target, label, own in zip(slabs(image_array(image)), slabs(said.label_map), slabs(origin)):
        np.multiply(label, own == EXPERT, out=target)
        for value in apart:
            target[target == value] = 0
        values.update(value for value in marks if value not in values and value in target)
        yield 0.3
    images = {value: (image, value) for value in values}
    for done, value in enumerate(apart, 1):
        images[value] = ((yield from _map_of(said, origin, value, marks[value])), 1)
        yield 0.3 + 0.7 * done / len(apart)
    return images


def _map_of(said: Said, origin: np.ndarray, value: int, marks: np.ndarray) -> Steps[Any]:
    """The label map of one structure, cut to what the expert drew of it, with the voxels that carry another label, too."""
    mask = np.zeros(said.grid.shape, bool)
    for target, label, own in zip(slabs(mask), slabs(said.label_map), slabs(origin)):
        np.logical_and(label == value, own == EXPERT, out=target)
        yield 0.3
    mask.reshape(-1)[marks] = True
    z, y, x = (slice(0, size) for size in mask.shape)
    found = yield from scaled(tight_in_steps((z, y, x), mask), 0.3, 0.3)
    assert found is not None, "there are marks"
    box, cut = found
    image = _oriented(said.grid, cut.shape, (box[0].start, box[1].start, box[2].start))
    image_array(image)[:] = cut
    return image


def _oriented(grid: Grid, shape: tuple[int, ...], start: tuple[int, int, int]) -> Any:
    """A label map not yet filled, for a box of a grid."""
    image = new_image(shape, np.uint8, start)
    image.SetImageToWorldMatrix(vtk_matrix(ijk_to_ras(grid)))
    return image


def _add(node: Any, structure: Structure, key: str, drawn: tuple[Any, int]) -> None:
    segment = slicer.vtkSegment()
    segment.SetName(structure.name)
    segment.SetColor(*structure.color)
    if structure.terminology:
        segment.SetTag(TERMINOLOGY, structure.terminology)
    segment.SetTag(ORIGIN_TAG, "expert")
    segment.SetTag(STRUCTURE_TAG, structure.name)
    segment.AddRepresentation(BINARY, drawn[0])
    segment.SetLabelValue(drawn[1])
    node.GetSegmentation().AddSegment(segment, key)


def _mark(node: Any, scan: str, role: str) -> None:
    node.SetAttribute(OURS, role)
    node.SetAttribute(SCAN, scan)
    node.SetSaveWithScene(False)
