"""The step Learn: one button from what is labelled to suggestions that wait for decisions, and from the decisions to the next round."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from ..run.events import Event
from ..run.folder import RunFolder
from . import words
from .advice import Adviser
from .begun import begun_otherwise
from .desk import ERROR, Desk
from .follow import EventFollower, orphaned
from .gather import Gathered, choices_of, gathered
from .guess import guessed
from .job import Job, job_of
from .jobs import JobListeners
from .outcome import GOES_ON, LOG, Outcome
from .progress import LearningProgress
from .scans_logic import ScansController
from .state import Choices
from .ticker import Ticker
from .told import whole
from .torch_care import TorchCare
from .view_models import EstimateView, LearnView

IDLE, RUNNING, STOPPING, STOPPED, WAITING, FINISHED, FAILED = (
    "idle",
    "running",
    "stopping",
    "stopped",
    "waiting",
    "finished",
    "failed",
)
_ENDS = {"waiting": WAITING, "finished": FINISHED, "cancelled": STOPPED, "error": FAILED}
BEGINS, GATHERING, LEARNING = "Getting ready…", "Writing the scans for learning…", "Learning"
WAITS = "The suggestions are ready and wait for your decisions."
ANEW = (
    "What was learned and decided so far stays in its own folder, but the panel then shows the new run. "
    "To learn from the decisions, choose 'Next round' in the step Decide instead."
)
TICK_MS = 1000


class LearnController:
    """Starts, follows and ends the worker that learns; everything it says becomes one view."""

    def __init__(self, desk: Desk, scans: ScansController) -> None:
        self._desk = desk
        self._scans = scans
        self._adviser = Adviser(scans.usable)
        self.torch = TorchCare(desk)
        self._progress = LearningProgress(self._job)
        self._past: EventFollower | None = None
        self._preparing = ""
        self._state, self._message = IDLE, ""
        # The time left goes down between two events, too.
        self._ticker = Ticker(self._tick)
        desk.next_round = self.next_round
        desk.on_scene_closing(self._scene_closing)
        desk.on_scene_replaced(self.restore)
        self.restore()

    def release(self) -> None:
        self._ticker.stop()
        self._forget_past()
        self.torch.release()

    # What is shown

    def view(self) -> LearnView:
        desk = self._desk
        state = self.state
        busy = state in (RUNNING, STOPPING)
        why_not = "" if busy else self._why_not()
        colors = {structure.name: structure.color for structure in desk.structures}
        progress = self._progress
        return LearnView(
            state,
            self.torch.view(),
            desk.state.choices,
            why_not,
            state in (STOPPED, FAILED) and self._can_resume(),
            self._said(state),
            self._estimate(),
            replace(progress.view(time.time()), rounds=max(progress.rounds, desk.facts.rounds)) if busy else None,
            progress.curves(colors),
            progress.notes,
            self._adviser.view(desk.state.choices),
            progress.learned_from,
        )

    @property
    def state(self) -> str:
        """One of the states of a LearnView."""
        if self._is_learning():
            return STOPPING if self._desk.jobs.stopping else RUNNING
        return RUNNING if self._preparing else self._state

    def _is_learning(self) -> bool:
        return self._desk.jobs.words == LEARNING

    def _why_not(self) -> str:
        desk = self._desk
        if desk.jobs.running:
            return f"{desk.jobs.words}: wait until that is done."
        return self._scans.why_not_learn()

    def _said(self, state: str) -> str:
        if state in (RUNNING, STOPPING):
            silent = self._desk.jobs.silent_seconds
            if silent:
                return f"Nothing was heard for {words.duration(silent)}. A large scan can take that long; Cancel keeps what was learned."
            return self._preparing if not self._is_learning() else ""
        return self._message

    def _estimate(self) -> EstimateView | None:
        return self._progress.estimate or guessed(self._desk.state.choices, self.torch.state)

    @property
    def has_suggestions(self) -> bool:
        """Whether there is something to look at."""
        return bool(self._progress.predicted)

    # What the user asks for

    def opened(self) -> None:
        """The step is shown: PyTorch is looked for, once."""
        if not self.torch.asked:
            self.torch.ask()

    def learn(self) -> None:
        """Learns from what is labelled now; where something was learned before, in a new folder."""
        if self.state in (RUNNING, STOPPING) or self._why_not():
            return
        run = self._desk.run
        begun = run is not None and run.head.exists()
        lose = begun and self._state in (WAITING, FINISHED)
        if lose and not self._desk.application.ask("Learn anew?", ANEW, "Learn anew", "Leave it"):
            return
        self._prepare(anew=begun)

    def resume(self) -> None:
        """Goes on where learning was stopped, also with a worker that is still at work."""
        run = self._desk.run
        if run is None or self.state in (RUNNING, STOPPING):
            return
        if orphaned(run) is not None:
            self._follow(run)
        elif run.head.exists():
            self._begin()
            self.torch.when_known(self._go_on)
        else:
            # Stopped before the scans were read: there is nothing yet to go on from.
            self._prepare(anew=False)

    def next_round(self) -> None:
        """Learns from the decisions that were written."""
        self._desk.change(step="learn")
        self.resume()

    def cancel(self) -> None:
        """Stops; answers at once."""
        if self._is_learning():
            self._desk.cancel_job()
        elif self._preparing:
            self._desk.drop_works()
            self._stop_preparing()
            self._state, self._message = STOPPED if self._can_resume() else IDLE, ""
        self._desk.tell()

    def set_choice(self, name: str, value: object) -> None:
        choices: dict[str, Any] = {name: value}
        self._desk.change(choices=replace(self._desk.state.choices, **choices))

    def reset_choices(self) -> None:
        self._desk.change(choices=Choices())

    def install_torch(self, how: str) -> None:
        self.torch.install(how)

    def cancel_install(self) -> None:
        self.torch.cancel_install()

    def check_torch(self) -> None:
        self.torch.ask()

    # From the button to the worker

    def _begin(self) -> None:
        """Shows that the button was heard."""
        self._forget_past()
        self._preparing, self._message = BEGINS, ""
        self._desk.say("")

    def _stop_preparing(self) -> None:
        self._preparing = ""

    def _prepare(self, anew: bool) -> None:
        self._begin()

        def known() -> None:
            if self._preparing and self._torch_will_do():
                self._scans.refresh(lambda: self._gather(anew))

        self.torch.when_known(known)

    def _torch_will_do(self) -> bool:
        """An answer that is not known is not a no: the worker says itself what it lacks."""
        if self.torch.state.state in ("ready", "unknown"):
            return True
        self._stop_preparing()
        self._desk.tell()
        return False

    def _gather(self, anew: bool) -> None:
        if not self._preparing:
            return
        why_not = self._scans.why_not_learn()
        if why_not:
            self._not_gathered(why_not)
            return
        self._preparing = GATHERING
        try:
            folder = self._desk.begin_new_folder() if anew else self._desk.work_folder
        except OSError as error:
            self._not_gathered(
                f"The work folder cannot be made ({error.strerror}). Look at the disk's free space and permissions."
            )
            return
        work = gathered(self._scans.usable(), folder, self._scans.writer)
        self._desk.later(work, self._gathered, GATHERING, self._not_gathered)

    def _not_gathered(self, sentence: str) -> None:
        self._stop_preparing()
        self._state, self._message = FAILED, ""
        self._desk.say(sentence, ERROR)

    def _gathered(self, found: Gathered) -> None:
        desk, choices = self._desk, self._desk.state.choices
        assert desk.run is not None
        said = [
            *("--preset", choices.preset, "--rounds", str(choices.rounds), "--confidence", choices.confidence),
            *("--seed", str(choices.seed), "--device", choices.device),
            *(("--minutes", str(choices.minutes)) if choices.minutes is not None else ()),
            *(("--dimensions", choices.dimensions) if choices.dimensions else ()),
            *(("--instances", "list") if choices.lesions else ()),
            *self._adviser.arguments(choices),
        ]
        self._progress = LearningProgress(self._job)
        self._start(
            "complete", *found.data_sets, "--choices", found.choices_file, "--review", *said, *desk.extra_arguments
        )

    def _go_on(self) -> None:
        if self._preparing and self._torch_will_do():
            self._start("complete")

    def _start(self, *arguments: Any) -> None:
        desk = self._desk
        assert desk.run is not None
        self._stop_preparing()
        self._progress.begin()
        command = (*arguments, "--out", desk.run.path, "--no-progress")
        if desk.start_job(command, self._heard, self._ended, LEARNING, in_run=True):
            self._ticker.start(TICK_MS)

    def _follow(self, run: RunFolder) -> None:
        self._forget_past()
        self._progress = LearningProgress(self._job)
        self._desk.jobs.follow(run, JobListeners(self._heard, self._ended, LEARNING))
        self._ticker.start(TICK_MS)

    # What the worker says

    def _heard(self, event: Event) -> None:
        self._progress.hear(event)
        if event.kind in ("round", "prediction"):
            # What is suggested is shown as it comes.
            self._desk.change(round=whole(event, "round"))
        self._desk.tell()

    def _ended(self, outcome: Outcome) -> None:
        self._ticker.stop()
        desk = self._desk
        text = f"{outcome.sentence} {outcome.way_out}".strip()
        if outcome.done and self._progress.ended != "finished":
            text = f"The learning program ended without saying that it was done. {GOES_ON} {LOG}"
        if outcome.waiting:
            self._state, self._message = WAITING, WAITS
            self._go_to("look")
        elif outcome.done and self._progress.ended == "finished":
            self._state, self._message = FINISHED, "Everything is learned, and every scan is completed."
            self._go_to("finish")
        elif outcome.cancelled:
            self._state, self._message = STOPPED, text
        else:
            self._state, self._message = FAILED, ""
            desk.say(text, ERROR)
            self.torch.ask()
        desk.tell()

    def _go_to(self, step: str) -> None:
        """Only from this step: a user who looks at something else is not taken away."""
        if self._desk.state.step == "learn":
            self._desk.change(step=step)
        else:
            self._desk.say(self._message)

    def _tick(self) -> None:
        self._desk.tell()

    def _job(self) -> Job | None:
        run = self._desk.run
        return None if run is None else job_of(run)

    # After a restart

    def restore(self) -> None:
        """What the run in the work folder says of how far it is: curves and notes of before, or a worker that is still at work."""
        if self._is_learning():
            # The scene changed, its work folder did not.
            return
        self._forget_past()
        self._ticker.stop()
        self._stop_preparing()
        self._progress = LearningProgress(self._job)
        self._state, self._message = IDLE, ""
        run = self._desk.run
        if run is None or not run.path.is_dir():
            return
        if orphaned(run) is not None:
            self._follow(run)
            return
        self._state = STOPPED
        self._past = EventFollower(run.events, self._progress.hear)
        self._past.start()
        self._reading = Ticker(self._read_past)
        self._reading.start(50)

    _reading: Ticker | None = None

    def _read_past(self) -> None:
        if self._past is None or not self._past.at_end():
            return
        self._forget_past()
        self._state = _ENDS.get(self._progress.ended, STOPPED)
        self._message = {
            WAITING: WAITS,
            FINISHED: "Everything is learned, and every scan is completed.",
            STOPPED: "Learning was stopped; Resume goes on from there.",
        }.get(self._state, self._progress.message)
        self._message = f"{self._message} {self._begun_otherwise()}".strip()
        self._desk.tell()

    def _begun_otherwise(self) -> str:
        usable = self._scans.usable()
        return (
            begun_otherwise(self._desk.work_folder, [scan.name for scan in usable], choices_of(usable, {}))
            if usable
            else ""
        )

    def _forget_past(self) -> None:
        if self._past is not None:
            self._past.stop()
            self._past = None
        if self._reading is not None:
            self._reading.stop()
            self._reading = None

    def _can_resume(self) -> bool:
        run = self._desk.run
        return run is not None and (run.head.exists() or run.path.is_dir())

    def _scene_closing(self) -> None:
        self._forget_past()
        self._stop_preparing()
