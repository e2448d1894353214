"""Scans without any drawing: a file, a folder with one DICOM series, or a folder of such, as a data set of which nothing is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ...run.failure import Failure
from ..geometry import Grid
from ..image_io import looks_like_scan, read_scan, volume_stem
from ..types import Problem, Structure, clean_name
from .draft import DataSet, Draft
from .drawing import Drawing


def read_plain(path: Path, structures: Sequence[Structure]) -> DataSet:
    """The scans at `path`, each with every structure missing. Failure: none there. Of two scans of one name the first is taken, with a warning."""
    drafts: dict[str, Draft] = {}
    problems = []
    for scan in [path] if looks_like_scan(path) else _scans_in(path):
        name = clean_name((scan.name if scan.is_dir() else volume_stem(scan)) or "scan")
        if name in drafts:
            text = f"{scan.name} has the name of another scan and is left out."
            problems.append(Problem(text, name, severity="warning"))
        else:
            drafts[name] = Draft(name, partial(read_scan, scan), _nothing_drawn, split="test", holds=frozenset())
    if not drafts:
        raise Failure(f"{path.name} holds no scan.", way_out="Give a scan, a folder of scans, or a data set.")
    return DataSet("scans", tuple(structures), tuple(drafts.values()), problems)


def _scans_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (
            path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and looks_like_scan(path)
        )


def _nothing_drawn(grid: Grid) -> Drawing:
    return Drawing()
