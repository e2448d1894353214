"""A session with real clicks, keys and the real worker, from suggestions that wait to what is taken home: look, decide, next round, finish, apply."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.conftest import GRID, STATES, ball_cohort, ball_scan, command, quick
from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from panel.scene_nodes import add_scan, add_segmentation, bytes_of
from panel.showing import press
from PartialLabelSegLib.data.label_files import read_labels
from PartialLabelSegLib.panel.parameter import PanelParameter
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.state import PanelState, Scan
from PartialLabelSegLib.relabel.select import accepted

Wait = Callable[..., None]
pytestmark = pytest.mark.slow
__all__ = ["ball_cohort"]


@pytest.fixture(scope="module")
def waiting(ball_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder whose run has learned a round and waits. Not to be changed."""
    folder = tmp_path_factory.mktemp("waiting")
    done = subprocess.run(
        command(*quick(ball_cohort, folder / "run")), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 4, done.stdout[-1500:] + done.stderr[-1500:]
    return folder


@pytest.fixture
def session(
    waiting: Path,
    ball_cohort: Path,
    application: HostApplication,
    window: Window,
    wait_until: Wait,
    tmp_path: Path,
) -> Iterator[PanelWindow]:
    """The panel on a copy of that, as after Slicer was started again; scan0 with its drawing is in the scene, the others lie on disk."""
    folder = Path(shutil.copytree(waiting, tmp_path / "work"))
    others = Path(shutil.copytree(ball_cohort, tmp_path / "others")) / "cases.csv"
    rows = others.read_text(encoding="utf-8").splitlines()
    others.write_text("\n".join(row for row in rows if not row.startswith("scan0,")) + "\n", encoding="utf-8")
    image, truth = ball_scan(0)
    volume = add_scan(application.scene, GRID, image, "scan0")
    drawn = add_segmentation(volume, GRID, {"Liver": truth == 1}, "scan0 drawn")
    scans = tuple(
        Scan(
            f"scan{number}",
            volume=volume.GetID() if number == 0 else "",
            segmentation=drawn.GetID() if number == 0 else "",
            source="" if number == 0 else str(others),
            found={"Liver": liver, "Spleen": spleen},
        )
        for number, (_, liver, spleen) in enumerate(STATES)
    )
    PanelParameter(application.scene).store(PanelState(folder=str(folder), scans=scans, step="learn", scan="scan0"))
    made = PanelWindow(application, window, wait_until)
    made.until_read()
    yield made
    made.close()


def test_from_suggestions_that_wait_to_what_is_taken_home(session: PanelWindow, tmp_path: Path) -> None:
    logic, scene = session.panel.logic, session.application.scene
    drawn = scene.GetFirstNodeByName("scan0 drawn")
    before = bytes_of(drawn)

    session.click("step_look")
    session.until_shown()
    session.picture("flow_5_look")
    assert session.find("look_scan").currentText() == "scan0"
    session.click("look_next")
    session.until_shown()
    assert logic.look.viewed is not None and logic.look.viewed.name == "scan1"

    session.click("step_decide")
    session.until_shown()
    session.choose("Spleen", "scan0")
    session.picture("flow_6_decide")
    decide_by_keys(session)
    session.picture("flow_7_accepted")
    voxels = session.mask("scan0 accepted", "Spleen", GRID)
    assert voxels.any() and bytes_of(drawn) == before

    session.click("next_round")
    session.until_learned("finished")
    assert session.desk.run is not None
    labels, _ = read_labels(session.desk.run.round(0).labels("scan0"))
    learned = np.zeros(GRID.shape, bool)
    learned.reshape(-1)[accepted(labels, "Spleen")] = True
    np.testing.assert_array_equal(learned, voxels, err_msg="what was learned from is what was shown as accepted")

    finish(session, tmp_path)
    assert bytes_of(drawn) == before, "what the expert drew is the same, byte for byte"


def decide_by_keys(session: PanelWindow) -> None:
    """Accept, undo, redo, another gamma, wrong, and not now, each by its key."""
    window, decide = session.window.widget, session.panel.logic.decide
    # The keys of the window, not of the field in which scans are looked for.
    session.find("queue").setFocus()
    for key in ("+", "+", "-"):
        press(window, key)
    assert decide.view().gamma == pytest.approx(0.67)
    press(window, "A")
    session.until_shown()
    first = session.mask("scan0 accepted", "Spleen", GRID)
    assert first.any() and decide.view().undo
    press(window, "Z")
    session.until_shown()
    assert not session.mask("scan0 accepted", "Spleen", GRID).any()
    press(window, "Y")
    session.until_shown()
    np.testing.assert_array_equal(session.mask("scan0 accepted", "Spleen", GRID), first)
    session.choose("Spleen", "scan3")
    press(window, "W")
    session.until_shown()
    press(window, "N")
    session.until_shown()
    taken = dict(decide.decisions.taken()) if decide.decisions is not None else {}
    assert taken == {"accepted": 1, "wrong": 1, "not now": 1}


def finish(session: PanelWindow, tmp_path: Path) -> None:
    """Every way to take something home, with the real worker."""
    application, logic = session.application, session.panel.logic
    session.click("step_finish")
    session.picture("flow_8_finish")
    assert "all 6 scans are complete" in session.text("finish_summary")
    session.click("into_scene")
    session.until(
        lambda: session.is_seen("finish_message") and "In the scene" in session.text("finish_message"), what="the nodes"
    )
    names = node_names(application.scene)
    assert {f"scan{number} completed" for number in range(6)} <= names
    out = tmp_path / "out"
    out.mkdir()
    application.answers.append(out)
    session.click("export")
    session.until(lambda: len(list(out.glob("*.seg.nrrd"))) == 6 and not session.desk.busy, what="the files")
    application.answers.append(out)
    logic.finish.format_chosen("nnunet")
    session.until(lambda: session.find("export").isEnabled())
    session.click("export")
    session.until(
        lambda: (out / "Dataset001_Partial" / "dataset.json").exists() and session.desk.job is None, what="the data set"
    )
    session.click("open_report")
    assert application.opened[-1].name == "report.html"
    session.find("model_name").setText("balls")
    session.click("save_model")
    apply_model(session)
    session.picture("flow_9_applied")


def apply_model(session: PanelWindow) -> None:
    image, _ = ball_scan(77)
    add_scan(session.application.scene, GRID, image, "tomorrow")
    session.desk.tell_now()
    open_section(session.panel.page("finish").widget.findChild(type(session.panel.widget), "finish_apply"))
    session.panel.logic.finish.targets_ticked(("tomorrow",), True)
    session.until(lambda: session.find("apply_model").isEnabled())
    session.click("apply_model")
    session.until(
        lambda: "tomorrow by a saved model" in node_names(session.application.scene) or session.desk.message.text,
        120,
        "the model",
    )
    assert "tomorrow by a saved model" in node_names(session.application.scene), session.desk.message.text


def node_names(scene: Any) -> set[str]:
    return {scene.GetNthNode(place).GetName() for place in range(scene.GetNumberOfNodes())}
