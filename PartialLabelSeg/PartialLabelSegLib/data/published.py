"""A list of published files: where each is fetched from, how long it is, and its checksum."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..run.failure import Failure
from ..run.files import read_json

OPENKBP = Path(__file__).resolve().parents[2] / "Resources" / "SampleData" / "openkbp.json"
"""The list of the OpenKBP study's files that are used here."""
SAMPLE = "sample"
"""The part of a list that is enough to try everything with."""


@dataclass(frozen=True)
class Published:
    """One file. name: its path below the folder that it is fetched into, with forward slashes."""

    name: str
    address: str
    bytes: int
    sha256: str


def published_files(listing: Path, part: str = "") -> tuple[Published, ...]:
    """The files that a list names. part: only those in the folders that the list counts to this part.

    listing: JSON with `url` and `files`, {relative path: {"bytes", "sha256"}}; `parts`, {part: [folder, ...]}, where there are any.
    """
    content: dict[str, Any] = read_json(listing, "the list of published files")
    files = [
        Published(name, content["url"] + name, int(facts["bytes"]), str(facts["sha256"]))
        for name, facts in content["files"].items()
    ]
    if not part:
        return tuple(files)
    folders = tuple(f"{folder}/" for folder in content.get("parts", {}).get(part, ()))
    if not folders:
        raise Failure(f"{listing.name} has no part '{part}'.")
    return tuple(file for file in files if file.name.startswith(folders))
