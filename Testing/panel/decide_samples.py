"""View models as the logic would make them, an `actions` object that writes down what is asked of it, and how to find widgets."""

from __future__ import annotations

import colorsys
from dataclasses import replace
from typing import Any

from PySide6 import QtGui, QtWidgets

from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.view_models_decide import (
    DICOM,
    EVERYTHING,
    FILLED,
    FORMATS,
    NIFTI,
    NNUNET,
    ORGAN_EVERYWHERE,
    ORGAN_HERE,
    OUTLINE,
    PART,
    SCAN,
    SEG_NRRD,
    STRIPED,
    AtGamma,
    Choice,
    DecideView,
    DoubtRow,
    DoubtsView,
    FinishView,
    KeyEntry,
    LegendView,
    LookView,
    NextRound,
    PartRow,
    TargetScan,
    WorkRow,
)

ORGANS = ("Liver", "Left kidney", "Right kidney", "Spleen", "Pancreas", "Aorta", "Vertebra L1")
LONG = "Superior mesenteric artery and its branches (arterial phase, second reading)"
LONG_SCAN = "2021-03-17_abdomen_portal_venous_phase_reconstructed_1.25mm_patient_0017"
COLORS = tuple(colorsys.hsv_to_rgb(0.75 - 0.6 * place / 15, 0.8, 0.35 + 0.6 * place / 15) for place in range(16))


