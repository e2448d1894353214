"""The step Scans: which scans there are, what is drawn in each, and what the user says of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..data.types import Structure
from ..run.failure import Failure
from . import cohort_edits
from .cohort import CohortTable, structures_of
from .cohort_sources import DataSetRead, SceneScan, with_data_set, with_scene_scan
from .data_sets import DataSets
from .desk import ERROR, WARNING, Desk
from .disk_scans import DiskScans
from .gather import Writer
from .made import with_made, with_made_in
from .observers import Observers
from .pairs import Pair, guess_pairs, scans_of, segmentations_of
from .sample_data import MADE_UP
from .sample_scans import sample_scans, show_first
from .scene_scans import read_pair, read_pairs, scene_writer
from .state import Scan
from .view_models import NodeView, ProblemView, ScansView, ScanView

MAKING = "Making sample scans…"
READING = "Reading the scans of the scene…"
NOTHING_LOADED = "No scan is loaded in Slicer that is not in the list already. Load one, or add a folder."


class ScansController:
    """Keeps the table true to the scene and to the data sets on disk, and does what the user asks for in this step."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.table = CohortTable()
        self.writer: Writer = scene_writer(desk.scene, uuid.uuid4().hex)
        self._stamps: dict[str, str] = {}
        self._data_sets = DataSets(desk.application, self._data_set_read, lambda text: desk.say(text, ERROR))
        self._disk = DiskScans(desk, self._put_in_views)
        self._observers = Observers()
        for event in (desk.scene.NodeAddedEvent, desk.scene.NodeRemovedEvent):
            self._observers.add(desk.scene, event, desk.tell)
        desk.structures_of_table = self.structures
        desk.on_scene_closing(self._closing)
        desk.on_scene_replaced(self._replaced)
        self.refresh()

    def release(self) -> None:
        self._data_sets.forget()
        self._disk.release()
        self._observers.release()

    def view(self) -> ScansView:
        desk = self._desk
        offered = (_nodes(scans_of(desk.scene)), _nodes(segmentations_of(desk.scene)))
        view = self.table.view(desk.state, *offered, busy=self._data_sets.busy or self._disk.busy or desk.busy)
        return replace(view, scans=tuple(map(self._with_problem, view.scans)), disk=self._disk.view())

    def _with_problem(self, row: ScanView) -> ScanView:
        """A scan that was to be shown and could not says why."""
        why = self._disk.problem(row.name)
        return replace(row, problems=(*row.problems, ProblemView(why))) if why else row

    def structures(self) -> tuple[Structure, ...]:
        """Those of the table, with their colours and terminology."""
        state, found = self._desk.state, []
        for name in structures_of(state.scans):
            look = self.table.look(state, name)
            found.append(Structure(name, look.color, look.terminology))
        return tuple(found)

    def usable(self) -> tuple[Scan, ...]:
        """The scans that learning can use."""
        return tuple(scan for scan in self._desk.state.scans if self.table.usable(scan))

    def why_not_learn(self) -> str:
        """Why learning cannot start, in a sentence; '' where it can."""
        if self._data_sets.busy:
            return "The scans are still being read."
        return self.table.why_not_learn(self._desk.state)

    # What the scene and the disk hold

    def refresh(self, then: Callable[[], None] | None = None) -> None:
        """Reads again the scans of the scene that have changed since they were read, and data sets that were not read yet; then calls `then`."""
        desk = self._desk
        changed = [scan for scan in desk.state.scans if not scan.source and self._has_changed(scan)]
        unread = dict.fromkeys(scan.source for scan in desk.state.scans if scan.source and not self.table.knows(scan))
        for source in unread:
            self._data_sets.ask(Path(source))
        if changed:
            pairs = [Pair(scan.name, *self._nodes_of(scan)) for scan in changed]
            desk.later(read_pairs(pairs), lambda scenes: self._pairs_read(changed, scenes, then), READING)
        elif then is not None:
            then()

    def _has_changed(self, scan: Scan) -> bool:
        return not self.table.knows(scan) or self._stamps.get(scan.volume) != self.writer.stamp(scan)

    def _nodes_of(self, scan: Scan) -> tuple[Any, Any]:
        scene = self._desk.scene
        return tuple(scene.GetNodeByID(key) if key else None for key in (scan.volume, scan.segmentation))  # type: ignore[return-value]

    def _pairs_read(self, scans: list[Scan], scenes: list[SceneScan], then: Callable[[], None] | None) -> None:
        state = self._desk.state
        for scan, scene in zip(scans, scenes):
            fresh = self._learned(scene)
            now = state.scan_named(scan.name)
            if now is not None and now.volume == scan.volume:
                state = state.with_scan(cohort_edits.refreshed(now, fresh.found, fresh.problems))
        self._desk.put(state)
        if then is not None:
            then()

    def _learned(self, scene: SceneScan) -> Scan:
        scan = self.table.learn_scene(scene)
        self._stamps[scan.volume] = self.writer.stamp(scan)
        self._desk.tell()
        return scan

    def _data_set_read(self, data: DataSetRead) -> None:
        """Failure: two data sets name a scan alike."""
        state = with_data_set(self._desk.state, data)
        self.table.learn_data_set(data)
        self._desk.put(state)
        if not data.scans:
            self._desk.say(f"{Path(data.source).name} holds no scan that can be read.", WARNING)
        self._desk.tell()

    def _closing(self) -> None:
        self._data_sets.forget()
        self._disk.forget()

    def _replaced(self) -> None:
        self.table.forget()
        self._stamps.clear()
        self._closing()
        self.refresh()

    # What the user asks for

    def add_from_scene(self) -> None:
        taken = {key for scan in self._desk.state.scans for key in (scan.volume, scan.segmentation) if key}
        found = guess_pairs(self._desk.scene, taken)
        if not found.pairs:
            self._desk.say(NOTHING_LOADED, WARNING)
            return
        self._desk.later(read_pairs(found.pairs), lambda scenes: self._added(scenes, found.left_over), READING)

    def _added(self, scenes: list[SceneScan], left_over: tuple[Any, ...]) -> None:
        state = self._desk.state
        for scene in scenes:
            state = with_scene_scan(state, self._learned(scene))
        self._desk.put(state)
        if left_over:
            names = ", ".join(f"'{node.GetName()}'" for node in left_over[:3])
            text = f"To which scan {names} belongs is not clear. Choose it beside the scan."
            self._desk.say(text, WARNING)

    def add_folder(self) -> None:
        path = self._desk.application.choose_folder("A folder with scans")
        if path is not None:
            self.open_folder(path)

    def add_manifest(self) -> None:
        path = self._desk.application.choose_file("A list of scans", "Lists of scans (*.csv *.json);;All files (*)")
        if path is not None:
            self.open_folder(path)

    def open_folder(self, path: Path) -> None:
        """A folder, a manifest, or a data set of another program."""
        self._data_sets.ask(Path(path))
        self._desk.tell()

    def add_sample(self) -> None:
        """Made-up scans, loaded as a user's own would be."""
        work = sample_scans(self._desk.application, MADE_UP)
        self._desk.later(work, self._sample_made, MAKING)

    def _sample_made(self, nodes: list[Any]) -> None:
        show_first(self._desk.application, nodes)
        self.add_from_scene()

    def remove(self, scans: tuple[str, ...]) -> None:
        self._desk.put(cohort_edits.removed(self._desk.state, scans))

    def set_states(self, cells: tuple[tuple[str, str], ...], state: str) -> None:
        self._desk.put(cohort_edits.with_states(self._desk.state, cells, state))

    def set_made(self, cells: tuple[tuple[str, str], ...], how: str) -> None:
        self._desk.put(with_made(self._desk.state, cells, how))

    def set_made_in(self, scans: tuple[str, ...], how: str) -> None:
        self._desk.put(with_made_in(self._desk.state, scans, how))

    def cycle_state(self, scan: str, structure: str) -> None:
        self._desk.put(cohort_edits.cycled(self._desk.state, scan, structure))

    def rename(self, scan: str, segment: str, structure: str) -> None:
        self._desk.put(cohort_edits.renamed(self._desk.state, scan, segment, structure))

    def merge(self, structures: tuple[str, ...], into: str) -> None:
        self._desk.put(cohort_edits.merged(self._desk.state, structures, into))

    def pick_pair(self, scan: str, volume: str, segmentation: str) -> None:
        state = self._desk.state
        old = state.scan_named(scan)
        if old is None:
            return
        if any(item.volume == volume and volume and item.name != scan for item in state.scans):
            self._desk.say(f"Another scan of the list has this volume already; '{scan}' stays as it was.", WARNING)
            self._desk.tell()
            return
        chosen = replace(old, volume=volume, segmentation=segmentation)
        try:
            scene = read_pair(scan, *self._nodes_of(chosen))
        except Failure as failure:
            self._desk.say(failure.sentence(), ERROR)
            return
        fresh = self._learned(scene)
        self._desk.put(
            cohort_edits.without_pair(state, scan, segmentation).with_scan(
                cohort_edits.refreshed(chosen, fresh.found, fresh.problems)
            )
        )
        self.refresh()

    def show_scan(self, scan: str) -> None:
        """Puts a scan with its drawing into the views; one that lies on disk is read first."""
        found = self._desk.state.scan_named(scan)
        if found is None:
            return
        self._desk.change(scan=scan)
        volume, drawing = self._nodes_of(found)
        if volume is not None:
            self._disk.clear()
            self._put_in_views(volume, drawing)
        elif found.source:
            self._disk.show(found)

    def keep_scan(self, scan: str, kept: bool) -> None:
        """Leaves a scan that was loaded from disk in Slicer, or lets it go with the next one."""
        self._disk.keep(scan, kept)

    def _put_in_views(self, volume: Any, drawing: Any) -> None:
        """Of all drawings only that of the scan in the views is in sight."""
        self._desk.application.show_volume(volume)
        self._desk.application.fit_slices()
        drawings = [self._nodes_of(scan)[1] for scan in self._desk.state.scans]
        for node in (*drawings, *self._disk.drawings()):
            if node is not None:
                node.SetDisplayVisibility(node is drawing)


def _nodes(nodes: list[Any]) -> tuple[NodeView, ...]:
    return tuple(NodeView(str(node.GetID()), str(node.GetName() or node.GetID())) for node in nodes)
