"""What was learned, kept under a name: the networks' files in a folder of the user, and beside them what they know and were learned from."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from ..data.case import safe_name
from ..data.model_file import (
    CONFIDENCE,
    ENDING,
    About,
    about_beside,
    confidence_beside,
    is_network,
    read_about,
    write_about,
)
from ..data.types import Structure
from ..run.failure import Failure
from ..run.folder import RoundFolder, RunFolder


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
    found = [model_at(path) for path in folder.glob(f"*{ENDING}") if is_network(path)] if folder.is_dir() else []
    return tuple(sorted(found, key=lambda model: model.name.lower()))


def model_at(path: Path) -> SavedModel:
    """A model by its file, with what stands beside it."""
    try:
        about = read_about(path)
    except Failure:
        return SavedModel(path, path.stem)
    return SavedModel(path, about.name, about.structures, about.scans, about.date)


def place_for(folder: Path, name: str) -> Path:
    """The file of a model of this name."""
    path = folder / f"{safe_name(name)}{ENDING}"
    return path if is_network(path) else path.with_name(path.name.replace(CONFIDENCE, f"_confidence{ENDING}"))


def save_model(learned: RoundFolder, folder: Path, about: About) -> SavedModel:
    """Copies the networks of a round; a model of the same name is replaced. OSError: it cannot be written.

    The confidence network goes first and comes last: whenever this is cut off, what is there is a whole model, or a network alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = place_for(folder, about.name)
    for beside in (confidence_beside(path), about_beside(path)):
        beside.unlink(missing_ok=True)
    _copied(learned.segmentation, path)
    write_about(path, replace(about, date=time.strftime("%Y-%m-%d")))
    if about.rules is not None and about.rules.confidence == "learned" and learned.confidence.is_file():
        _copied(learned.confidence, confidence_beside(path))
    return model_at(path)


def _copied(source: Path, path: Path) -> None:
    beside = path.with_name(f".{path.name}.part")
    shutil.copyfile(source, beside)
    os.replace(beside, path)
