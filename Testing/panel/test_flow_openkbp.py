"""A session with real clicks, keys and the real worker on real scans, OpenKBP's head and neck CTs: from a list of scans to exports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from PySide6 import QtCore, QtTest

from benchmarks.panel_heartbeat import Heartbeat
from host.host_application import HostApplication
from host.window import Window
from panel.openkbp_cohort import COLORS, DRAWN, ORGANS, PATIENT, TERMINOLOGY, OpenKbp, write_openkbp
from panel.panel_window import PanelWindow
from panel.showing import click, press, settle
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.seg_nrrd import read_seg_nrrd
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.geometry import grid_of
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.segments import drawn
from PartialLabelSegLib.panel.volumes import array_of

Wait = Callable[..., None]
pytestmark = pytest.mark.slow

PLAN = {
    "widths": [8, 16, 24],
    "strides": [[1, 1, 1], [1, 2, 2], [1, 2, 2]],
    "patch": [1, 64, 96],
    "batch": 6,
    "steps": 200,
    "fine_tune_steps": 40,
    "confidence_steps": 40,
    "validate_every": 100,
    "confidence_widths": [8],
    "learning_rate": 0.01,
    "learning_rate_end": 0.001,
    "precision": "float32",
    "overlap": 0.0,
}
"""Enough to suggest a jaw where none is drawn, in half a minute of one core."""
SETTINGS = ("--threads", "1", "--seed", "0", "--dimensions", "2d")
WAITING = {
    ("subprocess.py", "wait"),
    ("subprocess.py", "_wait"),
    ("subprocess.py", "communicate"),
    ("threading.py", "wait"),
}


@pytest.fixture
def cohort(data_folder: Path, tmp_path: Path) -> OpenKbp:
    return write_openkbp(data_folder / "openkbp" / "full", tmp_path)


@pytest.fixture
def session(application: HostApplication, window: Window, wait_until: Wait) -> Iterator[PanelWindow]:
    made = PanelWindow(application, window, wait_until)
    plan = (part for name, value in PLAN.items() for part in ("--set", f"{name}={json.dumps(value)}"))
    made.desk.extra_arguments = (*SETTINGS, *plan)
    yield made
    made.close()


@pytest.fixture
def beat(qt_application: Any) -> Iterator[Heartbeat]:
    made = Heartbeat()
    yield made
    made.close()


def test_real_scans_from_a_list_to_exports(
    session: PanelWindow, cohort: OpenKbp, beat: Heartbeat, tmp_path: Path
) -> None:
    files = sums(cohort.manifest.parent)
    with beat.during("scans"):
        add_and_show(session, cohort)
    with beat.during("learn"):
        learn(session)
    with beat.during("look"):
        look(session, cohort)
    with beat.during("decide"):
        accepted, wrong = decide(session, cohort)
    with beat.during("next round"):
        session.click("next_round")
        session.until_learned("finished", 600)
    with beat.during("finish"):
        finish(session, cohort, tmp_path / "out")
    check_nnunet(tmp_path / "out" / "Dataset001_Partial", cohort, accepted, wrong)
    check_segmentations(tmp_path / "out", cohort)
    assert sums(cohort.manifest.parent) == files, "the list and its scans are as they were"
    check_privacy(Path(session.desk.state.folder), session, tmp_path)
    check_window(beat)


def sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def add_and_show(session: PanelWindow, cohort: OpenKbp) -> None:
    """The list is read, and one of its scans is shown before anything was learned."""
    session.application.answers.append(cohort.manifest)
    session.click("add_manifest")
    session.until_read()
    assert [scan.name for scan in session.desk.state.scans] == list(DRAWN)
    assert "6 scans, 3 structures: 9 of 18 are labelled" in session.text("scans_summary")
    names = session.find("scan_table").verticalHeader()
    place = QtCore.QPoint(10, names.sectionViewportPosition(list(DRAWN).index("pt_22")) + 8)
    left, none = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
    QtTest.QTest.mouseDClick(names.viewport(), left, none, place)
    settle()
    session.until_read()
    volume, grid = session.node("pt_22"), cohort.grids["pt_22"]
    assert volume is not None and grid_of(volume).same_as(grid)
    image = sitk.GetArrayFromImage(sitk.ReadImage(str(cohort.manifest.with_name("pt_22.nrrd"))))
    np.testing.assert_array_equal(array_of(volume), image)
    check_drawn(session, "pt_22 drawn", cohort, "pt_22")
    session.picture("openkbp_1_scans")


def check_drawn(session: PanelWindow, name: str, cohort: OpenKbp, scan: str) -> None:
    """What an expert drew of a scan is in the scene: voxels, names, colours and terminology."""
    found = {item.name: item for item in drawn(session.node(name).GetSegmentation())}
    assert set(found) >= set(DRAWN[scan])
    for organ, mask in cohort.experts[scan].items():
        np.testing.assert_array_equal(session.mask(name, organ, cohort.grids[scan]) & mask, mask, err_msg=organ)
        assert found[organ].color == pytest.approx(COLORS[organ]), organ
        # Slicer itself gives a segment without terminology that of any tissue.
        assert organ not in TERMINOLOGY or found[organ].terminology == TERMINOLOGY[organ]


def learn(session: PanelWindow) -> None:
    session.click("step_learn")
    session.until(lambda: session.panel.logic.learn.torch.state.ready, what="PyTorch to be found")
    open_section(session.find("advanced"))
    session.find("rounds").setValue(2)
    session.picture("openkbp_2_learn")
    session.click("learn")
    session.until(lambda: session.panel.logic.learn.view().curves.dice, 300, "something to be measured")
    session.picture("openkbp_3_learning")
    session.until_learned("waiting", 600)


def look(session: PanelWindow, cohort: OpenKbp) -> None:
    """Learning opened the step; by its button a scan is reached in which nothing is drawn."""
    session.until(lambda: session.is_seen("look_step"), 30, "Look to be opened")
    session.until_shown()
    held = [
        node
        for node in nodes_of_class(session.desk.scene, "vtkMRMLSegmentationNode")
        if node.GetName() == "pt_22 drawn"
    ]
    assert len(held) == 1, "what was only looked at is gone, and the run's own is here"
    for _ in DRAWN:
        if session.find("look_scan").currentText() == "pt_31":
            break
        session.click("look_next" if session.find("look_next").isEnabled() else "look_previous")
        session.until_shown()
    viewed = session.panel.logic.look.viewed
    assert viewed is not None and viewed.name == "pt_31" and grid_of(viewed.volume).same_as(cohort.grids["pt_31"])
    assert viewed.suggestions is not None and "Mandible" in viewed.suggestions.boxes
    session.picture("openkbp_4_look")


def decide(session: PanelWindow, cohort: OpenKbp) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """One jaw is accepted, and one is accepted, taken back, and said to be wrong: the voxels of both, by scan."""
    window = session.window.widget
    session.click("step_decide")
    session.until_shown()
    first, second = [scan for structure, scan in session.queue() if structure == "Mandible"][:2]
    session.choose("Mandible", first)
    session.picture("openkbp_5_decide")
    by_keys(session)
    gamma = session.find("gamma_slider").value() / 100
    press(window, "A")
    session.until_shown()
    accepted = session.mask(f"{first} accepted", "Mandible", cohort.grids[first])
    assert accepted.any()
    session.picture("openkbp_6_accepted")

    session.choose("Mandible", second)
    session.click("decide_accept")
    session.until_shown()
    wrong = session.mask(f"{second} accepted", "Mandible", cohort.grids[second])
    assert wrong.any()
    session.click("decide_undo")
    session.until_shown()
    assert not session.mask(f"{second} accepted", "Mandible", cohort.grids[second]).any()
    session.choose("Mandible", second)
    session.click("decide_wrong")
    session.until_shown()
    said = [
        {"case": first, "structure": "Mandible", "decision": "accepted", "gamma": gamma},
        {"case": second, "structure": "Mandible", "decision": "wrong", "gamma": gamma},
    ]
    check_review(session, said)
    return {first: accepted}, {second: wrong}


def by_keys(session: PanelWindow) -> None:
    """The slider by its own keys, and by those of the step; the views follow, nothing is decided."""
    slider = session.find("gamma_slider")
    slider.setFocus()
    before = slider.value()
    for key in ("Right", "Right", "PageUp", "Left"):
        press(slider, key)
    assert slider.value() == before + 6
    session.find("queue").setFocus()
    press(session.window.widget, "+")
    assert slider.value() == before + 7
    session.until_shown()
    assert session.panel.logic.look.overlay.gamma == pytest.approx(slider.value() / 100)


def check_review(session: PanelWindow, said: list[dict[str, Any]]) -> None:
    assert session.desk.run is not None
    review = json.loads(session.desk.run.round(0).review.read_text(encoding="utf-8"))
    assert review["by"] == "person"
    kept = [{key: item.get(key) for key in ("case", "structure", "decision", "gamma")} for item in review["decisions"]]
    assert kept == [{**item, "gamma": pytest.approx(item["gamma"])} for item in said]


def finish(session: PanelWindow, cohort: OpenKbp, out: Path) -> None:
    """Into the scene, and exported in two ways."""
    out.mkdir()
    session.click("step_finish")
    assert "all 6 scans are complete" in session.text("finish_summary")
    session.click("into_scene")
    told = lambda: session.is_seen("finish_message") and "In the scene" in session.text("finish_message")  # noqa: E731
    session.until(told, what="the nodes")
    for scan in DRAWN:
        check_drawn(session, f"{scan} completed", cohort, scan)
        names = [item.name for item in drawn(session.node(f"{scan} completed").GetSegmentation())]
        assert names == list(ORGANS), "every organ is there, drawn or not"
    session.picture("openkbp_7_finish")
    for words, done in (
        ("nnU-Net", lambda: (out / "Dataset001_Partial" / "dataset.json").exists() and session.desk.job is None),
        (".seg.nrrd", lambda: len(list(out.glob("*.seg.nrrd"))) == len(DRAWN) and not session.desk.busy),
    ):
        formats = session.find("export_format")
        formats.setCurrentIndex(next(place for place in range(formats.count()) if words in formats.itemText(place)))
        settle()
        session.until(lambda: session.find("export").isEnabled(), what="Export to be possible")
        session.application.answers.append(out)
        click(session.find("export"))
        session.until(done, what=f"the export as {words}")
    session.picture("openkbp_8_exported")


def check_nnunet(folder: Path, cohort: OpenKbp, accepted: dict[str, np.ndarray], wrong: dict[str, np.ndarray]) -> None:
    """The expert's voxels and no others where an organ was drawn; of the rest only what was accepted."""
    named = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))["labels"]
    assert [name for name in named if name in ORGANS] == list(ORGANS)
    for scan in DRAWN:
        image = sitk.ReadImage(str(folder / "labelsTr" / f"{scan}.nii.gz"))
        assert Grid.from_image(image).same_as(cohort.grids[scan])
        array = sitk.GetArrayFromImage(image)
        for organ in ORGANS:
            expected = cohort.experts[scan].get(organ)
            if expected is None:
                expected = accepted[scan] if organ == "Mandible" and scan in accepted else np.zeros(array.shape, bool)
            assert (array == named[organ]).tobytes() == expected.tobytes(), f"{organ} in {scan}"
    for scan, mask in wrong.items():
        jaw = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "labelsTr" / f"{scan}.nii.gz"))) == named["Mandible"]
        assert mask.any() and not (jaw & mask).any()


