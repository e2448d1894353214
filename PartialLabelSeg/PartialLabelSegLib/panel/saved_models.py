"""What was learned, kept under a name: the network's file in a folder of the user, and beside it what it knows and was learned from."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import from_json, to_json
from ..data.case import safe_name
from ..data.types import Structure
from ..run.failure import Failure
from ..run.files import read_json, write_json
from ..run.folder import RoundFolder, RunFolder

FORMAT = 1
ENDING, ABOUT = ".pt", ".json"


@dataclass(frozen=True)
class SavedModel:
    """path: of the network. structures: empty where nothing is known of it. scans: how many it was learned from, 0 where not known."""

    path: Path
    name: str
    structures: tuple[Structure, ...] = ()
    scans: int = 0
    date: str = ""

    @property
    def words(self) -> str:
        """What it knows, in a sentence or two."""
        if not self.structures:
            return f"The file {self.path.name}; what it has learned is said when it is applied."
        names = ", ".join(item.name for item in self.structures)
        learned = f" Learned from {self.scans} scan{'' if self.scans == 1 else 's'}" if self.scans else ""
        return f"{names}.{learned}{f' on {self.date}' if self.date and learned else ''}{'.' if learned else ''}"


def latest_network(run: RunFolder | None) -> RoundFolder | None:
    """The last round of a run that has learned; None where none has."""
    numbers = (
        [int(path.parent.name) for path in run.path.glob("rounds/*/segmentation.pt") if path.parent.name.isdecimal()]
        if run
        else []
    )
    return run.round(max(numbers)) if run is not None and numbers else None


def models_in(folder: Path) -> tuple[SavedModel, ...]:
    """The saved models, by name."""
    found = [model_at(path) for path in folder.glob(f"*{ENDING}")] if folder.is_dir() else []
    return tuple(sorted(found, key=lambda model: model.name.lower()))


def model_at(path: Path) -> SavedModel:
    """A model by its file, with what stands beside it."""
    try:
        about = read_json(path.with_suffix(ABOUT), "what a model knows")
        structures = tuple(from_json(Structure, item) for item in about["structures"])
        return SavedModel(path, str(about["name"]), structures, int(about["scans"]), str(about["date"]))
    except (Failure, KeyError, TypeError, ValueError):
        return SavedModel(path, path.stem)


def place_for(folder: Path, name: str) -> Path:
    """The file of a model of this name."""
    return folder / f"{safe_name(name)}{ENDING}"


def save_model(network: Path, folder: Path, name: str, about: Mapping[str, Any]) -> SavedModel:
    """Copies a network; one of the same name is replaced. about: structures and the number of scans. OSError: it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    path = place_for(folder, name)
    beside = path.with_name(f".{path.name}.part")
    path.with_suffix(ABOUT).unlink(missing_ok=True)
    shutil.copyfile(network, beside)
    os.replace(beside, path)
    structures = [to_json(item) for item in about["structures"]]
    date = time.strftime("%Y-%m-%d")
    write_json(
        path.with_suffix(ABOUT),
        {"format": FORMAT, "name": name, "structures": structures, "scans": about["scans"], "date": date},
    )
    return model_at(path)
