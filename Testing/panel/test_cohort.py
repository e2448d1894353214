"""The table scan × structure: what each cell says, which lines are drawn anew, and that a hundred scans are no trouble."""

from __future__ import annotations

import time

import pytest

from panel.table_samples import Drawn
from PartialLabelSegLib.data.types import PALETTE
from PartialLabelSegLib.panel.cohort import CohortTable, explained, structures_of
from PartialLabelSegLib.panel.cohort_edits import cycled, merged, renamed, with_states
from PartialLabelSegLib.panel.cohort_sources import SceneScan, data_set_of, with_data_set, with_scene_scan
from PartialLabelSegLib.panel.made import with_made_in
from PartialLabelSegLib.panel.state import PanelState, Scan
from PartialLabelSegLib.panel.view_models import CellView, SegmentView

LIVER = "list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~list~^^~^^"


def cell(state: str, ml: float = 0.0) -> dict[str, object]:
    return {"state": state, "voxels": int(ml * 100), "ml": ml, "slices": 0, "slices_of": 0}


CHECK = {
    "problems": [
        {"case": "", "structure": "", "severity": "warning", "message": "the table has an odd line."},
        {
            "case": "disk 2",
            "structure": "Liver",
            "severity": "error",
            "message": "it is said to be absent, but is drawn.",
        },
    ],
    "looks": {"Liver": {"color": [1, 0, 0], "terminology": LIVER}, "Spleen": {"color": [0, 1, 0], "terminology": ""}},
    "cases": [
        {"case": "disk 1", "structures": {"Liver": cell("labelled", 1480), "Spleen": cell("missing")}},
        {"case": "disk 2", "structures": {}},
    ],
}


@pytest.fixture
def table() -> CohortTable:
    return CohortTable()


@pytest.fixture
def state(table: CohortTable) -> PanelState:
    """Two scans of the scene, one of them without a segmentation, and a data set of two, one of which cannot be used."""
    first = SceneScan("CT 1", "v1", "s1", (Drawn("Leber", (0.9, 0.8, 0.7), LIVER), Drawn("Aorta")))
    state = with_scene_scan(PanelState(), table.learn_scene(first))
    state = with_scene_scan(state, table.learn_scene(SceneScan("CT 2", "v2")))
    read = data_set_of("data/abdomen", CHECK)
    table.learn_data_set(read)
    return with_data_set(state, read)


def test_columns_are_all_structures_with_colour_and_code(table: CohortTable, state: PanelState) -> None:
    columns = table.view(state).structures
    assert [column.name for column in columns] == ["Leber", "Aorta", "Liver", "Spleen"]
    assert columns[0].color == (0.9, 0.8, 0.7) and columns[2].color == (1.0, 0.0, 0.0)
    assert [column.terminology for column in columns] == ["Liver (SCT 10200004)", "", "Liver (SCT 10200004)", ""]
    assert structures_of(state.scans) == ("Leber", "Aorta", "Liver", "Spleen")


def test_rows_say_what_was_found_where_it_comes_from_and_what_may_be_said(
    table: CohortTable, state: PanelState
) -> None:
    one, two, disk, broken = table.view(state).scans
    drawn, undrawn = ("labelled", "some slices", "missing"), ("missing", "absent")
    assert one.cells == (
        CellView("labelled", drawn, made="checked"),
        CellView("labelled", drawn, made="checked"),
        CellView("missing", undrawn),
        CellView("missing", undrawn),
    )
    assert one.origin == "loaded in Slicer" and one.in_scene
    assert [item.state for item in two.cells] == ["missing"] * 4 and two.segments == () and two.problems == ()
    assert disk.cells[2] == CellView("labelled", drawn, False, "1480 mL", "checked")
    assert disk.origin == "from abdomen" and not disk.in_scene
    assert disk.segments == (SegmentView("Liver", "Liver"),)
    assert broken.cells == () and broken.problems[0].severity == "error"
    assert broken.problems[0].sentence == "Structure 'Liver': it is said to be absent, but is drawn."


def test_the_whole_set_is_summed_up_and_its_problems_come_first(table: CohortTable, state: PanelState) -> None:
    view = table.view(state)
    assert view.summary == "4 scans, 4 structures: 3 of 12 are labelled. 1 scan cannot be used."
    assert view.problems[0].sentence == "The table has an odd line."
    assert [problem.structure for problem in view.problems[1:]] == ["Leber", "Aorta", "Liver", "Spleen"]
    assert table.view(PanelState()).summary == ""


def test_a_renamed_segment_is_drawn_as_its_new_structure_and_says_so(table: CohortTable, state: PanelState) -> None:
    (merge,) = table.view(state).merges
    assert merge.structures == ("Leber", "Liver")
    view = table.view(renamed(state, "CT 1", "Leber", "Liver"))
    assert [column.name for column in view.structures] == ["Liver", "Aorta", "Spleen"]
    assert view.structures[0].color == (1.0, 0.0, 0.0), "the look of what is really called so"
    assert view.scans[0].cells[0].remark == "drawn as 'Leber'"
    assert view.scans[0].segments[0] == SegmentView("Leber", "Liver") and view.merges == ()


def test_a_changed_cell_says_that_the_user_changed_it(table: CohortTable, state: PanelState) -> None:
    view = table.view(cycled(state, "disk 1", "Liver"))
    possible = ("labelled", "some slices", "missing")
    assert view.scans[2].cells[2] == CellView("some slices", possible, True, "1480 mL", "checked")


