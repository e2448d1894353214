"""Labels to check: listed by doubt, jumped to, and shown over the slices; nothing of it where no label was weighed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.host_application import HostApplication
from host.pictures import picture
from host.window import Window
from panel.at_desk import AtDesk, desks
from panel.deciding import GRID, region, tumour_weights, write_weights
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.geometry import matrix_array, point_of
from PartialLabelSegLib.panel.view_models_decide import CONFIDENCE, DOUBTS, OUTLINE
from PartialLabelSegLib.panel.volumes import image_array

Wait = Callable[..., None]
Make = Callable[..., AtDesk]
WEIGHTS = -tumour_weights()
"""The only voxel that is drawn is supported."""
REGIONS = (
    region("Tumour", 0.4, (4, 5, 3)),
    region("Liver", 0.9, (2, 7, 6), "is it missing here?"),
    region("Tumour", 0.6, (8, 2, 1)),
)


@pytest.fixture
def make(application: HostApplication, tmp_path: Path, wait_until: Wait) -> Iterator[Make]:
    with desks(application, tmp_path / "work", wait_until, "look") as make:
        yield make


@pytest.fixture
def at(make: Make) -> AtDesk:
    """CT 1, whose tumour was drawn quickly and weighed."""
    made = make()
    write_weights(made.run, "CT 1", {"Tumour": WEIGHTS}, REGIONS)
    made.settle()
    return made


def map_of(at: AtDesk) -> Any:
    """The volume in the foreground of the views."""
    composite = at.scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    return at.scene.GetNodeByID(composite.GetForegroundVolumeID() or "")


def show_map(at: AtDesk) -> None:
    at.look.structure_chosen("Tumour")
    at.look.thing_shown(DOUBTS, True)
    at.settle()


def seen(weights: np.ndarray) -> np.ndarray:
    """Support is shown only where the tumour is drawn, in the first voxel; doubt is shown everywhere."""
    expected = np.minimum(weights, 0)
    expected[0, 0, 0] = weights[0, 0, 0]
    return expected


def color_in_view(at: AtDesk, ijk: tuple[int, int, int]) -> list[float]:
    """Red, green and blue (0..255) of a voxel in the axial view, as its layers make them."""
    ras = point_of(at.volume, ijk)
    at.application.jump_to(ras)
    logic = at.application.host.slice_logics["Red"]
    place = np.linalg.inv(matrix_array(logic.GetSliceNode().GetXYToRAS())) @ [*ras, 1.0]
    source = logic.GetImageDataConnection().GetProducer()
    source.Update()
    x, y = (int(value) for value in np.rint(place[:2]))
    return [source.GetOutputDataObject(0).GetScalarComponentAsDouble(x, y, 0, part) for part in range(3)]


def test_where_no_label_was_weighed_nothing_speaks_of_it(make: Make) -> None:
    assert make().look.view().doubts is None


def test_the_most_doubtful_come_first_in_words(at: AtDesk) -> None:
    view = at.look.view().doubts
    assert view is not None
    assert [row.sentence for row in view.rows] == [
        "Liver, not drawn here, other scans speak for it, 3.2 mL",
        "Tumour, drawn here, other scans speak against it, 3.2 mL",
        "Tumour, drawn here, other scans speak against it, 3.2 mL",
    ]
    assert [row.question for row in view.rows[:2]] == ["is it missing here?", "should it be here?"]
    assert view.note == "3 places to check, the most doubtful first."


def test_another_scan_of_the_run_says_why_it_has_none(at: AtDesk) -> None:
    at.look.scan_chosen("CT 2")
    at.settle()
    view = at.look.view()
    assert view.doubts is not None and view.doubts.rows == ()
    assert "No label of this scan was weighed" in view.doubts.note
    assert "was weighed" in view.why_not[DOUBTS]


def test_a_place_is_jumped_to_and_its_structure_shown(at: AtDesk) -> None:
    at.look.doubt_chosen(2)
    at.settle()
    assert at.look.view().structure == "Tumour"
    red = at.scene.GetNodeByID("vtkMRMLSliceNodeRed")
    wanted = point_of(at.volume, (8, 2, 1))
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(wanted[2], abs=0.6 * GRID.spacing[2])
    at.look.doubt_chosen(9)
    assert at.look.view().structure == "Tumour"


def test_the_weights_lie_over_the_slices_in_place_of_the_confidence(at: AtDesk) -> None:
    assert DOUBTS in at.look.view().why_not, "of all structures together there is no map"
    show_map(at)
    node = map_of(at)
    np.testing.assert_array_equal(image_array(node.GetImageData()), seen(WEIGHTS))
    display = node.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-3000, 3000), "log-odds, 1000 for 1"
    assert display.GetColorNode().GetName() == "Weights of labels" and not display.GetInterpolate()
    view = at.look.view()
    assert DOUBTS not in view.why_not and "in its place" in view.why_not[CONFIDENCE]
    assert view.legend is not None and view.legend.title == "The given label of Tumour"
    assert (view.legend.low, view.legend.high) == ("others speak against it", "others support it")
    drawn = at.drawn.GetDisplayNode()
    assert drawn.GetVisibility2DOutline() and not drawn.GetVisibility2DFill(), "the weights inside it are seen"
    assert [entry.form for entry in view.legend.key].count(OUTLINE) == 1, "only the given label has an outline"
    at.look.structure_chosen("Liver")
    at.settle()
    assert drawn.GetVisibility2DFill() and not drawn.GetVisibility2DOutline()
    assert "Liver was not weighed" in at.look.view().why_not[DOUBTS]
    assert "confidence" in map_of(at).GetName()
    show_map(at)
    at.look.thing_shown(DOUBTS, False)
    at.settle()
    # Nothing of a tumour is suggested.
    assert map_of(at) is None and at.look.view().legend.title == "Confidence in Tumour"  # type: ignore[union-attr]


def test_doubt_support_and_nothing_look_different_in_the_views(at: AtDesk, window: Window, pump: Any) -> None:
    at.look.opacity_changed(1.0)
    show_map(at)
    pump(50)
    places = ((11, 5, 3), (0, 0, 0), (5, 5, 3), (0, 5, 3))
    against, support, *nothing = (color_in_view(at, place) for place in places)
    assert against[0] > 1.5 * against[2] and support[2] > 1.5 * support[0]
    assert all(max(color) - min(color) < 3 for color in nothing), "the scan is seen, which is grey"
    picture(window, "doubts_in_the_views")


def test_who_decides_sees_the_suggestions(at: AtDesk) -> None:
    show_map(at)
    at.desk.change(step="decide")
    at.settle()
    at.choose("CT 1", "Liver")
    assert "confidence" in map_of(at).GetName()
    at.desk.change(step="look", structure="Tumour")
    at.settle()
    assert map_of(at).GetName() == "CT 1 Tumour weights of the label"


def test_nothing_of_it_stays_in_the_scene(at: AtDesk) -> None:
    show_map(at)
    at.desk.change(step="finish")
    at.settle()
    names = [node.GetName() for node in nodes_of_class(at.scene, "vtkMRMLScalarVolumeNode")]
    assert names == ["CT 1"] and map_of(at) is None


def test_new_weights_are_shown_when_they_are_there(at: AtDesk) -> None:
    show_map(at)
    folder = at.run.round(0).weights("CT_1")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    write_weights(at.run, "CT 1", {"Tumour": -WEIGHTS}, REGIONS[:1])
    at.settle()
    np.testing.assert_array_equal(image_array(map_of(at).GetImageData()), seen(-WEIGHTS))
    assert len(at.look.view().doubts.rows) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["weights-3.nrrd", "doubts.json"])
def test_damaged_files_are_a_sentence(at: AtDesk, name: str) -> None:
    path = at.run.round(0).weights("CT_1") / name
    path.write_bytes(path.read_bytes()[:-20])
    show_map(at)
    view = at.look.view()
    assert view.doubts is not None
    said = view.message if name.endswith("nrrd") else view.doubts.note
    assert "damaged" in said and said.endswith(".")


def test_a_scan_without_suggestions_has_labels_to_check_too(make: Make) -> None:
    made = make("CT 2")
    write_weights(made.run, "CT 1", {"Tumour": WEIGHTS}, REGIONS)
    made.look.scan_chosen("CT 1")
    made.settle()
    show_map(made)
    np.testing.assert_array_equal(image_array(map_of(made).GetImageData()), seen(WEIGHTS))
    made.volume.SetSpacing(1.0, 2.0, 4.0)
    made.look.reload()
    made.settle()
    assert "another size or place" in made.look.view().message
