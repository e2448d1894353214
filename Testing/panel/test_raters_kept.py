"""What raters do is never lost, and nothing else is left behind: the scene, the work folder, files that come back, and the way out of the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui

from host.host_application import HostApplication
from host.slicer_host import SlicerHost
from host.window import Window
from panel.panel_window import PanelWindow
from panel.rated_scene import AtKnee, add_knee
from panel.viewing import state_of
from PartialLabelSegLib.data.raters.score_rows import read_rows
from PartialLabelSegLib.panel.raters.keys import KEYS

Wait = Callable[..., None]
Key = QtCore.Qt.Key


def test_every_tick_is_in_the_scene_and_in_a_table_that_the_command_reads(knee: AtKnee) -> None:
    knee.read()
    knee.press_cell(3, 2)
    path = knee.desk.work_folder / "raters" / "scores.json"
    rows = [row.cells for row in read_rows(path)]
    assert [
        (row["scan"], row["structure"], row["rater"], row["slice"], row["row"], row["column"]) for row in rows[:1]
    ] == [("knee 1", "Femur lesion", "Anna", "6", "3", "2")]
    assert rows[1]["tick"] == "read" and rows[1]["slice"] == "6"
    node = knee.desk.scene.GetSingletonNode("PartialLabelSeg", "vtkMRMLScriptedModuleNode")
    assert json.loads(node.GetParameter("raters"))["ratings"][0]["raters"][0]["ticks"] == [[6, 3, 2]]


def test_a_scene_that_is_opened_again_has_every_tick(knee: AtKnee, host: SlicerHost, tmp_path: Path) -> None:
    knee.read()
    knee.press_cell(3, 2)
    knee.press_cell(5, 5)
    before = knee.rating
    host.save_scene(tmp_path / "scene.mrb")
    knee.press_cell(6, 6)
    host.open_scene(tmp_path / "scene.mrb")
    knee.opened.until(lambda: not knee.controller.is_open)
    knee.opened.click("raters_open")
    knee.settle()
    now = knee.rating
    assert len(now.rater_named("Anna").ticks) == 3, "the work folder was newer than the scene"
    assert "newer than" in knee.desk.message.text
    assert replace(now, volume="", bone=None, raters=()) == replace(before, volume="", bone=None, raters=())
    knee.click("raters_part_read")
    knee.go_to(6)
    knee.picture("raters_reopened")


def test_ticks_of_a_lost_scene_are_found_again_from_their_file(
    application: HostApplication, window: Window, wait_until: Wait, tmp_path: Path
) -> None:
    first = AtKnee(application, window, wait_until)
    first.read()
    first.press_cell(3, 2)
    path = first.desk.work_folder / "raters" / "scores.json"
    kept = tmp_path / "copy.json"
    kept.write_bytes(path.read_bytes())
    first.close()
    application.scene.Clear(0)
    add_knee(application.scene, "other knee")
    add_knee(application.scene, "knee 1")
    opened = PanelWindow(application, window, wait_until)
    opened.click("raters_open")
    application.answers.append(kept)
    opened.click("raters_file")
    rating = opened.panel._raters.room.rating
    assert application.scene.GetNodeByID(rating.volume).GetName() == "knee 1"
    assert rating.rater_named("Anna").ticks == {(6, 3, 2)}
    opened.close()


def test_a_damaged_file_is_named_and_changes_nothing(knee: AtKnee, tmp_path: Path) -> None:
    knee.read()
    knee.press_cell(3, 2)
    before = knee.rating
    path = tmp_path / "scores.json"
    path.write_text('{"ticks": [], "panel": {"format": 1, "ratings": [{}]}}', encoding="utf-8")
    knee.opened.application.answers.append(path)
    knee.click("raters_file")
    assert "could not be read" in knee.desk.message.text and knee.rating == before


def test_looking_leaves_nothing_behind(
    host: SlicerHost, application: HostApplication, window: Window, wait_until: Wait
) -> None:
    scan, _ = add_knee(application.scene)
    opened = PanelWindow(application, window, wait_until)
    application.show_volume(scan)
    before, props = state_of(host), len(props_of(window))
    opened.click("raters_open")
    opened.until(lambda: not opened.desk.busy)
    assert len(props_of(window)) > props
    opened.click("raters_back")
    assert state_of(host) == before and len(props_of(window)) == props
    assert not opened.desk.state.folder, "no work folder was made"
    opened.close()


def props_of(window: Window) -> list[Any]:
    props = window.labels["Red"].view.renderer.GetViewProps()
    return [props.GetItemAsObject(place) for place in range(props.GetNumberOfItems())]


def test_leaving_after_all_parts_leaves_only_the_ticks(knee: AtKnee, host: SlicerHost) -> None:
    keys = sum(item.objectName().startswith("raters_key_") for item in knee.window.widget.findChildren(QtGui.QShortcut))
    assert keys == len(KEYS)
    knee.read()
    knee.press_cell(3, 3)
    knee.click("raters_part_together")
    knee.click("raters_back")
    names = [
        knee.desk.scene.GetNthNode(n).GetAttribute("PartialLabelSeg.Role")
        for n in range(knee.desk.scene.GetNumberOfNodes())
    ]
    assert [name for name in names if name and name != "colours of confidence"] == []
    assert not [
        item for item in knee.window.widget.findChildren(QtGui.QShortcut) if item.objectName().startswith("raters_")
    ]
    assert knee.opened.is_seen("scans_step") and knee.opened.is_seen("raters_open")
    knee.opened.click("raters_open")
    assert knee.rating.rater_named("Anna").ticks == {(6, 3, 3)}


def test_a_disk_that_refuses_is_said_and_the_scene_still_has_the_tick(knee: AtKnee) -> None:
    knee.read()
    folder = knee.desk.work_folder / "raters"
    (folder / "scores.json").unlink()
    folder.rmdir()
    folder.write_text("a file where the folder was", encoding="utf-8")
    knee.press_cell(3, 3)
    assert "could not be saved" in knee.desk.message.text
    node = knee.desk.scene.GetSingletonNode("PartialLabelSeg", "vtkMRMLScriptedModuleNode")
    assert "[6, 3, 3]" in node.GetParameter("raters")


def test_a_scoring_table_is_taken_in_and_every_wrong_row_is_named(knee: AtKnee, tmp_path: Path) -> None:
    knee.click("raters_fit_one_box")
    table = tmp_path / "kimriss.csv"
    lines = ["scan,rater,slice,row,column,tick", "knee 1,Eva,6,3,2,1", "knee 1,Eva,6,3,3,0.25", "knee 1,Finn,7,0,0,x"]
    table.write_text(
        "\n".join([*lines, "knee 1,Eva,6-8,,,read", "knee 9,Eva,6,3,3,1", "knee 1,Eva,6,9,9,1", ""]), encoding="utf-8"
    )
    knee.opened.application.answers.append(table)
    knee.click("raters_file")
    assert "2 mistakes" in knee.desk.message.text and "line 6" in knee.desk.message.text and not knee.rating.raters
    table.write_text("\n".join([*lines, "knee 1,Eva,6-8,,,read", ""]), encoding="utf-8")
    knee.opened.application.answers.append(table)
    knee.click("raters_file")
    eva, finn = knee.rating.raters
    assert (eva.name, eva.ticks, eva.read) == ("Eva", {(6, 3, 2), (6, 3, 3)}, {6, 7, 8})
    assert eva.grades == {(6, 3, 3): 0.25}
    assert (finn.name, finn.ticks, finn.read) == ("Finn", {(7, 0, 0)}, None)
    knee.click("raters_undo")
    assert not knee.rating.raters
