"""The desk: one state that is stored at each change, listeners called once a moment, a work folder, one worker, work in steps, two scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host.host_application import HostApplication
from panel.programs import SHORT, program
from PartialLabelSegLib.panel import jobs
from PartialLabelSegLib.panel.desk import ERROR, WARNING, Desk
from PartialLabelSegLib.panel.outcome import Outcome
from PartialLabelSegLib.panel.parameter import PanelParameter
from PartialLabelSegLib.panel.state import PanelState, Scan
from PartialLabelSegLib.panel.steps import Steps
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.failure import Failure

Pump = Callable[[int], None]
Wait = Callable[..., None]


@pytest.fixture
def desk(application: HostApplication) -> Iterator[Desk]:
    made = Desk(application)
    made.jobs.patience = SHORT
    yield made
    made.release()


@pytest.fixture
def worker_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """`worker_says(body)`: from now on the worker is this program, whatever its arguments."""

    def put(body: str) -> None:
        command = program(tmp_path, body)
        monkeypatch.setattr(jobs, "worker_command", lambda python, *arguments: [*command, *map(str, arguments)])

    return put


def test_a_change_is_stored_and_told_once_for_all_changes_of_a_moment(desk: Desk, pump: Pump) -> None:
    told: list[str] = []
    stop = desk.listen(lambda: told.append(desk.state.step))
    desk.change(step="learn")
    desk.change(round=1)
    assert told == []
    pump(5)
    assert told == ["learn"]
    stored = PanelParameter(desk.scene).load()
    assert (stored.step, stored.round) == ("learn", 1)
    stop()
    desk.change(step="look")
    pump(5)
    assert told == ["learn"]


def test_a_change_to_the_same_is_no_change(desk: Desk, pump: Pump) -> None:
    told: list[int] = []
    desk.listen(lambda: told.append(1))
    desk.change(step=desk.state.step)
    pump(5)
    assert told == [] and PanelParameter(desk.scene).node is None


def test_each_work_folder_is_a_new_one_and_is_kept_in_the_scene(desk: Desk, application: HostApplication) -> None:
    assert PanelParameter(desk.scene).load().folder == ""
    first = desk.work_folder
    assert first.is_dir() and first.parent == application.documents_folder() / "PartialLabelSeg"
    assert desk.work_folder == first and desk.run is not None and desk.run.path == first / "run"
    second = desk.begin_new_folder()
    assert second != first and first.is_dir() and PanelParameter(desk.scene).load().folder == str(second)


def test_work_is_done_in_turn_and_what_goes_wrong_is_said(desk: Desk, pump: Pump, wait_until: Wait) -> None:
    done: list[Any] = []

    def work(value: int) -> Steps[int]:
        yield 0.5
        if value < 0:
            raise Failure("The third cannot be done.")
        return value

    desk.later(work(1), done.append, "first")
    desk.later(work(2), done.append, "second")
    desk.later(work(-1), done.append, "third")
    desk.later(work(4), done.append, "fourth")
    assert desk.busy == "first" and done == []
    wait_until(lambda: not desk.busy)
    assert done == [1, 2, 4]
    assert (desk.message.text, desk.message.severity) == ("The third cannot be done.", ERROR)


def test_only_one_worker_is_at_work_and_a_second_is_refused_with_a_sentence(
    desk: Desk, worker_says: Callable[[str], None], wait_until: Wait
) -> None:
    worker_says("say('note', message=sys.argv[1]); say('finished', message='Done.')")
    events: list[Event] = []
    ends: list[Outcome] = []
    assert desk.start_job(("check",), events.append, ends.append, "Reading")
    assert desk.job is not None and desk.jobs.words == "Reading"
    assert not desk.start_job(("check",), events.append, ends.append, "Reading")
    assert desk.message.severity == WARNING and "at work" in desk.message.text
    wait_until(lambda: ends, 30)
    assert [event.kind for event in events] == ["note", "finished"] and events[0].fields["message"] == "check"
    assert ends[0].done and desk.job is None and desk.jobs.words == ""
    assert (desk.work_folder / "panel.log").is_file()


def never_done() -> Steps[Any]:
    while True:
        yield 0.0


def test_another_scene_never_sees_what_this_one_had(
    desk: Desk, worker_says: Callable[[str], None], wait_until: Wait, pump: Pump
) -> None:
    worker_says("time.sleep(600)")
    hooks: list[str] = []
    desk.on_scene_closing(lambda: hooks.append(f"closing {desk.state.step}"))
    desk.on_scene_replaced(lambda: hooks.append(f"replaced {desk.state.step}"))
    ends: list[Outcome] = []
    desk.put(desk.state.with_scan(Scan("CT")))
    desk.change(step="learn")
    folder = desk.work_folder
    desk.start_job(("complete",), lambda event: None, ends.append, "Learning")
    desk.later(never_done(), ends.append, "a work that is never done")
    left = desk.job
    desk.scene.Clear(0)
    assert hooks == ["closing learn", "replaced scans"]
    assert desk.state.scans == () and desk.state.folder == "" and desk.job is None and desk.busy == ""
    assert "scene was closed" in desk.message.text
    wait_until(lambda: not left.running(), 30, "the end of the worker of the first scene")
    pump(20)
    assert ends == [] and folder.is_dir()
    assert desk.work_folder != folder


def test_a_removed_node_leaves_the_state_and_is_told(desk: Desk) -> None:
    node = desk.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    desk.put(desk.state.with_scan(Scan("CT", node.GetID())))
    removed: list[str] = []
    desk.on_node_removed(removed.append)
    key = node.GetID()
    desk.scene.RemoveNode(node)
    assert removed == [key] and desk.state.scans[0].volume == ""


def test_a_damaged_state_is_a_fresh_one_and_a_sentence(application: HostApplication) -> None:
    parameter = PanelParameter(application.scene)
    parameter.store(PanelState())
    parameter.node.SetParameter("state", "{nonsense")
    desk = Desk(application)
    assert desk.state.scans == () and desk.message.severity == WARNING and "starts anew" in desk.message.text
    desk.release()


def test_after_release_nothing_is_told_any_more(application: HostApplication, pump: Pump) -> None:
    desk = Desk(application)
    told: list[int] = []
    desk.listen(lambda: told.append(1))
    desk.change(step="learn")
    desk.release()
    application.scene.Clear(0)
    pump(10)
    assert told == []
