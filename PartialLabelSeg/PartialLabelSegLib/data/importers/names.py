"""Structures whose names a person would take for one."""

from __future__ import annotations

from collections.abc import Iterable

from ..types import Problem


def name_key(name: str) -> str:
    """What a name and its other spellings have in common: without case, blanks, '_' and '-'."""
    return "".join(letter for letter in name.casefold() if letter not in " _-\t\u00a0")


def similar_names(names: Iterable[str]) -> list[Problem]:
    """A warning for each pair of different names that agree but for case, blanks, '_' and '-'."""
    first: dict[str, str] = {}
    problems = []
    for name in names:
        other = first.setdefault(name_key(name), name)
        if other != name:
            text = f"it is taken for another structure than '{other}', though the names differ only by case or blanks. Name them alike if they are one."
            problems.append(Problem(text, structure=name, severity="warning"))
    return problems
