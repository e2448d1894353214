"""Saving from the panel: the study that is written is read without a complaint, holds what the raters said, and the command gets every choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.host_application import HostApplication
from host.slicer_host import SlicerHost
from panel.rated_scene import GRID, add_knee, bone
from panel.scene_nodes import add_segmentation
from PartialLabelSegLib.cli import command_of
from PartialLabelSegLib.commands import SoftLabels
from PartialLabelSegLib.data.raters.export import ExportOptions
from PartialLabelSegLib.data.raters.rated_case import rated_cases
from PartialLabelSegLib.data.raters.steps import SoftSteps, prepare, soft_label
from PartialLabelSegLib.data.raters.study import read_study
from PartialLabelSegLib.options import parser
from PartialLabelSegLib.panel import optional_package
from PartialLabelSegLib.panel.desk import Desk
from PartialLabelSegLib.panel.raters.exporting import ExportChoice, Exporting, command
from PartialLabelSegLib.panel.raters.placing import fitted
from PartialLabelSegLib.panel.raters.rating import Drawing, Rater, Rating
from PartialLabelSegLib.panel.raters.readings import rated_scan
from PartialLabelSegLib.panel.raters.room import Room
from PartialLabelSegLib.panel.raters.soft_planes import SoftChoice
from PartialLabelSegLib.panel.raters.study_files import why_not, write_study
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.soft_labels import export_options_of, recipe_of

Ready = tuple[Room, Any]


@pytest.fixture
def ready(application: HostApplication, wait_until: Callable[..., None]) -> Iterator[Ready]:
    """A scan with a bone, a grid, Anna's ticks, and Ben's mask; a second scan that only Anna read."""
    desk = Desk(application)
    room = Room(desk, lambda: None, lambda: None)
    scan, drawn = add_knee(application.scene, "knee 1")
    other, more = add_knee(application.scene, "knee / 2")
    mask = bone() & (np.indices(GRID.shape)[1] < 50)
    ben = add_segmentation(scan, GRID, {"Ben": mask}, "Ben drew")
    femur = Drawing(drawn.GetID(), "id0", "Femur")
    template = fitted(None, bone(), "every slice", None)
    anna = Rater("Anna", frozenset({(6, 2, 3), (7, 2, 3)}), frozenset({5, 6, 7, 9}))
    by_ben = Rater("Ben", frozenset(), frozenset({6, 7}), Drawing(ben.GetID(), "id0", "Ben"))
    first = Rating(scan.GetID(), "knee 1", femur, template, (anna, by_ben), "Anna")
    second = Rating(
        other.GetID(),
        "knee / 2",
        Drawing(more.GetID(), "id0", "Femur"),
        template,
        (Rater("Anna", read=None), Rater("Cleo")),
    )
    room.sitting.put(second)
    room.sitting.put(first)
    room.read_masks(lambda: None)
    wait_until(lambda: not desk.busy)
    yield room, scan
    desk.release()


def test_the_study_is_read_without_a_complaint_and_says_the_same(ready: Ready, tmp_path: Path) -> None:
    room, _ = ready
    exporting = Exporting(room)
    table = finish_now(write_study(tmp_path / "study", room.sitting.study, room.desk.scene, exporting._mask_of))
    study = read_study(table)
    assert study.problems == () and study.cases == ("knee / 2", "knee 1")
    cases = {case.case: case for case in rated_cases(study)}
    found = cases["knee 1"].structures["Femur lesion"]
    assert [(item.rater, item.slices) for item in found.readings] == [
        ("Anna", frozenset({5, 6, 7, 9})),
        ("Ben", frozenset({6, 7})),
    ]
    assert {tick.cell for tick in found.readings[0].ticks} == {(6, 2, 3), (7, 2, 3)}
    expected = rated_scan(room.rating, room.image(), room.mask) if room.rating else None
    assert expected is not None
    np.testing.assert_array_equal(soft_label(prepare(found)).plane, soft_label(prepare(expected)).plane)
    other = cases["knee / 2"].structures["Femur lesion"]
    assert [(item.rater, item.slices, item.ticks) for item in other.readings] == [("Anna", None, ())]


def test_why_nothing_can_be_saved_is_said(ready: Ready) -> None:
    room, scan = ready
    study, scene = room.sitting.study, room.desk.scene
    assert why_not(study, scene) == ""
    assert why_not(replace(study, ratings=()), scene) == "Nobody has read anything yet."
    rating = study.rating
    assert rating is not None
    boneless = replace(study, ratings=(replace(rating, bone=None),))
    assert "needs a bone" in why_not(boneless, scene)
    scene.RemoveNode(scan)
    assert "not in the scene" in why_not(study, scene)


@pytest.mark.parametrize(
    ("steps", "choice", "soft"),
    [
        (SoftSteps(), ExportChoice(), SoftChoice()),
        (
            SoftSteps(votes=False, bright=False, bright_percentile=72.5, neighbour_rule="max", neighbour_weight=0.4),
            ExportChoice(ExportOptions(16, True, True, True), 0.35),
            SoftChoice("svls", sigma=2.5),
        ),
    ],
)
def test_every_choice_arrives_at_the_command(steps: SoftSteps, choice: ExportChoice, soft: SoftChoice) -> None:
    words = [str(word) for word in command(Path("study"), Path("out"), steps, soft, choice)]
    parsed = command_of(parser().parse_args(words))
    assert isinstance(parsed, SoftLabels) and (parsed.study, parsed.out) == (Path("study"), Path("out"))
    recipe, options = recipe_of(parsed.choices), export_options_of(parsed.choices)
    assert (recipe.method, recipe.steps, recipe.threshold) == (soft.method, steps, choice.threshold)
    assert recipe.sigma == soft.sigma
    assert options == choice.files


def test_a_mask_of_a_rater_who_read_along_another_axis_is_written_so(
    application: HostApplication, host: SlicerHost, tmp_path: Path
) -> None:
    desk = Desk(application)
    room = Room(desk, lambda: None, lambda: None)
    scan, drawn = add_knee(application.scene, "knee 1")
    femur = Drawing(drawn.GetID(), "id0", "Femur")
    template = fitted(None, bone(), "one box", None, 2)
    rater = Rater("Ben", frozenset(), frozenset({40, 41, 50}), femur)
    room.sitting.put(Rating(scan.GetID(), "knee 1", femur, template, (rater,), "Ben"))
    table = finish_now(write_study(tmp_path, room.sitting.study, application.scene, Exporting(room)._mask_of))
    (case,) = rated_cases(read_study(table))
    (reading,) = case.structures["Femur lesion"].readings
    assert reading.axis == 2 and reading.slices == frozenset({40, 41, 50})
    desk.release()


def test_what_dicom_segmentations_need_is_offered_before_anything_is_asked(
    ready: Ready, application: HostApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, _ = ready
    exporting = Exporting(room)
    exporting.choice = ExportChoice(ExportOptions(dicom_seg=True))
    monkeypatch.setattr(optional_package, "is_there", lambda package: False)
    application.answers.append(False)
    exporting.start()
    (question,) = application.asked
    assert question.startswith("Install highdicom?") and not exporting.can_stop()
    monkeypatch.setattr(optional_package, "is_there", lambda package: True)
    application.answers.append(None)
    exporting.start()
    assert application.asked[1:] == ["Where to make a folder with the soft labels"]
