"""The page's sections on learning: curves, Dice per structure and round, relabelling, ranking of the confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..data.types import PALETTE
from ..run.round_words import round_word
from .charts import Frame, Series, line_chart
from .colors import color_of, dashes
from .tables import counted, folded, listing, meter, number, percent, table, volume

Report = Mapping[str, Any]

_LONGEST_UNBROKEN = 30
TERMS = {
    "bce": "Cross-entropy on what is certain: the positives of each structure and its hardest negatives.",
    "dice": "Overlap (Dice) on what is certain.",
    "apl": "Active-passive loss, which tolerates wrong labels, on what is certain.",
    "mae": "Absolute error, which tolerates wrong labels, on what is certain.",
    "sce": "Symmetric cross-entropy, which tolerates wrong labels, on what is certain.",
    "gce": "Generalised cross-entropy, which tolerates wrong labels, on what is certain.",
    "checked": "The trusted labels in scans whose other labels are doubtful.",
    "trusted": "The trusted labels, where doubtful ones are weighed.",
    "given": "Doubtful labels, each voxel with the weight that the trusted labels give it.",
    "pseudo": "The network's own predictions on scans with doubtful labels, weighed in the same way.",
    "consistency_views": "Agreement of the predictions of zoomed and mirrored views of a scan; needs no label.",
    "consistency_teacher": "Agreement with the running mean of the network (mean teacher); needs no label.",
    "size": "Where a structure is missing: its size outside what the labelled scans let expect.",
    "centroid": "Where a structure is missing: its place outside what the labelled scans let expect.",
    "extent": "Where a structure is missing: its extent outside what the labelled scans let expect.",
}
"""The terms of the loss in words; their sum is minimised."""


def swatch(report: Report, name: str) -> str:
    """A structure's name after a dab of its colour."""
    names = [entry["name"] for entry in report["structures"]]
    dab = f'<i class="swatch" style="background:var(--c{names.index(name)})"></i>' if name in names else ""
    kind = "name-of" if len(name) <= _LONGEST_UNBROKEN else "long"
    return f'<span class="{kind}">{dab}{escape(name)}</span>'


def learning(report: Report) -> str:
    """Loss and validation curves over all rounds, and the validation Dice that each round ended with."""
    if not report["rounds"]:
        return "<h2>Learning</h2><p>No round has finished learning yet.</p>"
    starts = _starts(report["rounds"])
    sections = [(start, round_word(entry["round"])) for start, entry in zip(starts, report["rounds"])]
    loss = [
        Series(round_word(entry["round"]), "var(--accent)", _shifted(start, entry["training"]))
        for start, entry in zip(starts, report["rounds"])
    ]
    parts = ["<h2>Learning</h2>"]
    if report.get("learned_from"):
        lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in report["learned_from"])
        parts.append(f"<details><summary>What is learned from what</summary><ul>{lines}</ul></details>")
    parts.append("<h3>Dice on the validation scans</h3>")
    named = "" if len(report["structures"]) < 16 else " The mean and the lowest curves are named."
    parts.append(
        f"<p>Measured while learning, on scans that are kept out of it; only where a structure is drawn.{named}</p>"
    )
    parts.append(
        line_chart(_validation_series(report, starts), Frame("training step", "Dice", (0.0, 1.0), sections, 340))
    )
    parts.append(_dice_table(report))
    parts.append("<h3>Loss on the training scans</h3>")
    parts.append(line_chart([_unnamed(loss)], Frame("training step", "loss", None, sections, 230)))
    terms = _terms(report["rounds"], starts)
    if len(terms) > 1:
        parts.append("<h3>What the loss is made of</h3>")
        rows = [(name, words) for name, words in TERMS.items() if name in {item.name for item in terms}]
        parts.append(listing(rows))
        parts.append(line_chart(terms, Frame("training step", "loss", None, sections, 260)))
    return "".join(parts)


def _terms(rounds: Sequence[Report], starts: Sequence[float]) -> list[Series]:
    """A curve per named term of the loss, over all rounds; interrupted where a round has no such term."""
    names = dict.fromkeys(name for entry in rounds for name in entry["training"].get("terms") or {})
    points: dict[str, list[tuple[float, float | None]]] = {name: [] for name in names}
    for start, entry in zip(starts, rounds):
        steps, terms = entry["training"].get("steps") or [], entry["training"].get("terms") or {}
        for name in names:
            points[name] += [(start + step, value) for step, value in zip(steps, terms.get(name) or [])]
            points[name].append((0.0, None))
    colors = [PALETTE[index % len(PALETTE)] for index in range(len(points))]
    return [
        Series(name, f"rgb({', '.join(str(round(255 * part)) for part in color)})", found, dash)
        for (name, found), color, dash in zip(points.items(), colors, dashes(colors))
    ]


def _starts(rounds: Sequence[Report]) -> list[float]:
    """The step at which each round starts when the rounds are put one behind another; the next starts where the last noted step was."""
    starts, end = [], 0.0
    for entry in rounds:
        training = entry["training"]
        noted = [*(training.get("steps") or []), *(item["step"] for item in training.get("validation") or [])]
        starts.append(end)
        end += max(noted, default=0)
    return starts


