"""The slice views that show the rated scan slice by slice: the grid is drawn over them, and the left mouse button is ours there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk

from ..application import Application
from ..geometry import matrix_array, point_of, vtk_matrix
from ..observers import Observers
from .grid_view import GridView, Picture
from .mouse import Hands, Mouse
from .planes import ShownSlice, count_along, nearest_view, shown_slice, slice_at, voxel, voxels_to_world


class _View:
    """One slice view: its node, the actors, and what listens."""

    def __init__(self, node: Any, interactor: Any, hands: Hands, moved: Callable[[str], None]) -> None:
        self.node = node
        self.name = str(node.GetLayoutName())
        self.interactor = interactor
        self.picture = GridView(interactor)
        self._mouse = Mouse(interactor, self.name, hands)
        self._moved, self._observers = moved, Observers()
        self._observers.add(node, vtk.vtkCommand.ModifiedEvent, self._turned)

    def _turned(self) -> None:
        self._moved(self.name)

    def release(self) -> None:
        self._observers.release()
        self._mouse.release()
        self.picture.remove()


class Stage:
    """`open` and `close` may be called at any time. `turned()` is called when the main view goes to another slice.

    picture_of(index): what is to be drawn over a slice, None for nothing.
    """

    def __init__(
        self,
        application: Application,
        hands: Hands,
        picture_of: Callable[[int], Picture | None],
        turned: Callable[[], object],
    ) -> None:
        self._application = application
        self._hands, self._picture_of, self._turned = hands, picture_of, turned
        self._volume: Any = None
        self._axis = 0
        self._views: dict[str, _View] = {}
        self._main = ""
        self._before: tuple[Any, Any] | None = None
        self._index: int | None = None

    def open(self, volume: Any, axis: int) -> None:
        """Shows a scan's slices. Where no view lies along them, the nearest one is turned. Failure: a transform that bends space."""
        if volume is not self._volume or axis != self._axis:
            self._give_back()
        self._volume, self._axis = volume, axis
        self._match_views()
        world = voxels_to_world(volume)
        nearest = nearest_view(world, axis, [view.node for view in self._views.values()])
        self._main = str(nearest.GetLayoutName()) if nearest is not None else ""
        if nearest is not None and shown_slice(world, axis, count_along(volume, axis), nearest) is None:
            self._straighten(nearest, world)
        self.draw()

    def close(self) -> None:
        """Gives the views back as they were."""
        self._give_back()
        for view in self._views.values():
            view.release()
        names, self._views = list(self._views), {}
        self._volume, self._index = None, None
        self._application.redraw_slices(names)

    def _straighten(self, node: Any, world: Any) -> None:
        """Turns a view that is tilted against the scan's slices, and brings one back that lies beyond the scan."""
        count = count_along(self._volume, self._axis)
        if not 0 <= slice_at(world, self._axis, node) < count:
            self._jump(node, count // 2)
        if shown_slice(world, self._axis, count, node) is None:
            before = vtk_matrix(matrix_array(node.GetSliceToRAS()))
            node.RotateToVolumePlane(self._volume)
            self._before = (node, before)

    def _give_back(self) -> None:
        if self._before is not None:
            node, matrix = self._before
            self._before = None
            if node.GetScene() is not None:
                node.GetSliceToRAS().DeepCopy(matrix)
                node.UpdateMatrices()

    def _match_views(self) -> None:
        """The layout may have changed: a view more, one less, another window."""
        interactors = self._application.slice_interactors()
        there = {str(node.GetLayoutName()): node for node in self._application.slice_nodes()}
        for name, view in list(self._views.items()):
            if name not in there or interactors.get(name) is not view.interactor:
                self._views.pop(name).release()
        for name, node in there.items():
            if name in interactors and name not in self._views:
                self._views[name] = _View(node, interactors[name], self._hands, self._moved)

    # What is drawn

    def draw(self) -> None:
        """All views anew."""
        if self._volume is None:
            return
        self._match_views()
        for name in self._views:
            self._draw(name)
        self._application.redraw_slices(list(self._views))

    def _draw(self, name: str) -> None:
        shown = self.shown(name)
        if name == self._main:
            self._index = shown.index if shown is not None else None
        self._views[name].picture.draw(self._picture_of(shown.index) if shown is not None else None, shown)

    def _moved(self, name: str) -> None:
        """A view was scrolled, moved or zoomed."""
        if self._volume is None or name not in self._views:
            return
        if self._volume.GetScene() is None:
            self._turned()
            return
        before = self._index
        self._draw(name)
        self._application.redraw_slices([name])
        if self._index != before:
            self._turned()

    def shown(self, name: str) -> ShownSlice | None:
        """What a view shows of the scan."""
        view = self._views.get(name)
        if view is None or self._volume is None or self._volume.GetImageData() is None:
            return None
        world = voxels_to_world(self._volume)
        return shown_slice(world, self._axis, count_along(self._volume, self._axis), view.node)

    # Where the user is

    @property
    def index(self) -> int | None:
        """The slice in the main view, as it was drawn last."""
        return self._index

    def go_to(self, index: int) -> None:
        """Turns the main view to a slice."""
        view = self._views.get(self._main)
        if view is not None and self._volume is not None and 0 <= index < count_along(self._volume, self._axis):
            self._jump(view.node, index)

    def _jump(self, node: Any, index: int) -> None:
        """Another slice, the same place on the screen."""
        size = self._volume.GetImageData().GetDimensions()
        middle = [float(value - 1) / 2 for value in size]
        middle[2 - self._axis] = float(index)
        node.JumpSliceByOffsetting(*point_of(self._volume, (middle[0], middle[1], middle[2])))

    def look_at(self, index: int, point: tuple[float, float]) -> None:
        """Shows a point of a slice in all views."""
        if self._volume is not None:
            self._application.jump_to(point_of(self._volume, voxel(self._axis, index, point)))
