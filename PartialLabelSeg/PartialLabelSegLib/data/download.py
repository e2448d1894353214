"""Published files by address and checksum: fetched once, checked, and never half there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from ..run.failure import Failure
from ..run.files import inside, replacing
from .published import published_files

SECONDS = 60


def download(listing: Path, folder: Path, part: str = "") -> Iterator[tuple[int, int]]:
    """Fetches what `listing` names into `folder`, passing over what is there; yields (done, all) after each file.

    listing, part: as `published_files` takes them. Failure: no network, or a file that is not the published one.
    """
    files = published_files(listing, part)
    for done, file in enumerate(files, 1):
        target = inside(folder, file.name, "published file")
        if not (target.exists() and target.stat().st_size == file.bytes):
            _fetch(file.address, target, file.sha256)
        yield done, len(files)


def _fetch(address: str, target: Path, sha256: str) -> None:
    # Loaded when needed: the panel opens without it.
    import urllib.request

    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            data: bytes = answer.read()
    except OSError as error:
        raise Failure(
            f"{target.name} could not be fetched from the study's public repository ({error}).",
            way_out="Look at the network and try again; or download the study by hand and give its folder instead.",
        ) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Failure(
            f"{target.name} is not the published file: its checksum differs.",
            way_out="Try again later.",
        )
    with replacing(target) as beside:
        beside.write_bytes(data)
