"""Slicer's slice and 3D views drawn off screen by its own displayable managers, and shown in a Qt label.

Drawing into a picture instead of an OpenGL widget works without a display, and `grab()` shows it like any other widget.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

from host.slicer_host import SlicerHost
from host.turns import Turns

SLICE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)
THREED_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
)
BUTTONS = {
    QtCore.Qt.MouseButton.LeftButton: "LeftButton",
    QtCore.Qt.MouseButton.MiddleButton: "MiddleButton",
    QtCore.Qt.MouseButton.RightButton: "RightButton",
}


class RenderedView:
    """A render window with displayable managers. `wanted` is called when something in the scene asks for a new picture."""

    def __init__(self, host: SlicerHost, factory_class: Any, managers: tuple[str, ...], first_prop: Any = None) -> None:
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        if first_prop is not None:
            self.renderer.AddViewProp(first_prop)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.Initialize()
        factory = factory_class.GetInstance()
        factory.SetMRMLApplicationLogic(host.logic)
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self.group.SetRenderer(self.renderer)
        self.group.Initialize(factory, self.renderer)
        self.wanted: Any = lambda: None
        self._observed: list[tuple[Any, int]] = []
        self.observe(self.group, vtk.vtkCommand.UpdateEvent, lambda *_: self.wanted())
        self._reader = vtk.vtkWindowToImageFilter()
        self._reader.SetInput(self.window)
        self._reader.ReadFrontBufferOff()
        # It was rendered a moment ago.
        self._reader.ShouldRerenderOff()

    def observe(self, sender: Any, event: int, command: Any) -> None:
        """As AddObserver, until `close()`."""
        self._observed.append((sender, sender.AddObserver(event, command)))

    def pixels(self) -> np.ndarray:
        """The view as it is now: uint8 (height, width, 3), first row at the top."""
        self.render()
        return self.read()

    def render(self) -> None:
        """What any window has to do, also Slicer's."""
        self.window.Render()

    def read(self) -> np.ndarray:
        """What was rendered, as in `pixels`."""
        self._reader.Modified()
        self._reader.Update()
        image = self._reader.GetOutput()
        width, height, _ = image.GetDimensions()
        flat = vtk_to_numpy(image.GetPointData().GetScalars())
        return np.ascontiguousarray(flat.reshape(height, width, 3)[::-1])

    def resize(self, width: int, height: int) -> None:
        """In pixels of the screen."""
        self.window.SetSize(width, height)

    def close(self) -> None:
        """Ends the window before the scene goes: OpenGL objects freed at the interpreter's end crash."""
        for sender, tag in self._observed:
            sender.RemoveObserver(tag)
        self._observed.clear()
        self.interactor.SetInteractorStyle(None)
        self.group.SetMRMLDisplayableNode(None)
        self._reader.SetInput(None)
        self.window.Finalize()
        self.interactor.SetRenderWindow(None)


class SliceView(RenderedView):
    """One slice view, such as Red, on the host's slice logic of that name."""

    def __init__(self, host: SlicerHost, name: str) -> None:
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._mapper)
        self._actor.GetProperty().SetDisplayLocationToBackground()
        # Before the managers' own actors: a segment's fill that is drawn earlier would be hidden under the scan.
        super().__init__(host, slicer.vtkMRMLSliceViewDisplayableManagerFactory, SLICE_MANAGERS, self._actor)
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self._add_overlay()
        self.logic = host.slice_logics[name]
        self.group.SetMRMLDisplayableNode(self.logic.GetSliceNode())
        self.observe(self.logic, vtk.vtkCommand.ModifiedEvent, lambda *_: self._connect())
        self._connect()
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetSliceLogic(self.logic)
        self._style.SetDisplayableManagers(self.group)
        self._style.SetInteractor(self.interactor)

    def _add_overlay(self) -> None:
        """The layer on which crosshair, ruler and legend are drawn."""
        overlay = vtk.vtkRenderer()
        overlay.SetLayer(1)
        overlay.GetActiveCamera().ParallelProjectionOn()
        self.window.SetNumberOfLayers(2)
        self.window.AddRenderer(overlay)
        self.window.SetAlphaBitPlanes(1)

    def _connect(self) -> None:
        connection = self.logic.GetImageDataConnection()
        self._mapper.SetInputConnection(connection)
        self._actor.SetVisibility(bool(connection))
        self.wanted()

    def resize(self, width: int, height: int) -> None:
        super().resize(width, height)
        self.logic.ResizeSliceNode(width, height)

    def fit(self) -> None:
        """The whole background volume in the middle."""
        self.logic.FitSliceToBackground()
        self.logic.SnapSliceOffsetToIJK()

    def close(self) -> None:
        self._style.SetInteractor(None)
        self._style.SetDisplayableManagers(None)
        self._style.SetSliceLogic(None)
        self._mapper.SetInputConnection(None)
        super().close()


