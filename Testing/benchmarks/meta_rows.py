"""The rows of the benchmark of meta-learned weights: noisy labels at three levels, none at all, and both; with the paper's numbers beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.kinds_claims import Claim
from benchmarks.kinds_rows import EVEN_PLAN, Row
from benchmarks.kinds_study import ALL_CHECKED, Made

STUDY_NAMES = ("hippocampus", "acdc")
LEVELS = (0.41, 0.62, 0.80)
MAIN = 0.62
TRUSTED = 0.1
ONLY, GIVEN, FIXED, FULL, CLEAN = (
    "trusted only",
    "all labels as given",
    "fixed weights",
    "MLB-Seg",
    "all labels checked",
)
NO_VIEWS, NO_TEACHER = "MLB-Seg without PLE", "MLB-Seg without teacher"
ALONE = "meta-weights alone (no PLE, no teacher)"
SUPERVISED, JOINT, NESTED = "MLB-Seg + supervised step", "MLB-Seg, joint normalisation", "MLB-Seg, U-Net++"
EVEN = "agreeing labels alike + supervised step (no PLE, no teacher)"
ROBUST = "all labels as given, loss gce"
PAPER = "paper: Dice % (PROMISE12)"
NOISY_PAPER = {
    (ONLY, MAIN): "73.04",
    (GIVEN, 0.41): "59.77",
    (GIVEN, MAIN): "73.74",
    (GIVEN, 0.80): "80.03",
    (ROBUST, MAIN): "75.43 (ELR)",
    (ALONE, MAIN): "76.64 (NL reweighting)",
    (FULL, 0.41): "77.70",
    (FULL, MAIN): "80.83",
    (FULL, 0.80): "82.01",
    (NESTED, MAIN): "80.83",
    (CLEAN, MAIN): "83.72",
}
SEMI = "acdc, 10 % trusted, rest unlabelled"
PROPOSALS, ROUNDS = "all predictions as labels", "full (INERRANT)"
TOGETHER = "full (INERRANT), agreeing labels alike"
PART = "initial labels counted in part"
"""Those of MLB-Seg with fixed weights: `--method mlb --doubtful fixed`."""
MIXED_PAPER = {25: "77.70", 50: "79.34", 75: "80.15"}


def noisy_table(study: str, level: float) -> str:
    return f"{study}, quick labels at Dice {level:.2f}"


def noisy_rows(study: str, level: float) -> list[Row]:
    """At the main level every variant; at the others what tells how much noise is borne."""
    made = Made(TRUSTED, 1 - TRUSTED, level)

    def row(title: str, doubtful: str, labels: Made = made, **plan: Any) -> Row:
        paper = NOISY_PAPER.get((title, level), "")
        return Row(noisy_table(study, level), title, study, labels, doubtful=doubtful, plan=plan, paper=paper)

    main = [
        row(GIVEN, "as-given"),
        row(FIXED, "fixed"),
        row(FULL, "weigh"),
        row(EVEN, "weigh", **EVEN_PLAN),
    ]
    if level != MAIN:
        return main
    return [
        row(ONLY, "leave-out"),
        *main,
        row(ROBUST, "as-given", loss="gce+dice"),
        row(ALONE, "weigh", views=0, teacher=0.0),
        row(NO_VIEWS, "weigh", views=0),
        row(NO_TEACHER, "weigh", teacher=0.0),
        row(SUPERVISED, "weigh", supervised_step=True),
        row(JOINT, "weigh", normalised="joint"),
        row(NESTED, "weigh", architecture="unet++"),
        row(CLEAN, "as-given", ALL_CHECKED),
    ]


def semi_rows() -> list[Row]:
    """A tenth trusted, nothing known of the others."""
    made = Made(TRUSTED)

    def row(title: str, method: str, paper: str = "", labels: Made = made, doubtful: str = "as-given") -> Row:
        return Row(SEMI, title, "acdc", labels, method, doubtful, paper=paper)

    return [
        row(ONLY, "ambiguity-only", "68.85"),
        row(PROPOSALS, "all-pseudo-labels"),
        row(ROUNDS, "full"),
        row(FULL, "mlb", "77.22", doubtful="weigh"),
        replace(row(EVEN, "mlb", doubtful="weigh"), plan=EVEN_PLAN),
        row(PART, "mlb", doubtful="fixed"),
        row(CLEAN, "ambiguity-only", labels=ALL_CHECKED),
    ]


def mixed_table(percent: int) -> str:
    return f"acdc, noisy : unlabelled {percent} : {100 - percent}"


def mixed_rows(percent: int) -> list[Row]:
    """Of the scans that are not trusted `percent` are noisy, the others unlabelled."""
    made = Made(TRUSTED, (1 - TRUSTED) * percent / 100, MAIN)
    table = mixed_table(percent)
    return [
        Row(table, GIVEN, "acdc", made, "ambiguity-only", "as-given"),
        Row(table, FULL, "acdc", made, "mlb", "weigh", paper=MIXED_PAPER[percent]),
        Row(table, EVEN, "acdc", made, "mlb", "weigh", plan=EVEN_PLAN),
        Row(table, PART, "acdc", made, "mlb", "fixed"),
        Row(table, TOGETHER, "acdc", made, "full", "weigh", plan=EVEN_PLAN),
    ]


def meta_rows() -> tuple[Row, ...]:
    """The main level of both studies first, then none and both, then the other levels."""
    rows = [row for study in STUDY_NAMES for row in noisy_rows(study, MAIN)]
    rows += semi_rows()
    rows += [row for percent in MIXED_PAPER for row in mixed_rows(percent)]
    rows += [row for study in STUDY_NAMES for level in LEVELS if level != MAIN for row in noisy_rows(study, level)]
    return tuple(rows)


def meta_claims() -> tuple[Claim, ...]:
    """What the paper says, what its authors' program does beside it, and what speaks for the product's own choices."""
    claims = []
    for study in STUDY_NAMES:
        table = noisy_table(study, MAIN)
        claims += [Claim(table, FULL, worse) for worse in (ONLY, GIVEN, FIXED, ROBUST, ALONE, NO_VIEWS, NO_TEACHER)]
        claims.append(Claim(table, NESTED, FULL))
        claims += [Claim(table, EVEN, other, "ours") for other in (FULL, FIXED, ONLY, GIVEN)]
        claims += [Claim(table, FIXED, other, "ours") for other in (ONLY, GIVEN)]
        claims += [Claim(table, better, FULL, "the authors' program") for better in (SUPERVISED, JOINT)]
        claims += [Claim(noisy_table(study, level), FULL, GIVEN) for level in LEVELS if level != MAIN]
        claims += [
            Claim(noisy_table(study, level), EVEN, worse, "ours")
            for level in LEVELS
            if level != MAIN
            for worse in (GIVEN, FIXED)
        ]
    claims += [Claim(SEMI, FULL, worse) for worse in (ONLY, PROPOSALS, ROUNDS)]
    claims += [Claim(SEMI, ROUNDS, ONLY, "INERRANT")]
    claims += [Claim(SEMI, EVEN, worse, "ours") for worse in (ONLY, PART, PROPOSALS)]
    claims += [Claim(mixed_table(percent), FULL, GIVEN) for percent in MIXED_PAPER]
    claims += [Claim(mixed_table(percent), EVEN, worse, "ours") for percent in MIXED_PAPER for worse in (GIVEN, PART)]
    claims += [Claim(mixed_table(percent), TOGETHER, EVEN, "put together") for percent in MIXED_PAPER]
    return tuple(claims)
