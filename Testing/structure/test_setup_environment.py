"""The set-up on a fresh machine: with the real venv and pip, on tiny wheels made here, and without a network."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from PartialLabelSegLib import setup_environment
from PartialLabelSegLib.setup_environment import Environment, SetupError, set_up

PACKAGE = setup_environment.PACKAGE_FOLDER


def write_wheel(folder: Path, version: str) -> None:
    """A wheel of the package `tinything` with one file that says its version."""
    info = f"tinything-{version}.dist-info"
    files = {
        "tinything.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinything\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text)}\n"
    with zipfile.ZipFile(folder / f"tinything-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(name, text)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment, not made yet, that asks for `tinything`, of which versions 1.0 and 2.0 exist."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "1.0")
    write_wheel(wheels, "2.0")
    (tmp_path / "requirements.txt").write_text("tinything>=1\n", encoding="utf-8")
    (tmp_path / "tested-versions.txt").write_text("tinything==1.0\n", encoding="utf-8")
    monkeypatch.setenv("PARTIALLABELSEG_WHEELS", str(wheels))
    return Environment(
        "tiny", tmp_path / ".venv", (tmp_path / "requirements.txt",), tmp_path / "tested-versions.txt", "tiny"
    )


def installed_version(environment: Environment) -> str:
    asked = subprocess.run(
        [environment.python, "-c", "import tinything; print(tinything.VERSION)"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return asked.stdout.strip()


@pytest.mark.slow
def test_the_tested_version_is_installed_once_and_again_only_after_a_change(
    environment: Environment, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not environment.is_ready()
    set_up(environment)
    assert environment.is_ready()
    assert installed_version(environment) == "1.0"
    shown = capfd.readouterr()
    assert shown.out == ""
    assert f"into {environment.folder}" in shown.err

    set_up(environment)
    assert capfd.readouterr().err == ""

    environment.constraints.write_text("tinything==2.0\n", encoding="utf-8")
    assert not environment.is_ready()
    set_up(environment)
    assert installed_version(environment) == "2.0"


@pytest.mark.slow
def test_another_version_is_taken_and_said_where_the_tested_one_does_not_exist(
    environment: Environment, capfd: pytest.CaptureFixture[str]
) -> None:
    environment.constraints.write_text("tinything==1.5\n", encoding="utf-8")
    set_up(environment)
    assert installed_version(environment) == "2.0"
    assert "other versions are taken instead" in capfd.readouterr().err


@pytest.mark.slow
def test_a_set_up_that_was_cut_short_is_made_anew(environment: Environment) -> None:
    set_up(environment)
    environment.unfinished.touch()
    left_over = environment.folder / "half-a-package"
    left_over.touch()
    assert not environment.is_ready()
    set_up(environment)
    assert environment.is_ready()
    assert not left_over.exists()
    assert installed_version(environment) == "1.0"


@pytest.mark.slow
def test_a_package_that_cannot_be_had_is_a_sentence_with_a_way_out_and_nothing_counts_as_ready(
    environment: Environment,
) -> None:
    environment.requirements[0].write_text("tinything>=3\n", encoding="utf-8")
    with pytest.raises(SetupError, match="could not be installed") as caught:
        set_up(environment)
    assert "tinything>=3" in caught.value.message
    assert "PARTIALLABELSEG_WHEELS" in caught.value.way_out
    assert not environment.is_ready()
    environment.requirements[0].write_text("tinything>=1\n", encoding="utf-8")
    set_up(environment)
    assert installed_version(environment) == "1.0"


def test_wheels_in_a_place_that_is_no_folder_are_named(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTIALLABELSEG_WHEELS", "no-such-folder")
    with pytest.raises(SetupError, match="no-such-folder, which is not a folder"):
        setup_environment.pip_install(environment, [])


def test_a_refusal_with_other_versions_at_hand_differs_from_one_with_none() -> None:
    none = "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)"
    some = none.replace("none", "2.12.0, 2.14.0")
    last = "ERROR: No matching distribution found for torch==2.13.0"
    assert setup_environment.other_versions_may_do([some, last])
    assert not setup_environment.other_versions_may_do([none, last])
    assert not setup_environment.other_versions_may_do(["ERROR: [Errno 28] No space left on device"])


def start_bare(arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Starts a program with a Python that sees no installed package at all (-S), and not as Slicer's unless asked."""
    base = getattr(sys, "_base_executable", sys.executable)
    inherited = {name: value for name, value in os.environ.items() if name != "SLICER_HOME"}
    return subprocess.run(
        [base, "-S", *arguments],
        cwd=PACKAGE.parent,
        env={**inherited, **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_letters_that_the_system_does_not_know_are_printed_all_the_same() -> None:
    program = "import PartialLabelSegLib.setup_environment as here; here.write_any_letter(); name = chr(0x141) + 'y'; print(name); here.say(name)"
    done = start_bare(["-c", program], LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stdout == "Ły\n"
    assert done.stderr == "PartialLabelSeg: Ły\n"


@pytest.mark.parametrize("arguments", [["PartialLabelSegLib", "demo"], ["-m", "PartialLabelSegLib", "demo"]])
def test_inside_slicer_a_missing_torch_is_one_event_and_no_environment_is_made(arguments: list[str]) -> None:
    done = start_bare(arguments, SLICER_HOME="somewhere")
    assert done.returncode == 2
    (line,) = done.stdout.splitlines()
    event = json.loads(line)
    assert event["event"] == "error"
    assert "torch" in event["message"]
    assert "PyTorch extension" in event["way_out"]
    assert "Traceback" not in done.stderr


def test_after_two_restarts_without_success_it_stops_and_says_which_folder_to_remove() -> None:
    done = start_bare(["PartialLabelSegLib", "demo"], PARTIALLABELSEG_RESTARTED="2")
    assert done.returncode == 2
    assert "torch cannot be found in" in json.loads(done.stdout)["message"]
    assert "Remove that folder" in done.stderr


def test_the_waiting_policy_is_set_before_torch_and_a_users_own_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "7")
    setup_environment.be_a_good_neighbour()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["KMP_BLOCKTIME"] == "7"


def test_a_folder_run_as_a_program_does_not_hide_other_modules() -> None:
    script = (
        "import runpy, sys\n"
        "sys.path.insert(0, 'PartialLabelSegLib')\n"
        "names = runpy.run_path('PartialLabelSegLib/__main__.py', run_name='looked_at')\n"
        "names['put_parent_on_path']()\n"
        "import importlib.util\n"
        "assert importlib.util.find_spec('metrics') is None, sys.path\n"
        "assert importlib.util.find_spec('PartialLabelSegLib')\n"
    )
    done = start_bare(["-c", script])
    assert done.returncode == 0, done.stderr
