"""Sample scans made or fetched, and put into the scene: each a volume, with a segmentation of what is drawn in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..data.download import download
from ..data.geometry import Grid
from ..data.importers.drawing import Drawn, drawn_in
from ..data.importers.openkbp import read_openkbp
from ..data.importers.segments import STATE_TAG
from ..data.phantom import partial_states
from ..data.phantom_body import PHANTOM_STRUCTURES, Phantom, phantom_in_steps
from ..data.published import OPENKBP, SAMPLE, published_files
from ..data.seg_nrrd import TERMINOLOGY
from ..data.types import State, Structure
from ..run.failure import Failure
from .application import Application
from .desk import WORK
from .geometry import ijk_to_ras, vtk_matrix
from .load_ahead import load_ahead
from .our_nodes import BINARY
from .sample_data import MADE_UP, STUDY
from .steps import Steps
from .volumes import fill, image_array, new_image, place

SCANS, UNDRAWN = 8, 2
"""Made-up scans in which some structures are drawn, and in which none is."""
SHARE, SEED = 0.5, 2
"""With this seed all states are there: one scan has no gallbladder, and somebody looked for it."""
FOLDER = "OpenKBP"
SOFT_TISSUE = (-160.0, 240.0)
ZERO_OF_STUDY = 1024.0
"""The study counts grey values from air, not from water."""


@dataclass(frozen=True, eq=False)
class SampleScan:
    """array (z, y, x) on its grid. drawn: the voxels of what is drawn, by structure. window: the grey values to show, darkest and brightest."""

    name: str
    grid: Grid
    array: np.ndarray
    drawn: Mapping[str, Drawn]
    absent: frozenset[str]
    window: tuple[float, float]


def sample_scans(application: Application, name: str) -> Steps[list[Any]]:
    """The nodes of one of our samples; yields how far it is (0..1). Failure: it cannot be had."""
    if name == MADE_UP:
        return made_up_scans(application.scene)
    if name == STUDY:
        return study_scans(application.scene, study_folder(application))
    raise Failure(f"There is no sample named {name}.")


def study_folder(application: Application) -> Path:
    """Where the study's files are kept once they were fetched; the panel opens the same folder as a data set."""
    return application.documents_folder() / WORK / FOLDER


def made_up_scans(scene: Any, scans: int = SCANS, undrawn: int = UNDRAWN, seed: int = SEED) -> Steps[list[Any]]:
    """Phantoms of the abdomen; each structure is drawn in about half of them, in others for each structure."""
    yield from load_ahead()
    bodies: list[Phantom] = []
    while len(bodies) < scans + undrawn:
        for body in phantom_in_steps(np.random.default_rng([seed, len(bodies)])):
            if body is not None:
                bodies.append(body)
            yield 0.8 * len(bodies) / (scans + undrawn)
    values = range(1, len(PHANTOM_STRUCTURES) + 1)
    present = np.array([[bool((body.label_map == value).any()) for value in values] for body in bodies])
    splits = ["train"] * scans + ["test"] * undrawn
    states = partial_states(np.random.default_rng([seed, 1 << 32]), splits, present, SHARE)
    nodes: list[Any] = []
    for number, (body, row) in enumerate(zip(bodies, states), 1):
        drawn = drawn_in(body.label_map, _named(row, State.LABELLED))
        scan = SampleScan(
            f"Abdomen {number}", body.grid, body.image, drawn, frozenset(_named(row, State.ABSENT)), SOFT_TISSUE
        )
        nodes += add_scan(scene, scan, PHANTOM_STRUCTURES)
        yield 0.8 + 0.2 * number / len(bodies)
    return nodes


def _named(row: Sequence[State], state: State) -> dict[str, tuple[int, ...]]:
    """The structures in that state, with their values in the label map."""
    return {
        structure.name: (value,)
        for value, (structure, own) in enumerate(zip(PHANTOM_STRUCTURES, row), 1)
        if own is state
    }


def study_scans(scene: Any, folder: Path, listing: Path = OPENKBP) -> Steps[list[Any]]:
    """Head and neck CTs of the OpenKBP study with the contours that were drawn; what is not in `folder` yet is fetched and checked."""
    for done, files in download(listing, folder, SAMPLE):
        yield 0.5 * done / files
    wanted = {Path(file.name).parent.name for file in published_files(listing, SAMPLE)}
    data = read_openkbp(folder)
    drafts = [draft for draft in data.drafts if draft.case in wanted]
    nodes: list[Any] = []
    for done, draft in enumerate(drafts, 1):
        image = draft.read_image()
        grid = Grid.from_image(image)
        yield 0.5 + 0.5 * (done - 0.5) / len(drafts)
        drawing = draft.draw(grid)
        window = (SOFT_TISSUE[0] + ZERO_OF_STUDY, SOFT_TISSUE[1] + ZERO_OF_STUDY)
        array = sitk.GetArrayViewFromImage(image)
        scan = SampleScan(f"{FOLDER} {draft.case}", grid, array, drawing.drawn, frozenset(), window)
        nodes += add_scan(scene, scan, data.structures)
        yield 0.5 + 0.5 * done / len(drafts)
    return nodes


def add_scan(scene: Any, scan: SampleScan, structures: Sequence[Structure]) -> list[Any]:
    """The volume node, and the segmentation node where something is drawn; segmentations are hidden until their scan is shown."""
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scan.name)
    place(volume, scan.grid)
    fill(volume, scan.array)
    volume.CreateDefaultDisplayNodes()
    display = volume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(*scan.window)
    if not scan.drawn and not scan.absent:
        return [volume]
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{scan.name} drawn")
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility(False)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for structure in structures:
        if structure.name in scan.drawn:
            _add_drawn(node, structure, scan.grid, scan.drawn[structure.name])
        elif structure.name in scan.absent:
            _add_absent(node, structure)
    return [volume, node]


def _add_drawn(node: Any, structure: Structure, grid: Grid, drawn: Drawn) -> None:
    z, y, x = drawn.box
    image = new_image(drawn.block.shape, np.uint8, (z.start, y.start, x.start))
    image.SetImageToWorldMatrix(vtk_matrix(ijk_to_ras(grid)))
    image_array(image)[:] = drawn.block
    segment = _segment(node, structure)
    segment.AddRepresentation(BINARY, image)
    segment.SetLabelValue(1)


def _add_absent(node: Any, structure: Structure) -> None:
    """An empty segment whose tag says that somebody looked."""
    _segment(node, structure).SetTag(STATE_TAG, State.ABSENT.value)


def _segment(node: Any, structure: Structure) -> Any:
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(segmentation.AddEmptySegment(structure.name, structure.name, structure.color))
    if structure.terminology:
        segment.SetTag(TERMINOLOGY, structure.terminology)
    return segment


def show_first(application: Application, nodes: Sequence[Any]) -> None:
    """Shows the first volume among nodes, with what is drawn in it."""
    volumes = [node for node in nodes if node.IsA("vtkMRMLScalarVolumeNode")]
    if not volumes:
        return
    application.show_volume(volumes[0])
    application.fit_slices()
    following = nodes[nodes.index(volumes[0]) + 1 :]
    if following and following[0].IsA("vtkMRMLSegmentationNode"):
        following[0].GetDisplayNode().SetVisibility(True)
