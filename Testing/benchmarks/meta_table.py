"""The tables of the benchmark of meta-learned weights: cost, noisy labels, none, both, planted errors; the paper's numbers beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kinds_claims import Finding
from benchmarks.kinds_rows import Row
from benchmarks.kinds_study import QUICK
from benchmarks.kinds_table import Outcome, Result, by_run, findings_table, of_row, rows_table, structures_table
from benchmarks.meta_rows import (
    EVEN,
    FIXED,
    GIVEN,
    LEVELS,
    MAIN,
    ONLY,
    PAPER,
    STUDY_NAMES,
    meta_claims,
    meta_rows,
    noisy_table,
)
from benchmarks.tables import table
from PartialLabelSegLib.run.files import read_json

COST = ("step_ratio_to_plain", "memory_ratio_to_plain", "double_backward_ratio_to_plain")
LIMITS = {"step_ratio_to_plain": 3.4, "memory_ratio_to_plain": 1.5}
COST_WORDS = {
    "step_ratio_to_plain": "time of one step without PLE, to a plain step of the same batch",
    "memory_ratio_to_plain": "its peak memory, to a plain step's",
    "double_backward_ratio_to_plain": "time of the same step with double backward, in the same run",
}


def write_tables(work: Path, out: Path) -> None:
    """`meta.json` with the numbers, `meta.md` with the tables."""
    rows, cost = meta_rows(), read_cost(work)
    outcome = Outcome.of(work, rows, meta_claims())
    tables = dict.fromkeys(row.table for row in rows)
    text = [
        "# Weights learned from trusted labels\n\n`python3 Testing bench meta`. MLB-Seg: the weight of every voxel of a doubtful label is learned from a few trusted ones.\n",
        cost_table(cost),
        "\n## What is learned\n",
        outcome.beginning,
        f"A tenth of the training patients (at least three) is trusted; {QUICK} labels are the true ones rotated, eroded or dilated, each structure of each scan in its own mixture, so strongly that their mean Dice is as the table says. "
        "`trusted only` and `all labels checked` do not depend on that level. `fixed weights` is `--doubtful fixed` (quick labels counted in part); `MLB-Seg` weighs as in the paper; in `agreeing labels alike`, which is how the presets quick and standard weigh without a word, "
        "labels that the trusted ones speak for count the same, the others nothing, and trusted ones are learned in every step. Beside ours the paper's numbers of PROMISE12 (one structure, 40 training cases of which 3 are trusted, U-Net++, 130 epochs), "
        "which are of other data and a longer training; only their order can be compared.\n",
        *(_table(name, [row for row in rows if row.table == name], outcome.results) for name in tables),
        choice_table(outcome.results),
        planted_table(outcome.results),
        findings_table(outcome.found),
        why(outcome.found),
    ]
    outcome.write(out, "meta", text, cost)


def choice_table(results: Sequence[Result]) -> str:
    """Why the product does what it does without a word: the ways to take quick labels, over all settings that were run with each of them."""
    rows = {(row.table, row.title): row for row in meta_rows()}
    ways = (ONLY, GIVEN, FIXED, EVEN)
    lines, means = [], []
    for study, level in ((study, level) for study in STUDY_NAMES for level in LEVELS):
        # Trusted labels do not depend on the level.
        tables = [noisy_table(study, MAIN if way == ONLY else level) for way in ways]
        found = [by_run(of_row(results, rows[name, way])) for name, way in zip(tables, ways)]
        common = set.intersection(*(set(item) for item in found))
        if common:
            means.append([float(np.mean([item[run] for run in common])) for item in found])
            lines.append([noisy_table(study, level), *(f"{mean:.1f}" for mean in means[-1]), str(len(common))])
    if not lines:
        return ""
    together = np.mean(means, axis=0)
    lines.append(["mean", *(f"{mean:.1f}" for mean in together), ""])
    return (
        "\n## What quick labels should count for\n\nMean Dice in percent over the runs (folds, seeds) that all of the columns have. What the product does without a word is the last of them.\n\n"
        + table(["setting", *ways, "runs"], lines)
    )


def read_cost(work: Path) -> dict[str, Any]:
    path = work / "cost.json"
    return dict(read_json(path, "the cost")) if path.exists() else {}


def cost_table(cost: dict[str, Any]) -> str:
    if not cost:
        return "\n## Cost\n\nNot measured yet.\n"
    lines = []
    for key in COST:
        limit = LIMITS.get(key)
        verdict = "–" if limit is None else f"at most {limit}: {'holds' if cost[key] <= limit else 'does not hold'}"
        lines.append([COST_WORDS[key], f"{cost[key]:.2f}", verdict])
    said = (
        f"The worst of the settings below; {cost['load']} programs wanted a core meanwhile.\n\n"
        if "load" in cost
        else ""
    )
    return f"\n## Cost\n\n{said}" + table(["", "ratio", "asked for"], lines) + settings_table(cost.get("settings", {}))


def settings_table(settings: dict[str, Any]) -> str:
    """Every setting by itself: how many times a plain step's time and memory."""
    lines = []
    for name, found in settings.items():
        ratios = found["ratio_to_plain"]
        lines.append(
            [name, found["precision"], f"{found['plain_ms']:.0f}", *(_ratio(item) for item in ratios.values())]
        )
        heads = ["setting", "precision", "plain step, ms", *map(_words, ratios)]
    if not lines:
        return ""
    memory = [
        [name, *(f"{item['ratio_to_plain']:.2f}" for arm, item in found["memory"].items() if arm != "plain")]
        for name, found in settings.items()
    ]
    arms = [arm for arm in next(iter(settings.values()))["memory"] if arm != "plain"]
    return (
        "\nTime of a step to that of a plain one, median (least to most) of the rounds:\n\n"
        + table(heads, lines)
        + "\nPeak memory of a step beyond what the process has without it, to that of a plain one:\n\n"
        + table(["setting", *map(_words, arms)], memory)
    )


