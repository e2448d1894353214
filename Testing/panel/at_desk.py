"""The steps Look, Decide and Finish without their widgets, over a small run that waits for decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from host.host_application import HostApplication
from panel.deciding import GRID, make_run
from panel.scene_nodes import add_scan, add_segmentation
from PartialLabelSegLib.panel.decide_logic import DecideController
from PartialLabelSegLib.panel.decide_queue import key_of
from PartialLabelSegLib.panel.desk import Desk
from PartialLabelSegLib.panel.finish_logic import FinishController
from PartialLabelSegLib.panel.look_logic import LookController
from PartialLabelSegLib.panel.own_segments import SCAN
from PartialLabelSegLib.panel.state import Scan
from PartialLabelSegLib.run.folder import RunFolder

Wait = Callable[..., None]


class AtDesk:
    """`close()` ends it. CT 1 and its tumour are in the scene, the other scans lie on disk."""

    def __init__(
        self, application: HostApplication, folder: Path, wait_until: Wait, *predicted: str, step: str = "look"
    ) -> None:
        self.application, self.scene = application, application.scene
        self.folder, self._wait = folder, wait_until
        self.run: RunFolder = make_run(folder / "run", *predicted)
        self.volume = add_scan(self.scene, GRID, np.zeros(GRID.shape, np.int16), "CT 1")
        tumour = np.zeros(GRID.shape, bool)
        tumour[0, 0, 0] = True
        self.drawn = add_segmentation(self.volume, GRID, {"Tumour": tumour}, "CT 1 drawn")
        self.open()
        scan = Scan("CT 1", self.volume.GetID(), self.drawn.GetID(), found={"Tumour": "labelled"})
        self.desk.change(folder=str(folder), scans=(scan, Scan("CT 2", source="set")), step=step)
        self.settle()

    def open(self) -> None:
        """As when the panel is opened, or the module is reloaded."""
        self.desk = Desk(self.application)
        self.look = LookController(self.desk)
        self.decide = DecideController(self.desk, self.look)
        self.finish = FinishController(self.desk)
        self.finish.bring_accepted = self.decide.kept.bring

    def settle(self) -> None:
        """Until nothing is being done any more; a scan of the queue is read at each turn."""
        for _ in range(6):
            self.desk.tell_now()
            self._wait(lambda: not self.look.busy and not self.desk.busy, 20, "the panel to be done")

    def choose(self, scan: str, structure: str) -> None:
        self.decide.suggestion_chosen(key_of((scan, structure)))
        self.settle()

    def nodes(self, role: str) -> list[Any]:
        """Segmentation nodes of ours, by their role."""
        return [node for node in self.segmentations() if node.GetAttribute("PartialLabelSeg.Role") == role]

    def segmentations(self) -> list[Any]:
        kind = "vtkMRMLSegmentationNode"
        return [self.scene.GetNthNodeByClass(place, kind) for place in range(self.scene.GetNumberOfNodesByClass(kind))]

    def accepted(self, scan: str, structure: str) -> np.ndarray:
        """bool (z, y, x): the accepted voxels, as the scene holds them."""
        from panel.scene_nodes import mask_by_points

        for node in self.nodes("accepted"):
            if node.GetAttribute(SCAN) == scan:
                segmentation = node.GetSegmentation()
                for place in range(segmentation.GetNumberOfSegments()):
                    if segmentation.GetNthSegment(place).GetName() == structure:
                        return mask_by_points(node, segmentation.GetNthSegmentID(place), GRID)
        return np.zeros(GRID.shape, bool)

    def close(self) -> None:
        for part in (self.finish, self.decide, self.look, self.desk):
            part.release()


@contextmanager
def desks(application: HostApplication, folder: Path, wait_until: Wait, step: str) -> Iterator[Callable[..., AtDesk]]:
    """`make(*predicted)` puts a scene at the desk; all of them are closed in the end."""
    made: list[AtDesk] = []

    def make(*predicted: str) -> AtDesk:
        made.append(AtDesk(application, folder, wait_until, *predicted, step=step))
        return made[-1]

    yield make
    for at in made:
        at.close()
