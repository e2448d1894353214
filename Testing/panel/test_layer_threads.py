"""The filters that colour our layer share VTK's pool; what the user shows is coloured as Slicer does it, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np

from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan
from panel.viewing import GRID, composites
from PartialLabelSegLib.panel.layer_threads import filters_of
from PartialLabelSegLib.panel.overlay import Overlay
from PartialLabelSegLib.panel.state import Shown
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.viewed import Viewed


def in_pool(host: SlicerHost, layer: str) -> set[bool]:
    """What the filters of all views' layers say."""
    layers = [getattr(logic, f"Get{layer}Layer")() for logic in host.slice_logics.values()]
    found = [[bool(each.GetEnableSMP()) for each in filters_of(item)] for item in layers]
    assert all(len(each) > 4 for each in found), "the colours of a volume take several filters"
    return {answer for each in found for answer in each}


def foreground_of_user(host: SlicerHost, node: Any) -> None:
    for composite in composites(host):
        composite.SetForegroundVolumeID(node.GetID())


def test_only_the_filters_of_our_layer_share_the_pool(host: SlicerHost, overlay: Overlay, viewed: Viewed) -> None:
    other = add_scan(host.scene, GRID, np.ones(GRID.shape, np.int16), "PET")
    foreground_of_user(host, other)
    assert in_pool(host, "Foreground") == {False}
    finish_now(overlay.show(viewed, Shown(), "Liver", 0.5))
    assert in_pool(host, "Foreground") == {True}
    assert in_pool(host, "Background") == {False}
    finish_now(overlay.set_structure("Spleen"))
    assert in_pool(host, "Foreground") == {True}
    overlay.clear()
    foreground_of_user(host, other)
    assert in_pool(host, "Foreground") == {False}


def test_the_picture_is_the_same_as_with_threads(host: SlicerHost, overlay: Overlay, viewed: Viewed) -> None:
    finish_now(overlay.show(viewed, Shown(), "Liver", 0.5))

    def pictures() -> list[bytes]:
        found = []
        for logic in host.slice_logics.values():
            logic.GetBlend().Update()
            found.append(bytes(memoryview(logic.GetBlend().GetOutput().GetPointData().GetScalars())))
        return found

    overlay.set_gamma(0.7)
    pooled = pictures()
    for logic in host.slice_logics.values():
        for each in filters_of(logic.GetForegroundLayer()):
            each.SetEnableSMP(False)
    overlay.set_gamma(0.2)
    assert pictures() != pooled
    overlay.set_gamma(0.7)
    assert pictures() == pooled
