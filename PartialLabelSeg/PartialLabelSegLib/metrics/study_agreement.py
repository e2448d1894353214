"""The agreement of a whole study's raters, structure by structure; the scans pass through memory one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from ..data.raters.rated_case import RatedCase
from ..data.raters.recipe import Recipe, make
from .agreement import Agreement, together
from .compared_scan import compared
from .scan_agreement import ScanAgreement, scan_agreement

MAJORITY = Recipe(method="majority")


def study_agreement(cases: Iterable[RatedCase], consensus: Recipe = MAJORITY) -> tuple[Agreement, ...]:
    """One agreement per structure, in the order in which they were first met. consensus: the label that each rater is compared with, made hard.

    The consensus holds the rater's own vote. Failure: what `cases` raises.
    """
    return Gathering(consensus).of(cases)


class Gathering:
    """Takes the cases of a study one by one, beside whatever else is done with them; `results` at the end."""

    def __init__(self, consensus: Recipe = MAJORITY) -> None:
        self._recipe = consensus
        self._found: dict[str, list[ScanAgreement]] = {}

    def of(self, cases: Iterable[RatedCase]) -> tuple[Agreement, ...]:
        for case in cases:
            self.add(case)
        return self.results()

    def add(self, case: RatedCase) -> None:
        for structure, scan in case.structures.items():
            consensus = make(scan, self._recipe).hard()
            found = scan_agreement(compared(case.case, case.grid, scan, consensus))
            self._found.setdefault(structure, []).append(found)

    def results(self) -> tuple[Agreement, ...]:
        return tuple(together(found, name, self._recipe.method) for name, found in self._found.items())
