"""The part Grid: how many cells, laid around the bone, and the key slices on which it was placed."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import qt

from ..qt_subset import Quiet, button, column, get, label, paragraph, row
from ..raters.placing import EVERY_SLICE, ONE_BOX, THIS_SLICE
from ..raters.views import GridBoxView
from ..view_models_decide import Choice
from .chooser import Chooser, named
from .fitting import set_text

FOLLOWS = (
    Choice("rectangle", "evenly, as the four corners lie", "Every cell of a slice has the same share of the grid."),
    Choice(
        "outline",
        "drawn in to the bone on each slice",
        "Rows divide the height of the bone, columns the width of the bone in each row: hardly a cell lies beside the bone.",
    ),
)
MOST = 40
_HOW = "Drag a corner in the slice view to move it, drag inside to move the whole grid. The slice becomes a key: between keys the grid goes over evenly."


class GridBoxActions(Protocol):
    """What the user asks for here."""

    def fit(self, how: str) -> None: ...
    def set_shape(self, rows: int, columns: int) -> None: ...
    def set_follow(self, follow: str) -> None: ...
    def set_key(self, on: bool) -> None: ...


class GridBox:
    """`key_shown(1 or -1)` goes to the next key slice or the one before."""

    def __init__(self, actions: GridBoxActions, key_shown: Any) -> None:
        self._actions = actions
        self.rows, self.columns = self._spin("raters_rows", "rows"), self._spin("raters_columns", "columns")
        self.follow = Chooser("raters_follow", "How the cells divide the grid", actions.set_follow)
        self._fits = {
            how: button(text, f"raters_fit_{how.replace(' ', '_')}", tip, partial(actions.fit, how))
            for how, text, tip in (
                (ONE_BOX, "Around the bone", "One box around the whole bone, the same on every slice."),
                (
                    EVERY_SLICE,
                    "On every slice",
                    "A box of its own on every slice with bone: every one of them is a key.",
                ),
                (THIS_SLICE, "On this slice", "A box around the bone on the shown slice, which becomes a key."),
            )
        }
        self.key = qt.QCheckBox("This slice is a key")
        self.key.setObjectName("raters_key")
        self.key.setToolTip("On: the grid lies here as it does now. Off: it lies between the keys before and after.")
        self.key.toggled.connect(lambda checked=False: actions.set_key(bool(checked)))
        self.previous = button("Key before", "raters_key_previous", "Go to the key slice before", lambda: key_shown(-1))
        self.next = button("Next key", "raters_key_next", "Go to the next key slice", lambda: key_shown(1))
        self.keys = paragraph("", "raters_keys")
        self.how = paragraph(_HOW, "raters_grid_how")
        shape = row(label("Cells"), self.rows, label("×"), self.columns, None)
        fits = qt.QWidget()
        grid = qt.QGridLayout(fits)
        grid.setContentsMargins(0, 0, 0, 0)
        for place, made in enumerate(self._fits.values()):
            grid.addWidget(made, 0, place)
        self._placed = column(
            shape,
            named("Divided", self.follow.widget),
            self.how,
            row(self.key, None),
            row(self.previous, self.next, None),
            self.keys,
        )
        self.widget = column(fits, self._placed)
        self.widget.setObjectName("raters_grid_box")

    def _spin(self, name: str, what: str) -> Any:
        spin = qt.QSpinBox()
        spin.setObjectName(name)
        spin.setRange(1, MOST)
        spin.setToolTip(f"How many {what} the grid has")
        spin.setAccessibleName(what)
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(lambda value=0: self._shape())
        return spin

    def _shape(self) -> None:
        self._actions.set_shape(int(get(self.rows, "value")), int(get(self.columns, "value")))

    def show(self, view: GridBoxView) -> None:
        """Draws a view model and emits nothing."""
        for how, made in self._fits.items():
            made.setEnabled(not view.why_not and (how != THIS_SLICE or view.placed))
            made.setToolTip(view.why_not or get(made, "toolTip"))
        self._placed.setVisible(view.placed)
        with Quiet(self.rows, self.columns, self.key):
            self.rows.setValue(view.rows)
            self.columns.setValue(view.columns)
            self.key.setChecked(view.is_key)
        for spin, what in ((self.rows, "rows"), (self.columns, "columns")):
            spin.setEnabled(not view.why_not_shape)
            spin.setToolTip(view.why_not_shape or f"How many {what} the grid has")
        self.follow.show(FOLLOWS, view.follow)
        self.previous.setEnabled(view.previous_key)
        self.next.setEnabled(view.next_key)
        set_text(self.keys, _keys(view.keys))


def _keys(keys: tuple[int, ...]) -> str:
    if not keys:
        return ""
    if len(keys) == 1:
        return f"One key, slice {keys[0]}: the grid lies at the same place on all slices."
    shown = ", ".join(map(str, keys[:12])) + (", …" if len(keys) > 12 else "")
    return f"{len(keys)} key slices: {shown}."
