"""A run that is killed, at any moment and again and again, or cancelled, ends with the same labels as one that was left alone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from flow.conftest import events_of, final_labels, same, started, tiny

KILLS = 14


def arguments_for(cohort: Path, out: Path) -> list[str]:
    return tiny(cohort, out, "--checkpoint-seconds", "0.05")


@pytest.fixture(scope="module")
def undisturbed(ball_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, float, Path]:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    began = time.monotonic()
    process = started(*arguments_for(ball_cohort, out))
    output, errors = process.communicate()
    assert process.returncode == 0, output[-1500:] + errors[-1500:]
    return final_labels(out), time.monotonic() - began, out


@pytest.mark.slow
def test_a_run_killed_at_many_random_moments_ends_with_the_same_labels(
    ball_cohort: Path, undisturbed: tuple[dict, float, Path], tmp_path: Path
) -> None:
    expected, seconds, _ = undisturbed
    moments = random.Random(7)
    out, kills = tmp_path / "run", 0
    arguments = arguments_for(ball_cohort, out)
    while kills < KILLS:
        process = started(*arguments)
        try:
            output, errors = process.communicate(timeout=moments.uniform(0.25, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, output[-1500:] + errors[-1500:]
        # Finished before its moment came: the rest of the kills fall on what is done again from a random step on.
        shutil.rmtree(out / "rounds" / str(moments.randrange(3)), ignore_errors=True)
        shutil.rmtree(out / "completed")
    process = started(*arguments)
    output, errors = process.communicate()
    assert process.returncode == 0, output[-1500:] + errors[-1500:]
    assert same(final_labels(out), expected) == []


@pytest.mark.parametrize("moment", ["round 0: learning the structures", "round 1: learning the confidence"])
def test_a_cancelled_run_says_so_and_goes_on_to_the_same_labels(
    ball_cohort: Path, undisturbed: tuple[dict, float, Path], tmp_path: Path, moment: str
) -> None:
    out = tmp_path / "run"
    process = started(*arguments_for(ball_cohort, out))
    assert process.stdout is not None
    for line in process.stdout:
        if events_of(line)[0].get("stage") == moment:
            (out / "cancel").touch()
            break
    rest, errors = process.communicate()
    assert process.returncode == 3, rest[-1500:] + errors[-1500:]
    assert events_of(rest)[-1]["event"] == "cancelled"
    assert not (out / "cancel").exists()
    again = started(*arguments_for(ball_cohort, out))
    rest, errors = again.communicate()
    assert again.returncode == 0, rest[-1500:] + errors[-1500:]
    assert same(final_labels(out), undisturbed[0]) == []


def test_two_workers_in_one_folder_the_second_is_refused(ball_cohort: Path, tmp_path: Path) -> None:
    first = started(*arguments_for(ball_cohort, tmp_path / "run"))
    assert first.stdout is not None
    first.stdout.readline()
    second = started(*arguments_for(ball_cohort, tmp_path / "run"))
    output, _ = second.communicate()
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert second.returncode == 1
    assert "Another process is at work" in events_of(output)[-1]["message"]
