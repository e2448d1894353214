"""Whole paths are taken out of what a worker printed; the last part of a path below a known folder stays readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from PartialLabelSegLib.panel.places import places_of, without_places


def test_files_and_folders_of_the_command_and_what_lies_beside_them_are_hidden(tmp_path: Path) -> None:
    manifest, out = tmp_path / "Mustermann Erika" / "cases.csv", tmp_path / "results"
    places = places_of(["python", "-u", "check", str(manifest), "--out", str(out)], tmp_path / "work")
    said = {
        f"wrote {out / 'Dataset001'}": f"wrote {Path('…') / 'Dataset001'}",
        f"{manifest} cannot be read": "… cannot be read",
        f"{manifest.with_name('pt_1.nrrd')} is damaged": f"{Path('…') / 'pt_1.nrrd'} is damaged",
        f"in {tmp_path / 'work' / 'run'}": f"in {Path('…') / 'run'}",
        "step 3 of 5 / 2": "step 3 of 5 / 2",
    }
    assert {line: without_places(line, places) for line in said} == said


def test_the_longest_place_goes_first(tmp_path: Path) -> None:
    places = places_of([str(tmp_path / "a"), str(tmp_path / "a" / "b" / "c")])
    assert without_places(str(tmp_path / "a" / "b" / "c"), places) == "…"
    assert list(places) == sorted(places, key=len, reverse=True)


def test_the_top_of_the_disk_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/people/erika"))
    assert "/" not in places_of(["/scans"]) and without_places("a/b", places_of(["/scans"])) == "a/b"
    assert without_places("/people/erika/x.log", places_of([])) == "…/x.log"


def test_a_computer_without_users_hides_what_the_command_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nobody() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nobody)
    assert without_places(str(tmp_path / "x"), places_of([str(tmp_path)])) == str(Path("…") / "x")
