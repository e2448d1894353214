"""What listens to a scene: it is called while its owner lives, keeps nobody alive, and a scene that goes with it does no harm."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

from apart import TESTING, python_apart
from host.slicer_host import SlicerHost
from PartialLabelSegLib.panel.observers import Observers


class Owner:
    def __init__(self, scene: Any, heard: list[Any]) -> None:
        self.scene = scene
        self.heard = heard
        self.observers = Observers()
        self.observers.add(scene, scene.StartCloseEvent, self.closing)
        self.observers.add_for_node(scene, scene.NodeRemovedEvent, self.removed)

    def closing(self) -> None:
        self.heard.append("closing")

    def removed(self, node: Any) -> None:
        self.heard.append(node.GetName())


def test_an_owner_hears_what_happens_and_of_which_node(host: SlicerHost) -> None:
    heard: list[Any] = []
    owner = Owner(host.scene, heard)
    assert owner.observers
    node = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    host.scene.RemoveNode(node)
    host.close_scene()
    assert heard[0] == "CT" and "closing" in heard


def test_after_release_it_hears_nothing(host: SlicerHost) -> None:
    heard: list[Any] = []
    owner = Owner(host.scene, heard)
    owner.observers.release()
    host.close_scene()
    assert not heard and not owner.observers
    owner.observers.release()


def test_an_owner_that_forgot_to_release_goes_and_hears_nothing(host: SlicerHost) -> None:
    heard: list[Any] = []
    gone = weakref.ref(Owner(host.scene, heard))
    gc.collect()
    assert gone() is None
    host.close_scene()
    assert not heard


def test_scenes_go_with_panels_that_were_released_or_forgotten_and_a_new_panel_works(tmp_path: Path) -> None:
    assert len(python_apart(TESTING / "panel" / "forgotten.py", tmp_path).splitlines()) == 8
