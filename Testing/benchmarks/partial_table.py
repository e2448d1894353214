"""The tables of the accuracy benchmark, from the results of its cells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import machine, write_benchmark
from PartialLabelSegLib.run.files import read_json

ORDER = ("naive", "ambiguity-only", "full, MCP", "full, learned")


def write_tables(work: Path, out: Path) -> None:
    """`partial.json` with every cell, `partial.md` with the tables."""
    results = [read_json(path, "a result") for path in sorted(work.glob("*/result.json"))]
    if not results:
        return
    parts = ["# Accuracy with partial labels\n", _intro()]
    for study in dict.fromkeys(result["study"] for result in results):
        mine = [result for result in results if result["study"] == study]
        parts += [
            f"\n## {study}\n",
            _dice_table(mine),
            _structure_table(mine),
            _ranking_table(mine),
            _relabelling_table(mine),
        ]
    write_benchmark(out, "partial", {"machine": machine(), "cells": results}, "\n".join(parts))


def _intro() -> str:
    return (
        "`python3 Testing bench partial`. Structures are removed per scan, independently per structure, in nested sets; alpha is the share of "
        "labels that is left. The full methods go on from the finished network of `ambiguity-only` (their round 0) with two rounds of a fifth of its steps. Dice in percent on test scans that no method saw, "
        "mean over structures; mean ± standard deviation over folds where more than one was run. `ambiguity-only` at alpha 100 is the ceiling.\n"
    )


def _dice_table(results: list[dict[str, Any]]) -> str:
    alphas = sorted({result["alpha"] for result in results}, reverse=True)
    lines = ["| method | " + " | ".join(f"α = {alpha} %" for alpha in alphas) + " |", "|---|" + "---|" * len(alphas)]
    for method in ORDER:
        cells = [_spread(_found(results, alpha, method), "dice_mean") for alpha in alphas]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    folds = sorted({result["fold"] for result in results})
    steps = sorted({result["steps"] for result in results})
    tests = sum({result["fold"]: result["test_cases"] for result in results}.values())
    return "\n".join(
        [
            *lines,
            f"\nFolds run: {', '.join(map(str, folds))} ({tests} test scans). Steps per cell: {', '.join(map(str, steps))}.\n",
        ]
    )


def _structure_table(results: list[dict[str, Any]]) -> str:
    names = list(results[0]["dice"])
    lines = ["| alpha, method | " + " | ".join(names) + " | seconds of training |", "|---|" + "---|" * (len(names) + 1)]
    for alpha in sorted({result["alpha"] for result in results}, reverse=True):
        for method in ORDER:
            found = _found(results, alpha, method)
            if found:
                cells = [_spread([item["dice"] for item in found], name) for name in names]
                seconds = np.mean([item["train_seconds"] for item in found])
                lines.append(f"| {alpha} %, {method} | " + " | ".join(cells) + f" | {seconds:.0f} |")
    return "\n".join([*lines, ""])


def _ranking_table(results: list[dict[str, Any]]) -> str:
    lines = [
        "Ranking of the candidates by confidence before the first relabelling (percent, mean over structures); both confidences judge the same candidates.\n",
        "| alpha | confidence | AUC | AP_success | AP_error |",
        "|---|---|---|---|---|",
    ]
    learned = [result for result in results if result["method"] == "full, learned" and result["rounds"]]
    for alpha in sorted({result["alpha"] for result in learned}, reverse=True):
        first = [result["rounds"][0]["ranking"] for result in learned if result["alpha"] == alpha]
        for kind, name in (("mcp", "MCP"), ("learned", "learned")):
            cells = [_spread(first, f"{kind}_{word}") for word in ("auc", "ap_success", "ap_error")]
            lines.append(f"| {alpha} % | {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""]) if learned else ""


def _relabelling_table(results: list[dict[str, Any]]) -> str:
    lines = [
        "Relabelling (voxels accepted so far, percent).\n",
        "| alpha | method | γ | precision | recall |",
        "|---|---|---|---|---|",
    ]
    for alpha in sorted({result["alpha"] for result in results}, reverse=True):
        for method in ORDER:
            found = [result["rounds"] for result in _found(results, alpha, method) if result["rounds"]]
            for number in range(len(found[0]) if found else 0):
                rows = [rounds[number] for rounds in found]
                gamma = np.mean([row["gamma"] for row in rows])
                lines.append(
                    f"| {alpha} % | {method} | {gamma:.2f} | {_spread(rows, 'precision')} | {_spread(rows, 'recall')} |"
                )
    return "\n".join([*lines, ""]) if len(lines) > 3 else ""


def _found(results: Iterable[dict[str, Any]], alpha: int, method: str) -> list[dict[str, Any]]:
    return [result for result in results if result["alpha"] == alpha and result["method"] == method]


def _spread(items: list[dict[str, Any]], key: str) -> str:
    values = [100 * float(item[key]) for item in items if item.get(key) is not None]
    if not values:
        return "–"
    return f"{np.mean(values):.1f}" if len(values) == 1 else f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"
