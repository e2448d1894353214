"""The tables of the benchmark of bounded sizes: the paper's Table 1 beside ours, organs with and without bounds, and what the intervals are worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kinds_table import Outcome, Result, findings_table, of_row, rows_table, structures_table
from benchmarks.size_rows import (
    ALPHAS,
    PAPER,
    PATIENTS,
    TITLES,
    TRAINING,
    organ_rows,
    organ_table,
    size_claims,
    size_rows,
    ventricle_rows,
    ventricle_table,
)
from benchmarks.tables import table


def write_tables(work: Path, out: Path) -> None:
    """`size.json` with the numbers, `size.md` with the tables."""
    outcome = Outcome.of(work, size_rows(), size_claims())
    results = outcome.results
    text = [
        "# Bounds on sizes\n\n`python3 Testing bench size`. A network regresses the size of each structure from the image; what is predicted where a structure is not labelled is held within an interval round it "
        "(Kervadec et al. 2019, Eq. 5).\n",
        outcome.beginning,
        "\n## The left ventricle with few labelled patients\n",
        f"Of 30 patients (of the paper's 100 there are no more here) six are held out and watched in each fold; n of the other {TRAINING} are labelled, both of their volumes, the rest are not: with n = 20 four patients are left without labels, where the paper has 55. "
        "FS learns from the labelled ones; Proposals then takes all of FS's predictions as labels; Oracle bounds by the true sizes.\n",
        curve_table(results),
        *(_ventricle(patients, results) for patients in PATIENTS),
        "\n## Organs with few labels\n",
        *(_organs(alpha, results) for alpha in ALPHAS),
        coverage_table(results),
        findings_table(outcome.found),
    ]
    outcome.write(out, "size", text)


def curve_table(results: Sequence[Result]) -> str:
    """The paper's Table 1 beside ours."""
    heads = ["method", *(word for patients in PATIENTS for word in (f"n = {patients}", "paper"))]
    by_title = {(row.title, row.table): row for row in size_rows()}
    lines = []
    for title in TITLES:
        line = [title]
        for patients in PATIENTS:
            items = of_row(results, by_title[title, ventricle_table(patients)])
            line += [of_curves([item["curve"] for item in items]), PAPER.get((title, patients), "–")]
        lines.append(line)
    return (
        "Validation Dice in percent: mean ± standard deviation over the looks in the second half of the training, as in the paper over its last 50 of 100 epochs; "
        "in brackets the standard deviation between the means of several runs. Of Proposals the training with the predictions is looked at.\n\n"
        + table(heads, lines)
    )


def of_curves(curves: Sequence[Sequence[float]]) -> str:
    """One curve per run."""
    curves = [curve for curve in curves if curve]
    if not curves:
        return "not run yet"
    means = [100 * float(np.mean(curve)) for curve in curves]
    within = float(np.mean([100 * np.std(curve) for curve in curves]))
    between = f" ({np.std(means, ddof=1):.1f})" if len(means) > 1 else ""
    return f"{np.mean(means):.1f} ± {within:.1f}{between}"


def _ventricle(patients: int, results: Sequence[Result]) -> str:
    rows = ventricle_rows(patients)
    return f"\nThe finished networks, n = {patients}, scan by scan.\n\n" + rows_table(rows, results)


def _organs(alpha: int, results: Sequence[Result]) -> str:
    rows = organ_rows(alpha)
    return f"\n### {organ_table(alpha)}\n\n" + rows_table(rows, results) + "\n" + structures_table(rows, results)


def coverage_table(results: Sequence[Result]) -> str:
    """How often the interval of a volume held the truth, of scans whose truth nobody learned from."""
    lines = []
    for row in size_rows():
        items = [item["intervals"] for item in of_row(results, row) if item.get("intervals")]
        for structure in items[0] if items and not row.oracle else ():
            found = [item[structure] for item in items if structure in item]
            lines.append([row.table, row.title, structure, *_pooled(found)])
    if not lines:
        return ""
    heads = ["table", "row", "structure", "scans", "promised %", "held %", "median width / volume", "median error %"]
    return (
        "\n## What the intervals are worth\n\nOf volumes in scans whose labels the regressor did not see: how often the truth lay in the interval, how wide it was, and how far off its middle.\n\n"
        + table(heads, lines)
    )


def _pooled(found: Sequence[dict[str, Any]]) -> list[str]:
    inside = [flag for item in found for flag in item["inside"]]
    width = [value for item in found for value in item["width"]]
    error = [value for item in found for value in item["error"]]
    promised = [item["promised"] for item in found if item["promised"] is not None]
    said = f"{100 * np.mean(promised):.0f}" if promised else "–"
    if not inside:
        return ["0", said, "–", "–", "–"]
    held, wide, off = 100 * np.mean(inside), np.median(width), 100 * np.median(error)
    return [str(len(inside)), said, f"{held:.0f}", f"{wide:.2f}", f"{off:.0f}"]
