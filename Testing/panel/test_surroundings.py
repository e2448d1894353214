"""The worker's command and environment: nothing of Slicer's own Python is left in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from PartialLabelSegLib.panel.surroundings import without_folder, worker_command, worker_environment

SLICERS = {
    "SLICER_HOME": "/apps/Slicer",
    "PYTHONHOME": "/apps/Slicer/lib/Python",
    "PYTHONPATH": "/apps/Slicer/bin/Python",
    "LD_LIBRARY_PATH": os.pathsep.join(("/apps/Slicer/lib/Slicer-5.10", "/usr/lib/nvidia", "/apps/Slicer2/lib")),
    "PATH": os.pathsep.join(("/apps/Slicer/bin", "/usr/bin")),
    "QT_PLUGIN_PATH": "/apps/Slicer/lib/QtPlugins",
    "HTTPS_PROXY": "http://proxy:3128",
    "OMP_NUM_THREADS": "3",
}


def test_what_belongs_to_slicer_is_taken_out_and_the_users_own_stays() -> None:
    found = worker_environment(SLICERS)
    assert found == {
        "LD_LIBRARY_PATH": os.pathsep.join(("/usr/lib/nvidia", "/apps/Slicer2/lib")),
        "PATH": "/usr/bin",
        "QT_PLUGIN_PATH": "",
        "HTTPS_PROXY": "http://proxy:3128",
        "OMP_NUM_THREADS": "3",
        "PYTHONIOENCODING": "utf-8",
    }
    assert SLICERS["PYTHONHOME"], "what was given is not changed"


def test_without_slicer_nothing_of_a_path_is_lost() -> None:
    assert worker_environment({"PATH": SLICERS["PATH"]})["PATH"] == SLICERS["PATH"]


def test_a_folder_is_told_from_one_whose_name_only_begins_alike() -> None:
    folders = os.pathsep.join(("/a/b", "/a/b/c", "/a/bc", "", "/x/a/b"))
    assert without_folder(folders, "/a/b") == os.pathsep.join(("/a/bc", "", "/x/a/b"))


def test_another_python_starts_in_it_although_slicers_would_break_it() -> None:
    broken = {**os.environ, **SLICERS, "PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ""}
    script = [sys.executable, "-c", r"import sys; sys.stdout.write('\u00b5 \u4e2d')"]
    assert subprocess.run(script, env=broken, capture_output=True, check=False).returncode != 0
    mended = {**worker_environment(broken), "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(script, env=mended, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode("utf-8")) == (0, "µ 中")


def test_the_command_runs_the_worker_which_sets_its_waiting_policy_itself() -> None:
    command = worker_command(sys.executable, "check", "no-such-place")
    done = subprocess.run(
        command, env=worker_environment(os.environ), capture_output=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 1
    assert "no-such-place" in json.loads(done.stdout.splitlines()[-1])["message"]
