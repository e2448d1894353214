"""What lies over the slices: the picture at gamma is what would be accepted, and afterwards the scene is as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.small_scans import grey_values
from host.host_application import HostApplication
from host.slicer_host import SlicerHost
from panel.scene_nodes import (
    add_scan,
    add_segmentation,
    bytes_of,
    full,
)
from panel.viewing import (
    GRID,
    STRUCTURES,
    composites,
    foreground,
    ours,
    seen,
    state_of,
    truth,
)
from PartialLabelSegLib.panel.accepted import accepted_segments
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.overlay import Overlay
from PartialLabelSegLib.panel.state import Shown
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.viewed import Viewed
from PartialLabelSegLib.run.failure import Failure

Pump = Callable[[int], None]


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.66, 1.0])
def test_what_is_coloured_at_gamma_is_what_would_be_accepted(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, gamma: float
) -> None:
    assert viewed.suggestions is not None
    finish_now(overlay.show(viewed, Shown(), "", 0.5))
    overlay.set_gamma(gamma)
    both = [full(viewed.suggestions.mask(name, gamma), GRID) for name in ("Liver", "Spleen")]
    np.testing.assert_array_equal(seen(foreground(host)), both[0] | both[1])
    finish_now(overlay.set_structure("Spleen"))
    np.testing.assert_array_equal(seen(foreground(host)), both[1])
    overlay.set_gamma(1 - gamma)
    np.testing.assert_array_equal(seen(foreground(host)), full(viewed.suggestions.mask("Spleen", 1 - gamma), GRID))


def test_another_gamma_touches_nothing_but_the_display(host: SlicerHost, overlay: Overlay, viewed: Viewed) -> None:
    finish_now(overlay.show(viewed, Shown(), "Liver", 0.5))
    heard: list[str] = []
    for number in range(host.scene.GetNumberOfNodes()):
        node = host.scene.GetNthNode(number)
        if not node.IsA("vtkMRMLDisplayNode"):
            node.AddObserver("ModifiedEvent", lambda caller, event: heard.append(caller.GetName()))
    before = foreground(host).GetImageData().GetMTime()
    for gamma in (0.1, 0.2, 0.9):
        overlay.set_gamma(gamma)
    assert heard == []
    assert foreground(host).GetImageData().GetMTime() == before


def test_everything_goes_and_the_views_get_back_what_they_showed(
    host: SlicerHost, application: HostApplication, overlay: Overlay, viewed: Viewed, scan: Any
) -> None:
    users = add_scan(host.scene, GRID, grey_values(GRID), "PET")
    other = add_segmentation(scan, GRID, {"Liver": truth() == 1}, "drawn elsewhere")
    application.show_volume(scan, users, 0.3)
    viewed.expert.GetDisplayNode().SetVisibility(False)
    accepted_segments(scan, "case 1")
    before = state_of(host)
    everything = Shown(ambiguity=True, surfaces=True)
    finish_now(overlay.show(replace(viewed, others=(other,)), everything, "Liver", 0.5))
    assert not other.GetDisplayNode().GetVisibility() and viewed.expert.GetDisplayNode().GetVisibility()
    finish_now(overlay.set_structure("Spleen"))
    finish_now(overlay.accepted_changed())
    assert {"confidence", "suggested", "hatching", "not annotated", "surfaces", "accepted"} == set(ours(host))
    overlay.clear()
    assert state_of(host) == before
    overlay.clear()
    assert state_of(host) == before


def test_the_experts_segmentation_is_the_same_bytes_after_everything(
    overlay: Overlay, viewed: Viewed, scan: Any, pump: Pump
) -> None:
    before, changed = bytes_of(viewed.expert), viewed.expert.GetSegmentation().GetMTime()
    finish_now(overlay.show(viewed, Shown(ambiguity=True, surfaces=True), "", 0.5))
    assert viewed.suggestions is not None
    accepted = accepted_segments(scan, "case 1")
    region = viewed.suggestions.mask("Liver", 0.5)
    assert region is not None
    accepted.add(STRUCTURES[0], region, "accepted")
    finish_now(overlay.accepted_changed())
    pump(20)
    overlay.clear()
    assert bytes_of(viewed.expert) == before
    assert viewed.expert.GetSegmentation().GetMTime() == changed


def test_the_overlay_follows_a_scan_under_a_transform(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, scan: Any
) -> None:
    transform = host.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    for node in (scan, viewed.expert):
        node.SetAndObserveTransformNodeID(transform.GetID())
    accepted_segments(scan, "case 1")
    finish_now(overlay.show(viewed, Shown(ambiguity=True, surfaces=True), "Liver", 0.5))
    for node in ours(host).values():
        assert node.GetTransformNodeID() == transform.GetID()


def test_nodes_that_the_user_deletes_do_no_harm(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, scan: Any, pump: Pump
) -> None:
    accepted_segments(scan, "case 1")
    finish_now(overlay.show(viewed, Shown(ambiguity=True, surfaces=True), "Liver", 0.5))
    for node in ours(host).values():
        host.scene.RemoveNode(node)
    overlay.set_gamma(0.3)
    finish_now(overlay.set_structure("Spleen"))
    finish_now(overlay.accepted_changed())
    assert foreground(host).GetName() == "CT 1 Spleen confidence"
    host.scene.RemoveNode(scan)
    overlay.set_gamma(0.2)
    pump(10)
    overlay.clear()
    assert ours(host) == {}


def test_surfaces_that_are_given_up_half_made_are_gone(host: SlicerHost, overlay: Overlay, viewed: Viewed) -> None:
    work = overlay.show(viewed, Shown(surfaces=True), "", 0.5)
    assert any("surfaces" in ours(host) for _ in work)
    work.close()
    assert "surfaces" not in ours(host)
    overlay.clear()
    assert ours(host) == {}


def test_a_closed_scene_is_forgotten(host: SlicerHost, overlay: Overlay, viewed: Viewed, pump: Pump) -> None:
    accepted_segments(viewed.volume, "case 1")
    finish_now(overlay.show(viewed, Shown(surfaces=True), "Liver", 0.5))
    host.close_scene()
    overlay.forget()
    overlay.set_gamma(0.5)
    pump(10)
    assert ours(host) == {}
    assert overlay.accepted() is None


def test_another_scan_takes_the_place_of_the_first(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, viewed_folder: Path
) -> None:
    other = add_scan(host.scene, GRID, grey_values(GRID), "CT 2")
    drawn = add_segmentation(other, GRID, {"Liver": truth() == 1}, "drawn 2")
    finish_now(overlay.show(replace(viewed, others=(drawn,)), Shown(), "", 0.5))
    second = Viewed("case 2", other, STRUCTURES, drawn, None, None, (viewed.expert,))
    finish_now(overlay.show(second, Shown(ambiguity=True), "Liver", 0.5))
    assert foreground(host) is None and ours(host) == {}
    assert {view.GetBackgroundVolumeID() for view in composites(host)} == {other.GetID()}
    assert drawn.GetDisplayNode().GetVisibility() and not viewed.expert.GetDisplayNode().GetVisibility()
    overlay.clear()
    assert viewed.expert.GetDisplayNode().GetVisibility()


def test_a_scene_is_saved_without_what_can_be_read_again(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, scan: Any, tmp_path: Path
) -> None:
    accepted = accepted_segments(scan, "case 1")
    assert viewed.suggestions is not None
    region = viewed.suggestions.mask("Liver", 0.5)
    assert region is not None
    accepted.add(STRUCTURES[0], region, "accepted")
    finish_now(overlay.show(viewed, Shown(ambiguity=True, surfaces=True), "Liver", 0.5))
    host.save_scene(tmp_path / "a.mrb")
    host.open_scene(tmp_path / "a.mrb")
    overlay.forget()
    assert set(ours(host)) == {"accepted"}
    assert nodes_of_class(host.scene, "vtkMRMLColorLegendDisplayNode") == []
    assert len(nodes_of_class(host.scene, "vtkMRMLScalarVolumeNode")) == 1
    scan = host.scene.GetFirstNodeByName("CT 1")
    np.testing.assert_array_equal(full(accepted_segments(scan, "case 1").mask("Liver"), GRID), full(region, GRID))


def test_a_scene_saved_meanwhile_still_gives_back_how_the_user_saw_it(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, scan: Any, tmp_path: Path
) -> None:
    other = add_segmentation(scan, GRID, {"Liver": truth() == 1}, "drawn elsewhere")
    finish_now(overlay.show(replace(viewed, others=(other,)), Shown(), "", 0.5))
    host.save_scene(tmp_path / "a.mrb")
    host.open_scene(tmp_path / "a.mrb")
    overlay.forget()
    displays = {name: host.scene.GetFirstNodeByName(name).GetDisplayNode() for name in ("drawn", "drawn elsewhere")}
    assert not displays["drawn elsewhere"].GetVisibility() and not displays["drawn"].GetVisibility2DOutline()
    overlay.clear()
    for display in displays.values():
        assert display.GetVisibility() and display.GetVisibility2DOutline()


def test_suggestions_for_another_image_are_a_sentence_and_change_nothing(
    host: SlicerHost, overlay: Overlay, viewed: Viewed, scan: Any
) -> None:
    scan.SetOrigin(0, 0, 0)
    before = state_of(host)
    with pytest.raises(Failure, match="'case 1'.*another image"):
        finish_now(overlay.show(viewed, Shown(), "", 0.5))
    assert state_of(host) == before
    finish_now(overlay.set_shown(Shown()))
    finish_now(overlay.accepted_changed())
    assert state_of(host) == before
