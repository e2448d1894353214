"""Is what the run was begun with still what the table says?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from PartialLabelSegLib.data.importers import CohortChoices
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.panel.begun import begun_otherwise
from PartialLabelSegLib.run.folder import RunFolder

CHOICES = CohortChoices(states={"a": {"Liver": State.MISSING}}, only=frozenset({"a", "b"}))


def begin(folder: Path, **head: Any) -> None:
    cases = [{"name": name, "folder": name, "split": "train"} for name in "ab"]
    RunFolder(folder / "run").write_head({"cases": cases, "choices": CHOICES.to_json(), **head})


def test_before_anything_was_begun_nothing_is_different(tmp_path: Path) -> None:
    assert begun_otherwise(tmp_path, ["a"], CHOICES) == ""


def test_the_same_scans_and_choices_go_on(tmp_path: Path) -> None:
    begin(tmp_path)
    assert begun_otherwise(tmp_path, ["b", "a"], CHOICES) == ""
    assert begun_otherwise(tmp_path, "ab", CohortChoices(states={"a": {"Liver": State.MISSING}})) == ""


def test_what_changed_is_named(tmp_path: Path) -> None:
    begin(tmp_path)
    assert begun_otherwise(tmp_path, "abcd", CHOICES).startswith(
        "Since learning began, 'c' and 1 more were added. Go on"
    )
    assert "'b' was removed" in begun_otherwise(tmp_path, "a", CHOICES)
    assert "what is labelled, how it was made, or what a segment counts as, was changed" in begun_otherwise(
        tmp_path, "ab", CohortChoices()
    )


def test_labels_that_were_made_otherwise_are_something_else_to_learn_from(tmp_path: Path) -> None:
    begin(tmp_path)
    quick = CohortChoices(states={"a": {"Liver": State.MISSING}}, made={"b": {"Liver": "quick"}})
    assert "how it was made" in begun_otherwise(tmp_path, "ab", quick)


@pytest.mark.parametrize("head", [{"cases": 3}, {"choices": {"states": 3}}, {"program": "another"}])
def test_a_damaged_run_is_a_sentence(tmp_path: Path, head: dict[str, Any]) -> None:
    begin(tmp_path)
    from PartialLabelSegLib.run.files import read_json, write_json

    path = tmp_path / "run" / "run.json"
    write_json(path, {**read_json(path, "it"), **head})
    assert begun_otherwise(tmp_path, "ab", CHOICES).endswith(".")
