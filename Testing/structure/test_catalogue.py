"""What Slicer's Extensions Index asks of an extension before it takes it: icon, pictures, licence, page, and a module that loads at once."""

from __future__ import annotations

import ast
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from structure.sources import MODULE_FOLDER, PROJECT_FOLDER, project_files, text

TOP, README = text("CMakeLists.txt"), text("README.md")
PICTURES = [name for name in project_files() if name.startswith("Resources/") and name.endswith(".png")]
ICON_SIZE = (128, 128)
MOST_BYTES = 1_000_000
SHIPPED = {"slicer", "qt", "vtk", "ctk", "numpy", "scipy", "SimpleITK"}


def size_of_png(path: Path) -> tuple[int, int]:
    """Width and height, from the header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR", f"{path.name} is no PNG file"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def setting(name: str) -> str:
    found = re.search(rf'^set\(EXTENSION_{name} "([^"]+)"\)', TOP, re.M)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "icon", ["Resources/PartialLabelSeg.png", f"{MODULE_FOLDER}/Resources/Icons/PartialLabelSeg.png"]
)
def test_an_icon_is_as_large_as_the_catalogue_shows_it(icon: str) -> None:
    assert size_of_png(PROJECT_FOLDER / icon) == ICON_SIZE


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_is_large_enough_to_see_and_small_enough_to_load(picture: str) -> None:
    width, height = size_of_png(PROJECT_FOLDER / picture)
    assert (width, height) == ICON_SIZE or width >= 800
    assert (PROJECT_FOLDER / picture).stat().st_size < MOST_BYTES


def test_the_repository_is_called_after_the_extension_and_every_address_leads_there() -> None:
    homepage = setting("HOMEPAGE")
    owner, repository = homepage.removeprefix("https://github.com/").split("/")
    assert repository == "SlicerPartialLabelSeg"
    raw = f"https://raw.githubusercontent.com/{owner}/{repository}/main/"
    for url in (setting("ICONURL"), *setting("SCREENSHOTURLS").split(" ")):
        assert url.startswith(raw)


def test_the_licence_lies_at_the_top_and_the_page_names_it() -> None:
    assert "Apache License" in text("LICENSE") and "Version 2.0" in text("LICENSE")
    assert "Apache-2.0" in README[README.index("## Licence") :]


def test_the_page_says_what_it_is_in_a_picture_and_few_words_and_what_the_module_does_and_how_to_cite_it() -> None:
    assert README.startswith("# PartialLabelSeg\n")
    before = README[: README.index("## ")]
    assert "3D Slicer" in before and "![" in before
    assert re.search(r"The module \*Partial Label Segmentation\* .+?\.", README, re.S)
    cite = README[README.index("## How to cite") : README.index("## Licence")]
    assert len(re.findall(r"\]\(https://[^)]+\)", cite)) == 2


def imported_at_file_scope(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def test_the_module_file_imports_only_what_every_slicer_has_and_runs_nothing() -> None:
    tree = ast.parse(text(f"{MODULE_FOLDER}/PartialLabelSeg.py"))
    packages = {name.split(".")[0] for name in imported_at_file_scope(tree)}
    assert packages <= {*SHIPPED, *sys.stdlib_module_names}
    said, kinds = tree.body[0], (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.Assign)
    assert isinstance(said, ast.Expr) and all(isinstance(node, kinds) for node in tree.body[1:])


def test_nothing_is_called_while_a_file_is_imported() -> None:
    """An installation, above all."""
    for name in project_files():
        if name.startswith(f"{MODULE_FOLDER}/") and name.endswith(".py"):
            for node in ast.parse(text(name)).body:
                assert not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant), f"{name} runs code"