def check_segmentations(folder: Path, cohort: OpenKbp) -> None:
    """Where an organ was drawn, the file holds it byte for byte, with its colour and terminology."""
    for scan in DRAWN:
        stored = read_seg_nrrd(folder / f"{scan}.seg.nrrd")
        assert stored.grid.same_as(cohort.grids[scan])
        segments = {item.name: item for item in stored.segments}
        assert list(segments) == list(ORGANS)
        for organ, mask in cohort.experts[scan].items():
            assert segments[organ].mask.tobytes() == mask.tobytes(), f"{organ} in {scan}"
            assert segments[organ].color == pytest.approx(COLORS[organ])
            assert segments[organ].terminology == TERMINOLOGY.get(organ, "")


def check_privacy(work: Path, session: PanelWindow, folder: Path) -> None:
    """Neither the patient's name, which stands in the folder's name and in each scan's file, nor a path is in what is kept or said."""
    said = "\n".join([*session.application.status, session.desk.message.text]).encode()
    contents = {path.relative_to(work).as_posix(): path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert {"panel.log", "run/events.jsonl", "run/report.html"} <= set(contents)
    for name, content in {**contents, "what the panel said": said}.items():
        assert PATIENT.encode() not in content, f"{name} names the patient"
        assert str(folder).encode() not in content, f"{name} names a folder of the computer"


def check_window(beat: Heartbeat) -> None:
    """The window lived through all of it, and its thread was never found waiting for another program. How long is for the benchmark to say."""
    # A step that is over at once has few beats; a thread that is kept has hardly any for its time.
    still = [name for name, activity in beat.activities.items() if activity.beats < min(20, 4 * activity.seconds)]
    assert still == []
    waits = [
        (name, stack[:6])
        for name, activity in beat.activities.items()
        for block in activity.blocks
        for stack in block.stacks
        if any((file.split("/")[-1], function) in WAITING for file, function, _ in stack)
    ]
    assert waits == []
