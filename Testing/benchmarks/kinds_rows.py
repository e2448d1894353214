"""A row of the benchmarks of imperfect and missing labels: how the labels were made, and what the product is told to do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.kinds_study import ALL_CHECKED, Made
from PartialLabelSegLib.config import Configuration, Relabelling
from PartialLabelSegLib.data.plan import MLB

TOGETHER = "hippocampus"
MIXTURE = Made(checked=1 / 3, quick=1 / 3, level=0.62, alpha=50)
"""A third checked, a third made quickly, a third without labels; of the labels of both kinds half are not there."""
COMPLETE = "all labels, all checked"
WAYS = ("as-given", "leave-out", "fixed", "weigh")
STEP = " + supervised step"
EVEN = " alike + supervised step"
"""What is added to the titles of rows whose weighted steps also minimise the trusted loss, as the authors' program does; with EVEN by EVEN_PLAN."""
EVEN_PLAN: dict[str, Any] = {"views": 0, "teacher": 0.0, "supervised_step": True, "normalised": "even"}
"""As in the presets quick and standard: labels that agree with the trusted ones all count the same; without views and teacher, which cost most of the time."""


@dataclass(frozen=True)
class Row:
    """One training, as it is said in a table. paper: the paper's number beside it, in words. oracle: the bounds are the true attributes."""

    table: str
    title: str
    study: str
    made: Made
    method: str = "ambiguity-only"
    doubtful: str = "as-given"
    bounds: tuple[str, ...] = ()
    plan: dict[str, Any] = field(default_factory=dict)
    oracle: bool = False
    paper: str = ""

    def configuration(self, dimensions: str, network: dict[str, Any], seed: int, steps: int) -> Configuration:
        """What the product is told. network: of the plan, what is the same for all rows. Doubtful labels are weighed as in MLB-Seg's paper unless the row's plan says otherwise."""
        plan = {**network, **stages(self.method, steps), **MLB, **self.plan}
        choices = Relabelling(method=self.method, rounds=2 if self.method == "full" else 0)
        if self.method != "full":
            choices = Relabelling(method=self.method, rounds=0, confidence="mcp")
        return Configuration(
            dimensions=dimensions,
            seed=seed,
            # Without validation a network is the running average of the last weights, whatever its labels would say of it.
            validation_share=0.0,
            relabelling=choices,
            plan=plan,
            doubtful=self.doubtful,
            bounds=self.bounds,
        )


def stages(method: str, steps: int) -> dict[str, Any]:
    """How long the rounds learn: in the full method two of a fifth follow the first; proposals are learned as long as the network that made them."""
    later = steps if method == "all-pseudo-labels" else steps // 5
    return {"steps": steps, "fine_tune_steps": later, "confidence_steps": max(1, steps // 8)}


def names(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What tells the rows apart."""
    return [(row.table, row.title) for row in rows]


def kinds_rows() -> tuple[Row, ...]:
    """All sensible combinations on scans of which a third is checked, a third made quickly, and a third without labels."""

    def row(title: str, method: str = "ambiguity-only", doubtful: str = "as-given", **more: Any) -> Row:
        made = more.pop("made", MIXTURE)
        return Row(TOGETHER, title, TOGETHER, made, method, doubtful, **more)

    rows = [
        row(COMPLETE, made=ALL_CHECKED),
        row("naive", "naive"),
        row("ambiguity-only, as-given, loss gce", plan={"loss": "gce+dice"}),
    ]
    rows += [row(f"ambiguity-only, {way}", "ambiguity-only", way) for way in WAYS]
    rows += [row(f"full, {way}", "full", way) for way in WAYS]
    rows += [row(f"ambiguity-only, {way}, size", "ambiguity-only", way, bounds=("size",)) for way in WAYS]
    rows += [row(f"full, {way}, size", "full", way, bounds=("size",)) for way in WAYS]
    rows += [row("mlb", "mlb", "weigh"), row("mlb, size", "mlb", "weigh", bounds=("size",))]
    step: dict[str, Any] = {"plan": {"supervised_step": True}}
    rows.append(row(f"ambiguity-only, weigh{STEP}", "ambiguity-only", "weigh", **step))
    even: dict[str, Any] = {"plan": EVEN_PLAN}
    rows += [row(f"{method}, weigh{EVEN}", method, "weigh", **even) for method in ("ambiguity-only", "full")]
    rows.append(row(f"ambiguity-only, weigh, size{EVEN}", "ambiguity-only", "weigh", bounds=("size",), **even))
    rows += [row("mlb, fixed", "mlb", "fixed"), row(f"mlb{EVEN}", "mlb", "weigh", **even)]
    return tuple(rows)
