"""The command and the environment of a worker: what Slicer set up for itself is taken out, so that any Python starts well in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath

LIBRARY = Path(__file__).resolve().parents[1]

OF_SLICERS_PYTHON = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONEXECUTABLE",
    "PYTHONPLATLIBDIR",
    "PYTHONINSPECT",
    "__PYVENV_LAUNCHER__",
    "VIRTUAL_ENV",
)
"""They make another Python look for its packages in Slicer. `PythonSlicer` sets what it needs by itself."""
OF_SLICER = ("SLICER_HOME", "SLICER_EXTENSIONS_REVISION", "PARTIALLABELSEG_RESTARTED")
LISTS_OF_FOLDERS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH", "QT_PLUGIN_PATH")


def worker_command(python: str, *arguments: str | Path) -> list[str]:
    """The command line of a worker; `-u`: each line is there at once."""
    return [python, "-u", str(LIBRARY), *map(str, arguments)]


def worker_environment(startup: Mapping[str, str]) -> dict[str, str]:
    """The environment for a worker, from the one that Slicer was started in or runs in."""
    home = startup.get("SLICER_HOME", "")
    kept = {name: text for name, text in startup.items() if name not in (*OF_SLICERS_PYTHON, *OF_SLICER)}
    for name in LISTS_OF_FOLDERS:
        if home and name in kept:
            kept[name] = without_folder(kept[name], home)
    # Into a file Python would otherwise write in the language's old code page, which has no µ or 中.
    kept["PYTHONIOENCODING"] = "utf-8"
    return kept


def without_folder(folders: str, unwanted: str) -> str:
    """A list of folders without those that are, or lie in, `unwanted`."""
    root = PurePath(os.path.normcase(unwanted))
    kept = (item for item in folders.split(os.pathsep) if not _lies_in(PurePath(os.path.normcase(item)), root))
    return os.pathsep.join(kept)


def _lies_in(path: PurePath, root: PurePath) -> bool:
    return path == root or root in path.parents
