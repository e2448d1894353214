"""What state the worker's PyTorch is in, asked of the worker's own Python: the panel never imports it, and a broken one breaks nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .brief_program import BriefProgram, Printed
from .ticker import Ticker

OLDEST = (2, 2)
NEEDED = ("numpy", "scipy", "SimpleITK")
MARK = "partiallabelseg_torch"
PATIENCE_SECONDS = 180.0
"""A first import from a slow disk, watched by a virus scanner, can take minutes."""

SCRIPT = """
import importlib.util, json, sys, warnings
said = {"partiallabelseg_torch": 1, "python": list(sys.version_info[:2]), "device": "cpu"}
said["lacks"] = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
said["found"] = importlib.util.find_spec("torch") is not None
if said["found"]:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            import torch
            said["version"] = str(torch.__version__)
            torch.zeros(2).numpy()
            float((torch.ones(8, 8) @ torch.ones(8, 8)).sum())
            if torch.cuda.is_available():
                said["device"], said["name"] = "cuda", torch.cuda.get_device_name(0)
            elif getattr(torch.backends, "mps", None) is not None and torch.backends.mps.is_available():
                said["device"] = "mps"
        except BaseException as error:
            said["error"] = f"{type(error).__name__}: {error}"
    said["warned"] = [str(item.message) for item in warned][:5]
print(json.dumps(said), flush=True)
"""


@dataclass(frozen=True)
class TorchState:
    """state: unknown (not asked, or no answer), ready, missing, broken or old. device: cpu, cuda or mps, and `device_name` its name.

    detail: why, or what was found, in a sentence. python: (3, 12), the version of the worker's Python.
    """

    state: str = "unknown"
    detail: str = ""
    version: str = ""
    device: str = "cpu"
    device_name: str = ""
    python: tuple[int, int] = (0, 0)

    @property
    def ready(self) -> bool:
        return self.state == "ready"


class TorchProbe:
    """Asks once at a time; `found(state)` comes later, on the window's thread."""

    def __init__(self, found: Callable[[TorchState], object], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._found = found
        self._patience = patience_seconds
        self._program = BriefProgram(self._ended)
        self._ticker = Ticker(self._look)
        self._began = 0.0
        self._gave_up = False

    def ask(self, python: str, environment: Mapping[str, str]) -> None:
        """Asks this Python; a question that is still open is dropped."""

        def command(folder: Path) -> list[str]:
            # A file, not `-c`: nobody between here and Python then has to pass quotation marks and line ends on.
            script = folder / "look_for_torch.py"
            script.write_text(SCRIPT, encoding="utf-8")
            return [python, "-u", str(script), *NEEDED]

        self.forget()
        self._gave_up, self._began = False, time.monotonic()
        self._program.start(command, environment)
        self._ticker.start(500)

    def asking(self) -> bool:
        return self._program.running()

    def forget(self) -> None:
        """Nothing more is told."""
        self._ticker.stop()
        self._program.forget()

    def _look(self) -> None:
        if time.monotonic() - self._began > self._patience and not self._gave_up:
            self._gave_up = True
            self._program.kill()

    def _ended(self, printed: Printed) -> None:
        self._ticker.stop()
        answers = [answer for answer in map(_answer, printed.lines) if answer is not None]
        ending = printed.ending
        if answers:
            self._found(state_of(answers[-1]))
        elif ending.not_started:
            self._found(TorchState("unknown", f"The Python for learning could not be started: {ending.not_started}."))
        elif self._gave_up:
            text = f"PyTorch did not start within {round(self._patience)} seconds. The computer may be very busy: check again later."
            self._found(TorchState("unknown", text))
        else:
            crashed = f"Python ended while it started PyTorch (exit status {ending.code})."
            self._found(TorchState("broken", f"{crashed} {short(printed.complaint)}".strip()))


def _answer(line: str) -> dict[str, object] | None:
    """What the script says in a line; None for what others print."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and MARK in said else None


def state_of(said: Mapping[str, object]) -> TorchState:
    """The answer of the script as a state."""
    python = _version(said.get("python"))
    version, error = str(said.get("version", "")), str(said.get("error", ""))
    lacks = said.get("lacks")
    if python < (3, 10):
        return TorchState(
            "old", f"Learning needs Python 3.10 or newer; this is {python[0]}.{python[1]}.", version, python=python
        )
    if not said.get("found"):
        return TorchState("missing", python=python)
    if error:
        return TorchState("broken", broken_because(error, version), version, python=python)
    if lacks and isinstance(lacks, list):
        text = f"Beside PyTorch, learning needs {' and '.join(map(str, lacks))}, which this Python lacks."
        return TorchState("broken", text, version, python=python)
    if release(version) < OLDEST:
        text = f"PyTorch {version} is installed; {OLDEST[0]}.{OLDEST[1]} or newer is needed."
        return TorchState("old", text, version, python=python)
    device, name = str(said.get("device", "cpu")), str(said.get("name", ""))
    return TorchState("ready", _found_words(version, device, name, said.get("warned")), version, device, name, python)


def broken_because(error: str, version: str) -> str:
    """Why an installed PyTorch does not start, with the usual reasons in words."""
    named = f"PyTorch {version}".strip()
    if "numpy" in error.lower():
        return f"{named} and this Python's numpy do not work together: {short(error)}"
    if "DLL" in error or "shared object" in error or "dlopen" in error or "image not found" in error:
        return f"A part of {named} cannot be loaded; its installation is damaged or was made for another system: {short(error)}"
    return f"{named} does not start: {short(error)}"


def _found_words(version: str, device: str, name: str, warned: object) -> str:
    where = {"cuda": f"on {name or 'an NVIDIA graphics card'}", "mps": "on Apple graphics"}.get(
        device, "on the processor"
    )
    driver = [text for text in warned if "driver" in str(text).lower()] if isinstance(warned, list) else []
    note = f" The graphics card is not used: {short(str(driver[0]))}" if driver and device == "cpu" else ""
    return f"PyTorch {version}, {where}.{note}"


def release(version: str) -> tuple[int, int]:
    """(2, 13) of '2.13.0+cpu'; (0, 0) where it cannot be read."""
    parts = version.split("+")[0].split(".")
    try:
        return int(parts[0]), int("".join(letter for letter in parts[1] if letter.isdigit()) or 0)
    except (ValueError, IndexError):
        return 0, 0


def _version(value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value):
        return value[0], value[1]
    return 0, 0


def short(message: str) -> str:
    """The first line of a message, not too long, without the folders of paths."""
    line = message.strip().split("\n")[0]
    words = [
        word.replace("\\", "/").rsplit("/", 1)[-1] if word.count("/") + word.count("\\") > 1 else word
        for word in line.split()
    ]
    text = " ".join(words)
    return text if len(text) <= 220 else f"{text[:217]}…"
