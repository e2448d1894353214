"""`choices.json`: what a person says about a cohort beside the data sets themselves, which stay as they are.

{"format": 1,
 "names":     {case: {drawn name: structure}},   several drawn names on one structure are merged; "" leaves a drawing out
 "states":    {case: {structure: "labelled" | "missing" | "absent" | "some slices"}},
 "slices":    {case: {structure: {"axis": "z", "slices": [3, 4]}}},   for some slices; without it those on which it is drawn
 "made":      {case: {structure: "checked" | "quick"}},   how its label was made; the structure "*" stands for all of a case
 "leave_out": [case, ...],
 "only":      [case, ...]}                       every other case is left out

Every part may be missing. The case "*" stands for all cases; what is said of a case itself comes before it. Of `made`, what is said
of a structure comes before what is said of all structures of the same case. Structures are named as after renaming.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ...run.failure import Failure
from ...run.files import read_json
from ..labels import Slices
from ..types import MADE, QUICK, State, clean_name
from .cells import AXIS_LETTERS, EVERY, parse_made, parse_state, slices_from_json
from .side_file import duplicate_keys

T = TypeVar("T")

FORMAT = 1
_PARTS = ("format", "names", "states", "slices", "made", "leave_out", "only")
_WAY_OUT = 'Write, for example, {"format": 1, "names": {"scan-1": {"Leber": "Liver"}}, "states": {"scan-1": {"Spleen": "missing"}}}.'


@dataclass(frozen=True)
class CaseChoices:
    """What is said of one case. names: of drawings ('' leaves one out); states, slices and made: of structures, as they are named afterwards.

    made: 'checked' or 'quick'; the name `EVERY` stands for all structures that are not named.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    slices: Mapping[str, Slices] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)

    def renamed(self, name: str) -> str:
        """The structure that a drawing counts as; '' where it is left out."""
        return self.names.get(name, name)

    def merged_from(self, structure: str, drawings: Iterable[str]) -> list[str]:
        """Those of the drawings that count as a structure."""
        return [name for name in drawings if self.renamed(name) == structure]

    def says_something(self) -> bool:
        return bool(self.names or self.states or self.made)

    def quick(self, structures: Iterable[str], before: frozenset[str] = frozenset()) -> frozenset[str]:
        """Those of the structures whose labels were made quickly; `before` holds those of which the data set itself says so."""
        said = {name: self.made.get(name, self.made.get(EVERY, "")) for name in structures}
        return frozenset(name for name, word in said.items() if word == QUICK or (not word and name in before))


@dataclass(frozen=True)
class CohortChoices:
    """What is said of a cohort, by case; the case `EVERY` stands for all. only None: no case is left out but those in `leave_out`."""

    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    states: Mapping[str, Mapping[str, State]] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, Slices]] = field(default_factory=dict)
    leave_out: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    made: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for case, made in self.made.items():
            wrong = [word for word in made.values() if word not in MADE]
            if wrong:
                raise ValueError(
                    f"how the labels of '{case}' were made must be one of {', '.join(MADE)}, got {wrong[0]!r}"
                )
        for case, slices in self.slices.items():
            others = [name for name in slices if self.of(case).states.get(name) is not State.SOME_SLICES]
            if others:
                raise ValueError(f"'{others[0]}' of '{case}' has slices, but is not said to be drawn on some slices")

    @property
    def cases(self) -> frozenset[str]:
        """The cases that are spoken of."""
        by_case = (*self.names, *self.states, *self.slices, *self.made)
        return frozenset((*by_case, *self.leave_out, *(self.only or ()))) - {EVERY}

    def of(self, case: str) -> CaseChoices:
        """What is said of a case: of the case itself, else of all of them."""
        own = self.made.get(case, {})
        # Where the case says it of all its structures, nothing that is said of all cases is left to hold.
        made = own if EVERY in own else {**self.made.get(EVERY, {}), **own}
        return CaseChoices(_of(self.names, case), _of(self.states, case), _of(self.slices, case), made)

    def leaves_out(self, case: str) -> bool:
        return case in self.leave_out or (self.only is not None and case not in self.only)

    def to_json(self) -> dict[str, Any]:
        """The content of `choices.json`; equal choices give equal content."""
        result: dict[str, Any] = {
            "format": FORMAT,
            "names": _sorted({case: dict(names) for case, names in self.names.items() if names}),
            "states": _sorted(
                {case: {name: s.value for name, s in said.items()} for case, said in self.states.items()}
            ),
            "slices": _sorted({case: _slices_json(slices) for case, slices in self.slices.items() if slices}),
            "leave_out": sorted(self.leave_out),
        }
        made = _sorted({case: dict(said) for case, said in self.made.items()})
        result.update({"made": made} if made else {})
        return result if self.only is None else {**result, "only": sorted(self.only)}

    @classmethod
    def from_json(cls, value: Any) -> CohortChoices:
        """ValueError: not choices of this format; says what is wrong."""
        if not isinstance(value, dict):
            raise ValueError("it is not an object")
        unknown = sorted(set(value) - set(_PARTS))
        if unknown:
            raise ValueError(f"it has no part '{unknown[0]}'; the parts are {', '.join(_PARTS)}")
        if value.get("format", FORMAT) != FORMAT:
            raise ValueError(f"its format is {value['format']!r}, this version reads {FORMAT}")
        slices = {clean_name(case): slices_from_json(part) for case, part in _object(value, "slices").items()}
        only = frozenset(_cases(value, "only")) if value.get("only") is not None else None
        return cls(
            {case: _names(part) for case, part in _by_case(value, "names").items()},
            {case: _states(part) for case, part in _by_case(value, "states").items()},
            slices,
            frozenset(_cases(value, "leave_out")),
            only,
            {case: _made(part) for case, part in _by_case(value, "made").items()},
        )


