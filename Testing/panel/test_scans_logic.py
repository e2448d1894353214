"""The step Scans at work: scans of the scene and of data sets on disk become one table, which follows what is drawn meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.host_application import HostApplication
from panel.programs import program
from panel.scene_nodes import add_scan, add_segmentation, oriented
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.phantom import write_phantom_cohort
from PartialLabelSegLib.panel import ask_worker
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.desk import ERROR, WARNING, Desk
from PartialLabelSegLib.panel.scans_logic import ScansController

Wait = Callable[..., None]
GRID = Grid((12, 10, 6), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


class Step:
    """A desk with the step on it."""

    def __init__(self, application: HostApplication, wait_until: Wait) -> None:
        self.application = application
        self.desk = Desk(application)
        self.scans = ScansController(self.desk)
        self._wait = wait_until

    def settled(self) -> None:
        self._wait(lambda: not self.scans.view().busy, 60, "the scans to be read")

    def states(self) -> dict[str, list[str]]:
        """Every scan's states, in the order of the structures."""
        return {scan.name: [cell.state for cell in scan.cells] for scan in self.scans.view().scans}

    def release(self) -> None:
        self.scans.release()
        self.desk.release()


@pytest.fixture
def step(application: HostApplication, wait_until: Wait) -> Iterator[Step]:
    made = Step(application, wait_until)
    yield made
    made.release()


def box(first: int, last: int) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[2:4, first:last, 2:6] = True
    return mask


def load_pair(scene: Any, name: str, *structures: str) -> tuple[Any, Any]:
    """A scan in which these structures are drawn, and its segmentation (None where nothing is)."""
    volume = add_scan(scene, GRID, np.zeros(GRID.shape, np.int16), name)
    masks = {title: box(2 * place, 2 * place + 2) for place, title in enumerate(structures)}
    return volume, add_segmentation(volume, GRID, masks, f"{name} segmentation") if masks else None


def table(*cases: str, **structures: str) -> str:
    """What `check --json` prints of these cases, in all of which these structures have these states."""
    cells = {
        name: {"state": state, "voxels": 9, "ml": 1.5, "slices": 0, "slices_of": 0}
        for name, state in structures.items()
    }
    rows = [{"case": case, "structures": cells} for case in cases]
    looks = {name: {"color": [1.0, 0.0, 0.0], "terminology": ""} for name in structures}
    return json.dumps({"format": "manifest", "cases": rows, "looks": looks, "problems": []})


@pytest.fixture
def worker_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """`worker_says(body)`: from now on questions are answered by this program."""

    def put(body: str) -> None:
        command = program(tmp_path, body)
        monkeypatch.setattr(ask_worker, "worker_command", lambda python, *arguments: [*command, *map(str, arguments)])

    return put


def test_loaded_scans_come_with_the_segmentations_that_belong_to_them(step: Step) -> None:
    load_pair(step.desk.scene, "anna", "Liver", "Spleen")
    load_pair(step.desk.scene, "bert", "Spleen")
    load_pair(step.desk.scene, "carl")
    step.scans.add_from_scene()
    assert step.scans.view().busy
    step.settled()
    assert step.states() == {
        "anna": ["labelled", "labelled"],
        "bert": ["missing", "labelled"],
        "carl": ["missing", "missing"],
    }
    assert [structure.name for structure in step.desk.structures] == ["Liver", "Spleen"]
    assert len(step.scans.usable()) == 3 and step.scans.why_not_learn() == ""
    step.scans.add_from_scene()
    assert step.desk.message.severity == WARNING and "in the list already" in step.desk.message.text


def test_what_is_drawn_meanwhile_is_read_again_and_what_was_said_stays(step: Step) -> None:
    _, segmentation = load_pair(step.desk.scene, "anna", "Liver")
    load_pair(step.desk.scene, "bert", "Spleen")
    step.scans.add_from_scene()
    step.settled()
    step.scans.set_states((("bert", "Liver"),), "absent")
    segmentation.GetSegmentation().GetSegment("id0").SetName("Whole liver")
    step.scans.rename("bert", "Spleen", "Milz")
    segmentation.GetSegmentation().GetSegment("id0").AddRepresentation(
        "Binary labelmap", oriented(box(0, 4).astype(np.uint8), GRID)
    )
    done: list[int] = []
    step.scans.refresh(lambda: done.append(1))
    step.settled()
    assert done == [1]
    assert [item.name for item in step.scans.view().structures] == ["Whole liver", "Milz"]
    bert = step.desk.state.scan_named("bert")
    assert bert is not None and bert.states == {"Liver": "absent"} and bert.names == {"Spleen": "Milz"}


