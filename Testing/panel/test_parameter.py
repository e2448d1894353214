"""The state in the scene: it comes back with a saved scene, never mixes with another's, and follows nodes that get other ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from host.slicer_host import SlicerHost
from PartialLabelSegLib.panel.parameter import TAG, PanelParameter, SceneEvents
from PartialLabelSegLib.panel.state import PanelState, Scan, Shown

STRANGE = Scan("Ärger; \"x\" 'y' | 50 % <&> \\ \n日本", names={"a:b;c": "d"}, problems=("It lies – elsewhere.",))


class Heard:
    """What a listener was told, in order."""

    def __init__(self) -> None:
        self.words: list[Any] = []
        self.events = SceneEvents(
            replaced=lambda state: self.words.append(("replaced", state.folder)),
            removed=lambda node_id: self.words.append(("removed", node_id)),
            closing=lambda: self.words.append("closing"),
        )

    def take(self) -> list[Any]:
        words, self.words = self.words, []
        return words


def nodes(host: SlicerHost, name: str = "scan") -> tuple[Any, Any]:
    volume = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    return volume, host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{name} drawn")


def a_state(host: SlicerHost, folder: str = "work") -> PanelState:
    volume, segmentation = nodes(host)
    scan = Scan("one", volume.GetID(), segmentation.GetID(), states={"Liver": "absent"})
    return PanelState(
        folder=folder,
        scans=(scan, STRANGE),
        step="decide",
        round=2,
        gammas={"Liver": 0.123},
        scan="one",
        structure="Liver",
        overlay=Shown(ambiguity=True, opacity=0.25),
    )


def test_without_a_stored_state_it_is_fresh_and_nothing_is_added_to_the_scene(host: SlicerHost) -> None:
    before = host.scene.GetNumberOfNodes()
    parameter = PanelParameter(host.scene)
    assert parameter.load() == PanelState()
    assert parameter.problem == ""
    assert host.scene.GetNumberOfNodes() == before


def test_what_is_stored_is_loaded(host: SlicerHost) -> None:
    state = a_state(host)
    PanelParameter(host.scene).store(state)
    assert PanelParameter(host.scene).load() == state
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode") == 1
    assert host.scene.GetSingletonNode(TAG, "vtkMRMLScriptedModuleNode").GetModuleName() == TAG


def test_a_saved_scene_brings_round_gamma_folder_and_nodes_back(host: SlicerHost, tmp_path: Path) -> None:
    state = a_state(host)
    parameter = PanelParameter(host.scene)
    parameter.store(state)
    host.save_scene(tmp_path / "saved.mrb")
    heard = Heard()
    parameter = PanelParameter(host.scene, heard.events)
    parameter.observe()
    host.open_scene(tmp_path / "saved.mrb")
    loaded = parameter.load()
    volume, segmentation = (
        host.scene.GetNodeByID(key) for key in (loaded.scans[0].volume, loaded.scans[0].segmentation)
    )
    assert (volume.GetName(), segmentation.GetName()) == ("scan", "scan drawn")
    assert loaded == state
    assert heard.take()[-1] == ("replaced", "work")
    parameter.release()


def test_a_closed_scene_leaves_nothing_behind(host: SlicerHost) -> None:
    heard = Heard()
    parameter = PanelParameter(host.scene, heard.events)
    parameter.observe()
    parameter.store(a_state(host))
    host.close_scene()
    assert parameter.load() == PanelState()
    assert heard.take() == ["closing", ("replaced", "")]
    parameter.release()


def test_two_scenes_one_after_the_other_never_mix(host: SlicerHost, tmp_path: Path) -> None:
    parameter = PanelParameter(host.scene)
    for name in ("first", "second"):
        parameter.store(a_state(host, name))
        host.save_scene(tmp_path / f"{name}.mrb")
        host.close_scene()
    nodes(host)
    host.save_scene(tmp_path / "plain.mrb")
    for name, folder in (("first", "first"), ("plain", ""), ("second", "second"), ("plain", ""), ("first", "first")):
        host.open_scene(tmp_path / f"{name}.mrb")
        loaded = parameter.load()
        assert loaded.folder == folder
        assert len(loaded.scans) == (2 if folder else 0)


def test_a_scene_added_to_another_finds_its_own_nodes_though_their_ids_change(host: SlicerHost, tmp_path: Path) -> None:
    heard = Heard()
    parameter = PanelParameter(host.scene, heard.events)
    parameter.store(a_state(host))
    host.scene.SetURL(str(tmp_path / "saved.mrml"))
    assert host.scene.Commit()
    host.close_scene()
    nodes(host, "another")
    parameter.observe()
    host.scene.Import()
    loaded = parameter.load()
    assert host.scene.GetNodeByID(loaded.scans[0].volume).GetName() == "scan"
    assert host.scene.GetNodeByID(loaded.scans[0].segmentation).GetName() == "scan drawn"
    assert heard.take() == [("replaced", "work")]
    parameter.release()


def test_a_scene_without_a_state_that_is_added_changes_nothing(host: SlicerHost, tmp_path: Path) -> None:
    nodes(host, "another")
    host.scene.SetURL(str(tmp_path / "plain.mrml"))
    assert host.scene.Commit()
    host.close_scene()
    heard = Heard()
    parameter = PanelParameter(host.scene, heard.events)
    state = a_state(host)
    parameter.store(state)
    parameter.observe()
    host.scene.Import()
    assert parameter.load() == state
    assert heard.take() == []
    parameter.release()


def test_a_deleted_node_is_told_and_its_id_is_not_taken_for_another_ones(host: SlicerHost) -> None:
    heard = Heard()
    parameter = PanelParameter(host.scene, heard.events)
    parameter.observe()
    state = a_state(host)
    parameter.store(state)
    host.scene.RemoveNode(host.scene.GetNodeByID(state.scans[0].segmentation))
    assert heard.take() == [("removed", state.scans[0].segmentation)]
    assert parameter.load().scans[0].segmentation == ""
    assert parameter.load().scans[0].volume == state.scans[0].volume
    stranger, _ = nodes(host, "stranger")
    host.scene.RemoveNode(stranger)
    assert heard.take() == []
    parameter.release()


def test_a_scan_that_loses_its_segmentation_refers_to_it_no_more(host: SlicerHost) -> None:
    parameter = PanelParameter(host.scene)
    state = a_state(host)
    parameter.store(state)
    parameter.store(PanelState(scans=(Scan("one", state.scans[0].volume),)))
    assert parameter.load().scans == (Scan("one", state.scans[0].volume),)
    assert parameter.node.GetNodeReferenceID("segmentation0") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"step": 3}'])
def test_a_damaged_state_starts_anew_and_says_so(host: SlicerHost, text: str) -> None:
    parameter = PanelParameter(host.scene)
    parameter.store(a_state(host))
    parameter.node.SetParameter("state", text)
    assert parameter.load() == PanelState()
    assert "starts anew" in parameter.problem
    parameter.store(PanelState(folder="again"))
    assert parameter.load().folder == "again"
    assert parameter.problem == ""


def test_after_release_nothing_is_told(host: SlicerHost) -> None:
    heard = Heard()
    parameter = PanelParameter(host.scene, heard.events)
    parameter.observe()
    parameter.observe()
    parameter.store(a_state(host))
    parameter.release()
    host.close_scene()
    assert heard.take() == []