def _of(part: Mapping[str, Mapping[str, T]], case: str) -> dict[str, T]:
    return {**part.get(EVERY, {}), **part.get(case, {})}


def read_choices(path: Path) -> CohortChoices:
    """The choices of a file. Failure: absent, unreadable, or not understood."""
    if not path.is_file():
        raise Failure(f"There is no file {path.name} with choices.", way_out="Correct --choices.")
    content = read_json(path, "the file of choices")
    twice = duplicate_keys(path)
    if twice:
        raise Failure(f"{path.name} names '{twice[0]}' twice in one place.", way_out="Keep one of the two.")
    try:
        return CohortChoices.from_json(content)
    except ValueError as error:
        raise Failure(f"{path.name} is not understood: {error}.", way_out=_WAY_OUT) from None


def _sorted(by_case: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {case: dict(sorted(by_case[case].items())) for case in sorted(by_case) if by_case[case]}


def _slices_json(slices: Mapping[str, Slices]) -> dict[str, Any]:
    return {name: {"axis": AXIS_LETTERS[item.axis], "slices": list(item.indices)} for name, item in slices.items()}


def _object(value: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = value.get(part, {})
    if not isinstance(found, dict):
        raise ValueError(f'"{part}" is not an object of cases')
    return found


def _by_case(value: Mapping[str, Any], part: str) -> dict[str, Mapping[str, str]]:
    """A part that says one word per case and name."""
    result: dict[str, Mapping[str, str]] = {}
    for case, said in _object(value, part).items():
        if not isinstance(said, dict) or not all(isinstance(word, str) for word in said.values()):
            raise ValueError(f"\"{part}\" of '{case}' is not an object of words")
        result[clean_name(case)] = said
    return result


def _names(said: Mapping[str, str]) -> dict[str, str]:
    return {clean_name(drawn): clean_name(structure) for drawn, structure in said.items()}


def _states(said: Mapping[str, str]) -> dict[str, State]:
    empty = [name for name, word in said.items() if not word.strip()]
    if empty:
        raise ValueError(f"the state of '{empty[0]}' is empty")
    return {clean_name(name): parse_state(word) for name, word in said.items()}


def _made(said: Mapping[str, str]) -> dict[str, str]:
    empty = [name for name, word in said.items() if not word.strip()]
    if empty:
        raise ValueError(f"how the label of '{empty[0]}' was made is empty")
    return {clean_name(name): parse_made(word) for name, word in said.items()}


def _cases(value: Mapping[str, Any], part: str) -> list[str]:
    found = value.get(part, [])
    if not isinstance(found, list) or not all(isinstance(case, str) for case in found):
        raise ValueError(f'"{part}" is not a list of cases')
    return [clean_name(case) for case in found]
