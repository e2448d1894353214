"""Which saved model to apply to which scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import qt

from .. import words
from ..qt_subset import Quiet, button, paragraph, row
from ..view_models_decide import Choice, TargetScan
from .chooser import Chooser
from .fitting import set_text

if TYPE_CHECKING:
    from .finish_step import FinishActions

APPLY_TIP = "Suggests and completes the ticked scans with this model. Nothing is learned from them, and what is drawn in them stays."
FOLDER_TIP = (
    "Asks for a folder with scans, and writes completed segmentations beside a report; the scene stays as it is"
)


class ApplyModelBox:
    """A chooser of models, a list of scans to tick, and the buttons to begin."""

    def __init__(self, actions: FinishActions) -> None:
        self._actions = actions
        self._targets: tuple[TargetScan, ...] = ()
        self._model = Chooser("apply_model_name", "What was learned and saved before", actions.model_chosen)
        self._note = paragraph("", "apply_note")
        other = button("Other…", "apply_other_model", "Asks for a model that lies elsewhere", actions.other_model)
        self._list = qt.QListWidget()
        self._list.setObjectName("apply_targets")
        self._list.setToolTip("The scans to complete with this model")
        self._list.setTextElideMode(qt.Qt.ElideMiddle)
        self._list.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self._list.setSpacing(2)
        self._list.setFixedHeight(140)
        self._list.itemChanged.connect(self._ticked)
        self._all = button("All", "apply_all", "Ticks every scan", lambda: self._tick_all(True))
        self._none = button("None", "apply_none", "Unticks every scan", lambda: self._tick_all(False))
        self._apply = button("Apply", "apply_model", APPLY_TIP, actions.apply_model)
        self._folder = button("Apply to a folder…", "apply_folder", FOLDER_TIP, actions.apply_to_folder)
        self.widget = qt.QWidget()
        layout = qt.QGridLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._model.widget, 0, 0)
        layout.addWidget(other, 0, 1)
        layout.addWidget(self._note, 1, 0, 1, 2)
        layout.addWidget(self._list, 2, 0, 1, 2)
        layout.addWidget(row(self._all, self._none, None), 3, 0, 1, 2)
        layout.addWidget(row(self._apply, None), 4, 0, 1, 2)
        layout.addWidget(row(self._folder, None), 5, 0, 1, 2)
        layout.setColumnStretch(0, 1)

    def show(self, models: Sequence[Choice], model: str, targets: Sequence[TargetScan], busy: bool) -> None:
        self._model.show(models, model)
        current = self._model.current()
        usable = current is not None and not current.why_not
        note = (current.why_not or current.tip) if current else "No model has been saved on this computer yet."
        set_text(self._note, note)
        self._show_targets(tuple(targets))
        ticked = sum(target.ticked for target in targets)
        self._apply.setText(f"Apply to {words.counted(ticked, 'scan')}" if ticked else "Apply")
        self._apply.setEnabled(usable and ticked > 0 and not busy)
        self._folder.setEnabled(usable and not busy)
        for made in (self._all, self._none):
            made.setEnabled(bool(targets) and not busy)
        self._list.setEnabled(not busy)

    def _show_targets(self, targets: tuple[TargetScan, ...]) -> None:
        with Quiet(self._list):
            if [target.name for target in targets] != [target.name for target in self._targets]:
                self._list.clear()
                for target in targets:
                    self._list.addItem(target.name)
            for place, target in enumerate(targets):
                _fill(self._list.item(place), target)
        self._targets = targets

    def _ticked(self, item: Any) -> None:
        target = self._targets[self._list.row(item)]
        self._actions.targets_ticked((target.name,), item.checkState() == qt.Qt.Checked)

    def _tick_all(self, on: bool) -> None:
        self._actions.targets_ticked(tuple(target.name for target in self._targets if target.usable), on)


def _fill(item: Any, target: TargetScan) -> None:
    """The line of a scan."""
    item.setText(f"{target.name}: {target.note}" if target.note else target.name)
    item.setToolTip(item.text())
    tickable = qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled
    item.setFlags(tickable if target.usable else tickable & ~qt.Qt.ItemIsEnabled)
    item.setCheckState(qt.Qt.Checked if target.ticked else qt.Qt.Unchecked)
