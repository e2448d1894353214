"""The buttons of a decision; each says in its tooltip what it teaches the next round, its key, and why it cannot be used where that is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt

from ..qt_subset import button, get
from ..shortcuts import tip
from ..view_models_decide import DecideView
from .fitting import percent

if TYPE_CHECKING:
    from .decide_step import DecideActions

NOTHING = "nothing is accepted at 0 %: move the slider to the right."


class DecideButtons:
    """Two lines for the decision, one to take it back."""

    def __init__(self, actions: DecideActions) -> None:
        lines: tuple[tuple[tuple[str, str, Callable[[], None]], ...], ...] = (
            (
                ("accept", "Accept", actions.accept),
                ("accept_all", "Accept all", actions.accept_all),
                ("complete", "Complete", actions.complete),
            ),
            (
                ("wrong", "Wrong", actions.wrong),
                ("not_now", "Not now", actions.not_now),
                ("edit", "Edit…", actions.edit),
            ),
            (("undo", "Undo", actions.undo), ("redo", "Redo", actions.redo)),
        )
        self._buttons: dict[str, Any] = {}
        self._why_not: dict[str, str] = {}
        self.widget = qt.QWidget()
        grid = qt.QGridLayout(self.widget)
        grid.setContentsMargins(0, 0, 0, 0)
        for row, line in enumerate(lines):
            for column, (action, text, slot) in enumerate(line):
                self._buttons[action] = button(text, f"decide_{action}", tip(action), slot)
                # Three of a width, however narrow the panel is.
                self._buttons[action].setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
                grid.addWidget(self._buttons[action], row, column)
        for column in range(3):
            grid.setColumnStretch(column, 1)

    def clicks(self) -> dict[str, Callable[[], None]]:
        """action -> what its key does: the same as the button, hence nothing while that is disabled or hidden."""

        def click_of(made: Any) -> Callable[[], None]:
            def click() -> None:
                if get(made, "visible"):
                    made.click()

            return click

        return {action: click_of(made) for action, made in self._buttons.items()}

    def show(self, view: DecideView) -> None:
        """Which can be used, and why the others cannot."""
        why_not = dict(view.why_not)
        if not view.undo:
            why_not.setdefault("undo", "nothing was decided yet.")
        if not view.redo:
            why_not.setdefault("redo", "nothing was undone.")
        if view.chosen_row() is None:
            for action in ("accept", "accept_all", "complete", "wrong", "not_now", "edit"):
                why_not.setdefault(action, "choose a suggestion in the list first.")
        self._why_not = why_not
        for action, made in self._buttons.items():
            self._allow(action, made, why_not.get(action, ""))
        for action, what in (("undo", view.undo), ("redo", view.redo)):
            if what:
                made = self._buttons[action]
                made.setToolTip(f"{what}\n{get(made, 'toolTip')}")

    def show_share(self, gamma: float, any_voxels: bool) -> None:
        """'Accept 65 %'; not to be used where that is nothing."""
        made = self._buttons["accept"]
        made.setText(f"Accept {percent(gamma)}")
        self._allow("accept", made, self._why_not.get("accept", "") or ("" if any_voxels else NOTHING))

    def _allow(self, action: str, made: Any, why_not: str) -> None:
        made.setEnabled(not why_not)
        made.setToolTip(tip(action, why_not))
