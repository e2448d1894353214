"""The run folder: the one place that knows where each file of a run lies, and who is at work in it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failure import Failure
from .files import read_json, write_json
from .trouble import DETAILS

FORMAT = 1
OURS = {
    "run.json",
    "plan.json",
    "cases",
    "prepared",
    "rounds",
    "completed",
    "report.json",
    "report.html",
    "events.jsonl",
} | {
    "cancel",
    DETAILS,
}
"""What a run leaves directly in its folder."""


@dataclass(frozen=True)
class Holder:
    """The process at work in a run: its number, and a mark of its computer. 0 and '' where it has not said so."""

    process: int = 0
    computer: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it runs on this computer, so that its number means something."""
        return self.process > 0 and self.computer == this_computer()


@dataclass(frozen=True)
class RoundFolder:
    """`rounds/<t>/`: what one round of train, confidence, predict, relabel left behind."""

    path: Path

    @property
    def segmentation(self) -> Path:
        return self.path / "segmentation.pt"

    @property
    def confidence(self) -> Path:
        return self.path / "confidence.pt"

    @property
    def snapshots(self) -> Path:
        """Networks from along the way, where doubtful labels were learned with weights."""
        return self.path / "snapshots.pt"

    def weights(self, case_folder: str) -> Path:
        """How far the trusted scans uphold the doubtful labels of a case."""
        return self.path / "weights" / case_folder

    @property
    def training(self) -> Path:
        """Curves of the segmentation's training: loss and validation Dice per structure."""
        return self.path / "training.json"

    @property
    def confidence_training(self) -> Path:
        return self.path / "confidence.json"

    def prediction(self, case_folder: str) -> Path:
        return self.path / "predictions" / case_folder

    @property
    def review(self) -> Path:
        """The decisions on this round's suggestions, a person's or the automatic ones."""
        return self.path / "review.json"

    @property
    def expected(self) -> Path:
        """How large each structure is in the scans in which it is drawn."""
        return self.path / "expected.json"

    @property
    def reliability(self) -> Path:
        """How right the most confident suggestions are, measured on the validation scans."""
        return self.path / "reliability.json"

    @property
    def relabelling(self) -> Path:
        """What was accepted, per case and structure."""
        return self.path / "relabelling.json"

    def labels(self, case_folder: str) -> Path:
        """The labels after this round's decisions; the next round learns from them."""
        return self.path / "labels" / case_folder


@dataclass(frozen=True)
class RunFolder:
    """A folder of rounds. All paths hang below `path`."""

    path: Path

    @property
    def head(self) -> Path:
        return self.path / "run.json"

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def cancel(self) -> Path:
        """Whoever wants the worker to stop creates this file; the worker looks once per batch and removes it when it ends."""
        return self.path / "cancel"

    @property
    def details(self) -> Path:
        """What a programmer needs to know of the last mistake of the program."""
        return self.path / DETAILS

    def case(self, case_folder: str) -> Path:
        return self.path / "cases" / case_folder

    def prepared(self, case_folder: str) -> Path:
        return self.path / "prepared" / case_folder

    def round(self, number: int) -> RoundFolder:
        return RoundFolder(self.path / "rounds" / str(number))

    @property
    def completed(self) -> Path:
        return self.path / "completed"

    @property
    def report_json(self) -> Path:
        return self.path / "report.json"

    @property
    def report_html(self) -> Path:
        return self.path / "report.html"

    def read_head(self) -> dict[str, Any]:
        """`run.json`. Failure: not a run folder, or of another format."""
        head = read_json(self.head, "the description of the run")
        if not isinstance(head, dict) or head.get("program") != "PartialLabelSeg":
            raise Failure(
                f"{self.path.name} holds a run.json that is not a run of this program.",
                way_out="Choose another folder.",
            )
        if head.get("format") != FORMAT:
            raise Failure(f"{self.path.name} is a run of format {head.get('format')}; this version reads {FORMAT}.")
        return head

    def write_head(self, head: dict[str, Any]) -> None:
        write_json(self.head, {"program": "PartialLabelSeg", "format": FORMAT, **head})

    def cancelled(self) -> bool:
        return self.cancel.exists()

    def check_free(self) -> None:
        """Failure where the folder holds files of something else, so that a new run would be mixed with them."""
        strange = sorted(entry.name for entry in self.path.iterdir()) if self.path.is_dir() else []
        strange = [name for name in strange if not name.startswith(".") and name not in OURS]
        if strange:
            raise Failure(
                f"{self.path.name or 'This folder'} holds other files, such as {strange[0]}.",
                way_out="Choose a new or empty folder with --out.",
            )

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Holds the folder for this process. Failure where another live process holds it; a dead one's hold is taken over by the system."""
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / ".lock", "a+b") as handle:
            if not _hold(handle):
                raise Failure(
                    f"Another process is at work in {self.path.name}.",
                    way_out="Wait until it ends, or stop it by creating a file named 'cancel' in that folder.",
                )
            with contextlib.suppress(OSError):
                # Not through Python's buffer, which a full disk would make fail again when the file is closed.
                os.ftruncate(handle.fileno(), 0)
                os.write(handle.fileno(), json.dumps({"process": os.getpid(), "computer": this_computer()}).encode())
            yield

    def holder(self) -> Holder | None:
        """Who is at work in the folder right now; None where nobody is, or where that cannot be found out."""
        try:
            with open(self.path / ".lock", "r+b") as handle:
                if _hold(handle):
                    return None
                handle.seek(0)
                said = handle.read()
        except OSError:
            return None
        try:
            content = json.loads(said)
            return Holder(int(content["process"]), str(content["computer"]))
        except (ValueError, TypeError, KeyError):
            return Holder()


def this_computer() -> str:
    """A mark that tells computers apart and does not name them."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _hold(handle: Any) -> bool:
    """An advisory lock that dies with the process."""
    try:
        if os.name == "nt":
            import msvcrt

            # Far behind the content: what is locked there cannot even be read.
            os.lseek(handle.fileno(), 1 << 30, os.SEEK_SET)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
