"""The page of the panel's benchmark, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.tables import table

TARGETS: dict[str, tuple[str, float]] = {
    "gamma_ms_per_view": ("a step of the slider to the drawn slices, ms per view", 10),
    "longest_block_ms": ("longest time the window is kept, apart from reading and writing nodes, ms", 50),
    "module_open_seconds": ("opening the module: importing and building it, s", 0.3),
    "accept_organ_seconds": ("accepting an organ, from the click to the segment and the saved decision, s", 0.5),
}
SHORT_NOTE = "\n**A short look with a small scan: not to be quoted.**\n"


def page(numbers: Mapping[str, Any]) -> str:
    """The whole page in Markdown, without the machine's facts."""
    details = numbers["details"]
    rows = [
        [words, f"{numbers[key]:.3g}", f"at most {most:g}", "met" if numbers[key] <= most else "**missed**"]
        for key, (words, most) in TARGETS.items()
    ]
    rows.insert(
        2, ["of that without the views drawing themselves, ms", f"{numbers['longest_own_block_ms']:.3g}", "–", ""]
    )
    torch = "is imported" if numbers["torch_imported"] else "is not imported"
    parts = [
        "# The panel's window\n",
        "`python3 Testing bench panel`. Two scans of 512 × 512 × 300 voxels with seven structures and a small third one, in the window of "
        "`python3 Testing panel`: Slicer's own scene, slice views and segmentations, drawn by software. In one scan three structures are drawn "
        "and four suggested; in the other, which lies on disk, all seven are suggested. Around each suggestion lie 30 stray pieces, and those of "
        "the pancreas lie all over the scan, so that it is as large as the scan to whatever works in boxes. Worst of all cases counts.",
        "" if numbers["quotable"] else SHORT_NOTE,
        table(["what", "measured", "wanted", ""], rows),
        f"PyTorch {torch} in the window's process. Programs that wanted a core in the minute before it began: {numbers['load_before']}. Where that is "
        "more than the cores, every time on the clock is too long, and processor time (of all threads, so at most what it takes on a quiet machine) "
        "says more.\n",
        _gamma(details["gamma"]),
        _blocks(details["activities"]),
        _open(details["open"]),
        _accept(details["accept_seconds"], numbers["accept_organ_median_seconds"]),
    ]
    return "\n".join(part for part in parts if part)


def _gamma(gamma: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        [name, *(f"{item[key]:.1f}" for key in ("median", "p95", "worst", "processor"))] for name, item in gamma.items()
    ]
    return (
        "## The slider\n\nFrom the step to three slice views drawn anew, by what is coloured; ms per view, 100 steps each. Nothing is computed "
        "but the pictures: a display threshold on the ranks. The last line begins at the slider's handle and has its counts in it.\n\n"
        + table(["shown", "median", "95 %", "longest", "processor time"], rows)
    )


def _blocks(activities: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            item["name"],
            f"{item['seconds']:.0f}",
            f"{item['rest_ms']:.0f}",
            f"{item['rest_cpu_ms']:.0f}",
            f"{item['own_ms']:.0f}",
            f"{item['rest_over_50_ms']}",
            f"{item['nodes_ms']:.0f}",
            _where(item),
        ]
        for item in activities
    ]
    return (
        "## How long the window is kept\n\nA timer beats every 5 ms in the window's thread; the longest time without a beat counts. Where the "
        "thread was meanwhile is sampled every 5 ms, and time in the few calls that hand a segment's voxels to MRML, read a segmentation's file "
        "into a node or bring a file's end onto the disk is told apart (nodes), as is the copying of pictures that only this window does. "
        "The longest has in it that a view draws itself, by software; four views do so in four turns. The column without drawing leaves that out. "
        "Learning is a process that sends as many events as a real one with five progress lines a second; what the panel does with them is "
        "real.\n\n"
        + table(
            [
                "while",
                "s",
                "longest, ms",
                "processor, ms",
                "without drawing, ms",
                "over 50 ms",
                "nodes, ms",
                "where the longest was",
            ],
            rows,
        )
    )


def _where(item: Mapping[str, Any]) -> str:
    """The function that the longest block was in most of the time, where it was long enough to be sampled."""
    first = next(iter(item["rest_where"]), "") if item["rest_ms"] > 30 else ""
    return first.split(" < ")[0].rsplit(":", 1)[0] if " " in first else ""


def _open(opening: Mapping[str, Any]) -> str:
    rows = [
        ["importing", f"{opening['import_seconds']:.3f}"],
        ["building the widgets", f"{opening['build_seconds']:.3f}"],
        ["drawing them for the first time", f"{opening['draw_seconds']:.3f}"],
    ]
    return (
        "## Opening the module\n\nA fresh process each time, in which Slicer's libraries, Qt, the scene and the window are loaded; median of "
        f"five, {opening['least_seconds']:.3f} to {opening['most_seconds']:.3f} s without the drawing. Loaded by it: "
        f"{', '.join(opening['packages'])}.\n\n" + table(["what", "seconds"], rows)
    )


def _accept(seconds: Mapping[str, float], median: float) -> str:
    rows = [[name, f"{value:.3f}"] for name, value in seconds.items()]
    return (
        f"## Accepting an organ\n\nA real click on Accept, until the voxels are in the scene and the decision is in review.json; median "
        f"{median:.3f} s.\n\n" + table(["organ", "seconds"], rows)
    )
