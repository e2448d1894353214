"""What all tests share: how they wait for a core, and where the real scans lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT_FOLDER = Path(__file__).resolve().parents[1]

# Before anything imports torch: tiny cases gain nothing from threads, and one thread adds numbers in one order.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(PROJECT_FOLDER / ".venv" / "hypothesis"))

import hypothesis  # noqa: E402  reads the folder above when it is imported

# No deadline: a busy machine is not a failure. No memory of earlier runs: a test fails for everybody or for nobody.
hypothesis.settings.register_profile("project", deadline=None, database=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("fast", hypothesis.settings.get_profile("project"), max_examples=8)
hypothesis.settings.load_profile("fast" if os.environ.get("PARTIALLABELSEG_FAST") == "1" else "project")


@pytest.fixture(autouse=True)
def as_many_threads_as_before() -> Iterator[None]:
    """No test leaves torch with another number of threads: sums would be added in another order, and later tests compare bits."""
    before = _threads()
    yield
    assert before in (None, _threads()), f"torch had {before} threads before this test and has {_threads()} after it"


def _threads() -> int | None:
    """Of torch in this process; None as long as no test has loaded it."""
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()


@pytest.fixture(scope="session")
def project_folder() -> Path:
    """The top of the repository."""
    return PROJECT_FOLDER


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real scans. Where there is none the test is skipped, or fails under PARTIALLABELSEG_REQUIRE_DATA=1."""
    folder = Path(os.environ.get("PARTIALLABELSEG_DATA") or PROJECT_FOLDER.parent / "shared" / "data")
    if folder.is_dir():
        return folder
    reason = f"no real scans at {folder}: name their folder in PARTIALLABELSEG_DATA"
    if os.environ.get("PARTIALLABELSEG_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
