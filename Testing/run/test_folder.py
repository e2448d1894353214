"""The run folder: what may be begun in it, and that one process at a time is at work in it."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.folder import Holder, RunFolder, this_computer

LIBRARY = Path(__file__).resolve().parents[2] / "PartialLabelSeg"
AT_WORK = """
import sys
from pathlib import Path
from PartialLabelSegLib.run.folder import Holder, RunFolder, this_computer
with RunFolder(Path(sys.argv[1])).at_work():
    print("at work", flush=True)
    sys.stdin.read()
"""


def worker(folder: Path) -> subprocess.Popen[str]:
    """Another process that is at work in the folder until its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", AT_WORK, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


def test_a_second_living_process_is_refused_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    other = worker(run.path)
    try:
        with pytest.raises(Failure, match="Another process is at work in run.*'cancel'"), run.at_work():
            pytest.fail("two at once")
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    with run.at_work():
        assert run.path.is_dir()


def test_the_folder_is_free_again_after_the_work_and_after_an_error_in_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with pytest.raises(ZeroDivisionError), run.at_work():
        raise ZeroDivisionError
    with run.at_work():
        pass
    other = worker(run.path)
    other.communicate()
    assert other.returncode == 0


def test_a_head_comes_back_and_says_its_program_and_format(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_head({"cases": []})
    assert run.read_head() == {"program": "PartialLabelSeg", "format": 1, "cases": []}


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"program": "another"}, "not a run of this program"),
        ([], "not a run of this program"),
        (3, "not a run of this program"),
        ({"program": "PartialLabelSeg", "format": 2}, "format 2; this version reads 1"),
        ({"program": "PartialLabelSeg"}, "format None"),
    ],
)
def test_a_foreign_head_is_refused(tmp_path: Path, head: object, words: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps(head), encoding="utf-8")
    with pytest.raises(Failure, match=words):
        RunFolder(tmp_path).read_head()


def test_a_new_run_is_begun_in_a_free_folder_only(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.check_free()
    for name in ("cases", "rounds", ".hidden"):
        (run.path / name).mkdir(parents=True)
    (run.path / "events.jsonl").touch()
    run.check_free()
    (run.path / "thesis.docx").touch()
    with pytest.raises(Failure, match=r"run holds other files, such as thesis\.docx\. Choose a new or empty folder"):
        run.check_free()


def test_every_path_of_a_run_lies_below_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    part = run.round(3)
    paths = [run.head, run.plan, run.events, run.cancel, run.details, run.case("a"), run.prepared("a"), run.completed]
    paths += [run.report_json, run.report_html, part.segmentation, part.confidence, part.training, part.review]
    paths += [part.confidence_training, part.relabelling, part.prediction("a"), part.labels("a")]
    assert len(set(paths)) == len(paths)
    assert all(path.is_relative_to(run.path) for path in paths)
    assert all(path.is_relative_to(run.path / "rounds" / "3") for path in paths[-8:])


def test_whoever_wants_the_worker_to_stop_makes_a_file(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert not run.cancelled()
    run.cancel.touch()
    assert run.cancelled()


def test_who_is_at_work_is_known_to_others_and_forgotten_when_it_ends(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert run.holder() is None
    other = worker(run.path)
    try:
        found = run.holder()
        assert found is not None and found.process == other.pid and found.is_here
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    assert run.holder() is None
    with run.at_work():
        assert run.holder() == Holder(os.getpid(), this_computer())
    assert run.holder() is None
    assert platform.node() not in (run.path / ".lock").read_text(encoding="utf-8")


def test_a_holder_that_left_no_name_or_works_on_another_computer_is_not_here(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with run.at_work():
        (run.path / ".lock").write_bytes(b"[")
        assert run.holder() == Holder() and not Holder().is_here
        (run.path / ".lock").write_bytes(b'{"process": 1, "computer": "elsewhere"}')
        assert run.holder() == Holder(1, "elsewhere") and not Holder(1, "elsewhere").is_here
