"""How to learn from what is labelled: what is recommended and why, and what the worker is told where the user left it at that or chose otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..config import Configuration
from ..data.recommend import Drawn, LabelCounts, Recommendation, counts_of, recommend
from ..data.types import MADE, State
from . import words
from .counts_as import MISSING, NOT_THERE, Counted, counted
from .made import how_drawn, made
from .state import Choices, Scan
from .view_models import AdviceView

_USUAL = Configuration()


class Adviser:
    """Counts again only when other scans, or other states of them, are to be learned from. usable: those that will be."""

    def __init__(self, usable: Callable[[], Sequence[Scan]]) -> None:
        self._usable = usable
        self._scans: tuple[Scan, ...] = ()
        self._counts = LabelCounts()
        self._found = recommend(self._counts)

    def now(self) -> Recommendation:
        """What is recommended for the scans as they are."""
        scans = tuple(self._usable())
        same = len(scans) == len(self._scans) and all(new is old for new, old in zip(scans, self._scans))
        if not same:
            self._scans, self._counts = scans, label_counts(scans)
            self._found = recommend(self._counts)
        return self._found

    def view(self, choices: Choices) -> AdviceView:
        """Without a sentence where nothing is drawn yet, of which the step speaks anyway."""
        found = self.now()
        drawn = bool(self._counts.named(lambda item: item.drawn > 0))
        return AdviceView(found.method, found.doubtful, found.bounds, _sentence(found, choices) if drawn else "")

    def arguments(self, choices: Choices) -> tuple[str, ...]:
        """What the worker is told: only what it would not do by itself."""
        found = self.now()
        method, doubtful = choices.method or found.method, choices.doubtful or found.doubtful
        bounds = found.bounds if choices.bounds is None else choices.bounds
        return (
            *(("--method", method) if method != _USUAL.relabelling.method else ()),
            *(("--doubtful", doubtful) if doubtful != _USUAL.doubtful else ()),
            *(("--bounds", *bounds) if bounds != _USUAL.bounds else ()),
        )


def label_counts(scans: Sequence[Scan]) -> LabelCounts:
    """What the scans have labels of, by structure."""
    everywhere = [counted(scan.found, scan.names) for scan in scans]
    names = tuple({name: None for there in everywhere for name in there})
    nowhere = dict.fromkeys(names, NOT_THERE)
    rows = zip(scans, everywhere)
    return counts_of(
        names, ({name: _cell(scan, name, item) for name, item in {**nowhere, **there}.items()} for scan, there in rows)
    )


def _cell(scan: Scan, name: str, there: Counted) -> Drawn:
    if there.in_part and name not in scan.states:
        return _DRAWN[MISSING, how_drawn(scan, name, there)]
    return _DRAWN[scan.states.get(name, there.state), made(scan, name, there)]


def _as_drawn(word: str, how: str) -> Drawn:
    return Drawn(State(word), how, State(word) in (State.LABELLED, State.ABSENT))


_DRAWN = {(word, how): _as_drawn(word, how) for word in words.STATES for how in ("", *MADE)}
"""Made once: there can be thousands of cells."""


def _sentence(found: Recommendation, choices: Choices) -> str:
    """'Recommended: learn in rounds; quick labels: weigh each voxel; because not every structure is drawn …'"""
    parts = [words.METHODS[found.method].text]
    if "quickly" in found.reason or found.doubtful != _USUAL.doubtful:
        parts.append(f"quick labels: {words.DOUBTFUL[found.doubtful].text}")
    if found.bounds:
        parts.append(f"usual {' and '.join(words.BOUNDS[name].text for name in found.bounds)} kept to")
    otherwise = (choices.method, choices.doubtful, choices.bounds) != (None, None, None)
    instead = " You chose otherwise, under Advanced." if otherwise else ""
    return f"Recommended: {'; '.join(parts)}, because {found.reason[:1].lower()}{found.reason[1:]}{instead}"
