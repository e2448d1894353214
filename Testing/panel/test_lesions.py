"""Single lesions in the step Finish: those of the shown scan, the surest first; a click or Return goes there in all views."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from PySide6 import QtWidgets

from host.host_application import HostApplication
from host.pictures import picture
from host.window import Window
from panel import decide_samples as samples
from panel.at_desk import AtDesk
from panel.decide_samples import Recorder, find
from panel.deciding import GRID, labels_of, prediction_of
from panel.panel_window import PanelWindow
from panel.showing import NARROW, WIDE, click_row, press, settle, shown, texts
from panel.waiting_window import waiting_window
from PartialLabelSegLib.data.lesions import LIST, Lesion, Listed, lesion_at, read_lesions, surest_lesions, write_lesions
from PartialLabelSegLib.panel import lesions_logic
from PartialLabelSegLib.panel.geometry import vtk_matrix
from PartialLabelSegLib.panel.lesions_logic import MOST_ROWS
from PartialLabelSegLib.panel.own_segments import SCAN
from PartialLabelSegLib.panel.view_models_decide import Choice, LesionRow, LesionsView, Working
from PartialLabelSegLib.panel.widgets.finish_step import FinishStep
from PartialLabelSegLib.relabel.complete import completed
from PartialLabelSegLib.relabel.lesions import CompletedScan, export_instances

Wait = Callable[..., None]
Point = tuple[float, float, float]
ROWS = (
    LesionRow(1, "Metastasis", 1.0, 12.34),
    LesionRow(2, "Metastasis", 0.956, 0.421),
    LesionRow(3, "Cyst", 0.2, 140.4),
)
VIEW = LesionsView(
    (Choice("CT 1", "CT 1"), Choice("CT 2", "CT 2")), "CT 1", (), "", ROWS, "3 lesions, the surest first."
)
CRUMB: Point = (-12.5, -12.0, 40.0)
"""The middle of the crumb of liver in every scan: voxels (9..10, 8, 6) on a grid of 1, 2 and 5 mm from (3, -4, 10), left and posterior."""


def list_lesions(folder: Path, scan: str) -> tuple[Lesion, ...]:
    """What the worker lists of a completed scan."""
    before, prediction = labels_of(scan), prediction_of(scan)
    what = CompletedScan(GRID, before, completed(before, prediction), prediction)
    folder.mkdir(exist_ok=True)
    return read_lesions(export_instances(folder, scan.replace(" ", "_"), what, False)[0])


def number_of_crumb(lesions: tuple[Lesion, ...]) -> int:
    (found,) = (one.number for one in lesions if one.centre_mm == CRUMB)
    return found


def views_show(application: HostApplication) -> list[float]:
    """Where the slices lie that the views show: through S, A and R, in mm."""
    red, green, yellow = application.slice_nodes()
    return [round(node.GetSliceToRAS().GetElement(axis, 3), 6) for node, axis in ((red, 2), (green, 1), (yellow, 0))]


# The section


@pytest.fixture
def step(actions: Any) -> FinishStep:
    made = FinishStep(actions)
    made.show(samples.finish_view(lesions=VIEW))
    return made


def test_without_a_list_there_is_no_section(step: FinishStep, actions: Recorder) -> None:
    with shown(step.widget, height=1200):
        assert find(step.widget, "finish_lesions").isVisible() and find(step.widget, "lesions").isVisible()
        step.show(samples.finish_view())
        assert not find(step.widget, "finish_lesions").isVisible()
    assert actions.take() == []


def test_the_surest_lesion_comes_first_with_its_structure_score_and_volume(step: FinishStep) -> None:
    assert texts(find(step.widget, "lesions")) == [
        ["1", "Metastasis", "100 %", "12.3"],
        ["2", "Metastasis", "96 %", "0.421"],
        ["3", "Cyst", "20 %", "140"],
    ]
    assert find(step.widget, "lesions_note").text() == "3 lesions, the surest first."


def test_a_click_asks_for_a_lesion_each_time(step: FinishStep, actions: Recorder) -> None:
    with shown(step.widget, height=1200):
        table = find(step.widget, "lesions")
        click_row(table, 1, 1)
        assert actions.take() == [("lesion_chosen", 2)]
        step.show(samples.finish_view(lesions=VIEW))
        assert table.currentRow() == 1, "the line stays where it was"
        click_row(table, 1, 3)
        click_row(table, 2)
    assert actions.take() == [("lesion_chosen", 2), ("lesion_chosen", 3)]


def test_arrows_go_over_the_lines_and_return_asks_for_one(step: FinishStep, actions: Recorder) -> None:
    with shown(step.widget, height=1200):
        table = find(step.widget, "lesions")
        table.setFocus()
        press(table, "Return")
        for _ in range(3):
            press(table, "Down")
        assert actions.take() == []
        press(table, "Return")
        press(table, "Up")
        press(table, "Enter")
    assert actions.take() == [("lesion_chosen", 3), ("lesion_chosen", 2)]


def test_another_scan_is_chosen_with_keys_and_begins_with_no_line(step: FinishStep, actions: Recorder) -> None:
    with shown(step.widget, height=1200):
        table = find(step.widget, "lesions")
        click_row(table, 2)
        press(find(step.widget, "lesions_scan"), "Down")
        assert actions.take() == [("lesion_chosen", 3), ("lesion_scan_chosen", "CT 2")]
        step.show(
            samples.finish_view(
                lesions=LesionsView(VIEW.scans, "CT 2", (), "", ROWS[:2], "2 lesions, the surest first.")
            )
        )
        assert table.rowCount() == 2 and not table.selectedItems()
        table.setFocus()
        press(table, "Return")
    assert actions.take() == []


def test_while_something_goes_on_no_lesion_can_be_asked_for(step: FinishStep, actions: Recorder) -> None:
    step.show(samples.finish_view(lesions=VIEW, working=Working("Writing files…", 0.5)))
    with shown(step.widget, height=1200):
        click_row(find(step.widget, "lesions"), 1)
    assert actions.take() == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_long_names_do_not_make_the_panel_wider(step: FinishStep, pump: Callable[[int], None], width: int) -> None:
    rows = tuple(
        LesionRow(place, f"{samples.LONG} {place}", 1 / place, 1000 / place) for place in range(1, MOST_ROWS + 1)
    )
    scans = tuple(Choice(f"{samples.LONG_SCAN}_{place}", f"{samples.LONG_SCAN}_{place}") for place in range(3))
    note = "The surest 200 of 3127 lesions. The list in the run's folder holds all of them."
    view = LesionsView(scans, scans[2].key, scans, scans[1].key, rows, note)
    with shown(step.widget, width, 700) as window:
        picture(window, f"finish-lesions-{width}")
        step.show(samples.finish_view(lesions=view))
        pump(50)
        picture(window, f"finish-lesions-long-{width}")
        assert window.horizontalScrollBar().maximum() == 0


# The lists of a run


@pytest.fixture
def at(application: HostApplication, window: Window, tmp_path: Path, wait_until: Wait) -> Iterator[AtDesk]:
    made = AtDesk(application, tmp_path / "work", wait_until, step="finish")
    yield made
    made.close()


def test_what_the_worker_listed_of_the_shown_scan_is_shown(at: AtDesk) -> None:
    assert at.finish.view().lesions == LesionsView(), "a run without lists"
    listed = {scan: list_lesions(at.run.completed, scan) for scan in ("CT 1", "CT 2")}
    view = at.finish.view().lesions
    assert [choice.key for choice in view.scans] == ["CT 1", "CT 2"] and view.scan == "CT 1"
    assert [(row.number, row.structure, row.ml) for row in view.rows] == [
        (one.number, one.structure, one.volume_ml) for one in listed["CT 1"]
    ]
    assert (view.rows[0].structure, view.rows[0].score) == ("Tumour", 1.0), "an expert drew it"
    assert {(row.structure, round(row.ml, 6)) for row in view.rows[1:]} == {("Liver", 1.2), ("Liver", 0.02)}
    assert view.note == "3 lesions, the surest first."
    at.finish.lesion_scan_chosen("CT 2")
    view = at.finish.view().lesions
    assert (view.scan, at.desk.state.scan, len(view.rows)) == ("CT 2", "CT 2", len(listed["CT 2"]))
    at.finish.lesion_scan_chosen("CT 3")
    assert at.finish.view().lesions.scan == "CT 1", "one that has no list"


def test_a_lesion_is_shown_in_all_views_wherever_its_scan_was_put(at: AtDesk, application: HostApplication) -> None:
    number = number_of_crumb(list_lesions(at.run.completed, "CT 1"))
    at.finish.lesion_chosen(number)
    composites = slicer.mrmlScene.GetNodesByClass("vtkMRMLSliceCompositeNode")
    backgrounds = [composites.GetItemAsObject(place).GetBackgroundVolumeID() for place in range(3)]
    assert backgrounds == [at.volume.GetID()] * 3
    assert views_show(application) == [40.0, -12.0, -12.5]
    moved = at.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    moved.SetMatrixTransformToParent(
        vtk_matrix(np.array([[1, 0, 0, 100.0], [0, 1, 0, 20.0], [0, 0, 1, -7.0], [0, 0, 0, 1]]))
    )
    at.volume.SetAndObserveTransformNodeID(moved.GetID())
    at.finish.lesion_chosen(number)
    assert views_show(application) == [33.0, 8.0, 87.5]
    before = views_show(application)
    at.finish.lesion_chosen(99)
    assert views_show(application) == before, "there is no such lesion"


def test_a_scan_that_lies_on_disk_is_loaded_and_other_segmentations_are_hidden(
    at: AtDesk, application: HostApplication
) -> None:
    number = number_of_crumb(list_lesions(at.run.completed, "CT 2"))
    list_lesions(at.run.completed, "CT 1")
    at.finish.finish_scope_chosen("CT 1")
    at.finish.into_scene()
    at.settle()
    (node,) = at.nodes("completed")
    assert node.GetDisplayVisibility() and node.GetAttribute(SCAN) == "CT 1"
    at.finish.lesion_scan_chosen("CT 2")
    at.finish.lesion_chosen(number)
    assert at.finish.view().working is not None
    at.settle()
    shown_now = at.scene.GetNodeByID("vtkMRMLSliceCompositeNodeRed").GetBackgroundVolumeID()
    assert at.scene.GetNodeByID(shown_now).GetName() == "CT 2"
    assert views_show(application) == [40.0, -12.0, -12.5] and not node.GetDisplayVisibility()
    at.finish.lesion_scan_chosen("CT 1")
    at.finish.lesion_chosen(1)
    at.settle()
    assert node.GetDisplayVisibility() and views_show(application) == [10.0, 4.0, -3.0]


def test_of_thousands_the_surest_are_listed_and_a_sentence_says_so(at: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    centre, box = lesion_at(labels_of("CT 1").positive("Tumour").reshape(-1).nonzero()[0], GRID)
    many = [Lesion(n, "Tumour", round(1 / n, 6), "suggested", 1, 0.01, centre, box) for n in range(1, 3001)]
    at.run.completed.mkdir(exist_ok=True)
    write_lesions(at.run.completed / f"CT_1{LIST}", many)
    read: list[Path] = []

    def counted(path: Path, most: int | None, structure: str) -> Listed:
        read.append(path)
        return surest_lesions(path, most, structure)

    monkeypatch.setattr(lesions_logic, "surest_lesions", counted)
    view = at.finish.view().lesions
    assert [row.number for row in view.rows] == list(range(1, MOST_ROWS + 1))
    assert view.note == "The surest 200 of 3000 lesions. The list in the run's folder holds all of them."
    assert at.finish.view().lesions == view and len(read) == 1, "the file is read once"


def test_the_lesions_of_one_structure_are_listed_where_a_scan_has_some_of_it(at: AtDesk) -> None:
    centre, box = lesion_at(labels_of("CT 1").positive("Tumour").reshape(-1).nonzero()[0], GRID)
    names = ("Tumour", "Cyst", "Tumour", "Cyst", "Cyst")
    mixed = [Lesion(n, name, round(1 / n, 6), "suggested", 1, 0.01, centre, box) for n, name in enumerate(names, 1)]
    at.run.completed.mkdir(exist_ok=True)
    write_lesions(at.run.completed / f"CT_1{LIST}", mixed)
    write_lesions(at.run.completed / f"CT_2{LIST}", mixed[:1])
    at.finish.lesion_scan_chosen("CT 1")
    view = at.finish.view().lesions
    assert [choice.key for choice in view.structures] == ["", "Tumour", "Cyst"] and len(view.rows) == 5
    at.finish.lesion_structure_chosen("Cyst")
    view = at.finish.view().lesions
    assert [row.number for row in view.rows] == [2, 4, 5] and view.structure == "Cyst"
    assert view.note == "3 lesions, the surest first."
    at.finish.lesion_scan_chosen("CT 2")
    view = at.finish.view().lesions
    assert view.structures == () and view.structure == "" and [row.number for row in view.rows] == [1]
    at.finish.lesion_scan_chosen("CT 1")
    assert [row.number for row in at.finish.view().lesions.rows] == [2, 4, 5], "the choice holds for all scans"
    at.finish.lesion_structure_chosen("")
    assert len(at.finish.view().lesions.rows) == 5


def test_a_structure_is_chosen_in_the_section(step: FinishStep, actions: Recorder) -> None:
    choices = (Choice("", "all structures"), Choice("Metastasis", "Metastasis"), Choice("Cyst", "Cyst"))
    with shown(step.widget, height=1200):
        assert not find(step.widget, "lesions_structure").isVisible()
        step.show(samples.finish_view(lesions=replace(VIEW, structures=choices)))
        press(find(step.widget, "lesions_structure"), "Down")
        assert actions.take() == [("lesion_structure_chosen", "Metastasis")]
        click_row(find(step.widget, "lesions"), 2)
        step.show(samples.finish_view(lesions=replace(VIEW, structures=choices, structure="Metastasis", rows=ROWS[:2])))
        assert find(step.widget, "lesions").rowCount() == 2 and not find(step.widget, "lesions").selectedItems()
        picture(step.widget, "finish_lesions_of_one_structure")


def test_a_list_that_changes_is_read_again_and_a_damaged_one_says_so(at: AtDesk) -> None:
    list_lesions(at.run.completed, "CT 1")
    path = at.run.completed / "CT_1.instances.json"
    assert at.finish.view().lesions.rows
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**whole, "instances": []}), encoding="utf-8")
    view = at.finish.view().lesions
    assert view.rows == () and view.note == "No lesion was found in this scan."
    path.write_text(json.dumps({**whole, "instances": [{"number": 1}]}), encoding="utf-8")
    view = at.finish.view().lesions
    assert view.rows == () and "CT_1.instances.json is damaged" in view.note
    at.finish.lesion_chosen(1)
    path.unlink()
    assert at.finish.view().lesions == LesionsView()


# The whole panel


def test_a_click_in_the_panel_moves_the_views(
    application: HostApplication, window: Window, wait_until: Wait, tmp_path: Path
) -> None:
    session: PanelWindow = waiting_window(application, window, wait_until, tmp_path)
    try:
        assert session.desk.run is not None
        number = number_of_crumb(list_lesions(session.desk.run.completed, "CT 1"))
        session.desk.change(step="finish")
        session.until(lambda: session.is_seen("finish_lesions"))
        table = session.find("lesions")
        scroll = session.panel.widget.findChild(QtWidgets.QScrollArea)
        if scroll is not None:
            scroll.ensureWidgetVisible(table)
        settle()
        click_row(table, number - 1)
        session.until(lambda: views_show(application) == [40.0, -12.0, -12.5])
        session.picture("finish-lesions-window")
        table.setFocus()
        for _ in range(3):
            press(table, "Up")
        press(table, "Return")
        session.until(lambda: views_show(application) == [10.0, 4.0, -3.0])
    finally:
        session.close()
