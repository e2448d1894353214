"""The samples of Slicer's module Sample Data: registered as that module asks, made or fetched, and put into the scene as scans to learn from."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from host import thumbnails
from host.host_application import HostApplication
from panel.scene_nodes import mask_by_points
from PartialLabelSegLib.data.phantom import PHANTOM_STRUCTURES, phantom
from PartialLabelSegLib.data.published import OPENKBP, SAMPLE, published_files
from PartialLabelSegLib.panel import ask_worker, sample_loading, sample_scans
from PartialLabelSegLib.panel.cohort_sources import scan_of_scene
from PartialLabelSegLib.panel.geometry import grid_of
from PartialLabelSegLib.panel.pairs import BY_REFERENCE, guess_pairs
from PartialLabelSegLib.panel.sample_data import (
    CATEGORY,
    MADE_UP,
    PICTURES,
    SAMPLES,
    STUDY,
    Click,
    register_sample_data,
)
from PartialLabelSegLib.panel.sample_loading import SampleLoading
from PartialLabelSegLib.panel.sample_scans import SEED, made_up_scans, study_folder, study_scans
from PartialLabelSegLib.panel.scene_scans import read_pair
from PartialLabelSegLib.panel.slicer_application import SlicerApplication
from PartialLabelSegLib.panel.state import Scan
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.volumes import array_of
from PartialLabelSegLib.run.failure import Failure

VOLUME, SEGMENTATION = "vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"


class SampleDataLogic:
    """As Slicer's module takes a sample: lists of one length, and none twice, by its text."""

    def __init__(self) -> None:
        self.sources: dict[str, list[dict[str, Any]]] = {}

    def registerCustomSampleDataSource(
        self, category: str = "Custom", sampleName: str = "", uris: Any = None, fileNames: Any = None,
        nodeNames: Any = None, customDownloader: Any = None, thumbnailFileName: str = "", loadFileType: str = "VolumeFile",
        loadFiles: Any = None, loadFileProperties: Any = None, checksums: Any = None,
    ) -> None:  # fmt: skip
        assert len(uris) == len(fileNames) == len(checksums)
        source = {
            "sampleName": sampleName,
            "uris": uris,
            "fileNames": fileNames,
            "checksums": checksums,
            "thumbnail": thumbnailFileName,
            "customDownloader": customDownloader,
        }
        known = self.sources.setdefault(category, [])
        if str(source) not in map(str, known):
            known.append(source)


@pytest.fixture
def sample_module(monkeypatch: pytest.MonkeyPatch) -> SampleDataLogic:
    """Slicer's module Sample Data."""
    logic = SampleDataLogic()
    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=logic))
    return logic


def scans_in(application: HostApplication) -> dict[str, Scan]:
    """What the step Scans makes of the scene, by name."""
    found = guess_pairs(application.scene)
    assert not found.left_over
    read = (scan_of_scene(read_pair(pair.name, pair.volume, pair.segmentation)) for pair in found.pairs)
    scans = {}
    for scan, known in read:
        assert known.usable and not known.problems
        scans[scan.name] = scan
    return scans


