"""The README's tutorial says of the panel what the panel says of itself."""

from __future__ import annotations

import re
from pathlib import Path

from PartialLabelSegLib.panel.sample_data import CATEGORY
from PartialLabelSegLib.panel.sample_scans import SCANS, UNDRAWN
from PartialLabelSegLib.panel.shortcuts import SHORTCUTS
from PartialLabelSegLib.panel.words import STATES, STEPS


def test_the_table_of_keys_is_that_of_the_panel(project_folder: Path) -> None:
    rows = re.findall(
        r"^\| `([^`]+)` \| (.+?) \| (.*?) ?\|$",
        keys_of((project_folder / "README.md").read_text(encoding="utf-8")),
        re.M,
    )
    assert rows == [(item.key, item.words, item.teaches) for item in SHORTCUTS]


def keys_of(readme: str) -> str:
    """The part with the table."""
    return readme.split("### Keys", 1)[1].split("\n## ", 1)[0]


def test_steps_states_and_samples_have_the_same_names_and_numbers(project_folder: Path) -> None:
    readme = (project_folder / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\*\*(\d) · (\w+)\.\*\*", readme, re.M) == [(word.symbol, word.text) for word in STEPS.values()]
    for word in STATES.values():
        assert f"{word.symbol} {word.text}" in readme
    assert (SCANS, UNDRAWN) == (
        8,
        2,
    ) and "ten made-up abdomens; in eight of them some organs are drawn, in two none" in readme
    assert f"*{CATEGORY}*" in readme
