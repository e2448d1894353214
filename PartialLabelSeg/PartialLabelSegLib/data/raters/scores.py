"""A scoring table turned into readings: which rater ticked which cells of which scan, every bad row named.

Columns `scan, rater, slice, row, column`, in any order; numbers count from 0 (or from `first`). `tick` (also `grade`): 1, yes, x or a share such as
0.5 or 50%; 0 or no for a cell that was looked at and left empty; without the column every row is a tick. `structure` where a scan has several.

**What was read.** A rater with any row for a scan read that whole scan. A row without row, column and tick, or whose tick is `read`, says which slices
were read instead: `slice` is then a number, a list such as `3-10, 12`, or `all`. A rater with such rows for a scan read these slices, and those with
a tick; where they name a structure they hold for that structure alone, and another one without such a row was not read. No row: not read at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..importers.cells import parse_ranges
from ..types import Problem, clean_name
from .score_rows import READ, ScoreRow
from .template import GridTemplate
from .types import Reading, Tick

Key = tuple[str, str]
"""A case and a structure."""
_YES = {"1", "x", "yes", "y", "true", "tick", "ticked", "✓", "+"}
_NO = {"0", "no", "n", "false", "-"}
_ALL = {"", "all", "*"}


@dataclass(frozen=True)
class Target:
    """What a row may speak of: the grid of one structure in one scan, and how many slices the scan has."""

    template: GridTemplate
    slices: int


@dataclass
class _Said:
    """What one rater said of one structure in one scan, while the rows are read. Places: the row that said it first."""

    ticks: dict[tuple[int, int, int], tuple[float, str]] = field(default_factory=dict)
    read: set[int] | None = None


def readings_of(
    rows: Iterable[ScoreRow], targets: Mapping[Key, Target], first: int = 0, passed_over: Collection[str] = ()
) -> tuple[dict[Key, tuple[Reading, ...]], tuple[Problem, ...]]:
    """The readings of each target, by the raters' names, and every mistake in the rows.

    first: the number with which slices, rows and columns begin in the table, 0 or 1. A target without a row has no reading.
    passed_over: scans of which something else is wrong already; rows that no target fits are not named where they speak of these.
    """
    if first not in (0, 1):
        raise ValueError(f"tables count from 0 or 1, got {first}")
    said: dict[tuple[Key, str], _Said] = {}
    raters: dict[str, set[str]] = {}
    problems: list[Problem] = []
    for row in rows:
        try:
            for key, rater in _take(row, targets, said, first):
                raters.setdefault(key[0], set()).add(rater)
        except _Wrong as wrong:
            if wrong.no_target and wrong.case in passed_over:
                continue
            problems.append(Problem(f"{row.place}: {wrong.text}.", wrong.case, wrong.structure))
    return {key: _readings(key, target, raters, said) for key, target in targets.items()}, tuple(problems)


class _Wrong(ValueError):
    """One row's mistake. no_target: it speaks of nothing that the study has."""

    def __init__(self, text: str, case: str = "", structure: str = "", no_target: bool = False) -> None:
        super().__init__(text)
        self.text, self.case, self.structure, self.no_target = text, case, structure, no_target


def _take(
    row: ScoreRow, targets: Mapping[Key, Target], said: dict[tuple[Key, str], _Said], first: int
) -> list[tuple[Key, str]]:
    """Takes one row in; returns whom it speaks of."""
    keys = _keys(row, targets)
    case, rater = keys[0][0], clean_name(row.cells["rater"])
    if not rater:
        raise _Wrong("it names no rater", case)
    reads = row.cells["tick"].lower() == READ or not (row.cells["row"] or row.cells["column"] or row.cells["tick"])
    if not reads and len(keys) > 1:
        raise _Wrong("it names no structure, and this scan has several", case)
    for key in keys:
        one = said.setdefault((key, rater), _Said())
        if reads:
            one.read = (one.read or set()) | _slices(row, targets[key], case, first)
        else:
            _tick(row, key, targets[key], one, first)
    return [(key, rater) for key in keys]


