"""Finish: what was drawn, accepted and completed becomes nodes and files, models are kept under a name, and the worker is asked for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import vtk

from host.host_application import HostApplication
from panel.at_desk import AtDesk
from panel.deciding import GRID, KNOWN, LIVER, NAMES, labels_of, prediction_of
from panel.scene_nodes import add_scan, add_segmentation, bytes_of, mask_by_points
from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.importers import NO_CHOICES, read_choices, read_cohorts
from PartialLabelSegLib.data.model_file import confidence_beside, read_about
from PartialLabelSegLib.data.types import structures_named
from PartialLabelSegLib.panel.outcome import Outcome
from PartialLabelSegLib.panel.saved_models import model_at, models_in
from PartialLabelSegLib.panel.state import Scan
from PartialLabelSegLib.panel.view_models_decide import DICOM, NIFTI, NNUNET, SEG_NRRD
from PartialLabelSegLib.relabel.complete import completed
from PartialLabelSegLib.relabel.export import Completed, export_case
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.files import write_text

Wait = Callable[..., None]


@pytest.fixture
def at(application: HostApplication, tmp_path: Path, wait_until: Wait) -> Iterator[AtDesk]:
    made = AtDesk(application, tmp_path / "work", wait_until, step="finish")
    yield made
    made.close()


class Worker:
    """Stands in the desk's place for the worker; the test says how it ends."""

    def __init__(self, at: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = at
        self.asked: list[list[str]] = []
        monkeypatch.setattr(at.desk, "start_job", self._start)

    def _start(self, arguments: Any, on_event: Any, on_end: Any, words: str = "", in_run: bool = False) -> bool:
        self.asked.append([str(argument) for argument in arguments])
        self._event, self._end = on_event, on_end
        return True

    def says(self, kind: str, **fields: Any) -> None:
        self._event(Event(kind, fields))

    def ends(self, outcome: Outcome | None = None) -> None:
        self._end(outcome or Outcome(0, "Done."))
        self.at.settle()


def finish_run(at: AtDesk) -> None:
    """What the worker leaves in the end."""
    for scan in KNOWN:
        labels = completed(labels_of(scan), prediction_of(scan))
        case = Completed(scan.replace(" ", "_"), GRID, labels, structures_named(list(NAMES)))
        export_case(at.run.completed, case, ("seg-nrrd", "nifti"), replace=True)
    write_text(at.run.report_html, "<html></html>")
    learn(at)
    at.settle()


def learn(at: AtDesk) -> None:
    at.run.round(0).segmentation.write_bytes(b"a network")


def masks(node: Any) -> dict[str, int]:
    """Segment -> voxels."""
    segmentation = node.GetSegmentation()
    keys = [segmentation.GetNthSegmentID(place) for place in range(segmentation.GetNumberOfSegments())]
    return {segmentation.GetSegment(key).GetName(): int(mask_by_points(node, key, GRID).sum()) for key in keys}


def origin(node: Any, name: str) -> str:
    segmentation, value = node.GetSegmentation(), vtk.reference("")
    segment = segmentation.GetSegment(segmentation.GetSegmentIdBySegmentName(name))
    assert segment.GetTag("PartialLabelSeg.Origin", value)
    return str(value)


def test_before_the_end_it_says_what_is_missing_and_takes_over_what_was_accepted(at: AtDesk) -> None:
    view = at.finish.view()
    assert "Not finished: 0 of 4 scans" in view.summary and view.fill == "accepted"
    assert {choice.key: bool(choice.why_not) for choice in view.formats} == {
        SEG_NRRD: False,
        NIFTI: True,
        NNUNET: True,
        DICOM: True,
    }
    before = bytes_of(at.drawn)
    at.desk.change(step="decide")
    at.settle()
    at.choose("CT 1", "Liver")
    at.decide.accept_all()
    at.settle()
    at.desk.change(step="finish")
    at.finish.finish_scope_chosen("CT 1")
    at.finish.into_scene()
    at.settle()
    (node,) = at.nodes("completed")
    assert masks(node) == {"Liver": 122, "Tumour": 1}
    assert (origin(node, "Liver"), origin(node, "Tumour")) == ("accepted", "expert")
    assert bytes_of(at.drawn) == before
    assert "CT 1 completed" in at.finish.view().message


def test_accepted_voxels_of_scans_that_nobody_looked_at_are_taken_over_too(at: AtDesk) -> None:
    at.desk.change(step="decide")
    at.settle()
    at.choose("CT 1", "Liver")
    at.decide.scope_chosen("organ everywhere")
    at.decide.accept_all()
    at.settle()
    at.desk.change(step="finish")
    at.finish.into_scene()
    at.settle()
    found = {node.GetName(): masks(node) for node in at.nodes("completed")}
    assert found["CT 1 completed"] == {"Liver": 122, "Tumour": 1}
    assert found["CT 2 completed"] == {"Liver": 122, "Tumour": 1}


def test_completed_segmentations_of_the_worker_become_nodes_with_colours_and_origin(at: AtDesk) -> None:
    finish_run(at)
    view = at.finish.view()
    assert "all 4 scans are complete" in view.summary and view.fill == "prediction"
    at.finish.into_scene()
    at.settle()
    nodes = {node.GetName(): node for node in at.nodes("completed")}
    assert sorted(nodes) == [f"{scan} completed" for scan in KNOWN]
    assert {name: voxels for name, voxels in masks(nodes["CT 1 completed"]).items() if voxels} == {
        "Liver": 122,
        "Tumour": 1,
    }
    segmentation = nodes["CT 1 completed"].GetSegmentation()
    segment = segmentation.GetSegment(segmentation.GetSegmentIdBySegmentName("Liver"))
    assert segment.GetColor() == pytest.approx(structures_named(list(NAMES))[0].color, abs=0.01)
    at.finish.into_scene()
    at.settle()
    assert len(at.nodes("completed")) == 4, "a second time they are replaced"


def test_the_chosen_format_is_written_and_nothing_is_replaced_unasked(
    at: AtDesk, application: HostApplication, tmp_path: Path
) -> None:
    finish_run(at)
    out = tmp_path / "out"
    out.mkdir()
    application.answers.extend([out])
    at.finish.finish_scope_chosen("CT 1")
    at.finish.format_chosen(NIFTI)
    at.finish.export()
    at.settle()
    assert sorted(path.name for path in out.iterdir()) == ["CT_1.json", "CT_1.nii.gz"]
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "CT_1.nii.gz")))
    assert int((array[LIVER] == 1).sum()) == 120
    assert "2 files were written" in at.finish.view().message
    stamp = (out / "CT_1.nii.gz").stat().st_mtime_ns
    application.answers.extend([out, False])
    at.finish.export()
    at.settle()
    assert "already in that folder" in application.asked[-1] and (out / "CT_1.nii.gz").stat().st_mtime_ns == stamp


