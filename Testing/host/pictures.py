"""Pictures of what the tests see, for people to look at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def picture(shown: Any, name: str) -> Any:
    """Grabs a widget (or the host's window) as a QPixmap, and saves it as `name`.png in the folder PARTIALLABELSEG_SCREENSHOTS, if set."""
    grabbed = shown.grab()
    folder = os.environ.get("PARTIALLABELSEG_SCREENSHOTS")
    if folder:
        path = Path(folder) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert grabbed.save(str(path)), path
    return grabbed
