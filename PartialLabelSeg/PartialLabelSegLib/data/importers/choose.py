"""A data set as a person wants it: cases left out, drawings renamed and merged, states corrected. The files themselves stay as they are."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from ...run.failure import Failure
from ..geometry import Grid
from ..types import CHECKED, QUICK, State, Structure
from .choices import EVERY, CaseChoices, CohortChoices
from .draft import DataSet, Draft
from .drawing import Drawing, Drawn
from .join import free_color
from .names import similar_names
from .rename import renamed, renamed_drawn, said_otherwise

_CORRECT = "Correct its name in the choices, or take it out of them."
_HOW = {CHECKED: "with care", QUICK: "quickly"}


def chosen(data: DataSet, choices: CohortChoices) -> DataSet:
    """The data set with the choices applied. Failure: they speak of a case, a drawing or a structure that is not there, or leave nothing."""
    _check_cases(choices, data.cases)
    drafts = [draft for draft in data.drafts if not choices.leaves_out(draft.case)]
    problems = [problem for problem in data.problems if not (problem.case and choices.leaves_out(problem.case))]
    if data.cases and all(choices.leaves_out(case) for case in data.cases):
        raise Failure("The choices leave out every case.", way_out="Keep at least one.")
    structures = _structures(data, drafts, choices)
    for case in (EVERY, *sorted(choices.cases)):
        _check_names(case, choices.of(case), data.names)
        _check_structures(case, choices.of(case), [structure.name for structure in structures])
    before, after = similar_names(data.names), similar_names(structure.name for structure in structures)
    problems = [*(problem for problem in problems if problem not in before), *after]
    wishes = [choices.of(draft.case) for draft in drafts]
    declared = _pairs(data.declared, wishes, {structure.name for structure in structures})
    wanted = [_draft(draft, wish) for draft, wish in zip(drafts, wishes)]
    return DataSet(data.format, structures, wanted, problems, declared)


def _check_cases(choices: CohortChoices, cases: Collection[str]) -> None:
    unknown = sorted(choices.cases - set(cases))
    if unknown:
        text = "the choices speak of it, but no data set holds a case of that name."
        raise Failure(f"{text}{_perhaps(unknown[0], cases)}", case=unknown[0], way_out=_CORRECT)


def _check_names(case: str, wish: CaseChoices, drawings: Collection[str]) -> None:
    unknown = [name for name in wish.names if name not in drawings]
    if unknown:
        raise Failure(
            f"the choices rename it, but nothing of that name is drawn in the data set.{_perhaps(unknown[0], drawings)}",
            case="" if case == EVERY else case,
            structure=unknown[0],
            way_out=_CORRECT,
        )


def _check_structures(case: str, wish: CaseChoices, names: Collection[str]) -> None:
    shown = "" if case == EVERY else case
    said = {name: f"is {state.value}" for name, state in wish.states.items()}
    made = {name: f"was made {_HOW[word]}" for name, word in wish.made.items() if name != EVERY}
    for name, words in {**made, **said}.items():
        if wish.renamed(name) != name and not wish.merged_from(name, wish.names):
            called = wish.renamed(name)
            what = f"counts as '{called}' there" if called else "is left out there"
            text = f"the choices say that it {words}, and also that it {what}."
            raise Failure(
                text, case=shown, structure=name, way_out="Name structures as they are called after renaming."
            )
        if name not in names:
            text = f"the choices say that it {words}, but there is no structure of that name."
            raise Failure(f"{text}{_perhaps(name, names)}", case=shown, structure=name, way_out=_CORRECT)


def _perhaps(name: str, names: Collection[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f" Perhaps '{close[0]}' is meant." if close else ""


def _structures(data: DataSet, drafts: Collection[Draft], choices: CohortChoices) -> list[Structure]:
    """The structures after renaming, in order. One that was renamed stays only where a case may hold it under its old name."""
    names = {structure.name for structure in data.structures}
    result: dict[str, Structure] = {}
    for structure in data.structures:
        moved = dict.fromkeys(choices.of(draft.case).renamed(structure.name) for draft in drafts)
        stays = set(moved) <= {structure.name} or _held_by_name(structure.name, drafts, choices)
        if stays:
            result.setdefault(structure.name, structure)
        for name in moved:
            if name and name not in names:
                color = free_color(structure.color, [item.color for item in result.values()])
                result.setdefault(name, replace(structure, name=name, color=color))
    return list(result.values())


def _held_by_name(name: str, drafts: Collection[Draft], choices: CohortChoices) -> bool:
    """Whether a case may hold something that counts as the structure `name`."""
    for draft in drafts:
        wish = choices.of(draft.case)
        held = draft.holds if draft.holds is not None else {name}
        if (name in held and wish.renamed(name) == name) or wish.merged_from(name, wish.names):
            return True
    return False


def _pairs(
    declared: Collection[frozenset[str]], wishes: Collection[CaseChoices], names: Collection[str]
) -> frozenset[frozenset[str]]:
    """The pairs that may overlap, as the cases name them."""
    named = (frozenset(wish.renamed(name) for name in pair) for wish in wishes for pair in declared)
    return frozenset(pair for pair in named if len(pair) == 2 and pair <= set(names))


def _draft(draft: Draft, wish: CaseChoices) -> Draft:
    if not wish.says_something():
        return draft
    return replace(
        draft,
        draw=partial(_draw, draft, wish),
        draw_own=partial(_draw_own, draft, wish) if draft.draw_own is not None else None,
        states=_stated(draft.states, wish),
        holds=frozenset(filter(None, map(wish.renamed, draft.holds))) if draft.holds is not None else None,
    )


def _draw(draft: Draft, wish: CaseChoices, grid: Grid) -> Drawing:
    return said_otherwise(renamed(draft.draw(grid), wish), wish, grid)


def _draw_own(draft: Draft, wish: CaseChoices) -> Mapping[str, Drawn]:
    """What is drawn on the labels' own grid, without what is kept out: it says nothing of which structures may overlap."""
    assert draft.draw_own is not None
    drawn = renamed_drawn(draft.draw_own(), wish)
    return {name: part for name, part in drawn.items() if wish.states.get(name) is not State.MISSING}


def _stated(states: Mapping[str, State], wish: CaseChoices) -> dict[str, State]:
    """What is said before the voxels are read; nothing of a structure that several drawings make up."""
    plain = {wish.renamed(name): state for name, state in states.items() if wish.renamed(name)}
    single = {name: state for name, state in plain.items() if len(wish.merged_from(name, states)) == 1}
    return {**single, **wish.states}
