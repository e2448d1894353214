"""Voxels that are accepted, taken away and put back box by box; whatever is done can be undone exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.small_scans import OBLIQUE, blocks, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, add_segmentation, bytes_of, full, mask_by_points
from PartialLabelSegLib.data.types import Structure
from PartialLabelSegLib.panel.accepted import accepted_segments, completed_segments, finish_structure, united
from PartialLabelSegLib.panel.masks import Region, tight
from PartialLabelSegLib.panel.own_segments import OwnSegments, own_node

LIVER = Structure("Liver", (0.5, 0.25, 0.75), "code^liver")
SPLEEN = Structure("Spleen", (0.0, 0.5, 1.0))
EVERYWHERE = (slice(0, OBLIQUE.shape[0]), slice(0, OBLIQUE.shape[1]), slice(0, OBLIQUE.shape[2]))


@pytest.fixture
def scan(host: SlicerHost) -> Any:
    return add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))


@pytest.fixture
def accepted(scan: Any) -> OwnSegments:
    return accepted_segments(scan, "case 1")


def region(mask: np.ndarray) -> Region:
    found = tight(EVERYWHERE, mask)
    assert found is not None
    return found


def block(z: int, y: int, x: int) -> Region:
    return region(blocks(OBLIQUE, a=(z, y, x))["a"])


def noise(seed: int, share: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).random(OBLIQUE.shape) < share


def test_accepted_voxels_lie_exactly_where_they_were_suggested(accepted: OwnSegments) -> None:
    mask = noise(1)
    accepted.add(LIVER, region(mask), "accepted")
    key = accepted.segment_id("Liver")
    np.testing.assert_array_equal(mask_by_points(accepted.node, key, OBLIQUE), mask)
    np.testing.assert_array_equal(full(accepted.mask("Liver"), OBLIQUE), mask)
    assert accepted.voxels("Liver") == int(mask.sum())


def test_a_segment_has_name_colour_terminology_and_origin(accepted: OwnSegments) -> None:
    accepted.add(LIVER, block(0, 0, 0), "accepted")
    segment = accepted.node.GetSegmentation().GetSegment(accepted.segment_id("Liver"))
    assert (segment.GetName(), segment.GetColor()) == ("Liver", (0.5, 0.25, 0.75))
    assert accepted.origin("Liver") == "accepted"
    assert accepted.origin("Spleen") == ""
    assert accepted.node.GetName() == "case 1 accepted"
    import vtk

    term = vtk.reference("")
    assert segment.GetTag("TerminologyEntry", term) and str(term) == "code^liver"


def test_structures_do_not_touch_each_other(accepted: OwnSegments) -> None:
    accepted.add(LIVER, block(0, 0, 0), "accepted")
    accepted.add(SPLEEN, block(1, 1, 1), "accepted")
    accepted.remove(LIVER, block(1, 1, 1))
    assert accepted.structures() == ("Liver", "Spleen")
    assert (accepted.voxels("Liver"), accepted.voxels("Spleen")) == (7, 8)


def test_a_change_holds_only_what_it_changed(accepted: OwnSegments) -> None:
    accepted.add(LIVER, block(0, 0, 0), "accepted")
    again = accepted.add(LIVER, block(0, 0, 1), "accepted")
    assert again.voxels == 4
    assert accepted.add(LIVER, block(0, 0, 1), "accepted").voxels == 0
    assert accepted.remove(SPLEEN, block(0, 0, 1)).voxels == 0
    accepted.apply(again.reversed())
    np.testing.assert_array_equal(full(accepted.mask("Liver"), OBLIQUE), full(block(0, 0, 0), OBLIQUE))


def test_a_structure_without_voxels_has_no_segment(accepted: OwnSegments) -> None:
    change = accepted.add(LIVER, block(2, 2, 2), "accepted")
    accepted.apply(change.reversed())
    assert accepted.structures() == ()
    assert accepted.node.GetSegmentation().GetNumberOfSegments() == 0
    assert accepted.mask("Liver") is None and accepted.voxels("Liver") == 0
    assert accepted.clear(LIVER) is None
    accepted.apply(change)
    assert accepted.voxels("Liver") == 8


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "put", "clear"]), st.booleans(), st.integers(0, 99)), max_size=8
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(ACTIONS)
def test_undo_restores_every_step_exactly_and_redo_makes_it_again(host: SlicerHost, actions: list[Any]) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    segments = OwnSegments(own_node(scan, scan.GetID(), "accepted"), scan)

    def now() -> dict[str, tuple[bytes, str]]:
        return {
            item.name: (full(segments.mask(item.name), OBLIQUE).tobytes(), segments.origin(item.name))
            for item in (LIVER, SPLEEN)
        }

    history, changes = [now()], []
    for word, first, seed in actions:
        structure, mask = (LIVER if first else SPLEEN), noise(seed)
        if word == "clear":
            change = segments.clear(structure)
        elif word == "remove":
            change = segments.remove(structure, region(mask))
        elif word == "add":
            change = segments.add(structure, region(mask), "accepted")
        else:
            change = segments.put(structure, region(mask), "edited")
        if change is not None:
            changes.append(change)
            history.append(now())
    for change, state in zip(reversed(changes), reversed(history[:-1])):
        segments.apply(change.reversed())
        assert now() == state
    for change, state in zip(changes, history[1:]):
        segments.apply(change)
        assert now() == state


def test_a_reopened_scene_goes_on_where_it_was(host: SlicerHost, tmp_path: Path) -> None:
    """Slicer packs the segments of a saved scene into shared label maps; changing one must leave the others."""
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE), "CT")
    accepted = accepted_segments(scan, "case 1")
    liver, spleen = noise(3), noise(4) & ~noise(3)
    change = accepted.add(LIVER, region(liver), "accepted")
    accepted.add(SPLEEN, region(spleen), "edited")
    host.save_scene(tmp_path / "a.mrb")
    host.open_scene(tmp_path / "a.mrb")
    scan = host.scene.GetFirstNodeByName("CT")
    accepted = accepted_segments(scan, "case 1")
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    assert accepted.node.GetSegmentation().GetNumberOfLayers() == 1
    assert (accepted.origin("Liver"), accepted.origin("Spleen")) == ("accepted", "edited")
    np.testing.assert_array_equal(full(accepted.mask("Liver"), OBLIQUE), liver)
    more = accepted.add(LIVER, region(spleen), "accepted")
    np.testing.assert_array_equal(full(accepted.mask("Liver"), OBLIQUE), liver | spleen)
    np.testing.assert_array_equal(full(accepted.mask("Spleen"), OBLIQUE), spleen)
    accepted.apply(more.reversed())
    accepted.apply(change.reversed())
    assert accepted.structures() == ("Spleen",)
    np.testing.assert_array_equal(full(accepted.mask("Spleen"), OBLIQUE), spleen)
    np.testing.assert_array_equal(mask_by_points(accepted.node, accepted.segment_id("Spleen"), OBLIQUE), spleen)


def test_what_the_user_paints_in_an_accepted_segment_counts(accepted: OwnSegments) -> None:
    change = accepted.add(LIVER, block(0, 0, 0), "accepted")
    painted = (
        accepted.node.GetSegmentation().GetSegment(accepted.segment_id("Liver")).GetRepresentation("Binary labelmap")
    )
    painted.SetScalarComponentFromDouble(0, 0, 0, 0, 0)
    painted.Modified()
    assert accepted.voxels("Liver") == 7
    accepted.node.GetSegmentation().GetNthSegment(0).SetName("my liver")
    accepted.apply(change.reversed())
    assert accepted.structures() == ()


def test_an_edited_segment_is_marked_and_the_edit_can_be_taken_back(accepted: OwnSegments) -> None:
    accepted.add(LIVER, block(0, 0, 0), "accepted")
    before = accepted.mask("Liver")
    accepted.fill(LIVER, block(1, 1, 1))
    change = accepted.since(LIVER, before, "accepted", "edited")
    assert accepted.origin("Liver") == "edited" and change.voxels == 14
    accepted.apply(change.reversed())
    np.testing.assert_array_equal(full(accepted.mask("Liver"), OBLIQUE), full(block(0, 0, 0), OBLIQUE))
    assert accepted.origin("Liver") == "accepted"
    accepted.apply(change)
    np.testing.assert_array_equal(full(accepted.mask("Liver"), OBLIQUE), full(block(1, 1, 1), OBLIQUE))
    assert accepted.origin("Liver") == "edited"


def test_a_segment_that_was_drawn_or_deleted_in_the_editor_is_an_edit_too(accepted: OwnSegments) -> None:
    assert accepted.since(LIVER, None, "", "edited").voxels == 0
    accepted.add(LIVER, block(0, 0, 0), "")
    drawn = accepted.since(LIVER, None, "", "edited")
    assert drawn.voxels == 8 and accepted.origin("Liver") == "edited"
    before = accepted.mask("Liver")
    accepted.node.GetSegmentation().RemoveSegment(accepted.segment_id("Liver"))
    deleted = accepted.since(LIVER, before, "edited", "edited")
    accepted.apply(deleted.reversed())
    assert accepted.voxels("Liver") == 8 and accepted.origin("Liver") == "edited"
    accepted.apply(drawn.reversed())
    assert accepted.structures() == ()


def test_surfaces_of_changed_segments_are_not_kept(accepted: OwnSegments) -> None:
    accepted.add(LIVER, block(0, 0, 0), "accepted")
    accepted.node.CreateClosedSurfaceRepresentation()
    accepted.add(LIVER, block(2, 2, 2), "accepted")
    assert not accepted.node.GetSegmentation().ContainsRepresentation("Closed surface")


def test_each_scan_has_an_accepted_segmentation_of_its_own(scan: Any) -> None:
    one, other = accepted_segments(scan, "case 1"), accepted_segments(scan, "case 2")
    assert one.node.GetID() != other.node.GetID()
    assert accepted_segments(scan, "case 1").node.GetID() == one.node.GetID()
    assert own_node(scan, "case 3", "accepted", create=False) is None


def test_finishing_joins_what_was_drawn_and_what_was_accepted_and_leaves_both(scan: Any, accepted: OwnSegments) -> None:
    drawn_mask, taken = noise(5), noise(6)
    expert = add_segmentation(scan, OBLIQUE, {"leber": drawn_mask, "Aorta": noise(7)}, shared=False)
    accepted.add(LIVER, region(taken), "accepted")
    before = bytes_of(expert), bytes_of(accepted.node)
    completed = completed_segments(scan, "case 1")
    change = finish_structure(completed, LIVER, [(expert, "id0")], accepted)
    assert change is not None
    np.testing.assert_array_equal(full(completed.mask("Liver"), OBLIQUE), drawn_mask | taken)
    assert completed.origin("Liver") == "expert+accepted"
    assert (bytes_of(expert), bytes_of(accepted.node)) == before
    completed.apply(change.reversed())
    assert completed.structures() == ()


def test_finishing_says_where_the_voxels_come_from(scan: Any, accepted: OwnSegments) -> None:
    expert = add_segmentation(scan, OBLIQUE, blocks(OBLIQUE, Liver=(0, 0, 0)))
    completed = completed_segments(scan, "case 1")
    assert finish_structure(completed, LIVER, [], accepted) is None
    finish_structure(completed, LIVER, [(expert, "id0")], accepted)
    assert completed.origin("Liver") == "expert"
    accepted.add(SPLEEN, block(1, 1, 1), "edited")
    finish_structure(completed, SPLEEN, [], accepted)
    assert completed.origin("Spleen") == "edited"
    again = finish_structure(completed, LIVER, [(expert, "id0"), (accepted.node, accepted.segment_id("Spleen"))], None)
    assert again is not None and again.voxels == 7
    assert united([]) is None


def test_the_experts_segments_are_the_same_bytes_after_everything(scan: Any, accepted: OwnSegments) -> None:
    expert = add_segmentation(scan, OBLIQUE, blocks(OBLIQUE, Liver=(0, 0, 0), Tumour=(1, 1, 1)))
    before, changed = bytes_of(expert), expert.GetSegmentation().GetMTime()
    completed = completed_segments(scan, "case 1")
    for number in range(3):
        accepted.add(LIVER, region(noise(number)), "accepted")
        finish_structure(completed, LIVER, [(expert, "id0"), (expert, "id1")], accepted)
        accepted.clear(LIVER)
    assert bytes_of(expert) == before
    assert expert.GetSegmentation().GetMTime() == changed