def a_study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of two tiny patients in the published format, which lie in `folder`; it takes the place of the real one."""
    files = {}
    for patient, organs in (("pt_1", ("Brainstem", "Larynx")), ("pt_2", ("Brainstem",)), ("pt_3", ("Larynx",))):
        content = {
            "voxel_dimensions": "4.0\n4.0\n3.0\n",
            "ct": ",data\n" + "".join(f"{place},1000.0\n" for place in range(50)),
        }
        content |= {
            organ: ",data\n" + "".join(f"{10 * number + place},\n" for place in range(5))
            for number, organ in enumerate(organs)
        }
        for name, text in content.items():
            path = folder / "train-pats" / patient / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            facts = {"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
            files[path.relative_to(folder).as_posix()] = facts
    parts = {"sample": ["train-pats/pt_1", "train-pats/pt_2"]}
    listing = folder / "listing.json"
    listing.write_text(json.dumps({"url": f"{folder.as_uri()}/", "parts": parts, "files": files}), encoding="utf-8")
    monkeypatch.setattr(study_scans, "__defaults__", (listing,))
    return listing


# What is registered


def test_both_samples_are_offered_with_pictures_and_once(sample_module: SampleDataLogic) -> None:
    register_sample_data(None)
    register_sample_data(None)
    offered = sample_module.sources[CATEGORY]
    assert tuple(source["sampleName"] for source in offered) == SAMPLES
    for source in offered:
        assert Path(source["thumbnail"]).is_file() and Path(source["thumbnail"]).parent == PICTURES
        assert callable(source["customDownloader"])


def test_the_study_is_named_by_address_and_checksum_and_the_made_up_scans_need_none(
    sample_module: SampleDataLogic,
) -> None:
    register_sample_data(None)
    made_up, study = sample_module.sources[CATEGORY]
    assert made_up["uris"] == []
    assert len(study["uris"]) > 30 and len(set(study["fileNames"])) == len(study["uris"])
    assert all(address.startswith("https://raw.githubusercontent.com/ababier/open-kbp/") for address in study["uris"])
    assert all(len(text) == 71 and text.startswith("SHA256:") for text in study["checksums"])
    assert "OpenKBP_pt_1_ct.csv" in study["fileNames"]


def test_a_slicer_without_that_module_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SampleData", None)
    register_sample_data(None)


def test_registering_loads_nothing_heavy_while_slicer_starts() -> None:
    heavy = ("numpy", "scipy", "SimpleITK", "slicer", "qt", "urllib.request")
    script = (
        "import sys, types\n"
        "from PartialLabelSegLib.panel.sample_data import register_sample_data\n"
        "offered = []\n"
        "logic = types.SimpleNamespace(registerCustomSampleDataSource=lambda **given: offered.append(given))\n"
        "sys.modules['SampleData'] = types.SimpleNamespace(SampleDataLogic=logic)\n"
        "register_sample_data(None)\n"
        f"print(len(offered), [name for name in {heavy} if name in sys.modules])\n"
    )
    folder = OPENKBP.parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout == "2 []\n", done.stderr


def pixels(path: Path) -> np.ndarray:
    """float (rows, columns, 3) of a picture."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)


def test_the_picture_of_the_made_up_scans_is_of_these_scans() -> None:
    kept = pixels(PICTURES / "phantoms.png")
    assert kept.shape == (240, 280, 3)
    # Other versions of numpy and scipy may round a grey value otherwise.
    assert np.abs(kept - thumbnails.made_up()).mean() < 1


def test_the_picture_of_the_study_is_of_its_scans(data_folder: Path) -> None:
    assert np.abs(pixels(PICTURES / "openkbp.png") - thumbnails.study(data_folder / "openkbp")).mean() < 1


# What the published part is


def test_each_organ_is_drawn_in_two_scans_of_the_published_part_and_in_all_of_them_hardly_one() -> None:
    files = published_files(OPENKBP, SAMPLE)
    assert sum(file.bytes for file in files) < 12_000_000
    patients = {Path(file.name).parent.name for file in files}
    drawn: dict[str, int] = {}
    for file in files:
        drawn[Path(file.name).stem] = drawn.get(Path(file.name).stem, 0) + 1
    assert drawn.pop("ct") == drawn.pop("voxel_dimensions") == len(patients) == 7
    assert len(drawn) == 7 and min(drawn.values()) >= 2
    assert sum(drawn.values()) < 6 * len(patients)


def test_a_part_that_a_list_has_not_is_refused() -> None:
    with pytest.raises(Failure, match="no part 'all'"):
        published_files(OPENKBP, "all")


# What comes into the scene


def test_made_up_scans_are_partly_drawn_and_two_are_not_drawn_at_all(application: HostApplication) -> None:
    nodes = application.sample_data(MADE_UP)
    scans = scans_in(application)
    assert len(scans) == sum(node.IsA(VOLUME) for node in nodes) == 10
    assert sum(not scan.segmentation for scan in scans.values()) == 2
    labelled = {structure.name: 0 for structure in PHANTOM_STRUCTURES}
    for scan in scans.values():
        for name, state in scan.found.items():
            labelled[name] += state == "labelled"
            assert state in ("labelled", "absent")
    assert min(labelled.values()) >= 2
    assert 0.3 * 8 * 7 < sum(labelled.values()) < 0.8 * 8 * 7
    # Of a structure that somebody looked for in vain, no scan shows a voxel.
    absent = [name for name, scan in scans.items() if "absent" in scan.found.values()]
    assert absent
    for name in absent:
        body = phantom(np.random.default_rng([SEED, int(name.split()[-1]) - 1]))
        assert scans[name].found["Gallbladder"] == "absent" and not (body.label_map == 5).any()


