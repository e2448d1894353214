"""A question to the worker that is answered by what it prints, such as `check --json`: beside learning, and without a log."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..run.events import parse_event
from .application import Application
from .brief_program import BriefProgram, Printed
from .surroundings import worker_command, worker_environment


@dataclass(frozen=True)
class Answer:
    """code: the exit status, None where the worker could not be started. text: all that it printed. complaint: its last line on stderr."""

    code: int | None
    text: str
    complaint: str = ""

    def table(self) -> Any:
        """What it printed as JSON; None where that is none, or is an error."""
        try:
            value = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return None if not isinstance(value, dict) or "event" in value else value

    def why_not(self) -> str:
        """What went wrong, in a sentence."""
        events = [
            event for event in map(parse_event, self.text.splitlines()) if event is not None and event.kind == "error"
        ]
        said = events[-1].fields.get("message") if events else None
        if isinstance(said, str) and said:
            return said
        if self.code is None:
            return f"The program that reads scans could not be started: {self.complaint}."
        last = f" Its last line was: {self.complaint[:200]}" if self.complaint else ""
        return f"The program that reads scans ended without an answer (exit status {self.code}).{last}"


class Question:
    """One at a time; `answered(answer)` comes later, on the window's thread."""

    def __init__(self, application: Application, answered: Callable[[Answer], object]) -> None:
        self._application = application
        self._answered = answered
        self._program = BriefProgram(self._ended)

    def ask(self, arguments: Sequence[str | Path]) -> None:
        command = worker_command(self._application.python_executable(), *arguments)
        self._program.start(lambda _: command, worker_environment(self._application.startup_environment()))

    def asking(self) -> bool:
        return self._program.running()

    def forget(self) -> None:
        """Nothing is answered any more."""
        self._program.forget()

    def _ended(self, printed: Printed) -> None:
        ending = printed.ending
        self._answered(Answer(ending.code, "\n".join(printed.lines), ending.not_started or printed.complaint))
