"""Rounds as a person reads them: counted from 1, where files and events count from 0."""

from __future__ import annotations

import re

STAGE = re.compile(r"round (\d{1,6}): (.+)")
"""The stage of an event of a round's learning: 'round 0: learning the structures'."""


def round_word(number: int) -> str:
    """'round 1' for the round in `rounds/0`."""
    return f"round {number + 1}"


def stage_words(name: str, last: int = 0) -> str:
    """'Round 1 of 3: learning the structures' for a stage of a round; another stage stays as it is.

    last: the number of the last round, from 0; 0 also where it is not known or there is only one.
    """
    found = STAGE.fullmatch(name)
    if found is None:
        return name
    number = int(found[1])
    of_all = f" of {last + 1}" if last >= max(1, number) else ""
    return f"{round_word(number).capitalize()}{of_all}: {found[2]}"