def test_labels_that_were_made_quickly_are_marked_and_counted(table: CohortTable, state: PanelState) -> None:
    view = table.view(with_made_in(state, ["CT 1"], "quick"))
    assert [cell.made for cell in view.scans[0].cells] == ["quick", "quick", "", ""]
    assert view.summary == "4 scans, 4 structures: 3 of 12 are labelled, 2 of them quickly. 1 scan cannot be used."


def test_a_data_set_that_says_how_its_labels_were_made_is_heard(table: CohortTable) -> None:
    told = {
        "case": "disk 1",
        "structures": {"Liver": {**cell("labelled", 9), "made": "quick"}, "Spleen": cell("labelled", 9)},
    }
    read = data_set_of("data/abdomen", {**CHECK, "problems": [], "cases": [told]})
    table.learn_data_set(read)
    state = with_data_set(PanelState(), read)
    assert [cell.made for cell in table.view(state).scans[0].cells] == ["quick", "checked"]
    corrected = {**CHECK, "problems": [], "cases": [{**told, "structures": {"Liver": cell("labelled", 9)}}]}
    state = with_data_set(state, data_set_of("data/abdomen", corrected))
    assert state.scans[0].quick == ()


def test_a_missing_part_is_told_beside_the_scan_until_it_is_said_what_holds(table: CohortTable) -> None:
    scans = (
        Scan("a", "v1", found={"left": "labelled", "right": "labelled"}),
        Scan("b", "v2", found={"left": "labelled", "right": "missing"}),
    )
    state = merged(PanelState(scans=scans), ["left", "right"], "Kidneys")
    whole, part = table.view(state).scans
    assert whole.problems == () and whole.cells[0].remark == "drawn as 'left' and 'right'"
    assert part.cells[0] == CellView(
        "missing", ("labelled", "some slices", "missing"), False, "drawn as 'left', a part is not drawn"
    )
    assert part.problems[0].sentence.startswith("'right' is not drawn here, so Kidneys counts as drawn in part")
    said = with_states(state, [("b", "Kidneys")], "labelled")
    assert table.view(said).scans[1].problems == ()


def test_what_a_click_means_for_learning_is_said() -> None:
    scan = Scan(
        "CT",
        found={"Liver": "labelled", "left": "labelled", "right": "missing"},
        names={"left": "Kidneys", "right": "Kidneys"},
    )
    assert explained(scan, "Liver").startswith("Liver in CT is labelled. It is drawn wherever it is")
    assert explained(scan, "Spleen").startswith("Spleen in CT is not labelled. Nobody drew it here.")
    assert "'right' is not drawn here: what is drawn is learned" in explained(scan, "Kidneys")
    state = with_states(PanelState(scans=(scan,)), [("CT", "Liver"), ("CT", "Kidneys")], "missing")
    for name in ("Liver", "Kidneys"):
        assert "What is drawn of it is not learned from" in explained(state.scans[0], name)
    absent = with_states(state, [("CT", "Spleen")], "absent")
    assert "Somebody looked, and it is not there." in explained(absent.scans[0], "Spleen")


def test_only_lines_that_changed_are_new_objects(table: CohortTable, state: PanelState) -> None:
    before = table.view(state)
    same = table.view(state)
    assert all(one is other for one, other in zip(before.scans, same.scans))
    after = table.view(cycled(state, "CT 1", "Aorta"))
    assert [one is other for one, other in zip(before.scans, after.scans)] == [False, True, True, True]


def test_after_the_scene_was_opened_again_the_table_is_there_before_anything_was_read(
    table: CohortTable, state: PanelState
) -> None:
    fresh = CohortTable()
    assert not fresh.knows(state.scans[0]) and table.knows(state.scans[0])
    view = fresh.view(state)
    assert [[item.state for item in row.cells] for row in view.scans[:3]] == [
        [item.state for item in row.cells] for row in table.view(state).scans[:3]
    ]
    assert view.structures[0].color == PALETTE[0]
    assert view.scans[3].problems[0].sentence == "Structure 'Liver': it is said to be absent, but is drawn."
    table.forget()
    assert not table.knows(state.scans[0])


def test_learning_can_start_when_something_is_labelled(table: CohortTable, state: PanelState) -> None:
    assert table.why_not_learn(state) == ""
    nothing = with_states(state, [("CT 1", "Leber"), ("CT 1", "Aorta"), ("disk 1", "Liver")], "missing")
    assert table.why_not_learn(nothing).startswith("No structure is labelled in any scan.")
    assert table.why_not_learn(PanelState()).startswith("There is no scan yet.")


def test_a_hundred_scans_of_forty_structures_take_little_of_the_windows_time() -> None:
    names = [f"Structure {number}" for number in range(40)]
    words = ("labelled", "missing", "absent", "some slices")
    scans = tuple(
        Scan(f"scan {row}", f"v{row}", found={name: words[(row * column) % 4] for column, name in enumerate(names)})
        for row in range(100)
    )
    table, state = CohortTable(), PanelState(scans=scans)
    table.view(state)
    began = time.thread_time()
    table.view(cycled(state, "scan 50", names[7]))
    table.view(merged(state, names[:2], names[0]))
    assert time.thread_time() - began < 0.5, "two clicks, with room for a slow machine; some 25 ms are usual"
