"""The step Learn at work, with workers that behave and workers that do not; without PyTorch; after a restart; in another scene."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from host.host_application import HostApplication
from panel.programs import SHORT, program
from panel.test_scans_logic import load_pair
from PartialLabelSegLib.panel import jobs
from PartialLabelSegLib.panel.child import end_group
from PartialLabelSegLib.panel.desk import ERROR, Desk
from PartialLabelSegLib.panel.learn_logic import LearnController
from PartialLabelSegLib.panel.scans_logic import ScansController
from PartialLabelSegLib.panel.torch_probe import TorchState
from PartialLabelSegLib.panel.view_models import ProgressView

Wait = Callable[..., None]
READY = TorchState("ready", "PyTorch 2.9, on the processor.", "2.9")
BEGINS = """
import pathlib
run = pathlib.Path(sys.argv[sys.argv.index('--out') + 1]); run.mkdir(exist_ok=True)
def tell(kind, **fields):
    say(kind, **fields)
    open(run / 'events.jsonl', 'a').write(json.dumps({"event": kind, "time": time.time(), **fields}) + "\\n")
open(run.parent / 'asked.jsonl', 'a').write(json.dumps(sys.argv[1:]) + "\\n")
again = (run / 'run.json').exists()
(run / 'run.json').write_text('{}')
def waits():
    tell('prediction', round=0, case='scan-001', step=1, steps=1)
    tell('waiting', message='The suggestions of round 1 wait.')
    sys.exit(4)
"""


class Step:
    """The desk with the steps Scans and Learn on it, and two scans that can be learned from."""

    def __init__(self, application: HostApplication, wait_until: Wait, torch: TorchState = READY) -> None:
        self.application = application
        self.desk = Desk(application)
        self.desk.jobs.patience = SHORT
        self.scans = ScansController(self.desk)
        self.learn = LearnController(self.desk, self.scans)
        self.learn.torch.state = torch
        self._wait = wait_until
        self.released = False

    def with_scans(self) -> Step:
        load_pair(self.desk.scene, "anna", "Liver", "Spleen")
        load_pair(self.desk.scene, "bert", "Spleen")
        self.scans.add_from_scene()
        self.until(lambda: not self.scans.view().busy)
        self.desk.change(step="learn")
        return self

    def until(self, condition: Callable[[], object], seconds: float = 60.0, what: str = "") -> None:
        self._wait(condition, seconds, what)

    def until_is(self, *states: str) -> None:
        self.until(
            lambda: self.learn.state in states, what=f"{states}, not {self.learn.state}: {self.desk.message.text}"
        )

    def progress(self) -> ProgressView:
        """Where the worker is; nothing where it is not at work."""
        return self.learn.view().progress or ProgressView()

    def asked(self) -> list[list[str]]:
        """The arguments of every worker that was started in the work folder."""
        path = self.desk.work_folder / "asked.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def release(self) -> None:
        if not self.released:
            self.released = True
            self.learn.release()
            self.scans.release()
            self.desk.release()


Make = Callable[..., Step]


@pytest.fixture
def make_step(application: HostApplication, wait_until: Wait) -> Iterator[Make]:
    """`make_step(torch)`: the steps on the scene; released at the end, where the test did not."""
    made: list[Step] = []

    def make(torch: TorchState = READY) -> Step:
        made.append(Step(application, wait_until, torch))
        return made[-1]

    yield make
    for step in reversed(made):
        step.release()


@pytest.fixture
def step(make_step: Make) -> Step:
    return make_step().with_scans()


@pytest.fixture
def worker_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """`worker_is(body)`: from now on the worker is this program; it has written a run when the body begins."""

    def put(body: str) -> None:
        path = program(tmp_path, "")
        Path(path[-1]).write_text(Path(path[-1]).read_text(encoding="utf-8") + BEGINS + body, encoding="utf-8")
        monkeypatch.setattr(jobs, "worker_command", lambda python, *arguments: [*path, *map(str, arguments)])

    return put


def test_the_worker_gets_what_was_chosen_and_its_suggestions_are_looked_at(
    step: Step, worker_is: Callable[[str], None]
) -> None:
    worker_is("waits()")
    for name, value in (
        ("preset", "standard"),
        ("minutes", 30.0),
        ("rounds", 1),
        ("dimensions", "2d"),
        ("confidence", "mcp"),
        ("lesions", True),
        ("method", "mlb"),
        ("doubtful", "leave-out"),
        ("bounds", ("size",)),
    ):
        step.learn.set_choice(name, value)
    assert step.learn.view().state == "idle" and step.learn.view().why_not == ""
    step.learn.learn()
    assert step.learn.state == "running"
    step.until_is("waiting")
    folder = step.desk.work_folder
    (asked,) = step.asked()
    assert asked[:2] == ["complete", str(folder / "scans")] and "--review" in asked
    given = dict(pairwise(asked))
    expected = {
        "--choices": str(folder / "choices.json"),
        "--out": str(folder / "run"),
        "--preset": "standard",
        "--rounds": "1",
    }
    expected |= {"--minutes": "30.0", "--dimensions": "2d", "--confidence": "mcp", "--device": "auto", "--seed": "0"}
    expected |= {"--instances": "list", "--method": "mlb", "--doubtful": "leave-out", "--bounds": "size"}
    assert {name: given[name] for name in expected} == expected
    assert (folder / "scans" / "cases.csv").is_file() and len(list((folder / "scans").glob("*.seg.nrrd"))) == 2
    assert step.desk.state.step == "look" and step.learn.has_suggestions
    view = step.learn.view()
    assert "wait for your decisions" in view.message and not view.can_resume and not view.busy


def test_cancel_answers_at_once_and_resume_goes_on(step: Step, worker_is: Callable[[str], None]) -> None:
    worker_is(
        """
