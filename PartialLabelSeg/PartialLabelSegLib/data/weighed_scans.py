"""How many scans have doubtful labels that others can speak for or against: those whose voxels get weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .label_files import read_description


def weighed_scans(folders: Iterable[Path], structures: Sequence[str]) -> int:
    """Counts the scans with a doubtful label of a structure of which some scan has a trusted one. Reads the small descriptions only.

    folders: of the labels of the training scans. Failure: a description is absent or damaged.
    """
    doubtful: list[frozenset[str]] = []
    trusted: set[str] = set()
    for folder in folders:
        said = read_description(folder)
        imperfect = frozenset(said.get("imperfect") or ())
        looked_for = {name for name, flag in zip(structures, said.get("known") or ()) if flag} | set(
            said.get("slices") or ()
        )
        doubtful.append(imperfect)
        trusted |= looked_for - imperfect
    return sum(bool(names & trusted) for names in doubtful)
