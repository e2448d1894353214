"""The project's files as the structure tests see them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
MODULE_FOLDER = "PartialLabelSeg"
LIBRARY = "PartialLabelSeg/PartialLabelSegLib"
LEFT_BEHIND = {"__pycache__", "build", "dist", "runs"}


@cache
def project_files() -> tuple[str, ...]:
    """Every file that belongs to the project, as a path from its top with forward slashes: what git knows or would add."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "-z", "--exclude-standard"], cwd=PROJECT_FOLDER, capture_output=True, check=True
        )
        names = listed.stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = walked()
    return tuple(sorted(name for name in names if name and (PROJECT_FOLDER / name).is_file()))


def walked() -> list[str]:
    """The same without git, for a copy that is no clone."""
    kept = {".ci/run"}
    found = (path.relative_to(PROJECT_FOLDER) for path in PROJECT_FOLDER.rglob("*"))
    for path in found:
        hidden_folder = any(part.startswith(".") for part in path.parts[:-1])
        if not hidden_folder and not LEFT_BEHIND.intersection(path.parts) and path.name != ".venv.lock":
            kept.add(path.as_posix())
    return list(kept)


def python_files(under: str = "") -> list[str]:
    """The Python files whose path starts with `under`."""
    return [name for name in project_files() if name.endswith(".py") and name.startswith(under)]


def text(name: str) -> str:
    """The text of a file of the project."""
    return (PROJECT_FOLDER / name).read_text(encoding="utf-8")
