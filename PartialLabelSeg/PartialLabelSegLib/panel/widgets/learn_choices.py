"""How to learn: the preset and the time it may take; everything else under Advanced, with defaults that do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt

from .. import words
from ..qt_subset import Quiet, button, get, label, paragraph, row, section
from ..state import Choices
from ..view_models import AdviceView
from ..view_models_decide import Choice
from .chooser import Chooser
from .fitting import set_text

MOST_MINUTES, USUAL_MINUTES = 10_000, 60
MOST_ROUNDS, MOST_SEED = 21, 2**31 - 1
LESIONS_TIP = (
    "For what a patient can have several of, such as metastases: in the end each scan gets a list of its lesions, the surest first,\n"
    "each with its volume. The step Finish shows it, and takes you to each of them. Learning takes no longer."
)

SetChoice = Callable[[str, object], None]


class LearnChoices:
    """`chosen(name, value)` is called with the name of a choice and its new value; `reset()` with the press of Defaults."""

    def __init__(self, chosen: SetChoice, reset: Callable[[], object]) -> None:
        self._chosen = chosen
        self.preset = self._chooser("preset", "How large the network is, and how long it learns.")
        self.device = self._chooser("device", "Where to compute.")
        self.dimensions = self._chooser("dimensions", "What the network sees at once.")
        self.confidence = self._chooser("confidence", "How sure it is of each voxel: where that is taken from.")
        self.limited = qt.QCheckBox("at most")
        self.limited.setObjectName("limit_time")
        self.limited.setToolTip("Learn for a given time at most; without this, as long as the preset takes.")
        self.minutes = _number("minutes", 1, MOST_MINUTES, "How long learning may take, all rounds together.")
        self.minutes.setSuffix(" min")
        self.minutes.setValue(USUAL_MINUTES)
        tip = "How often it learns: first from what is drawn, then each time also from what was accepted since. 1: once only."
        self.rounds = _number("rounds", 1, MOST_ROUNDS, tip)
        self.seed = _number("seed", 0, MOST_SEED, "Another number gives another run; the same number repeats it.")
        self.lesions = qt.QCheckBox("List single lesions")
        self.lesions.setObjectName("list_lesions")
        self.lesions.setToolTip(LESIONS_TIP)
        self.method = self._chooser(
            "method", "What is learned from what, and whether it learns again from its suggestions."
        )
        self.doubtful = self._chooser("doubtful", "What labels that were made quickly count for; see the step Scans.")
        self.bounds = self._bounds_boxes()
        self.advice = paragraph("", "advice")
        self._advised = AdviceView()
        self.reset = button("Defaults", "choices_reset", "Set everything here as it was at first.", reset)
        self.widget = self._laid_out()
        self._connect()

    def _bounds_boxes(self) -> dict[str, Any]:
        """One box for each thing that can be held to what is usual."""
        boxes = {}
        for name, word in words.BOUNDS.items():
            box = qt.QCheckBox(word.text)
            box.setObjectName(f"bounds_{name}")
            box.setToolTip(word.meaning)
            box.toggled.connect(lambda checked=False: self._bounds_changed())
            boxes[name] = box
        return boxes

    def _chooser(self, name: str, tip: str) -> Chooser:
        return Chooser(name, tip, lambda key: self._chosen(name, key or None))

    def _laid_out(self) -> Any:
        whole = qt.QWidget()
        whole.setObjectName("learn_choices")
        grid = qt.QGridLayout(whole)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("How"), 0, 0)
        grid.addWidget(self.preset.widget, 0, 1, 1, 2)
        grid.addWidget(label("Time"), 1, 0)
        grid.addWidget(self.limited, 1, 1)
        grid.addWidget(self.minutes, 1, 2)
        grid.addWidget(self.advice, 2, 0, 1, 3)
        self.advanced, inside = section("Advanced", "advanced", False)
        grid.addWidget(self.advanced, 3, 0, 1, 3)
        rest = qt.QWidget()
        form = qt.QGridLayout(rest)
        form.setContentsMargins(0, 0, 0, 0)
        form.setColumnStretch(1, 1)
        rows = (
            ("Method", self.method.widget),
            ("Quick labels", self.doubtful.widget),
            ("Keep usual", row(*self.bounds.values(), None)),
            ("Compute on", self.device.widget),
            ("Learn", self.dimensions.widget),
            ("Confidence", self.confidence.widget),
            ("Rounds", self.rounds),
            ("Seed", self.seed),
            ("", self.lesions),
            ("", self.reset),
        )
        for place, (text, widget) in enumerate(rows):
            form.addWidget(label(text), place, 0)
            form.addWidget(widget, place, 1)
        inside.addWidget(rest)
        return whole

    def _connect(self) -> None:
        # Qt 5 has these signals for numbers and for texts: the slots ask for the value themselves.
        self.limited.toggled.connect(lambda checked=False: self._minutes_changed())
        self.minutes.valueChanged.connect(lambda value=0: self._minutes_changed())
        # For people the first round counts too, as in the words of progress; a choice holds those that come after it.
        self.rounds.valueChanged.connect(lambda value=0: self._chosen("rounds", int(get(self.rounds, "value")) - 1))
        self.seed.valueChanged.connect(lambda value=0: self._chosen("seed", int(get(self.seed, "value"))))
        self.lesions.toggled.connect(lambda checked=False: self._chosen("lesions", bool(checked)))

    def _minutes_changed(self) -> None:
        limited = bool(self.limited.isChecked())
        self.minutes.setEnabled(limited)
        self._chosen("minutes", float(get(self.minutes, "value")) if limited else None)

    def _bounds_changed(self) -> None:
        chosen = tuple(name for name, box in self.bounds.items() if box.isChecked())
        self._chosen("bounds", None if chosen == self._advised.bounds else chosen)

    def show(self, view: Choices, enabled: bool, advice: AdviceView) -> None:
        """Emits nothing. advice: what holds where nothing was chosen."""
        self._show_advised(view, advice)
        self.preset.show(_choices(words.PRESETS), view.preset)
        self.device.show(_choices(words.DEVICES), view.device)
        self.dimensions.show(_choices(words.DIMENSIONS), view.dimensions or "")
        self.confidence.show(_choices(words.CONFIDENCES), view.confidence)
        with Quiet(self.limited, self.minutes, self.rounds, self.seed, self.lesions):
            self.limited.setChecked(view.minutes is not None)
            if view.minutes is not None:
                _set(self.minutes, max(1, round(view.minutes)))
            _set(self.rounds, view.rounds + 1)
            _set(self.seed, view.seed)
            self.lesions.setChecked(view.lesions)
        self.minutes.setEnabled(view.minutes is not None)
        self.widget.setEnabled(enabled)

    def _show_advised(self, view: Choices, advice: AdviceView) -> None:
        """What follows the recommendation until something else is chosen."""
        self._advised = advice
        set_text(self.advice, advice.sentence)
        for box, group, advised, chosen in (
            (self.method, words.METHODS, advice.method, view.method),
            (self.doubtful, words.DOUBTFUL, advice.doubtful, view.doubtful),
        ):
            box.show(_with_advice(group, advised), "" if chosen in (None, advised) else chosen)
        bounds = advice.bounds if view.bounds is None else view.bounds
        with Quiet(*self.bounds.values()):
            for name, box in self.bounds.items():
                box.setChecked(name in bounds)


def _choices(group: Mapping[str, words.Word]) -> list[Choice]:
    return [Choice(key, word.text, word.meaning) for key, word in group.items()]


def _with_advice(group: Mapping[str, words.Word], advised: str) -> list[Choice]:
    """What is recommended comes first, and goes on being followed where that changes."""
    word = group[advised]
    first = Choice("", f"{word.text} (recommended)", f"As is recommended for what is labelled. Now: {word.meaning}")
    return [first, *(choice for choice in _choices(group) if choice.key != advised)]


def _number(name: str, low: int, high: int, tip: str) -> Any:
    made = qt.QSpinBox()
    made.setObjectName(name)
    made.setRange(low, high)
    made.setToolTip(tip)
    # A number that is being typed is not yet chosen.
    made.setKeyboardTracking(False)
    return made


def _set(box: Any, value: int) -> None:
    if get(box, "value") != value:
        box.setValue(int(value))
