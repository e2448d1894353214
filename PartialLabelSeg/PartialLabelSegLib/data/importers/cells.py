"""The small grammars of a manifest's cells: states, slice lists, and names of label files. ValueError says what is wrong in words."""

from __future__ import annotations

import re
from typing import Any

from ..labels import Slices
from ..types import CHECKED, MADE, State, clean_name

AXIS_LETTERS = "zyx"
"""The letter of each array axis: 'z' is the scan's stored slice axis, 'y' and 'x' its rows and columns."""
EVERY = "*"
_HIGHEST = 100_000


def parse_state(text: str) -> State:
    """labelled, missing, absent or some slices, in any case; empty is missing."""
    word = " ".join(text.lower().split())
    try:
        return State(word) if word else State.MISSING
    except ValueError:
        raise ValueError(f"'{text.strip()}' is not one of labelled, missing, absent, some slices") from None


def parse_ranges(text: str) -> tuple[int, ...]:
    """'3-10, 15' -> 3, 4, ..., 10, 15; both ends belong to a range."""
    numbers: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:\s*[-–]\s*(\d+))?\s*", part)
        if found is None:
            raise ValueError(f"'{part.strip()}' is not a slice number or a range such as 3-10")
        first, last = int(found.group(1)), int(found.group(2) or found.group(1))
        if last < first or last > _HIGHEST:
            raise ValueError(f"'{part.strip()}' is not a range of slices")
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def parse_slices(text: str) -> Slices:
    """'3-10, 15' along z, or 'y: 3-10' along another axis of the scan."""
    axis, colon, ranges = text.rpartition(":")
    return Slices(_axis(axis) if colon else 0, parse_ranges(ranges))


def _axis(text: str) -> int:
    letter = text.strip().lower()
    if len(letter) != 1 or letter not in AXIS_LETTERS:
        raise ValueError(f"'{text.strip()}' is not one of the scan's axes x, y, z")
    return AXIS_LETTERS.index(letter)


def parse_slices_cell(text: str) -> dict[str, Slices]:
    """'Liver: 3-10, 15; Spleen@y: 4' -> the slices of each structure."""
    result: dict[str, Slices] = {}
    for entry in text.split(";"):
        if not entry.strip():
            continue
        name, colon, ranges = entry.rpartition(":")
        if not colon:
            raise ValueError(f"'{entry.strip()}' is not of the form 'Liver: 3-10, 15'")
        plain, at, axis = name.rpartition("@")
        structure = clean_name(plain if at else name)
        if structure in result:
            raise ValueError(f"'{structure}' has two lists of slices")
        result[structure] = Slices(_axis(axis) if at else 0, parse_ranges(ranges))
    return result


def slices_from_json(value: Any) -> dict[str, Slices]:
    """{structure: {"axis": "z", "slices": [3, 4]}} -> the slices of each structure; without "axis" they lie along z."""
    if not isinstance(value, dict):
        raise ValueError("it is not an object of structures")
    result = {}
    for name, entry in value.items():
        numbers = entry.get("slices") if isinstance(entry, dict) else None
        if not isinstance(numbers, list) or not all(
            isinstance(number, int) and not isinstance(number, bool) for number in numbers
        ):
            raise ValueError(f"'{name}' needs a list of whole numbers as \"slices\"")
        if any(not 0 <= number <= _HIGHEST for number in numbers):
            raise ValueError(f"the slices of '{name}' must count from 0")
        result[clean_name(str(name))] = Slices(_axis(str(entry.get("axis", "z"))), tuple(sorted(set(numbers))))
    return result


def parse_made(text: str) -> str:
    """checked or quick, in any case; empty is checked."""
    word = " ".join(text.lower().split())
    if word and word not in MADE:
        raise ValueError(f"'{text.strip()}' is not one of {', '.join(MADE)}")
    return word or CHECKED


def parse_made_cell(text: str) -> dict[str, str]:
    """'quick' -> all structures of the scan, under the name `EVERY`; 'Liver: quick; Spleen: checked' -> these; 'quick; Spleen: checked' -> both."""
    result: dict[str, str] = {}
    for entry in text.split(";"):
        if not entry.strip():
            continue
        name, colon, word = entry.rpartition(":")
        structure = clean_name(name) if colon else EVERY
        if not structure or not word.strip():
            raise ValueError(f"'{entry.strip()}' is not of the form 'quick' or 'Liver: quick'")
        if structure in result:
            what = "the scan" if structure == EVERY else f"'{structure}'"
            raise ValueError(f"it says twice how the labels of {what} were made")
        result[structure] = parse_made(word)
    return result


def parse_label_files(text: str) -> dict[str, str]:
    """'Liver=liver.nii.gz;Spleen=spleen.nii.gz' -> the file of each structure."""
    result: dict[str, str] = {}
    for entry in text.split(";"):
        if not entry.strip():
            continue
        name, equals, path = entry.partition("=")
        structure = clean_name(name)
        if not equals or not structure or not path.strip():
            raise ValueError(f"'{entry.strip()}' is not of the form 'Liver=liver.nii.gz'")
        if structure in result:
            raise ValueError(f"'{structure}' has two label files")
        result[structure] = path.strip()
    return result
