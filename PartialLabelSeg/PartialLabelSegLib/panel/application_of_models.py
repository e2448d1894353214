"""A saved model at work on scans of the scene or of a folder: what the worker is asked, and its results as nodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..data.types import State
from ..run.events import Event
from ..run.failure import Failure
from ..run.folder import RunFolder
from .completed_nodes import load_completed
from .desk import WORK
from .gather import Writer, gathered
from .pairs import scans_of
from .run_facts import RunReader
from .state import PanelState, Scan
from .steps import Steps

RESULT = "by a saved model"
_WEIGHTS = {"imported": (0.0, 0.1), "prepared": (0.1, 0.25), "prediction": (0.25, 0.9), "completed": (0.9, 1.0)}


@dataclass(frozen=True)
class Order:
    """cases: what the worker completes; run: where it works. scans, choices: for scans of the scene their names, and what was said of them."""

    model: Path
    cases: tuple[Path, ...]
    run: RunFolder
    scans: tuple[str, ...] = ()
    choices: Path | None = None

    @property
    def arguments(self) -> tuple[str | Path, ...]:
        said = () if self.choices is None else ("--choices", self.choices)
        return ("apply", self.model, *self.cases, *said, "--out", self.run.path, "--no-progress")


def scans_to_complete(scene: Any, state: PanelState) -> tuple[Scan, ...]:
    """The scans of the table that are in the scene, and the volumes of the scene that are in no row of it."""
    listed = [scan for scan in state.scans if scan.volume and scene.GetNodeByID(scan.volume) is not None]
    taken = {scan.volume for scan in listed}
    names = {scan.name for scan in state.scans}
    loose = []
    for node in scans_of(scene):
        if node.GetID() not in taken and node.GetImageData() is not None:
            name = _free(node.GetName() or "scan", names)
            names.add(name)
            loose.append(Scan(name, node.GetID()))
    return (*loose, *listed)


def _free(name: str, taken: set[str]) -> str:
    names = (name, *(f"{name} ({number})" for number in range(2, 10_000)))
    return next(each for each in names if each not in taken)


def with_columns(scan: Scan, structures: Sequence[str]) -> Scan:
    """The scan with a column for each structure of the model, so that a list of scans in which nothing is drawn can be written."""
    columns = structures or ("Structure",)
    return replace(
        scan, found={**{name: State.MISSING.value for name in columns if name not in scan.found}, **scan.found}
    )


def new_place(root: Path, name: str) -> Path:
    """A folder that is not there yet."""
    folder = root / WORK / "applied"
    there = {path.name for path in folder.glob("*")}
    return folder / _free(f"{name} {time.strftime('%Y-%m-%d %H.%M.%S')}", there)


def ordered(model: Path, scans: Sequence[Scan], place: Path, writer: Writer) -> Steps[Order]:
    """Writes scans of the scene, and what was said of them in the table, where the worker can read it. Failure: one cannot be written."""
    written = yield from gathered(scans, place, writer)
    names = tuple(scan.name for scan in scans)
    return Order(model, written.data_sets, RunFolder(place / "run"), names, written.choices_file)


def share_of(event: Event) -> float | None:
    """How far the worker is, by one of its events; None where it does not say."""
    weights, fields = _WEIGHTS.get(event.kind), event.fields
    step, steps = fields.get("step"), fields.get("steps")
    if weights is None or not isinstance(step, int) or not isinstance(steps, int) or steps < 1:
        return None
    return weights[0] + (weights[1] - weights[0]) * min(1.0, max(0.0, step / steps))


def results(scene: Any, order: Order, scans: Sequence[Scan]) -> Steps[list[Any]]:
    """The completed segmentations as nodes. Failure: one is missing or damaged."""
    facts, nodes = RunReader().facts(order.run), []
    for done, name in enumerate(order.scans, 1):
        folder = facts.folder(name)
        if folder is None:
            way_out = "Look at what was said while the model was applied."
            raise Failure("it was not completed.", case=name, way_out=way_out)
        scan = next((each for each in scans if each.name == name), None)
        volume = scene.GetNodeByID(scan.volume) if scan is not None and scan.volume else None
        nodes.append(load_completed(scene, order.run.completed / f"{folder}.seg.nrrd", name, volume, RESULT))
        yield done / len(order.scans)
    return nodes
