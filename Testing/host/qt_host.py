"""PySide6 as the module `qt`, with a guard: the panel's files may use only what PythonQt spells the same.

In plain PySide6 `box.text = "x"` sets a Python attribute and leaves Qt as it was, and `box.text` is a method, so that `if box.checked:`
is always true. Mistakes like these pass unseen here and fail in Slicer, so the guard raises when a guarded file makes them.
Other code, such as the tests, uses PySide6 as it is.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

GUARDED = ("PartialLabelSegLib.panel", "PartialLabelSeg")
PARTS = (QtCore, QtGui, QtWidgets)
# Missing in Slicer's qt, or not usable there: Python threads do not run, signals of our own are unsafe, a blocker is no context.
NOT_SHARED = {
    "SIGNAL",
    "SLOT",
    "Signal",
    "Slot",
    "Property",
    "SignalInstance",
    "QSignalBlocker",
    "QThread",
    "QThreadPool",
    "QRunnable",
}
# Qt itself asks for these while a guarded file's line is running, to find out whether a subclass has its own.
VIRTUAL = {"sizeHint", "minimumSizeHint"}
# Methods that share their name with a property.
METHODS = {("QTimer", "singleShot")}


class NotShared(RuntimeError):
    """A line of the panel that means something else in Slicer."""


def install() -> types.ModuleType:
    """Makes `import qt` work, guarded. Calling it again changes nothing."""
    if "qt" in sys.modules:
        return sys.modules["qt"]
    module = types.ModuleType("qt", __doc__)
    for part in PARTS:
        for name in dir(part):
            if not name.startswith("_") and name not in NOT_SHARED:
                setattr(module, name, getattr(part, name))
    for owner in _object_classes():
        _guard_properties(owner)
    sys.modules["qt"] = module
    return module


def _guarded_caller(depth: int) -> bool:
    """Whether the Python code `depth` calls above this function belongs to the panel."""
    name = sys._getframe(depth + 1).f_globals.get("__name__", "")
    return any(name == guarded or name.startswith(guarded + ".") for guarded in GUARDED)


class _GuardedProperty:
    """Stands in a Qt class for the getter of a property."""

    def __init__(self, name: str, original: Any) -> None:
        self.name = name
        self.original = original

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is not None and _guarded_caller(1):
            raise NotShared(f'read {type(instance).__name__}.{self.name} as get(widget, "{self.name}")')
        if self.original is None:
            raise AttributeError(self.name)
        return self.original.__get__(instance, owner) if hasattr(self.original, "__get__") else self.original

    def __set__(self, instance: Any, value: object) -> None:
        raise NotShared(f"write {type(instance).__name__}.{self.name} with its setter")


def _object_classes() -> Iterator[type]:
    """Every QObject class of the three parts, base classes first."""
    found: set[type] = set()
    for part in PARTS:
        for name in dir(part):
            value = getattr(part, name)
            if isinstance(value, type) and issubclass(value, QtCore.QObject):
                found.add(value)
    return iter(sorted(found, key=lambda owner: (len(owner.__mro__), owner.__name__)))


def _guard_properties(owner: Any) -> None:
    """Replaces the getters of the properties that this class adds to those of its bases."""
    described = owner.staticMetaObject
    for i in range(described.propertyOffset(), described.propertyCount()):
        name = described.property(i).name()
        if name in VIRTUAL or (owner.__name__, name) in METHODS or not name.isidentifier():
            continue
        original = getattr(owner, name, None)
        if not isinstance(original, property | _GuardedProperty):
            setattr(owner, name, _GuardedProperty(name, original))
