"""The stand-in for Slicer's window: its views draw what is in the scene, and its side of the seam does what the panel asks."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from host import appearance
from host.host_application import HostApplication
from host.pictures import picture
from host.slicer_host import SlicerHost
from host.watch import Watch
from host.window import Window
from PartialLabelSegLib.panel.application import Application
from PartialLabelSegLib.panel.sight import is_in_sight
from PartialLabelSegLib.panel.slicer_application import SlicerApplication

Pump = Callable[[int], None]


def a_volume(name: str = "scan") -> Any:
    """A bright block of 2 x 2 x 3 mm voxels in the middle of a dark scan."""
    array = np.zeros((20, 30, 40), np.int16)
    array[5:15, 10:20, 10:30] = 200
    node = slicer.util.addVolumeFromArray(array, name=name)
    node.SetSpacing(2, 2, 3)
    return node


def a_segmentation(volume: Any) -> Any:
    """One segment where the volume is bright."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("liver", "liver", [1.0, 0.0, 0.0])
    mask = (slicer.util.arrayFromVolume(volume) > 100).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment, volume)
    return node


def pixels(window: Window, name: str) -> np.ndarray:
    return window.labels[name].view.pixels()


def test_the_views_draw_a_volume_and_over_it_a_segment(
    application: HostApplication, window: Window, pump: Pump
) -> None:
    empty = {name: pixels(window, name) for name in window.labels}
    volume = a_volume()
    application.show_volume(volume)
    application.fit_slices()
    pump(50)
    scan = {name: pixels(window, name) for name in window.labels}
    a_segmentation(volume)
    pump(50)
    picture(window, "host/volume_and_segment")
    for name in window.labels:
        assert scan[name].max() == 255 and empty[name].max() == 0
        red, green = pixels(window, name)[..., 0], pixels(window, name)[..., 1]
        assert (red.astype(int) - green > 100).sum() > 100, f"no red segment in {name}"
        # The scan shines through the fill: segments were drawn over it, not it over them.
        assert (green[scan[name][..., 1] == 255] > 0).any()


def test_a_surface_is_drawn_in_the_3d_view_and_fitted_to_it(
    application: HostApplication, window: Window, pump: Pump
) -> None:
    before = window.threed.view.pixels()
    a_segmentation(a_volume()).CreateClosedSurfaceRepresentation()
    application.show_3d(True)
    pump(50)
    after = window.threed.view.pixels()
    reddish = after[..., 0].astype(int) - after[..., 2] > 60
    assert 0.02 < reddish.mean() < 0.9
    assert (before != after).any() and application.shown_3d == [True]


def test_a_foreground_is_mixed_in_with_its_opacity(application: HostApplication, window: Window, pump: Pump) -> None:
    scan, dark = a_volume(), a_volume("overlay")
    slicer.util.updateVolumeFromArray(dark, np.zeros((20, 30, 40), np.int16))
    for opacity, brightest in ((0.0, 255), (0.5, 128), (1.0, 0)):
        application.show_volume(scan, dark, opacity)
        application.fit_slices()
        pump(20)
        assert abs(int(pixels(window, "Red").max()) - brightest) <= 2
    application.show_volume(None)
    pump(20)
    assert pixels(window, "Red").max() == 0


def position(node: Any) -> list[float]:
    """The middle of a slice view, in mm."""
    return [round(node.GetSliceToRAS().GetElement(i, 3), 6) for i in range(3)]


def test_jumping_moves_all_slices_and_pans_only_when_the_point_is_out_of_sight(
    application: HostApplication, host: SlicerHost
) -> None:
    application.show_volume(a_volume())
    application.fit_slices()
    red, green, yellow = application.slice_nodes()
    assert application.slice_views() == ["Red", "Green", "Yellow"]
    application.jump_to((31.0, 21.0, 12.0))
    assert [position(red)[2], position(green)[1], position(yellow)[0]] == [12.0, 21.0, 31.0]
    before = position(red)
    red.SetFieldOfView(10, 10, 1)
    red.UpdateMatrices()
    assert not is_in_sight(red, (55.0, 40.0, 12.0))
    application.jump_to((55.0, 40.0, 12.0))
    assert is_in_sight(red, (55.0, 40.0, 12.0))
    assert position(red)[0] != before[0]
    assert all(is_in_sight(node, (55.0, 40.0, 12.0)) for node in (green, yellow))


def test_the_colour_legend_is_made_once_and_hidden_again(
    application: HostApplication, window: Window, pump: Pump
) -> None:
    volume = a_volume()
    application.show_volume(volume)
    application.colour_legend(volume, False)
    legends = "vtkMRMLColorLegendDisplayNode"
    assert application.scene.GetNumberOfNodesByClass(legends) == 0
    pump(20)
    before = pixels(window, "Red")
    application.colour_legend(volume, True)
    application.colour_legend(volume, True)
    pump(20)
    assert application.scene.GetNumberOfNodesByClass(legends) == 1
    assert (pixels(window, "Red") != before).any()
    application.colour_legend(volume, False)
    pump(20)
    assert (pixels(window, "Red") == before).all()


