"""Several data sets as one: each scan has a name of its own, structures are one by their name, pairs that may overlap in one may in all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...run.failure import Failure
from ..types import PALETTE, Problem, Structure
from .draft import DataSet
from .names import similar_names

Color = tuple[float, float, float]


def called(paths: Sequence[Path]) -> list[str]:
    """A name for each data set that tells it from the others: as few last parts of its path as that needs. Failure: one is given twice."""
    whole = [path.resolve() for path in paths]
    for number, path in enumerate(whole):
        if path in whole[:number]:
            raise Failure(f"The data set '{path.name}' is given twice.", way_out="Give it once.")
    longest = max(len(path.parts) for path in whole)
    for length in range(1, longest + 1):
        names = ["/".join(path.parts[-length:]) for path in whole]
        if len(set(names)) == len(names):
            break
    return names


def joined(data_sets: Mapping[str, DataSet]) -> DataSet:
    """The data sets, by name, as one. Failure: a case of one name is in two of them."""
    _check_cases(data_sets)
    structures, problems = _structures(data_sets.values())
    names = [structure.name for structure in structures]
    told = [
        _in(name, problem)
        for name, data in data_sets.items()
        for problem in data.problems
        if problem not in similar_names(data.names)
    ]
    return DataSet(
        " + ".join(dict.fromkeys(data.format for data in data_sets.values())),
        structures,
        [draft for data in data_sets.values() for draft in data.drafts],
        [*told, *problems, *similar_names(names)],
        frozenset(pair for data in data_sets.values() for pair in data.declared),
    )


def _check_cases(data_sets: Mapping[str, DataSet]) -> None:
    first: dict[str, str] = {}
    twice = [
        (case, first[case], name)
        for name, data in data_sets.items()
        for case in data.cases
        if first.setdefault(case, name) != name
    ]
    if twice:
        case, one, other = twice[0]
        more = f" {len(twice) - 1} more have the same trouble." if len(twice) > 1 else ""
        raise Failure(
            f"a scan of this name is in '{one}' and in '{other}', and nothing says whether it is the same.{more}",
            case=case,
            way_out="Give each scan a name of its own; or, if it is the same scan, leave it out of one of the two.",
        )


def _in(data_set: str, problem: Problem) -> Problem:
    """What is wrong with a whole data set says which one it is."""
    if problem.case or problem.structure:
        return problem
    return replace(problem, message=f"{problem.message} (In '{data_set}'.)")


def _structures(data_sets: Iterable[DataSet]) -> tuple[list[Structure], list[Problem]]:
    """All structures, in the order of their first appearance; the first one with a terminology code gives it, and no two get one colour of the palette."""
    result: dict[str, Structure] = {}
    problems = []
    for data in data_sets:
        for structure in data.structures:
            known = result.get(structure.name)
            if known is None:
                result[structure.name] = replace(
                    structure, color=free_color(structure.color, [item.color for item in result.values()])
                )
            elif not known.terminology:
                result[structure.name] = replace(known, terminology=structure.terminology)
            elif structure.terminology not in ("", known.terminology):
                text = "two data sets give it different terminology codes; the first one's is kept. Rename it in one of them if two structures are meant."
                problems.append(Problem(text, structure=structure.name, severity="warning"))
    return list(result.values()), problems


def free_color(color: Color, taken: Collection[Color]) -> Color:
    """`color`; another one of the palette where it is one of the palette and taken."""
    if color not in taken or color not in PALETTE:
        return color
    return next((other for other in PALETTE if other not in taken), color)
