"""An agreement as tables of plain text: raters against the consensus, pairs of raters, and all raters together."""

from __future__ import annotations

import math

from .agreement import Agreement
from .icc import Icc
from .kappa import Kappa
from .table import aligned, cell

_MASKS = ("Dice", "ASD mm", "HD95 mm")


def format_agreement(result: Agreement) -> str:
    """Lines without trailing blanks; mean ± standard deviation over the scans, '-' stands for no value."""
    kappa = any(not math.isnan(pair.cells.value) for pair in result.pairs)
    parts = [f"{result.structure}: raters against the consensus ({result.consensus})", *_raters(result)]
    if result.pairs:
        parts += ["", f"{result.structure}: pairs of raters", *_pairs(result, kappa), "", *_together(result)]
    return "\n".join([*parts, *([""] if result.remarks else []), *result.remarks])


def _raters(result: Agreement) -> list[str]:
    heads = ["Rater", "n", *_MASKS, "Precision", "Recall", "Bias mL", "Limits mL", "Bias %"]
    rows = []
    for item in result.raters:
        low, high = item.limits_ml
        limits = "-" if math.isnan(low) else f"{low:.2f} to {high:.2f}"
        measures = [cell(item.dice, 3), cell(item.asd_mm, 2), cell(item.hd95_mm, 1)]
        shares = [cell(item.precision, 3), cell(item.recall, 3)]
        percent = "-" if math.isnan(item.bias_share.mean) else f"{100 * item.bias_share.mean + 0.0:.1f}"
        rows.append([item.rater, str(item.scans), *measures, *shares, cell(item.bias_ml, 2), limits, percent])
    return aligned([heads, *rows])


def _pairs(result: Agreement, kappa: bool) -> list[str]:
    heads = ["Raters", "n", *_MASKS, "Difference mL", "Volume ICC (95 %)", *(["Cells kappa"] if kappa else [])]
    rows = []
    for item in result.pairs:
        measures = [cell(item.dice, 3), cell(item.asd_mm, 2), cell(item.hd95_mm, 1), cell(item.difference_ml, 2)]
        last = [f"{item.cells.value:.3f}" if not math.isnan(item.cells.value) else "-"] if kappa else []
        rows.append([f"{item.first} - {item.second}", str(item.scans), *measures, icc_text(item.volume), *last])
    return aligned([heads, *rows])


def _together(result: Agreement) -> list[str]:
    lines = [f"All pairs: Dice {cell(result.dice, 3)}."]
    if not math.isnan(result.volume.value):
        lines.append(
            f"All raters, volume: ICC(2,1) {icc_text(result.volume)}, {result.volume.raters} raters of {result.volume.scans} scans."
        )
    if not math.isnan(result.cells.value):
        lines.append(f"All raters, cells: {kappa_text(result.cells)}.")
    return lines


def icc_text(icc: Icc) -> str:
    """'0.912 (0.845 to 0.951)', or '-'."""
    if math.isnan(icc.value):
        return "-"
    interval = "" if math.isnan(icc.low) or math.isnan(icc.high) else f" ({icc.low:.3f} to {icc.high:.3f})"
    return f"{icc.value:.3f}{interval}"


def kappa_text(kappa: Kappa) -> str:
    """The value with what it was counted from."""
    return f"Fleiss' kappa {kappa.value:.3f}, {kappa.ratings} ratings of {kappa.items} cells"
