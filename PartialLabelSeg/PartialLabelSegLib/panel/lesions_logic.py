"""What the step Finish does with single lesions: the lists that the worker left beside the completed scans, and the way to each lesion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..data.lesions import LIST, Lesion, Listed, surest_lesions
from ..run.failure import Failure
from . import words
from .accepted import COMPLETED
from .application import nodes_of_class
from .completed_nodes import show_completed
from .desk import Desk
from .finish_work import FinishWork
from .geometry import place_in_views
from .loaded_scans import LoadedScans
from .our_nodes import OURS
from .view_models_decide import Choice, LesionRow, LesionsView

MOST_ROWS = 200
"""Lesions that are shown of a scan; nobody looks at more, and the file holds all."""


NOTHING = Listed((), 0, ())


class LesionsController:
    """The lesions of the scan that is shown; of another one where it has no list."""

    def __init__(self, desk: Desk, work: FinishWork, nodes: LoadedScans) -> None:
        self.desk = desk
        self._work = work
        self._nodes = nodes
        self._structure = ""
        self._read: tuple[tuple[Path, int, str], Listed, str] | None = None

    def forget(self) -> None:
        """For a scene that was closed."""
        self._read, self._structure = None, ""

    # What is shown

    def view(self) -> LesionsView:
        """A list is read again only when its file has changed."""
        lists = self._lists()
        if not lists:
            return LesionsView()
        scan = self._scan(lists)
        listed, note = self._of(lists[scan])
        structure = self._structure if self._structure in listed.structures else ""
        names = listed.structures if len(listed.structures) > 1 else ()
        choices = tuple(Choice(name, name or "all structures") for name in ("", *names)) if names else ()
        rows = tuple(LesionRow(one.number, one.structure, one.score, one.volume_ml) for one in listed.lesions)
        return LesionsView(tuple(Choice(name, name) for name in lists), scan, choices, structure, rows, note)

    def _lists(self) -> dict[str, Path]:
        """Scan -> its list, for the scans that have one."""
        run = self.desk.run
        if run is None:
            return {}
        places = {scan: run.completed / f"{folder}{LIST}" for scan, folder in self.desk.facts.folders}
        return {scan: path for scan, path in places.items() if path.is_file()}

    def _scan(self, lists: dict[str, Path]) -> str:
        shown = self.desk.state.scan
        return shown if shown in lists else next(iter(lists))

    def _of(self, path: Path) -> tuple[Listed, str]:
        """The surest lesions of a list, of the chosen structure where the scan has some; and what to say of them."""
        try:
            key = (path, path.stat().st_mtime_ns, self._structure)
        except OSError:
            return NOTHING, "The list is not there any more."
        if self._read is None or self._read[0] != key:
            self._read = (key, *_shown(path, self._structure))
        return self._read[1:]

    # What the user asks for

    def choose_scan(self, name: str) -> None:
        """Lists the lesions of another scan, which is then the one that is shown everywhere."""
        self.desk.change(scan=name)

    def choose_structure(self, name: str) -> None:
        """Lists the lesions of one structure only, '' for all; also in the scans that are listed after this one."""
        self._structure = name
        self.desk.tell()

    def go_to(self, number: int) -> None:
        """Shows a lesion of the listed scan in all views; a scan that lies on disk is loaded first."""
        lists = self._lists()
        if not lists:
            return
        name = self._scan(lists)
        lesion = next((one for one in self._of(lists[name])[0].lesions if one.number == number), None)
        if lesion is None:
            return
        desk, scan = self.desk, self.desk.state.scan_named(name)
        volume = self._nodes.volume(scan, name)
        if volume is not None:
            self._show(name, volume, lesion)
        elif self._work.working() is None:
            folder = desk.case_folder(name)
            place = (desk.run, folder) if desk.run is not None and folder is not None else None
            loading = self._nodes.load(scan, name, place, desk.structures)
            self._work.later(loading, lambda loaded: self._show(name, loaded, lesion), f"Loading {name}…")

    def _show(self, name: str, volume: Any, lesion: Lesion) -> None:
        application = self.desk.application
        if not self._lies_in_views(volume):
            segmentations = nodes_of_class(application.scene, "vtkMRMLSegmentationNode")
            completed = [node for node in segmentations if node.GetAttribute(OURS) == COMPLETED]
            show_completed(application, completed, name, volume, self._nodes.others(name, self.desk.state.scans))
            application.fit_slices()
        application.jump_to(place_in_views(volume, lesion.centre_mm))

    def _lies_in_views(self, volume: Any) -> bool:
        views = nodes_of_class(self.desk.scene, "vtkMRMLSliceCompositeNode")
        return all(view.GetBackgroundVolumeID() == volume.GetID() for view in views)


def _shown(path: Path, structure: str) -> tuple[Listed, str]:
    """The lesions to show, and the sentence below them. A structure that this scan has no lesion of is as if none were chosen."""
    try:
        listed = surest_lesions(path, MOST_ROWS, structure)
        if structure and structure not in listed.structures:
            listed = surest_lesions(path, MOST_ROWS)
    except Failure as failure:
        return NOTHING, failure.sentence()
    if not listed.lesions:
        return listed, "No lesion was found in this scan."
    if listed.count > len(listed.lesions):
        surest = f"The surest {len(listed.lesions)} of {listed.count} lesions."
        return listed, f"{surest} The list in the run's folder holds all of them."
    return listed, f"{words.counted(listed.count, 'lesion')}, the surest first."
