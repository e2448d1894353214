"""Checkpoints and finished networks as files: tensors and plain values only, read without running anything they contain."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path
from typing import Any

import torch

from ..run.failure import Failure
from ..run.files import replacing

FORMAT = 1


def save(path: Path, content: dict[str, Any]) -> None:
    """Writes tensors, numbers, strings, lists and dicts; whole or not at all."""
    with replacing(path) as beside:
        try:
            torch.save({"program": "PartialLabelSeg", "format": FORMAT, **content}, beside)
        except RuntimeError as error:
            # torch does not tell what the system said.
            raise OSError(errno.EIO, "it could not be written, perhaps because the disk is full", path.name) from error


def load(path: Path, what: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What `save` wrote. Failure: absent, damaged, or of another program or format."""
    place = "/".join(path.parts[-3:]) if path.parts[-3:-2] == ("rounds",) else path.name
    way_out = f"Delete {place} and run the same command again."
    try:
        _check_whole(path)
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise Failure(f"{what} ({path.name}) is missing from {path.parent.name}.") from None
    except (
        Exception
    ) as error:  # A foreign file can fail in any way while it is taken apart; each means the same to a person.
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise Failure(
            f"{what} ({path.name}) is damaged or not a file of this program ({reason}).", way_out=way_out
        ) from None
    if not isinstance(content, dict) or content.get("program") != "PartialLabelSeg":
        raise Failure(f"{what} ({path.name}) was not written by this program.", way_out=way_out)
    if content.get("format") != FORMAT:
        raise Failure(
            f"{what} ({path.name}) has format {content.get('format')}; this version reads {FORMAT}.", way_out=way_out
        )
    return content


def _check_whole(path: Path) -> None:
    """ValueError where a part of the file is not what was written: torch itself does not look at the checksums."""
    with zipfile.ZipFile(path) as parts:
        damaged = parts.testzip()
    if damaged is not None:
        raise ValueError(f"the checksum of {damaged} differs")
