"""The one node of the scene that holds the panel's state, and who is told when the scene changes under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import slicer

from ..run.failure import Failure
from .observers import Observers
from .state import PanelState, Scan, from_text, to_text

TAG = "PartialLabelSeg"
_STATE = "state"


def _nothing(*_: Any) -> None:
    pass


@dataclass(frozen=True)
class SceneEvents:
    """What a listener wants to know.

    replaced(state): another scene was opened, added or restored, or this one was closed; nothing of the state before holds any more.
    removed(node id): a node that the state spoke of is gone; the stored state no longer names it.
    closing(): the scene is about to be closed, its nodes are still there.
    That a scene is saved is not told in every way of saving, so the state is to be stored at each change.
    """

    replaced: Callable[[PanelState], None] = _nothing
    removed: Callable[[str], None] = _nothing
    closing: Callable[[], None] = _nothing


class PanelParameter:
    """The state of the panel in a scene.

    The scene may change a node's id when it adds a saved scene to an open one. It then mends the references of nodes, but no text; so
    each scan's nodes are references too, and those are what counts.
    """

    def __init__(self, scene: Any, events: SceneEvents = SceneEvents()) -> None:
        self.scene = scene
        self.problem = ""
        """Why the last `load` gave a fresh state, in a sentence; empty where it did not."""
        self._events = events
        self._observers = Observers()
        self._known = ""
        """The stored text when it was last read or written here."""

    @property
    def node(self) -> Any:
        """The node, or None before anything was stored."""
        return self.scene.GetSingletonNode(TAG, "vtkMRMLScriptedModuleNode")

    def load(self) -> PanelState:
        """The state in the scene; a fresh one where there is none or it cannot be read (then `problem` says why)."""
        node = self.node
        text = node.GetParameter(_STATE) if node is not None else ""
        self.problem, self._known = "", text
        if not text:
            return PanelState()
        try:
            state = from_text(text)
        except Failure as failure:
            self.problem = failure.sentence()
            return PanelState()
        return replace(state, scans=tuple(_with_nodes(node, place, scan) for place, scan in enumerate(state.scans)))

    def store(self, state: PanelState) -> None:
        """Puts the state into the scene, where it is saved with it."""
        text = to_text(state)
        node = self.node or self._new_node()
        modified = node.StartModify()
        node.SetModuleName(TAG)
        node.SetParameter(_STATE, text)
        _refer(node, state.scans)
        node.EndModify(modified)
        self._known = text

    def _new_node(self) -> Any:
        node = slicer.vtkMRMLScriptedModuleNode()
        node.SetSingletonTag(TAG)
        node.SetName(TAG)
        return self.scene.AddNode(node)

    def observe(self) -> None:
        """Starts to listen to the scene; `release` ends it."""
        scene = self.scene
        if self._observers:
            return
        self._observers.add(scene, scene.StartCloseEvent, self._scene_closing)
        for event in (
            scene.EndCloseEvent,
            scene.EndImportEvent,
            scene.EndRestoreEvent,
            scene.EndUndoEvent,
            scene.EndRedoEvent,
        ):
            self._observers.add(scene, event, self._scene_changed)
        self._observers.add_for_node(scene, scene.NodeRemovedEvent, self._node_removed)

    def release(self) -> None:
        self._observers.release()

    def _scene_closing(self) -> None:
        self._events.closing()

    def _scene_changed(self) -> None:
        """A closed scene tells; so does one that came with a state of its own. One without (added to this one) changes nothing."""
        node = self.node
        text = node.GetParameter(_STATE) if node is not None else ""
        before = self._known
        state = self.load()
        moved = bool(text) and not self.problem and to_text(state) != text
        if moved:
            self.store(state)
        if text != before or moved:
            self._events.replaced(state)

    def _node_removed(self, node: Any) -> None:
        if self.scene.IsClosing() or node is None:
            return
        own = self.node
        text = own.GetParameter(_STATE) if own is not None else ""
        if not text or f'"{node.GetID()}"' not in text:
            return
        try:
            stored = from_text(text)
        except Failure:
            return
        left = stored.without_node(node.GetID())
        if left is not stored:
            self.store(left)
            self._events.removed(node.GetID())


def _roles(place: int) -> tuple[str, str]:
    return f"volume{place}", f"segmentation{place}"


def _with_nodes(node: Any, place: int, scan: Scan) -> Scan:
    volume, segmentation = (node.GetNodeReferenceID(role) or "" for role in _roles(place))
    return replace(scan, volume=volume, segmentation=segmentation)


def _refer(node: Any, scans: tuple[Scan, ...]) -> None:
    """Makes the node refer to the nodes of these scans, and to no others."""
    wanted = {
        role: node_id
        for place, scan in enumerate(scans)
        for role, node_id in zip(_roles(place), (scan.volume, scan.segmentation))
        if node_id
    }
    present = [node.GetNthNodeReferenceRole(place) for place in range(node.GetNumberOfNodeReferenceRoles())]
    for role in present:
        if role not in wanted and role.startswith(("volume", "segmentation")):
            node.RemoveNodeReferenceIDs(role)
    for role, node_id in wanted.items():
        if node.GetNodeReferenceID(role) != node_id:
            node.SetNodeReferenceID(role, node_id)
