"""The colours of a volume of ours as a bar in a corner of the first slice view. Ranks and weights are no numbers for people: it has words only."""

from __future__ import annotations

from typing import Any

import slicer

from .application import Application


def show_legend(application: Application, volume: Any, shown: bool, title: str = "most confident") -> None:
    """Shows or hides the bar of a volume. title: what its upper end means."""
    before = slicer.modules.colors.logic().GetColorLegendDisplayNode(volume)
    if before is None and not shown:
        return
    application.colour_legend(volume, shown)
    legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(volume)
    if before is None and legend is not None:
        _arrange(legend, application, title)


def _arrange(legend: Any, application: Application, title: str) -> None:
    legend.SetSaveWithScene(False)
    legend.SetTitleText(title)
    legend.SetNumberOfLabels(0)
    legend.SetSize(0.16, 0.35)
    legend.SetPosition(0.98, 0.03)
    views = application.slice_nodes()
    if views:
        legend.AddViewNodeID(views[0].GetID())
