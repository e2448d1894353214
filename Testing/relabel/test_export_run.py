"""A finished run exported in each format, from a run folder made by hand, and what an unfinished one says."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PartialLabelSegLib.data.case import CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.lesions import read_lesions
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, write_prediction
from PartialLabelSegLib.data.seg_nrrd import read_seg_nrrd
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.export_run import export_run
from PartialLabelSegLib.relabel.review import automatic_review
from PartialLabelSegLib.relabel.select import rank_volume
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.folder import RunFolder

NAMES = ("Liver", "Spleen")


def predicted(labels: Labels, label: np.ndarray) -> Prediction:
    confidence = np.where(label > 0, np.linspace(1, 0.5, label.size).reshape(label.shape), 0).astype(np.float32)
    stored = fixed_point(confidence)
    return Prediction(NAMES, label, stored, stored, rank_volume(labels, label, confidence))


def source(name: str, labels: Labels, grid: Grid) -> CaseSource:
    image = grid.image(np.arange(60, dtype=np.int16).reshape(grid.shape))
    return CaseSource(name, lambda: image, lambda _: labels, split="train")


@pytest.fixture
def a_run(tmp_path: Path, a_grid: Grid) -> RunFolder:
    """CT_1 lacks the liver, of which half was accepted in round 0 and the rest is predicted in round 1; CT_2 is fully known."""
    run = RunFolder(tmp_path / "run")
    label_map = np.zeros(a_grid.shape, np.uint8)
    label_map[0, 0, 0] = 2
    for name, known in (("CT 1", (False, True)), ("CT 2", (True, True))):
        write_case(run.case(name.replace(" ", "_")), source(name, Labels.expert(NAMES, label_map, known), a_grid), name)
    label = np.zeros(a_grid.shape, np.uint8)
    label[1, 1, :4] = 1
    labels = Labels.expert(NAMES, label_map, (False, True))
    first = predicted(labels, label)
    after = apply(labels, first, automatic_review(["CT 1"], NAMES, 0.5), "CT 1", 0)
    write_labels(run.round(0).labels("CT_1"), after, a_grid)
    for number, prediction in enumerate((first, predicted(after, label))):
        write_prediction(run.round(number).prediction("CT_1"), prediction, a_grid)
    structures = [{"name": name, "color": [0.5, 0.5, 0.0], "terminology": ""} for name in NAMES]
    cases = [{"name": name, "folder": name.replace(" ", "_"), "split": "train"} for name in ("CT 1", "CT 2")]
    rules = {"largest_component": False, "fill_holes": False}
    run.write_head(
        {"structures": structures, "cases": cases, "overlapping": [], "configuration": {"relabelling": rules}}
    )
    run.completed.mkdir()
    for name in ("CT_1", "CT_2"):
        (run.completed / f"{name}.seg.nrrd").touch()
    return run


def test_the_completed_cases_have_the_last_prediction_and_what_was_accepted(a_run: RunFolder, tmp_path: Path) -> None:
    paths = export_run(a_run, "seg-nrrd", tmp_path / "out")
    assert [path.name for path in paths] == ["CT_1.seg.nrrd", "CT_2.seg.nrrd"]
    liver, spleen = read_seg_nrrd(paths[0]).segments
    assert np.flatnonzero(liver.mask).tolist() == [25, 26, 27, 28]
    assert np.flatnonzero(spleen.mask).tolist() == [0]
    (first, second) = export_run(a_run, "nifti", tmp_path / "out")
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(first))).sum() == 6
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(second))).sum() == 2
    with pytest.raises(Failure, match="not overwritten"):
        export_run(a_run, "nifti", tmp_path / "out")


def test_the_data_set_holds_what_was_drawn_and_accepted_and_ignores_the_unknown(
    a_run: RunFolder, tmp_path: Path
) -> None:
    (folder,) = export_run(a_run, "nnunet", tmp_path / "out", "Dataset007_Liver")
    head = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    assert head["numTraining"] == 2
    arrays = [
        sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "labelsTr" / f"{name}.nii.gz"))) for name in ("CT_1", "CT_2")
    ]
    assert [np.bincount(array.ravel(), minlength=4).tolist() for array in arrays] == [[0, 2, 1, 57], [59, 0, 1, 0]]


def test_the_summary_tells_the_annotators_state_and_both_origins(a_run: RunFolder, tmp_path: Path) -> None:
    (path,) = export_run(a_run, "summary", tmp_path / "out")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [
        (row["case"], row["structure"], row["state"], row["expert_voxels"], row["suggested_voxels"]) for row in rows
    ]
    assert found == [
        ("CT 1", "Liver", "missing", "0", "4"),
        ("CT 1", "Spleen", "labelled", "1", "0"),
        ("CT 2", "Liver", "absent", "0", "0"),
        ("CT 2", "Spleen", "labelled", "1", "0"),
    ]
    assert export_run(a_run, "summary", tmp_path / "volumes.csv") == (tmp_path / "volumes.csv",)
    with pytest.raises(Failure, match=r"volumes\.csv exists"):
        export_run(a_run, "summary", tmp_path / "volumes.csv")


def test_the_lesions_are_listed_with_a_volume(a_run: RunFolder, tmp_path: Path) -> None:
    paths = export_run(a_run, "instances", tmp_path / "out")
    assert [path.name for path in paths] == [
        f"{case}.instances.{ending}" for case in ("CT_1", "CT_2") for ending in ("json", "nrrd")
    ]
    spleen, liver = read_lesions(paths[0])
    assert (spleen.structure, spleen.origin, spleen.score, spleen.voxels) == ("Spleen", "expert", 1.0, 1)
    assert (liver.structure, liver.origin, liver.voxels) == ("Liver", "suggested", 4)
    # Voxels 25 to 28 of 60 have probabilities on a line from 1 to 0.5.
    assert liver.score == pytest.approx(1 - 0.5 * 26.5 / 59, abs=1e-4)
    assert np.flatnonzero(sitk.GetArrayFromImage(sitk.ReadImage(str(paths[1]))) == 2).tolist() == [25, 26, 27, 28]
    with pytest.raises(Failure, match=r"CT_1\.instances\.json exists in out and is not overwritten"):
        export_run(a_run, "instances", tmp_path / "out")
    assert export_run(a_run, "instances", tmp_path / "out", replace=True) == paths


def test_an_instance_networks_own_lesions_are_those_of_the_last_round(a_run: RunFolder, tmp_path: Path) -> None:
    for number, score in ((0, 0.9), (1, 0.3)):
        folder = a_run.round(number).prediction("CT_1")
        numbers = np.zeros((3, 4, 5), np.uint16)
        numbers[2, 3, 1:3] = 1
        image = sitk.ReadImage(str(folder / "label.nrrd"))
        own = sitk.GetImageFromArray(numbers.reshape(image.GetSize()[::-1]))
        own.CopyInformation(image)
        sitk.WriteImage(own, str(folder / "instances.nrrd"))
        said = [{"number": 1, "structure": "Liver", "score": score}]
        (folder / "instances.json").write_text(json.dumps({"format": 1, "instances": said}), encoding="utf-8")
    listed = read_lesions(export_run(a_run, "instances", tmp_path / "out")[0])
    assert [(one.structure, one.voxels) for one in listed] == [("Spleen", 1), ("Liver", 4), ("Liver", 2)]
    assert listed[2].score == 0.3


def test_a_run_that_is_not_finished_is_not_exported(a_run: RunFolder, tmp_path: Path) -> None:
    (a_run.completed / "CT_2.seg.nrrd").unlink()
    with pytest.raises(Failure, match="Case 'CT_2': run is not finished"):
        export_run(a_run, "summary", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"structures": 3},
        {"structures": [{"name": "Liver", "color": [1, 0], "terminology": ""}]},
        {"cases": [{"name": "CT 1"}]},
        {"cases": [{"folder": "../../elsewhere"}]},
        {"configuration": None},
    ],
)
def test_a_damaged_head_is_refused(change: dict[str, object], a_run: RunFolder, tmp_path: Path) -> None:
    head = json.loads(a_run.head.read_text(encoding="utf-8"))
    a_run.head.write_text(json.dumps({**head, **change}), encoding="utf-8")
    with pytest.raises(Failure, match=r"run\.json is damaged|leads out of its folder"):
        export_run(a_run, "summary", tmp_path / "out")


def test_a_format_that_a_run_does_not_have_is_refused(a_run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a run is exported as"):
        export_run(a_run, "stl", tmp_path)