def test_a_mouse_click_in_a_view_is_reported_as_a_point_until_the_watch_ends(
    application: HostApplication, window: Window, pump: Pump
) -> None:
    application.show_volume(a_volume())
    application.fit_slices()
    application.jump_to((30.0, 20.0, 12.0))
    pump(20)
    seen: list[tuple[float, float, float]] = []
    stop = application.watch_clicks(seen.append)
    label = window.labels["Red"]
    click(label, label.rect().center())
    (point,) = seen
    assert point[2] == pytest.approx(12.0)
    assert is_in_sight(application.slice_nodes()[0], point)
    stop()
    click(label, label.rect().center())
    assert len(seen) == 1
    stop = application.watch_clicks(seen.append)
    del stop
    gc.collect()
    click(label, label.rect().center())
    assert len(seen) == 1, "the views hold nobody who forgot to end the watch"


def click(label: QtWidgets.QWidget, where: QtCore.QPoint) -> None:
    for kind in (QtCore.QEvent.Type.MouseButtonPress, QtCore.QEvent.Type.MouseButtonRelease):
        button, none = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
        point = QtCore.QPointF(where)
        event = QtGui.QMouseEvent(kind, point, label.mapToGlobal(point), button, button, none)
        QtWidgets.QApplication.sendEvent(label, event)


