"""One thing tried after another where there is no pytest: each is said with how it ended, and the exit status counts them."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

OK, LEFT_OUT, FAILED = "ok", "left out", "FAILED"


class LeftOut(Exception):
    """Something cannot be tried here, for the reason that it says."""


class Tries:
    """Goes on after what failed."""

    def __init__(self, say: Callable[[str], object] = print) -> None:
        self._say = say
        self.results: dict[str, str] = {}

    def attempt(self, what: str, function: Callable[[], object]) -> bool:
        """Whether it worked."""
        began = time.monotonic()
        result, detail = OK, ""
        try:
            function()
        except LeftOut as reason:
            result, detail = LEFT_OUT, f": {reason}"
        except Exception as error:
            result, detail = FAILED, f": {type(error).__name__} {error}"
            self._say(traceback.format_exc())
        self.results[what] = result
        self._say(f"{result:8} {what} ({time.monotonic() - began:.1f} s){detail}")
        return result == OK

    def status(self) -> int:
        """0 where something worked and nothing failed, else 1."""
        counts = {word: list(self.results.values()).count(word) for word in (OK, LEFT_OUT, FAILED)}
        self._say(", ".join(f"{number} {word}" for word, number in counts.items()))
        return 1 if counts[FAILED] or not counts[OK] else 0
