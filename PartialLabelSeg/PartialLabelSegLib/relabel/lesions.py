"""The instances of a completed scan, each with a score: connected components, or what an instance network found.

Of a segmentation network they are the components of the completed structure (voxels touch by faces, edges or corners). The score is the
mean probability over the voxels, as in metrics/detection.py: the greatest probability is near 1 for every component of a confident
network and ranks nothing. A voxel that an expert drew counts 1, or its soft label; one that the last network does not predict counts 0.

An instance network's own instances stand for the structures that are not known in the scan. What the completed scan holds of these besides
(drawn on some slices, or accepted in a round) and what is known follows as components.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.geometry import Grid
from ..data.label_files import read_array
from ..data.labels import EXPERT, Labels
from ..data.lesions import LIST, VOLUME, Found, Lesion, lesion_of, parts_of, write_lesions, write_volume
from ..data.prediction import ONE, Prediction
from ..run.failure import Failure
from ..run.files import read_json
from .components import bounding_box, components
from .select import among, open_at


@dataclass(frozen=True, eq=False)
class CompletedScan:
    """What a scan's instances are taken from.

    before: its labels as the last round left them, which say what is known. final: the completed ones. prediction: of the last network,
    None where nothing was missing. own: what an instance network found; None for any other network.
    """

    grid: Grid
    before: Labels
    final: Labels
    prediction: Prediction | None = None
    own: Sequence[Found] | None = None


def export_instances(folder: Path, stem: str, scan: CompletedScan, volume: bool) -> tuple[Path, ...]:
    """Writes `<stem>.instances.json` and, with `volume`, before it `<stem>.instances.nrrd`; returns them, the list first."""
    found = instances_of_scan(scan)
    path, shown = folder / f"{stem}{LIST}", folder / f"{stem}{VOLUME}"
    if volume:
        write_volume(shown, [one.indices for one in found], scan.grid)
    write_lesions(path, [_described(number, one, scan) for number, one in enumerate(found, 1)])
    return (path, shown) if volume else (path,)


def instances_of_scan(scan: CompletedScan) -> list[Found]:
    """The instances of every structure, the surest first; equally sure ones in the order of structures and voxels."""
    result: list[Found] = []
    for structure in scan.final.structures:
        own = _own_of(scan, structure)
        taken = parts_of_mask(scan.final.positive(structure))
        if own:
            covered = np.unique(np.concatenate([one.indices for one in own]))
            taken = [part for part in taken if not among(part, covered).any()]
        result += [*own, *(Found(structure, part, component_score(scan, structure, part)) for part in taken)]
    return sorted(result, key=lambda one: -one.score)


def _own_of(scan: CompletedScan, structure: str) -> list[Found]:
    """The network's instances of a structure, without the voxels that the annotator settled otherwise; none where it is known."""
    if scan.own is None or scan.before.is_known(structure):
        return []
    kept = []
    mine = scan.final.positive(structure).reshape(-1)
    for one in scan.own:
        if one.structure == structure:
            values = np.full(one.indices.shape, scan.before.value(structure), np.uint8)
            free = open_at(scan.before, one.indices, values) | mine[one.indices]
            if free.any():
                kept.append(Found(structure, one.indices[free], one.score))
    return kept


def parts_of_mask(mask: np.ndarray) -> list[np.ndarray]:
    """Sorted flat indices of each 26-connected component of a bool mask (z, y, x), in the order of their first voxels."""
    box = bounding_box(mask)
    if box is None:
        return []
    labelled, _ = components(mask[box])
    starts = [span.start for span in box]
    parts = []
    for part in parts_of(labelled).values():
        places = (place + start for place, start in zip(np.unravel_index(part, labelled.shape), starts, strict=True))
        parts.append(np.ravel_multi_index(tuple(places), mask.shape).astype(np.int64, copy=False))
    return parts


def component_score(scan: CompletedScan, structure: str, indices: np.ndarray) -> float:
    """The mean over the voxels of a component: their probability, see above."""
    values = np.zeros(indices.shape)
    if scan.prediction is not None:
        predicted = scan.prediction.label.reshape(-1)[indices] == scan.prediction.value(structure)
        values[predicted] = scan.prediction.probability.reshape(-1)[indices[predicted]] / ONE
    drawn = _drawn(scan.final, structure, indices)
    values[drawn] = 1.0
    if structure in scan.final.soft:
        soft = scan.final.soft[structure].reshape(-1)[indices]
        said = drawn & ~np.isnan(soft)
        values[said] = soft[said]
    return float(values.mean())


def _drawn(labels: Labels, structure: str, indices: np.ndarray) -> np.ndarray:
    """bool (n,): the voxels that the annotator drew as the structure."""
    own = labels.label_map.reshape(-1)[indices] == labels.value(structure)
    drawn: np.ndarray = own & (labels.origin.reshape(-1)[indices] == EXPERT)
    if structure in labels.overlaps:
        marks = labels.overlaps[structure]
        drawn |= among(indices, marks.indices[marks.origin == EXPERT])
    return drawn


def _described(number: int, one: Found, scan: CompletedScan) -> Lesion:
    drawn = _drawn(scan.final, one.structure, one.indices)
    origin = "expert" if drawn.all() else "expert+suggested" if drawn.any() else "suggested"
    return lesion_of(number, one, origin, scan.grid)


def own_instances(prediction: Path, shape: tuple[int, int, int], structures: Sequence[str]) -> list[Found] | None:
    """What an instance network left beside its prediction of a scan of `shape` (z, y, x); None where there is none.

    Failure: damaged, or of another scan or other structures.
    """
    path = prediction / "instances.json"
    if not path.exists():
        return None
    try:
        return list(_read(path, shape, structures))
    except Failure:
        raise
    except (KeyError, TypeError, ValueError) as error:
        way_out = "Delete the folder of the prediction and run the same command again; it is made anew."
        raise Failure(f"its instances are damaged ({error}).", case=prediction.name, way_out=way_out) from None


def _read(path: Path, shape: tuple[int, int, int], structures: Sequence[str]) -> Iterator[Found]:
    said = read_json(path, "the list of instances")["instances"]
    numbers = read_array(path.with_suffix(".nrrd"))
    if numbers.shape != shape:
        raise ValueError(f"a volume of {numbers.shape} for a scan of {shape}")
    parts = parts_of(numbers)
    for item in said:
        if item["structure"] not in structures:
            raise ValueError(f"no structure {item['structure']!r}")
        # A surer instance may have taken all of its voxels.
        if int(item["number"]) in parts:
            yield Found(str(item["structure"]), parts[int(item["number"])], min(1.0, max(0.0, float(item["score"]))))