def _keys(row: ScoreRow, targets: Mapping[Key, Target]) -> list[Key]:
    """The targets that a row speaks of: one, or every structure of the scan where it names none."""
    case, structure = clean_name(row.cells["scan"]), clean_name(row.cells["structure"])
    if not case:
        raise _Wrong("it names no scan")
    of_case = [key for key in targets if key[0] == case]
    if not of_case:
        raise _Wrong("the study has no scan of this name with a grid and a bone mask", case, "", True)
    if structure and (case, structure) not in targets:
        raise _Wrong("this scan has no structure of this name with a grid and a bone mask", case, structure, True)
    return [(case, structure)] if structure else of_case


def _tick(row: ScoreRow, key: Key, target: Target, one: _Said, first: int) -> None:
    index, line, column = (_number(row, name, key, first) for name in ("slice", "row", "column"))
    if not target.template.holds(line, column):
        last = f"{target.template.rows - 1 + first} and {target.template.columns - 1 + first}"
        text = f"row {line + first}, column {column + first} is outside the grid, whose last row and column are {last}"
        raise _Wrong(text, *key)
    if index >= target.slices:
        raise _Wrong(f"slice {index + first} is not in the scan, whose last is {target.slices - 1 + first}", *key)
    grade = _grade(row, key)
    before = one.ticks.get((index, line, column))
    if before is not None and before[0] != grade:
        raise _Wrong(f"the same rater says something else of this cell in {before[1]}", *key)
    one.ticks.setdefault((index, line, column), (grade, row.place))


def _number(row: ScoreRow, name: str, key: Key, first: int) -> int:
    text = row.cells[name]
    if not re.fullmatch(r"\d{1,6}(\.0*)?", text) or int(float(text)) < first:
        raise _Wrong(f"its {name} '{text}' is not a whole number from {first}", *key)
    return int(float(text)) - first


def _grade(row: ScoreRow, key: Key) -> float:
    text = row.cells["tick"].lower().replace(",", ".")
    if text in _YES | _NO:
        return 1.0 if text in _YES else 0.0
    found = re.fullmatch(r"(\d*\.?\d+)\s*(%?)", text)
    value = float(found.group(1)) / (100 if found.group(2) else 1) if found else -1.0
    if not 0 <= value <= 1:
        raise _Wrong(f"its tick '{row.cells['tick']}' is not yes, no, or a share in 0..1", *key)
    return value


def _slices(row: ScoreRow, target: Target, case: str, first: int) -> set[int]:
    text = row.cells["slice"].lower()
    if text in _ALL:
        return set(range(target.slices))
    try:
        found = {index - first for index in parse_ranges(text)}
    except ValueError as error:
        raise _Wrong(f"its slices are not understood: {error}", case) from None
    if min(found) < 0 or max(found) >= target.slices:
        raise _Wrong(f"slices '{text}' are not all in the scan ({first} to {target.slices - 1 + first})", case)
    return found


def _readings(
    key: Key, target: Target, raters: Mapping[str, set[str]], said: Mapping[tuple[Key, str], _Said]
) -> tuple[Reading, ...]:
    """The readings of one structure in one scan, by the raters' names."""
    result = []
    for rater in sorted(raters.get(key[0], ())):
        one = said.get((key, rater), _Said())
        ticks = tuple(Tick(*cell, grade) for cell, (grade, _) in sorted(one.ticks.items()))
        read = _read(key, one, [other for (of, name), other in said.items() if name == rater and of[0] == key[0]])
        if read is not None:
            read |= {tick.slice for tick in ticks}
            if not read:
                continue
            if len(read) == target.slices:
                read = None
        result.append(
            Reading(key[0], rater, None if read is None else frozenset(read), ticks, axis=target.template.axis)
        )
    return tuple(result)


def _read(key: Key, one: _Said, of_this_scan: Sequence[_Said]) -> set[int] | None:
    """The slices that a rater says to have read; None: all, since nothing is said of any structure of the scan."""
    if one.read is not None:
        return set(one.read)
    return set() if any(other.read is not None for other in of_this_scan) else None