class ThreeDView(RenderedView):
    """The 3D view on the host's view logic."""

    def __init__(self, host: SlicerHost) -> None:
        super().__init__(host, slicer.vtkMRMLThreeDViewDisplayableManagerFactory, THREED_MANAGERS)
        node = host.view_logic.GetViewNode()
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        self.group.SetMRMLDisplayableNode(node)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleTrackballCamera())

    def fit(self) -> None:
        """Everything that is shown, as large as it fits."""
        self.renderer.ResetCamera()
        self.renderer.ResetCameraClippingRange()
        self.wanted()


class ViewLabel(QtWidgets.QLabel):
    """Shows a view, and hands mouse and wheel on to Slicer's own interaction."""

    def __init__(self, view: Any, name: str, turns: Turns) -> None:
        super().__init__()
        self.view = view
        self._turns = turns
        self.setObjectName(name)
        self.setMinimumSize(120, 100)
        self.setMouseTracking(True)
        self._asked = False
        view.wanted = self.ask

    def ask(self) -> None:
        """A new picture, once, when the events that are waiting have been dealt with."""
        if not self._asked:
            self._asked = True
            self._turns.ask(self.draw)

    def draw(self) -> None:
        """The new picture at once."""
        self._asked = False
        if self.view is None:
            return
        self.view.render()
        self._take_over()

    def _take_over(self) -> None:
        """From the view's window, which nobody sees, into this one."""
        pixels = self.view.read()
        height, width, _ = pixels.shape
        image = QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888)
        picture = QtGui.QPixmap.fromImage(image.copy())
        picture.setDevicePixelRatio(self.devicePixelRatio())
        self.setPixmap(picture)

    def close_view(self) -> None:
        """Shows nothing from now on."""
        view, self.view = self.view, None
        if view is not None:
            view.wanted = lambda: None
            view.close()

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(360, 300)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        ratio = self.devicePixelRatio()
        if self.view is not None:
            self.view.resize(max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio)))
            self.ask()

    def _hand_on(self, event: Any, name: str) -> None:
        if self.view is None:
            return
        ratio = self.devicePixelRatio()
        x, y = event.position().x() * ratio, (self.height() - 1 - event.position().y()) * ratio
        keys = event.modifiers()
        control = bool(keys & QtCore.Qt.KeyboardModifier.ControlModifier)
        shift = bool(keys & QtCore.Qt.KeyboardModifier.ShiftModifier)
        self.view.interactor.SetEventInformation(round(x), round(y), int(control), int(shift))
        self.view.interactor.InvokeEvent(name)

    def enterEvent(self, event: QtGui.QEnterEvent) -> None:
        if self.view is not None:
            self.view.interactor.InvokeEvent("EnterEvent")

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        if self.view is not None:
            self.view.interactor.InvokeEvent("LeaveEvent")

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        forward = event.angleDelta().y() > 0
        self._hand_on(event, "MouseWheelForwardEvent" if forward else "MouseWheelBackwardEvent")

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() in BUTTONS:
            self._hand_on(event, f"{BUTTONS[event.button()]}PressEvent")

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() in BUTTONS:
            self._hand_on(event, f"{BUTTONS[event.button()]}ReleaseEvent")

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        self._hand_on(event, "MouseMoveEvent")
