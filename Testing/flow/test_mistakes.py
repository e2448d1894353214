"""What a person does wrong, what the machine cannot do, and what we did wrong: each ends with one sentence and never with a traceback."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from flow.conftest import Said, Stages, events_of, final_labels, here, quick, same, staged, started, tiny


def assert_told(done: Said, *words: str) -> None:
    assert done.status == 1
    assert done.events[-1]["event"] == "error"
    assert all(word in done.message for word in words), done.message
    assert "Traceback" not in done.out + done.errors and "\n" not in done.message


def write_nonsense(folder: Path) -> None:
    (folder / "text").mkdir()
    (folder / "text" / "notes.txt").write_text("no data set", encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "bad").mkdir()
    (folder / "bad" / "cases.csv").write_bytes(b"\xff\xfe\x00case")
    (folder / "bad.csv").write_text("a,b,c\n1,2,3\n", encoding="utf-8")
    (folder / "json").mkdir()
    (folder / "json" / "dataset.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize("command", ["check", "complete"])
@pytest.mark.parametrize("cases", ["nowhere", "text", "empty", "bad", "bad.csv", "json", "text/notes.txt"])
def test_a_data_set_that_cannot_be_read_is_a_sentence(tmp_path: Path, command: str, cases: str) -> None:
    write_nonsense(tmp_path)
    out: list[str | Path] = ["--out", tmp_path / "run"] if command == "complete" else []
    assert_told(here(command, tmp_path / cases, *out))
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_run_is_not_begun_where_something_else_lies(ball_cohort: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(ball_cohort, tmp_path / "data"))
    before = sorted(path.name for path in data.iterdir())
    for arguments in (tiny(data, data), ["apply", data, data / "scan0.nrrd", "--out", data]):
        assert_told(here(*arguments), "data holds other files, such as cases.csv. Choose a new or empty folder")
    assert sorted(path.name for path in data.iterdir()) == before
    (tmp_path / "file").write_text("hello", encoding="utf-8")
    assert_told(here(*tiny(data, tmp_path / "file" / "run")), "A file stands where a folder is needed")
    assert_told(here(*tiny(data, tmp_path / "file")), "file")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "hello"


def test_nothing_is_left_behind_where_there_was_nothing_to_do(ball_cohort: Path, tmp_path: Path) -> None:
    assert_told(here("complete", "--out", tmp_path / "run"), "run is not a run. Name the data set")
    assert_told(here("complete", tmp_path / "nowhere", "--out", tmp_path / "run"), "There is no 'nowhere'")
    truth = ["--truth", str(tmp_path / "truth")]
    assert_told(here(*tiny(ball_cohort, tmp_path / "run", *truth)), "There is no folder truth with complete labels")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "It is not permitted to read or write 'run'"),
        (errno.EROFS, "It is not permitted to read or write 'run'"),
        (errno.EIO, "The system refused to read or write 'run'"),
    ],
)
def test_a_folder_that_may_not_be_made_is_a_sentence(
    ball_cohort: Path, tmp_path: Path, number: int, words: str
) -> None:
    refused = OSError(number, os.strerror(number), str(tmp_path / "run"))
    with mock.patch.object(Path, "mkdir", side_effect=refused):
        assert_told(here(*tiny(ball_cohort, tmp_path / "run")), words)


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes: writing fails in the middle, as on a full disk, also within ITK and torch."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="only posix systems limit the size of files")
def test_on_a_full_disk_the_run_stops_with_a_sentence_and_goes_on_when_there_is_room(
    stages: Stages, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    for size in (0, 300, 9_000, 20_000, 40_000):
        with room_for(size):
            done = here(*quick(stages.cohort, run))
        assert_told(done, "disk is full")
        assert not (run / "error.txt").exists()
        assert not [path for path in run.rglob(".*") if path.name != ".lock"], "half files are left"
    assert stages.go_on(run).status == 0
    assert same(final_labels(run), stages.labels) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_when_a_file_is_made_safe_is_told_and_changes_no_label(
    stages: Stages, tmp_path: Path, number: int
) -> None:
    run = staged(stages, "decided", tmp_path / "run")
    with mock.patch("PartialLabelSegLib.run.files.os.fsync", side_effect=OSError(number, os.strerror(number))):
        done = here("relabel", run)
    assert_told(done, "a file")
    assert not (run / "rounds" / "0" / "relabelling.json").exists()
    assert here("relabel", run).status == 0


def test_memory_that_ran_out_is_told(stages: Stages, tmp_path: Path) -> None:
    run = staged(stages, "decided", tmp_path / "run")
    with mock.patch("PartialLabelSegLib.rounds.apply", side_effect=MemoryError):
        assert_told(here("relabel", run), "Memory ran out. Close other programs.")


PATIENT = "Doe^Jane"


def test_our_own_mistake_is_a_sentence_and_its_details_lie_in_the_run_without_a_patients_name(
    stages: Stages, tmp_path: Path
) -> None:
    run = staged(stages, "decided", tmp_path / PATIENT)
    with mock.patch("PartialLabelSegLib.rounds.gamma_of", side_effect=IndexError(f"/data/{PATIENT}/scan.nrrd")):
        done = here("relabel", run)
    assert_told(done, "The program made a mistake (IndexError in rounds.py, line", "error.txt")
    details = (run / "error.txt").read_text(encoding="utf-8")
    assert "rounds.py, line" in details and "relabel_round.py, line" in details
    assert "Doe" not in details and str(tmp_path) not in details
    assert here("relabel", run).status == 0
    assert not (run / "error.txt").exists()


def test_our_own_mistake_outside_of_a_run_is_a_sentence_too(stages: Stages, tmp_path: Path) -> None:
    with mock.patch("PartialLabelSegLib.data.check.check_cohort", side_effect=IndexError(PATIENT)):
        done = here("check", stages.cohort)
    assert_told(done, "The program made a mistake (IndexError in commands.py, line")
    assert "Doe" not in done.out + done.errors
    run = staged(stages, "finished", tmp_path / "run")
    with mock.patch("PartialLabelSegLib.finish.collect", side_effect=ZeroDivisionError):
        assert_told(here("report", run), "ZeroDivisionError in finish.py", "Details are in run/error.txt")


def until(process: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """The first event of a kind that a process tells."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == kind:
            return dict(event)
    raise AssertionError(f"no event {kind}")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of posix systems")
