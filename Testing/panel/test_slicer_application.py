"""Slicer's side of the seam, as far as it can be followed outside Slicer: what it decides, with stand-ins for what it calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import slicer
from PySide6 import QtCore, QtWidgets

from host.slicer_host import SlicerHost
from PartialLabelSegLib.panel import slicer_application
from PartialLabelSegLib.panel.slicer_application import SlicerApplication


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Slicer's settings."""
    kept: dict[str, str] = {}
    monkeypatch.setattr(slicer_application.qt, "QSettings", lambda: SimpleNamespace(setValue=kept.__setitem__))
    monkeypatch.setattr(slicer.util, "settingsValue", lambda name, default: kept.get(name, default))
    return kept


@pytest.fixture
def inside(host: SlicerHost, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> SlicerApplication:
    """The seam with the host's scene for Slicer's, and no main window."""
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None)
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: False)
    return SlicerApplication(host.scene)


@pytest.fixture
def volume(host: SlicerHost) -> Any:
    return host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")


@pytest.fixture
def segmentation(host: SlicerHost) -> Any:
    return host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")


@pytest.fixture
def dialog(monkeypatch: pytest.MonkeyPatch) -> Iterator[MagicMock]:
    """Slicer's DICOM export dialog."""
    made = MagicMock()
    monkeypatch.setattr(slicer, "qSlicerDICOMExportDialog", lambda parent: made, raising=False)
    slicer.modules.dicom = MagicMock()
    yield made
    del slicer.modules.dicom


def answer(text: str) -> None:
    """Clicks the button of that text in the question that opens next."""

    def click() -> None:
        box = QtWidgets.QApplication.activeModalWidget()
        if not isinstance(box, QtWidgets.QMessageBox):
            QtCore.QTimer.singleShot(5, click)
            return
        next(button for button in box.buttons() if button.text() == text).click()

    QtCore.QTimer.singleShot(0, click)


@pytest.mark.parametrize(("text", "agreed"), [("Start again", True), ("Keep it", False)])
def test_a_question_has_its_own_two_answers(inside: SlicerApplication, text: str, agreed: bool) -> None:
    answer(text)
    assert inside.ask("Learn", "There is a finished round.", "Start again", "Keep it") is agreed


def test_closing_a_question_means_no(inside: SlicerApplication) -> None:
    def close() -> None:
        box = QtWidgets.QApplication.activeModalWidget()
        assert box is not None
        box.close()

    QtCore.QTimer.singleShot(0, close)
    assert not inside.ask("Learn", "There is a finished round.", "Start again", "Keep it")


def test_in_slicers_testing_mode_no_question_waits_for_a_click(
    inside: SlicerApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: True)
    assert inside.ask("Learn", "There is a finished round.", "Start again", "Keep it")


def test_the_folder_of_the_last_choice_is_offered_next(
    inside: SlicerApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offered: list[str] = []

    def choose_folder(parent: object, title: str, start: str) -> str:
        offered.append(start)
        return str(tmp_path / "scans")

    def choose_file(parent: object, title: str, start: str, pattern: str) -> str:
        offered.append(start)
        return ""

    monkeypatch.setattr(slicer_application.qt.QFileDialog, "getExistingDirectory", choose_folder)
    monkeypatch.setattr(slicer_application.qt.QFileDialog, "getOpenFileName", choose_file)
    assert inside.choose_folder("Scans") == tmp_path / "scans"
    assert inside.choose_file("Scans", "Tables (*.csv)") is None
    assert offered == [str(inside.documents_folder()), str(tmp_path / "scans")]


def test_what_did_not_come_from_dicom_is_not_exported_as_dicom(
    inside: SlicerApplication, volume: Any, segmentation: Any, dialog: MagicMock
) -> None:
    assert "not loaded from DICOM" in inside.export_dicom(segmentation, volume)
    assert "not loaded from DICOM" in inside.export_dicom(segmentation, None)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    assert "QuantitativeReporting" in inside.export_dicom(segmentation, volume)
    assert not dialog.execDialog.called


def test_the_export_dialog_opens_on_the_segmentation_in_the_study_of_its_scan(
    inside: SlicerApplication, volume: Any, segmentation: Any, dialog: MagicMock
) -> None:
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    slicer.modules.dicomPlugins = {slicer_application.DICOM_EXPORTER: object}
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(inside.scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, volume)
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), segmentation)
    assert inside.export_dicom(segmentation, volume) == ""
    assert hierarchy.GetItemParent(item) == study
    dialog.execDialog.assert_called_once_with(item)


def test_a_sample_that_could_not_be_downloaded_is_a_sentence(
    inside: SlicerApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    logic = MagicMock()
    logic.downloadSamples.return_value = []
    monkeypatch.setitem(slicer_application.sys.modules, "SampleData", SimpleNamespace(SampleDataLogic=lambda: logic))
    with pytest.raises(RuntimeError, match="CTHead could not be downloaded"):
        inside.sample_data("CTHead")
    logic.downloadSamples.return_value = ["node"]
    assert inside.sample_data("CTHead") == ["node"]


def test_a_layout_without_a_3d_view_is_changed_and_one_with_it_is_left(
    inside: SlicerApplication, host: SlicerHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = MagicMock()
    monkeypatch.setattr(slicer.app, "layoutManager", lambda: manager)
    monkeypatch.setattr(slicer.util, "resetThreeDViews", manager.reset)
    inside.show_3d(False)
    inside.show_3d(True)
    assert not manager.setLayout.called and manager.reset.call_count == 1
    host.view_logic.GetViewNode().SetMappedInLayout(False)
    inside.show_3d(True)
    manager.setLayout.assert_called_once_with(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


def test_a_node_that_is_set_by_the_panel_is_no_choice_of_the_user(
    inside: SlicerApplication, volume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Box(MagicMock):
        def setCurrentNode(self, node: Any) -> None:
            self.currentNode.return_value = node
            self.currentNodeChanged.connect.call_args.args[0](node)

    monkeypatch.setattr(slicer, "qMRMLNodeComboBox", Box, raising=False)
    picked: list[Any] = []
    selector = inside.node_selector(("vtkMRMLScalarVolumeNode",), "The scan", picked.append)
    selector.set_node(volume)
    assert selector.node() is volume and not picked
    selector.widget.setCurrentNode(None)
    assert picked == [None]
    assert selector.widget.nodeTypes == ["vtkMRMLScalarVolumeNode"] and selector.widget.noneEnabled is True
