"""The rows of the benchmark of bounded sizes: the left ventricle with few labelled patients, and organs with few labels."""

from __future__ import annotations

from benchmarks.kinds_claims import Claim
from benchmarks.kinds_rows import Row
from benchmarks.kinds_study import Made

PATIENTS = (5, 10, 20)
TRAINING = 24
"""Of the 30 patients six are held out in each fold."""
FS, PROPOSALS, LEARNED, MARGIN, MORE, ORACLE = (
    "FS",
    "Proposals",
    "size curriculum, learned interval",
    "size curriculum, margin 0.1",
    "size, centroid and extent",
    "Oracle",
)
TITLES = (FS, PROPOSALS, LEARNED, MARGIN, MORE, ORACLE)
PAPER = {
    (FS, 5): "24.8 (4.9)",
    (FS, 10): "44.4 (8.3)",
    (FS, 20): "71.7 (3.2)",
    (PROPOSALS, 5): "8.1 (0.8)",
    (PROPOSALS, 10): "43.9 (2.9)",
    (PROPOSALS, 20): "49.1 (5.0)",
    (MARGIN, 5): "53.1 (3.0)",
    (MARGIN, 10): "58.5 (3.6)",
    (MARGIN, 20): "72.7 (1.6)",
    (ORACLE, 5): "74.3 (2.5)",
    (ORACLE, 10): "75.7 (3.9)",
    (ORACLE, 20): "79.0 (2.5)",
}
"""Table 1: validation Dice in percent, mean (standard deviation) over the last 50 of 100 epochs."""
ALPHAS = (10, 30)


def ventricle_table(patients: int) -> str:
    return f"acdc left ventricle, n = {patients}"


def ventricle_rows(patients: int) -> list[Row]:
    made = Made(patients / TRAINING, at_least=patients)
    table = ventricle_table(patients)

    def row(title: str, method: str, *bounds: str, margin: float = 0.0, oracle: bool = False) -> Row:
        plan = {"margin": margin} if bounds else {}
        paper = PAPER.get((title, patients), "")
        return Row(table, title, "acdc-lv", made, method, bounds=bounds, plan=plan, oracle=oracle, paper=paper)

    return [
        row(FS, "ambiguity-only"),
        row(PROPOSALS, "all-pseudo-labels"),
        row(LEARNED, "ambiguity-only", "size"),
        row(MARGIN, "ambiguity-only", "size", margin=0.1),
        row(MORE, "ambiguity-only", "size", "centroid", "extent"),
        row(ORACLE, "ambiguity-only", "size", oracle=True),
    ]


def organ_table(alpha: int) -> str:
    return f"openkbp, α = {alpha} %"


def organ_rows(alpha: int) -> list[Row]:
    made = Made(1.0, alpha=alpha)
    table = organ_table(alpha)
    return [
        Row(table, f"{method}{', size' if bounds else ''}", "openkbp", made, method, bounds=bounds)
        for method in ("ambiguity-only", "full")
        for bounds in ((), ("size",))
    ]


def size_rows() -> tuple[Row, ...]:
    rows = [row for patients in PATIENTS for row in ventricle_rows(patients)]
    return (*rows, *(row for alpha in ALPHAS for row in organ_rows(alpha)))


def size_claims() -> tuple[Claim, ...]:
    """The paper's order, and what is hoped of bounds beside INERRANT."""
    claims = []
    for patients in PATIENTS:
        table = ventricle_table(patients)
        claims += [Claim(table, better, FS) for better in (MARGIN, ORACLE)]
        claims += [Claim(table, LEARNED, FS, "the interval's reason"), Claim(table, FS, PROPOSALS)]
        claims += [Claim(table, ORACLE, MARGIN), Claim(table, LEARNED, MARGIN, "the interval's reason")]
        claims.append(Claim(table, MORE, LEARNED, "the paper, of other attributes"))
    for alpha in ALPHAS:
        for method in ("ambiguity-only", "full"):
            claims.append(Claim(organ_table(alpha), f"{method}, size", method, "an addition to INERRANT"))
    return tuple(claims)
