"""What was learned, as files outside a run: the network `NAME.pt`, beside it `NAME.confidence.pt`, and `NAME.json` with what both know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Relabelling, from_json, to_json
from ..run.failure import Failure
from ..run.files import read_json, write_json
from .types import Structure

FORMAT = 1
ENDING, CONFIDENCE, ABOUT = ".pt", ".confidence.pt", ".json"


@dataclass(frozen=True)
class About:
    """What stands beside a network. scans: how many it was learned from. rules: those of its run; None where an earlier version did not say.

    overlapping: the pairs of structures that may share voxels.
    """

    name: str
    structures: tuple[Structure, ...]
    scans: int = 0
    date: str = ""
    rules: Relabelling | None = None
    overlapping: frozenset[frozenset[str]] = frozenset()


def confidence_beside(network: Path) -> Path:
    """Where the confidence network of a saved network lies, if it has one."""
    return network.with_name(f"{network.stem}{CONFIDENCE}")


def about_beside(network: Path) -> Path:
    return network.with_suffix(ABOUT)


def is_network(path: Path) -> bool:
    """Whether a file of this name is a saved network, and not the confidence of one."""
    return path.name.endswith(ENDING) and not path.name.endswith(CONFIDENCE)


def read_about(network: Path) -> About:
    """What stands beside a network. Failure: nothing, or nothing that can be read."""
    path = about_beside(network)
    content = read_json(path, "what a model knows")
    try:
        return About(
            str(content["name"]),
            tuple(from_json(Structure, item) for item in content["structures"]),
            int(content["scans"]),
            str(content["date"]),
            from_json(Relabelling, content["rules"]) if content.get("rules") is not None else None,
            frozenset(frozenset(map(str, pair)) for pair in content.get("overlapping", [])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure(f"what a model knows ({path.name}) is damaged ({error}).", way_out="Save it again.") from None


def write_about(network: Path, about: About) -> None:
    content: dict[str, Any] = {
        "format": FORMAT,
        "name": about.name,
        "structures": [to_json(item) for item in about.structures],
        "scans": about.scans,
        "date": about.date,
        "rules": to_json(about.rules) if about.rules is not None else None,
        "overlapping": sorted(sorted(pair) for pair in about.overlapping),
    }
    write_json(about_beside(network), content)
