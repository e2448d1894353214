"""What run.json says of the scans and structures of a run, read again only when the file has changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Relabelling, from_json
from ..data.types import Structure
from ..run.failure import Failure
from ..run.folder import RunFolder


@dataclass(frozen=True)
class RunFacts:
    """folders: scan -> folder of its case in the run. splits: scan -> train, validation or test. rounds: the number of the last round, from 0.

    rules: as it was begun with; None where this version does not understand them. overlapping: pairs of structures that may share voxels.
    """

    structures: tuple[Structure, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    splits: tuple[tuple[str, str], ...] = ()
    rounds: int = 0
    rules: Relabelling | None = None
    overlapping: frozenset[frozenset[str]] = frozenset()

    def folder(self, scan: str) -> str | None:
        return dict(self.folders).get(scan)

    def scan_of(self, folder: str) -> str | None:
        return next((scan for scan, place in self.folders if place == folder), None)


NOTHING = RunFacts()


class RunReader:
    """Remembers what it read last."""

    def __init__(self) -> None:
        self._key: tuple[Path, int] | None = None
        self._facts = NOTHING

    def facts(self, run: RunFolder | None) -> RunFacts:
        """Nothing where there is no run, or it cannot be read."""
        if run is None:
            return NOTHING
        try:
            key = (run.path, run.head.stat().st_mtime_ns)
        except OSError:
            return NOTHING
        if key != self._key:
            self._key, self._facts = key, _read(run)
        return self._facts


def _read(run: RunFolder) -> RunFacts:
    try:
        head: dict[str, Any] = run.read_head()
        structures = tuple(from_json(Structure, item) for item in head["structures"])
        cases = [(str(item["name"]), str(item["folder"]), str(item["split"])) for item in head["cases"]]
        choices = head["configuration"]["relabelling"]
        overlapping = frozenset(frozenset(map(str, pair)) for pair in head.get("overlapping", []))
        rules = _rules(choices)
        last = rules.later_rounds if rules is not None else int(choices["rounds"])
    except (Failure, KeyError, TypeError, ValueError, OSError, json.JSONDecodeError):
        return NOTHING
    return RunFacts(
        structures,
        tuple((name, folder) for name, folder, _ in cases),
        tuple((name, split) for name, _, split in cases),
        last,
        rules,
        overlapping,
    )


def _rules(content: Any) -> Relabelling | None:
    try:
        return from_json(Relabelling, content)
    except ValueError:
        return None
