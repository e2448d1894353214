"""An evaluation as a table of plain text for a terminal: structure by measure, mean ± standard deviation over the cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .detected import DetectionEvaluation
from .evaluate import Evaluation
from .measure import Summary
from .pairing import Missing, Note

# Measure, heading, decimals.
COLUMNS = (
    ("dice", "Dice", 3),
    ("jaccard", "Jaccard", 3),
    ("hd_mm", "HD mm", 1),
    ("hd95_mm", "HD95 mm", 1),
    ("asd_mm", "ASD mm", 2),
    ("volume_error_ml", "Volume error mL", 2),
    ("auc", "AUC", 3),
    ("ap_success", "AP success", 3),
    ("ap_error", "AP error", 3),
)

MOST_NAMED = 10


def format_table(result: Evaluation) -> str:
    """Lines without trailing blanks: the table, then what is undefined, missing, failed and noted. '-' stands for no value.

    The measures of the confidence have columns only where there was one.
    """
    rows = {name: result.of(name) for name in result.structures}
    if len(rows) > 1:
        rows["all"] = result.overall()
    columns = [column for column in COLUMNS if any(column[0] in row for row in rows.values())]
    table = [["Structure", "n", *(heading for _, heading, _ in columns)]]
    table += [
        [name, str(row["dice"].n), *(cell(row.get(key), places) for key, _, places in columns)]
        for name, row in rows.items()
    ]
    remarks = [*_undefined(result), *_missing(result.missing), *result.failed, *_notes(result.notes)]
    return "\n".join([*aligned(table), *([""] if remarks else []), *remarks])


def format_detections(result: DetectionEvaluation) -> str:
    """The lesions of each structure over all cases. '-' stands for no value."""
    table = [["Lesions", "n", "detected", "AP50", "AP75", "IoU", "precision", "recall"]]
    for name in result.structures:
        item = result.of(name)
        values = (item.ap50, item.ap75, item.sure.matched_iou, item.sure.precision, item.sure.recall)
        shares = ["-" if math.isnan(value) else f"{value:.3f}" for value in values]
        table.append([name, str(item.lesions), str(item.detected), *shares])
    said = "IoU, precision and recall: of detections with a score of at least 0.5, matched at an IoU of at least 0.5."
    return "\n".join([*aligned(table), "", said, *result.failed])


def cell(summary: Summary | None, places: int) -> str:
    if summary is None or math.isnan(summary.mean):
        return "-"
    spread = "" if math.isnan(summary.std) else f" ± {summary.std:.{places}f}"
    # Adding 0 turns a rounded -0.0 into 0.0.
    return f"{round(summary.mean, places) + 0.0:.{places}f}{spread}"


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right, two blanks between."""
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def _undefined(result: Evaluation) -> list[str]:
    counts: Mapping[str, int] = {name: result.of(name)["hd_mm"].undefined for name in result.structures}
    told = ", ".join(f"{name} in {count}" for name, count in counts.items() if count)
    return [f"One mask is empty, so that Dice is 0 and no distance exists: {told}."] if told else []


def _missing(missing: Sequence[Missing]) -> list[str]:
    lines = []
    for side in ("prediction", "reference"):
        items = [item for item in missing if item.missing_from == side]
        cases = _few([item.case for item in items if not item.structure])
        structures = _few([f"{item.structure} ({item.case})" for item in items if item.structure])
        told = "; ".join(part for part in (cases, structures) if part)
        lines += [f"Not in the {side}, so not compared: {told}."] if told else []
    return lines


def _notes(notes: Sequence[Note]) -> list[str]:
    """One line for a note that several cases share."""
    cases: dict[str, list[str]] = {}
    for note in notes:
        cases.setdefault(note.text, []).append(note.case)
    lines = [
        f"Case '{named[0]}'{f' and {len(named) - 1} more' if named[1:] else ''}: {text}"
        for text, named in cases.items()
    ]
    more = len(lines) - MOST_NAMED
    return lines[:MOST_NAMED] + ([f"And {more} more notes, which the JSON result holds."] if more > 0 else [])


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