if again: waits()
tell('round', round=0, rounds=1)
while not (run / 'cancel').exists(): time.sleep(0.02)
tell('cancelled', message='Cancelled.'); sys.exit(3)
"""
    )
    step.learn.learn()
    step.until(lambda: step.progress().rounds == 1)
    step.learn.cancel()
    assert step.learn.state == "stopping", "it does not wait for the worker"
    step.until_is("stopped")
    view = step.learn.view()
    assert view.can_resume and "Resume goes on" in view.message and step.desk.message.severity != ERROR
    step.learn.resume()
    assert step.learn.state == "running"
    step.until_is("waiting")
    assert step.asked()[1] == ["complete", "--out", str(step.desk.work_folder / "run"), "--no-progress"]


def test_a_worker_that_hangs_is_ended_after_the_grace(step: Step, worker_is: Callable[[str], None]) -> None:
    worker_is("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntell('planning')\ntime.sleep(600)")
    step.learn.learn()
    step.until(lambda: step.progress().stage == "planning")
    step.learn.cancel()
    step.until_is("stopped")
    assert step.learn.view().can_resume


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended from outside"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed, inside PyTorch"),
        ("print('{\"event\": '); print('\\x00\\xff rubbish'); print('[' * 5000)", "without saying that it was done"),
        (
            "tell('error', message='Memory ran out. Choose Quick.', way_out='Choose Quick.'); sys.exit(1)",
            "Memory ran out. Choose Quick.",
        ),
        ("sys.exit(7)", "exit status 7"),
    ],
)
def test_a_worker_that_fails_is_a_sentence_and_resume_is_offered(
    step: Step, worker_is: Callable[[str], None], body: str, said: str
) -> None:
    worker_is(f"if again: waits()\n{body}")
    step.learn.learn()
    step.until_is("failed")
    assert (
        step.desk.message.severity == ERROR
        and said in step.desk.message.text
        and "Traceback" not in step.desk.message.text
    )
    assert step.learn.view().can_resume and not step.learn.view().busy
    step.learn.torch.release()
    step.learn.torch.state = READY
    step.learn.resume()
    step.until_is("waiting")
    assert step.desk.message.text == ""


@pytest.mark.parametrize("state", ["missing", "broken", "old"])
def test_without_a_working_pytorch_nothing_is_started_and_the_panel_says_so(make_step: Make, state: str) -> None:
    step = make_step(TorchState(state, "why")).with_scans()
    assert step.learn.view().torch.state == state
    step.learn.learn()
    assert step.learn.state == "idle" and step.desk.job is None and step.desk.state.folder == ""


def test_installing_asks_first_and_says_what_is_missing(
    application: HostApplication, make_step: Make, tmp_path: Path
) -> None:
    step = make_step(TorchState("missing", python=(3, 12)))
    step.learn.install_torch("extension")
    assert "Extensions Manager" in step.desk.message.text and not step.learn.view().torch.installing
    application.answers.append(tmp_path)
    step.learn.install_torch("wheels")
    assert "holds no wheel of torch" in step.desk.message.text
    (tmp_path / "torch-2.9.0-cp312-cp312-linux_x86_64.whl").write_bytes(b"")
    application.answers.extend([tmp_path, False])
    step.learn.install_torch("wheels")
    assert "No scan leaves this computer" in application.asked[-1] and not step.learn.view().torch.installing
    application.answers.append(None)
    step.learn.install_torch("wheels")


def test_pytorch_is_looked_for_when_the_step_is_opened_and_not_before(
    make_step: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = make_step(TorchState())
    asked: list[int] = []
    monkeypatch.setattr(step.learn.torch, "ask", lambda: asked.append(1))
    step.learn.view()
    assert asked == []
    step.learn.opened()
    assert asked == [1]


def test_nothing_to_learn_from_is_said(make_step: Make) -> None:
    step = make_step()
    assert "There is no scan yet" in step.learn.view().why_not
    step.learn.learn()
    assert step.learn.state == "idle"


def test_a_work_folder_that_cannot_be_made_is_said(step: Step, worker_is: Callable[[str], None]) -> None:
    worker_is("waits()")
    (step.application.documents_folder() / "PartialLabelSeg").write_text("a file is in the way", encoding="utf-8")
    step.learn.learn()
    step.until_is("failed")
    assert "work folder cannot be made" in step.desk.message.text


def test_the_guess_is_there_before_and_says_so(step: Step) -> None:
    quick = step.learn.view().estimate
    step.learn.set_choice("preset", "standard")
    standard = step.learn.view().estimate
    step.learn.set_choice("minutes", 10.0)
    limited = step.learn.view().estimate
    assert quick is not None and standard is not None and limited is not None
    assert not quick.measured and 60 < quick.seconds < standard.seconds and limited.seconds == 600
    assert quick.device == "cpu" and quick.threads >= 1 and quick.gigabytes > 0


def test_learning_anew_asks_and_leaves_what_was_learned(step: Step, worker_is: Callable[[str], None]) -> None:
    worker_is("waits()")
    step.learn.learn()
    step.until_is("waiting")
    first = step.desk.work_folder
    step.application.answers.append(False)
    step.learn.learn()
    assert step.learn.state == "waiting" and step.desk.work_folder == first
    step.application.answers.append(True)
    step.learn.learn()
    step.until(lambda: step.desk.work_folder != first and step.learn.state == "waiting")
    assert (first / "run" / "run.json").is_file() and step.asked()[0][1] == str(step.desk.work_folder / "scans")


def test_after_a_restart_the_panel_is_where_it_was(make_step: Make, worker_is: Callable[[str], None]) -> None:
    worker_is(
        """
