"""Scans that lie on disk, looked at before learning has read them: the worker reads one, it is loaded in steps, and goes again with the next.

The files are only read. What is loaded here is for looking at: the table and the learning take what the files say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..data.types import Structure
from .application import nodes_of_class
from .ask_worker import Answer, Question
from .cohort_sources import color_of
from .desk import Desk
from .our_nodes import OURS, remove_node
from .own_segments import SCAN
from .run_nodes import load_drawn, load_scan
from .state import Scan
from .steps import Stepper, Steps, scaled
from .view_models import DiskView

LOOKED_AT, KEPT = "looked at", "kept"
"""Roles of nodes: gone with the next scan, or there until the user says otherwise, and saved with the scene."""
VOLUME, SEGMENTATION = "vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"
NOT_UNDERSTOOD = "What the worker said of this scan is not understood. Update the module."
_AWAY = ("look", "decide", "finish")
"""Steps that show scans by themselves."""

Put = Callable[[Any, Any], object]


class DiskScans:
    """`put(volume, drawing)` shows nodes in the views (drawing: None where nothing is drawn). One scan is read at a time, the last one asked for."""

    def __init__(self, desk: Desk, put: Put) -> None:
        self._desk = desk
        self._put = put
        self._question = Question(desk.application, self._answered)
        self._stepper = Stepper()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._reading = ""
        self._shown = ""
        self._problems: dict[str, str] = {}
        self._stop_listening = desk.listen(self._follow)

    def view(self) -> DiskView:
        nodes = self._nodes(VOLUME)
        kept = tuple(str(node.GetAttribute(SCAN)) for node in nodes if node.GetAttribute(OURS) == KEPT)
        there = any(node.GetAttribute(SCAN) == self._shown for node in nodes)
        return DiskView(self._reading, self._shown if there else "", kept)

    @property
    def busy(self) -> str:
        """What is being done, in words."""
        return f"Reading {self._reading} to show it…" if self._reading else ""

    def problem(self, name: str) -> str:
        """Why a scan could not be shown when it was last asked for; empty where it could, or was not."""
        return self._problems.get(name, "")

    def drawings(self) -> list[Any]:
        """The segmentation nodes that were loaded here."""
        return self._nodes(SEGMENTATION)

    def show(self, scan: Scan) -> None:
        """Reads a scan of a data set and shows it; at once where it is loaded already."""
        self.stop()
        self._problems.pop(scan.name, None)
        if self._node(VOLUME, scan.name) is not None:
            self._show(scan.name)
            return
        self._reading = scan.name
        self._folder = tempfile.TemporaryDirectory(prefix="partiallabelseg-", ignore_cleanup_errors=True)
        self._question.ask(("extract", scan.source, f"--scan={scan.name}", "--out", self._place()))
        self._desk.tell()

    def keep(self, name: str, kept: bool) -> None:
        """Leaves a loaded scan in the scene, also in the saved one; or lets it go with the next that is shown."""
        for node in (self._node(VOLUME, name), self._node(SEGMENTATION, name)):
            if node is None:
                continue
            node.SetAttribute(OURS, KEPT if kept else LOOKED_AT)
            node.SetSaveWithScene(bool(kept))
            if not kept and name != self._shown:
                remove_node(node)
        self._desk.tell()

    def stop(self) -> None:
        """Gives up what is being read."""
        self._question.forget()
        self._stepper.cancel()
        self._reading = ""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def clear(self) -> None:
        """Another scan is to be seen: what is not kept goes, what is kept is not in sight."""
        self.stop()
        self._shown = ""
        self._remove_all_but("")
        for node in self.drawings():
            node.SetDisplayVisibility(False)

    def forget(self) -> None:
        """For another scene: the nodes are gone with the one before."""
        self.stop()
        self._shown = ""
        self._problems.clear()

    def release(self) -> None:
        self._stop_listening()
        self.stop()
        self._remove_all_but("")

    def _place(self) -> Path:
        assert self._folder is not None
        return Path(self._folder.name) / "scan"

    def _answered(self, answer: Answer) -> None:
        table = answer.table()
        if table is None:
            self._failed(answer.why_not())
            return
        try:
            structures = tuple(
                Structure(str(item["name"]), color_of(item["color"]), str(item["terminology"]))
                for item in table["structures"]
            )
        except (KeyError, TypeError, ValueError):
            self._failed(NOT_UNDERSTOOD)
            return
        self._stepper.start(self._load(self._reading, structures), self._loaded, self._failed)

    def _load(self, name: str, structures: tuple[Structure, ...]) -> Steps[None]:
        place = self._place()
        volume = yield from scaled(load_scan(self._desk.scene, place / "image.nrrd", name, LOOKED_AT), 0.0, 0.7)
        yield from scaled(load_drawn(volume, place, structures, LOOKED_AT), 0.7, 1.0)

    def _loaded(self, _: None) -> None:
        name = self._reading
        self.stop()
        self._show(name)

    def _failed(self, sentence: str) -> None:
        name = self._reading
        self.stop()
        self._remove(name)
        self._problems[name] = f"It cannot be shown: {sentence[:1].lower() + sentence[1:]}"
        self._desk.tell()

    def _show(self, name: str) -> None:
        self._remove_all_but(name)
        self._shown = name
        self._put(self._node(VOLUME, name), self._node(SEGMENTATION, name))
        self._desk.tell()

    def _follow(self) -> None:
        """Nothing is read for a step that does not ask for it, and nothing stays of a scan that left the list."""
        if not self._reading and not self._shown:
            return
        state = self._desk.state
        if state.step in _AWAY:
            self.clear()
        elif self._reading and state.step != "scans":
            self.stop()
        elif state.scan_named(self._reading or self._shown) is None:
            self.clear()

    def _nodes(self, kind: str) -> list[Any]:
        return [node for node in nodes_of_class(self._desk.scene, kind) if node.GetAttribute(OURS) in (LOOKED_AT, KEPT)]

    def _node(self, kind: str, name: str) -> Any:
        return next((node for node in self._nodes(kind) if node.GetAttribute(SCAN) == name), None)

    def _remove(self, name: str) -> None:
        for kind in (SEGMENTATION, VOLUME):
            remove_node(self._node(kind, name))

    def _remove_all_but(self, name: str) -> None:
        """Those that are not kept."""
        for node in (*self._nodes(SEGMENTATION), *self._nodes(VOLUME)):
            if node.GetAttribute(OURS) == LOOKED_AT and node.GetAttribute(SCAN) != name:
                remove_node(node)
