"""What lies over the slices of one scan: colours of confidence, outlines, what was drawn, what was accepted, and on demand more.

Drawn by the expert: filled, as Slicer shows every segment. Suggested: an outline, and inside it the colours of what gamma accepts.
Accepted: filled and striped. So each is known by its form, without its colour. Where a given label is doubted, it has the outline instead.
"""

from __future__ import annotations

from typing import Any

from ..run.failure import Failure
from .accepted import ACCEPTED
from .ambiguity import Said, make_veil, read_said
from .application import Application
from .bodies import bodies_of
from .geometry import lies_on
from .hatching import Hatching
from .layer_threads import use_common_threads
from .legend import show_legend
from .our_nodes import remove_node
from .outlines import make_outlines, segment_id, show_only
from .own_segments import OwnSegments, own_node
from .rank_volumes import RankVolumes
from .state import Shown
from .steps import Steps, finish_now, scaled
from .surfaces import make_surfaces
from .viewed import Viewed
from .views_before import ViewsBefore
from .weight_map import make_weight_map


class Overlay:
    """One at a time. Everything that takes longer than a moment is a generator of steps; nothing is shown by halves before it is done."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.viewed: Viewed | None = None
        self.shown = Shown()
        self.structure = ""
        self.gamma = 1.0
        self._before = ViewsBefore(application.scene)
        self._ranks: RankVolumes | None = None
        self._outlines: Any = None
        self._hatching: Hatching | None = None
        self._veils: dict[str, Any] = {}
        self._weights: tuple[str, Any] = ("", None)
        self._said: Said | None = None
        self._surfaces: Any = None

    def show(self, viewed: Viewed, shown: Shown, structure: str = "", gamma: float = 1.0) -> Steps[None]:
        """Shows a scan. structure: "" for all. gamma: the share whose voxels are coloured.

        Failure: the suggestions were made for other voxels than the scan has now.
        """
        if viewed.suggestions is not None and not lies_on(viewed.suggestions.grid, viewed.volume):
            raise Failure(
                "its suggestions were made for another image than is loaded now.",
                case=viewed.name,
                way_out="Load the scan that was learned from, or learn again with this one.",
            )
        same = self.viewed is not None and self.viewed.volume is viewed.volume
        yield from scaled(self._removed(), 0.0, 0.1)
        self.viewed, self.shown, self.structure, self.gamma = viewed, shown, structure, gamma
        yield 0.1
        if viewed.suggestions is not None:
            self._ranks = RankVolumes(viewed.volume, viewed.suggestions)
            self._outlines = make_outlines(viewed.volume, viewed.suggestions, viewed.structures)
            _only_outlined(self._outlines.GetDisplayNode())
            yield 0.15
        self._before.remember()
        self._before.hide(viewed.others)
        yield 0.2
        self.application.show_volume(viewed.volume)
        if not same:
            self.application.fit_slices()
        yield from scaled(self._update(), 0.2, 1.0)

    def set_gamma(self, gamma: float) -> None:
        """Shows what another share accepts: a display threshold, nothing else."""
        self.gamma = gamma
        if self._ranks is not None:
            self._ranks.set_gamma(gamma)

    def set_shown(self, shown: Shown) -> Steps[None]:
        """Shows other things of the same scan."""
        self.shown = shown
        yield from self._update()

    def set_structure(self, structure: str) -> Steps[None]:
        """Shows one structure's suggestions ("": those of all)."""
        self.structure = structure
        yield from self._update()

    def accepted_changed(self) -> Steps[None]:
        """To be called after voxels were accepted, or taken back: shows them, and their surfaces."""
        if self.viewed is None:
            return
        remove_node(self._surfaces)
        self._surfaces = None
        yield from scaled(self._show_accepted(), 0.0, 0.5)
        yield from scaled(self._show_surfaces(), 0.5, 1.0)

    def clear(self) -> None:
        """Takes everything of ours out of the scene, and gives the views back what they showed before."""
        self._remove()
        self._before.restore()
        self.viewed = None

    def forget(self) -> None:
        """For a scene that was closed: its nodes are gone, and nothing is given back."""
        self._before.forget()
        self._remove()
        self.viewed = None

    def _update(self) -> Steps[None]:
        if self.viewed is None:
            return
        self._show_outlines()
        if self.viewed.expert is not None:
            self._before.show(self.viewed.expert, self.shown.expert, outlined=self._weights_are_wanted())
        yield from scaled(self._show_accepted(), 0.0, 0.1)
        yield from scaled(self._show_colors(), 0.1, 0.3)
        yield from scaled(self._show_veil(), 0.3, 0.6)
        yield from scaled(self._show_surfaces(), 0.6, 1.0)

    def _show_colors(self) -> Steps[None]:
        """The colours of confidence, or where it is wished the weights of the given label: a view has room for one of them."""
        assert self.viewed is not None
        node, title = (yield from self._weight_map()), "label is supported"
        if self._ranks is not None:
            self._ranks.set_gamma(self.gamma)
            if self.shown.confidence and node is None:
                node, title = (yield from self._ranks.make(self.structure)), "most confident"
        for other in (*(self._ranks.nodes() if self._ranks is not None else ()), self._weights[1]):
            if other is not None and other is not node and other.GetScene() is not None:
                show_legend(self.application, other, False)
        self.application.show_volume(self.viewed.volume, node, self.shown.opacity)
        if node is not None:
            use_common_threads(node, self.application.slice_logics())
            show_legend(self.application, node, True, title)

    def _weights_are_wanted(self) -> bool:
        weights = self.viewed.weights if self.viewed is not None else None
        return self.shown.doubts and weights is not None and self.structure in weights.files

    def _weight_map(self) -> Steps[Any]:
        """The volume of the weights of the structure's label; None where it is not to be shown. That of one structure is kept."""
        if not self._weights_are_wanted() or self.viewed is None or self.viewed.weights is None:
            return None
        structure, node = self._weights
        if structure != self.structure or node is None or node.GetScene() is None:
            remove_node(node)
            self._weights = ("", None)
            node = yield from make_weight_map(self.viewed.volume, self.structure, self.viewed.weights)
            self._weights = (self.structure, node)
        return node

    def _show_outlines(self) -> None:
        suggestions = self.viewed.suggestions if self.viewed is not None else None
        if suggestions is None or self._outlines is None or self._outlines.GetScene() is None:
            return
        names = [self.structure] if self.structure else list(suggestions.boxes)
        show_only(self._outlines, [segment_id(suggestions, name) for name in names if name in suggestions.boxes])
        self._outlines.SetDisplayVisibility(self.shown.outlines and not self._weights_are_wanted())

    def _show_accepted(self) -> Steps[None]:
        assert self.viewed is not None
        segments = self.accepted()
        if segments is None:
            return
        if self._hatching is None:
            self._hatching = Hatching(segments)
        self._before.show(segments.node, self.shown.accepted)
        yield from self._hatching.refresh()
        self._hatching.show(self.shown.accepted)

    def accepted(self) -> OwnSegments | None:
        """What was accepted in the scan that is shown; None before anything was."""
        if self.viewed is None:
            return None
        node = own_node(self.viewed.volume, self.viewed.name, ACCEPTED, create=False)
        return OwnSegments(node, self.viewed.volume) if node is not None else None

    def _show_veil(self) -> Steps[None]:
        assert self.viewed is not None
        for structure, node in self._veils.items():
            if node.GetScene() is not None and (structure != self.structure or not self.shown.ambiguity):
                node.SetDisplayVisibility(False)
        wanted = self.shown.ambiguity and bool(self.structure) and self.viewed.labels is not None
        if not wanted or self.viewed.labels is None:
            return
        if self._said is None:
            self._said = yield from scaled(read_said(self.viewed.labels), 0.0, 0.6)
        if self.structure not in self._said.structures:
            return
        node = self._veils.get(self.structure)
        if node is None or node.GetScene() is None:
            node = yield from scaled(make_veil(self.viewed.volume, self._said, self.structure), 0.6, 1.0)
            self._veils[self.structure] = node
        node.SetDisplayVisibility(True)

    def _show_surfaces(self) -> Steps[None]:
        assert self.viewed is not None
        if not self.shown.surfaces:
            if self._surfaces is not None and self._surfaces.GetScene() is not None:
                self._surfaces.SetDisplayVisibility(False)
            return
        remove_node(self._surfaces)
        bodies = bodies_of(self.viewed, self.accepted(), self.shown, self.structure, self.gamma)
        self._surfaces = yield from make_surfaces(self.viewed.volume, bodies)
        self.application.show_3d(True)

    def _remove(self) -> None:
        finish_now(self._removed())

    def _removed(self) -> Steps[None]:
        """Given up in between, the rest is taken away the next time."""
        if self._ranks is not None:
            yield from scaled(self._ranks.removed(), 0.0, 0.4)
        if self._hatching is not None:
            self._hatching.remove()
            yield 0.6
        for node in (self._outlines, self._surfaces, self._weights[1], *self._veils.values()):
            remove_node(node)
            yield 0.9
        self._ranks = self._outlines = self._hatching = self._surfaces = self._said = None
        self._veils, self._weights = {}, ("", None)


def _only_outlined(display: Any) -> None:
    display.SetVisibility2DFill(False)
    display.SetSliceIntersectionThickness(2)
    display.SetVisibility3D(False)
