"""The rows of the benchmark of several raters: a label and a loss each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Weights = tuple[float, float, float]
READERS, GRID, INSTANCE = PARTS = ("readers", "grid", "instance")
"""Masks of all readers; ticks of half of them; the same ticks learned by an instance network, as the paper's is."""


@dataclass(frozen=True)
class Row:
    """labels: as in raters_study.labels_of. loss: as in the plan. weights: of an active-passive loss. paper: the paper's Dice and AP50 in percent."""

    part: str
    title: str
    labels: str
    loss: str = "bce"
    weights: Weights | None = None
    paper: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        return f"{self.part}: {self.title}"

    def plan(self) -> dict[str, Any]:
        """What of the plan is this row's own."""
        own: dict[str, Any] = {"loss": self.loss, "architecture": "instance" if self.part == INSTANCE else "unet"}
        return own if self.weights is None else {**own, "apl_weights": list(self.weights)}


HARD_APL: Weights = (1, 0, 1)
BASELINE, APL_BINARY, SOFT_BASELINE = "baseline, binary (1,0,0)", "APL binary (1,0,1)", "soft baseline (0,1,0)"
APL_SOFT = {(0, 1, 1): (31, 19), (0, 2, 1): (36, 12), (1, 1, 1): (35, 20)}
LEFT_OUT = ("-bright", "-neighbours", "-bright -neighbours")


def apl_soft(weights: Weights) -> str:
    return f"APL + soft ({','.join(f'{value:g}' for value in weights)})"


def without(title: str, left_out: str) -> str:
    """The title of the same row with steps of the soft label left out."""
    return f"{title}, without {' and '.join(word[1:] for word in left_out.split())}"


def _rows() -> tuple[Row, ...]:
    rows = [
        Row(READERS, "single reader × BCE", "single"),
        Row(READERS, "majority × BCE", "majority"),
        Row(READERS, "STAPLE × BCE", "STAPLE"),
        Row(READERS, "mean × soft CE", "mean"),
        Row(READERS, "single reader × APL hard (1,0,1)", "single", "apl", HARD_APL),
        Row(READERS, "majority × APL hard (1,0,1)", "majority", "apl", HARD_APL),
        Row(READERS, "STAPLE × APL hard (1,0,1)", "STAPLE", "apl", HARD_APL),
        Row(READERS, "mean × APL soft (0,1,1)", "mean", "apl", (0, 1, 1)),
        Row(READERS, "mean × APL soft (1,1,1)", "mean", "apl", (1, 1, 1)),
        Row(READERS, "majority × BCE + Dice", "majority", "bce+dice"),
    ]
    for part in (GRID, INSTANCE):
        rows += [
            Row(part, BASELINE, "grid", paper=(27, 12)),
            Row(part, APL_BINARY, "grid", "apl", HARD_APL, (21, 8)),
            Row(part, SOFT_BASELINE, "grid soft", paper=(28, 14)),
            *(Row(part, apl_soft(weights), "grid soft", "apl", weights, paper) for weights, paper in APL_SOFT.items()),
        ]
    for left_out in LEFT_OUT:
        rows.append(Row(GRID, without(SOFT_BASELINE, left_out), f"grid soft {left_out}"))
        rows.append(Row(GRID, without(apl_soft((1, 1, 1)), left_out), f"grid soft {left_out}", "apl", (1, 1, 1)))
    return tuple(rows)


ROWS = _rows()