tell('estimate', seconds=90, gigabytes=1.5, device='cpu', threads=2, step_seconds=0.1)
tell('progress', stage='round 0: learning the structures', step=10, steps=20, loss=0.5, seconds_left=1)
tell('validation', stage='round 0: learning the structures', step=10, dice={'Liver': 0.8}, dice_mean=0.8)
waits()
"""
    )
    first = make_step().with_scans()
    first.learn.learn()
    first.until_is("waiting")
    first.release()
    second = make_step()
    second.until_is("waiting")
    view = second.learn.view()
    assert view.curves.loss and view.curves.dice[0].structure == "Liver" and second.learn.has_suggestions
    assert view.estimate is not None and view.estimate.measured and second.desk.state.step == "look"
    assert (second.desk.work_folder / "run" / "run.json").is_file()


def test_a_worker_that_died_with_slicer_can_be_resumed(make_step: Make, worker_is: Callable[[str], None]) -> None:
    worker_is("if again: waits()\ntell('round', round=0, rounds=1)\ntime.sleep(600)")
    first = make_step().with_scans()
    first.learn.learn()
    first.until(lambda: first.progress().rounds == 1)
    worker = first.desk.job
    child = worker._child.process_id
    first.release()
    end_group(child, by_force=True)
    second = make_step()
    second.until(lambda: second.learn.view().message)
    assert second.learn.state == "stopped" and second.learn.view().can_resume
    second.learn.resume()
    second.until_is("waiting")


def test_another_scene_begins_with_nothing_and_the_first_worker_is_stopped(
    step: Step, worker_is: Callable[[str], None]
) -> None:
    worker_is(
        "tell('planning')\nwhile not (run / 'cancel').exists(): time.sleep(0.02)\ntell('cancelled', message=''); sys.exit(3)"
    )
    step.learn.learn()
    step.until(lambda: step.progress().stage == "planning")
    worker = step.desk.job
    step.desk.scene.Clear(0)
    assert step.learn.state == "idle" and step.learn.view().curves.loss == () and step.desk.state.folder == ""
    step.until(lambda: not worker.running())
    assert step.learn.state == "idle" and step.learn.view().notes == ()


def test_closing_the_scene_while_scans_are_written_ends_that(step: Step, worker_is: Callable[[str], None]) -> None:
    worker_is("waits()")
    step.learn.learn()
    step.desk.scene.Clear(0)
    assert step.learn.state == "idle" and step.desk.busy == "" and step.desk.job is None
