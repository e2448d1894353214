"""The cells of an accuracy benchmark: each is one run of the product, and its result is kept, so that an interrupted benchmark goes on."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PartialLabelSegLib.begin import open_session
from PartialLabelSegLib.rounds import run_rounds
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.files import read_json, write_json
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.terminal import ProgressBar
from PartialLabelSegLib.train.session import Session


def kept(folder: Path, measured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of a cell: what `measured` says, or what it said before. Of its run the scans are thrown away, the networks stay."""
    path = folder / "result.json"
    if not path.exists():
        write_json(path, measured())
        for rest in ("prepared", "cases"):
            shutil.rmtree(folder / "run" / rest, ignore_errors=True)
    return dict(read_json(path, "a result"))


def finished(run: RunFolder, truth: Path | None = None) -> Session:
    """Learns and predicts as far as the run's choices say, with a progress bar."""
    bar = ProgressBar(sys.stdout)
    session: Session = _told(open_session(run, truth), bar)
    _told(run_rounds(session), bar)
    return session


def _told(story: Iterator[Event], bar: ProgressBar) -> Any:
    while True:
        try:
            bar(next(story))
        except StopIteration as end:
            return end.value
