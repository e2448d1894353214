"""The extension's CMake files list exactly what there is: a file that is not listed is missing after the installation."""

from __future__ import annotations

import re

from structure.sources import MODULE_FOLDER, PROJECT_FOLDER, project_files, text

MODULE_LISTS = f"{MODULE_FOLDER}/CMakeLists.txt"
PICTURE = re.compile(r"https://[^\s\"]+?/main/([^\s\"]+)")


def listed(variable: str) -> list[str]:
    """The entries of `set(variable ...)`, with the module's name filled in."""
    block = re.search(rf"set\({variable}\n(.*?)\n  \)", text(MODULE_LISTS), re.S)
    assert block, f"{MODULE_LISTS} has no set({variable} ...)"
    return [line.strip().replace("${MODULE_NAME}", MODULE_FOLDER) for line in block[1].splitlines()]


def present(*, python: bool) -> list[str]:
    """The module's files as they have to be listed: from the module's folder, in alphabetical order."""
    below = (name.removeprefix(f"{MODULE_FOLDER}/") for name in project_files() if name.startswith(f"{MODULE_FOLDER}/"))
    return sorted(name for name in below if name.endswith(".py") == python and name != "CMakeLists.txt")


def corrected(variable: str, names: list[str]) -> str:
    """The block to paste."""
    lines = "\n".join(f"  {name}" for name in names)
    return f"In {MODULE_LISTS} the list has to be:\n\nset({variable}\n{lines}\n  )\n"


def test_every_python_file_is_listed_and_every_listed_one_exists() -> None:
    names = present(python=True)
    assert listed("MODULE_PYTHON_SCRIPTS") == names, corrected("MODULE_PYTHON_SCRIPTS", names)


def test_every_resource_is_listed_and_every_listed_one_exists() -> None:
    names = present(python=False)
    assert listed("MODULE_PYTHON_RESOURCES") == names, corrected("MODULE_PYTHON_RESOURCES", names)


def test_the_extension_says_what_the_catalogue_asks() -> None:
    top = text("CMakeLists.txt")
    assert "project(PartialLabelSeg)" in top
    assert f"add_subdirectory({MODULE_FOLDER})" in top
    for name in ("HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert re.search(rf'^set\(EXTENSION_{name} "[^"]+"\)', top, re.M), f"EXTENSION_{name} is not a quoted string"


def test_every_picture_that_the_catalogue_shows_is_in_the_project() -> None:
    pictures = PICTURE.findall(text("CMakeLists.txt"))
    assert pictures
    for picture in pictures:
        assert picture.endswith(".png") and picture in project_files(), f"{picture} is not there"


def test_the_screenshots_and_cmakes_version_are_as_the_catalogue_wants_them() -> None:
    top = text("CMakeLists.txt")
    shown = re.search(r'set\(EXTENSION_SCREENSHOTURLS "([^"]+)"\)', top)
    assert shown
    urls = shown[1].split(" ")
    assert all(url.startswith("https://") and url.endswith(".png") for url in urls) and len(set(urls)) == len(urls)
    version = re.search(r"cmake_minimum_required\(VERSION (\d+)\.(\d+)\.(\d+)", top)
    assert version and tuple(map(int, version.groups())) >= (3, 16, 3)


def test_ctest_runs_the_modules_own_test_and_the_panel_in_slicer() -> None:
    found = re.search(r"if\(BUILD_TESTING\)\n(.*?)endif\(\)", text(MODULE_LISTS), re.S)
    assert found
    calls = dict(re.findall(r"(slicer_add_python_\w+)\(SCRIPT ([^)\s]+)\)", found[1]))
    assert calls == {
        "slicer_add_python_unittest": "${MODULE_NAME}.py",
        "slicer_add_python_test": "../Testing/run_in_slicer.py",
    }
    for script in calls.values():
        path = (PROJECT_FOLDER / MODULE_FOLDER / script.replace("${MODULE_NAME}", MODULE_FOLDER)).resolve()
        assert path.relative_to(PROJECT_FOLDER).as_posix() in project_files()
