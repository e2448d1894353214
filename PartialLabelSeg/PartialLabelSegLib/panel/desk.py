"""What all steps of the panel share: the state, who is told when it changes, the work folder, the worker, and long work in steps.

Everything goes through here that another step may want to know of; no step knows another one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import qt

from ..data.types import Structure
from ..run.events import Event
from ..run.folder import RunFolder
from .application import Application
from .begun import RUN
from .jobs import JobListeners, Jobs
from .outcome import Outcome
from .parameter import PanelParameter, SceneEvents
from .run_facts import RunFacts, RunReader
from .state import PanelState
from .steps import Stepper, Steps

WORK = "PartialLabelSeg"
NOTE, WARNING, ERROR = "note", "warning", "error"

Stop = Callable[[], None]


@dataclass(frozen=True)
class Message:
    """What the panel says in its own area. severity: note, warning or error."""

    text: str = ""
    severity: str = NOTE


@dataclass(frozen=True)
class _Work:
    steps: Steps[Any]
    done: Callable[[Any], object]
    failed: Callable[[str], object]
    words: str


def _nothing(*_: Any) -> None:
    pass


class Desk:
    """One for the life of the panel. `release()` ends it."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.scene = application.scene
        self.message = Message()
        self.extra_arguments: tuple[str, ...] = ()
        """For tests: what is added to the command that begins to learn."""
        self.structures_of_table: Callable[[], tuple[Structure, ...]] = tuple
        self.next_round: Callable[[], None] = _nothing
        """Goes on with the run after the decisions were taken; the step Learn says how."""
        self.jobs = Jobs(application, self.tell)
        self.busy_share = 0.0
        self._busy = ""
        self._works: deque[_Work] = deque()
        self._stepper = Stepper()
        self._run_reader = RunReader()
        self._listeners: list[Callable[[], None]] = []
        self._closing: list[Callable[[], None]] = []
        self._replaced: list[Callable[[], None]] = []
        self._removed: list[Callable[[str], None]] = []
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._slot = self.tell_now
        self._timer.timeout.connect(self._slot)
        self._parameter = PanelParameter(
            self.scene, SceneEvents(self._scene_replaced, self._node_removed, self._scene_closing)
        )
        self.state = self._parameter.load()
        self._parameter.observe()
        if self._parameter.problem:
            self.say(self._parameter.problem, WARNING)

    # The state

    def change(self, **fields: Any) -> None:
        """Sets fields of the state; nothing happens where they are equal."""
        self.put(replace(self.state, **fields))

    def put(self, state: PanelState) -> None:
        """Takes a whole state, stores it in the scene and tells everybody."""
        if state == self.state:
            return
        self.state = state
        self._parameter.store(state)
        self.tell()

    def listen(self, listener: Callable[[], None]) -> Stop:
        """Calls `listener()` after anything changed, once for all changes of a moment. Returns what ends it."""
        return _added(self._listeners, listener)

    def on_scene_closing(self, hook: Callable[[], None]) -> Stop:
        """Before the scene is closed: its nodes are still there."""
        return _added(self._closing, hook)

    def on_scene_replaced(self, hook: Callable[[], None]) -> Stop:
        """Another scene was opened, added or restored, or this one closed: `state` is the new one, nodes of before are gone."""
        return _added(self._replaced, hook)

    def on_node_removed(self, hook: Callable[[str], None]) -> Stop:
        """A node that the state spoke of was removed; the state no longer does. The hook gets its id."""
        return _added(self._removed, hook)

    def tell(self) -> None:
        """Calls the listeners once the program comes back to Qt."""
        self._timer.start()

    def tell_now(self) -> None:
        self._timer.stop()
        for listener in tuple(self._listeners):
            listener()

    # The work folder

    @property
    def work_folder(self) -> Path:
        """Where everything of this scene lies; made when it is first asked for. OSError: it cannot be made."""
        if not self.state.folder:
            self.change(folder=str(self._new_folder()))
        folder = Path(self.state.folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _new_folder(self) -> Path:
        root = self.application.documents_folder() / WORK
        name = time.strftime("%Y-%m-%d %H.%M.%S")
        for number in range(1, 1000):
            path = root / (name if number == 1 else f"{name} ({number})")
            if not path.exists():
                path.mkdir(parents=True)
                return path
        raise FileExistsError(str(root / name))

    def begin_new_folder(self) -> Path:
        """Another work folder, for a run that begins anew; what lies in the one before stays."""
        self.change(folder="", round=0)
        return self.work_folder

    @property
    def run(self) -> RunFolder | None:
        """The run in the work folder, begun or not; None before there is a folder."""
        return RunFolder(Path(self.state.folder) / RUN) if self.state.folder else None

    @property
    def facts(self) -> RunFacts:
        """What the run says of its scans; empty before it was begun."""
        return self._run_reader.facts(self.run)

    @property
    def structures(self) -> tuple[Structure, ...]:
        """Of the run where there is one, else of the table of scans."""
        return self.facts.structures or self.structures_of_table()

    def case_folder(self, scan: str) -> str | None:
        """The folder of a scan's case inside the run; None where it is not in the run."""
        return self.facts.folder(scan)

    # The worker

    @property
    def job(self) -> Any:
        """The worker at work, or None."""
        return self.jobs.current

    def start_job(
        self,
        arguments: Sequence[str | Path],
        on_event: Callable[[Event], object],
        on_end: Callable[[Outcome], object],
        words: str = "Working",
        in_run: bool = False,
    ) -> bool:
        """Starts the worker; refuses, and says so, where one is at work. in_run: it works in the run of this scene."""
        listeners = JobListeners(on_event, on_end, words)
        why_not = self.jobs.start(arguments, self.work_folder, listeners, self.run if in_run else None)
        if why_not:
            self.say(why_not, WARNING)
        return not why_not

    def cancel_job(self) -> None:
        self.jobs.cancel()

    # Long work in the window

    @property
    def busy(self) -> str:
        """What is being done in steps right now, in words; empty where nothing is."""
        return self._busy

    def later(
        self,
        steps: Steps[Any],
        done: Callable[[Any], object],
        words: str,
        failed: Callable[[str], object] | None = None,
    ) -> None:
        """Does a work in steps while the window lives, after those that were asked for before. What goes wrong is said, or told to `failed`."""
        self._works.append(_Work(steps, done, failed or (lambda sentence: self.say(sentence, ERROR)), words))
        if not self._stepper.busy and not self._busy:
            self._next_work()

    def _next_work(self) -> None:
        if not self._works:
            return
        work = self._works.popleft()
        self._busy, self.busy_share = work.words, 0.0
        self.tell()
        self._stepper.start(
            work.steps,
            lambda value: self._worked(work.done, value),
            lambda text: self._worked(work.failed, text),
            self._share,
        )

    def _share(self, share: float) -> None:
        self.busy_share = share

    def _worked(self, ending: Callable[[Any], object], value: Any) -> None:
        self._busy, self.busy_share = "", 0.0
        try:
            ending(value)
        finally:
            self.tell()
            if not self._stepper.busy:
                self._next_work()

    def drop_works(self) -> None:
        """Gives up what is being done in steps, and what was asked for after it; nobody is told."""
        self._stepper.cancel()
        for work in self._works:
            work.steps.close()
        self._works.clear()
        self._busy, self.busy_share = "", 0.0

    # What is said

    def say(self, sentence: str, severity: str = NOTE) -> None:
        """A sentence in the panel's own area; '' takes the last one away. Never a pop-up."""
        self.message = Message(sentence, severity)
        if sentence:
            self.application.say_status(sentence)
        self.tell()

    # The scene

    def _scene_closing(self) -> None:
        self.drop_works()
        for hook in tuple(self._closing):
            hook()

    def _scene_replaced(self, state: PanelState) -> None:
        self.drop_works()
        moved = state.folder != self.state.folder
        self.state, self.message = state, Message()
        if moved and self.jobs.running:
            self.jobs.leave()
            self.say("Learning was stopped because its scene was closed. Open that scene again to go on.")
        for hook in tuple(self._replaced):
            hook()
        if self._parameter.problem:
            self.say(self._parameter.problem, WARNING)
        self.tell()

    def _node_removed(self, node_id: str) -> None:
        self.state = self.state.without_node(node_id)
        for hook in tuple(self._removed):
            hook(node_id)
        self.tell()

    def release(self) -> None:
        """Everything is undone: observers, timers, hooks. A worker that learns goes on by itself."""
        self.drop_works()
        self._timer.stop()
        self._timer.timeout.disconnect(self._slot)
        self._parameter.release()
        self.jobs.release()
        for each in (self._listeners, self._closing, self._replaced, self._removed):
            each.clear()


def _added(to: list[Any], function: Any) -> Stop:
    to.append(function)

    def stop() -> None:
        if function in to:
            to.remove(function)

    return stop
