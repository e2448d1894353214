"""The queue as the step Decide lists it: rows in the order of their worth, found by key, scan and structure."""

from __future__ import annotations

from .decisions import Decisions
from .view_models_decide import WorkRow
from .worklist import Item, Worklist

_BETWEEN = "\x1f"

Pair = tuple[str, str]


def key_of(pair: Pair) -> str:
    return _BETWEEN.join(pair)


def pair_of(key: str) -> Pair | None:
    scan, between, structure = key.partition(_BETWEEN)
    return (scan, structure) if between else None


class Queue:
    """Rows are made when they are asked for, and again only after decisions or scans have changed."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._worklist = Worklist(decisions)
        self._items: dict[Pair, Item] = {}
        self._rows: tuple[WorkRow, ...] = ()
        self._made_for: tuple[object, object] = ({}, {})
        self._stale = True
        decisions.changed.append(self._changed)

    def _changed(self) -> None:
        self._stale = True

    def _refreshed(self) -> dict[Pair, Item]:
        made_for = (self._decisions.expected, self._decisions.volumes)
        if self._stale or made_for != self._made_for:
            self._items = {item.key: item for item in self._worklist.items()}
            self._made_for, self._stale, self._rows = made_for, False, ()
        return self._items

    def items(self) -> tuple[Item, ...]:
        """Open ones first, each group by falling worth."""
        return tuple(self._refreshed().values())

    def item(self, pair: Pair) -> Item | None:
        return self._refreshed().get(pair)

    def following(self, pair: Pair) -> Item | None:
        """The next open item by worth; None where all others are decided."""
        return self._worklist.following(pair)

    def rows(self) -> tuple[WorkRow, ...]:
        items = self._refreshed()
        if not self._rows:
            self._rows = tuple(_row(item) for item in items.values())
        return self._rows


def _row(item: Item) -> WorkRow:
    decision = item.said.decision
    flags = (*item.flags, "decided in part") if not decision and item.said.parts else item.flags
    return WorkRow(key_of(item.key), item.structure, item.scan, item.ml, item.confidence, item.parts, flags, decision)
