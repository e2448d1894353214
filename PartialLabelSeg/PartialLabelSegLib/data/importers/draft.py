"""A case and a data set as an importer found them, and the cohort that becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import SimpleITK as sitk

from ...run.failure import Failure
from ..case import CaseSource, Cohort
from ..geometry import Grid
from ..labels import Labels
from ..types import MOST_STRUCTURES, Problem, State, Structure
from .drawing import Drawing, Drawn, counted, shared_voxels
from .settle import settled

_FEW = 0.01
"""Pairs that share less than this share of the smaller structure are pointed out: it may be a slip of the pen."""


@dataclass(frozen=True)
class Draft:
    """One case as an importer found it, before the cohort's structures and overlapping pairs are final.

    read_image() -> the scan; draw(grid) -> what its labels hold on that grid; draw_own() -> the same on the labels' own grid,
    None where structures cannot share voxels, or where the data set itself says which may. All raise Failure.
    holds: the structures of which its labels say something; None where that is known only after reading them.
    """

    case: str
    read_image: Callable[[], sitk.Image]
    draw: Callable[[Grid], Drawing]
    states: Mapping[str, State] = field(default_factory=dict)
    split: str = ""
    draw_own: Callable[[], Mapping[str, Drawn]] | None = None
    holds: frozenset[str] | None = None

    def source(self, structures: tuple[str, ...], overlapping: frozenset[frozenset[str]]) -> CaseSource:
        """The case for a cohort of these structures."""
        inspect = partial(inspected, self, structures, overlapping)
        read_image = partial(_naming_case, self.case, self.read_image)
        return CaseSource(self.case, read_image, partial(_strict, inspect), self.states, self.split, inspect)


@dataclass(frozen=True)
class DataSet:
    """What an importer found in one data set: the structures in order, the cases, every problem, and the pairs that it says may overlap."""

    format: str
    structures: Sequence[Structure]
    drafts: Sequence[Draft]
    problems: Sequence[Problem] = ()
    declared: frozenset[frozenset[str]] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(structure.name for structure in self.structures)

    @property
    def cases(self) -> Collection[str]:
        """The names of all cases, also of those that cannot be used, in order."""
        broken = [problem.case for problem in self.problems if problem.severity == "error" and problem.case]
        return list(dict.fromkeys([*(draft.case for draft in self.drafts), *broken]))


def _naming_case(case: str, read_image: Callable[[], sitk.Image]) -> sitk.Image:
    try:
        return read_image()
    except Failure as failure:
        raise Problem.of(failure, case).failure() from None


def _strict(inspect: Callable[[Grid], tuple[Labels | None, tuple[Problem, ...]]], grid: Grid) -> Labels:
    labels, problems = inspect(grid)
    if labels is None:
        raise next(problem for problem in problems if problem.severity == "error").failure()
    return labels


def inspected(
    draft: Draft, structures: tuple[str, ...], overlapping: frozenset[frozenset[str]], grid: Grid
) -> tuple[Labels | None, tuple[Problem, ...]]:
    """The labels of a draft on `grid`, None where a problem is an error, and all problems with the case's name."""
    try:
        drawing = draft.draw(grid)
    except Failure as failure:
        return None, (Problem.of(failure, draft.case),)
    labels, problems = settled(drawing, structures, overlapping, grid)
    named = tuple(Problem(item.message, item.case or draft.case, item.structure, item.severity) for item in problems)
    return labels, named


def cohort_of(data: DataSet) -> Cohort:
    """The cohort of a data set. Pairs of structures that share voxels in any of its cases may overlap in all, like the declared ones.

    A case with an error is left out, also where the error is that another has its name. Where every case has one the cohort has no case,
    perhaps no structure, and the problems say why.
    """
    errors = [problem for problem in data.problems if problem.severity == "error"]
    broken = {problem.case for problem in errors if problem.case}
    drafts = [draft for draft in data.drafts if draft.case not in broken]
    unexplained = not errors
    if not drafts and unexplained:
        raise Failure("the data set holds no case.", way_out="Add a scan to it.")
    if len(data.structures) > MOST_STRUCTURES:
        raise Failure(
            f"the data set names {len(data.structures)} structures; at most {MOST_STRUCTURES} are possible.",
            way_out="Leave some out.",
        )
    if not data.structures and unexplained:
        raise Failure("the data set names no structure.", way_out="Draw, or list, at least one structure.")
    found, warnings = _found_pairs(drafts)
    overlapping = data.declared | found
    names = data.names
    sources = tuple(draft.source(names, overlapping) for draft in drafts) if names else ()
    return Cohort(data.format, tuple(data.structures), sources, (*data.problems, *warnings), overlapping)


def _found_pairs(drafts: Sequence[Draft]) -> tuple[frozenset[frozenset[str]], list[Problem]]:
    shared: Counter[frozenset[str]] = Counter()
    smaller: Counter[frozenset[str]] = Counter()
    for draft in drafts:
        drawn = _own(draft)
        for pair, count in shared_voxels(drawn).items():
            shared[pair] += count
            smaller[pair] += min(drawn[name].voxels for name in pair)
    warnings = []
    for pair, count in shared.items():
        if count < _FEW * smaller[pair]:
            first, second = sorted(pair)
            text = (
                f"it shares only {counted(count)} with '{second}' in all scans together, so the two are taken as structures that may overlap. "
                "If that is a slip of the pen, erase these voxels from one of them."
            )
            warnings.append(Problem(text, structure=first, severity="warning"))
    return frozenset(shared), warnings


def _own(draft: Draft) -> Mapping[str, Drawn]:
    """What a draft draws; nothing where it cannot be read, which is said when the case itself is read."""
    try:
        return draft.draw_own() if draft.draw_own is not None else {}
    except (Failure, OSError):
        return {}
