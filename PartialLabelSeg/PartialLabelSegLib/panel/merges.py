"""Structures that are probably one: their names differ only in spelling, or their segments carry the same code. Suggested, never done unasked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..data.importers.names import name_key
from .counts_as import Counted, is_drawn
from .state import Scan
from .terminology import code_of, words_of
from .view_models import MergeView

There = Mapping[str, Counted]
"""The structures of one scan."""


def suggested_merges(
    structures: Sequence[str], terminology: Mapping[str, str], scans: Iterable[tuple[Scan, There]]
) -> tuple[MergeView, ...]:
    """Groups of structures to merge, those by name first. terminology: Slicer's entry of a structure.

    Structures that carry one code but are drawn side by side in a scan are parts or neighbours, and are not suggested.
    """
    drawn = [{name for name, item in there.items() if is_drawn(scan.found, item)} for scan, there in scans]
    often = Counter(name for names in drawn for name in names)
    result, taken = [], set()
    for group in _groups({name: name_key(name) for name in structures}).values():
        result.append(_merge(group, often, "the names differ only in spelling"))
        taken |= set(group)
    codes = {name: code_of(terminology.get(name, "")) for name in structures if name not in taken}
    for group in _groups(codes).values():
        if all(len(names & set(group)) < 2 for names in drawn):
            why = f"{'both' if len(group) == 2 else 'all'} carry the code {words_of(terminology[group[0]])}"
            result.append(_merge(group, often, why))
    return tuple(result)


def _groups(keys: Mapping[str, str]) -> dict[str, list[str]]:
    """The names that share a key with another one, by key; an empty key is shared with none."""
    groups: dict[str, list[str]] = {}
    for name, key in keys.items():
        if key:
            groups.setdefault(key, []).append(name)
    return {key: names for key, names in groups.items() if len(names) > 1}


def _merge(names: Sequence[str], often: Mapping[str, int], why: str) -> MergeView:
    """Into the name that is drawn in most scans, the first of several."""
    return MergeView(tuple(names), max(names, key=lambda name: often.get(name, 0)), why)
