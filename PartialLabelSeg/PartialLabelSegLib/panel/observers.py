"""What VTK's objects call when something happens, so that it keeps nobody alive and can be called at any moment, even the last.

A scene that Python collects closes itself and tells so. A plain function that it then calls may be one that Python collects with it, and is half
taken apart: Python crashes. So an observer is an object whose code lies in a class, which never goes, and it finds its owner by a weak reference.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import vtk


class Observers:
    """The observers that one owner has set; `release()` takes them away. Without it they call nothing once the owner is gone."""

    def __init__(self) -> None:
        self._set: list[tuple[Any, int]] = []

    def add(self, subject: Any, event: Any, method: Callable[[], object]) -> None:
        """Calls a method of the owner at each such event of a VTK object."""
        self._set.append((subject, subject.AddObserver(event, _Call(method))))

    def add_for_node(self, subject: Any, event: Any, method: Callable[[Any], object]) -> None:
        """The same, with the node that the event is about."""
        self._set.append((subject, subject.AddObserver(event, _CallWithNode(method))))

    def add_before(self, subject: Any, event: str, method: Callable[[Any, str], bool], priority: float) -> None:
        """The same with the subject and the event, before others of less priority; where it returns True, those are not called."""
        call = _CallBefore(method)
        call.tag = subject.AddObserver(event, call, priority)
        self._set.append((subject, call.tag))

    def __bool__(self) -> bool:
        return bool(self._set)

    def release(self) -> None:
        for subject, tag in self._set:
            subject.RemoveObserver(tag)
        self._set = []


class _Call:
    __slots__ = ("_method",)

    def __init__(self, method: Callable[..., object]) -> None:
        self._method = weakref.WeakMethod(method)

    def __call__(self, *_: Any) -> None:
        method = self._owners()
        if method is not None:
            method()

    def _owners(self) -> Callable[..., object] | None:
        """The method, while its owner lives. It has none any more where Python takes this very object apart."""
        reference = getattr(self, "_method", None)
        return None if reference is None else reference()


class _CallWithNode(_Call):
    __slots__ = ()

    CallDataType = vtk.VTK_OBJECT

    def __call__(self, *said: Any) -> None:
        method = self._owners()
        if method is not None:
            method(said[-1])


class _CallBefore(_Call):
    __slots__ = ("tag",)

    tag: int

    def __call__(self, subject: Any, event: str, *_: Any) -> None:
        method = self._owners()
        if method is not None and method(subject, event):
            command = subject.GetCommand(self.tag)
            if command is not None:
                command.SetAbortFlag(1)
