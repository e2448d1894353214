"""A scene is saved as a bundle in the middle of deciding, and opened again: the panel is where it was, with round, gamma and decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.host_application import HostApplication
from host.window import Window
from panel.deciding import GRID
from panel.panel_window import PanelWindow
from panel.scene_nodes import bytes_of
from panel.showing import settle
from panel.waiting_window import waiting_window

Wait = Callable[..., None]
GAMMA = 40


@pytest.fixture
def session(application: HostApplication, window: Window, wait_until: Wait, tmp_path: Path) -> Iterator[PanelWindow]:
    made = waiting_window(application, window, wait_until, tmp_path / "first")
    yield made
    made.close()


def decide(session: PanelWindow) -> None:
    """The liver is accepted at a gamma of its own, and the spleen is said to be wrong."""
    session.desk.change(step="decide")
    session.until_shown()
    session.choose("Liver", "CT 1")
    session.find("gamma_slider").setValue(GAMMA)
    session.until_shown()
    session.click("decide_accept")
    session.until_shown()
    session.choose("Spleen", "CT 2")
    session.click("decide_wrong")
    session.until_shown()


def stands(session: PanelWindow) -> dict[str, Any]:
    """What has to be the same afterwards."""
    state, decisions = session.desk.state, session.panel.logic.decide.decisions
    assert decisions is not None
    session.choose("Liver", "CT 2")
    return {
        "step": state.step,
        "round": state.round,
        "gammas": state.gammas,
        "slider": session.find("gamma_slider").value(),
        "folder": state.folder,
        "scans": [(scan.name, scan.found, scan.states) for scan in state.scans],
        "decisions": dict(decisions.taken()),
        "queue": session.queue(),
        "undo": session.find("decide_undo").isEnabled(),
    }


def test_a_bundle_opened_again_brings_the_panel_back_in_the_middle_of_deciding(
    session: PanelWindow, tmp_path: Path
) -> None:
    decide(session)
    before, accepted = stands(session), session.mask("CT 1 accepted", "Liver", GRID)
    drawn = bytes_of(session.node("CT 1 drawn"))
    assert before["decisions"] == {"accepted": 1, "wrong": 1} and before["slider"] == GAMMA and accepted.any()
    host = session.application.host
    host.save_scene(tmp_path / "session.mrb")
    host.close_scene()
    session.until_read()
    assert session.is_seen("scans_step") and session.node("CT 1 accepted") is None
    host.open_scene(tmp_path / "session.mrb")
    session.until_read()
    session.until(lambda: session.is_seen("decide_step"))
    session.until_shown()
    assert stands(session) == before
    np.testing.assert_array_equal(session.mask("CT 1 accepted", "Liver", GRID), accepted)
    assert bytes_of(session.node("CT 1 drawn")) == drawn
    for _ in range(2):
        session.click("decide_undo")
        session.until_shown()
    assert not session.mask("CT 1 accepted", "Liver", GRID).any(), "decisions can be undone after that, too"


def test_a_scene_opened_after_another_has_only_what_is_its_own(
    session: PanelWindow, application: HostApplication, window: Window, wait_until: Wait, tmp_path: Path
) -> None:
    decide(session)
    first = stands(session)
    session.application.host.save_scene(tmp_path / "first.mrb")
    session.close()
    application.host.close_scene()
    settle()
    other = waiting_window(application, window, wait_until, tmp_path / "second")
    other.desk.change(step="decide")
    other.until_shown()
    second = stands(other)
    assert second["decisions"] == {} and second["gammas"] == {} and not second["undo"]
    assert other.node("CT 1 accepted") is None
    application.host.close_scene()
    other.until_read()
    application.host.open_scene(tmp_path / "first.mrb")
    other.until_read()
    other.until(lambda: other.is_seen("decide_step"))
    other.until_shown()
    try:
        assert stands(other) == first
        assert not (tmp_path / "second" / "run" / "rounds" / "0" / "review.json").exists()
    finally:
        other.close()
