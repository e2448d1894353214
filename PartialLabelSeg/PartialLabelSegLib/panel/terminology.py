"""Slicer's terminology entries: what a segment's code says in words, and whether two segments carry the same one."""

from __future__ import annotations

from ..data.types import clean_name


def _coded(part: str) -> tuple[str, str, str]:
    """'SCT^10200004^Liver' -> scheme, value and meaning."""
    scheme, _, rest = part.partition("^")
    value, _, meaning = rest.partition("^")
    return scheme.strip(), value.strip(), clean_name(meaning)


def _parts(entry: str) -> list[tuple[str, str, str]]:
    """Category, type and its modifier, region and its modifier; empty codes where the entry is shorter."""
    pieces = entry.split("~")
    places = [pieces[place] if place < len(pieces) else "" for place in (1, 2, 3, 5, 6)]
    return [_coded(place) for place in places]


def code_of(entry: str) -> str:
    """What two entries of the same structure share; empty where the entry names nothing in particular.

    A segment that nobody gave a code carries one all the same, whose type is the whole category ('Tissue').
    """
    category, kind, modifier, region, side = _parts(entry)
    if not kind[1] or (kind[:2] == category[:2] and not region[1]):
        return ""
    return "|".join(f"{scheme}:{value}" for scheme, value, _ in (kind, modifier, region, side) if value)


def words_of(entry: str) -> str:
    """'Right Kidney (SCT 64033007)'; empty where the entry names nothing in particular."""
    if not code_of(entry):
        return ""
    _, kind, modifier, region, side = _parts(entry)
    words = " ".join(part[2] for part in (modifier, kind) if part[2])
    place = " ".join(part[2] for part in (side, region) if part[2])
    return f"{words}{' of ' + place if place else ''} ({kind[0]} {kind[1]})"
