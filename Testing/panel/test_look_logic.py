"""Look: the scan and the structure of the state are in the views, from the scene or from the run's folder, and leave them as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.host_application import HostApplication
from panel.at_desk import AtDesk, desks
from panel.deciding import GRID, LIVER, predict
from panel.scene_nodes import add_scan, bytes_of
from PartialLabelSegLib.panel.geometry import point_of
from PartialLabelSegLib.panel.view_models_decide import AMBIGUITY, CONFIDENCE, OUTLINES, SURFACES

Wait = Callable[..., None]


Make = Callable[..., AtDesk]


@pytest.fixture
def make(application: HostApplication, tmp_path: Path, wait_until: Wait) -> Iterator[Make]:
    with desks(application, tmp_path / "work", wait_until, "look") as make:
        yield make


@pytest.fixture
def at(make: Make) -> AtDesk:
    return make()


def composite(at: AtDesk) -> Any:
    return at.scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")


def ours(at: AtDesk) -> list[str]:
    """The names of all nodes of ours that are in the scene."""
    nodes = [at.scene.GetNthNode(place) for place in range(at.scene.GetNumberOfNodes())]
    return sorted(
        node.GetName()
        for node in nodes
        if node.GetAttribute("PartialLabelSeg.Role") not in (None, "colours of confidence")
    )


def test_a_scan_of_the_scene_is_shown_with_its_suggestions(at: AtDesk) -> None:
    view = at.look.view()
    assert (view.scan, view.structure, view.message) == ("CT 1", "", "")
    assert composite(at).GetBackgroundVolumeID() == at.volume.GetID()
    assert at.look.viewed is not None and at.look.viewed.expert is at.drawn
    assert [choice.key for choice in view.structures] == ["", "Liver", "Spleen", "Tumour"]


def test_a_scan_on_disk_is_loaded_once(at: AtDesk) -> None:
    at.look.scan_chosen("CT 2")
    at.settle()
    loaded = at.scene.GetNodeByID(composite(at).GetBackgroundVolumeID())
    assert loaded.GetName() == "CT 2" and loaded.GetImageData().GetDimensions() == GRID.size
    at.look.scan_chosen("CT 1")
    at.settle()
    at.look.scan_chosen("CT 2")
    at.settle()
    assert composite(at).GetBackgroundVolumeID() == loaded.GetID()
    assert ours(at).count("CT 2") == 1


def test_only_a_few_scans_from_disk_stay_loaded(at: AtDesk) -> None:
    for name in ("CT 2", "CT 3", "CT 4", "CT 2"):
        at.look.scan_chosen(name)
        at.settle()
    names = [name for name in ours(at) if name.startswith("CT") and len(name) == 4]
    assert names == ["CT 2", "CT 3", "CT 4"]


def test_every_scan_of_the_run_can_be_chosen_also_those_that_are_in_no_row(at: AtDesk) -> None:
    assert [choice.key for choice in at.look.view().scans] == ["CT 1", "CT 2", "CT 3", "CT 4"]


def test_choosing_a_structure_jumps_into_it_and_shows_its_ambiguity_on_demand(at: AtDesk) -> None:
    assert AMBIGUITY in at.look.view().why_not
    at.look.show("CT 1", "Liver", (4, 5, 3))
    at.settle()
    view = at.look.view()
    assert view.structure == "Liver" and AMBIGUITY not in view.why_not
    assert view.legend is not None and "Liver" in view.legend.title
    red = at.scene.GetNodeByID("vtkMRMLSliceNodeRed")
    wanted = point_of(at.volume, (4, 5, 3))
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(wanted[2], abs=0.6 * GRID.spacing[2])
    at.look.thing_shown(AMBIGUITY, True)
    at.settle()
    assert "CT 1 not annotated" in ours(at)


def test_what_is_shown_follows_the_boxes_and_is_kept_with_the_scene(at: AtDesk) -> None:
    (outlines,) = at.nodes("suggested")
    assert outlines.GetDisplayVisibility()
    at.look.thing_shown(OUTLINES, False)
    at.settle()
    assert not outlines.GetDisplayVisibility() and not at.desk.state.overlay.outlines
    at.look.thing_shown(CONFIDENCE, False)
    at.settle()
    assert not composite(at).GetForegroundVolumeID()
    at.look.opacity_changed(0.25)
    at.look.thing_shown(CONFIDENCE, True)
    at.settle()
    assert composite(at).GetForegroundOpacity() == pytest.approx(0.25)
    assert at.look.view().opacity == 0.25


def test_without_suggestions_it_says_so_and_they_appear_when_they_are_there(make: Make) -> None:
    at = make("CT 2")
    at.look.scan_chosen("CT 1")
    at.settle()
    view = at.look.view()
    assert "Nothing is suggested in CT 1 yet" in view.message and CONFIDENCE in view.why_not
    assert [choice.words for choice in view.scans] == ["CT 1 (not yet)", "CT 2", "CT 3 (not yet)", "CT 4 (not yet)"]
    predict(at.run, "CT 1")
    at.settle()
    assert at.look.view().message == "" and at.look.viewed is not None
    found = at.look.viewed.suggestions
    assert found is not None and int(np.count_nonzero(found.label[LIVER])) == 120


def test_a_volume_that_is_not_the_one_learned_from_is_refused_in_a_sentence(at: AtDesk) -> None:
    at.look.scan_chosen("CT 2")
    at.settle()
    at.volume.SetSpacing(1.0, 2.0, 4.0)
    at.look.scan_chosen("CT 1")
    at.settle()
    message = at.look.view().message
    assert "CT 1" in message and "another size or place" in message
    assert at.nodes("suggested") == []


def test_leaving_the_step_gives_the_views_back_and_leaves_nothing_of_ours(at: AtDesk) -> None:
    before = bytes_of(at.drawn)
    other = add_scan(at.scene, GRID, np.zeros(GRID.shape, np.int16), "PET")
    at.desk.change(step="scans")
    at.settle()
    composite(at).SetForegroundVolumeID(other.GetID())
    at.desk.change(step="look")
    at.settle()
    assert composite(at).GetForegroundVolumeID() != other.GetID()
    at.desk.change(step="finish")
    at.settle()
    assert composite(at).GetForegroundVolumeID() == other.GetID()
    assert ours(at) == [] and bytes_of(at.drawn) == before


def test_a_volume_that_the_user_deletes_is_missed_in_a_sentence(at: AtDesk) -> None:
    at.scene.RemoveNode(at.volume)
    at.settle()
    view = at.look.view()
    # The run holds the scan, so it is loaded from there.
    assert view.message == "" and at.scene.GetNodeByID(composite(at).GetBackgroundVolumeID()) is not None


def test_a_closed_scene_forgets_everything(at: AtDesk, pump: Callable[[int], None]) -> None:
    at.scene.Clear(0)
    pump(50)
    assert at.look.viewed is None and at.look.view().scans == ()
    assert "no scan" in at.look.view().message.lower()


def test_surfaces_open_the_3d_view(at: AtDesk, application: HostApplication) -> None:
    at.look.thing_shown(SURFACES, True)
    at.settle()
    assert application.shown_3d == [True]
