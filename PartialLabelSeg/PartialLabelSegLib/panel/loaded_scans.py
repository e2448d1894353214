"""The nodes of a scan: those of the scene, or for a scan that lies on disk those that were loaded from the run's folder."""

from __future__ import annotations

from typing import Any

from ..data.geometry import Grid
from ..data.types import Structure
from ..run.failure import Failure
from ..run.folder import RunFolder
from .application import nodes_of_class
from .geometry import lies_on
from .our_nodes import OURS, remove_node
from .own_segments import SCAN
from .run_nodes import ROLE, load_drawn, load_scan
from .state import Scan
from .steps import Steps, scaled

MOST_KEPT = 3
"""Scans from disk that stay loaded; the one that was looked at longest ago goes first."""
VOLUME, SEGMENTATION = "vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"


class LoadedScans:
    """Where the nodes of each scan are. Nodes may be deleted by the user at any time; they are loaded again when asked for."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self._order: list[str] = []

    def volume(self, scan: Scan | None, name: str) -> Any:
        """The volume node of a scan; None where it is not loaded."""
        return self._of_scene(scan, "volume") or self._ours(name, VOLUME)

    def drawn(self, scan: Scan | None, name: str) -> Any:
        """The segmentation node with what the expert drew; None where nothing is drawn or it is not loaded."""
        return self._of_scene(scan, "segmentation") or self._ours(name, SEGMENTATION)

    def load(
        self, scan: Scan | None, name: str, place: tuple[RunFolder, str] | None, structures: tuple[Structure, ...]
    ) -> Steps[Any]:
        """The volume node, loaded in steps from the case's folder (place: run, folder) where it is not there. Failure: it cannot be had."""
        found = self.volume(scan, name)
        if found is None:
            if place is None:
                raise Failure(
                    "its volume is not in the scene any more.",
                    case=name,
                    way_out="Load it again, and choose it in the step Scans.",
                )
            folder = place[0].case(place[1])
            found = yield from scaled(load_scan(self.scene, folder / "image.nrrd", name), 0.0, 0.7)
            if self.drawn(scan, name) is None:
                yield from scaled(load_drawn(found, folder, structures), 0.7, 1.0)
        if self._ours(name, VOLUME) is not None:
            self._keep(name)
        return found

    def others(self, name: str, scans: tuple[Scan, ...]) -> tuple[Any, ...]:
        """The segmentation nodes of all other scans."""
        drawings = [self._of_scene(scan, "segmentation") for scan in scans if scan.name != name]
        ours = [
            node for node in nodes_of_class(self.scene, SEGMENTATION) if node.GetAttribute(SCAN) not in (None, "", name)
        ]
        return tuple(node for node in (*drawings, *ours) if node is not None)

    def _of_scene(self, scan: Scan | None, what: str) -> Any:
        key = getattr(scan, what) if scan is not None else ""
        return self.scene.GetNodeByID(key) if key else None

    def _ours(self, name: str, kind: str) -> Any:
        nodes = nodes_of_class(self.scene, kind)
        return next(
            (node for node in nodes if node.GetAttribute(OURS) == ROLE and node.GetAttribute(SCAN) == name), None
        )

    def _keep(self, name: str) -> None:
        self._order = [*(other for other in self._order if other != name), name]
        while len(self._order) > MOST_KEPT:
            old = self._order.pop(0)
            for kind in (SEGMENTATION, VOLUME):
                remove_node(self._ours(old, kind))

    def forget(self) -> None:
        """For a scene that was closed."""
        self._order = []


def check_place(volume: Any, grid: Grid, name: str) -> None:
    """Failure where the volume in the scene is not the scan that was learned from."""
    if not lies_on(grid, volume):
        raise Failure(
            "the volume in the scene has another size or place than the one that was learned from.",
            case=name,
            way_out="Undo the change (crop, resample, transform) or learn again.",
        )


def background_of(scene: Any) -> str:
    """The id of the volume of the user that lies in the slice views; empty where there is none."""
    for view in nodes_of_class(scene, "vtkMRMLSliceCompositeNode"):
        volume = scene.GetNodeByID(view.GetBackgroundVolumeID() or "")
        if volume is not None and not volume.GetAttribute(OURS):
            return str(volume.GetID())
    return ""


def give_background(scene: Any, volume: Any) -> None:
    """Puts a volume under all slice views; what lies over them stays."""
    for view in nodes_of_class(scene, "vtkMRMLSliceCompositeNode"):
        view.SetBackgroundVolumeID(volume.GetID())
