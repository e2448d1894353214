"""The README names only what is there: files, pictures, commands, options, and what the catalogue is told."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import PurePosixPath

import pytest

from PartialLabelSegLib.options import parser
from structure.sources import LIBRARY, project_files, python_files, text

README = text("README.md")
STILL_TO_BE_TAKEN: set[str] = set()
"""Pictures that are shown as soon as they are there."""
OF_OTHER_PROGRAMS = {"--fast", "--python-script"}
LIBRARY_FILE = re.compile(r"\b(?:Testing|PartialLabelSeg|Resources)/[\w./-]+\.\w+")


def links() -> list[str]:
    """Everything that the README links to inside the project, without the part after '#'."""
    found = re.findall(r"\]\(([^)\s]+)\)", README)
    return [link.split("#")[0] for link in found if "://" not in link and not link.startswith("#")]


def code() -> list[str]:
    """Blocks of code and pieces of it in a line."""
    blocks = re.findall(r"```\w*\n(.*?)```", README, re.S)
    return [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.S))]


def subcommands() -> dict[str, argparse.ArgumentParser]:
    """The worker's commands."""
    actions = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(actions[0].choices)


def test_every_file_that_is_linked_or_named_is_there() -> None:
    named = {*links(), *LIBRARY_FILE.findall(README)} - STILL_TO_BE_TAKEN
    assert named
    files = set(project_files())
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    missing = {name for name in named if name not in files and name.rstrip("/") not in folders}
    assert not missing


def test_a_picture_of_each_step_is_shown_in_order() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((Resources/Screenshots/panel-\w+\.png)\)", README)
    steps = [re.sub(r".*panel-(\w+)\.png", r"\1", picture) for picture in shown]
    assert [step for step in steps if step in ("scans", "learn", "look", "decide", "finish")] == [
        "scans",
        "learn",
        "look",
        "decide",
        "finish",
    ]


def test_two_commands_stand_before_everything_else() -> None:
    before = README[: README.index("```")]
    assert before.count("\n") < 15 and before.count("![") == 1
    commands = re.findall(r"```\n(.*?)```", README, re.S)[0].splitlines()
    assert commands == [f"python3 {LIBRARY} demo", "python3 Testing panel"]


def test_every_command_of_the_worker_that_is_named_exists_and_each_is_named() -> None:
    named = set(re.findall(rf"python3 {LIBRARY} (\w+)", README))
    named |= set(re.findall(r"^\| `(\w+)(?: [^`]*)?` \| ", README[README.index("Further commands") :], re.M))
    assert named == set(subcommands())


def test_every_option_that_is_named_exists() -> None:
    known = {option for command in subcommands().values() for option in command._option_string_actions}
    named = {option for piece in code() for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", piece)}
    assert len(named) > 15
    assert named - known == OF_OTHER_PROGRAMS


def test_the_choices_that_are_shown_are_understood() -> None:
    from PartialLabelSegLib.data.importers import CohortChoices

    shown = next(piece for piece in code() if piece.startswith('{"format"'))
    choices = CohortChoices.from_json(json.loads(shown))
    assert choices.leave_out == {"case-9"} and choices.names["*"] == {"Leber": "Liver"}


def test_the_catalogues_entry_says_what_the_cmake_file_says() -> None:
    entry = json.loads(re.findall(r"```json\n(.*?)```", README, re.S)[-1])
    top = text("CMakeLists.txt")
    for key, name in (("category", "CATEGORY"), ("scm_url", "HOMEPAGE")):
        assert f'set(EXTENSION_{name} "{entry[key]}")' in top
    assert f'set(EXTENSION_DEPENDS "{" ".join(entry["build_dependencies"])}")' in top
    assert {"$schema", "category", "scm_url"} <= set(entry)
    assert set(entry) <= {
        "$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "build_subdirectory", "enabled", "tier",
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    ["Sample scans", "Add loaded scans", "From a folder of wheels…", "Learn", "Cancel", "Resume", "Next round",
     "Put into the scene", "Export…", "Edit…", "Quick", "Partial Label Segmentation"],
)  # fmt: skip
def test_a_button_that_the_tutorial_names_is_in_the_panel(words: str) -> None:
    assert f"*{words}*" in README
    assert any(f'"{words}"' in text(name) for name in python_files(f"{LIBRARY}/panel"))
