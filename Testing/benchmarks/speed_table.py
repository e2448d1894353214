"""The page of the speed benchmark, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.tables import table

TARGETS = {
    "step_ratio_to_bare": ("training step ÷ bare step of the same network", "at most 1.05"),
    "throughput_ratio_to_monai": (
        "throughput ÷ a MONAI loop's (float32, as MONAI and torch do by themselves)",
        "at least 1.5",
    ),
    "throughput_ratio_to_monai_same_precision": ("throughput ÷ the same MONAI loop in the product's precision", "–"),
    "prediction_ratio_to_bare": ("whole-volume prediction ÷ bare network on the same patches", "at most 1.15"),
    "select_gamma_seconds": ("seconds to select γ, 7 structures, 512 × 512 × 300", "under 0.5"),
    "streamed_peak_gib": ("peak memory of a streamed cohort, GiB", "under 4"),
}
SHORT_NOTE = "\n**A short look with few repetitions and a small cohort for the memory: not to be quoted.**\n"


def page(numbers: Mapping[str, Any]) -> str:
    """The whole page in Markdown, without the machine's facts."""
    details, threads = numbers["details"], numbers["machine"]["threads"]
    parts = [
        "# Speed\n",
        f"`python3 Testing bench speed`. Everything that is compared is timed in turn, round by round, in one process with {threads} threads; a ratio "
        "is the median over rounds of the ratio within a round, in brackets the least and the most. Times are on the clock; beside them the "
        "ratio in processor time, which other programs disturb less. Of several data sets the worst counts.",
        "" if numbers["quotable"] else SHORT_NOTE,
        table(
            ["what", "measured", "wanted"],
            [[text, f"{numbers[key]:.3g}", wanted] for key, (text, wanted) in TARGETS.items()],
        ),
        f"Programs that wanted a core in the minute before it began: {numbers['load_before']}. Beside others two threads wait for each other: "
        "on a machine that is not quiet none of the times below holds, and only ratios in processor time with one thread (`--threads 1`) do.\n",
        _step(details["step"]),
        _monai(details["monai"]),
        _prediction(details["prediction"]),
        _select(details["select"]),
        _memory(details["memory"]),
    ]
    return "\n".join(part for part in parts if part)


def _range(ratio: Mapping[str, Any]) -> str:
    return f"{ratio['median']:.3f} ({ratio['least']:.3f}–{ratio['most']:.3f}, {ratio['rounds']} rounds)"


def _step(step: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            item["precision"],
            f"{1000 * item['seconds']['product']:.0f}",
            f"{1000 * item['seconds']['bare']:.0f}",
            _range(item["ratio"]),
            f"{item['ratio']['processor_time_median']:.3f}",
        ]
        for name, item in step.items()
    ]
    return (
        "## A training step\n\nThe product's own loop (windows cut from memory-mapped files, augmentation, targets and ambiguity maps, clipping, "
        "averaged weights, the look for `cancel`) against forward, backward and optimiser on batches in memory; the network, loss, "
        "precision, memory layout and optimiser are the same. The quick preset's plan for each data set.\n\n"
        + table(["data", "precision", "product, ms", "bare, ms", "ratio", "in processor time"], rows)
    )


def _monai(monai: Mapping[str, Any]) -> str:
    rows = []
    for name, item in monai.items():
        for arm, speed in item["windows_per_second"].items():
            rows.append([name, arm, f"{speed:.1f}"])
        rows.append([name, "product ÷ MONAI, float32", _range(item["float32"])])
        rows.append([name, f"product ÷ MONAI, {item['precision']}", _range(item["same_precision"])])
    return (
        "## Against a MONAI loop\n\nCacheDataset with the fixed transforms cached, RandCropByPosNegLabeld with cached indices, RandAffined, "
        "RandScaleIntensityd, RandShiftIntensityd, RandGaussianNoised, DiceCELoss(sigmoid), AdamW; the same network, patch, batch, cases and "
        "strength of augmentation. The loop is in float32 and torch's ordinary memory layout, which is what it does unless told otherwise; "
        "the second comparison gives it the product's precision as well. Without and with worker processes; the faster one is compared.\n\n"
        + table(["data", "loop", "windows per second, or ratio"], rows)
    )


def _prediction(prediction: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{item['seconds']['bare']:.2f}", _range(item["volume"]), f"{item['scan']['median']:.3f}"]
        for name, item in prediction.items()
    ]
    return (
        "## Prediction\n\nProbabilities of whole prepared volumes, with cutting, blending and assembly, against the bare network on the same "
        "patches in memory. The last column goes on to the label map on the scan's own grid.\n\n"
        + table(["data", "bare, s", "ratio", "with the scan's own grid"], rows)
    )


def _select(select: Mapping[str, float]) -> str:
    rows = [
        ["structure by structure, with all checks against the labels", f"{select['select']:.3f}"],
        ["all structures at once, as a preview", f"{select['preview']:.3f}"],
        ["once per prediction: the ranks", f"{select['rank']:.3f}"],
    ]
    share = 100 * select["candidates_share"]
    return (
        f"## Selecting γ\n\nSeven structures in 512 × 512 × 300 voxels, {share:.1f} % of them candidates; the first line is quoted.\n\n"
        + table(["what", "seconds"], rows)
    )


def _memory(memory: Mapping[str, Any]) -> str:
    rows = [
        [stage, f"{item['peak_gib']:.2f}", f"{item['own_gib']:.2f}", f"{item['seconds']:.0f}"]
        for stage, item in memory.items()
    ]
    return (
        "## Memory\n\nA cohort of 100 CTs of 512 × 512 × 300 in the quick preset, each stage in a process of its own. The peak is what the "
        "system kept as the most resident memory of the process (VmHWM): its own data, its libraries, and the parts of memory-mapped scans that "
        "it had touched and not given back. prepare: import, fingerprint, plan and arrays of one scan, a real CT repeated to 300 slices. train: "
        "steps on 100 cases (that scan's files under 100 names, each mapped and counted by itself), a validation, and many more batches. "
        "predict: suggestions and learned confidence of one scan on its own grid.\n\n"
        + table(["stage", "peak, GiB", "of it its own, GiB", "seconds"], rows)
    )
