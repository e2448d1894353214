"""Scans on disk are shown before learning has read them: with what is drawn, by a click, and without a trace in their files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore, QtTest

from data.small_scans import OBLIQUE, grey_values
from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from panel.programs import program
from panel.scene_nodes import add_scan, add_segmentation, mask_by_points
from panel.showing import click_row, settle
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_image
from PartialLabelSegLib.data.seg_nrrd import Segment, write_seg_nrrd
from PartialLabelSegLib.panel import ask_worker, disk_scans
from PartialLabelSegLib.panel.gather import gathered
from PartialLabelSegLib.panel.geometry import grid_of
from PartialLabelSegLib.panel.pairs import scans_of
from PartialLabelSegLib.panel.segments import drawn
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.volumes import array_of

Wait = Callable[..., None]
GRID: Grid = OBLIQUE
CODE = "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^"
NAMES = ("anna", "bert", "carl")


def box(first: int) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[2:5, first : first + 3, 2:6] = True
    return mask


def grey(number: int) -> np.ndarray:
    return (grey_values(GRID) // 20 + number).astype(np.int16)


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """In anna and bert a liver and a spleen that share some voxels are drawn; in carl nothing is."""
    folder = tmp_path / "abdomen"
    for number, name in enumerate(NAMES):
        write_image(folder / f"{name}.nrrd", GRID.image(grey(number)))
        if name != "carl":
            liver = Segment("a", "Liver", (0.2, 0.4, 0.6), CODE, box(1))
            spleen = Segment("b", "Milz", (0.9, 0.1, 0.3), "", box(3))
            write_seg_nrrd(folder / f"{name}.seg.nrrd", (liver, spleen), GRID)
    return folder


@pytest.fixture
def session(application: HostApplication, window: Window, wait_until: Wait, cohort: Path) -> Iterator[PanelWindow]:
    """The panel with the folder's scans in the table."""
    made = PanelWindow(application, window, wait_until)
    made.application.answers.append(cohort)
    made.click("add_folder")
    made.until_read()
    yield made
    made.close()


def double_click(session: PanelWindow, row: int) -> None:
    names = session.find("scan_table").verticalHeader()
    place = QtCore.QPoint(10, names.sectionViewportPosition(row) + 8)
    left, none = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
    QtTest.QTest.mouseDClick(names.viewport(), left, none, place)
    settle()


def choose(session: PanelWindow, name: str) -> None:
    """A click behind the cells makes a scan the current one."""
    table = session.find("scan_table")
    click_row(table, NAMES.index(name), table.columnCount() - 1)
    settle()


def show(session: PanelWindow, name: str) -> None:
    choose(session, name)
    session.click("scan_show")
    session.until_read()


def loaded(session: PanelWindow) -> dict[str, list[str]]:
    """The names of the nodes that came from disk, by kind."""
    scene, found = session.application.scene, {}
    for kind in ("Volume", "Segmentation"):
        name = "vtkMRMLScalarVolumeNode" if kind == "Volume" else "vtkMRMLSegmentationNode"
        nodes = [scene.GetNthNodeByClass(place, name) for place in range(scene.GetNumberOfNodesByClass(name))]
        found[kind] = [node.GetName() for node in nodes if node.GetAttribute("PartialLabelSeg.Scan")]
    return found


def in_views(session: PanelWindow) -> str:
    scene = session.application.scene
    view = scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    volume = scene.GetNodeByID(view.GetBackgroundVolumeID() or "")
    return str(volume.GetName()) if volume is not None else ""


