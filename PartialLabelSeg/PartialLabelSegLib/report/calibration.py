"""Reliability as a chart: how often the structure truly is where it was called so likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..metrics.calibration import Reliability
from .charts import Frame, Series, line_chart

COLORS = ("#0b62a8", "#b3460b", "#2f7d32", "#7b3fa0", "#8a6d00", "#a11d4b", "#00716b", "#5b5f66", "#4059d6")


def reliability_chart(curves: Mapping[str, Reliability], fewest: int = 50, colors: Sequence[str] = COLORS) -> str:
    """An SVG with a curve for each model; the diagonal is perfect. Bins with fewer than `fewest` voxels are left out: their frequency is chance.

    Without a bin that has enough it is a sentence (`<p>`), as in charts.py.
    """
    series = [
        Series(
            name=f"{name} (ECE {curve.ece:.3f})",
            color=colors[number % len(colors)],
            points=[
                (float(x), float(y))
                for x, y, count in zip(curve.mean_probability, curve.frequency, curve.counts)
                if count >= fewest
            ],
        )
        for number, (name, curve) in enumerate(curves.items())
    ]
    drawn = [item for item in series if item.points]
    diagonal = [Series("perfect", "var(--soft)", [(0.0, 0.0), (1.0, 1.0)], dash="4 4")] if drawn else []
    return line_chart(
        [*diagonal, *drawn], Frame("predicted probability", "share of raters or of voxels", (0.0, 1.0), height=420)
    )
