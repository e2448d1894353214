"""Installing PyTorch into Slicer's Python, after asking: visibly, in another process, and so that it can be cancelled.

Where the PyTorch extension is there, what is run is what its `installTorch` runs: light-the-torch, which finds the build for this computer's
graphics card. `installTorch` itself would hold up the window for the minutes of the download.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .child import Child, Ending, Outputs
from .pip_words import Failed, why_it_failed
from .torch_probe import OLDEST, TorchState

LINES = 400
TORCH = f"torch>={OLDEST[0]}.{OLDEST[1]}"
SHORT_PATHS = ",<2.13"
"""On Windows only: from 2.13 on its licence files lie so deep that their paths are longer than Windows allows inside Slicer's folder."""

# pip shows its progress to other programs from 24.1 on, and refuses the word for it before.
RUN_MODULE = """
import importlib.metadata, os, re, runpy, sys
found = re.findall(r"\\d+", importlib.metadata.version("pip"))[:2]
if tuple(map(int, found)) >= (24, 1):
    os.environ["PIP_PROGRESS_BAR"] = "raw"
os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = os.environ["PIP_NO_INPUT"] = "1"
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""

Step = tuple[str, ...]
"""A module and its arguments."""


@dataclass(frozen=True)
class Installed:
    """How it ended, in a sentence, and the way out where it did not work."""

    done: bool
    sentence: str
    way_out: str = ""
    cancelled: bool = False


@dataclass(frozen=True)
class InstallListeners:
    """line: what pip said. progress: of the download that goes on (0..1, None between downloads), in words. finished: once."""

    finished: Callable[[Installed], object]
    line: Callable[[str], object] = lambda text: None
    progress: Callable[[float | None, str], object] = lambda share, words: None


def extension_is_there() -> bool:
    """Whether Slicer's PyTorch extension is installed; nothing is imported."""
    return importlib.util.find_spec("PyTorchUtils") is not None


def question(state: TorchState) -> str:
    """What to ask before anything is installed."""
    what = {"old": "replaces the older PyTorch in this Slicer", "broken": "replaces the damaged PyTorch in this Slicer"}
    does = what.get(state.state, "adds PyTorch to this Slicer")
    return (
        f"This {does}, for all modules that use it. About 0.3 to 3 GB are downloaded, depending on the graphics card; that takes "
        "some minutes. Slicer can be used meanwhile. No scan leaves this computer."
    )


def no_extension() -> str:
    """What to do where the PyTorch extension is not there."""
    return (
        "Install the extension 'PyTorch' with the Extensions Manager (View menu), restart Slicer, and come back. On a computer without "
        "the Internet, choose a folder of wheels instead: the files of torch and what it needs, copied from another computer."
    )


def steps_from_extension(state: TorchState, platform: str = sys.platform) -> tuple[Step, ...]:
    """What installs PyTorch as the extension does. A damaged one is taken out first, or pip would leave it as it is."""
    torch = TORCH + (SHORT_PATHS if platform == "win32" else "")
    return (
        *_taken_out(state),
        ("pip", "install", "light-the-torch>=0.8"),
        ("light_the_torch", "install", torch, "torchvision"),
    )


def steps_from_folder(state: TorchState, folder: Path) -> tuple[Step, ...]:
    """What installs PyTorch from a folder of wheels, without any network."""
    return (*_taken_out(state), ("pip", "install", "--no-index", "--find-links", str(folder), "--upgrade", TORCH))


def _taken_out(state: TorchState) -> tuple[Step, ...]:
    return (("pip", "uninstall", "-y", "torch", "torchvision"),) if state.state == "broken" else ()


def folder_complaint(folder: Path, python: tuple[int, int]) -> str:
    """Why a folder cannot be used, in a sentence; empty where it holds a PyTorch for this Python."""
    wheels = [path.name for path in folder.glob("*.whl") if path.name.startswith("torch-")] if folder.is_dir() else []
    if not wheels:
        return f"{folder.name} holds no wheel of torch (a file such as torch-2.6.0-cp{python[0]}{python[1]}-….whl)."
    wanted = f"-cp{python[0]}{python[1]}-"
    if python != (0, 0) and not any(wanted in name or "-abi3-" in name or "-none-any" in name for name in wheels):
        return f"{folder.name} holds {wheels[0]}, which is not for this Slicer's Python {python[0]}.{python[1]}."
    return ""


