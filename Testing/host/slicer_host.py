"""A scene with Slicer's own logics, as the application brings them up, without the application."""

from __future__ import annotations

import contextlib
import locale
import tempfile
import types
from pathlib import Path
from typing import Any

# Slicer's libraries may set the locale of the whole process when they are loaded.
_locale = locale.setlocale(locale.LC_ALL)
import slicer  # noqa: E402
import vtk  # noqa: E402

locale.setlocale(locale.LC_ALL, _locale)

SLICES = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
MODULES = {
    "colors": ("Colors", "vtkSlicerColorLogic"),
    "volumes": ("Volumes", "vtkSlicerVolumesLogic"),
    "segmentations": ("Segmentations", "vtkSlicerSegmentationsModuleLogic"),
    "subjecthierarchy": ("SubjectHierarchy", "vtkSlicerSubjectHierarchyModuleLogic"),
    "plots": ("Plots", "vtkSlicerPlotsLogic"),
    "tables": ("Tables", "vtkSlicerTablesLogic"),
}


class Module:
    """What the panel uses of an entry of slicer.modules."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


class CoreApplication:
    """What slicer.util's functions for arrays and nodes use of slicer.app."""

    applicationName = "Slicer"

    def __init__(self, host: SlicerHost) -> None:
        self._host = host
        self.temporaryPath = host.temporary_folder

    def applicationLogic(self) -> Any:
        return self._host.logic

    def mrmlScene(self) -> Any:
        return self._host.scene

    def layoutManager(self) -> None:
        return None

    def pauseRender(self) -> None:
        pass

    def resumeRender(self) -> None:
        pass

    def processEvents(self) -> None:
        pass

    def testingEnabled(self) -> bool:
        return True


class SlicerHost:
    """The scene, the application's logic, and one logic for each slice view and for the 3D view. `close()` ends it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="slicer_host_")
        self.temporary_folder = self._folder.name
        self.scene = slicer.vtkMRMLScene()
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        self.logic = slicer.vtkSlicerApplicationLogic()
        self.logic.SetHomeDirectory(self.temporary_folder)
        # Slicer looks for files of colours there; none is as good.
        Path(self.temporary_folder, "share", "ColorFiles").mkdir(parents=True)
        self.logic.SetShareDirectory("share")
        self.logic.SetTemporaryPath(self.temporary_folder)
        self.logic.SetMRMLScene(self.scene)
        self.logic.SetSliceLogics(vtk.vtkCollection())
        self.logic.SetViewLogics(vtk.vtkCollection())
        self.modules = {name: self._module_logic(*entry) for name, entry in MODULES.items()}
        self._set_up_bundles()
        slicer.mrmlScene = self.scene
        slicer.app = CoreApplication(self)
        slicer.modules = types.SimpleNamespace(**{name: Module(logic) for name, logic in self.modules.items()})
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        self.slice_logics = {name: self._slice_logic(name, orientation) for name, orientation in SLICES.items()}
        self.view_logic = self._view_logic()

    def _module_logic(self, name: str, class_name: str) -> Any:
        logic = getattr(slicer, class_name)()
        if hasattr(logic, "SetModuleShareDirectory"):
            logic.SetModuleShareDirectory(self.temporary_folder)
        logic.SetMRMLApplicationLogic(self.logic)
        logic.SetMRMLScene(self.scene)
        self.logic.SetModuleLogic(name, logic)
        return logic

    def _set_up_bundles(self) -> None:
        """What the scene needs to open a .mrb file."""
        self._remote = slicer.vtkMRMLRemoteIOLogic()
        self._remote.SetMRMLScene(self.scene)
        cache = Path(self.temporary_folder, "cache")
        cache.mkdir()
        # Without this file Slicer takes the folder for somebody else's.
        (cache / ".slicer-cache").touch()
        self._remote.GetCacheManager().SetRemoteCacheDirectory(str(cache))
        self._remote.AddDataIOToScene()
        self._data_io = slicer.vtkDataIOManagerLogic()
        self._data_io.SetMRMLApplicationLogic(self.logic)
        self._data_io.SetAndObserveDataIOManager(self._remote.GetDataIOManager())

    def _slice_logic(self, name: str, orientation: str) -> Any:
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.logic)
        self.logic.GetSliceLogics().AddItem(logic)
        logic.SetMRMLScene(self.scene)
        node = logic.AddSliceNode(name)
        node.SetMappedInLayout(True)
        node.SetOrientation(orientation)
        logic.ResizeSliceNode(400, 400)
        return logic

    def _view_logic(self) -> Any:
        logic = slicer.vtkMRMLViewLogic()
        logic.SetMRMLApplicationLogic(self.logic)
        self.logic.GetViewLogics().AddItem(logic)
        logic.SetMRMLScene(self.scene)
        logic.AddViewNode("1").SetMappedInLayout(True)
        return logic

    def save_scene(self, path: Path) -> None:
        """Writes the scene as a .mrb file."""
        assert self.scene.WriteToMRB(str(path)), path

    def open_scene(self, path: Path) -> None:
        """Closes the scene and opens a .mrb file in its place, as File > Open does."""
        self.close_scene()
        # Its answer is about nodes without a file; what came back is for the caller to check.
        self.scene.ReadFromMRB(str(path))

    def close_scene(self) -> None:
        """What File > Close Scene does: views and other singletons stay."""
        self.scene.Clear(False)

    def close(self) -> None:
        """Ends the scene. What a test still holds of it is empty afterwards."""
        for logic in (*self.slice_logics.values(), self.view_logic, *self.modules.values(), self._remote):
            # This one asks the scene that is gone for its subject hierarchy, and says so.
            if logic is not self.modules["segmentations"]:
                logic.SetMRMLScene(None)
        self.logic.SetMRMLScene(None)
        self.scene.Clear(True)
        for name in ("mrmlScene", "app", "modules"):
            with contextlib.suppress(AttributeError):
                delattr(slicer, name)
        self._folder.cleanup()
