"""Left and right in the names of structures: which structure is another one's twin on the other side of the body."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"(?i)left|right")
_LETTER = re.compile(r"(?i)(?<![a-z])[lr](?![a-z])|(?-i:(?<=[a-z])[LR]$|^[LR](?=[A-Z][a-z]))")
_OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}


def is_sided(name: str) -> bool:
    """Whether the name says a side: `Left kidney`, `kidney_l`, `ParotidR`, `LParotid`."""
    return bool(_WORD.search(name) or _LETTER.search(name))


def other_side(name: str) -> str:
    """The name with every left and right exchanged, in the same writing."""
    return _LETTER.sub(_exchanged, name) if not _WORD.search(name) else _WORD.sub(_exchanged, name)


def _exchanged(found: re.Match[str]) -> str:
    said = found[0]
    other = _OTHER[said.lower()]
    if said.isupper():
        return other.upper()
    return other.capitalize() if said[0].isupper() else other


def twins(names: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
    """The pairs of structures that change places when a scan is mirrored; None where some sided structure has no twin among the names.

    A mirrored scan shows the right parotid gland where the left one is looked for: it may be learned from only if the labels change places too.
    """
    by_name = {name.casefold(): name for name in names}
    pairs = set()
    for name in names:
        if not is_sided(name):
            continue
        twin = by_name.get(other_side(name).casefold())
        if twin is None or twin == name:
            return None
        pairs.add((min(name, twin), max(name, twin)))
    return tuple(sorted(pairs))
