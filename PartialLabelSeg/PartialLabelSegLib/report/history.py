"""The rounds of a run as numbers: curves, validation, relabelling, time, and what the worker warned of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..run.events import read_events
from ..run.failure import Failure
from ..run.files import read_json
from ..run.folder import RoundFolder, RunFolder
from ..run.round_words import round_word

_COUNTS = ("candidates", "accepted_new", "accepted_total", "volume_ml")
_TOLD = ("note", "warning")


def read_rounds(run: RunFolder) -> list[dict[str, Any]]:
    """Every round that has a network, in order; one that was learned elsewhere has no curves. Failure: a file of a round is damaged."""
    rounds: list[dict[str, Any]] = []
    while run.round(len(rounds)).training.exists() or run.round(len(rounds)).segmentation.exists():
        number = len(rounds)
        try:
            rounds.append(_read_round(run.round(number), number))
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, Failure):
                raise
            text = f"A file of {round_word(number)} (training.json, confidence.json or relabelling.json in rounds/{number}) is damaged."
            raise Failure(text, way_out="Delete the damaged one and run the same command again.") from None
    return rounds


def _read_round(folder: RoundFolder, number: int) -> dict[str, Any]:
    training = _optional(folder.training, number) or {}
    confidence, relabelling = _optional(folder.confidence_training, number), _optional(folder.relabelling, number)
    found = {
        "round": number,
        "training": training,
        "validation": _kept(training),
        "not_learned": list(training.get("not_learned", [])),
        "confidence": confidence,
        "relabelling": _relabelling(relabelling),
    }
    # Read here, so that what is strange is noticed here.
    _seconds(training), _seconds(confidence or {})
    return found


def _optional(path: Path, number: int) -> Any:
    return read_json(path, f"a file of {round_word(number)} (rounds/{number})") if path.exists() else None


def _kept(training: Mapping[str, Any]) -> dict[str, Any]:
    """The validation at the step whose weights were kept (the last one where that is not said)."""
    entries = training.get("validation") or []
    chosen = [entry for entry in entries if entry["step"] == training.get("best_step")] or entries[-1:]
    dice = dict(chosen[-1]["dice"]) if chosen else {}
    return {"step": chosen[-1]["step"] if chosen else None, "dice": dice, "dice_mean": mean(dice.values())}


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those values that are numbers; None where there is none."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(known) / len(known) if known else None


def _relabelling(content: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The file of a round, with its counts summed over the cases: per structure, and in all."""
    if content is None:
        return None
    cases = content.get("cases", {})
    said = content.get("structures", {})
    names = dict.fromkeys([*said, *(name for case in cases.values() for name in case)])
    structures = {}
    for name in names:
        items = [case[name] for case in cases.values() if name in case]
        structures[name] = {**_summed(items), **said.get(name, {})}
    return {**content, "structures": structures, "total": _summed(structures.values())}


def _summed(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    given = list(items)
    return {key: sum(item.get(key) or 0 for item in given) for key in _COUNTS}


def read_timing(run: RunFolder, rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Seconds of learning per round, and from the first to the last event (which includes pauses between a stop and its resumption)."""
    per_round = [
        {
            "round": entry["round"],
            "segmentation_seconds": _seconds(entry["training"]),
            "confidence_seconds": _seconds(entry["confidence"] or {}),
        }
        for entry in rounds
    ]
    times = [event.time for event in read_events(run.events) if event.time > 0]
    learning = sum(item["segmentation_seconds"] + item["confidence_seconds"] for item in per_round)
    elapsed = max(times) - min(times) if times else None
    return {"rounds": per_round, "learning_seconds": learning, "elapsed_seconds": elapsed}


def _seconds(curves: Mapping[str, Any]) -> float:
    """Duration of a training; `seconds` is a number, or a list of the seconds at each noted step."""
    value = curves.get("seconds") or 0.0
    if isinstance(value, list):
        return float(max((item for item in value if item is not None), default=0.0))
    return float(value)


def told_warnings(run: RunFolder) -> list[dict[str, str]]:
    """What the worker said along the way, each sentence once."""
    told: dict[tuple[str, str, str], None] = {}
    for event in read_events(run.events):
        if event.kind in _TOLD and event.fields.get("message"):
            parts = (str(event.fields.get(key, "")) for key in ("message", "case", "structure"))
            message, case, structure = parts
            told[message, case, structure] = None
    return [{"message": message, "case": case, "structure": structure} for message, case, structure in told]
