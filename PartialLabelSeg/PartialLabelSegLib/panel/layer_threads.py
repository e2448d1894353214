"""The colours over the slices, computed without threads of their own.

Between a slice of a volume and its colours stand eight small filters. By themselves each starts as many threads as the computer has
processors, in each view and at each step of the slider; for pictures of the size of a view that takes longer than the work that is shared
out, and every one of them waits where another program wants a processor. Here they use VTK's common pool (vtkSMPTools) instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def use_common_threads(volume: Any, slice_logics: Iterable[Any]) -> None:
    """For a volume in the foreground of slice views. Slicer makes these filters anew for each volume that it shows: no other one is concerned."""
    for logic in slice_logics:
        layer = logic.GetForegroundLayer()
        shown = layer.GetVolumeNode() if layer is not None else None
        if shown is not None and shown.GetID() == volume.GetID():
            for each in filters_of(layer):
                if not each.GetEnableSMP():
                    each.SetEnableSMP(True)


def filters_of(layer: Any) -> Iterator[Any]:
    """The filters that colour a slice of a layer. Not the one that cuts it: a layer keeps that one for all its volumes."""
    connection = layer.GetImageDataConnection()
    waiting = [connection.GetProducer()] if connection is not None else []
    seen = set()
    while waiting:
        algorithm = waiting.pop()
        if not algorithm.IsA("vtkThreadedImageAlgorithm") or algorithm.IsA("vtkImageReslice") or algorithm in seen:
            continue
        seen.add(algorithm)
        yield algorithm
        for port in range(algorithm.GetNumberOfInputPorts()):
            waiting += [
                algorithm.GetInputAlgorithm(port, number)
                for number in range(algorithm.GetNumberOfInputConnections(port))
            ]