def _shifted(start: float, training: Report) -> list[tuple[float, float | None]]:
    pairs = zip(training.get("steps") or [], training.get("loss") or [])
    return [(start + step, loss) for step, loss in pairs]


def _unnamed(parts: Sequence[Series]) -> Series:
    """All rounds as one curve, interrupted between the rounds."""
    points: list[tuple[float, float | None]] = []
    for part in parts:
        points += [*part.points, (0.0, None)]
    return Series("", "var(--accent)", points)


def _validation_series(report: Report, starts: Sequence[float]) -> list[Series]:
    structures = report["structures"]
    styles = dashes([color_of(entry) for entry in structures])
    series = []
    for index, (entry, dash) in enumerate(zip(structures, styles)):
        points = _validation_points(report, starts, entry["name"])
        series.append(Series(entry["name"], f"var(--s{index})", points, dash))
    series = [item for item in series if item.runs()]
    return [*series, Series("mean", "var(--ink)", _mean_points(series), heavy=True)] if len(series) > 1 else series


def _validation_points(report: Report, starts: Sequence[float], name: str) -> list[tuple[float, float | None]]:
    points: list[tuple[float, float | None]] = []
    for start, entry in zip(starts, report["rounds"]):
        values = entry["training"].get("validation") or []
        points += [(start + item["step"], item["dice"].get(name)) for item in values]
    return points


def _mean_points(series: Sequence[Series]) -> list[tuple[float, float | None]]:
    at: dict[float, list[float]] = {}
    for item in series:
        for run in item.runs():
            for x, y in run:
                at.setdefault(x, []).append(y)
    return [(x, sum(values) / len(values)) for x, values in sorted(at.items())]


def _dice_table(report: Report) -> str:
    validation = report["validation"]
    heads = ["Structure", *(round_word(entry["round"]) for entry in report["rounds"]), "drawn in"]
    rows = []
    for entry in report["structures"]:
        mark = ' <span class="soft">(not learned)</span>' if entry["not_learned"] else ""
        dice = [meter(value) for value in validation["structures"][entry["name"]]]
        rows.append([swatch(report, entry["name"]) + mark, *dice, counted(entry["labelled_cases"], "scan")])
    rows.append(["Mean of the structures", *(meter(value) for value in validation["mean"]), ""])
    return folded(table(heads, rows, strong_rows=[len(rows) - 1]), len(rows))


def relabelling(report: Report) -> str:
    """What was added to the labels after each round, and how well the confidence ranked it where truth is known."""
    done = [entry for entry in report["rounds"] if entry["relabelling"]]
    if not done:
        return ""
    parts = ["<h2>Suggestions that were accepted</h2>"]
    parts.append(
        "<p>After a round, the most confident share γ of what the network finds where nobody drew becomes a label for the next round. "
        "Earlier accepted voxels count towards the share. Expert labels never change.</p>"
    )
    heads = ["Round", "γ", "candidates", "newly accepted", "accepted in all", "volume", "precision", "recall"]
    rows = [[str(entry["round"] + 1), *_relabelling_cells(entry["relabelling"])] for entry in done]
    parts.append(table(heads, rows))
    parts += [_relabelling_details(report, entry) for entry in done]
    parts.append(_ranking(done))
    return "".join(parts)


def _relabelling_cells(content: Report) -> list[str]:
    total, said = content["total"], list(content["structures"].values())
    scores = [_weighted(said, key) for key in ("precision", "recall")]
    return [percent(content.get("gamma")), *_counts(total), *(number(score) for score in scores)]


def _counts(item: Report) -> list[str]:
    counts = [number(item[key], 0) for key in ("candidates", "accepted_new", "accepted_total")]
    return [*counts, volume(item["volume_ml"])]


def _weighted(items: Sequence[Report], key: str) -> float | None:
    """The plain mean over the structures that have a value."""
    known = [item[key] for item in items if item.get(key) is not None]
    return sum(known) / len(known) if known else None


def _relabelling_details(report: Report, entry: Report) -> str:
    content = entry["relabelling"]
    heads = ["Structure", "candidates", "newly accepted", "accepted in all", "volume", "precision", "recall"]
    rows = [
        [swatch(report, name), *_counts(item), number(item.get("precision")), number(item.get("recall"))]
        for name, item in content["structures"].items()
    ]
    return (
        f"<details><summary>{round_word(entry['round']).capitalize()} by structure</summary>{table(heads, rows)}</details>"
        if rows
        else ""
    )


def _ranking(done: Sequence[Report]) -> str:
    """AUC, AP of successes and of errors per confidence and round, where a round noted them."""
    rows = []
    for entry in done:
        for name, item in (entry["relabelling"].get("ranking") or {}).items():
            if isinstance(item, Mapping):
                scores = [number(item.get(key)) for key in ("auc", "ap_success", "ap_error")]
                rows.append([str(entry["round"] + 1), escape(str(name)), *scores])
    if not rows:
        return ""
    said = "<h3>How well the confidence ranks the candidates</h3><p>AUC: chance that a correct voxel is more confident than a wrong one.</p>"
    return said + table(["Round", "confidence", "AUC", "AP success", "AP error"], rows)
