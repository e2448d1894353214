"""The seam inside Slicer. The only file of the panel that knows Slicer's application, its widgets and its other modules."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer

from .application import Application, nodes_of_class
from .sample_data import SAMPLES, load_sample

SETTINGS = "PartialLabelSeg"
STATUS_MS = 8000
SEGMENT_EDITOR = "SegmentEditor"
DICOM_EXPORTER = "DICOMSegmentationPlugin"


class SlicerSelector:
    """Slicer's own selector of nodes."""

    def __init__(self, scene: Any, class_names: tuple[str, ...], title: str, changed: Callable[[Any], None]) -> None:
        self.widget = slicer.qMRMLNodeComboBox()
        self.widget.nodeTypes = list(class_names)
        self.widget.noneEnabled = True
        self.widget.addEnabled = False
        self.widget.removeEnabled = False
        self.widget.renameEnabled = False
        self.widget.showHidden = False
        self.widget.setMRMLScene(scene)
        self.widget.setToolTip(title)
        self._changed = changed
        self._setting = False
        self.widget.currentNodeChanged.connect(self._on_changed)

    def _on_changed(self, node: Any = None) -> None:
        if not self._setting:
            self._changed(self.node())

    def node(self) -> Any:
        return self.widget.currentNode()

    def set_node(self, node: Any) -> None:
        self._setting = True
        try:
            self.widget.setCurrentNode(node)
        finally:
            self._setting = False


class SlicerApplication(Application):
    """Slicer around the panel."""

    def python_executable(self) -> str:
        # PythonSlicer sets Slicer's libraries up; sys.executable is it, too, or is Slicer itself in old versions.
        return shutil.which("PythonSlicer") or sys.executable

    def startup_environment(self) -> dict[str, str]:
        return dict(slicer.util.startupEnvironment())

    def documents_folder(self) -> Path:
        found = qt.QStandardPaths.writableLocation(qt.QStandardPaths.DocumentsLocation)
        return Path(found) if found else Path.home()

    def setting(self, name: str, default: str) -> str:
        return str(slicer.util.settingsValue(f"{SETTINGS}/{name}", default))

    def set_setting(self, name: str, value: str) -> None:
        qt.QSettings().setValue(f"{SETTINGS}/{name}", str(value))

    def open_document(self, path: Path) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))

    def sample_data(self, name: str) -> list[Any]:
        if name in SAMPLES:
            return load_sample(self, name)
        # A module of Slicer, which is there only at run time.
        nodes = importlib.import_module("SampleData").SampleDataLogic().downloadSamples(name)
        if not nodes:
            raise RuntimeError(
                f"The sample {name} could not be downloaded. Check the network, and Slicer's Sample Data module."
            )
        return list(nodes)

    def ask(self, title: str, text: str, yes: str, no: str) -> bool:
        if slicer.app.testingEnabled():
            return True
        box = qt.QMessageBox(self.main_window())
        box.setWindowTitle(title)
        box.setText(text)
        box.setStandardButtons(qt.QMessageBox.Yes | qt.QMessageBox.No)
        box.button(qt.QMessageBox.Yes).setText(yes)
        box.button(qt.QMessageBox.No).setText(no)
        box.setDefaultButton(qt.QMessageBox.Yes)
        box.setEscapeButton(qt.QMessageBox.No)
        answer = box.exec()
        box.deleteLater()
        return bool(answer == qt.QMessageBox.Yes)

    def choose_folder(self, title: str) -> Path | None:
        chosen = qt.QFileDialog.getExistingDirectory(self.main_window(), title, self._last_folder())
        return self._chosen(chosen, is_folder=True)

    def choose_file(self, title: str, pattern: str) -> Path | None:
        chosen = qt.QFileDialog.getOpenFileName(self.main_window(), title, self._last_folder(), pattern)
        return self._chosen(chosen, is_folder=False)

    def _last_folder(self) -> str:
        return self.setting("folder", str(self.documents_folder()))

    def _chosen(self, chosen: str, is_folder: bool) -> Path | None:
        if not chosen:
            return None
        path = Path(chosen)
        self.set_setting("folder", str(path if is_folder else path.parent))
        return path

    def say_status(self, text: str) -> None:
        slicer.util.showStatusMessage(text, STATUS_MS)

    def main_window(self) -> Any:
        return slicer.util.mainWindow()

    def node_selector(self, class_names: tuple[str, ...], title: str, changed: Callable[[Any], None]) -> SlicerSelector:
        return SlicerSelector(self.scene, class_names, title, changed)

    def open_segment_editor(self, segmentation: Any, segment_id: str, volume: Any) -> bool:
        slicer.util.selectModule(SEGMENT_EDITOR)
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(segmentation)
        editor.setSourceVolumeNode(volume)
        editor.setCurrentSegmentID(segment_id)
        return True

    def export_dicom(self, segmentation: Any, volume: Any) -> str:
        if volume is None or not volume.GetAttribute("DICOM.instanceUIDs"):
            return (
                "This scan was not loaded from DICOM, so there is no study that a DICOM segmentation could belong to."
            )
        slicer.modules.dicom.widgetRepresentation()
        if DICOM_EXPORTER not in getattr(slicer.modules, "dicomPlugins", {}):
            return "Slicer writes DICOM segmentations with the extension QuantitativeReporting. Install it and start Slicer again."
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
        item = hierarchy.GetItemByDataNode(segmentation)
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(hierarchy.GetItemByDataNode(volume)))
        dialog = slicer.qSlicerDICOMExportDialog(None)
        dialog.setMRMLScene(self.scene)
        dialog.execDialog(item)
        return ""

    def slice_logics(self) -> list[Any]:
        logics = slicer.app.applicationLogic().GetSliceLogics()
        return [logics.GetItemAsObject(place) for place in range(logics.GetNumberOfItems())]

    def slice_interactors(self) -> dict[str, Any]:
        manager = slicer.app.layoutManager()
        return {name: manager.sliceWidget(name).sliceView().interactor() for name in manager.sliceViewNames()}

    def redraw_slices(self, names: list[str]) -> None:
        manager = slicer.app.layoutManager()
        for name in set(names) & set(manager.sliceViewNames()):
            manager.sliceWidget(name).sliceView().scheduleRender()

    def fit_slices(self) -> None:
        slicer.util.resetSliceViews()

    def show_3d(self, shown: bool) -> None:
        if not shown:
            return
        views = nodes_of_class(self.scene, "vtkMRMLViewNode")
        if not any(view.IsMappedInLayout() for view in views):
            slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        slicer.util.resetThreeDViews()