def test_the_wheel_turns_pages_as_in_slicer(application: HostApplication, window: Window, pump: Pump) -> None:
    application.show_volume(a_volume())
    application.fit_slices()
    pump(20)
    label, node = window.labels["Red"], application.slice_nodes()[0]
    before = node.GetSliceOffset()
    point = QtCore.QPointF(label.rect().center())
    none = QtCore.Qt.KeyboardModifier.NoModifier
    wheel = QtGui.QWheelEvent(
        point,
        point,
        QtCore.QPoint(0, 120),
        QtCore.QPoint(0, 120),
        QtCore.Qt.MouseButton.NoButton,
        none,
        QtCore.Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QtWidgets.QApplication.sendEvent(label, QtGui.QEnterEvent(point, point, point))
    QtWidgets.QApplication.sendEvent(label, wheel)
    assert node.GetSliceOffset() - before == pytest.approx(3.0)


def test_a_view_is_redrawn_once_for_many_changes(application: HostApplication, window: Window, pump: Pump) -> None:
    application.show_volume(a_volume())
    pump(200)
    label = window.labels["Red"]
    drawn: list[int] = []
    plain = label.view.read

    def counted() -> np.ndarray:
        drawn.append(1)
        return plain()

    label.view.read = counted
    for offset in range(5):
        application.slice_nodes()[0].SetSliceOffset(float(offset))
    assert not drawn
    pump(200)
    assert len(drawn) == 1


def test_prepared_answers_are_given_in_their_order(application: HostApplication, tmp_path: Path) -> None:
    application.answers.extend([True, False, tmp_path, None])
    assert application.ask("Learn", "Start again?", "Start", "Keep")
    assert not application.ask("Learn", "Really?", "Yes", "No")
    assert application.choose_folder("Scans") == tmp_path
    assert application.choose_file("Scans", "Tables (*.csv)") is None
    assert application.asked[0] == "Learn: Start again? [Start] [Keep]"
    with pytest.raises(AssertionError, match="no answer was prepared for: Folder"):
        application.choose_folder("Folder")


def test_a_selector_follows_the_scene_and_says_what_the_user_picked(application: HostApplication, pump: Pump) -> None:
    picked: list[Any] = []
    volume = a_volume("first")
    selector = application.node_selector(("vtkMRMLScalarVolumeNode",), "The scan", picked.append)
    second = a_volume("second")
    assert [selector.widget.itemText(i) for i in range(selector.widget.count())] == ["None", "first", "second"]
    selector.set_node(volume)
    assert selector.node() is volume and not picked
    selector.widget.setCurrentIndex(2)
    assert picked == [second]
    application.scene.RemoveNode(second)
    assert picked == [second, None] and selector.node() is None
    selector.widget.deleteLater()
    pump(10)
    a_volume("after the widget is gone")


def test_settings_and_words_are_kept(application: HostApplication, window: Window) -> None:
    assert application.setting("preset", "quick") == "quick"
    application.set_setting("preset", "full")
    assert application.setting("preset", "quick") == "full"
    application.say_status("Learning")
    assert application.status == ["Learning"] and window.widget.statusBar().currentMessage() == "Learning"
    assert application.main_window() is window.widget


def test_a_scan_that_is_not_from_dicom_is_not_exported_as_dicom(application: HostApplication) -> None:
    volume = a_volume()
    segmentation = a_segmentation(volume)
    assert "DICOM" in application.export_dicom(segmentation, volume)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    assert application.export_dicom(segmentation, volume) == ""
    assert application.exported == [(segmentation, volume)]


def test_an_unknown_sample_is_a_sentence(application: HostApplication) -> None:
    with pytest.raises(RuntimeError, match="no sample named"):
        application.sample_data("Nothing")
    application.samples["Phantoms"] = lambda: [a_volume()]
    assert application.sample_data("Phantoms")[0].GetName() == "scan"


def test_the_worker_gets_this_python_and_its_environment(application: HostApplication) -> None:
    assert Path(application.python_executable()).is_file()
    assert application.startup_environment() == dict(os.environ)


def test_every_question_of_the_seam_has_an_answer_on_both_sides() -> None:
    asked = [name for name, method in vars(Application).items() if isinstance(method, FunctionType)]
    open_ones = [name for name in asked if "NotImplementedError" in vars(Application)[name].__code__.co_names]
    assert len(open_ones) > 10
    for side in (HostApplication, SlicerApplication):
        assert not [name for name in open_ones if name not in vars(side)], side


def test_a_scene_comes_back_from_a_bundle(host: SlicerHost, application: HostApplication, tmp_path: Path) -> None:
    volume = a_volume()
    a_segmentation(volume)
    expected = slicer.util.arrayFromVolume(volume).copy()
    host.save_scene(tmp_path / "scene.mrb")
    host.close_scene()
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    host.open_scene(tmp_path / "scene.mrb")
    loaded = slicer.util.getNode("scan")
    assert (slicer.util.arrayFromVolume(loaded) == expected).all()
    segmentation = slicer.util.getNode("organs")
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 1
    assert application.slice_views() == ["Red", "Green", "Yellow"]


def test_the_views_go_on_after_the_scene_was_closed(
    host: SlicerHost, application: HostApplication, window: Window, pump: Pump
) -> None:
    application.show_volume(a_volume())
    host.close_scene()
    pump(20)
    application.show_volume(a_volume("next"))
    application.fit_slices()
    pump(20)
    assert pixels(window, "Red").max() == 255


def test_two_scenes_one_after_the_other_share_nothing(host: SlicerHost) -> None:
    a_volume()
    other = SlicerHost()
    assert other.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert slicer.mrmlScene is other.scene
    other.close()


def test_an_error_of_vtk_is_seen(watch: Watch, host: SlicerHost) -> None:
    host.scene.AddNewNodeByClass("vtkMRMLNoSuchNode")
    host.scene.CreateNodeByClass("vtkMRMLNoSuchNode")
    slicer.vtkMRMLSliceLogic().AddSliceNode("nowhere")
    assert watch.errors_of_vtk()
    watch.forgive()


def test_a_panel_in_the_window_scrolls_down_and_never_sideways(window: Window, pump: Pump) -> None:
    tall = QtWidgets.QWidget()
    tall.setMinimumSize(200, 3000)
    window.set_panel(tall)
    window.resize(1000, 600, panel_width=350)
    pump(20)
    assert 300 <= tall.width() <= 350
    image = picture(window, "host/window")
    assert (image.width(), image.height()) == (1000, 600)


def test_a_picture_is_saved_only_where_a_folder_is_named(
    qt_application: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = QtWidgets.QLabel("seen")
    monkeypatch.delenv("PARTIALLABELSEG_SCREENSHOTS", raising=False)
    assert picture(label, "one").width() == label.width()
    monkeypatch.setenv("PARTIALLABELSEG_SCREENSHOTS", str(tmp_path / "pictures"))
    picture(label, "steps/two")
    assert [path.name for path in (tmp_path / "pictures").rglob("*.png")] == ["two.png"]


def test_another_appearance_lasts_as_long_as_it_is_asked_for(qt_application: Any) -> None:
    def window_brightness() -> int:
        return int(QtWidgets.QLabel().palette().window().color().lightness())

    light, plain = window_brightness(), QtWidgets.QLabel("text").sizeHint().height()
    with appearance.dark(qt_application), appearance.larger_text(qt_application, 2.0):
        assert window_brightness() < 80 < light
        assert QtWidgets.QLabel("text").sizeHint().height() > 1.5 * plain
    assert window_brightness() == light
    assert QtWidgets.QLabel("text").sizeHint().height() == plain


def test_the_bars_follow_the_slices_and_move_them(application: HostApplication, window: Window, pump: Pump) -> None:
    application.show_volume(a_volume())
    application.fit_slices()
    application.jump_to((30.0, 20.0, 12.0))
    pump(10)
    assert [bar.position() for bar in window.bars.values()] == ["S: 12.0 mm", "A: 20.0 mm", "R: 30.0 mm"]
    bar = window.bars["Red"]
    assert (bar.slider.minimum(), bar.slider.maximum()) == (-15, 585)
    bar.slider.setValue(241)
    assert position(application.slice_nodes()[0])[2] == 24.0
