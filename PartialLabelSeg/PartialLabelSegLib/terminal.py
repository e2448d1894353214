"""Events as a person at a terminal reads them: one line per step with a bar and the time left, and a sentence for what stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from .run.events import Event
from .run.round_words import stage_words

WIDTH = 24
_STEPS = {
    "downloaded": "Downloading the published study",
    "imported": "Reading the scans",
    "prepared": "Preparing the scans",
    "prediction": "Predicting",
    "weighed": "Weighing the quick labels",
    "completed": "Writing the completed segmentations",
}


class ProgressBar:
    """A listener that draws on `stream`, over and over on one line where that is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._stage = ""
        self._last_round = 0
        self._began = time.monotonic()

    def __call__(self, event: Event) -> None:
        fields = event.fields
        if event.kind == "round":
            self._last_round = int(fields["rounds"])
        elif event.kind == "progress":
            self._bar(
                stage_words(str(fields["stage"]), self._last_round),
                fields["step"],
                fields["steps"],
                fields.get("seconds_left"),
                f"loss {fields['loss']:.3f}",
            )
        elif event.kind in _STEPS:
            self._bar(_STEPS[event.kind], fields["step"], fields["steps"], None, str(fields.get("case", "")))
        elif event.kind in SENTENCES:
            self._line(SENTENCES[event.kind](fields))

    def _bar(self, stage: str, step: int, steps: int, seconds_left: float | None, remark: str) -> None:
        if stage != self._stage:
            self._stage, self._began = stage, time.monotonic()
        last = step >= steps
        if not self._live and not last:
            return
        if seconds_left is None:
            seconds_left = (time.monotonic() - self._began) / max(1, step) * (steps - step)
        filled = round(WIDTH * step / max(1, steps))
        bar = "█" * filled + "·" * (WIDTH - filled)
        left = "" if last else f" {duration(seconds_left)} left"
        text = f"{stage} {bar} {step}/{steps}{left}  {remark}"
        self._stream.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        if self._live and last:
            self._stream.write("\n")
        self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}\n" if self._live else f"{text}\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """'about 4 minutes', as a clinician reads it."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} seconds"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} minutes"
    return f"about {seconds / 3600:.1f} hours"


def _estimate(fields: dict[str, object]) -> str:
    seconds, gigabytes = float(str(fields["seconds"])), float(str(fields["gigabytes"]))
    return f"This will take {duration(seconds)} on {fields['device']}, with about {gigabytes:.1f} GiB of memory."


def _validation(fields: dict[str, object]) -> str:
    dice = fields["dice"]
    assert isinstance(dice, dict)
    parts = ", ".join(f"{name} {value:.2f}" for name, value in dice.items() if value is not None and value == value)
    return f"  validation Dice at step {fields['step']}: mean {fields['dice_mean']:.3f} ({parts})"


def _relabelled(fields: dict[str, object]) -> str:
    share = float(str(fields["gamma"]))
    if share == 0:
        return f"What is suggested in {fields['cases']} scans is learned next, each voxel with a weight"
    return f"Accepted the most confident {share:.0%} of the suggestions in {fields['cases']} scans"


def _listed(sentences: object) -> list[object]:
    return list(sentences) if isinstance(sentences, (list, tuple)) else []


def _changed(fields: dict[str, object]) -> str:
    parts = (
        [f"{fields['accepted']} voxels accepted ({float(str(fields['volume_ml'])):.3g} mL in all)"]
        if fields["accepted"]
        else []
    )
    parts += [f"{fields['withdrawn']} withdrawn"] if fields["withdrawn"] else []
    parts += [f"{fields['denied']} certainly not"] if fields["denied"] else []
    parts += ["now known in the whole scan"] if fields["complete"] else []
    return f"  {fields['case']}, {fields['structure']}: {', '.join(parts)}"


SENTENCES: dict[str, Callable[[dict[str, object]], str]] = {
    "problem": lambda fields: f"Problem: {fields['message']}",
    "note": lambda fields: f"Note: {fields['message']}",
    "planning": lambda fields: "Looking at the scans and timing this machine",
    "learned_from": lambda fields: "\n".join(map(str, _listed(fields["sentences"]))),
    "estimate": _estimate,
    "resumed": lambda fields: (
        f"Going on at step {fields['step']} of {fields['steps']} ({stage_words(str(fields['stage']))})"
    ),
    "validation": _validation,
    "relabelled": _relabelled,
    "waiting": lambda fields: f"{fields['message']}",
    "cancelled": lambda fields: f"{fields['message']}",
    "error": lambda fields: f"{fields['message']}",
    "changed": _changed,
    "finished": lambda fields: f"{fields['message']}",
}
