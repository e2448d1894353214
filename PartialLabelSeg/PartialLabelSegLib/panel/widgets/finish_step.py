"""The step Finish: the completed segmentations into the scene and out to files, the report, and what was learned as a model with a name."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from ..qt_subset import Quiet, button, get, paragraph, row, section
from ..view_models_decide import FinishView, Working
from .apply_model_box import ApplyModelBox
from .chooser import Chooser, named
from .fitting import set_text
from .lesions_box import LesionsBox

SCENE_TIP = (
    "Puts the completed segmentations into the scene, with the structures' names, colours and terminology.\n"
    "Each segment says in a tag which part of it an expert drew and which was accepted. The expert's own segmentation stays as it is."
)
FILL_TIP = "What becomes of structures on which nothing was decided"
MODEL_TIP = "Keeps what was learned, without any scan, so that it can be applied to other scans later"


class FinishActions(Protocol):
    """What the user asks for in this step."""

    def finish_scope_chosen(self, key: str) -> None:
        """Which scans to finish."""

    def fill_chosen(self, key: str) -> None:
        """What becomes of structures that nobody decided on."""

    def into_scene(self) -> None:
        """Completed segmentations as segmentation nodes."""

    def format_chosen(self, key: str) -> None:
        """One of FORMATS."""

    def export(self) -> None:
        """Write files of the chosen format; asks where."""

    def lesion_scan_chosen(self, key: str) -> None:
        """Whose lesions to list."""

    def lesion_structure_chosen(self, key: str) -> None:
        """List those of one structure only, '' for all."""

    def lesion_chosen(self, number: int) -> None:
        """Show a lesion of that scan in all views."""

    def open_report(self) -> None:
        """Show the report."""

    def save_model(self, name: str) -> None:
        """Keep what was learned under a name."""

    def model_chosen(self, key: str) -> None:
        """One of the saved models."""

    def other_model(self) -> None:
        """A model from elsewhere; asks where."""

    def targets_ticked(self, names: tuple[str, ...], on: bool) -> None:
        """Apply the model to these scans, or do not."""

    def apply_model(self) -> None:
        """Suggest and complete the ticked scans with the chosen model."""

    def apply_to_folder(self) -> None:
        """The same for scans in a folder; asks which."""

    def cancel(self) -> None:
        """Stop what goes on; what is done is kept."""


class FinishStep:
    """The widget of the step; `show` makes it agree with a view model and asks for nothing."""

    def __init__(self, actions: FinishActions) -> None:
        self._actions = actions
        self._summary = paragraph("", "finish_summary")
        self._scope = Chooser("finish_scope", "The scans that the buttons below speak of", actions.finish_scope_chosen)
        self._fill = Chooser("finish_fill", FILL_TIP, actions.fill_chosen)
        self._into_scene = button("Put into the scene", "into_scene", SCENE_TIP, actions.into_scene)
        self._format = Chooser("export_format", "The kind of file to write", actions.format_chosen)
        self._format_note = paragraph("", "export_note")
        self._export = button("Export…", "export", "Asks for a folder and writes the files there", actions.export)
        self.lesions_box = LesionsBox(actions)
        self._report = button("Open the report", "open_report", "", actions.open_report)
        self._report_note = paragraph("", "report_note")
        self._name = self._name_field()
        self._save = button("Save", "save_model", MODEL_TIP, self._save_model)
        self._model_note = paragraph("", "model_note")
        self._proposed = ""
        self.apply_box = ApplyModelBox(actions)
        self._progress = qt.QProgressBar()
        self._progress.setObjectName("finish_progress")
        self._working_words = paragraph("", "finish_working")
        self._cancel = button("Cancel", "finish_cancel", "Stops; what is done so far is kept", actions.cancel)
        self._message = paragraph("", "finish_message")
        self._view = FinishView()
        self.widget = self._laid_out()

    def _name_field(self) -> Any:
        field = qt.QLineEdit()
        field.setObjectName("model_name")
        field.setPlaceholderText("Name of the model")
        field.setToolTip(MODEL_TIP)
        field.textChanged.connect(lambda text="": self._allow_saving())
        return field

    def _laid_out(self) -> Any:
        widget = qt.QWidget()
        widget.setObjectName("finish_step")
        layout = qt.QVBoxLayout(widget)
        layout.addWidget(self._summary)
        layout.addWidget(self._message)
        layout.addWidget(self._working_words)
        self._bar = row(self._progress, self._cancel)
        layout.addWidget(self._bar)
        whole, inner = section("Completed segmentations", "finish_completed")
        inner.addWidget(named("Scans", self._scope.widget))
        inner.addWidget(named("Left undecided", self._fill.widget))
        inner.addWidget(row(self._into_scene, None))
        layout.addWidget(whole)
        layout.addWidget(self.lesions_box.widget)
        whole, inner = section("Export", "finish_export")
        inner.addWidget(named("As", self._format.widget))
        inner.addWidget(self._format_note)
        inner.addWidget(row(self._export, None))
        layout.addWidget(whole)
        whole, inner = section("Report", "finish_report")
        inner.addWidget(row(self._report, None))
        inner.addWidget(self._report_note)
        layout.addWidget(whole)
        whole, inner = section("Save the model", "finish_model")
        inner.addWidget(row(self._name, self._save))
        inner.addWidget(self._model_note)
        layout.addWidget(whole)
        whole, inner = section("Apply a saved model", "finish_apply", opened=False)
        inner.addWidget(self.apply_box.widget)
        layout.addWidget(whole)
        layout.addStretch(1)
        return widget

    def show(self, view: FinishView) -> None:
        """Shows a view model; cheap where little changed."""
        self._view = view
        set_text(self._summary, view.summary)
        self._scope.show(view.scopes, view.scope)
        self._fill.show(view.fills, view.fill)
        busy = "something else is going on." if view.working else ""
        _allow(self._into_scene, SCENE_TIP, view.why_not or busy)
        self.lesions_box.show(view.lesions, bool(view.working))
        self._format.show(view.formats, view.format)
        self._show_export(view.why_not or busy)
        _allow(
            self._report, "Shows the report: curves, volumes, what was accepted in which round, pictures", view.report
        )
        set_text(self._report_note, view.report)
        self._show_model(view)
        self.apply_box.show(view.models, view.model, view.targets, bool(view.working))
        self._show_working(view.working)
        set_text(self._message, view.message)

    def _show_export(self, why_not: str) -> None:
        """The format's own reason stands below it, in full: a grey button alone says nothing."""
        current = self._format.current()
        own = current.why_not if current else "there is nothing to export."
        set_text(self._format_note, own or (current.tip if current else ""))
        _allow(self._export, "Asks for a folder and writes the files there", why_not or own)

    def _show_model(self, view: FinishView) -> None:
        if view.model_name != self._proposed:
            self._proposed = view.model_name
            with Quiet(self._name):
                self._name.setText(view.model_name)
                self._name.setCursorPosition(0)
        self._name.setEnabled(not view.model_why_not)
        set_text(self._model_note, view.model_why_not)
        self._allow_saving()

    def _allow_saving(self) -> None:
        unnamed = "" if self._typed_name() else "give it a name first."
        _allow(self._save, MODEL_TIP, self._view.model_why_not or unnamed)

    def _save_model(self) -> None:
        self._actions.save_model(self._typed_name())

    def _typed_name(self) -> str:
        return str(get(self._name, "text")).strip()

    def _show_working(self, working: Working | None) -> None:
        self._bar.setVisible(working is not None)
        set_text(self._working_words, working.words if working else "")
        if working is not None:
            self._progress.setRange(0, 0 if working.share is None else 100)
            self._progress.setValue(round(100 * (working.share or 0.0)))


def _allow(made: Any, tip: str, why_not: str) -> None:
    """Enables a button, or says in its tooltip why not."""
    made.setEnabled(not why_not)
    made.setToolTip(f"{tip}\nNot possible now: {why_not}" if why_not else tip)
