"""What a run learns from what, in words: one sentence per structure, from its choices and from what is labelled."""

from __future__ import annotations

from ..config import Configuration, Plan
from .recommend import LabelCounts, StructureCounts, listed, scans

_ATTRIBUTES = {"size": "its size", "centroid": "its place", "extent": "its extent"}
_ON_ITS_OWN = "nothing is learned there, but where another structure is drawn"


def describe(configuration: Configuration, counts: LabelCounts) -> tuple[str, ...]:
    """A sentence per structure, and one on scans without any label. counts: of the scans that are learned from, before the first round.

    Where no scan of a structure was looked through with care, its quick labels count as they are, whatever was chosen.
    """
    sentences = [f"{name}: {_learned(configuration, item)}." for name, item in counts.structures.items()]
    if counts.unlabelled:
        sentences.append(f"In {counts.unlabelled} of {scans(counts.scans)} nothing is labelled at all.")
    return tuple(sentences)


def _learned(configuration: Configuration, counts: StructureCounts) -> str:
    left_out = counts.quick if configuration.doubtful == "leave-out" else 0
    parts = [
        _checked(counts),
        _quick(configuration, counts),
        f"in {scans(counts.absent)} it is known not to be there" if counts.absent else "",
        _partly(configuration, counts),
        _missing(configuration, counts, counts.missing + left_out),
    ]
    return "; ".join(filter(None, parts))


def _checked(counts: StructureCounts) -> str:
    if not counts.drawn:
        return "nobody drew it, so it is not learned"
    return f"from {counts.checked} checked scan{'s' * (counts.checked != 1)}, every voxel" if counts.checked else ""


def _quick(configuration: Configuration, counts: StructureCounts) -> str:
    if not counts.quick:
        return ""
    number = f"{counts.quick} quick {'one' if counts.quick == 1 else 'ones'}"
    number = number if counts.checked else f"{counts.quick} quick scan{'s' * (counts.quick != 1)}"
    if configuration.doubtful == "leave-out":
        lost = "" if counts.checked else ", so it is not learned"
        return f"the label{'s' * (counts.quick != 1)} of {number} {'is' if counts.quick == 1 else 'are'} left out{lost}"
    return f"from {number}, {_worth(configuration, counts)}"


def _worth(configuration: Configuration, counts: StructureCounts) -> str:
    """What a voxel of a quick label counts."""
    if configuration.doubtful == "as-given":
        return "every voxel, as if they were checked" if counts.quick > 1 else "every voxel, as if it were checked"
    if not counts.checked + counts.absent:
        return "every voxel, since nothing checked can speak against it"
    if configuration.doubtful == "weigh":
        return "voxel by voxel as far as the checked ones agree"
    share = round(100 * float(configuration.plan.get("given_share", Plan.given_share)))
    return f"every voxel for {share} % and what the network itself sees there for {100 - share} %"


def _partly(configuration: Configuration, counts: StructureCounts) -> str:
    if not counts.partly:
        return ""
    where = "in 1 of them" if counts.partly == 1 else f"in {counts.partly} of them"
    if configuration.relabelling.method == "naive":
        return f"{where} it is drawn in part, and taken as not there elsewhere"
    return f"{where} only where it was looked for"


def _missing(configuration: Configuration, counts: StructureCounts, number: int) -> str:
    learned = counts.checked or (counts.quick and configuration.doubtful != "leave-out")
    if not number or not learned:
        return ""
    who = "nobody drew it" if not counts.quick or configuration.doubtful != "leave-out" else "it counts as not drawn"
    kept = listed([_ATTRIBUTES[name] for name in configuration.bounds])
    bounds = f", and {kept} {'is' if len(configuration.bounds) == 1 else 'are'} kept within what the drawn scans teach"
    return f"in {scans(number)} {who}: {_suggested(configuration)}{bounds if kept else ''}"


def _suggested(configuration: Configuration) -> str:
    """What becomes of a structure where it is missing."""
    choices = configuration.relabelling
    if choices.method == "naive":
        return "it is taken as not there"
    if choices.method == "mlb":
        return "what a network of the checked labels alone predicts is its first label, and counts as a quick one does"
    number = choices.later_rounds
    if not number:
        return _ON_ITS_OWN
    rounds = f"in {number} round{'s' * (number != 1)}"
    if choices.method == "all-pseudo-labels":
        return f"all that is predicted there is learned from as if it were drawn, {rounds}"
    if choices.review:
        return f"what a person accepts of the suggestions is learned from, {rounds}"
    return f"the surest part of what is suggested is learned from, {rounds}"
