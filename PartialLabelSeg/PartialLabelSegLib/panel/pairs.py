"""Which segmentation belongs to which scan of the scene: guessed by reference, by name, and by place; the user can correct it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.types import clean_name
from ..run.failure import Failure
from .application import nodes_of_class
from .geometry import ijk_to_ras_of, into_volume
from .masks import image_matrix
from .our_nodes import BINARY, is_ours

_WORDS = re.compile(
    r"(?:segmentations?|segs?|labels?|labelmaps?|contours?|rtstruct|structures?|masks?|ct|mri?|t1|t2|images?|volumes?|scans?)"
)
BY_REFERENCE, BY_NAME, BY_PLACE = "it was drawn on this scan", "their names agree", "it lies within this scan only"


@dataclass(frozen=True, eq=False)
class Pair:
    """A scan of the scene with the segmentation that belongs to it (None: none was found), and why, in words."""

    name: str
    volume: Any
    segmentation: Any = None
    why: str = ""


@dataclass(frozen=True, eq=False)
class Pairs:
    """The scans of the scene, each with a name of its own, and the segmentations that belong to none or are the second of one."""

    pairs: tuple[Pair, ...]
    left_over: tuple[Any, ...] = ()


def scans_of(scene: Any) -> list[Any]:
    """The volume nodes that may be scans: in the user's lists, no label maps, and not ours."""
    nodes = nodes_of_class(scene, "vtkMRMLScalarVolumeNode")
    return [
        node
        for node in nodes
        if not node.IsA("vtkMRMLLabelMapVolumeNode") and not node.GetHideFromEditors() and not is_ours(node)
    ]


def segmentations_of(scene: Any) -> list[Any]:
    """The segmentation nodes that the user may have drawn: in the user's lists and not ours."""
    nodes = nodes_of_class(scene, "vtkMRMLSegmentationNode")
    return [node for node in nodes if not node.GetHideFromEditors() and not is_ours(node)]


def guess_pairs(scene: Any, taken: Iterable[str] = ()) -> Pairs:
    """The scans of the scene with their segmentations. taken: ids of nodes that are in the table already; they are passed over."""
    known = set(taken)
    volumes = [node for node in scans_of(scene) if node.GetID() not in known]
    segmentations = [node for node in segmentations_of(scene) if node.GetID() not in known]
    found: dict[str, tuple[Any, str]] = {}
    left = segmentations
    for rule, why in ((_drawn_on, BY_REFERENCE), (_named_alike, BY_NAME), (_lying_within, BY_PLACE)):
        remaining = []
        for segmentation in left:
            free = [volume for volume in volumes if volume.GetID() not in found]
            volume = rule(segmentation, free)
            if volume is None:
                remaining.append(segmentation)
            else:
                found[volume.GetID()] = (segmentation, why)
        left = remaining
    names = unique_names([volume.GetName() or "" for volume in volumes])
    pairs = tuple(Pair(name, volume, *found.get(volume.GetID(), ())) for name, volume in zip(names, volumes))
    return Pairs(pairs, tuple(left))


def unique_names(names: Sequence[str], others: Iterable[str] = ()) -> list[str]:
    """Names fit for cases, each once, and none of `others`: 'CT', 'CT (2)', ..."""
    used = set(others)
    result = []
    for text in names:
        base = clean_name(text) or "scan"
        name, number = base, 1
        while name in used:
            number += 1
            name = f"{base} ({number})"
        used.add(name)
        result.append(name)
    return result


def _drawn_on(segmentation: Any, volumes: Sequence[Any]) -> Any:
    """The volume that the segmentation refers to as what it was drawn on."""
    node = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
    return next((volume for volume in volumes if node is not None and volume.GetID() == node.GetID()), None)


def plain_name(text: str) -> str:
    """A name without what only says of which kind a node is: 'CT_liver-01-segmentation' and 'liver 01' are alike."""
    parts = [part for part in re.split(r"[^0-9a-zà-ÿ]+", text.lower().removesuffix(".seg")) if part]
    kept = [part for part in parts if not _WORDS.fullmatch(part)]
    return " ".join(kept)


def _named_alike(segmentation: Any, volumes: Sequence[Any]) -> Any:
    """The one volume whose name is the segmentation's, apart from words for its kind."""
    name = plain_name(segmentation.GetName() or "")
    alike = [volume for volume in volumes if name and plain_name(volume.GetName() or "") == name]
    return alike[0] if len(alike) == 1 else None


def _lying_within(segmentation: Any, volumes: Sequence[Any]) -> Any:
    """The one volume that holds all that is drawn."""
    holding = [volume for volume in volumes if _holds(volume, segmentation)]
    return holding[0] if len(holding) == 1 else None


def _holds(volume: Any, segmentation: Any) -> bool:
    """Whether all label maps (or surfaces) of a segmentation lie within a volume, to a voxel."""
    image = volume.GetImageData()
    points = _corners(segmentation.GetSegmentation())
    if image is None or not points.size:
        return False
    try:
        matrix = np.linalg.inv(ijk_to_ras_of(volume)) @ into_volume(segmentation, volume)
    except (Failure, np.linalg.LinAlgError):
        return False
    voxels = (points @ matrix.T)[:, :3]
    return bool((voxels.min(axis=0) >= -1.0).all() and (voxels.max(axis=0) <= np.array(image.GetDimensions())).all())


def _corners(segmentation: Any) -> np.ndarray:
    """float (n, 4): the corners of what is drawn, in the segmentation's own RAS."""
    found = []
    layers = segmentation.GetNumberOfLayers(BINARY) if segmentation.ContainsRepresentation(BINARY) else 0
    for layer in range(layers):
        image = segmentation.GetLayerDataObject(layer, BINARY)
        x, y, z = (image.GetExtent()[2 * axis : 2 * axis + 2] for axis in range(3))
        if x[0] <= x[1] and y[0] <= y[1] and z[0] <= z[1]:
            found += [image_matrix(image) @ [i, j, k, 1.0] for i in x for j in y for k in z]
    bounds = [0.0] * 6
    segmentation.GetBounds(bounds)
    if not layers and bounds[0] <= bounds[1]:
        found += [np.array([r, a, s, 1.0]) for r in bounds[0:2] for a in bounds[2:4] for s in bounds[4:6]]
    return np.array(found)