def _ratio(item: dict[str, Any]) -> str:
    return f"{item['median']:.2f} ({item['least']:.2f} to {item['most']:.2f})"


def _table(name: str, rows: Sequence[Row], results: Sequence[Result]) -> str:
    return f"\n### {name}\n\n" + rows_table(rows, results, PAPER) + "\n" + structures_table(rows, results)


def planted_table(results: Sequence[Result]) -> str:
    """How well the learned weights find what was corrupted."""
    lines = []
    for row in meta_rows():
        items = [item["planted"] for item in of_row(results, row) if item.get("planted")]
        if items:
            lines.append([row.table, row.title, *(_numbers(items, key) for key in items[0])])
            heads = [_words(key) for key in items[0]]
    if not lines:
        return "\n## Planted errors\n\nNot measured yet.\n"
    return (
        "\n## Planted errors\n\nHow well the learned weights tell true from corrupted voxels of quick labels, and how many of the corrupted regions are among the first ten flags of a scan; mean ± standard deviation over scans, of AUC over structures of scans. With `probability` before its name, the same measure of the finished network's plain probability of the given label.\n\n"
        + table(["table", "row", *heads], lines)
    )


def _words(key: str) -> str:
    return key.replace("_", " ")


def _numbers(items: Sequence[dict[str, Any]], key: str) -> str:
    """A number, or the mean and the spread of a list of them, over all runs."""
    values = np.concatenate([np.atleast_1d(np.array(item[key], float)) for item in items])
    values = values[np.isfinite(values)]
    if not values.size:
        return "–"
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}" if values.size > 1 else f"{values[0]:.3f}"


def why(found: Sequence[Finding]) -> str:
    """In which the rows differ from the paper's, said once."""
    of_paper = [item for item in found if item.gain is not None and item.claim.source == "the paper"]
    failed = sum(item.low <= 0 for item in of_paper)
    if not failed:
        return ""
    return (
        f"\n{failed} of the {len(of_paper)} differences that the paper leads to expect, and that were measured, were not found here. What differs from the paper: a plain U-Net of four levels instead of U-Net++, AdamW instead of SGD, some hundred steps instead of 130 epochs, "
        "several structures that exclude each other, and few held-out patients, so that small differences do not show. A likely cause, not proven: weights that sum to one lie on the few voxels with the steepest losses, and background far "
        "from any structure has none, so that nothing holds it once trusted labels are no longer learned themselves. Compare the rows with a supervised step, and that in which all labels that agree count alike.\n"
    )