def test_before_the_end_a_slicer_segmentation_can_be_written(
    at: AtDesk, application: HostApplication, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    application.answers.append(out)
    at.finish.finish_scope_chosen("CT 1")
    at.finish.export()
    at.settle()
    assert [path.name for path in out.iterdir()] == ["CT_1.seg.nrrd"]


def test_a_data_set_is_written_by_the_worker(
    at: AtDesk, application: HostApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish_run(at)
    worker = Worker(at, monkeypatch)
    application.answers.append(tmp_path)
    at.finish.format_chosen(NNUNET)
    at.finish.export()
    assert worker.asked == [
        ["export", str(at.run.path), "--format", "nnunet", "--out", str(tmp_path), "--name", "Dataset001_Partial"]
    ]
    assert at.finish.view().working is not None
    worker.ends()
    assert at.finish.view().working is None and "Dataset001_Partial was written" in at.finish.view().message


def test_dicom_is_for_scans_that_came_from_dicom(at: AtDesk, application: HostApplication) -> None:
    def why_not() -> str:
        return next(choice.why_not for choice in at.finish.view().formats if choice.key == DICOM)

    assert "scan by scan" in why_not()
    at.finish.finish_scope_chosen("CT 1")
    assert "CT 1 did not come from DICOM" in why_not()
    at.volume.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    assert why_not() == ""
    at.finish.format_chosen(DICOM)
    at.finish.export()
    at.settle()
    ((node, volume),) = application.exported
    assert volume is at.volume and node.GetName() == "CT 1 completed"


def test_the_report_is_opened_and_before_the_end_written_first(
    at: AtDesk, application: HostApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at.finish.view().report
    learn(at)
    worker = Worker(at, monkeypatch)
    at.finish.open_report()
    assert worker.asked == [["report", str(at.run.path)]] and application.opened == []
    worker.ends()
    assert application.opened == [at.run.report_html]
    finish_run(at)
    at.finish.open_report()
    assert application.opened == [at.run.report_html] * 2 and len(worker.asked) == 1


def test_a_model_is_saved_under_a_name_without_any_scan(at: AtDesk, application: HostApplication) -> None:
    assert at.finish.view().model_why_not
    learn(at)
    assert at.finish.view().model_name == "Liver and 2 more"
    at.finish.save_model("My abdomen: v1")
    folder = application.documents_folder() / "PartialLabelSeg" / "models"
    (model,) = models_in(folder)
    assert (model.name, model.scans) == ("My abdomen: v1", 3) and model.path.read_bytes() == b"a network"
    assert "CT" not in model.path.with_suffix(".json").read_text(encoding="utf-8")
    view = at.finish.view()
    assert view.model == str(model.path) and "Learned from 3 scans" in view.models[0].tip
    application.answers.append(False)
    at.run.round(0).segmentation.write_bytes(b"another")
    at.finish.save_model("My abdomen: v1")
    assert model.path.read_bytes() == b"a network", "it was not to be replaced"


def test_its_confidence_network_is_saved_beside_it_with_the_rules_that_it_was_learned_by(
    at: AtDesk, application: HostApplication
) -> None:
    learn(at)
    folder = application.documents_folder() / "PartialLabelSeg" / "models"
    at.finish.save_model("alone")
    at.run.round(0).confidence.write_bytes(b"a judge")
    at.finish.save_model("both")
    at.finish.save_model("both.confidence")
    alone, both, strange = models_in(folder)
    assert [model.name for model in (alone, both, strange)] == ["alone", "both", "both.confidence"]
    assert not confidence_beside(alone.path).exists()
    assert confidence_beside(both.path).read_bytes() == confidence_beside(strange.path).read_bytes() == b"a judge"
    assert read_about(both.path).rules == Relabelling(method="full", rounds=2)
    at.run.round(0).confidence.unlink()
    application.answers.append(True)
    at.finish.save_model("both")
    assert not confidence_beside(both.path).exists(), "it would be that of another network"


def test_a_model_from_elsewhere_can_be_chosen(at: AtDesk, application: HostApplication, tmp_path: Path) -> None:
    path = tmp_path / "theirs.pt"
    path.write_bytes(b"")
    application.answers.extend([None, path])
    at.finish.other_model()
    assert at.finish.view().models == ()
    at.finish.other_model()
    assert at.finish.view().model == str(path) and model_at(path).name == "theirs"


def test_a_model_is_applied_to_scans_of_the_scene_and_the_results_lie_beside_what_was_drawn(
    at: AtDesk, application: HostApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(at)
    at.finish.save_model("mine")
    add_scan(at.scene, GRID, np.zeros(GRID.shape, np.int16), "new scan")
    names = {target.name: target.note for target in at.finish.view().targets}
    assert names == {"new scan": "", "CT 1": "Tumour is drawn, it stays"}
    worker = Worker(at, monkeypatch)
    at.finish.targets_ticked(("new scan",), True)
    at.finish.apply_model()
    at.settle()
    assert at.desk.message.text == ""
    ((command, model, cases, said, choices, _, out, _),) = worker.asked
    assert command == "apply" and model.endswith("mine.pt") and (Path(cases) / "cases.csv").is_file()
    assert said == "--choices" and read_choices(Path(choices)) == NO_CHOICES
    worker.says("prediction", step=1, steps=2)
    working = at.finish.view().working
    assert working is not None and working.share == pytest.approx(0.575)
    leave_results(Path(out), "new scan")
    worker.ends()
    (node,) = at.nodes("by a saved model")
    assert node.GetName() == "new scan by a saved model" and masks(node)["Liver"] == 122
    assert "1 scan completed" in at.finish.view().message


def test_what_was_said_of_a_scan_holds_where_a_model_is_applied(
    at: AtDesk, application: HostApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(at)
    at.finish.save_model("mine")
    node = add_scan(at.scene, GRID, np.zeros(GRID.shape, np.int16), "new scan")
    blocks = {name: np.zeros(GRID.shape, bool) for name in ("Leber", "Scratch", "Spleen")}
    for place, block in enumerate(blocks.values()):
        block[place, 0, :3] = True
    drawing = add_segmentation(node, GRID, blocks, "new drawing")
    scan = Scan(
        "new scan",
        node.GetID(),
        drawing.GetID(),
        states={"Spleen": "missing"},
        found=dict.fromkeys(blocks, "labelled"),
        names={"Leber": "Liver", "Scratch": ""},
    )
    at.desk.change(scans=(*at.desk.state.scans, scan))
    worker = Worker(at, monkeypatch)
    at.finish.targets_ticked(("new scan",), True)
    at.finish.apply_model()
    at.settle()
    ((_, _, cases, _, file, *_),) = worker.asked
    choices = read_choices(Path(file))
    assert choices.names == {"new scan": {"Leber": "Liver", "Scratch": ""}}
    cohort = read_cohorts((Path(cases),), "missing", choices)
    (source,) = cohort.sources
    labels = source.read_labels(GRID)
    assert {name: labels.state(name).value for name in labels.structures} == {"Liver": "labelled", "Spleen": "missing"}
    assert labels.voxels("Liver") == 3


def leave_results(out: Path, scan: str) -> None:
    from PartialLabelSegLib.run.folder import RunFolder

    run = RunFolder(out)
    structures = [
        {"name": item.name, "color": list(item.color), "terminology": ""} for item in structures_named(list(NAMES))
    ]
    configuration = {"relabelling": {"method": "full", "rounds": 0}}
    cases = [{"name": scan, "folder": "new_scan", "split": "test"}]
    run.write_head({"configuration": configuration, "structures": structures, "overlapping": [], "cases": cases})
    labels = completed(labels_of("CT 1"), prediction_of("CT 1"))
    export_case(run.completed, Completed("new_scan", GRID, labels, structures_named(list(NAMES))), ("seg-nrrd",))


def test_a_model_is_applied_to_a_folder_and_its_failure_is_said(
    at: AtDesk, application: HostApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(at)
    at.finish.save_model("mine")
    worker = Worker(at, monkeypatch)
    application.answers.append(tmp_path)
    at.finish.apply_to_folder()
    assert worker.asked[0][2] == str(tmp_path)
    worker.ends(Outcome(1, "The folder holds no scan.", "Give another one."))
    assert at.desk.message.text == "The folder holds no scan. Give another one."
    application.answers.append(tmp_path)
    at.finish.apply_to_folder()
    worker.ends()
    assert application.opened and application.opened[-1].name == "completed"
