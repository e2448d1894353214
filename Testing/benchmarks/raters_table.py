"""The tables and the reliability plot of the benchmark of several raters, from the results of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.raters_claims import Finding, findings
from benchmarks.raters_measure import bins_of
from benchmarks.raters_rows import GRID, INSTANCE, PARTS, READERS, ROWS, Row
from benchmarks.tables import machine, table, write_benchmark
from PartialLabelSegLib.report.calibration import reliability_chart
from PartialLabelSegLib.report.svg_file import svg_file
from PartialLabelSegLib.run.files import read_json, write_text

Result = dict[str, Any]
PERCENT = ("dice", "dice_readers", "ap50", "ap75", "iou", "recall", "precision")
HEADS = ("Dice", "Dice to each reader", "AP50", "AP75", "IoU", "recall", "precision")
CALIBRATION = ("ece", "ece_whole", "brier", "ged", "ged_levels", "volume_error")
CALIBRATION_HEADS = ("ECE near", "ECE whole", "Brier near", "GED", "GED of level sets", "volume error")
PLOTTED = (
    "single reader × BCE",
    "majority × BCE",
    "mean × soft CE",
    "majority × APL hard (1,0,1)",
    "mean × APL soft (1,1,1)",
)


def write_tables(work: Path, out: Path) -> None:
    """`raters.json` with every cell, `raters.md` with the tables, `raters-reliability.svg`."""
    results = [read_json(path, "a result") for path in sorted(work.glob("*/result.json"))]
    if not results:
        return
    people = [read_json(path, "the readers") for path in sorted(work.glob("readers_fold*/readers.json"))]
    speed = read_json(work / "speed.json", "the speed")
    found = findings(results)
    numbers = {
        "machine": machine(),
        "speed": speed,
        "findings": [
            {**vars(item.claim), "gain": item.gain, "low": item.low, "high": item.high, "verdict": item.verdict}
            for item in found
        ],
        "readers": [_short(item) for item in people],
        "cells": [_short(item) for item in results],
    }
    by_part = [_part(part, results, people if part == READERS else []) for part in PARTS]
    plot = "\n![Reliability near the nodules](raters-reliability.svg)\n" if _plot(results, out) else ""
    parts = [_intro(results), by_part[0], plot, *by_part[1:], _findings(found), _speed(speed)]
    write_benchmark(out, "raters", numbers, "\n".join(part for part in parts if part))


def _short(result: Result) -> Result:
    """Without the numbers of single scans, which stay in the work folder."""
    return {key: value for key, value in result.items() if key != "cases"}


def _intro(results: Sequence[Result]) -> str:
    tests = {result["fold"]: len(result["cases"]) for result in results}
    facts = f"Folds {', '.join(map(str, sorted(tests)))} ({sum(tests.values())} test nodules), {len({r['seed'] for r in results})} seed(s), "
    facts += f"{', '.join(map(str, sorted({r['steps'] for r in results})))} steps."
    return (
        "# Several raters, one soft label\n\n"
        "`python3 Testing bench raters`. 231 lung nodules (LIDC-IDRI), each drawn by four readers, split by patient. Every row of a table trains the same small 2.5D network "
        "(four levels, 16 to 128 channels) on the same scans for the same number of steps through the product's own run; rows differ in the label and in the loss. "
        "A row is measured on the test patients, of whose readers nobody learned: Dice, IoU and the detection of nodules (connected components of at least 8 voxels, matched at IoU 0.5) "
        "against what at least two of their four readers marked, in percent. "
        "ECE and Brier compare the probability with the share of the four readers, near a nodule (at most 8 voxels in the plane from any reader's mark) or in the whole crop, where nearly all is background. "
        "GED is the generalised energy distance (1 - IoU) to the set of the four readers, of the prediction, and of 16 level sets of its probability. "
        "Binary cross-entropy of the hardened mean is the row of the majority (a tie counts as marked), and soft cross-entropy of a hard label is binary cross-entropy. "
        "Cross-entropy counts every voxel; the active-passive loss (APL) counts three voxels without a nodule per voxel with one, as the product does. "
        "Mean ± standard deviation over folds and seeds where more than one was run.\n\n" + facts + "\n"
    )


_TITLES = {
    READERS: "All readers' masks",
    INSTANCE: "The same ticks with an instance network (Mask R-CNN with the improved mask head)",
    GRID: "The paper's situation: ticks of a coarse grid, half of the readers, a fifth of the nodules overlooked",
}
_SAID = {
    INSTANCE: "The same labels; masks of regions learn by the row's loss. Dice is that of the detections' masks taken together.\n",
    READERS: "`readers` is each reader against the other three, as the rows are against all four.\n",
    GRID: (
        "Each of two readers' masks becomes ticks of cells of 8 × 8 voxels (a quarter covered, or the most covered cell of a slice); of a fifth of the training nodules nobody "
        "ticked anything. Binary labels are the ticks of at least one of the two readers within the lung, soft ones come from the four steps (lung in place of bone). Beside the numbers the paper's, of knees, a Mask R-CNN and other data.\n"
    ),
}


def _part(part: str, results: Sequence[Result], people: Sequence[Result]) -> str:
    rows = [(row, [item for item in results if item["row"] == row.name]) for row in ROWS if row.part == part]
    rows = [(row, items) for row, items in rows if items]
    if not rows:
        return ""
    paper = ["paper: Dice", "AP50"] if part != READERS else []
    first = [
        [row.title, *(_spread(items, key, 100) for key in PERCENT), *_paper(row, part), _seconds(items)]
        for row, items in rows
    ]
    second = [[row.title, *(_spread(items, key, 1) for key in CALIBRATION)] for row, items in rows]
    if people:
        first.append(["readers", *(_spread(people, key, 100) for key in PERCENT), *[""] * len(paper), ""])
        second.append(["readers", *(_spread(people, key, 1) for key in CALIBRATION)])
    return "\n".join(
        [
            f"\n## {_TITLES[part]}\n",
            _SAID[part],
            table(["row", *HEADS, *paper, "seconds of training"], first),
            table(["row", *CALIBRATION_HEADS], second),
        ]
    )


def _paper(row: Row, part: str) -> list[str]:
    if part == READERS:
        return []
    return ["–", "–"] if row.paper is None else [str(value) for value in row.paper]


def _seconds(items: Sequence[Result]) -> str:
    return f"{np.mean([item['train_seconds'] for item in items]):.0f}"


def _spread(items: Sequence[Result], key: str, factor: int) -> str:
    values = [factor * float(item[key]) for item in items if item[key] is not None]
    if not values:
        return "–"
    places = 1 if factor == 100 else 3
    spread = f" ± {np.std(values, ddof=1):.{places}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{places}f}{spread}"


def _findings(found: Sequence[Finding]) -> str:
    if not found:
        return ""
    rows = []
    for item in found:
        claim, factor = item.claim, 100 if item.claim.measure == "dice" else 1
        places = 1 if factor == 100 else 3
        numbers = (
            f"{factor * item.gain:+.{places}f} ({factor * item.low:+.{places}f} to {factor * item.high:+.{places}f})"
        )
        name = {"dice": "Dice %", "ged_levels": "GED of level sets"}[claim.measure]
        rows.append([f"{claim.better} > {claim.worse.split(': ', 1)[1]}", claim.source, name, numbers, item.verdict])
    return (
        "\n## What was expected, and what was found\n\nPaired on the same test scans; 95 % interval by resampling patients (it does not hold the chance of another training).\n\n"
        + table(["expected to be better", "by", "gain in", "gain (95 %)", "found"], rows)
    )


def _speed(speed: Result) -> str:
    depth, height, width = speed["shape"]
    return (
        f"\n## Speed\n\n{speed['raters']} raters on {width} × {height} × {depth} voxels, a grid that follows the bone: soft label {speed['soft_label_seconds']:.2f} s, "
        f"preview of one slice {1000 * speed['preview_seconds']:.0f} ms.\n"
    )


def _plot(results: Sequence[Result], out: Path) -> bool:
    """The pooled bins of some rows; whether there was anything to draw."""
    curves = {}
    for title in PLOTTED:
        bins = [bins_of(item) for item in results if item["row"] == f"{READERS}: {title}"]
        if bins:
            curves[title] = sum(bins[1:], bins[0])
    chart = reliability_chart(curves)
    if chart.startswith("<svg "):
        write_text(out / "raters-reliability.svg", svg_file(chart))
    return chart.startswith("<svg ")
