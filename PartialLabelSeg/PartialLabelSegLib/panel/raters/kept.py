"""Where the raters' ticks are kept: in the scene, saved with it, and at every change in a file of the work folder. The newer of both counts.

The file is a scoring table that the command `softlabels` reads; beside the rows it holds what the panel alone needs, as it is in the scene.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import slicer

from ...run.failure import Failure
from ...run.files import read_json, write_text
from ..parameter import TAG
from .rating import Study
from .rating_text import from_json, from_text, node_ids, to_json, to_text, with_nodes
from .score_file import score_rows

PARAMETER = "raters"
FOLDER, FILE = "raters", "scores.json"
_PANEL = "panel"
_ROLE = "rated"


def file_in(work_folder: Path) -> Path:
    """Where the ticks lie in a work folder."""
    return work_folder / FOLDER / FILE


def store(scene: Any, study: Study) -> None:
    """Puts the study into the scene's one parameter node, with a reference to each node that it speaks of."""
    node = scene.GetSingletonNode(TAG, "vtkMRMLScriptedModuleNode") or _new_node(scene)
    modified = node.StartModify()
    text = to_text(study)
    if node.GetParameter(PARAMETER) != text:
        node.SetParameter(PARAMETER, text)
    wanted = {f"{_ROLE}{place}": key for place, key in enumerate(node_ids(study))}
    present = [node.GetNthNodeReferenceRole(place) for place in range(node.GetNumberOfNodeReferenceRoles())]
    for role in present:
        if role.startswith(_ROLE) and role not in wanted:
            node.RemoveNodeReferenceIDs(role)
    for role, key in wanted.items():
        if node.GetNodeReferenceID(role) != key:
            node.SetNodeReferenceID(role, key)
    node.EndModify(modified)


def write(path: Path, study: Study) -> None:
    """Writes the study whole or not at all. OSError: the disk did not take it."""
    # On one line: written at every tick, also of a large study.
    content = {**score_rows(study), _PANEL: to_json(study)}
    write_text(path, json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n")


def in_scene(scene: Any) -> Study | None:
    """The study of the scene; None where it has none. Failure: damaged."""
    node = scene.GetSingletonNode(TAG, "vtkMRMLScriptedModuleNode")
    text = node.GetParameter(PARAMETER) if node is not None else ""
    if not text:
        return None
    study = from_text(text)
    renamed = {}
    for place, key in enumerate(node_ids(study)):
        now = node.GetNodeReferenceID(f"{_ROLE}{place}")
        if now and now != key:
            renamed[key] = now
    return from_json(with_nodes(json.loads(text), renamed)) if renamed else study


def is_ours(path: Path) -> bool:
    """Whether a file was written by the panel, and is no other scoring table."""
    try:
        content = read_json(path, "the raters' ticks") if path.suffix.lower() == ".json" else None
    except Failure:
        return True
    return isinstance(content, dict) and _PANEL in content


def in_file(path: Path) -> Study:
    """The study of a file. Failure: absent, damaged."""
    content = read_json(path, "the raters' ticks")
    return from_json(content.get(_PANEL) if isinstance(content, dict) else None)


def newer(scene: Any, folder: str) -> tuple[Study, str]:
    """The study to go on with, and what to say of where it comes from ('' for nothing special)."""
    said = ""
    try:
        found = in_scene(scene)
    except Failure as failure:
        found, said = None, failure.sentence()
    path = file_in(Path(folder)) if folder else None
    if path is None or not path.is_file():
        return found or Study(), said
    try:
        kept = in_file(path)
    except Failure as failure:
        return found or Study(), said or failure.sentence()
    if found is None or kept.revision > found.revision:
        return (
            kept,
            f"The raters' ticks of the work folder were taken: they are newer than those of the scene. {said}".strip(),
        )
    return found, said


def _new_node(scene: Any) -> Any:
    node = slicer.vtkMRMLScriptedModuleNode()
    node.SetSingletonTag(TAG)
    node.SetName(TAG)
    node.SetModuleName(TAG)
    return scene.AddNode(node)
