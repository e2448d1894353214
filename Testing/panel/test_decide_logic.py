"""Decide: every decision is saved at once and can be taken back; accepted voxels are exactly the suggested ones, and the expert's stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.host_application import HostApplication
from panel.at_desk import AtDesk, desks
from panel.deciding import CRUMB, GRID, LIVER, SPLEEN, predict, prediction_of
from panel.scene_nodes import bytes_of
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.panel import own_segments
from PartialLabelSegLib.panel.decide_queue import key_of, pair_of
from PartialLabelSegLib.panel.geometry import point_of
from PartialLabelSegLib.panel.look_logic import LookController
from PartialLabelSegLib.panel.view_models_decide import EVERYTHING, ORGAN_EVERYWHERE, ORGAN_HERE, PART, SCAN
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.edits import read_edits
from PartialLabelSegLib.relabel.review import read_review
from PartialLabelSegLib.relabel.select import accepted, suggested_at
from PartialLabelSegLib.run.files import write_json

Wait = Callable[..., None]
Make = Callable[..., AtDesk]
ONE = ("CT 1", "Liver")


@pytest.fixture
def make(application: HostApplication, tmp_path: Path, wait_until: Wait) -> Iterator[Make]:
    with desks(application, tmp_path / "work", wait_until, "decide") as make:
        yield make


@pytest.fixture
def at(make: Make) -> AtDesk:
    found = make()
    found.choose(*ONE)
    return found


def flat(mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(mask)


def on_disk(at: AtDesk) -> list[dict[str, Any]]:
    path = at.run.round(0).review
    return list(json.loads(path.read_text(encoding="utf-8"))["decisions"]) if path.exists() else []


def learned_next(at: AtDesk, scan: str, structure: str) -> np.ndarray:
    """The oracle: what the worker makes of review.json."""
    from panel.deciding import KNOWN, NAMES, labels_of

    review = read_review(at.run.round(0).review, NAMES, dict.fromkeys(KNOWN, 960))
    drawn = read_edits(at.run.round(0).path, review.latest(scan), GRID)
    return accepted(apply(labels_of(scan), prediction_of(scan), review, scan, 0, drawn), structure)


def test_the_queue_lists_what_is_open_in_the_training_scans_and_one_is_chosen(make: Make) -> None:
    at = make()
    view = at.decide.view()
    pairs = {(row.scan, row.structure) for row in view.rows}
    assert ("CT 1", "Liver") in pairs and ("CT 2", "Spleen") in pairs and ("CT 3", "Spleen") in pairs
    assert all(scan != "CT 4" for scan, _ in pairs), "a scan for validation is not decided on"
    chosen = view.chosen_row()
    assert chosen is not None and (chosen.scan, chosen.structure) == (at.desk.state.scan, at.desk.state.structure)
    assert chosen.scan == "CT 1", "the scan that is in the views comes first"


def test_accepting_takes_exactly_the_suggested_share_and_saves_it(at: AtDesk) -> None:
    at.decide.gamma_moved(0.5)
    at.decide.accept()
    at.settle()
    (said,) = on_disk(at)
    assert (said["case"], said["structure"], said["decision"], said["gamma"]) == (*ONE, "accepted", 0.5)
    voxels = flat(at.accepted(*ONE))
    np.testing.assert_array_equal(voxels, suggested_at(prediction_of("CT 1"), "Liver", 0.5))
    assert voxels.size == 61
    np.testing.assert_array_equal(voxels, learned_next(at, *ONE))


def test_the_expert_segments_are_the_same_bytes_after_everything(at: AtDesk) -> None:
    before = bytes_of(at.drawn)
    for act in (
        at.decide.accept,
        at.decide.accept_all,
        at.decide.wrong,
        at.decide.complete,
        at.decide.undo,
        at.decide.redo,
    ):
        at.choose(*ONE)
        act()
        at.settle()
    assert bytes_of(at.drawn) == before


def test_undo_and_redo_restore_the_segments_exactly_and_survive_a_restart(at: AtDesk) -> None:
    empty = flat(at.accepted(*ONE))
    at.decide.accept_all()
    at.settle()
    everything = flat(at.accepted(*ONE))
    assert empty.size == 0 and everything.size == 122
    at.choose(*ONE)
    at.decide.wrong()
    at.settle()
    rest = flat(at.accepted(*ONE))
    np.testing.assert_array_equal(rest, learned_next(at, *ONE))
    at.close()
    at.open()
    at.settle()
    view = at.decide.view()
    assert "wrong" in view.undo and view.redo == ""
    np.testing.assert_array_equal(flat(at.accepted(*ONE)), rest)
    at.decide.undo()
    at.settle()
    np.testing.assert_array_equal(flat(at.accepted(*ONE)), everything)
    at.decide.undo()
    at.settle()
    np.testing.assert_array_equal(flat(at.accepted(*ONE)), empty)
    at.decide.redo()
    at.settle()
    np.testing.assert_array_equal(flat(at.accepted(*ONE)), everything)
    assert at.decide.view().redo.startswith("Does again: wrong")


def test_after_a_crash_without_a_saved_scene_the_accepted_voxels_come_back(at: AtDesk) -> None:
    at.decide.accept_all()
    at.settle()
    for node in at.nodes("accepted"):
        at.scene.RemoveNode(node)
    at.close()
    at.open()
    at.settle()
    at.choose(*ONE)
    assert flat(at.accepted(*ONE)).size == 122


def test_after_a_decision_the_next_open_suggestion_is_chosen(at: AtDesk) -> None:
    at.decide.not_now()
    at.settle()
    chosen = at.decide.view().chosen_row()
    assert chosen is not None and (chosen.scan, chosen.structure) != ONE and not chosen.decision
    assert at.desk.state.scan == chosen.scan and at.look.is_shown(chosen.scan)
    at.decide.undo()
    at.settle()
    chosen = at.decide.view().chosen_row()
    assert chosen is not None and (chosen.scan, chosen.structure) == ONE, "undo shows what it undid"


def test_moving_gamma_touches_only_a_display_and_is_kept_when_it_rests(
    at: AtDesk, pump: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("voxels were written")

    monkeypatch.setattr(own_segments.OwnSegments, "_store", never)
    monkeypatch.setattr(LookController, "_start", never)
    times = {node.GetID(): node.GetImageData().GetMTime() for node in ranks(at)}
    stored = at.desk.state
    at.decide.gamma_moved(0.3)
    at.decide.gamma_moved(0.31)
    assert at.desk.state is stored, "nothing is stored while the slider moves"
    assert {node.GetID(): node.GetImageData().GetMTime() for node in ranks(at)} == times
    assert at.look.overlay.gamma == 0.31 and at.decide.view().gamma == 0.31
    pump(600)
    assert at.desk.state.gamma("Liver") == 0.31


def ranks(at: AtDesk) -> list[Any]:
    kind = "vtkMRMLScalarVolumeNode"
    nodes = [at.scene.GetNthNodeByClass(place, kind) for place in range(at.scene.GetNumberOfNodesByClass(kind))]
    return [node for node in nodes if node.GetAttribute("PartialLabelSeg.Role") == "confidence"]


def test_counts_are_those_of_the_voxels_that_are_accepted(at: AtDesk) -> None:
    for gamma in (0.05, 0.5, 0.66, 1.0):
        counts = at.decide.counts_at(gamma)
        assert counts.voxels == suggested_at(prediction_of("CT 1"), "Liver", gamma).size
        assert counts.all_voxels == 122 and counts.all_ml == pytest.approx(1.22)


def test_a_part_is_picked_by_a_click_and_decided_on_alone(at: AtDesk) -> None:
    at.decide.gamma_moved(1.0)
    z, y, x = (span.start for span in CRUMB)
    at.decide.clicked(point_of(at.volume, (x, y, z)))
    at.settle()
    view = at.decide.view()
    assert view.scope == PART and view.part in [row.seed for row in view.at_gamma.rows]
    assert view.at_gamma.voxels == 2 and "complete" in view.why_not
    at.decide.wrong()
    at.settle()
    assert at.decide.view().scope == ORGAN_HERE
    at.choose(*ONE)
    at.decide.accept_all()
    at.settle()
    assert flat(at.accepted(*ONE)).size == 120, "the crumb stays wrong"
    np.testing.assert_array_equal(flat(at.accepted(*ONE)), learned_next(at, *ONE))


def test_a_click_on_another_structure_chooses_it(at: AtDesk) -> None:
    at.choose("CT 2", "Liver")
    assert at.look.viewed is not None
    z, y, x = (span.start for span in SPLEEN)
    at.decide.clicked(point_of(at.look.viewed.volume, (x, y, z)))
    at.settle()
    assert pair_of(at.decide.view().chosen) == ("CT 2", "Spleen")
    at.decide.clicked((500.0, 500.0, 500.0))
    assert pair_of(at.decide.view().chosen) == ("CT 2", "Spleen"), "a click beside everything changes nothing"


@pytest.mark.parametrize(
    ("scope", "pairs"),
    [
        (ORGAN_EVERYWHERE, {("CT 1", "Liver"), ("CT 2", "Liver")}),
        (SCAN, {("CT 1", "Liver")}),
        (EVERYTHING, {("CT 1", "Liver"), ("CT 2", "Liver"), ("CT 2", "Spleen"), ("CT 3", "Spleen")}),
    ],
)
def test_a_wider_scope_decides_on_all_of_it_in_one_step(at: AtDesk, scope: str, pairs: set[tuple[str, str]]) -> None:
    at.decide.scope_chosen(scope)
    at.decide.accept()
    at.settle()
    assert {(said["case"], said["structure"]) for said in on_disk(at)} == pairs
    for scan, structure in pairs:
        at.choose(scan, structure)
        np.testing.assert_array_equal(flat(at.accepted(scan, structure)), learned_next(at, scan, structure))
    at.decide.undo()
    at.settle()
    assert on_disk(at) == []
    for scan, structure in pairs:
        at.choose(scan, structure)
        assert not at.accepted(scan, structure).any()


def test_a_drawing_takes_the_place_of_the_suggestion(at: AtDesk, application: HostApplication) -> None:
    at.decide.edit()
    ((node, segment, volume),) = application.edited
    assert volume is at.volume and node.GetSegmentation().GetSegment(segment).GetName() == "Liver"
    view = at.decide.view()
    assert view.editing == "Liver in CT 1" and "accept" in view.why_not and view.next_round.why_not
    at.decide.accept()
    assert on_disk(at) == [], "nothing else is decided meanwhile"
    from PartialLabelSegLib.data.types import Structure
    from PartialLabelSegLib.panel.own_segments import OwnSegments

    wanted = np.zeros(GRID.shape, bool)
    wanted[LIVER[0], LIVER[1], 1:5] = True
    OwnSegments(node, at.volume).fill(Structure("Liver"), ((slice(0, 8), slice(0, 10), slice(0, 12)), wanted))
    at.decide.edited(True)
    at.settle()
    np.testing.assert_array_equal(at.accepted(*ONE), wanted)
    np.testing.assert_array_equal(flat(wanted), learned_next(at, *ONE))
    row = next(row for row in at.decide.view().rows if (row.scan, row.structure) == ONE)
    assert row.decision == "edited" and at.decide.view().editing == ""
    assert at.nodes("being corrected") == []
    at.decide.undo()
    at.settle()
    assert not at.accepted(*ONE).any()


def test_a_drawing_can_be_thrown_away(at: AtDesk) -> None:
    at.decide.edit()
    at.decide.edited(False)
    at.settle()
    assert on_disk(at) == [] and at.decide.view().editing == "" and at.nodes("being corrected") == []


def test_without_a_segment_editor_it_says_so(at: AtDesk, application: HostApplication) -> None:
    application.interactive = True
    at.decide.edit()
    assert "Segment Editor" in at.desk.message.text and at.decide.view().editing == ""


def test_a_decision_that_cannot_be_saved_is_not_taken(at: AtDesk) -> None:
    at.run.round(0).review.mkdir()
    at.decide.accept()
    at.settle()
    assert "could not be saved" in at.desk.message.text
    assert at.decide.view().undo == "" and not at.accepted(*ONE).any()


def test_a_damaged_review_is_kept_aside_and_decided_anew(make: Make, tmp_path: Path) -> None:
    at = make()
    at.decide.accept()
    at.settle()
    at.close()
    at.run.round(0).review.write_text("{", encoding="utf-8")
    at.open()
    at.settle()
    assert "review-damaged-1.json" in at.desk.message.text
    assert at.decide.view().rows and not at.decide.view().undo


def test_scans_join_the_queue_as_they_are_predicted(make: Make) -> None:
    at = make("CT 1")
    assert {row.scan for row in at.decide.view().rows} == {"CT 1"}
    predict(at.run, "CT 2")
    at.settle()
    assert {row.scan for row in at.decide.view().rows} == {"CT 1", "CT 2"}


def test_the_next_round_is_possible_once_something_is_decided(at: AtDesk) -> None:
    asked: list[int] = []
    at.desk.next_round = lambda: asked.append(1)
    assert at.decide.view().next_round.why_not
    at.decide.next_round()
    assert asked == [], "not before anything was decided"
    at.decide.accept()
    at.settle()
    coming = at.decide.view().next_round
    assert (coming.decisions, coming.why_not) == (1, "") and "1 accepted" in coming.summary
    at.decide.next_round()
    assert asked == [1]


def test_when_the_round_is_closed_its_acceptances_stay_shown_and_nothing_more_is_decided(at: AtDesk) -> None:
    from panel.deciding import NAMES, labels_of

    at.decide.accept_all()
    at.settle()
    review = read_review(at.run.round(0).review, NAMES, {"CT 1": 960, "CT 2": 960, "CT 3": 960, "CT 4": 960})
    after = apply(labels_of("CT 1"), prediction_of("CT 1"), review, "CT 1", 0, {})
    write_labels(at.run.round(0).labels("CT_1"), after, GRID)
    write_json(at.run.round(0).relabelling, {})
    at.settle()
    view = at.decide.view()
    assert view.rows == () and view.message
    at.look.scan_chosen("CT 2")
    at.settle()
    at.look.scan_chosen("CT 1")
    at.settle()
    assert flat(at.accepted(*ONE)).size == 122


def test_a_closed_scene_and_another_one_do_not_mix(at: AtDesk, pump: Callable[[int], None]) -> None:
    at.decide.accept_all()
    at.settle()
    at.scene.Clear(0)
    pump(50)
    assert at.decide.decisions is None and at.decide.view().rows == ()
    assert "Learn first" in at.decide.view().message
    assert len(on_disk(at)) == 1, "what was decided lies in the work folder"


def test_keys_name_a_scan_and_a_structure() -> None:
    assert pair_of(key_of(("CT 1", "a/b c"))) == ("CT 1", "a/b c")
    assert pair_of("nothing") is None
