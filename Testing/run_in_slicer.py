"""Tries the module inside Slicer itself: Slicer --python-script Testing/run_in_slicer.py [--no-learning]

In a clone as well as with the installed extension. What is tried is printed line by line, and Slicer ends with status 0 where all of it
worked, otherwise with 1. With PyTorch in Slicer a tiny network is trained on made-up scans; without it, this is said to be left out.

The tests in Testing/panel bring a scene and a Qt of their own and cannot run here: what they click is clicked here on Slicer's. Tests that
need neither (LIBRARY_TESTS) run with Slicer's Python, numpy and SimpleITK where it has the packages that tests need.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTING = Path(__file__).resolve().parent
MODULE = "PartialLabelSeg"
MODULE_FILE = TESTING.parent / MODULE / f"{MODULE}.py"
sys.path.insert(0, str(TESTING))

import qt  # noqa: E402  Slicer's
import slicer  # noqa: E402

from host.session import VOLUMES, Session  # noqa: E402
from host.tries import LeftOut, Tries  # noqa: E402

LIBRARY_TESTS = ("data", "metrics", "relabel", "run")
NEEDS_A_SCENE = "data/test_seg_nrrd_in_slicer.py"
TEST_PACKAGES = ("pytest", "hypothesis", "sklearn", "nibabel")


def load_module() -> None:
    """From this clone, where the extension is not installed."""
    if not hasattr(slicer.modules, MODULE.lower()):
        sys.path.insert(0, str(MODULE_FILE.parent))
        factory = slicer.app.moduleManager().factoryManager()
        factory.registerModule(qt.QFileInfo(str(MODULE_FILE)))
        factory.loadModules([MODULE])
    assert hasattr(slicer.modules, MODULE.lower()), "Slicer did not take the module"


def open_panel() -> None:
    had_torch = "torch" in sys.modules
    slicer.util.selectModule(MODULE)
    assert the_panel() is not None, "the module is open, but its panel is not there"
    assert had_torch or "torch" not in sys.modules, "the panel loaded torch into Slicer"


def the_panel() -> Any:
    return getattr(slicer.modules, f"{MODULE}Widget").panel


def session() -> Session:
    """With the panel that is there now: after a reload it is another one."""
    return Session(the_panel(), slicer.app.processEvents)


def load_samples() -> None:
    """Both are offered once, also where they were registered twice; the made-up ones come on a click."""
    samples = importlib.import_module("PartialLabelSegLib.panel.sample_data")
    samples.register_sample_data(slicer.mrmlScene)
    offered = slicer.modules.sampleDataSources[samples.CATEGORY]
    assert [source.sampleName for source in offered] == list(samples.SAMPLES), [source.sampleName for source in offered]
    slicer.mrmlScene.Clear(0)
    offered[0].customDownloader(offered[0])
    made = importlib.import_module("PartialLabelSegLib.panel.sample_scans")
    wanted = made.SCANS + made.UNDRAWN
    session().until(lambda: slicer.mrmlScene.GetNumberOfNodesByClass(VOLUMES) == wanted, "the made-up scans")


def save_and_open(path: Path) -> None:
    """What the panel knew is there again, with the nodes of the scene that was opened."""
    now = session()
    names = [scan.name for scan in now.desk.state.scans]
    ticks = rated()
    assert slicer.util.saveScene(str(path)), "Slicer could not save the scene"
    slicer.mrmlScene.Clear(0)
    now.until(lambda: not now.desk.state.scans, "the list to be empty")
    slicer.util.loadScene(str(path))
    now.until(lambda: [scan.name for scan in now.desk.state.scans] == names, "the list of the saved scene")
    assert rated() == ticks, "the raters' ticks of the saved scene are not there again"
    assert all(slicer.mrmlScene.GetNodeByID(scan.volume) for scan in now.desk.state.scans), "a scan lost its volume"


def rated() -> list[Any]:
    """Who ticked what, by scan."""
    kept = importlib.import_module("PartialLabelSegLib.panel.raters.kept")
    study = kept.in_scene(slicer.mrmlScene)
    assert study is not None, "the scene holds no ticks"
    return [(rating.name, rater.name, rater.ticks) for rating in study.ratings for rater in rating.raters]


def reload_module() -> None:
    """As a developer's Reload button does; the list is still there."""
    scans = len(the_panel().logic.desk.state.scans)
    getattr(slicer.modules, f"{MODULE}Widget").onReload()
    assert len(the_panel().logic.desk.state.scans) == scans


def own_test() -> None:
    """The test that the module brings along, which really trains a network where PyTorch is there."""
    getattr(importlib.import_module(MODULE), f"{MODULE}Test")().runTest()
    torch = the_panel().logic.learn.torch.state
    if not torch.ready:
        raise LeftOut(f"learning; PyTorch in this Slicer is {torch.state}")


def decide() -> None:
    if not the_panel().logic.learn.has_suggestions:
        raise LeftOut("nothing was learned")
    session().decide_and_undo()


def library_tests() -> None:
    """In a process of its own, with Slicer's Python."""
    missing = [name for name in TEST_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise LeftOut(f"Slicer's Python has no {', '.join(missing)}")
    folders = [str(TESTING / name) for name in LIBRARY_TESTS]
    options = ["-q", "-p", "no:cacheprovider", "-m", "not slow", f"--ignore={TESTING / NEEDS_A_SCENE}"]
    command = [the_panel().application.python_executable(), "-m", "pytest", "-c", str(TESTING / "pytest.ini")]
    done = subprocess.run(
        [*command, *options, *folders], capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def main(arguments: list[str]) -> int:
    """The exit status."""
    tries = Tries()
    there = tries.attempt("the module is loaded", load_module)
    if not there or not tries.attempt("the panel opens, without torch", open_panel):
        return tries.status()
    tries.attempt("samples are offered and come into the scene", load_samples)
    tries.attempt("loaded scans are added", lambda: session().add_loaded_scans())
    tries.attempt("two raters tick, and agree", lambda: session().read_as_raters())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tries.attempt("the scene is saved and opened again", lambda: save_and_open(Path(folder) / "scene.mrb"))
    tries.attempt("the module is reloaded", reload_module)
    if "--no-learning" not in arguments:
        tries.attempt("the module's own test", own_test)
        tries.attempt("a suggestion is accepted, and that is undone", decide)
    tries.attempt("the library's tests in Slicer's Python", library_tests)
    return tries.status()


if __name__ == "__main__":
    slicer.util.exit(main(sys.argv[1:]))
