"""What state PyTorch is in, asked of a real Python with PyTorches that are missing, broken, strange, or silent; and once with the real one."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.torch_probe import TorchProbe, TorchState, release, short, state_of

Wait = Callable[..., None]

WORKING = """
__version__ = "2.6.0+cpu"
class Tensor:
    def numpy(self): return None
    def __matmul__(self, other): return self
    def sum(self): return 1.0
def zeros(*size): return Tensor()
ones = zeros
class cuda:
    @staticmethod
    def is_available(): return False
    @staticmethod
    def get_device_name(index): return "Some Card 4000"
class mps:
    @staticmethod
    def is_available(): return False
class backends:
    mps = mps
"""


def asked(wait_until: Wait, python: str, environment: dict[str, str], patience: float = 60.0) -> TorchState:
    found: list[TorchState] = []
    probe = TorchProbe(found.append, patience)
    probe.ask(python, environment)
    wait_until(lambda: found, 90)
    assert not probe.asking() and len(found) == 1
    assert "torch" not in sys.modules or "torch" in BEFORE, "the panel has imported torch"
    return found[0]


BEFORE = set(sys.modules)


@pytest.fixture
def with_torch(wait_until: Wait, tmp_path: Path) -> Callable[..., TorchState]:
    """Asks a Python whose torch is the given source."""

    def ask(source: str, patience: float = 60.0) -> TorchState:
        package = tmp_path / "packages" / "torch"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(textwrap.dedent(source), encoding="utf-8")
        return asked(wait_until, sys.executable, {**os.environ, "PYTHONPATH": str(package.parent)}, patience)

    return ask


def bare_python(folder: Path) -> str:
    """A Python without any installed package."""
    path = folder / "python"
    base = getattr(sys, "_base_executable", sys.executable)
    path.write_text(f'#!/bin/sh\nexec "{base}" -S "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_missing_one(wait_until: Wait, tmp_path: Path) -> None:
    state = asked(wait_until, bare_python(tmp_path), dict(os.environ))
    assert state.state == "missing" and not state.ready and state.python == sys.version_info[:2]


def test_a_working_one_without_a_graphics_card(with_torch: Callable[..., TorchState]) -> None:
    state = with_torch(WORKING)
    assert state.ready and (state.version, state.device) == ("2.6.0+cpu", "cpu")
    assert state.detail == "PyTorch 2.6.0+cpu, on the processor."


def test_a_working_one_with_a_graphics_card(with_torch: Callable[..., TorchState]) -> None:
    state = with_torch(WORKING.replace("return False", "return True", 1))
    assert state.ready and (state.device, state.device_name) == ("cuda", "Some Card 4000")
    assert "on Some Card 4000" in state.detail


def test_a_working_one_on_apple_graphics(with_torch: Callable[..., TorchState]) -> None:
    state = with_torch("True_ = True\n" + WORKING[::-1].replace("eslaF nruter", "eurT nruter", 1)[::-1])
    assert state.ready and state.device == "mps" and "Apple graphics" in state.detail


def test_a_driver_that_is_too_old_is_said(with_torch: Callable[..., TorchState]) -> None:
    state = with_torch(
        "import warnings\nwarnings.warn('The NVIDIA driver on your system is too old (found 11040).')\n" + WORKING
    )
    assert state.ready and state.device == "cpu"
    assert "The graphics card is not used: The NVIDIA driver on your system is too old" in state.detail


@pytest.mark.parametrize(
    ("source", "expected", "words_of_it"),
    [
        ("raise ImportError('libtorch_cpu.so: cannot open shared object file')", "broken", "cannot be loaded"),
        (
            "raise OSError('[WinError 126] Error loading \"c10.dll\" or one of its DLL dependencies')",
            "broken",
            "damaged",
        ),
        ("import sys\nsys.exit('bye')", "broken", "does not start"),
        ("import no_such_part_of_it", "broken", "no_such_part_of_it"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "broken", "exit status -11"),
        ("import os\nprint('odd', flush=True)\nos._exit(3)", "broken", "exit status 3"),
        ("", "broken", "does not start"),
        (
            "__version__ = '3.0'\ndef zeros(n): raise RuntimeError('Numpy is not available')",
            "broken",
            "numpy do not work together",
        ),
        (WORKING.replace("2.6.0+cpu", "1.13.1"), "old", "PyTorch 1.13.1 is installed; 2.2 or newer is needed."),
        (WORKING.replace("2.6.0+cpu", "nonsense"), "old", "nonsense"),
        ("print('{}\\n[]\\nnull\\n{\"a\": 1}\\n\\xff')\n" + WORKING, "ready", "2.6.0"),
    ],
)
def test_every_state_is_told_with_its_reason(
    with_torch: Callable[..., TorchState], source: str, expected: str, words_of_it: str
) -> None:
    state = with_torch(source)
    assert state.state == expected and expected in words.TORCH
    assert words_of_it in state.detail and "Traceback" not in state.detail


def test_one_that_never_starts_is_given_up(with_torch: Callable[..., TorchState]) -> None:
    state = with_torch("import time\ntime.sleep(600)", patience=1.0)
    assert state.state == "unknown" and "did not start within 1 seconds" in state.detail


def test_a_python_that_is_not_there(wait_until: Wait, tmp_path: Path) -> None:
    state = asked(wait_until, str(tmp_path / "PythonSlicer"), dict(os.environ))
    assert state.state == "unknown" and "could not be started" in state.detail


def test_a_question_that_is_forgotten_is_never_answered(wait_until: Wait, pump: Any) -> None:
    found: list[TorchState] = []
    probe = TorchProbe(found.append)
    probe.ask(sys.executable, dict(os.environ))
    probe.forget()
    pump(300)
    assert not probe.asking() and found == []


def test_answers_of_other_kinds_are_read_as_states() -> None:
    assert state_of({"python": [3, 9], "found": True, "version": "2.6"}).state == "old"
    assert state_of({"python": "x"}).state == "old"
    assert state_of({"python": [3, 12], "found": False}).state == "missing"
    lacking = state_of({"python": [3, 12], "found": True, "version": "2.6", "lacks": ["scipy"]})
    assert lacking.state == "broken" and "scipy" in lacking.detail


def test_versions_and_messages_are_shortened() -> None:
    assert [release(text) for text in ("2.13.0+cpu", "2.2", "2.10.0a0+git", "", "x.y")] == [
        (2, 13),
        (2, 2),
        (2, 10),
        (0, 0),
        (0, 0),
    ]
    assert short("dlopen(/apps/Slicer/lib/libtorch.so, 6): no\nmore") == "libtorch.so, 6): no"
    assert len(short("word " * 100)) <= 220


@pytest.mark.slow
def test_the_real_one_is_ready_and_the_panel_has_not_imported_it(wait_until: Wait) -> None:
    state = asked(wait_until, sys.executable, dict(os.environ))
    assert state.ready and release(state.version) >= (2, 2) and state.detail.startswith("PyTorch 2.")
