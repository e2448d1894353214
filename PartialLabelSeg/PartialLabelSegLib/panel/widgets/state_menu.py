"""The menus of the scan table: each entry says what a state means for learning. They call back and change nothing themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import qt

from .. import words
from ..view_models import CellView

Cell = tuple[str, str]
Chosen = Callable[[tuple[Cell, ...], str], None]


def add_entry(menu: Any, text: str, name: str, tip: str, slot: Callable[[], object]) -> Any:
    """One entry of a menu."""
    action = menu.addAction(text)
    action.setObjectName(name)
    action.setToolTip(tip)
    action.triggered.connect(lambda checked=False: slot())
    return action


def add_title(menu: Any, text: str) -> None:
    """A first line that says what the menu is about."""
    title = menu.addAction(text)
    title.setObjectName("menu_title")
    title.setEnabled(False)
    menu.addSeparator()


def new_menu(parent: Any, name: str) -> Any:
    menu = qt.QMenu(parent)
    menu.setObjectName(name)
    menu.setToolTipsVisible(True)
    return menu


def add_states(menu: Any, cells: Mapping[Cell, CellView], chosen: Chosen) -> None:
    """The states that may be chosen for some of the cells; the state that all of them have is ticked."""
    now = {cell.state for cell in cells.values()}
    for state, word in words.STATES.items():
        possible = tuple(key for key, cell in cells.items() if state in cell.possible)
        if not possible and now != {state}:
            continue
        amount = "" if len(possible) in (0, len(cells)) else f" ({len(possible)} of {len(cells)})"
        text = f"{word.symbol}  {word.text}{amount} – {word.short}"
        action = add_entry(menu, text, _name(state), word.meaning, partial(chosen, possible, state))
        action.setCheckable(True)
        action.setChecked(now == {state})
        action.setEnabled(bool(possible))


def add_column_states(menu: Any, cells: Mapping[Cell, CellView], chosen: Chosen) -> None:
    """The same for all scans of a structure at once: only what would change something."""
    for state, word in words.STATES.items():
        keys = tuple(key for key, cell in cells.items() if state in cell.possible and cell.state != state)
        if keys:
            text = f"{word.symbol}  {word.text} in {words.counted(len(keys), 'more scan')} – {word.short}"
            add_entry(menu, text, _name(state), word.meaning, partial(chosen, keys, state))


def add_made(menu: Any, cells: Mapping[Cell, CellView], chosen: Chosen) -> None:
    """How labels were made: the labelled ones among the cells; what holds for all of them is ticked. Nothing where none is labelled."""
    labelled = tuple(key for key, cell in cells.items() if cell.made)
    if not labelled:
        return
    menu.addSeparator()
    question = menu.addAction(words.HOW_MADE)
    question.setObjectName("menu_how_made")
    question.setEnabled(False)
    now = {cells[key].made for key in labelled}
    amount = "" if len(labelled) == len(cells) else f" ({len(labelled)} of {len(cells)})"
    for how, word in words.MADE.items():
        text = f"{word.symbol or '✓'}  {word.text}{amount} – {word.short}"
        action = add_entry(menu, text, f"made_{how}", word.meaning, partial(chosen, labelled, how))
        action.setCheckable(True)
        action.setChecked(now == {how})


def title_of(cells: Sequence[Cell]) -> str:
    """'Liver in Case 7', or how many cells there are."""
    if len(cells) == 1:
        return f"{cells[0][1]} in {cells[0][0]}"
    structures, scans = {cell[1] for cell in cells}, {cell[0] for cell in cells}
    what = next(iter(structures)) if len(structures) == 1 else words.counted(len(structures), "structure")
    return f"{what} in {next(iter(scans)) if len(scans) == 1 else words.counted(len(scans), 'scan')}"


def _name(state: str) -> str:
    return f"state_{state.replace(' ', '_')}"
