"""The seam between the panel and the application around it: what differs between Slicer and the window of the tests.

Everything that is done with MRML nodes alone is the same in both and stands here; the rest is asked of a subclass.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import slicer

from .observers import Observers
from .sight import bring_into_sight, is_in_sight


class NodeSelector(Protocol):
    """A widget with which the user picks a node of the scene, or none."""

    widget: Any

    def node(self) -> Any:
        """The picked node, or None."""

    def set_node(self, node: Any) -> None:
        """Picks a node (None: none) without calling `changed`."""


class Application:
    """What the panel asks of the application that it lives in. `scene` is the MRML scene."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene

    # The worker

    def python_executable(self) -> str:
        """The Python that runs the worker."""
        raise NotImplementedError

    def startup_environment(self) -> dict[str, str]:
        """The whole environment in which the worker is started."""
        raise NotImplementedError

    # Files and settings

    def documents_folder(self) -> Path:
        """Where a new work folder is offered first."""
        raise NotImplementedError

    def setting(self, name: str, default: str) -> str:
        """What the user chose in an earlier session, as text."""
        raise NotImplementedError

    def set_setting(self, name: str, value: str) -> None:
        """Keeps a choice for later sessions."""
        raise NotImplementedError

    def open_document(self, path: Path) -> None:
        """Shows a file or folder in the program that the computer uses for it."""
        raise NotImplementedError

    def sample_data(self, name: str) -> list[Any]:
        """Downloads (or makes) a sample registered under this name and returns the nodes that it loaded.

        Raises a RuntimeError with a sentence when it cannot be had.
        """
        raise NotImplementedError

    # Words with the user

    def ask(self, title: str, text: str, yes: str, no: str) -> bool:
        """A question whose two answers say what they do; True for `yes`. Closing the question means `no`."""
        raise NotImplementedError

    def choose_folder(self, title: str) -> Path | None:
        """A folder that exists; None when the user thought better of it."""
        raise NotImplementedError

    def choose_file(self, title: str, pattern: str) -> Path | None:
        """A file that exists, among those of a Qt pattern such as `Scans (*.csv *.json)`; None when cancelled."""
        raise NotImplementedError

    def say_status(self, text: str) -> None:
        """A short sentence in the window's status line."""
        raise NotImplementedError

    # Widgets of the application

    def main_window(self) -> Any:
        """The widget that keyboard shortcuts belong to, or None."""
        raise NotImplementedError

    def node_selector(self, class_names: tuple[str, ...], title: str, changed: Callable[[Any], None]) -> NodeSelector:
        """A selector of nodes of some classes, with "None" among them. `changed(node)` is called when the user picks another."""
        raise NotImplementedError

    def open_segment_editor(self, segmentation: Any, segment_id: str, volume: Any) -> bool:
        """Opens the Segment Editor on one segment; False where the application has none."""
        raise NotImplementedError

    def export_dicom(self, segmentation: Any, volume: Any) -> str:
        """Hands a segmentation to the application's DICOM export. Empty when that was done, otherwise a sentence why not."""
        raise NotImplementedError

    # Views

    def slice_logics(self) -> list[Any]:
        """The logic (vtkMRMLSliceLogic) of each slice view."""
        raise NotImplementedError

    def slice_interactors(self) -> dict[str, Any]:
        """The VTK interactor of each slice view that is shown, by the view's name."""
        raise NotImplementedError

    def redraw_slices(self, names: list[str]) -> None:
        """Draws slice views anew, once the present events are dealt with: something was changed in their windows that no node knows of."""
        raise NotImplementedError

    def fit_slices(self) -> None:
        """Brings the whole background volume into each slice view."""
        raise NotImplementedError

    def show_3d(self, shown: bool) -> None:
        """Makes sure that a 3D view is in sight and looks at what is in it; `False` leaves the user's views as they are."""
        raise NotImplementedError

    def slice_nodes(self) -> list[Any]:
        """The slice nodes of the views that are shown."""
        nodes = nodes_of_class(self.scene, "vtkMRMLSliceNode")
        return [node for node in nodes if node.IsMappedInLayout()]

    def slice_views(self) -> list[str]:
        """The names of the slice views that are shown, such as Red, Green and Yellow."""
        return [node.GetLayoutName() for node in self.slice_nodes()]

    def show_volume(self, background: Any, foreground: Any = None, opacity: float = 0.6) -> None:
        """Puts volumes (or None) under and over all slice views. The foreground is mixed in with this opacity, 0 to 1."""
        for composite in nodes_of_class(self.scene, "vtkMRMLSliceCompositeNode"):
            composite.SetBackgroundVolumeID(background.GetID() if background else None)
            composite.SetForegroundVolumeID(foreground.GetID() if foreground else None)
            composite.SetForegroundOpacity(float(opacity))

    def jump_to(self, ras: tuple[float, float, float]) -> None:
        """Shows a point (right, anterior, superior; mm) in all slice views.

        A view is moved sideways only if the point is out of sight, and then no further beyond the scan than it must.
        """
        for node in self.slice_nodes():
            node.JumpSliceByOffsetting(*ras)
            if not is_in_sight(node, ras):
                bring_into_sight(node, ras, self._bounds_in(node))

    def _bounds_in(self, slice_node: Any) -> tuple[float, ...] | None:
        """Those of the scan that a view shows (RAS mm), None without one."""
        composites = nodes_of_class(self.scene, "vtkMRMLSliceCompositeNode")
        shown = [node for node in composites if node.GetLayoutName() == slice_node.GetLayoutName()]
        volume = self.scene.GetNodeByID(shown[0].GetBackgroundVolumeID() or "") if shown else None
        if volume is None:
            return None
        bounds = [0.0] * 6
        volume.GetRASBounds(bounds)
        return tuple(bounds) if bounds[0] <= bounds[1] else None

    def colour_legend(self, volume: Any, shown: bool) -> None:
        """Shows or hides the colours of a volume as a bar with numbers in the views."""
        logic = slicer.modules.colors.logic()
        legend = logic.GetColorLegendDisplayNode(volume)
        if legend is None and shown:
            legend = logic.AddDefaultColorLegendDisplayNode(volume)
        if legend is not None:
            legend.SetVisibility(bool(shown))

    def watch_clicks(self, clicked: Callable[[tuple[float, float, float]], None]) -> Callable[[], None]:
        """Calls `clicked(ras)` for each left click in a slice view, until the function that is returned is called."""
        clicks = _Clicks(clicked)
        for node in self.slice_nodes():
            interactor = self.slice_interactors().get(node.GetLayoutName())
            if interactor is not None:
                clicks.watch(interactor, node)
        return clicks.stop


