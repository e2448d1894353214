"""How much memory the computer has left: a guess at why the system ended a program needs it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

LITTLE_SHARE = 0.06
LITTLE_BYTES = 600 * 2**20


def memory_bytes() -> tuple[int, int] | None:
    """Available and whole memory; None where the system does not say (macOS), or not without effort."""
    try:
        if sys.platform == "win32":
            return _of_windows()
        return of_linux(Path("/proc/meminfo").read_text(encoding="ascii"))
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def of_linux(text: str) -> tuple[int, int]:
    """The two numbers of /proc/meminfo."""
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in text.splitlines())}
    return kilobytes["MemAvailable"] * 1024, kilobytes["MemTotal"] * 1024


def is_little(found: tuple[int, int] | None) -> bool:
    """Whether so little is left that the system may end programs. False where it is not known."""
    return found is not None and found[0] < max(LITTLE_BYTES, LITTLE_SHARE * found[1])


class _Status(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        ("total", ctypes.c_ulonglong),
        ("available", ctypes.c_ulonglong),
        ("rest", ctypes.c_ulonglong * 5),
    )


def _of_windows() -> tuple[int, int]:
    status = _Status()
    status.length = ctypes.sizeof(_Status)
    windows = getattr(ctypes, "windll")  # noqa: B009  the name exists on Windows only
    if not windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise OSError("the system does not say")
    return int(status.available), int(status.total)
