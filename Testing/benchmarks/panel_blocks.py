"""What kept the window's thread, from samples of where it was: reading and writing nodes apart from the rest."""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchmarks.panel_heartbeat import Activity, Block, Frame

OURS = ("panel/", "widgets/", "relabel/", "data/", "run/")
NODES = {
    ("panel/completed_nodes.py", "load_completed"),
    ("panel/own_segments.py", "_store"),
    ("panel/own_segments.py", "oriented"),
    ("run/files.py", "replacing"),
    ("run/files.py", "_sync_folder"),
}
"""What cannot be done in pieces: a segmentation file read into a node, a segment's voxels handed over, a file's end put onto the disk."""
HOST = {("host/views.py", "_take_over"), ("host/views.py", "read")}
"""Pictures taken of the views for a window without a screen. Slicer does not do this."""
APART = NODES | HOST
DRAWING = {("host/views.py", "render")}
"""Slicer's views drawing themselves."""


def summed_up(activity: Activity) -> dict[str, Any]:
    """An activity for the result file: the longest block, the longest apart from nodes and the host's own work, and where they were."""
    worst = activity.longest
    rest = max(activity.blocks, key=_rest_ms, default=worst)
    own = max(activity.blocks, key=_own_ms, default=worst)
    nodes = max(activity.blocks, key=lambda block: _share(block, NODES) * block.ms, default=worst)
    return {
        "name": activity.name,
        "seconds": round(activity.seconds, 2),
        "beats": activity.beats,
        "over_50_ms": sum(block.ms > 50 for block in activity.blocks),
        "longest_ms": round(worst.ms, 1),
        "longest_cpu_ms": round(worst.cpu_ms, 1),
        "longest_where": where(worst),
        "rest_ms": round(_rest_ms(rest), 1),
        "rest_where": where(rest, without=APART),
        "own_ms": round(_own_ms(own), 1),
        "own_where": where(own, without=APART | DRAWING),
        "nodes_ms": round(_share(nodes, NODES) * nodes.ms, 1),
        "nodes_where": where(nodes, only=NODES),
        "rest_over_50_ms": sum(_rest_ms(block) > 50 for block in activity.blocks),
        "rest_cpu_ms": round(rest.cpu_ms * (1 - _share(rest, APART)), 1),
    }


def _share(block: Block, places: set[tuple[str, str]]) -> float:
    """The part of a block's samples that were within one of these functions."""
    hits = sum(_is_in(stack, places) for stack in block.stacks)
    return hits / len(block.stacks) if block.stacks else 0.0


def _is_in(stack: tuple[Frame, ...], places: set[tuple[str, str]]) -> bool:
    return any((file, name) in places for file, name, _ in stack)


def _rest_ms(block: Block) -> float:
    return block.ms * (1 - _share(block, APART))


def _own_ms(block: Block) -> float:
    return block.ms * (1 - _share(block, APART | DRAWING))


def where(
    block: Block, without: set[tuple[str, str]] | None = None, only: set[tuple[str, str]] | None = None
) -> list[str]:
    """The commonest places of a block, each as 'function < its caller < its caller' with the share of the samples."""
    stacks = [
        stack
        for stack in block.stacks
        if not (without and _is_in(stack, without)) and not (only and not _is_in(stack, only))
    ]
    found = Counter(_words(stack) for stack in stacks)
    return [f"{100 * count / max(1, len(block.stacks)):.0f} % {words}" for words, count in found.most_common(4)]


def _words(stack: tuple[Frame, ...]) -> str:
    """The innermost three frames of the product (or of the host's drawing)."""
    own = [frame for frame in stack if frame[0].startswith((*OURS, "host/"))]
    return " < ".join(f"{file.rsplit('/', 1)[-1].removesuffix('.py')}.{name}:{line}" for file, name, line in own[:4])
