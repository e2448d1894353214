"""The part Together: who said what, the label that comes of it, where the raters disagree, how far they agree, and saving it all."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from ...data.raters.export import ExportOptions
from ..qt_subset import Quiet, button, column, get, label, paragraph, row, section
from ..raters.exporting import ExportChoice
from ..raters.soft_planes import DISAGREEMENT, LABEL, LEAST_SIGMA, MOST_SIGMA, NOTHING
from ..raters.views import PlaceLine, RaterLine, SoftBoxView
from ..view_models_decide import Choice, LegendView
from .chooser import Chooser, named
from .fitting import fit_height, millilitres, percent, set_text
from .legend import Legend
from .plain_table import Column, PlainTable, Row
from .raters_agreement_box import AgreementBox
from .raters_read_box import swatch
from .raters_steps_box import StepsActions, StepsBox

_SIGMA_STEP = 0.1
METHODS = (
    Choice("steps", "the four steps", "From ticks in cells: share, bone, brightness, neighbouring slices."),
    Choice("share", "share of the raters", "How many of those who read the slice marked the voxel."),
    Choice("majority", "majority", "1 where half of the raters or more marked it, else 0."),
    Choice("staple", "STAPLE", "Weighs raters by how well they agree with the rest."),
    Choice("svls", "smoothed", "Spatially varying label smoothing: soft at the edges, averaged over the raters."),
)
SHOWN = (
    Choice(LABEL, "the soft label"),
    Choice(DISAGREEMENT, "where the raters disagree", "0 where all say the same, 100 % where half say yes."),
    Choice(NOTHING, "nothing"),
)


class SoftBoxActions(StepsActions, Protocol):
    """The steps, the choices, and what else is asked for here."""


class TogetherActions(Protocol):
    """What the user asks for beside the label itself."""

    def place_shown(self, number: int) -> None: ...
    def mask_added(self, key: str, name: str) -> None: ...
    def rater_removed(self, name: str) -> None: ...
    def compared(self) -> None: ...
    def export_chosen(self, choice: ExportChoice) -> None: ...
    def exported(self) -> None: ...
    def export_stopped(self) -> None: ...
    def export_opened(self) -> None: ...
    def export_learned(self) -> None: ...


class SoftBox:
    """`show` draws a view model and emits nothing."""

    def __init__(self, soft: SoftBoxActions, actions: TogetherActions) -> None:
        self._actions = actions
        self.raters = PlainTable(
            "raters_table",
            (
                Column("Rater", "In the colour of the frames and outlines"),
                Column("Cells", "Ticked cells, the KIMRISS score; or that a mask was drawn", number=True),
                Column("Read", "Slices that were read", number=True),
            ),
            self._stand_on,
        )
        self._rater = ""
        self.remove = button(
            "Remove",
            "raters_remove_any",
            "Take the chosen rater out of this scan; Undo brings the rater back.",
            self._remove,
        )
        self.steps = StepsBox(soft)
        self.method = Chooser("raters_method", "How one label is made of all", lambda key: soft.choose(method=key))
        self.sigma = _slider("raters_sigma", "How far the smoothing reaches, in voxels")
        self.sigma.setRange(round(LEAST_SIGMA / _SIGMA_STEP), round(MOST_SIGMA / _SIGMA_STEP))
        self.sigma.valueChanged.connect(lambda value=0: soft.choose(sigma=value * _SIGMA_STEP))
        self._sigma_text = label("")
        self._sigma_row = named("Sigma", _with_number(self.sigma, self._sigma_text))
        self.shown = Chooser("raters_shown", "What lies over the scan", lambda key: soft.choose(shown=key))
        self.opacity = _slider("raters_opacity", "How strongly the colours cover the scan")
        self.opacity.valueChanged.connect(lambda value=0: soft.choose(opacity=value / 100))
        self.legend = Legend()
        self.message = paragraph("", "raters_message")
        self.places = PlainTable(
            "raters_places",
            (
                Column("Place", "Click to go there"),
                Column("mL", "How large the place is", number=True),
                Column("Score", "Disagreement, summed over its voxels", number=True),
            ),
            actions.place_shown,
        )
        self.agreement = AgreementBox(actions.compared)
        self.masks = MaskRow(actions)
        self.export = ExportBox(actions)
        self.widget = self._laid_out()

    def _laid_out(self) -> Any:
        who, inside = section("Raters", "raters_section_who")
        inside.addWidget(self.raters.widget)
        inside.addWidget(row(None, self.remove))
        inside.addWidget(self.masks.widget)
        made, inside = section("Soft label", "raters_section_label")
        for part in (named("Made by", self.method.widget), self.steps.widget, self._sigma_row, self.message):
            inside.addWidget(part)
        over, inside = section("Over the scan", "raters_section_over")
        for part in (named("Show", self.shown.widget), named("Opacity", self.opacity), self.legend.widget):
            inside.addWidget(part)
        differ, inside = section("Most disagreement", "raters_section_places")
        self.nowhere = paragraph("", "raters_nowhere")
        inside.addWidget(self.nowhere)
        inside.addWidget(self.places.widget)
        agree, inside = section("Agreement", "raters_section_agreement", False)
        inside.addWidget(self.agreement.widget)
        save, inside = section("Save", "raters_section_save")
        inside.addWidget(self.export.widget)
        whole = column(who, made, over, differ, agree, save)
        whole.setObjectName("raters_soft_box")
        return whole

    def _stand_on(self, key: str) -> None:
        self._rater = key
        self.remove.setEnabled(True)

    def _remove(self) -> None:
        self._actions.rater_removed(self._rater)

    def show(self, view: SoftBoxView) -> None:
        if self._rater not in [line.name for line in view.raters]:
            self._rater = ""
        self.remove.setEnabled(bool(self._rater))
        self.raters.show([_rater_row(line) for line in view.raters], self._rater)
        fit_height(self.raters.widget, len(view.raters))
        fit_height(self.places.widget, len(view.places))
        for place, line in enumerate(view.raters):
            self.raters.widget.item(place, 0).setIcon(qt.QIcon(swatch(line.color)))
        self.masks.show(view.drawings)
        choice = view.choice
        self.method.show(METHODS, choice.method)
        self.shown.show(SHOWN, choice.shown)
        self.steps.widget.setVisible(choice.method == "steps")
        self.steps.show(view)
        self._sigma_row.setVisible(choice.method == "svls")
        self._sigma_text.setText(f"{choice.sigma:.1f}")
        with Quiet(self.opacity, self.sigma):
            self.sigma.setValue(round(choice.sigma / _SIGMA_STEP))
            self.opacity.setValue(round(100 * choice.opacity))
        set_text(self.message, view.message)
        self.legend.show(_legend(view))
        self.places.show([_place_row(line) for line in view.places], None)
        set_text(self.nowhere, "" if view.places else "Nowhere, on slices that two raters or more have read.")
        self.places.widget.setVisible(bool(view.places))
        self.agreement.show(view.agreement)
        self.export.show(view)


class MaskRow:
    """A segment or a label map of the scene as what a rater has drawn."""

    def __init__(self, actions: TogetherActions) -> None:
        self._actions = actions
        self._key = ""
        self.drawing = Chooser("raters_mask", "A segment, or a label map, that a rater has drawn", self._chosen)
        self.name = qt.QLineEdit()
        self.name.setObjectName("raters_mask_name")
        self.name.setPlaceholderText("Rater")
        self.name.setToolTip("Whose drawing it is; empty: named as the drawing")
        self.add = button("Add", "raters_mask_add", "Count this drawing as what a rater said.", self._add)
        parts = row(self.drawing.widget, self.name, self.add)
        parts.layout().setStretch(0, 2)
        parts.layout().setStretch(1, 1)
        self.widget = named("Mask", parts)

    def _chosen(self, key: str) -> None:
        self._key = key

    def _add(self) -> None:
        if self._key:
            self._actions.mask_added(self._key, str(get(self.name, "text")))
            self.name.setText("")

    def show(self, drawings: tuple[Choice, ...]) -> None:
        if self._key not in [choice.key for choice in drawings]:
            self._key = drawings[0].key if drawings else ""
        self.drawing.show(drawings, self._key)
        self.widget.setVisible(bool(drawings))


class ExportBox:
    """Which files, and where to."""

    def __init__(self, actions: TogetherActions) -> None:
        self._actions = actions
        self.bits = Chooser("raters_bits", "How probabilities are stored", lambda key: self._chosen())
        self.bits.show((Choice("32", "float32"), Choice("16", "16 bits, scaled"), Choice("8", "8 bits, scaled")), "32")
        self.boxes = {
            name: _check(f"raters_{name}", words, tip, self._chosen)
            for name, words, tip in (
                ("nifti", "NIfTI too", "One NIfTI volume per structure beside the NRRD volumes."),
                ("four_d", "as one 4D volume", "One NIfTI volume per scan with all structures."),
                ("dicom_seg", "DICOM segmentation too", "FRACTIONAL, of type PROBABILITY; the scans must have come from DICOM, and the Python package highdicom is needed; where it is missing, it is offered."),
            )
        }  # fmt: skip
        self.threshold = _slider("raters_threshold", "From this probability on a voxel belongs to the hard label")
        self.threshold.setRange(1, 100)
        self.threshold.setValue(50)
        self._threshold_text = label("50 %")
        self.threshold.valueChanged.connect(lambda value=0: self._chosen())
        self.save = button(
            "Save…",
            "raters_export",
            "Soft labels, hard labels, raters' masks and a table of volumes, in a new folder that can be learned from.",
            actions.exported,
        )
        self.stop = button(
            "Stop", "raters_export_stop", "Stop what goes on; nothing is left half done.", actions.export_stopped
        )
        self.open = button("Open the folder", "raters_export_open", "Show what was saved.", actions.export_opened)
        self.learn = button(
            "Add to the scans",
            "raters_export_learn",
            "Back to the list of scans, with what was saved as scans to learn from.",
            actions.export_learned,
        )
        self.said = paragraph("", "raters_export_said")
        hard = _with_number(self.threshold, self._threshold_text)
        parts = (named("Stored as", self.bits.widget), named("Hard from", hard), *self.boxes.values())
        self.widget = column(*parts, row(self.save, self.stop, None), self.said, row(self.open, self.learn, None))

    def _chosen(self) -> None:
        bits = self.bits.current()
        threshold = int(get(self.threshold, "value"))
        self._threshold_text.setText(percent(threshold / 100))
        on = {name: bool(box.isChecked()) for name, box in self.boxes.items()}
        files = ExportOptions(int(bits.key) if bits else 32, on["nifti"], on["four_d"], on["dicom_seg"])
        self._actions.export_chosen(ExportChoice(files, threshold / 100))

    def show(self, view: SoftBoxView) -> None:
        self.save.setEnabled(not view.why_not_export)
        self.save.setToolTip(
            view.why_not_export
            or "Soft labels, hard labels, raters' masks and a table of volumes, in a new folder that can be learned from."
        )
        set_text(self.said, view.exporting)
        self.stop.setVisible(view.can_stop)
        for each in (self.open, self.learn):
            each.setVisible(view.exported)


def _legend(view: SoftBoxView) -> LegendView | None:
    if view.choice.shown == NOTHING:
        return None
    if view.choice.shown == DISAGREEMENT:
        return LegendView(view.colors, "Disagreement", "all say the same", "half say yes")
    return LegendView(view.colors, "Probability of a lesion", "0 (not shown)", "100 %")


def _rater_row(line: RaterLine) -> Row:
    return Row(line.name, (line.name, line.score, f"{line.read} of {line.count}"))


def _place_row(line: PlaceLine) -> Row:
    return Row(line.key, (line.where, millilitres(line.ml), f"{line.score:.0f}"))


def _check(name: str, words: str, tip: str, changed: Any) -> Any:
    box = qt.QCheckBox(words)
    box.setObjectName(name)
    box.setToolTip(tip)
    box.toggled.connect(lambda checked=False: changed())
    return box


def _with_number(slider: Any, number: Any) -> Any:
    made = row(slider, number)
    made.layout().setStretch(0, 1)
    return made


def _slider(name: str, tip: str) -> Any:
    slider = qt.QSlider(qt.Qt.Horizontal)
    slider.setObjectName(name)
    slider.setToolTip(tip)
    slider.setAccessibleName(tip)
    slider.setRange(0, 100)
    return slider
