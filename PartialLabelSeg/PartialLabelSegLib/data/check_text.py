"""The check's table for a terminal: case × structure, totals, every problem as a sentence, and what is recommended."""

from __future__ import annotations

from .check import Cell, CheckTable, Row
from .types import QUICK, Problem, State

_WIDEST = 24
"""Names longer than this are shortened in the table, not in the sentences."""
_QUICK = "*"
_LEGEND = f"{_QUICK} drawn quickly, not checked"


def format_check(table: CheckTable) -> str:
    """The text: the table, a line that says how many errors and warnings there are, and what suits these labels where any can be used."""
    splits = any(row.split for row in table.rows)
    head = ["case", *(["split"] if splits else []), *table.structures]
    lines = [head, *(_line(row, table, splits) for row in table.rows), _totals(table, splits)]
    legend = [_LEGEND] if any(table.count_made(name, QUICK) for name in table.structures) else []
    usable = any(row.cells is not None for row in table.rows)
    advice = ["", *_recommended(table)] if usable and table.structures else []
    return "\n".join([*_aligned(lines), *legend, "", *_problems(table), *advice]) + "\n"


def _line(row: Row, table: CheckTable, splits: bool) -> list[str]:
    start = [row.case, *([row.split or "-"] if splits else [])]
    if row.cells is None:
        return [*start, *(["not usable"] * len(table.structures))]
    return [*start, *(cell_text(row.cells[name]) for name in table.structures)]


def cell_text(cell: Cell) -> str:
    """'labelled 12.3 mL', 'missing', 'absent', 'slices 3/40 1.2 mL'; 'in part 1.2 mL' where some voxels are drawn and others unknown.

    A mark follows where the label was made quickly.
    """
    return f"{_state_text(cell)} {_QUICK}" if cell.made == QUICK else _state_text(cell)


def _state_text(cell: Cell) -> str:
    if cell.state is State.SOME_SLICES:
        return f"slices {cell.slices}/{cell.slices_of} {_ml(cell.ml)}"
    if cell.state is State.LABELLED:
        return f"labelled {_ml(cell.ml)}"
    return f"in part {_ml(cell.ml)}" if cell.voxels else cell.state.value


def _ml(ml: float) -> str:
    """Three figures that matter, without an exponent."""
    decimals = 0 if ml >= 100 else 1 if ml >= 10 else 2 if ml >= 0.1 else 4
    return f"{ml:.{decimals}f} mL"


def _totals(table: CheckTable, splits: bool) -> list[str]:
    usable = sum(row.cells is not None for row in table.rows)
    texts = []
    for name in table.structures:
        some = table.count(name, State.SOME_SLICES)
        quick = table.count_made(name, QUICK)
        more = [*([f"+{some} slices"] if some else []), *([f"({quick} {_QUICK})"] if quick else [])]
        texts.append(" ".join([f"{table.count(name, State.LABELLED)} of {usable}", *more]))
    return ["labelled in", *([""] if splits else []), *texts]


def _aligned(lines: list[list[str]]) -> list[str]:
    """Columns two blanks apart, rules below the head and above the totals."""
    short = [[text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…" for text in line] for line in lines]
    widths = [max(len(line[column]) for line in short) for column in range(len(short[0]))]
    texts = ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in short]
    rule = "-" * max(len(text) for text in texts)
    return [texts[0], rule, *texts[1:-1], rule, texts[-1]]


def _problems(table: CheckTable) -> list[str]:
    errors = [problem for problem in table.problems if problem.severity == "error"]
    warnings = [problem for problem in table.problems if problem.severity == "warning"]
    lines = [*_listed("Errors", errors), *_listed("Warnings", warnings)]
    if not lines:
        return ["No problem found."]
    return [*lines, f"{_counted(len(errors), 'error')}, {_counted(len(warnings), 'warning')}."]


def _recommended(table: CheckTable) -> list[str]:
    """The options of `complete`, without those that change nothing, and why."""
    advice = table.recommendation()
    options = [f"--method {advice.method}"]
    if any(table.count_made(name, QUICK) for name in table.structures):
        options.append(f"--doubtful {advice.doubtful}")
    options += [f"--bounds {' '.join(advice.bounds)}"] if advice.bounds else []
    return [f"Recommended: {' '.join(options)}", advice.reason]


def _listed(title: str, problems: list[Problem]) -> list[str]:
    return [f"{title}:", *(f"- {problem.sentence()}" for problem in problems), ""] if problems else []


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
