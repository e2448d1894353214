"""The one error that a person reads: what is wrong, where, and the way out."""

from __future__ import annotations

_ARTICLES = {"the", "there", "a", "an", "no", "two"}
"""Words whose first letter may change; a sentence can also begin with the name of a file."""


class Failure(ValueError):
    """A mistake that the user can mend. `str()` is one readable sentence; nothing else is ever shown."""

    def __init__(self, wrong: str, *, way_out: str = "", case: str = "", structure: str = "") -> None:
        self.wrong = wrong
        self.way_out = way_out
        self.case = case
        self.structure = structure
        super().__init__(self.sentence())

    def sentence(self) -> str:
        place = ", ".join(
            f"{word} '{name}'" for word, name in (("case", self.case), ("structure", self.structure)) if name
        )
        text = f"{_capital(place)}: {self.wrong}" if place else self.wrong
        if not place and text.split(" ")[0] in _ARTICLES:
            text = _capital(text)
        return f"{text} {self.way_out}".strip()

    def fields(self) -> dict[str, str]:
        """The parts, for an `error` event."""
        return {
            "message": self.sentence(),
            "wrong": self.wrong,
            "way_out": self.way_out,
            "case": self.case,
            "structure": self.structure,
        }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
