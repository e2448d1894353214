"""Who imports whom: the code, the data below and the words in the library's `__init__.py` say the same."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from structure.sources import LIBRARY, PROJECT_FOLDER, python_files, text

NAME = "PartialLabelSegLib"
ARRAYS = {"numpy", "scipy", "SimpleITK"}
WORKER = {"config", "run", "losses", "data", "relabel", "metrics", "report", "nets", "train", "rounds"}

ROOMS: dict[str, set[str]] = {
    "config": set(),
    "run": set(),
    "setup_environment": set(),
    "losses": set(),
    "data": {"config", "run"},
    "relabel": {"data", "run"},
    "metrics": {"data", "run"},
    "report": {"config", "data", "metrics", "relabel", "run"},
    "nets": {"config"},
    "train": {"config", "data", "losses", "metrics", "nets", "relabel", "run"},
    "rounds": {"config", "data", "metrics", "relabel", "run", "train"},
    "begin": {"config", "data", "run", "train"},
    "finish": {"begin", "config", "data", "relabel", "report", "run"},
    "apply_model": {"begin", "config", "data", "finish", "rounds", "run", "train"},
    "relabel_round": {"begin", "data", "relabel", "rounds", "run", "train"},
    "terminal": {"run"},
    "options": {"config", "run"},
    "soft_labels": {"data", "metrics", "options", "report", "run"},
    "demo": {"begin", "finish", *WORKER},
    "reported": {"rounds", "run", "terminal", "train"},
    "commands": {
        *("apply_model", "begin", "config", "data", "demo", "finish", "metrics"),
        *("options", "relabel", "relabel_round", "reported", "rounds", "run", "soft_labels"),
    },
    "cli": {"commands", "options", "run"},
    "__main__": {"cli", "setup_environment"},
    "panel": {"config", "data", "metrics", "relabel", "run"},
}
PACKAGES: dict[str, set[str]] = {
    "config": set(),
    "run": set(),
    "setup_environment": set(),
    "losses": {"torch"},
    "data": ARRAYS,
    "relabel": ARRAYS,
    "metrics": ARRAYS,
    "report": ARRAYS,
    "nets": {"torch", "numpy"},
    "train": {"torch", *ARRAYS},
    "rounds": {"numpy"},
    "begin": {"numpy"},
    "finish": set(),
    "apply_model": {"numpy"},
    "relabel_round": {"numpy"},
    "terminal": set(),
    "options": set(),
    "soft_labels": set(),
    "demo": {"numpy"},
    "reported": set(),
    "commands": set(),
    "cli": set(),
    "__main__": set(),
    "panel": {"slicer", "qt", "ctk", "vtk", "numpy", "SimpleITK"},
}
WITHOUT_TORCH = sorted(
    {"config", "run", "data", "relabel", "metrics", "report", "terminal", "options", "soft_labels"}
    | {"reported", "commands", "cli"}
)

LIBRARY_FILES = [name for name in python_files(LIBRARY) if name != f"{LIBRARY}/__init__.py"]


def room_of(name: str) -> str:
    """The first folder, or the file, below the library's folder."""
    return PurePosixPath(name).relative_to(LIBRARY).parts[0].removesuffix(".py")


def imported_modules(name: str, source: str) -> Iterator[str]:
    """Every module that a file imports, by its full name: at file scope, inside functions, and for type checkers only."""
    own_package = PurePosixPath(name).relative_to("PartialLabelSeg").parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = own_package[: len(own_package) - node.level + 1] if node.level else ()
            parts = [*base, *(node.module.split(".") if node.module else [])]
            # `from .. import data` names a room, `from ..data import Case` does not.
            yield from (".".join([*parts, alias.name]) if parts == [NAME] else ".".join(parts) for alias in node.names)


@pytest.mark.parametrize("name", LIBRARY_FILES)
def test_a_file_imports_only_the_rooms_and_packages_that_its_room_may(name: str) -> None:
    room = room_of(name)
    assert room in ROOMS, f"{name}: the room '{room}' is in no line of the layer map"
    for module in imported_modules(name, text(name)):
        top, *rest = module.split(".")
        if top == NAME:
            assert rest, f"{name} imports the whole library"
            assert rest[0] == room or rest[0] in ROOMS[room], f"{name}: {room} may not import {rest[0]}"
        else:
            allowed = top in sys.stdlib_module_names or top in PACKAGES[room]
            assert allowed, f"{name}: {room} may not import the package {top}"


def test_the_check_sees_every_way_to_import() -> None:
    source = (
        "import os.path, PartialLabelSegLib.config\n"
        "from . import blocks\nfrom .. import data\nfrom ..run.files import replacing\n"
        "if TYPE_CHECKING:\n    from ...outside import thing\n"
        "def f():\n    from PartialLabelSegLib import train\n    import torch.nn as nn\n"
    )
    assert set(imported_modules(f"{LIBRARY}/nets/unet.py", source)) == {
        "os.path",
        "PartialLabelSegLib.config",
        "PartialLabelSegLib.nets",
        "PartialLabelSegLib.data",
        "PartialLabelSegLib.run.files",
        "outside",
        "PartialLabelSegLib.train",
        "torch.nn",
    }


def test_the_words_in_the_library_and_the_data_here_agree() -> None:
    words = re.findall(r"^    (\w+) <- (.+?)(?:, with (.+))?$", text(f"{LIBRARY}/__init__.py"), re.M)
    rooms = {room: set(others.split(", ")) - {"nothing"} for room, others, _ in words}
    packages = {room: set(names.split(", ")) - {""} for room, _, names in words}
    assert rooms == ROOMS
    assert packages == PACKAGES


def test_the_map_has_no_circle() -> None:
    left = dict(ROOMS)
    while left:
        free = [room for room, others in left.items() if not others & set(left)]
        assert free, f"these import each other in a circle: {sorted(left)}"
        for room in free:
            del left[room]


def test_the_library_itself_imports_nothing() -> None:
    body = ast.parse(text(f"{LIBRARY}/__init__.py")).body
    assert len(body) == 1 and ast.get_docstring(ast.parse(text(f"{LIBRARY}/__init__.py")))


def test_what_needs_no_torch_does_not_load_it() -> None:
    names = [name for name in LIBRARY_FILES if room_of(name) in WITHOUT_TORCH]
    modules = [name.removeprefix("PartialLabelSeg/").removesuffix(".py").replace("/", ".") for name in names]
    assert modules
    script = (
        "import importlib, sys\n"
        f"for name in {[module.removesuffix('.__init__') for module in modules]}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name + ' loads torch'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_FOLDER / "PartialLabelSeg",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