def test_a_made_up_scan_is_in_the_scene_voxel_by_voxel(application: HostApplication) -> None:
    nodes = finish_now(made_up_scans(application.scene, scans=4, undrawn=0, seed=3))
    body = phantom(np.random.default_rng([3, 0]))
    scan, drawing = nodes[0], nodes[1]
    assert grid_of(scan).same_as(body.grid)
    np.testing.assert_array_equal(array_of(scan), body.image)
    segmentation = drawing.GetSegmentation()
    names = [structure.name for structure in PHANTOM_STRUCTURES]
    for place in range(segmentation.GetNumberOfSegments()):
        key = segmentation.GetNthSegmentID(place)
        name = segmentation.GetNthSegment(place).GetName()
        np.testing.assert_array_equal(mask_by_points(drawing, key, body.grid), body.label_map == 1 + names.index(name))


def test_each_drawing_belongs_to_its_scan_and_only_the_first_is_in_sight(
    application: HostApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_study(tmp_path, monkeypatch)
    nodes = application.sample_data(STUDY)
    assert [pair.why for pair in guess_pairs(application.scene).pairs] == [BY_REFERENCE, BY_REFERENCE]
    shown = [node.GetName() for node in nodes if node.IsA(SEGMENTATION) and node.GetDisplayNode().GetVisibility()]
    assert shown == ["OpenKBP pt_1 drawn"]
    background = application.scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode").GetBackgroundVolumeID()
    assert background == nodes[0].GetID()


def test_the_study_comes_with_the_contours_of_the_published_files(
    application: HostApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_study(tmp_path, monkeypatch)
    application.sample_data(STUDY)
    scans = scans_in(application)
    assert {name: set(scan.found) for name, scan in scans.items()} == {
        "OpenKBP pt_1": {"Brainstem", "Larynx"},
        "OpenKBP pt_2": {"Brainstem"},
    }
    assert (study_folder(application) / "train-pats" / "pt_1" / "ct.csv").is_file()
    assert not (study_folder(application) / "train-pats" / "pt_3").exists()


def test_a_real_scan_of_the_study_agrees_with_its_published_conversion(
    application: HostApplication, data_folder: Path
) -> None:
    """The same patient as converted by somebody else, which is cropped: volumes of the organs, and grey values."""
    files = {file.name: file for file in published_files(OPENKBP, SAMPLE) if "/pt_1/" in file.name}
    folder = study_folder(application)
    for name, file in files.items():
        content = (data_folder / "openkbp" / "original_csv" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    listing = folder / "listing.json"
    facts = {name: {"bytes": file.bytes, "sha256": file.sha256} for name, file in files.items()}
    listing.write_text(
        json.dumps({"url": "file:///nowhere/", "parts": {"sample": ["train-pats/pt_1"]}, "files": facts}),
        encoding="utf-8",
    )
    scan, drawing = finish_now(study_scans(application.scene, folder, listing))
    converted = sitk.ReadImage(str(next((data_folder / "openkbp" / "partial").rglob("pt_1_oar.nii.gz"))))
    values = sitk.GetArrayFromImage(converted)
    segmentation = drawing.GetSegmentation()
    for value, name in enumerate(("Brainstem", "SpinalCord", "RightParotid", "LeftParotid"), 1):
        mask = mask_by_points(drawing, segmentation.GetSegmentIdBySegmentName(name), grid_of(scan))
        assert np.count_nonzero(mask) == pytest.approx(np.count_nonzero(values == value), abs=2)
    assert array_of(scan).dtype == np.int16


def test_slicer_itself_makes_our_samples_too(
    application: HostApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_study(tmp_path, monkeypatch)
    inside = SlicerApplication(application.scene)
    monkeypatch.setattr(inside, "documents_folder", application.documents_folder)
    monkeypatch.setattr(slicer.util, "resetSliceViews", lambda: None)
    inside.sample_data(STUDY)
    assert set(scans_in(application)) == {"OpenKBP pt_1", "OpenKBP pt_2"}


def test_a_study_that_cannot_be_fetched_is_a_sentence(
    application: HostApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_study(tmp_path, monkeypatch)
    (tmp_path / "train-pats" / "pt_2" / "ct.csv").unlink()
    with pytest.raises(RuntimeError, match=r"could not be fetched.*Look at the network"):
        application.sample_data(STUDY)


# On a click in the module Sample Data


def test_made_up_scans_come_while_the_window_lives(
    application: HostApplication, wait_until: Callable[..., None]
) -> None:
    loading = SampleLoading(application, MADE_UP)
    loading.begin()
    assert loading.busy and not application.scene.GetNumberOfNodesByClass(VOLUME)
    loading.begin()
    wait_until(lambda: not loading.busy, 60)
    assert application.scene.GetNumberOfNodesByClass(VOLUME) == 10
    assert f"{MADE_UP}: 50 % loaded" in application.status
    assert "10 scans loaded" in application.status[-1] and "Add loaded scans" in application.status[-1]


def test_the_study_is_fetched_by_another_process_and_then_loaded(
    application: HostApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    """The worker stands for itself here by a copy of the files: the real one would ask the network."""
    a_study(tmp_path, monkeypatch)
    script = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)"
    asked: list[tuple[Any, ...]] = []

    def command(python: str, *arguments: Any) -> list[str]:
        asked.append(arguments)
        return [python, "-c", script, str(tmp_path / "train-pats"), str(Path(arguments[-1]) / "train-pats")]

    monkeypatch.setattr(ask_worker, "worker_command", command)
    loading = SampleLoading(application, STUDY)
    loading.begin()
    assert "fetching" in application.status[-1]
    wait_until(lambda: not loading.busy, 60)
    assert asked == [("sample", "--openkbp", "--out", study_folder(application))]
    assert set(scans_in(application)) == {"OpenKBP pt_1", "OpenKBP pt_2"}


def test_what_went_wrong_stands_in_the_status_line_and_the_log(
    application: HostApplication,
    monkeypatch: pytest.MonkeyPatch,
    wait_until: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    event = json.dumps({"event": "error", "time": 0.0, "message": "ct.csv could not be fetched."})
    monkeypatch.setattr(
        ask_worker, "worker_command", lambda python, *_: [python, "-c", f"print({event!r}); raise SystemExit(1)"]
    )
    loading = SampleLoading(application, STUDY)
    loading.begin()
    wait_until(lambda: not loading.busy, 30)
    assert application.status[-1] == f"{STUDY}: ct.csv could not be fetched."
    assert "could not be fetched" in caplog.text
    assert not application.scene.GetNumberOfNodesByClass(VOLUME)


def test_closing_the_scene_ends_it(application: HostApplication, pump: Callable[[int], None]) -> None:
    loading = SampleLoading(application, MADE_UP)
    loading.begin()
    pump(30)
    application.host.close_scene()
    assert not loading.busy
    pump(300)
    assert not application.scene.GetNumberOfNodesByClass(VOLUME)


def test_a_click_begins_and_a_second_one_does_not_begin_again(
    application: HostApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    class Loading:
        def __init__(self, seam: Any, name: str) -> None:
            assert seam.scene is application.scene
            begun.append(name)

        def begin(self) -> None:
            begun.append("begin")

    monkeypatch.setattr(sample_loading, "SampleLoading", Loading)
    click = Click(MADE_UP, application.scene)
    assert click(None) == [] and click(None) == []
    assert begun == [MADE_UP, "begin", "begin"]
    assert "0x" not in str(click)


def test_an_unknown_sample_is_refused_by_name(application: HostApplication) -> None:
    with pytest.raises(Failure, match="no sample named Thorax"):
        sample_scans.sample_scans(application, "Thorax")
