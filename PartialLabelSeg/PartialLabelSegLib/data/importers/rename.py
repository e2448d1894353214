"""A drawing under other names and with other states: how what was drawn counts once a person has corrected what it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from ..geometry import Grid
from ..labels import Slices
from ..plan import stored_slice_axis
from ..types import Problem, State
from .choices import CaseChoices
from .drawing import Drawing, Drawn, counted, united
from .names import name_key


def renamed_drawn(drawn: Mapping[str, Drawn], wish: CaseChoices) -> dict[str, Drawn]:
    """The drawings by structure; those that count as one structure are united."""
    targets = dict.fromkeys(wish.renamed(name) for name in drawn)
    return {name: united([drawn[part] for part in wish.merged_from(name, drawn)]) for name in targets if name}


def renamed(drawing: Drawing, wish: CaseChoices) -> Drawing:
    """The drawing by structure. What several drawings make up is labelled where all that speak are; see `_merged`."""
    if not wish.names:
        return drawing
    said: dict[str, State] = {}
    slices: dict[str, Slices] = {}
    in_part = set()
    problems = list(drawing.problems)
    ignores = drawing.ignored is not None and bool(drawing.ignored.any())
    for name in dict.fromkeys(wish.renamed(part) for part in drawing.said):
        parts = wish.merged_from(name, drawing.said)
        if not name:
            continue
        said[name], where = _merged(parts, drawing)
        if where is not None:
            slices[name] = where
        quiet = _quiet(name, parts, drawing) if said[name] is not State.MISSING and not ignores else []
        if quiet and said[name] is State.ABSENT:
            said[name] = State.MISSING
        elif quiet or (said[name] is State.SOME_SLICES and where is None and len(parts) > 1):
            in_part.add(name)
            problems += [_drawn_in_part(name, quiet)] if name not in wish.states else []
    return replace(
        drawing,
        drawn=renamed_drawn(drawing.drawn, wish),
        said=said,
        slices=slices,
        problems=tuple(problems),
        in_part=frozenset(in_part),
        soft=_renamed_soft(drawing, wish),
        quick=frozenset(filter(None, map(wish.renamed, drawing.quick & _speaking(drawing)))),
    )


def _speaking(drawing: Drawing) -> frozenset[str]:
    """The drawings of which something is said; one that is missing takes no part in what several make up."""
    return frozenset(name for name, state in drawing.said.items() if state is not State.MISSING) | set(drawing.drawn)


def _renamed_soft(drawing: Drawing, wish: CaseChoices) -> dict[str, np.ndarray]:
    """The soft labels by structure. The whole is as likely as the likeliest of its parts, a hard part where it is drawn is certain; nan where one is."""
    result: dict[str, np.ndarray] = {}
    for name in filter(None, dict.fromkeys(wish.renamed(part) for part in drawing.soft)):
        parts = wish.merged_from(name, [*drawing.drawn, *(part for part in drawing.soft if part not in drawing.drawn)])
        planes = [drawing.soft[part] for part in parts if part in drawing.soft]
        whole = planes[0].copy() if len(parts) > 1 else planes[0]
        for plane in planes[1:]:
            np.maximum(whole, plane, out=whole)
        for part in parts:
            if part not in drawing.soft:
                inner = whole[drawing.drawn[part].box]
                inner[drawing.drawn[part].block & ~np.isnan(inner)] = 1
        result[name] = whole
    return result


def _merged(parts: Collection[str], drawing: Drawing) -> tuple[State, Slices | None]:
    """The state of a structure that several drawings make up, and its slices: those on which all that are drawn on some were looked for.

    One of them that is missing says nothing, one that is absent nothing against the others.
    """
    states = {drawing.said[name] for name in parts} - {State.MISSING}
    if State.SOME_SLICES in states:
        some = [name for name in parts if drawing.said[name] is State.SOME_SLICES]
        return State.SOME_SLICES, _common([drawing.slices[name] for name in some if name in drawing.slices])
    for state in (State.LABELLED, State.ABSENT):
        if state in states:
            return state, None
    return State.MISSING, None


def _common(lists: Collection[Slices]) -> Slices | None:
    """The slices that are in all lists; None where they run along different axes or share none."""
    axes = {item.axis for item in lists}
    if len(axes) != 1:
        return None
    shared = set.intersection(*(set(item.indices) for item in lists))
    return Slices(axes.pop(), tuple(sorted(shared))) if shared else None


def _quiet(structure: str, parts: Collection[str], drawing: Drawing) -> list[str]:
    """Those of several parts of a structure of which the labels say nothing; two spellings of one name are no parts."""
    spoken = {name_key(name) for name in parts if drawing.said[name] is not State.MISSING} | {name_key(structure)}
    return [name for name in parts if drawing.said[name] is State.MISSING and name_key(name) not in spoken]


def _drawn_in_part(name: str, quiet: Collection[str]) -> Problem:
    why = (
        f"'{next(iter(quiet))}', which counts as it, is missing"
        if quiet
        else "its parts were drawn on different slices"
    )
    text = (
        f"{why}, so only a part of it may be drawn: its voxels are learned, and nothing is learned about where it is not. "
        "Say 'labelled' in the choices if the whole of it is drawn."
    )
    return Problem(text, structure=name, severity="warning")


def said_otherwise(drawing: Drawing, wish: CaseChoices, grid: Grid) -> Drawing:
    """The drawing with the chosen states, and with what is said of how its labels were made. A structure that is chosen as missing counts as never drawn; contradictions are found when it is settled."""
    drawn, said, slices = dict(drawing.drawn), dict(drawing.said), dict(drawing.slices)
    problems = list(drawing.problems)
    for name, state in wish.states.items():
        said[name] = state
        where = slices.pop(name, None)
        if state is State.MISSING and name in drawn:
            problems.append(_kept_out(name, drawn.pop(name)))
        if state is State.SOME_SLICES:
            found = wish.slices.get(name) or where or _drawn_slices(drawn.get(name), grid)
            slices.update({name: found} if found is not None else {})
    chosen = frozenset(wish.states)
    return replace(
        drawing,
        drawn=drawn,
        said=said,
        slices=slices,
        problems=tuple(problems),
        in_part=drawing.in_part - chosen,
        firm=drawing.firm | chosen,
        quick=wish.quick([*said, *(name for name in drawn if name not in said)], drawing.quick),
    )


def _kept_out(name: str, part: Drawn) -> Problem:
    text = (
        f"{counted(part.voxels)} of it {'is' if part.voxels == 1 else 'are'} drawn, but it was chosen to be missing: nothing is learned from them, "
        "and the completed scan shows what is suggested in their place. The file they are in stays as it is."
    )
    return Problem(text, structure=name, severity="warning")


def _drawn_slices(part: Drawn | None, grid: Grid) -> Slices | None:
    """The slices on which something of it is drawn, across the axis that a plan would cut this scan along."""
    if part is None:
        return None
    axis = stored_slice_axis(grid)
    return Slices(axis, tuple(part.slices(axis)))
