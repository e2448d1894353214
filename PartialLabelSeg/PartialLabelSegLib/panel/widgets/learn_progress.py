"""How far learning is: the stage in words, a bar with the time left, what the worker said and learns from, and the live curves."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import qt

from .. import words
from ..qt_subset import column, get, paragraph, row, section
from ..view_models import CurvesView, NoteView, ProgressView
from ..view_models_decide import Choice
from .chooser import Chooser, named
from .curve_plot import CurvePlot
from .fitting import breakable, set_text

BAR = 1000
MOST_NOTES = 8
CHOOSE_FROM = 7
"""So many curves need help to be told apart."""
_SIGNS = {"note": "·", "warning": "!", "error": "✕"}


class LearnProgress:
    """The bar, the notes and the curves; each hidden while it has nothing to show."""

    def __init__(self) -> None:
        self.stage = paragraph("", "stage")
        self.bar = qt.QProgressBar()
        self.bar.setObjectName("progress")
        self.bar.setToolTip("How much of everything is done.")
        self.left = paragraph("", "time_left")
        self.notes = paragraph("", "notes")
        self.notes.setTextFormat(qt.Qt.RichText)
        self.plot = CurvePlot()
        self._curves, self._highlight = CurvesView(), ""
        self.highlight = Chooser("highlight", "Let the curve of one structure stand out.", self._highlighted)
        self.choose = named("Highlight", self.highlight.widget)
        self.curves, inside = section("Curves", "curves")
        inside.addWidget(self.choose)
        inside.addWidget(self.plot)
        self.sentences = paragraph("", "learned_from_text")
        self.sentences.setTextFormat(qt.Qt.RichText)
        self.learned_from, inside = section("What is learned from what", "learned_from", opened=False)
        inside.addWidget(self.sentences)
        self.learned_from.setVisible(False)
        self._running = column(self.stage, self.bar, self.left)
        self.widget = column(self._running, self.notes, self.learned_from, self.curves)

    def show(self, progress: ProgressView | None, curves: CurvesView, notes: Sequence[NoteView]) -> None:
        self._running.setVisible(progress is not None)
        if progress is not None:
            self._show_progress(progress)
        self._show_notes(notes)
        self.curves.setVisible(bool(curves.loss or curves.dice) or progress is not None)
        self._curves = curves
        names = [curve.structure for curve in curves.dice]
        if self._highlight not in names:
            self._highlight = ""
        self.choose.setVisible(len(names) >= CHOOSE_FROM)
        self.highlight.show([Choice("", "all structures"), *(Choice(name, name) for name in names)], self._highlight)
        self.plot.show_curves(curves, self._highlight)

    def show_learned_from(self, sentences: Sequence[str]) -> None:
        """A line per sentence, under a heading that is closed at first."""
        lines = "".join(f"<p style='margin:0 0 4px 0'>{html.escape(breakable(line))}</p>" for line in sentences)
        if get(self.sentences, "text") != lines:
            self.sentences.setText(lines)
        self.learned_from.setVisible(bool(sentences))

    def _show_progress(self, view: ProgressView) -> None:
        remark = f" ({view.remark})" if view.remark else ""
        set_text(self.stage, words.stage(view.stage, view.rounds) + remark if view.stage else "Starting")
        share = view.share if view.share is not None else view.step / view.steps if view.steps > 0 else None
        # A bar without an end moves to and fro.
        self.bar.setRange(0, 0 if share is None else BAR)
        self.bar.setValue(round(BAR * min(1.0, share or 0.0)))
        parts = [f"step {view.step} of {view.steps}"] if view.steps > 0 else []
        if view.seconds_left is not None:
            parts.insert(0, words.time_left(view.seconds_left).capitalize())
        set_text(self.left, ", ".join(parts))

    def _show_notes(self, notes: Sequence[NoteView]) -> None:
        """The latest ones, the newest first."""
        latest = list(notes)[-MOST_NOTES:][::-1]
        rows = "".join(
            f"<tr><td style='padding-right:6px'><b>{_SIGNS[note.severity]}</b></td><td>{html.escape(breakable(note.text))}</td></tr>"
            for note in latest
        )
        earlier = len(notes) - len(latest)
        more = f"<tr><td></td><td>and {words.counted(earlier, 'earlier note')}</td></tr>" if earlier else ""
        self.notes.setText(f"<table cellspacing='0'>{rows}{more}</table>" if latest else "")
        self.notes.setVisible(bool(latest))

    def _highlighted(self, structure: str) -> None:
        self._highlight = structure
        self.plot.show_curves(self._curves, structure)


def buttons_in_a_row(*buttons: Any) -> Any:
    """Buttons that share the width."""
    made = row(*buttons)
    for button in buttons:
        button.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    return made
