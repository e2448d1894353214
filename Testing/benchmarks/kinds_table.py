"""Tables of the benchmarks of imperfect and missing labels: every row with its spread, the paper's number beside it, and what has not run yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kinds_claims import Claim, Finding, findings
from benchmarks.kinds_measure import missed, of_scans
from benchmarks.kinds_rows import Row
from benchmarks.tables import machine, table, write_benchmark
from PartialLabelSegLib.run.files import read_json

Result = dict[str, Any]
RULES = (
    "Every row is a run of the product with the same small network on the same scans for the same number of steps; rows of the full method learn two rounds of a fifth on. "
    "Labels were *checked* (the true ones), made *quickly* (corrupted), or there are none. "
    "Mean ± standard deviation over the held-out scans (of each the mean over its structures) of all runs; where there is more than one run (folds, seeds), the standard deviation between the means of the runs follows in brackets. "
    "A structure that was not found at all has Dice 0 and no distance; how often that was, is the column *not found*.\n"
)


@dataclass(frozen=True)
class Outcome:
    """All that a work folder holds of a benchmark: its rows, the results of those that have run, and what became of its claims."""

    rows: tuple[Row, ...]
    results: list[Result]
    found: list[Finding]

    @classmethod
    def of(cls, work: Path, rows: tuple[Row, ...], claims: Sequence[Claim]) -> Outcome:
        results = results_in(work)
        return cls(rows, results, findings(results, claims))

    @property
    def beginning(self) -> str:
        """What holds for all tables: how rows are made and measured, how many scans there were, and how bad quick labels were."""
        parts = (RULES, counts_sentence(self.results), corruption_sentence(self.results))
        return "\n".join(part for part in parts if part)

    def write(self, out: Path, name: str, text: Sequence[str], more: Mapping[str, Any] | None = None) -> None:
        """`<name>.md`, the text and after it which rows have not run; `<name>.json`, the numbers, after `more`."""
        numbers = {
            **(more or {}),
            "machine": machine(),
            "findings": [item.said() for item in self.found],
            "cells": [short(item) for item in self.results],
        }
        parts = [*text, not_run(self.rows, self.results)]
        write_benchmark(out, name, numbers, "\n".join(part for part in parts if part))


def results_in(work: Path) -> list[Result]:
    """Every finished cell of a work folder."""
    return [read_json(path, "a result") for path in sorted(work.glob("*/result.json"))]


def of_row(results: Iterable[Result], row: Row) -> list[Result]:
    return [item for item in results if (item["table"], item["row"]) == (row.table, row.title)]


def spread(items: Sequence[Result], measure: str, factor: float = 1.0) -> str:
    """mean ± standard deviation over scans, and between runs."""
    runs = [[factor * value for value in of_scans(item, measure).values()] for item in items]
    runs = [values for values in runs if values]
    if not runs:
        return "–"
    every = np.concatenate(runs)
    between = f" ({np.std([np.mean(values) for values in runs], ddof=1):.1f})" if len(runs) > 1 else ""
    places = 1 if factor != 1 or np.mean(every) >= 10 else 2
    return f"{np.mean(every):.{places}f} ± {np.std(every):.{places}f}{between}"


def rows_table(rows: Sequence[Row], results: Sequence[Result], paper: str = "") -> str:
    """All rows of one table. paper: what its column says, or no such column."""
    unit = next((item["unit"] for row in rows for item in of_row(results, row)), "")
    heads = ["row", "Dice %", "Jaccard %", f"HD {unit}".strip(), f"ASD {unit}".strip(), "not found"]
    heads += [*([paper] if paper else []), "runs", "steps", "seconds"]
    lines = []
    for row in rows:
        items = of_row(results, row)
        numbers = [spread(items, "dice", 100), spread(items, "jaccard", 100)]
        numbers += [spread(items, "hausdorff"), spread(items, "surface")]
        numbers.append(str(sum(missed(item) for item in items)) if items else "–")
        last = [str(len(items)), _steps(items), _seconds(items)] if items else ["not run yet", "–", "–"]
        lines.append([row.title, *numbers, *([row.paper or "–"] if paper else []), *last])
    return table(heads, lines) + runs_table(rows, results)


def runs_table(rows: Sequence[Row], results: Sequence[Result]) -> str:
    """Dice of each run by itself where rows have not all the same runs: folds hold out other scans, so that only a column compares."""
    dice = {row.title: found for row in rows if (found := by_run(of_row(results, row)))}
    runs = sorted({run for found in dice.values() for run in found})
    if all(len(found) == len(runs) for found in dice.values()):
        return ""
    heads = ["row", *(f"fold {fold}, seed {seed}" for fold, seed in runs)]
    lines = [[title, *(f"{found[run]:.1f}" if run in found else "–" for run in runs)] for title, found in dice.items()]
    return (
        "\nNot all rows have the same runs. Mean Dice of each run in percent; only within a column are the scans the same.\n\n"
        + table(heads, lines)
    )


def by_run(items: Sequence[Result]) -> dict[tuple[int, int], float]:
    """Mean Dice in percent of each fold and seed."""
    return {(item["fold"], item["seed"]): 100 * float(np.mean(list(of_scans(item, "dice").values()))) for item in items}


def _steps(items: Sequence[Result]) -> str:
    """Of each round."""
    return ", ".join(dict.fromkeys(" + ".join(map(str, item["stages"])) for item in items))


def _seconds(items: Sequence[Result]) -> str:
    return f"{np.mean([item['train_seconds'] for item in items]):.0f}"


def structures_table(rows: Sequence[Row], results: Sequence[Result]) -> str:
    """Dice of each structure by itself, of the rows that were run."""
    found = [(row, of_row(results, row)) for row in rows]
    found = [(row, items) for row, items in found if items]
    if not found:
        return ""
    names = sorted({name for _, items in found for case in items[0]["cases"].values() for name in case["structures"]})
    lines = [[row.title, *(_of_structure(items, name) for name in names)] for row, items in found]
    return "Dice of each structure in percent.\n\n" + table(["row", *names], lines)


def _of_structure(items: Sequence[Result], name: str) -> str:
    cases = [case["structures"] for item in items for case in item["cases"].values()]
    values = [100 * found[name]["dice"] for found in cases if name in found]
    return f"{np.mean(values):.1f} ± {np.std(values):.1f}"


def findings_table(found: Sequence[Finding]) -> str:
    """A line for each claim."""
    lines = []
    for item in found:
        gain = "–"
        if item.gain is not None:
            gain = f"{100 * item.gain:+.1f} ({100 * item.low:+.1f} to {100 * item.high:+.1f})"
        lines.append([item.claim.words, item.claim.source, gain, item.verdict])
    return (
        "\n## What was expected, and what was found\n\nGain in Dice, in percent, paired on the same held-out scans of the folds and seeds that both rows have; 95 % interval by resampling patients "
        "(it does not hold the chance of another training).\n\n"
        + table(["expected to be better", "by", "gain (95 %)", "found"], lines)
    )


def not_run(rows: Sequence[Row], results: Sequence[Result]) -> str:
    """Which rows are still missing, in a sentence."""
    missing = [f"{row.table}: {row.title}" for row in rows if not of_row(results, row)]
    return f"\nNot run yet: {'; '.join(missing)}.\n" if missing else "\nEvery row was run.\n"


def corruption_sentence(results: Sequence[Result]) -> str:
    """How bad quick labels were, as measured."""
    said = {}
    for item in results:
        found = item["imported"].get("corruption")
        if found:
            said[item["study"], item["fold"], round(found["dice"], 3)] = found
    if not said:
        return ""
    texts = [
        f"{study} fold {fold}: {found['dice']:.3f} ± {found['spread']:.3f}" for (study, fold, _), found in said.items()
    ]
    return f"Dice of the quick labels to the true ones, mean ± standard deviation over structures of scans: {'; '.join(texts)}.\n"


def counts_sentence(results: Sequence[Result]) -> str:
    """How many scans there were, of each study."""
    said = {item["study"]: item["imported"] for item in results}
    parts = [
        f"{name}: {item['training']} training and {item['held_out']} held-out scans" for name, item in said.items()
    ]
    steps = ", ".join(map(str, sorted({item["steps"] for item in results})))
    folds = ", ".join(map(str, sorted({item["fold"] for item in results})))
    seeds = ", ".join(map(str, sorted({item["seed"] for item in results})))
    return f"{'; '.join(parts)}. Folds {folds}, seeds {seeds}, {steps} steps.\n" if results else ""


def short(result: Result) -> Result:
    """For the file of numbers: without single scans, with their means and spreads; the rest stays in the work folder."""
    own = {key: value for key, value in result.items() if key != "cases"}
    for measure in ("dice", "jaccard", "hausdorff", "surface"):
        values = list(of_scans(result, measure).values())
        own[measure] = {"mean": float(np.mean(values)), "std": float(np.std(values))} if values else None
    return {**own, "not_found": missed(result)}