def sums(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_double_click_shows_a_scan_from_disk_with_what_is_drawn_in_it(session: PanelWindow, cohort: Path) -> None:
    before = sums(cohort)
    double_click(session, 0)
    assert "Reading anna to show it" in session.text("scans_busy")
    session.until_read()
    scene = session.application.scene
    volume, drawing = scene.GetFirstNodeByName("anna"), scene.GetFirstNodeByName("anna drawn")
    assert in_views(session) == "anna" and session.desk.state.scan == "anna"
    np.testing.assert_array_equal(array_of(volume), grey(0))
    assert grid_of(volume).same_as(GRID)
    found = {item.name: item for item in drawn(drawing.GetSegmentation())}
    assert found["Liver"].color == pytest.approx((0.2, 0.4, 0.6)) and found["Liver"].terminology == CODE
    assert found["Milz"].color == pytest.approx((0.9, 0.1, 0.3))
    for name, first in (("Liver", 1), ("Milz", 3)):
        np.testing.assert_array_equal(mask_by_points(drawing, found[name].id, GRID), box(first), err_msg=name)
    assert drawing.GetDisplayVisibility() and sums(cohort) == before
    assert session.text("scan_title") == "anna (from abdomen)" and session.is_seen("scan_keep")
    session.picture("disk_1_shown")


def test_the_next_scan_takes_its_place_unless_it_is_kept(session: PanelWindow) -> None:
    show(session, "anna")
    show(session, "bert")
    assert loaded(session) == {"Volume": ["bert"], "Segmentation": ["bert drawn"]} and in_views(session) == "bert"
    session.click("scan_keep")
    session.picture("disk_2_kept")
    show(session, "carl")
    assert loaded(session) == {"Volume": ["bert", "carl"], "Segmentation": ["bert drawn"]}
    assert (
        in_views(session) == "carl"
        and not session.application.scene.GetFirstNodeByName("bert drawn").GetDisplayVisibility()
    )
    assert scans_of(session.application.scene) == [], "they are not offered a second time as loaded scans"
    choose(session, "bert")
    session.click("scan_show")
    assert not session.is_seen("scans_busy") or not session.text("scans_busy"), "what is loaded is shown at once"
    assert in_views(session) == "bert" and loaded(session)["Volume"] == ["bert"]
    session.click("scan_keep")
    show(session, "anna")
    assert loaded(session) == {"Volume": ["anna"], "Segmentation": ["anna drawn"]}


def test_a_scan_of_the_scene_takes_its_place_too(session: PanelWindow) -> None:
    volume = add_scan(session.application.scene, GRID, grey(9), "dora")
    drawing = add_segmentation(volume, GRID, {"Liver": box(1)}, "dora drawn")
    session.click("add_from_scene")
    session.until_read()
    show(session, "anna")
    assert not drawing.GetDisplayVisibility()
    session.panel.logic.scans.show_scan("dora")
    assert in_views(session) == "dora" and drawing.GetDisplayVisibility()
    assert loaded(session) == {"Volume": [], "Segmentation": []}


def test_the_last_one_asked_for_is_shown(session: PanelWindow) -> None:
    double_click(session, 0)
    double_click(session, 1)
    session.until_read()
    assert loaded(session) == {"Volume": ["bert"], "Segmentation": ["bert drawn"]} and in_views(session) == "bert"


@pytest.mark.parametrize("way", ["look", "removed", "closed", "released"])
def test_nothing_stays_when_it_is_not_wanted_any_more(way: str, session: PanelWindow) -> None:
    show(session, "anna")
    double_click(session, 1)
    if way == "look":
        session.desk.change(step="look")
    elif way == "removed":
        session.panel.logic.scans.remove(("anna", "bert"))
    elif way == "closed":
        session.application.host.close_scene()
    else:
        session.close()
    settle()
    assert loaded(session) == {"Volume": [], "Segmentation": []}
    assert session.panel.logic.scans.view().disk == disk_scans.DiskView()


def test_a_kept_scan_is_saved_with_the_scene_and_another_is_not(session: PanelWindow, tmp_path: Path) -> None:
    show(session, "anna")
    session.click("scan_keep")
    show(session, "bert")
    session.application.host.save_scene(tmp_path / "scene.mrb")
    session.application.host.close_scene()
    session.application.host.open_scene(tmp_path / "scene.mrb")
    session.until_read()
    assert loaded(session) == {"Volume": ["anna"], "Segmentation": ["anna drawn"]}
    choose(session, "anna")
    assert session.find("scan_keep").isChecked()


def test_learning_takes_what_the_files_hold(session: PanelWindow, cohort: Path, tmp_path: Path) -> None:
    logic = session.panel.logic.scans
    before = finish_now(gathered(logic.usable(), tmp_path / "before", logic.writer))
    show(session, "anna")
    session.click("scan_keep")
    segmentation = session.application.scene.GetFirstNodeByName("anna drawn").GetSegmentation()
    segmentation.RemoveSegment(segmentation.GetNthSegmentID(0))
    session.desk.tell_now()
    now = finish_now(gathered(logic.usable(), tmp_path / "now", logic.writer))
    assert now.data_sets == before.data_sets == (cohort,) and now.choices == before.choices


def test_a_file_that_is_gone_is_a_sentence_beside_the_scan(session: PanelWindow, cohort: Path) -> None:
    (cohort / "bert.nrrd").unlink()
    show(session, "anna")
    show(session, "bert")
    sentence = session.text("scan_problems")
    assert "It cannot be shown: " in sentence and "Traceback" not in sentence
    assert in_views(session) == "anna", "what was there before is still there"
    session.picture("disk_3_gone")
    write_image(cohort / "bert.nrrd", GRID.image(grey(1)))
    show(session, "bert")
    assert in_views(session) == "bert" and not session.is_seen("scan_problems")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("print('rubbish')", "ended without an answer"),
        ("print(json.dumps({'structures': 5}))", "not understood"),
        ("print(json.dumps({'structures': []}))", "image.nrrd is missing"),
        ("os._exit(9)", "exit status 9"),
        ("say('error', message='The disk is full.')", "the disk is full."),
    ],
)
def test_whatever_the_worker_says_is_a_sentence(
    body: str, sentence: str, session: PanelWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = program(tmp_path, body)
    monkeypatch.setattr(ask_worker, "worker_command", lambda python, *arguments: [*command, *map(str, arguments)])
    show(session, "anna")
    assert sentence in session.text("scan_problems")
    assert loaded(session) == {"Volume": [], "Segmentation": []} and session.find("scan_show").isEnabled()
