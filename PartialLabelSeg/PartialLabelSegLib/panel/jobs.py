"""The one worker that the panel has at a time: started, followed, cancelled, or left behind with its scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..run.events import Event
from ..run.folder import RunFolder
from .application import Application
from .follow import WatchedWorker
from .outcome import Outcome
from .patience import Patience
from .process import Listeners, WorkerProcess
from .surroundings import worker_command, worker_environment

AT_WORK = "Another task is at work; wait until it ends, or cancel it in the step Learn."

Worker = WorkerProcess | WatchedWorker


class Jobs:
    """At most one worker is heard. One that was left behind is asked to stop, and nothing more is heard of it."""

    def __init__(self, application: Application, changed: Callable[[], object]) -> None:
        self._application = application
        self._changed = changed
        self.patience = Patience()
        self.current: Worker | None = None
        self.words = ""
        """What the worker does, in words; empty where there is none."""
        self.silent_seconds = 0.0
        self._left: list[Worker] = []

    @property
    def running(self) -> bool:
        return self.current is not None

    @property
    def stopping(self) -> bool:
        return self.current is not None and self.current.stopping()

    def start(
        self, arguments: Sequence[str | Path], folder: Path, listeners: JobListeners, run: RunFolder | None = None
    ) -> str:
        """Starts the worker with these arguments; its log goes into `folder`. Why it was refused, in a sentence; '' where it runs.

        run: the run that it works in, so that it can be asked to save before it stops.
        """
        if self.running:
            return AT_WORK
        worker: WorkerProcess
        worker = WorkerProcess(self._heard_by(listeners, lambda: worker), self.patience)
        self.current, self.words, self.silent_seconds = worker, listeners.words, 0.0
        application = self._application
        command = worker_command(application.python_executable(), *arguments)
        worker.start(command, worker_environment(application.startup_environment()), folder, run)
        self._changed()
        return ""

    def follow(self, run: RunFolder, listeners: JobListeners) -> str:
        """Listens to a worker that is at work already, from the first event of its run on."""
        if self.running:
            return AT_WORK
        worker: WatchedWorker
        worker = WatchedWorker(self._heard_by(listeners, lambda: worker), self.patience)
        self.current, self.words, self.silent_seconds = worker, listeners.words, 0.0
        worker.start(run)
        self._changed()
        return ""

    def cancel(self) -> None:
        """Asks it to save and stop; asked twice, it is ended now."""
        if self.current is not None:
            self.current.cancel()
            self._changed()

    def leave(self) -> None:
        """For another scene: the worker is asked to stop, and nothing of it is heard any more."""
        worker, self.current, self.words = self.current, None, ""
        if worker is not None:
            self._left.append(worker)
            if not worker.stopping():
                worker.cancel()

    def release(self) -> None:
        """Stops listening; a worker that learns goes on by itself, and is found again."""
        for worker in (self.current, *self._left):
            if worker is not None:
                worker.let_go()
        self.current, self.words, self._left = None, "", []

    def _heard_by(self, listeners: JobListeners, worker: Callable[[], Worker]) -> Listeners:
        def event(said: Event) -> None:
            if self.current is worker():
                self.silent_seconds = 0.0
                listeners.event(said)

        def silent(seconds: float) -> None:
            if self.current is worker():
                self.silent_seconds = seconds
                self._changed()

        def finished(outcome: Outcome) -> None:
            if self.current is not worker():
                self._left = [item for item in self._left if item is not worker()]
                return
            self.current, self.words, self.silent_seconds = None, "", 0.0
            listeners.finished(outcome)
            self._changed()

        return Listeners(event, finished, silent)


class JobListeners:
    """Who hears a worker, and the words for what it does."""

    def __init__(self, event: Callable[[Event], object], finished: Callable[[Outcome], object], words: str) -> None:
        self.event: Callable[[Event], Any] = event
        self.finished: Callable[[Outcome], Any] = finished
        self.words = words
