"""What has to be in the environment before Qt and VTK are loaded on a machine without a display."""

from __future__ import annotations

import os
import sys


def has_display() -> bool:
    """Whether a window can be seen."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def draw_without_display() -> None:
    """Qt draws into memory, whether or not there is a display; VTK through EGL where there is none."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if not has_display():
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
