"""All ways to learn from checked, quick and missing labels, on one set of scans: a third of each kind, half of the labels of the first two not there.

    python3 Testing bench kinds                      all rows once
    python3 Testing bench kinds --seeds 0,1 --folds 0,1
    python3 Testing bench kinds --rows "full|mlb"    only rows whose title contains one of these
    python3 Testing bench kinds --tables             the tables of what has run

Each row's result is kept in the work folder, so that an interrupted benchmark goes on. The product's defaults are chosen from the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kinds_cell import Bench, Cell
from benchmarks.kinds_claims import Claim
from benchmarks.kinds_command import read_arguments, run_cells
from benchmarks.kinds_measure import of_scans
from benchmarks.kinds_rows import COMPLETE, EVEN, MIXTURE, STEP, TOGETHER, WAYS, kinds_rows
from benchmarks.kinds_sizes import hand_in_sizes, keep_sizes
from benchmarks.kinds_table import Outcome, Result, findings_table, of_row, rows_table, structures_table
from PartialLabelSegLib.train.session import Session

STEPS = 600
ROWS = kinds_rows()


def claims() -> tuple[Claim, ...]:
    """What the methods' authors say, what is hoped of putting them together, and what speaks for the product's own choices."""

    def claim(better: str, worse: str, source: str) -> Claim:
        return Claim(TOGETHER, better, worse, source)

    given, out, weigh, fixed = (f"ambiguity-only, {way}" for way in ("as-given", "leave-out", "weigh", "fixed"))
    pairs = [
        claim(given, "naive", "INERRANT"),
        claim("full, leave-out", out, "INERRANT"),
        claim(weigh, out, "MLB-Seg"),
        claim(weigh, given, "MLB-Seg"),
        claim(weigh, fixed, "MLB-Seg"),
        claim("ambiguity-only, as-given, loss gce", given, "its authors"),
        claim("mlb", weigh, "MLB-Seg"),
    ]
    pairs += [
        claim(f"{title}, size", title, "size curriculum")
        for title in (given, out, fixed, weigh, *(f"full, {way}" for way in WAYS), "mlb")
    ]
    pairs.append(claim(f"{weigh}, size{EVEN}", f"{weigh}{EVEN}", "size curriculum"))
    pairs += [claim("full, weigh", other, "put together") for other in (weigh, "full, leave-out", "full, as-given")]
    better = f"{weigh}{STEP}"
    pairs += [claim(better, other, "the authors' program") for other in (weigh, out, given, fixed)]
    even = f"{weigh}{EVEN}"
    pairs += [claim(even, other, "ours") for other in (weigh, out, given, fixed)]
    pairs += [claim(f"mlb{EVEN}", "mlb, fixed", "ours"), claim("mlb, fixed", fixed, "ours")]
    pairs += [claim(fixed, other, "ours") for other in (given, out)]
    return tuple(pairs)


def best_of(results: list[Result]) -> str:
    """The row with the largest mean Dice but for the complete labels, in a sentence."""
    means = {}
    for row in ROWS:
        runs = [np.mean(list(of_scans(item, "dice").values())) for item in of_row(results, row)]
        if runs and row.title != COMPLETE:
            means[row.title] = 100 * float(np.mean(runs))
    order = sorted(means, key=lambda title: -means[title])
    listed = ", ".join(f"{title} {means[title]:.1f}" for title in order[:3])
    return f"\nThe largest mean Dice: {listed}.\n" if order else ""


def write_tables(work: Path, out: Path) -> None:
    """`kinds.json` with the numbers, `kinds.md` with the tables."""
    outcome = Outcome.of(work, ROWS, claims())
    text = [
        "# Checked, quick and missing labels together\n\n`python3 Testing bench kinds`. "
        f"Of the training scans (hippocampus MR, two structures, slices) {MIXTURE.checked:.0%} have checked labels, {MIXTURE.quick:.0%} labels that were corrupted by rotation, "
        f"erosion and dilation to a mean Dice of {MIXTURE.level}, the rest none; of the labels of the first two kinds {100 - MIXTURE.alpha} % are taken away, for each structure by itself. "
        "The rows' names say what is learned where a structure is missing (naive: background; ambiguity-only: nothing; full: INERRANT's rounds; mlb: MLB-Seg's initial labels), "
        "what quick labels are (as-given: like checked ones; leave-out: missing; fixed: one weight for all; weigh, and mlb without a word: weights learned as in MLB-Seg's paper; "
        "alike + supervised step: as in the presets quick and standard, where labels that the checked ones speak for count the same and checked ones are learned in every step), "
        "and whether regressed sizes bound what is predicted.\n",
        outcome.beginning,
        rows_table(ROWS, outcome.results),
        best_of(outcome.results),
        structures_table(ROWS, outcome.results),
        findings_table(outcome.found),
    ]
    outcome.write(out, "kinds", text)


def sizes_kept(cell: Cell, session: Session, _truth: Path) -> Mapping[str, Any]:
    keep_sizes(cell, session)
    return {}


def main(arguments: list[str]) -> int:
    chosen = read_arguments("kinds", __doc__, ROWS, arguments)
    bench = Bench(chosen.work, sizes_kept, hand_in_sizes)
    if not chosen.tables:
        cells = chosen.cells(bench, lambda _row: STEPS, lambda _row: 0)
        run_cells(bench, cells, lambda: write_tables(chosen.work, chosen.out))
    write_tables(chosen.work, chosen.out)
    return 0
