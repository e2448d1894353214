"""`python3 Testing`: what it hands to pytest, and what it says when something is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import types
from pathlib import Path

import pytest

from structure.sources import PROJECT_FOLDER


@pytest.fixture(scope="module")
def runner() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("runner", PROJECT_FOLDER / "Testing" / "__main__.py")
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_without_a_path_all_tests_run_and_with_one_only_those(runner: types.ModuleType, tmp_path: Path) -> None:
    everything = str(PROJECT_FOLDER / "Testing")
    some = tmp_path / "test_some.py"
    some.touch()
    spread = runner.pytest_arguments([])[:4]
    assert spread[0] == "-n" and int(spread[1]) >= 1 and spread[2:] == ["--dist", "loadfile"]
    assert runner.pytest_arguments([]) == [*spread, everything]
    assert runner.pytest_arguments(["-k", "ranking"]) == [*spread, "-k", "ranking", everything]
    assert runner.pytest_arguments(["-n", "1"]) == ["-n", "1", everything]
    assert runner.pytest_arguments([f"{some}::test_one", "-x"]) == [f"{some}::test_one", "-x"]


def test_fast_leaves_out_the_slow_tests_and_keeps_other_arguments(runner: types.ModuleType) -> None:
    everything = str(PROJECT_FOLDER / "Testing")
    assert runner.pytest_arguments(["--fast", "-x"])[4:] == ["-m", "not slow", "-x", everything]


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        (
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            "apt-get install libgl1",
        ),
        (
            "ImportError: libglib-2.0.so.0: cannot open shared object file: No such file or directory",
            "apt-get install libglib2.0-0",
        ),
        ("Segmentation fault", "apt-get install libgl1-mesa-dri"),
        ("ImportError: libodd.so.3: cannot open shared object file: No such file", "the package that has libodd.so"),
        ("", ""),
    ],
)
def test_a_missing_system_library_is_named_with_its_package(
    runner: types.ModuleType, monkeypatch: pytest.MonkeyPatch, complaint: str, said: str
) -> None:
    done = subprocess.CompletedProcess([], 1 if complaint else 0, "", complaint)
    monkeypatch.setattr(runner.subprocess, "run", lambda *_, **__: done)
    assert runner.missing_system_libraries().endswith(said)
    assert bool(runner.missing_system_libraries()) == bool(said)


def test_the_panels_window_is_not_opened_on_a_machine_that_cannot_draw(
    runner: types.ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "missing_system_libraries", lambda: "The system library libEGL is missing.")
    assert runner.panel([]) == 2
    assert "libEGL is missing" in capsys.readouterr().out


def test_an_unknown_benchmark_is_answered_with_the_known_ones(
    runner: types.ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "speed.py").write_text("def main(argv: list[str]) -> int:\n    return 0\n", encoding="utf-8")
    (tmp_path / "helpers.py").write_text("VALUE = 1\n", encoding="utf-8")
    monkeypatch.setattr(runner, "BENCHMARKS", tmp_path)
    assert runner.benchmark(["tempo"]) == 2
    shown = capsys.readouterr().out
    assert "no benchmark named tempo" in shown
    assert "Benchmarks: speed." in shown
