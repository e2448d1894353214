"""What stands beside a saved network comes back as it was written; what an earlier version wrote is read too, and damage is a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.model_file import (
    About,
    about_beside,
    confidence_beside,
    is_network,
    read_about,
    write_about,
)
from PartialLabelSegLib.data.types import structures_named
from PartialLabelSegLib.run.failure import Failure

ABOUT = About(
    "Abdomen: v1.2",
    structures_named(["Liver", "Spleen", "Tumour"]),
    7,
    "2026-01-02",
    Relabelling(rounds=3, target="tcp", frozen=True),
    frozenset({frozenset(("Liver", "Tumour"))}),
)


@pytest.mark.parametrize("about", [ABOUT, About("plain", ()), replace(ABOUT, rules=None)])
def test_it_comes_back_as_it_was_written(tmp_path: Path, about: About) -> None:
    write_about(tmp_path / "Abdomen_v1.2.pt", about)
    assert read_about(tmp_path / "Abdomen_v1.2.pt") == about
    assert [path.name for path in tmp_path.iterdir()] == ["Abdomen_v1.2.json"]


def test_the_files_of_one_model_lie_side_by_side(tmp_path: Path) -> None:
    network = tmp_path / "Abdomen v1.2.pt"
    assert confidence_beside(network).name == "Abdomen v1.2.confidence.pt"
    assert about_beside(network).name == "Abdomen v1.2.json"
    assert is_network(network) and not is_network(confidence_beside(network)) and not is_network(about_beside(network))


def test_what_says_nothing_of_rules_was_written_before_there_were_any(tmp_path: Path) -> None:
    content = {"format": 1, "name": "old", "structures": [], "scans": 2, "date": "2025-01-01"}
    (tmp_path / "old.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_about(tmp_path / "old.pt") == About("old", (), 2, "2025-01-01")


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"name": "a", "structures": [1], "scans": 1, "date": ""}'])
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(Failure, match="what a model knows"):
        read_about(tmp_path / "a.pt")


def test_rules_of_a_later_version_are_a_sentence(tmp_path: Path) -> None:
    write_about(tmp_path / "a.pt", ABOUT)
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    content["rules"]["magic"] = 1
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Failure, match=r"what a model knows \(a\.json\) is damaged .*magic"):
        read_about(tmp_path / "a.pt")
