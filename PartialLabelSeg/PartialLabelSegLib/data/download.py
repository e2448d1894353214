"""Published files by address and checksum: fetched once, checked, and never half there."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..run.failure import Failure
from ..run.files import inside, read_json, replacing

SECONDS = 60


def download(listing: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Fetches what `listing` names into `folder`, passing over what is there; yields (done, all) after each file.

    listing: JSON with `url` and `files`, {relative path: {"bytes", "sha256"}}. Failure: no network, or a file that is not the published one.
    """
    content: dict[str, Any] = read_json(listing, "the list of published files")
    files: dict[str, dict[str, Any]] = content["files"]
    for done, (name, facts) in enumerate(files.items(), 1):
        target = inside(folder, name, "published file")
        if not (target.exists() and target.stat().st_size == facts["bytes"]):
            _fetch(content["url"] + name, target, facts["sha256"])
        yield done, len(files)


def _fetch(address: str, target: Path, sha256: str) -> None:
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            data: bytes = answer.read()
    except (OSError, urllib.error.URLError) as error:
        raise Failure(
            f"{target.name} could not be fetched from the study's public repository ({error}).",
            way_out="Look at the network and run the same command again; or download the study by hand and name its folder: --openkbp FOLDER.",
        ) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Failure(
            f"{target.name} is not the published file: its checksum differs.",
            way_out="Run the same command again later.",
        )
    with replacing(target) as beside:
        beside.write_bytes(data)
