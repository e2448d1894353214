"""All of the panel but its widgets: the desk, the five steps, and which of them is possible when."""

from __future__ import annotations

from . import words
from .application import Application
from .decide_logic import DecideController
from .desk import Desk
from .finish_logic import FinishController
from .learn_logic import FAILED, FINISHED, IDLE, RUNNING, STOPPED, STOPPING, WAITING, LearnController
from .look_logic import LookController
from .scans_logic import ScansController
from .view_models import StepsView, StepView

SCANS, LEARN, LOOK, DECIDE, FINISH = words.STEPS

NOTHING_SUGGESTED = "Nothing is suggested yet: learn first."
_HINTS = {
    IDLE: "Next: Learn from what is drawn.",
    RUNNING: "Slicer can be used meanwhile. Suggestions appear in Look, scan by scan.",
    STOPPING: "What was learned is being saved.",
    STOPPED: "Resume goes on where learning was stopped.",
    FAILED: "Resume goes on once what is said is mended.",
    WAITING: "Look at what is suggested, then decide on it.",
    FINISHED: "Everything is completed: save it, or look through it once more.",
}


class PanelLogic:
    """One for the life of the panel. `release()` ends it."""

    def __init__(self, application: Application) -> None:
        self.desk = Desk(application)
        self.scans = ScansController(self.desk)
        self.learn = LearnController(self.desk, self.scans)
        self.look = LookController(self.desk)
        self.decide = DecideController(self.desk, self.look)
        self.finish = FinishController(self.desk)
        self.finish.bring_accepted = self.decide.kept.bring

    def steps(self) -> StepsView:
        """The bar above everything."""
        why_not_learn = self.scans.why_not_learn()
        state, suggested = self.learn.state, self.learn.has_suggestions
        begun = state != IDLE
        steps = (
            StepView(SCANS, not why_not_learn),
            StepView(LEARN, state in (WAITING, FINISHED), "" if begun or self.desk.state.scans else "Add scans first."),
            StepView(LOOK, state == FINISHED, "" if suggested else NOTHING_SUGGESTED),
            StepView(DECIDE, state == FINISHED, "" if suggested else NOTHING_SUGGESTED),
            StepView(FINISH),
        )
        return StepsView(
            self.desk.state.step, steps, self._next(state, why_not_learn), self._hint(state, why_not_learn)
        )

    def _next(self, state: str, why_not_learn: str) -> str:
        if state == FINISHED:
            return FINISH
        if state == WAITING:
            return LOOK if self.desk.state.step in (SCANS, LEARN) else DECIDE
        return SCANS if state == IDLE and why_not_learn else LEARN

    def _hint(self, state: str, why_not_learn: str) -> str:
        if state == IDLE and not self.desk.state.scans:
            return "Begin with your own scans, or try everything with the sample scans."
        return why_not_learn if state == IDLE and why_not_learn else _HINTS[state]

    def open_step(self, name: str) -> None:
        """Shows a step."""
        self.desk.change(step=name)
        self.opened()

    def opened(self) -> None:
        """Something of the step that is open may have to be found out first."""
        if self.desk.state.step == LEARN:
            self.learn.opened()

    def enter(self) -> None:
        """The panel comes into sight: what was drawn elsewhere meanwhile is read again."""
        self.scans.refresh()
        self.decide.enter()
        self.opened()

    def exit(self) -> None:
        """The panel goes out of sight; what goes on goes on."""
        self.decide.exit()

    def release(self) -> None:
        """Everything of ours leaves the scene and the program; what was learned and decided lies in the work folder."""
        for part in (self.finish, self.decide, self.look, self.learn, self.scans, self.desk):
            part.release()