class Installer:
    """One installation at a time. Everything returns at once. what: what is installed, as a person calls it."""

    def __init__(self, listeners: InstallListeners, what: str = "PyTorch") -> None:
        self._listeners, self._what = listeners, what
        self._child = Child(self._heard, self._ended)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lines: deque[str] = deque(maxlen=LINES)
        self._waiting: deque[Step] = deque()
        self._from_folder = False
        self._python = ""
        self._environment: Mapping[str, str] = {}
        self._cancelled = False

    def start(self, python: str, environment: Mapping[str, str], steps: tuple[Step, ...]) -> None:
        """Runs the steps with this Python, one after another, until one fails."""
        assert not self.running() and steps, "one installation at a time"
        self._python, self._environment = python, dict(environment)
        self._waiting, self._cancelled = deque(steps), False
        self._from_folder = any("--no-index" in step for step in steps)
        self._lines.clear()
        self._folder = tempfile.TemporaryDirectory(prefix="partiallabelseg-", ignore_cleanup_errors=True)
        self._next()

    def running(self) -> bool:
        return self._folder is not None

    def cancel(self) -> None:
        """Ends it now. What is half there is found and replaced by the next installation."""
        if self.running():
            self._cancelled = True
            self._waiting.clear()
            self._child.kill()

    def output(self) -> str:
        """The last lines that pip wrote."""
        return "\n".join(self._lines)

    def _next(self) -> None:
        assert self._folder is not None
        step, folder = self._waiting.popleft(), Path(self._folder.name)
        script = folder / "run_module.py"
        script.write_text(RUN_MODULE, encoding="utf-8")
        self._child.start(
            [self._python, "-u", str(script), *step],
            self._environment,
            Outputs(folder / "said.txt", folder / "complained.txt"),
        )

    def _heard(self, line: str, complained: bool) -> None:
        found = re.fullmatch(r"Progress (\d+) of (\d+)", line)
        if found is not None:
            done, size = int(found[1]), int(found[2])
            words = f"{done / 1e6:.0f} of {size / 1e6:.0f} MB" if size else f"{done / 1e6:.0f} MB"
            self._listeners.progress(min(1.0, done / size) if size else None, words)
        elif line.strip():
            self._lines.append(line)
            self._listeners.line(line)
            words = line_words(line)
            if words:
                self._listeners.progress(None, words)

    def _ended(self, ending: Ending) -> None:
        if ending.code == 0 and self._waiting:
            self._next()
            return
        assert self._folder is not None
        self._folder.cleanup()
        self._folder = None
        self._listeners.finished(self._how_it_ended(ending))

    def _how_it_ended(self, ending: Ending) -> Installed:
        if self._cancelled:
            return Installed(
                False, "The installation was cancelled.", "It can be started again at any time.", cancelled=True
            )
        if ending.not_started:
            failed = Failed(
                f"Slicer's Python could not be started: {ending.not_started}.", "Restart Slicer and try again."
            )
            return Installed(False, failed.sentence, failed.way_out)
        if ending.code != 0:
            failed = why_it_failed(tuple(self._lines), ending.code, self._from_folder, self._what)
            return Installed(False, failed.sentence, failed.way_out)
        return Installed(True, f"{self._what} is installed.")


def line_words(line: str) -> str:
    """What pip is doing, in words; empty where a line says nothing of it."""
    if line.startswith("Collecting "):
        return f"Looking for {line.split()[1]}"
    found = re.match(r"\s*(?:Downloading|Processing) (?:\S*/)?(\S+)(?: \((.+)\))?", line)
    if found is not None:
        return f"Taking {found[1].split('-')[0]}{f' ({found[2]})' if found[2] else ''}"
    if line.startswith("Installing collected packages"):
        return "Copying the files; this takes a minute or two"
    return ""
