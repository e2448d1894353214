"""The step Decide: the queue of suggestions, how much of the chosen one to accept, what to do with it, and the next round."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from .. import words
from ..qt_subset import button, paragraph
from ..shortcuts import Shortcuts
from ..view_models_decide import AtGamma, DecideView, WorkRow
from .chooser import Chooser, named
from .decide_buttons import DecideButtons
from .fitting import percent, set_text
from .gamma_slider import GammaSlider
from .parts_table import PartsTable
from .worklist_table import WorklistTable

SCOPE_TIP = "What the buttons below decide on. The number of suggestions is said with each."
EDITED_TIP = "Takes what you drew instead of the suggestion.\nNext round: your drawing is learned as the structure; the rest of the scan stays open."
UNEDITED_TIP = "Forgets what you drew and shows the suggestion again.\nNext round: nothing is learned from it."


class DecideActions(Protocol):
    """What the user asks for in this step."""

    def suggestion_chosen(self, key: str) -> None:
        """Jump to a suggestion in all views."""

    def part_chosen(self, seed: int) -> None:
        """Jump to a part of the chosen suggestion."""

    def scope_chosen(self, key: str) -> None:
        """Decide on one of SCOPES from now on."""

    def gamma_moved(self, gamma: float) -> None:
        """Show the most confident share `gamma`; called at every step of the slider, so it must be quick."""

    def counts_at(self, gamma: float) -> AtGamma:
        """What that comes to in the scope; asked for once when several steps of the slider came together."""

    def accept(self) -> None:
        """Accept the share that the slider shows."""

    def accept_all(self) -> None:
        """Accept everything that is suggested."""

    def wrong(self) -> None:
        """What is shown is not the structure."""

    def not_now(self) -> None:
        """Leave it open."""

    def edit(self) -> None:
        """Open the Segment Editor on the chosen suggestion."""

    def edited(self, keep: bool) -> None:
        """Take what was drawn in the Segment Editor, or forget it."""

    def complete(self) -> None:
        """Accept what is shown; there is no more of the structure in the scan."""

    def undo(self) -> None:
        """Take back the last decision."""

    def redo(self) -> None:
        """Take again the decision that was undone last."""

    def next_round(self) -> None:
        """Learn from the decisions."""


class DecideStep:
    """The widget of the step. `show` makes it agree with a view model and asks for nothing; `enter` and `exit` bring and take the keys."""

    def __init__(self, actions: DecideActions) -> None:
        self._actions = actions
        self._part: int | None = None
        self.queue = WorklistTable(actions.suggestion_chosen)
        self.gamma = GammaSlider(actions.gamma_moved, self._count)
        self.parts = PartsTable(actions.part_chosen)
        self.buttons = DecideButtons(actions)
        self._scope = Chooser("decide_scope", SCOPE_TIP, actions.scope_chosen)
        self._message = paragraph("", "decide_message")
        self._title = _title()
        self._details = paragraph("", "decide_details")
        self._editing = self._editing_bar()
        self._next = button("Next round", "next_round", "", actions.next_round)
        self._next_summary = paragraph("", "next_round_summary")
        self.widget = self._laid_out()
        self.shortcuts = Shortcuts(
            {
                **self.buttons.clicks(),
                "next": lambda: self.queue.step(1),
                "previous": lambda: self.queue.step(-1),
                "more": lambda: self.gamma.step(1),
                "less": lambda: self.gamma.step(-1),
            }
        )

    def enter(self, window: Any) -> None:
        """The step opens: its keys work in `window`, or where there is none, in the step itself."""
        self.shortcuts.enter(window if window is not None else self.widget)
        self.queue.take_keys()

    def exit(self) -> None:
        """The step closes: its keys are gone."""
        self.shortcuts.exit()

    def _editing_bar(self) -> Any:
        bar = qt.QWidget()
        grid = qt.QGridLayout(bar)
        grid.setContentsMargins(0, 0, 0, 0)
        self._editing_words = paragraph("", "editing_words")
        grid.addWidget(self._editing_words, 0, 0, 1, 2)
        grid.addWidget(button("Use my drawing", "edited_keep", EDITED_TIP, lambda: self._actions.edited(True)), 1, 0)
        grid.addWidget(button("Discard it", "edited_discard", UNEDITED_TIP, lambda: self._actions.edited(False)), 1, 1)
        return bar

    def _laid_out(self) -> Any:
        widget = qt.QWidget()
        widget.setObjectName("decide_step")
        layout = qt.QVBoxLayout(widget)
        layout.addWidget(self.queue.widget, 1)
        layout.addWidget(self._title)
        layout.addWidget(self._details)
        self._deciding = qt.QWidget()
        inner = qt.QVBoxLayout(self._deciding)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.gamma.widget)
        inner.addWidget(self.parts.widget)
        inner.addWidget(named("Decide on", self._scope.widget))
        layout.addWidget(self._deciding)
        layout.addWidget(self._editing)
        layout.addWidget(self.buttons.widget)
        layout.addWidget(self._message)
        layout.addWidget(_line())
        layout.addWidget(self._next_summary)
        layout.addWidget(self._next)
        layout.addStretch(0)
        return widget

    def show(self, view: DecideView) -> None:
        """Shows a view model; cheap where little changed."""
        row = view.chosen_row()
        self.queue.show(view.rows, view.chosen)
        set_text(self._title, f"{row.structure} in {row.scan}" if row else "")
        set_text(self._details, details_in_words(row) if row else "")
        self._scope.show(view.scopes, view.scope)
        self.gamma.show(view.gamma, view.at_gamma, view.colors)
        self.parts.show(view.at_gamma.rows, view.part)
        # By all its parts, not by those at this gamma: nothing may jump away from under a slider that is being moved.
        self.parts.widget.setVisible(row is not None and row.parts > 1)
        self._part = view.part
        self.buttons.show(view)
        self._show_share(view.at_gamma)
        self._show_editing(view.editing, bool(view.rows))
        set_text(self._message, view.message)
        self._show_next(view)

    def _show_editing(self, editing: str, any_rows: bool) -> None:
        """While the Segment Editor is open on a suggestion, nothing else can be decided."""
        self._editing.setVisible(bool(editing))
        set_text(
            self._editing_words,
            f"You are correcting {editing} in the Segment Editor. Come back here when it is right." if editing else "",
        )
        self.queue.widget.setEnabled(not editing)
        self.queue.widget.setVisible(any_rows)
        self._deciding.setVisible(any_rows and not editing)
        self.buttons.widget.setVisible(any_rows and not editing)

    def _show_next(self, view: DecideView) -> None:
        coming = view.next_round
        set_text(self._next_summary, coming.summary)
        count = words.counted(coming.decisions, "decision")
        self._next.setText(f"Next round ({count})" if coming.decisions else "Next round")
        self._next.setEnabled(not coming.why_not)
        tip = "Learns again, now also from your decisions, and suggests anew what is still open."
        self._next.setToolTip(f"{tip}\nNot possible now: {coming.why_not}" if coming.why_not else tip)

    def _count(self) -> None:
        """The slider came to rest for a moment: what it comes to."""
        at_gamma = self._actions.counts_at(self.gamma.gamma())
        self.gamma.show_counts(at_gamma)
        self.parts.show(at_gamma.rows, self._part)
        self._show_share(at_gamma)

    def _show_share(self, at_gamma: AtGamma) -> None:
        self.buttons.show_share(self.gamma.gamma(), bool(at_gamma.voxels))


def details_in_words(row: WorkRow) -> str:
    """'412 mL in 3 parts, 87 % sure. Look closely: touches the edge of the scan.'"""
    size = f"{words.volume(row.ml)} in {words.counted(row.parts, 'part')}, {percent(row.confidence)} sure."
    if not row.ml:
        size = "Nothing is suggested."
    flags = f" Look closely: {'; '.join(row.flags)}." if row.flags else ""
    decided = f" Decided: {words.DECISIONS[row.decision].text}." if row.decision else ""
    return size + flags + decided


def _title() -> Any:
    title = paragraph("", "decide_title")
    font = qt.QFont()
    font.setBold(True)
    title.setFont(font)
    return title


def _line() -> Any:
    line = qt.QFrame()
    line.setFrameShape(qt.QFrame.HLine)
    line.setFrameShadow(qt.QFrame.Sunken)
    return line
