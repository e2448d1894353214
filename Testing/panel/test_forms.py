"""How each kind of voxel is drawn: known by its form, without its colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from host.host_application import HostApplication
from host.pictures import picture
from host.slicer_host import SlicerHost
from host.window import Window
from panel.scene_nodes import (
    add_scan,
    full,
    to_ras,
)
from panel.viewing import (
    GRID,
    STRUCTURES,
    composites,
    foreground,
    ours,
    truth,
)
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel.accepted import accepted_segments
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.hatching import stripes
from PartialLabelSegLib.panel.overlay import Overlay
from PartialLabelSegLib.panel.rank_volumes import MOST_KEPT, RankVolumes
from PartialLabelSegLib.panel.state import Shown
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.viewed import Viewed

Pump = Callable[[int], None]


def test_the_colours_are_even_and_voxels_are_not_mixed(host: SlicerHost, overlay: Overlay, viewed: Viewed) -> None:
    finish_now(overlay.show(viewed, Shown(opacity=0.4), "", 0.5))
    display = foreground(host).GetDisplayNode()
    assert display.GetColorNode().GetName() == "Confidence"
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0, 65535)
    assert not display.GetInterpolate()
    assert {view.GetForegroundOpacity() for view in composites(host)} == {0.4}


def test_accepted_voxels_are_striped_and_the_stripes_follow(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, scan: Any, pump: Pump
) -> None:
    finish_now(overlay.show(viewed, Shown(), "", 0.5))
    accepted = accepted_segments(scan, "case 1")
    assert viewed.suggestions is not None
    liver, spleen = (viewed.suggestions.mask(name, 0.5) for name in ("Liver", "Spleen"))
    assert liver is not None and spleen is not None
    accepted.add(STRUCTURES[0], liver, "accepted")
    finish_now(overlay.accepted_changed())
    hatching = overlay._hatching
    assert hatching is not None

    def striped(name: str) -> np.ndarray:
        return full(hatching.segments.mask(name), GRID)

    inside = full(liver, GRID)
    assert striped("Liver").any() and not striped("Liver")[~inside].any()
    assert 0.2 < striped("Liver").sum() / inside.sum() < 0.45
    change = accepted.add(STRUCTURES[1], spleen, "accepted")
    pump(20)
    assert striped("Spleen").any()
    accepted.apply(change.reversed())
    pump(20)
    assert hatching.segments.structures() == ("Liver",)
    finish_now(overlay.set_shown(Shown(accepted=False)))
    assert not hatching.segments.node.GetDisplayVisibility() and not accepted.node.GetDisplayVisibility()


@pytest.mark.parametrize("spacing", [(0.8, 0.8, 2.5), (5.1, 2.7, 3.0), (1.0, 1.0, 1.0)])
def test_each_view_of_an_organ_shows_stripes(host: SlicerHost, spacing: tuple[float, float, float]) -> None:
    grid = Grid((40, 40, 40), spacing, (0.0, 0.0, 0.0), GRID.direction)
    scan = add_scan(host.scene, grid, np.zeros(grid.shape, np.int16))
    whole = (slice(0, 40), slice(0, 40), slice(0, 40))
    dark = finish_now(stripes(scan, (whole, np.ones(grid.shape, bool))))
    np.testing.assert_array_equal(
        finish_now(stripes(scan, ((slice(3, 9), *whole[1:]), np.ones((6, 40, 40), bool)))), dark[3:9]
    )
    for axis in range(3):
        for plane in (0, 17, 39):
            share = np.take(dark, plane, axis).mean()
            assert 0.2 < share < 0.45
            crossings = np.abs(np.diff(np.take(dark, plane, axis).astype(int), axis=1)).sum(axis=1)
            assert crossings.max() >= 4


def test_suggestions_have_outlines_only_and_those_of_one_structure_when_asked(
    host: SlicerHost, overlay: Overlay, viewed: Viewed
) -> None:
    finish_now(overlay.show(viewed, Shown(), "", 0.5))
    node = ours(host)["suggested"]
    display = node.GetDisplayNode()
    assert not display.GetVisibility2DFill() and display.GetVisibility2DOutline()

    def visible() -> list[str]:
        keys = node.GetSegmentation().GetSegmentIDs()
        return [node.GetSegmentation().GetSegment(key).GetName() for key in keys if display.GetSegmentVisibility(key)]

    assert visible() == ["Liver (suggested)", "Spleen (suggested)"]
    finish_now(overlay.set_structure("Liver"))
    assert visible() == ["Liver (suggested)"]
    finish_now(overlay.set_structure("Heart"))
    assert visible() == [] and foreground(host) is None
    finish_now(overlay.set_structure(""))
    finish_now(overlay.set_shown(Shown(outlines=False, confidence=False)))
    assert not node.GetDisplayVisibility() and foreground(host) is None


def test_the_legend_is_shown_for_what_is_shown(host: SlicerHost, overlay: Overlay, viewed: Viewed) -> None:
    def shown() -> list[str]:
        legends = nodes_of_class(host.scene, "vtkMRMLColorLegendDisplayNode")
        return [
            legend.GetPrimaryDisplayNode().GetDisplayableNode().GetName()
            for legend in legends
            if legend.GetVisibility()
        ]

    finish_now(overlay.show(viewed, Shown(), "", 0.5))
    assert shown() == ["CT 1 all confidence"]
    finish_now(overlay.set_structure("Liver"))
    assert shown() == ["CT 1 Liver confidence"]
    finish_now(overlay.set_shown(Shown(confidence=False)))
    assert shown() == []
    overlay.clear()
    assert nodes_of_class(host.scene, "vtkMRMLColorLegendDisplayNode") == []


def test_only_the_structures_looked_at_last_are_kept(host: SlicerHost, viewed: Viewed) -> None:
    assert viewed.suggestions is not None
    box = viewed.suggestions.boxes["Liver"]
    many = tuple(f"organ {number}" for number in range(MOST_KEPT + 4))
    suggestions = replace(viewed.suggestions, structures=many, boxes=dict.fromkeys(many, box))
    ranks = RankVolumes(viewed.volume, suggestions)
    for name in many:
        finish_now(ranks.make(name))
    assert len(ranks.nodes()) == MOST_KEPT and ranks.node(many[-1]) is not None and ranks.node(many[0]) is None
    ranks.remove()
    assert ranks.nodes() == []


def test_surfaces_show_what_was_drawn_solid_and_what_is_suggested_see_through(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, scan: Any
) -> None:
    finish_now(overlay.show(viewed, Shown(surfaces=True), "", 1.0))
    node = ours(host)["surfaces"]
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    found = {
        segmentation.GetSegment(key).GetName(): (segmentation.GetSegment(key), display.GetSegmentOpacity3D(key))
        for key in segmentation.GetSegmentIDs()
    }
    assert {name: opacity for name, (_, opacity) in found.items()} == {"Aorta": 1.0, "Liver": 0.4, "Spleen": 0.4}
    assert viewed.suggestions is not None
    for name, mask in (("Liver", full(viewed.suggestions.mask("Liver", 1.0), GRID)), ("Aorta", truth() == 3)):
        bounds = [0.0] * 6
        found[name][0].GetRepresentation("Closed surface").GetBounds(bounds)
        places = np.argwhere(mask)[:, ::-1]
        ras = (to_ras(GRID) @ np.c_[places, np.ones(len(places))].T)[:3]
        np.testing.assert_allclose(bounds[::2], ras.min(axis=1), atol=3)
        np.testing.assert_allclose(bounds[1::2], ras.max(axis=1), atol=3)
    assert not display.GetVisibility2D()


def test_the_views_show_it_all(
    window: Window, application: HostApplication, overlay: Overlay, viewed: Viewed, scan: Any, pump: Pump
) -> None:
    assert viewed.suggestions is not None
    scan.GetDisplayNode().AutoWindowLevelOff()
    scan.GetDisplayNode().SetWindowLevelMinMax(-20, 100)
    window.resize(1000, 800, 0)
    accepted = accepted_segments(scan, "case 1")
    region = viewed.suggestions.mask("Liver", 0.7)
    assert region is not None
    accepted.add(STRUCTURES[0], region, "accepted")
    finish_now(overlay.show(viewed, Shown(surfaces=True), "", 0.7))
    pump(50)
    picture(window, "overlay")
    red = window.labels["Red"].view
    with_all = red.pixels().astype(int)
    coloured = np.ptp(with_all, axis=2) > 40
    assert 0.02 < coloured.mean() < 0.6
    overlay.set_gamma(0.2)
    assert (red.pixels().astype(int) != with_all).any()
    finish_now(overlay.set_shown(Shown(confidence=False, outlines=False, expert=False, accepted=False)))
    assert (np.ptp(red.pixels().astype(int), axis=2) > 40).mean() < 0.001
