"""torchvision's operators where that package is installed and works; nobody needs it: each has a plain form here."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


@cache
def vision_operators() -> Any | None:
    """The module `torchvision.ops`, or None where it is not installed or was built for another torch.

    Looked for once, when it is first needed, never when this file is imported. A torchvision of another version than torch's fails in many ways while
    it loads; each means the same here: it cannot be used.
    """
    try:
        module = importlib.import_module("torchvision.ops")
    except (ImportError, RuntimeError, OSError, AttributeError):
        return None
    return module if hasattr(module, "nms") and hasattr(module, "roi_align") else None