class Recorder:
    """Every action is written down as (name, arguments); `counts_at` answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def counts_at(self, gamma: float) -> AtGamma:
        self.calls.append(("counts_at", gamma))
        return at_gamma(gamma)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))

    def take(self) -> list[tuple[Any, ...]]:
        """What was asked since the last time."""
        taken, self.calls = self.calls, []
        return taken


def find(widget: Any, name: str) -> Any:
    """The one widget of this object name."""
    found = widget.findChildren(QtWidgets.QWidget, name)
    assert len(found) == 1, f"{len(found)} widgets are called {name}"
    return found[0]


def choices(*words: str) -> tuple[Choice, ...]:
    return tuple(Choice(word, word) for word in words)


def parts(count: int = 3) -> tuple[PartRow, ...]:
    sizes = [400 / (1 + 3 * place) for place in range(count)]
    return tuple(
        PartRow(1000 + place, round(500 * ml), ml, 0.9 - 0.1 * place / count, place == 1, "wrong" if place == 2 else "")
        for place, ml in enumerate(sizes)
    )


def at_gamma(gamma: float = 0.65) -> AtGamma:
    return AtGamma(round(gamma * 236_000), 236_000, round(gamma * 412.0, 1), 412.0, 3, 0.94, parts())


def work_rows(scans: int = 4, structures: tuple[str, ...] = ORGANS) -> tuple[WorkRow, ...]:
    flags = {
        1: ("Left kidney 548 mL, expected 120–380 mL",),
        3: ("touches the border", "several parts"),
        4: ("very small",),
    }
    rows: list[WorkRow] = []
    for scan in range(scans):
        for place, structure in enumerate(structures):
            number = len(rows)
            ml = 1480 / (1 + 1.7 * place)
            row = WorkRow(
                f"{scan}/{place}", structure, f"scan_{scan:03d}", ml, 0.93 - 0.05 * (place % 9), 1 + place % 4
            )
            rows.append(replace(row, flags=flags.get(number % 9, ())))
    return tuple(rows)


def doubts_view(count: int = 7) -> DoubtsView:
    """Labels to check, by turns one that may be wrong and one that may be missing."""
    kinds = tuple(words.DOUBTS.items())
    rows = tuple(
        DoubtRow(
            number + 1,
            ORGANS[number % len(ORGANS)],
            kinds[number % 2][0],
            9.6 / (1 + number),
            f"{ORGANS[number % len(ORGANS)]}, {kinds[number % 2][1].meaning}, {9.6 / (1 + number):.3g} mL",
        )
        for number in range(count)
    )
    return DoubtsView(rows, f"{count} places to check, the most doubtful first." if count else "Nothing to check.")


def look_view(**changed: Any) -> LookView:
    key = (
        KeyEntry("drawn by an expert", (0.9, 0.62, 0.0), FILLED),
        KeyEntry("suggested", (0.34, 0.71, 0.91), OUTLINE),
        KeyEntry("accepted", (0.0, 0.62, 0.45), STRIPED),
        KeyEntry("nothing was learned here", (0.6, 0.6, 0.6), FILLED),
    )
    legend = LegendView(COLORS, "Confidence in Liver", cut=0.35, key=key)
    scans = choices(*(f"scan_{number:03d}" for number in range(12)))
    organs = (Choice("", "all structures"), *choices(*ORGANS))
    view = LookView(scans, "scan_002", organs, "Liver", legend=legend, doubts=doubts_view())
    return replace(view, **changed)


def decide_view(**changed: Any) -> DecideView:
    scopes = (
        Choice(PART, "this part"),
        Choice(ORGAN_HERE, "Left kidney in this scan"),
        Choice(ORGAN_EVERYWHERE, "Left kidney in all scans (4)"),
        Choice(SCAN, "this scan (7)"),
        Choice(EVERYTHING, "everything (28)"),
    )
    rows = list(work_rows())
    for place, decision in ((5, "accepted"), (6, "wrong"), (12, "not now"), (13, "complete"), (20, "edited")):
        rows[place] = replace(rows[place], decision=decision)
    view = DecideView(
        tuple(rows),
        "0/1",
        0.65,
        at_gamma(),
        COLORS,
        scopes=scopes,
        undo="Takes back: Aorta in scan_000 accepted.",
        next_round=NextRound(
            5, "5 decisions were taken: 1 accepted, 1 wrong, 1 edited, 1 complete, 1 not now. 23 suggestions stay open."
        ),
        message="Accepted 23 mL of Aorta in scan_000.",
    )
    return replace(view, **changed)


def finish_view(**changed: Any) -> FinishView:
    words = {
        SEG_NRRD: "Slicer segmentation (.seg.nrrd)",
        NIFTI: "NIfTI (.nii.gz)",
        NNUNET: "nnU-Net data set",
        DICOM: "DICOM SEG",
    }
    view = FinishView(
        "12 of 14 scans are complete in all 7 structures. In scan_003 and scan_009 the Pancreas is still open.",
        (Choice("scan_002", "only scan_002"), Choice("", "all 14 scans")),
        "",
        (Choice("prediction", "as suggested in the last round"), Choice("accepted", "only what was accepted")),
        "prediction",
        formats=tuple(Choice(key, words[key], f"Writes {words[key]}.") for key in FORMATS),
        model_name="abdomen 7 structures",
        models=(
            Choice(
                "a",
                "abdomen 7 structures",
                "Liver, Left kidney, Right kidney, Spleen, Pancreas, Aorta, Vertebra L1. Learned from 14 scans on 21 November.",
            ),
            Choice("b", "head and neck", "Learned from 40 scans."),
        ),
        model="a",
        targets=(
            TargetScan("scan_100", ticked=True),
            TargetScan("scan_101", "Liver and Spleen are drawn, they stay"),
            TargetScan("scan_102", "is no CT: this model learned from CT", usable=False),
        ),
    )
    return replace(view, **changed)


def dark_palette() -> QtGui.QPalette:
    """The colours that Slicer's dark style has, near enough."""
    palette = QtGui.QPalette()
    role = QtGui.QPalette.ColorRole
    for part, color in (
        (role.Window, "#353535"), (role.Base, "#262626"), (role.AlternateBase, "#353535"), (role.Button, "#404040"),
        (role.Text, "#f0f0f0"), (role.WindowText, "#f0f0f0"), (role.ButtonText, "#f0f0f0"), (role.Mid, "#707070"),
        (role.Highlight, "#2a82da"), (role.HighlightedText, "#000000"), (role.PlaceholderText, "#9a9a9a"),
    ):  # fmt: skip
        palette.setColor(part, QtGui.QColor(color))
    for part in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, part, QtGui.QColor("#808080"))
    return palette
