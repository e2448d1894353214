"""A Python of its own for what a test process must not be: with other packages loaded, at another scale, or crashed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTING = Path(__file__).resolve().parent


def python_apart(*arguments: str | Path, **environment: str) -> str:
    """What a Python prints that finds the library and the tests' own modules; the test fails where it ends with an error."""
    paths = os.pathsep.join([str(TESTING), str(TESTING.parent / "PartialLabelSeg")])
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr
    return done.stdout
