"""`sample`: a data set to try everything with, made up or fetched. A folder stands in for the public repository."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from PartialLabelSegLib.cli import main
from PartialLabelSegLib.data import published
from PartialLabelSegLib.data.importers import read_cohort

CONTENT = {
    "voxel_dimensions.csv": "4.0\n4.0\n3.0\n",
    "ct.csv": ",data\n0,1000.0\n",
    "Larynx.csv": ",data\n0,\n",
}


def a_study(folder: Path) -> Path:
    """A list of two patients, of which one is in the part to try with."""
    files = {}
    for patient in ("pt_1", "pt_2"):
        for name, text in CONTENT.items():
            path = folder / "train-pats" / patient / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            facts = {"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
            files[path.relative_to(folder).as_posix()] = facts
    content = {"url": f"{folder.as_uri()}/", "parts": {"sample": ["train-pats/pt_1"]}, "files": files}
    (folder / "listing.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "listing.json"


def test_some_scans_of_the_study_are_fetched_and_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(published, "OPENKBP", a_study(tmp_path))
    assert main(["sample", "--openkbp", "--out", str(tmp_path / "here")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'here'}\n"
    assert [source.case for source in read_cohort(tmp_path / "here").sources] == ["pt_1"]


def test_made_up_scans_are_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "--scans", "4", "--out", str(tmp_path)]) == 0
    assert Path(capsys.readouterr().out.strip()) == tmp_path / "cases.csv"
    assert len(read_cohort(tmp_path / "cases.csv").sources) == 6


def test_too_few_scans_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "--scans", "3", "--out", str(tmp_path)]) == 1
    assert "at least 4 scans" in capsys.readouterr().err