def nodes_of_class(scene: Any, name: str) -> list[Any]:
    """All nodes of a class in the scene, in their order."""
    return [scene.GetNthNodeByClass(i, name) for i in range(scene.GetNumberOfNodesByClass(name))]


def ras_of_event(interactor: Any, slice_node: Any) -> tuple[float, float, float]:
    """The point (mm) under the mouse in a slice view."""
    x, y = interactor.GetEventPosition()
    r, a, s, _ = slice_node.GetXYToRAS().MultiplyPoint((float(x), float(y), 0.0, 1.0))
    return r, a, s


class _Clicks:
    """Reports left clicks in slice views while somebody holds it, or its `stop`; the views hold nobody."""

    def __init__(self, clicked: Callable[[tuple[float, float, float]], None]) -> None:
        self._clicked = clicked
        self._observers = Observers()
        self._views: list[tuple[Any, Any]] = []

    def watch(self, interactor: Any, slice_node: Any) -> None:
        self._views.append((interactor, slice_node))
        self._observers.add_before(interactor, "LeftButtonPressEvent", self._told, 0.0)

    def _told(self, interactor: Any, event: str) -> bool:
        """Never keeps the click to itself."""
        for watched, slice_node in self._views:
            if watched is interactor:
                self._clicked(ras_of_event(interactor, slice_node))
        return False

    def stop(self) -> None:
        self._observers.release()
        self._views = []
