"""Structures whose names a person would take for one."""

from __future__ import annotations

from collections.abc import Iterable

from ..types import Problem


def similar_names(names: Iterable[str]) -> list[Problem]:
    """A warning for each pair of different names that agree but for case, blanks, '_' and '-'."""
    first: dict[str, str] = {}
    problems = []
    for name in names:
        key = "".join(letter for letter in name.casefold() if letter not in " _-\t\u00a0")
        other = first.setdefault(key, name)
        if other != name:
            text = f"it is taken for another structure than '{other}', though the names differ only by case or blanks. Name them alike if they are one."
            problems.append(Problem(text, structure=name, severity="warning"))
    return problems
