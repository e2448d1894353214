"""What was learned, kept under a name, and applied to other scans: of the scene or in a folder."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from ..data.model_file import About
from ..run.folder import RunFolder
from .application_of_models import Order, new_place, ordered, results, scans_to_complete, with_columns
from .completed_nodes import show_completed
from .desk import ERROR, WORK, Desk
from .finish_work import FinishWork
from .loaded_scans import LoadedScans
from .own_segments import SCAN
from .saved_models import SavedModel, latest_network, model_at, models_in, place_for, save_model
from .scene_scans import scene_writer
from .state import Scan

MODELS = "models"


class ModelController:
    """The part of the step Finish that speaks of models. ticked: the scans that the chosen model is to be applied to."""

    def __init__(self, desk: Desk, work: FinishWork) -> None:
        self.desk = desk
        self.work = work
        self.ticked: frozenset[str] = frozenset()
        self._writer = scene_writer(desk.scene, uuid.uuid4().hex)
        self._chosen = ""
        self._others: dict[str, SavedModel] = {}

    def folder(self) -> Path:
        """Where models are kept."""
        return self.desk.application.documents_folder() / WORK / MODELS

    def all(self) -> tuple[SavedModel, ...]:
        """The saved ones, and those that the user chose elsewhere."""
        found = models_in(self.folder())
        paths = {model.path for model in found}
        return (*found, *(model for model in self._others.values() if model.path not in paths))

    def chosen(self) -> str:
        """The path of the chosen model; empty where there is none."""
        paths = [str(model.path) for model in self.all()]
        return self._chosen if self._chosen in paths else paths[0] if paths else ""

    def why_not_save(self) -> str:
        return "" if latest_network(self.desk.run) is not None else "Nothing has been learned yet that could be saved."

    def save(self, name: str) -> None:
        """Keeps what the last finished round has learned."""
        network = latest_network(self.desk.run)
        if network is None or not name.strip():
            return
        place = place_for(self.folder(), name)
        if place.exists() and not self.desk.application.ask(
            "Replace the model?", f"There is a model named '{name}' already.", "Replace", "Leave it"
        ):
            return
        facts = self.desk.facts
        scans = sum(split == "train" for _, split in facts.splits)
        about = About(name, facts.structures, scans, rules=facts.rules, overlapping=facts.overlapping)
        try:
            saved = save_model(network, self.folder(), about)
        except OSError as error:
            self.desk.say(f"The model could not be saved ({error.strerror or 'the disk did not take it'}).", ERROR)
            return
        self._chosen = str(saved.path)
        self.work.done(f"Saved as '{saved.name}'. It can now be applied to other scans, below.")

    def choose(self, key: str) -> None:
        self._chosen = key
        self.desk.tell()

    def choose_other(self) -> None:
        path = self.desk.application.choose_file("Choose a model", "Models (*.pt)")
        if path is not None:
            self._others[str(path)] = model_at(path)
            self.choose(str(path))

    def tick(self, names: tuple[str, ...], on: bool) -> None:
        self.ticked = self.ticked | set(names) if on else self.ticked - set(names)
        self.desk.tell()

    def apply(self) -> None:
        """Completes the ticked scans of the scene; the results become nodes."""
        scans = [scan for scan in scans_to_complete(self.desk.scene, self.desk.state) if scan.name in self.ticked]
        model = self.chosen()
        if not scans or not model:
            return
        known = model_at(Path(model)).structures
        scans = [with_columns(scan, [item.name for item in known]) for scan in scans]
        place = new_place(self.desk.application.documents_folder(), "scans of the scene")
        self.work.later(
            ordered(Path(model), scans, place, self._writer),
            lambda order: self._apply(order, scans),
            "Writing the scans…",
        )

    def _apply(self, order: Order, scans: list[Scan]) -> None:
        def done() -> None:
            self.work.later(
                results(self.desk.scene, order, scans),
                lambda nodes: self._applied(nodes, scans),
                "Putting the results into the scene…",
            )

        self.work.start(order.arguments, "", "Applying the model…", done)

    def _applied(self, nodes: list[Any], scans: list[Scan]) -> None:
        """The first result is shown on its scan."""
        first, scene = nodes[0].GetAttribute(SCAN), self.desk.scene
        volume = next((scene.GetNodeByID(scan.volume) for scan in scans if scan.name == first), None)
        others = LoadedScans(scene).others(first, self.desk.state.scans)
        show_completed(self.desk.application, nodes, first, volume, others)
        self.desk.application.fit_slices()
        count = len(nodes)
        self.work.done(
            f"{count} scan{'' if count == 1 else 's'} completed: the segmentations are in the scene, beside what was drawn."
        )

    def apply_to_folder(self) -> None:
        """Completes the scans of a folder; the results stay files."""
        model = self.chosen()
        folder = self.desk.application.choose_folder("The folder with the scans") if model else None
        if folder is None:
            return
        place = new_place(self.desk.application.documents_folder(), folder.name)
        order = Order(Path(model), (folder,), RunFolder(place))

        def done() -> None:
            self.desk.application.open_document(order.run.completed)

        self.work.start(
            order.arguments,
            f"Done: the completed segmentations are in {place.name}/completed, in {place.parent.parent.name}.",
            "Applying the model…",
            done,
        )
