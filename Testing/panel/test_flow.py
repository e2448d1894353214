"""A session with real clicks and the real worker: scans from a folder, learned, waiting for decisions; cancelled, reopened and gone on with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from PartialLabelSegLib.data.phantom import write_phantom_cohort
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.sample_scans import made_up_scans
from PartialLabelSegLib.panel.steps import finish_now

Wait = Callable[..., None]
pytestmark = pytest.mark.slow


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """A folder with six phantoms, one without any label."""
    return write_phantom_cohort(tmp_path / "cohort", cases=5, test_cases=1, share_labelled=0.6).parent


@pytest.fixture
def session(application: HostApplication, window: Window, wait_until: Wait) -> Iterator[PanelWindow]:
    made = PanelWindow(application, window, wait_until)
    yield made
    made.close()


def test_from_a_folder_of_scans_to_suggestions_that_wait(session: PanelWindow, cohort: Path) -> None:
    session.picture("flow_0_empty")
    session.application.answers.append(cohort)
    session.click("add_folder")
    assert "Reading" in session.text("scans_busy")
    session.until_read()
    session.picture("flow_1_scans")
    assert len(session.desk.state.scans) == 6 and "6 scans" in session.text("scans_summary")
    session.click("step_learn")
    session.until(lambda: session.panel.logic.learn.torch.state.ready, what="PyTorch to be found")
    session.picture("flow_2_learn")
    open_section(session.find("advanced"))
    session.find("rounds").setValue(2)
    session.click("learn")
    assert session.is_seen("cancel") and not session.is_seen("learn")
    session.until(lambda: session.is_seen("stage") and "Round 1" in session.text("stage"), 240, "the first round")
    session.picture("flow_3_learning")
    session.until_learned("waiting")
    assert session.desk.state.step == "look" and session.desk.state.round == 0
    assert session.desk.run is not None and not session.desk.run.round(0).review.exists()
    session.click("step_learn")
    session.picture("flow_4_waiting")
    assert "decisions" in session.text("learn_message") and session.text("learn_message")


def test_loaded_scans_are_learned_cancelled_saved_reopened_and_gone_on_with(
    session: PanelWindow, application: HostApplication, window: Window, wait_until: Wait, tmp_path: Path
) -> None:
    finish_now(made_up_scans(application.scene, 4, 1))
    session.click("add_from_scene")
    session.until_read()
    assert "5 scans" in session.text("scans_summary")
    cancel_the_first_round(session)
    application.host.save_scene(tmp_path / "session.mrb")
    folder = session.desk.state.folder
    application.host.close_scene()
    session.until_read()
    assert session.is_seen("scans_step") and not session.find("step_learn").isEnabled()
    application.host.open_scene(tmp_path / "session.mrb")
    session.until_read()
    assert session.desk.state.folder == folder and len(session.desk.state.scans) == 5
    assert session.is_seen("learn_step")
    session.until(lambda: session.is_seen("resume"), 30, "Resume to be offered")
    assert session.panel.logic.learn.view().curves.loss
    session.picture("flow_5_reopened")
    session.click("resume")
    session.until(lambda: session.is_seen("stage") and "Round 1" in session.text("stage"), 240, "learning to go on")
    session.close()
    second = PanelWindow(application, window, wait_until)
    try:
        # The worker went on while no panel was there.
        assert second.panel.logic.learn.state == "running"
        second.until_learned("waiting")
        second.until(lambda: second.is_seen("look_step"), 30, "Look to be opened")
        assert second.panel.logic.learn.has_suggestions
        second.picture("flow_6_look")
    finally:
        second.close()


def cancel_the_first_round(session: PanelWindow) -> None:
    """Learning is begun, and stopped by its button once something was learned."""
    session.desk.extra_arguments = (*session.desk.extra_arguments, "--set", "steps=400")
    session.click("step_learn")
    session.until(lambda: session.panel.logic.learn.torch.state.ready, what="PyTorch to be found")
    session.panel.logic.learn.set_choice("rounds", 1)
    session.click("learn")
    session.until(lambda: session.panel.logic.learn.view().curves.loss, 240, "something to be learned")
    began = time.monotonic()
    session.click("cancel")
    assert session.text("cancel") == "Stopping…" and time.monotonic() - began < 1.0
    session.until_learned("stopped", 60)
    assert session.is_seen("resume") and not session.is_seen("cancel")
