"""Runs to report on: a small one with phantoms, and one with made-up blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from PartialLabelSegLib.run.folder import RunFolder
from report.fake_run import block_scans, phantom_scans, write_run


@pytest.fixture(scope="session")
def phantom_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Five phantoms, two rounds of relabelling; the last scan is of the test split. Not to be changed."""
    structures, scans = phantom_scans(5)
    return write_run(tmp_path_factory.mktemp("phantoms") / "run", structures, scans)


@pytest.fixture
def block_run(tmp_path: Path) -> RunFolder:
    """Four structures in six small scans, one round of relabelling; a test may change it."""
    structures, scans = block_scans(4, 6)
    return write_run(tmp_path / "run", structures, scans, rounds=1)