def test_nothing_is_read_again_where_nothing_changed(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    load_pair(step.desk.scene, "anna", "Liver")
    step.scans.add_from_scene()
    step.settled()
    step.scans.refresh()
    assert step.desk.busy == ""


def test_a_removed_volume_is_a_problem_beside_the_scan(step: Step) -> None:
    volume, _ = load_pair(step.desk.scene, "anna", "Liver")
    step.scans.add_from_scene()
    step.settled()
    step.desk.scene.RemoveNode(volume)
    step.scans.refresh()
    step.settled()
    (scan,) = step.scans.view().scans
    assert scan.cells == () and "not in the scene any more" in scan.problems[0].sentence
    assert "No scan can be used" in step.scans.why_not_learn()


def test_a_pair_can_be_corrected_and_a_segmentation_belongs_to_one_scan(step: Step) -> None:
    _, liver = load_pair(step.desk.scene, "anna", "Liver")
    load_pair(step.desk.scene, "bert")
    step.scans.add_from_scene()
    step.settled()
    bert = step.desk.state.scan_named("bert")
    assert bert is not None
    step.scans.pick_pair("bert", bert.volume, liver.GetID())
    step.settled()
    assert step.states() == {"anna": ["missing"], "bert": ["labelled"]}
    anna = step.desk.state.scan_named("anna")
    assert anna is not None and anna.segmentation == ""
    step.scans.pick_pair("bert", anna.volume, liver.GetID())
    assert "has this volume already" in step.desk.message.text


def test_a_scan_is_shown_in_the_views(step: Step) -> None:
    volume, _ = load_pair(step.desk.scene, "anna", "Liver")
    step.scans.add_from_scene()
    step.settled()
    step.scans.show_scan("anna")
    composite = step.desk.scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    assert composite.GetBackgroundVolumeID() == volume.GetID() and step.desk.state.scan == "anna"


def test_only_the_drawing_of_the_scan_that_is_shown_is_in_sight(step: Step) -> None:
    drawings = {name: load_pair(step.desk.scene, name, "Liver")[1] for name in ("anna", "bert")}
    step.scans.add_from_scene()
    step.settled()
    for name in ("anna", "bert"):
        step.scans.show_scan(name)
        assert {other for other, node in drawings.items() if node.GetDisplayVisibility()} == {name}


def test_a_folder_is_read_by_the_worker_while_the_window_lives(step: Step, tmp_path: Path) -> None:
    cohort = write_phantom_cohort(tmp_path / "cohort", cases=4, test_cases=1)
    step.application.answers.append(cohort.parent)
    step.scans.add_folder()
    assert step.scans.view().busy == "Reading cohort…" and "still being read" in step.scans.why_not_learn()
    step.settled()
    assert len(step.states()) == 5 and len(step.scans.view().structures) == 7
    assert step.desk.structures[0].color != step.desk.structures[1].color


def test_a_folder_that_is_no_data_set_is_a_sentence(step: Step, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    step.scans.open_folder(tmp_path / "holiday")
    step.settled()
    assert step.desk.message.severity == ERROR and "holiday" in step.desk.message.text
    assert "Traceback" not in step.desk.message.text and step.states() == {}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print('Segmentation fault'); sys.exit(-11)", "without an answer"),
        ("print('{\"cases\": 7}')", "not understood"),
        ("print('[1, 2'); print('complaint', file=sys.stderr); sys.exit(1)", "complaint"),
        ("say('error', message='Slicer\\'s Python has no numpy. Install it.'); sys.exit(2)", "has no numpy"),
    ],
)
def test_rubbish_from_the_worker_is_a_sentence(
    step: Step, worker_says: Callable[[str], None], tmp_path: Path, body: str, said: str
) -> None:
    worker_says(body)
    step.scans.open_folder(tmp_path)
    step.settled()
    assert step.desk.message.severity == ERROR and said in step.desk.message.text and step.states() == {}


def test_two_data_sets_are_read_one_after_another_and_a_clash_of_names_is_refused(
    step: Step, worker_says: Callable[[str], None], tmp_path: Path
) -> None:
    worker_says(f"print({table('one', 'two', Liver='labelled')!r})")
    step.scans.open_folder(tmp_path / "first")
    step.scans.open_folder(tmp_path / "second")
    assert "1 more after it" in step.scans.view().busy
    step.settled()
    assert list(step.states()) == ["one", "two"]
    assert "was not added" in step.desk.message.text and {scan.source for scan in step.desk.state.scans} == {
        str(tmp_path / "first")
    }


def test_sample_scans_are_loaded_and_listed(step: Step) -> None:
    step.scans.add_sample()
    assert "Making sample scans" in step.scans.view().busy
    step.settled()
    assert len(step.states()) == 10 and len(step.scans.view().structures) == 7
    assert step.scans.why_not_learn() == "" and all(scan.in_scene for scan in step.scans.view().scans)


def test_the_first_sample_scan_is_shown_with_its_drawing(step: Step) -> None:
    step.scans.add_sample()
    step.settled()
    first = step.desk.state.scans[0]
    for view in nodes_of_class(step.desk.scene, "vtkMRMLSliceCompositeNode"):
        assert view.GetBackgroundVolumeID() == first.volume
    shown = [
        node.GetID()
        for node in nodes_of_class(step.desk.scene, "vtkMRMLSegmentationNode")
        if node.GetDisplayVisibility()
    ]
    assert shown == [first.segmentation]


def test_a_reopened_scene_has_its_table_again(application: HostApplication, wait_until: Wait) -> None:
    first = Step(application, wait_until)
    load_pair(application.scene, "anna", "Liver")
    first.scans.add_from_scene()
    first.settled()
    first.scans.set_states((("anna", "Liver"),), "missing")
    first.release()
    second = Step(application, wait_until)
    second.settled()
    assert second.states() == {"anna": ["missing"]} and second.scans.view().scans[0].cells[0].changed
    application.scene.Clear(0)
    second.settled()
    assert second.states() == {} and second.scans.view().structures == ()
    second.release()
