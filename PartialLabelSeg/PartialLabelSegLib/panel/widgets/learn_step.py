"""The step Learn: what it will cost, one button, and how far it is."""

from __future__ import annotations

from typing import Protocol

from .. import words
from ..qt_subset import button, column, get, paragraph
from ..view_models import EstimateView, LearnView
from .fitting import set_text
from .learn_choices import LearnChoices
from .learn_progress import LearnProgress, buttons_in_a_row
from .torch_box import TorchBox, TorchCalls

UNMEASURED = "How long it takes is measured when learning begins."
NO_TORCH = "Learning needs PyTorch, see above."


class LearnActions(Protocol):
    """What the user can do here. `set_choice`: a field of `Choices` and its new value. `install_torch`: 'extension' or 'wheels'."""

    def learn(self) -> None: ...
    def cancel(self) -> None: ...
    def resume(self) -> None: ...
    def set_choice(self, name: str, value: object) -> None: ...
    def reset_choices(self) -> None: ...
    def install_torch(self, how: str) -> None: ...
    def cancel_install(self) -> None: ...
    def check_torch(self) -> None: ...


class LearnStep:
    """`show()` draws a view model and emits nothing."""

    def __init__(self, actions: LearnActions) -> None:
        self.torch = TorchBox(TorchCalls(actions.install_torch, actions.cancel_install, actions.check_torch))
        self.choices = LearnChoices(actions.set_choice, actions.reset_choices)
        self.estimate = paragraph("", "estimate")
        self.learn = button("Learn", "learn", "", actions.learn)
        self.resume = button("Resume", "resume", "Go on where learning was stopped. Nothing is lost.", actions.resume)
        self.cancel = button("Cancel", "cancel", "", actions.cancel)
        bold = get(self.learn, "font")
        bold.setBold(True)
        for main in (self.learn, self.resume):
            main.setFont(bold)
        self.why_not = paragraph("", "learn_why_not")
        self.message = paragraph("", "learn_message")
        self.progress = LearnProgress()
        buttons = buttons_in_a_row(self.resume, self.learn, self.cancel)
        self.widget = column(
            self.torch.widget, self.choices.widget, self.estimate, self.why_not, buttons, self.message, self.progress.widget, None
        )  # fmt: skip
        self.widget.setObjectName("learn_step")

    def show(self, view: LearnView) -> None:
        """Draws what is different from before."""
        self.torch.show(view.torch, view.busy)
        self.choices.show(view.choices, not view.busy, view.advice)
        set_text(
            self.estimate, "" if view.busy or view.state in ("waiting", "finished") else estimate_words(view.estimate)
        )
        self._show_buttons(view)
        set_text(self.why_not, _why_not(view))
        set_text(self.message, view.message)
        self.progress.show(view.progress, view.curves, view.notes)
        self.progress.show_learned_from(view.learned_from)

    def _show_buttons(self, view: LearnView) -> None:
        why_not = _why_not(view)
        begun = view.can_resume or view.state in ("waiting", "finished")
        self.learn.setText("Learn anew" if begun else "Learn")
        self.learn.setToolTip(why_not or _learn_tip(begun))
        self.learn.setEnabled(not why_not)
        self.learn.setVisible(not view.busy)
        self.resume.setVisible(view.can_resume and not view.busy)
        self.resume.setEnabled(not _no_torch(view))
        stopping = view.state == "stopping"
        self.cancel.setText("Stopping…" if stopping else "Cancel")
        self.cancel.setToolTip(
            "What was learned is being saved."
            if stopping
            else "Stops, and keeps what was learned: Resume goes on later."
        )
        self.cancel.setEnabled(not stopping)
        self.cancel.setVisible(view.busy)


def estimate_words(view: EstimateView | None) -> str:
    """'This will take about 12 minutes on the processor (2 cores), with about 1.3 GB of memory.'"""
    if view is None:
        return UNMEASURED
    guessed = "" if view.measured else " This is a guess; it is measured when learning begins."
    memory = words.memory(view.gigabytes)
    with_memory = f", with {memory}" if memory else ""
    return f"This will take {words.duration(view.seconds)} {words.on_device(view.device, view.threads)}{with_memory}.{guessed}"


def _no_torch(view: LearnView) -> bool:
    return view.torch.installing or view.torch.state not in ("ready", "unknown")


def _why_not(view: LearnView) -> str:
    """Why learning cannot begin; '' where it can, or already has."""
    if view.busy:
        return ""
    return NO_TORCH if _no_torch(view) else view.why_not


def _learn_tip(begun: bool) -> str:
    if begun:
        return "Begin again from the scans as they are now. What was learned before is kept in its own folder."
    return "Learn from what is labelled, then suggest what is not. Nothing leaves this computer."
