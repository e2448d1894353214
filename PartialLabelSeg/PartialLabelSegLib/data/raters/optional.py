"""Packages that only one way in or out needs: looked for when it is asked for, and never installed unasked."""

from __future__ import annotations

import importlib
from typing import Any

from ...run.failure import Failure


def optional(package: str, what: str, otherwise: str) -> Any:
    """The module of an optional package. Failure: it is not installed; what needs it, and what to do `otherwise`."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise Failure(
            f"{what} needs the Python package {package}, which is not installed.",
            way_out=f"{otherwise}, or install it: pip install {package} (in 3D Slicer's Python console: slicer.util.pip_install('{package}')).",
        ) from None
