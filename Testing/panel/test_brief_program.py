"""A program that ends by itself: what it printed is told once, its folder goes, and a forgotten one tells nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PartialLabelSegLib.panel.brief_program import BriefProgram, Printed

Wait = Callable[..., None]
Pump = Callable[[int], None]


def script(folder: Path, body: str) -> list[str]:
    path = folder / "script.py"
    path.write_text(f"import pathlib, sys, time\n{body}\n", encoding="utf-8")
    return [sys.executable, "-u", str(path)]


def test_both_outputs_are_told_once_and_the_folder_is_gone(wait_until: Wait) -> None:
    told: list[Printed] = []
    folders: list[Path] = []

    def command(folder: Path) -> list[str]:
        folders.append(folder)
        return script(folder, "print('one\\n\\ntwo')\nprint('first\\n\\nlast\\n ', file=sys.stderr)\nsys.exit(5)")

    program = BriefProgram(told.append)
    program.start(command, dict(os.environ))
    assert program.running() and not told
    wait_until(lambda: told, 30)
    assert told == [Printed(told[0].ending, ("one", "", "two"), "last")] and told[0].ending.code == 5
    assert not folders[0].exists() and not program.running()


def test_what_was_printed_before_does_not_come_again(wait_until: Wait) -> None:
    told: list[Printed] = []
    program = BriefProgram(told.append)
    for number in (1, 2):
        program.start(partial(script, body=f"print({number})"), dict(os.environ))
        wait_until(lambda number=number: len(told) == number, 30)
    assert [printed.lines for printed in told] == [("1",), ("2",)]
    assert [printed.complaint for printed in told] == ["", ""]


def test_a_forgotten_program_is_ended_and_tells_nothing(wait_until: Wait, pump: Pump, tmp_path: Path) -> None:
    told: list[Printed] = []
    folders: list[Path] = []
    here, late = tmp_path / "here", tmp_path / "late"

    def command(folder: Path) -> list[str]:
        folders.append(folder)
        return script(
            folder, f"pathlib.Path({str(here)!r}).touch()\ntime.sleep(0.7)\npathlib.Path({str(late)!r}).touch()"
        )

    program = BriefProgram(told.append)
    program.start(command, dict(os.environ))
    wait_until(here.exists, 30)
    program.forget()
    assert not program.running() and not folders[0].exists()
    pump(1000)
    assert not told and not late.exists()


def test_a_program_that_cannot_be_started_is_told_later(wait_until: Wait) -> None:
    told: list[Printed] = []
    program = BriefProgram(told.append)
    program.start(lambda folder: [str(folder / "no such program")], dict(os.environ))
    assert not told
    wait_until(lambda: told, 30)
    assert told[0].ending.code is None and "no such program" in told[0].ending.not_started