def test_ctrl_c_ends_with_a_word_and_the_same_command_goes_on(stages: Stages, tmp_path: Path) -> None:
    arguments = quick(stages.cohort, tmp_path / "run", 3, "--checkpoint-seconds", "0")
    process = started(*arguments)
    until(process, "checkpoint")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    last = events_of(out)[-1]
    assert last["event"] == "cancelled" and "the same command goes on" in last["message"]
    assert stages.go_on(tmp_path / "run").status == 0
    assert same(final_labels(tmp_path / "run"), stages.labels) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="pipes of posix systems")
def test_a_reader_that_goes_away_ends_the_command_quietly(stages: Stages, tmp_path: Path) -> None:
    process = started(*quick(stages.cohort, tmp_path / "run"))
    until(process, "imported")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1 and errors == ""
    assert stages.go_on(tmp_path / "run").status == 0


def test_words_that_are_no_command_are_answered_by_the_usage() -> None:
    for words in ([], ["compleat"], ["complete"], ["export", "run", "--format", "stl", "--out", "x"]):
        done = here(*words)
        assert done.status == 2 and "usage:" in done.errors and "Traceback" not in done.errors
    assert sys.version_info >= (3, 10)


def test_a_person_at_a_terminal_reads_the_sentence_once(tmp_path: Path) -> None:
    done = here("complete", "--out", tmp_path / "run", "--progress")
    assert done.errors.count("is not a run") == 1
