"""`python3 Testing` sets the environment up and runs every check and test; `python3 Testing bench NAME` runs a benchmark.

`python3 Testing panel` opens the panel in a desktop window with four views, without Slicer; `--help` says how.
`--fast` leaves out the tests marked slow and tries fewer examples of each property. Other arguments go to pytest: `python3 Testing -k ranking`, `python3 Testing Testing/run`.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TESTING_FOLDER = Path(__file__).resolve().parent
PROJECT_FOLDER = TESTING_FOLDER.parent
BENCHMARKS = TESTING_FOLDER / "benchmarks"
# The loader names a library; a person on Debian needs the package.
DEBIAN_PACKAGES = {
    "libEGL": "libegl1",
    "libGL": "libgl1",
    "libGLX": "libglx0",
    "libOpenGL": "libopengl0",
    "libX11": "libx11-6",
    "libdbus-1": "libdbus-1-3",
    "libfontconfig": "libfontconfig1",
    "libglib-2.0": "libglib2.0-0",
    "libgomp": "libgomp1",
    "libgthread-2.0": "libglib2.0-0",
    "libstdc++": "libstdc++6",
    "libxkbcommon": "libxkbcommon0",
    "libz": "zlib1g",
}


# Everything that the panel's tests load, and one pixel drawn with it.
DRAW = """
from host import environment
environment.draw_without_display()
import slicer, vtk
from PySide6 import QtWidgets
application = QtWidgets.QApplication([])
window = vtk.vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(1, 1)
window.AddRenderer(vtk.vtkRenderer())
window.Render()
drawn = window.SupportsOpenGL()
window.Finalize()
raise SystemExit(0 if drawn else 3)
"""


def main(arguments: list[str]) -> int:
    """The exit status: 0 only when every check and test passed."""
    sys.path[:0] = [str(PROJECT_FOLDER / "PartialLabelSeg"), str(TESTING_FOLDER)]
    setup = importlib.import_module("PartialLabelSegLib.setup_environment")
    setup.write_any_letter()
    setup.be_a_good_neighbour()
    try:
        setup.require_python()
        worker = setup.worker_environment()
        testing = dataclasses.replace(
            worker,
            name="testing",
            requirements=(*worker.requirements, TESTING_FOLDER / "requirements.txt"),
            note=f"{worker.note}; and about 1.2 GB for the tests",
        )
        setup.set_up(worker)
        setup.set_up(testing)
    except setup.SetupError as error:
        setup.say(str(error))
        return 2
    if not testing.is_running():
        setup.restart_in(testing)
    if arguments[:1] == ["bench"]:
        return benchmark(arguments[1:])
    if arguments[:1] == ["panel"]:
        return panel(arguments[1:])
    return checks_and_tests(arguments)


def checks_and_tests(arguments: list[str]) -> int:
    """Formatting, lint, types, then pytest, each of them also when one before it failed; the summary comes last."""
    complaint = missing_system_libraries()
    if complaint:
        print(complaint)
        return 2
    python = sys.executable
    if "--fast" in arguments:
        os.environ["PARTIALLABELSEG_FAST"] = "1"
    commands = {
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "lint": [python, "-m", "ruff", "check", "."],
        "types": [python, "-m", "mypy", "--config-file", ".mypy.ini"],
        "tests": [python, "-m", "pytest", "-c", str(TESTING_FOLDER / "pytest.ini"), *pytest_arguments(arguments)],
    }
    summary = []
    failed = False
    for name, command in commands.items():
        print(f"== {name}", flush=True)
        began = time.monotonic()
        # Paths given by hand are relative to where the person stands; the others' settings lie in the project's folder.
        status = subprocess.call(command, cwd=None if name == "tests" else PROJECT_FOLDER)
        summary.append(f"{name} {'FAILED' if status else 'ok'} in {time.monotonic() - began:.0f} s")
        failed = failed or status != 0
    print(f"== {' · '.join(summary)}", flush=True)
    return 1 if failed else 0


def pytest_arguments(arguments: list[str]) -> list[str]:
    """`--fast` in pytest's words, the rest as it is; all tests, on all cores, where no path is named."""
    given = [argument for argument in arguments if argument != "--fast"]
    fast = ["-m", "not slow"] if "--fast" in arguments else []
    if any(not text.startswith("-") and Path(text.split("::")[0]).exists() for text in given):
        return [*fast, *given]
    # A file's tests stay together, so that what they share is made once.
    cores = [] if "-n" in given else ["-n", str(min(os.cpu_count() or 1, 8)), "--dist", "loadfile"]
    return [*cores, *fast, *given, str(TESTING_FOLDER)]


def missing_system_libraries() -> str:
    """What the system lacks for Slicer's data classes, Qt and VTK, as a sentence with the package's name; empty when they work."""
    tried = subprocess.run(
        [sys.executable, "-c", DRAW], capture_output=True, text=True, encoding="utf-8", check=False, cwd=TESTING_FOLDER
    )
    library = re.search(r"(lib[\w.+-]+?)\.so[.\d]*: cannot open shared object file", tried.stderr)
    if library:
        package = DEBIAN_PACKAGES.get(library[1], f"the package that has {library[1]}.so")
        return f"The system library {library[1]} is missing. On Debian and Ubuntu: apt-get install {package}"
    if tried.returncode:
        return (
            f"Nothing can be drawn: a window of one pixel ended with status {tried.returncode}. "
            "Mostly the software renderer is missing. On Debian and Ubuntu: apt-get install libgl1-mesa-dri"
        )
    return ""


def panel(arguments: list[str]) -> int:
    """Opens the panel in a window of its own."""
    complaint = missing_system_libraries()
    if complaint:
        print(complaint)
        return 2
    return int(importlib.import_module("host.desktop").main(arguments))


def benchmark(arguments: list[str]) -> int:
    """Runs `main(arguments)` of Testing/benchmarks/NAME.py."""
    names = sorted(
        path.stem
        for path in BENCHMARKS.glob("*.py")
        if re.search(r"^def main\(", path.read_text(encoding="utf-8"), re.M)
    )
    if not arguments or arguments[0] not in names:
        asked = f"There is no benchmark named {arguments[0]}. " if arguments else ""
        print(f"{asked}Benchmarks: {', '.join(names) or 'none'}. Usage: python3 Testing bench NAME [arguments]")
        return 2
    status = importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:])
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    # Output goes in order into one file when it is not shown on a terminal.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(sys.argv[1:]))
