"""Every word that the panel shows for a state, a decision, a step, a choice, a stage or a time. One place, so that one thing has one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..data.types import State
from ..run.round_words import stage_words


@dataclass(frozen=True)
class Word:
    """text: what is shown. symbol: one sign that says the same where there is no room. meaning: a sentence or two for the tooltip. short: for a menu."""

    text: str
    symbol: str = ""
    meaning: str = ""
    short: str = ""


STATES: Mapping[str, Word] = {
    State.LABELLED.value: Word(
        "labelled",
        "●",
        "It is drawn wherever it is in this scan. The whole scan teaches: inside the drawing it is this structure, outside it is not.",
        "drawn wherever it is; the whole scan teaches",
    ),
    State.SOME_SLICES.value: Word(
        "some slices",
        "◐",
        "It is drawn on some slices only. Those slices teach; on the others nothing is learned about it, and it is suggested.",
        "drawn on some slices; only those teach, the rest is suggested",
    ),
    State.MISSING.value: Word(
        "not labelled",
        "○",
        "Nobody drew it here. Nothing is learned about where it is in this scan, and it is suggested.",
        "nobody drew it; nothing is learned here, and it is suggested",
    ),
    State.ABSENT.value: Word(
        "absent",
        "✕",
        "Somebody looked, and it is not there. The whole scan teaches what it does not look like, and nothing is suggested.",
        "looked for and not there; the whole scan teaches, nothing is suggested",
    ),
}
UNKNOWN_STATE = Word("not read yet", "·", "This scan has not been read yet, or it cannot be used.")

HOW_MADE = "How were these labels made?"
MADE: Mapping[str, Word] = {
    "checked": Word(
        "checked",
        "",
        "Drawn with care, or looked through by an expert: what is drawn can be relied on.",
        "with care, or looked through by an expert; can be relied on",
    ),
    "quick": Word(
        "quick",
        "~",
        "Drawn quickly, by a beginner or by another program: it may be wrong in places, and learning is told so.",
        "quickly, by a beginner or a program; may be wrong in places",
    ),
}

DOUBTS: Mapping[str, Word] = {
    "should it be here?": Word("should it be here?", "", "drawn here, other scans speak against it"),
    "is it missing here?": Word("is it missing here?", "", "not drawn here, other scans speak for it"),
}

DECISIONS: Mapping[str, Word] = {
    "accepted": Word(
        "accepted", "✓", "The next round learns that these voxels are the structure. The rest of the scan stays open."
    ),
    "wrong": Word("wrong", "✕", "The next round learns that these voxels are certainly not the structure."),
    "not now": Word("not now", "…", "Nothing is said. It is suggested again after the next round."),
    "edited": Word("edited", "✎", "The next round learns from the corrected drawing instead of the suggestion."),
    "complete": Word(
        "complete",
        "●",
        "The structure is now drawn wherever it is in this scan: the next round learns from the whole scan.",
    ),
}

STEPS: Mapping[str, Word] = {
    "scans": Word("Scans", "1", "Which scans there are, and what is drawn in them."),
    "learn": Word("Learn", "2", "Learn from what is drawn."),
    "look": Word("Look", "3", "Look at what is suggested, and how confident it is."),
    "decide": Word("Decide", "4", "Accept or reject suggestions, organ by organ."),
    "finish": Word("Finish", "5", "Save the completed segmentations and the report."),
}

PRESETS: Mapping[str, Word] = {
    "quick": Word("Quick", "", "A small network: minutes to an hour on an ordinary computer without a graphics card."),
    "standard": Word("Thorough", "", "A larger network. Meant for a graphics card; without one it can take a day."),
    "paper": Word("As published", "", "The settings of the published method, for comparison. Needs a graphics card."),
}
DEVICES: Mapping[str, Word] = {
    "auto": Word("the fastest there is", "", "A graphics card where PyTorch can use one, else the processor."),
    "cpu": Word("processor", "", "Always works; slower than a graphics card."),
    "cuda": Word("NVIDIA graphics card", "", "Needs a PyTorch that was made for it."),
    "mps": Word("Apple graphics", "", "The graphics part of Apple's own processors."),
}
DIMENSIONS: Mapping[str, Word] = {
    "": Word(
        "as fits the scans", "", "Thick slices are learned slice by slice, thin ones as blocks where there is memory."
    ),
    "2d": Word("slice by slice", "", "Fast, and right for thick slices."),
    "2.5d": Word("slices with their neighbours", "", "Sees the slices above and below as well."),
    "3d": Word("in blocks", "", "Sees a volume at once; slower, needs more memory."),
}
CONFIDENCES: Mapping[str, Word] = {
    "learned": Word("learned", "", "A second network learns where the first one errs. Better, and takes longer."),
    "mcp": Word("the probability itself", "", "Simply how sure the network says it is. Faster."),
}
METHODS: Mapping[str, Word] = {
    "full": Word(
        "learn in rounds",
        "",
        "Learns what is drawn, suggests the rest, and learns again with what was accepted, as often as Rounds says.",
    ),
    "ambiguity-only": Word(
        "learn once", "", "Learns what is drawn, and suggests the rest. The suggestions are not learned from again."
    ),
    "mlb": Word(
        "learn from drafts, weighed",
        "",
        "Learns from checked labels first and drafts what is missing. Then it learns from the drafts, too: each voxel counts as far as the "
        "checked labels agree with it.",
    ),
    "all-pseudo-labels": Word(
        "learn from all suggestions",
        "",
        "Learns a second time, with every suggestion taken for right. For comparison: mistakes are learned, too.",
    ),
    "naive": Word(
        "unlabelled means absent",
        "",
        "Takes what nobody drew for absent. For comparison only: it learns to miss organs.",
    ),
}
DOUBTFUL: Mapping[str, Word] = {
    "weigh": Word(
        "weigh each voxel",
        "",
        "Each voxel of a quick label counts as far as the checked scans agree with it. Takes up to three times as long.",
    ),
    "fixed": Word(
        "count them in part",
        "",
        "Every voxel of a quick label counts in part; what the program itself sees there makes up the rest.",
    ),
    "as-given": Word("trust them", "", "Quick labels count like checked ones."),
    "leave-out": Word(
        "leave them out",
        "",
        "Nothing is learned from quick labels, and the structure is suggested anew in those scans.",
    ),
}
BOUNDS: Mapping[str, Word] = {
    "size": Word(
        "size",
        "",
        "Where a structure is not labelled, what is suggested is held to the size that the labelled scans have it in.",
    ),
    "centroid": Word("place", "", "The same for where the middle of the structure lies in the scan."),
    "extent": Word("extent", "", "The same for how far the structure reaches along each axis."),
}

TORCH: Mapping[str, Word] = {
    "unknown": Word("Looking for PyTorch…"),
    "ready": Word("PyTorch is ready."),
    "missing": Word("PyTorch, which does the learning, is not installed in this Slicer."),
    "broken": Word("PyTorch is installed, but it does not start."),
    "old": Word("The PyTorch that is installed is too old."),
}

_STAGES = {
    "imported": "Reading the scans",
    "planning": "Looking at the scans and timing this computer",
    "prepared": "Preparing the scans",
    "prediction": "Suggesting what is not labelled",
    "weighed": "Weighing the quick labels",
    "relabelled": "Taking over the decisions",
    "completed": "Writing the completed segmentations",
    "report": "Writing the report",
    "downloaded": "Downloading",
}


def stage(name: str, rounds: int = 0) -> str:
    """A worker's stage in words. `name`: an event's kind, or the stage of a progress event ('round 0: learning the structures').

    Rounds are counted from 1 for people; `rounds` is the number of the last one as the worker counts, 0 where it is not known.
    """
    said = stage_words(name, rounds)
    return said if said != name else _STAGES.get(name, name[:1].upper() + name[1:])


def counted(number: int, noun: str) -> str:
    """'1 scan', '3 scans', 'no scans'."""
    return f"{number if number else 'no'} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """'about 4 minutes', as a person says it."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10} seconds"
    if seconds < 55 * 60:
        return f"about {counted(max(1, round(seconds / 60)), 'minute')}"
    if seconds < 10 * 3600:
        return f"about {seconds / 3600:.1f} hours".replace("1.0 hours", "1 hour").replace(".0 ", " ")
    return f"about {round(seconds / 3600)} hours"


def time_left(seconds: float) -> str:
    """'about 4 minutes left'."""
    return f"{duration(seconds)} left"


def memory(gigabytes: float) -> str:
    """'about 2.4 GB of memory'; empty where it is not known."""
    return f"about {max(0.1, gigabytes):.1f} GB of memory" if gigabytes > 0 else ""


def on_device(device: str, threads: int = 0) -> str:
    """'on the processor (2 cores)'."""
    word = DEVICES[device].text if device in DEVICES else device
    cores = f" ({counted(threads, 'core')})" if device == "cpu" and threads > 0 else ""
    return f"on {'' if device in ('auto', 'mps') else 'the '}{word}{cores}"


def volume(ml: float) -> str:
    """'1480 mL', '12.3 mL', '0.42 mL'."""
    return f"{ml:.0f} mL" if ml >= 100 else f"{ml:.3g} mL"
