"""A program that is asked something and ends: what it printed is read when it has, and nothing of it stays on the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .child import Child, Ending, Outputs


@dataclass(frozen=True)
class Printed:
    """lines: of stdout. complaint: the last line of stderr that says something; empty where there is none."""

    ending: Ending
    lines: tuple[str, ...] = ()
    complaint: str = ""


class BriefProgram:
    """One at a time; `ended(printed)` comes later, on the window's thread, unless it is forgotten before."""

    def __init__(self, ended: Callable[[Printed], object]) -> None:
        self._told = ended
        self._child = Child(self._heard, self._ended)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lines: list[str] = []
        self._complaint = ""

    def start(self, command: Callable[[Path], Sequence[str]], environment: Mapping[str, str]) -> None:
        """Starts the command that `command` makes; what it needs as a file it can write into the folder that it is given."""
        assert not self.running(), "one program at a time"
        self._lines, self._complaint = [], ""
        self._folder = tempfile.TemporaryDirectory(prefix="partiallabelseg-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        outputs = Outputs(folder / "said.txt", folder / "complained.txt")
        self._child.start(command(folder), environment, outputs)

    def running(self) -> bool:
        """Whether `ended` is still to come."""
        return self._child.running()

    def kill(self) -> None:
        """Ends it now; that is told as any end."""
        self._child.kill()

    def forget(self) -> None:
        """Ends it now, and nothing more is told."""
        self._child.kill()
        self._child.let_go()
        self._clean()

    def _heard(self, line: str, complained: bool) -> None:
        if complained:
            self._complaint = line.strip() or self._complaint
        else:
            self._lines.append(line)

    def _ended(self, ending: Ending) -> None:
        self._clean()
        self._told(Printed(ending, tuple(self._lines), self._complaint))

    def _clean(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
