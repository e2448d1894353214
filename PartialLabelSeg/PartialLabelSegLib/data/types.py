"""The small values of the data room: a structure, its state in a scan, and a problem found while reading."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..run.failure import Failure

# Distinct, and told apart by the colour-blind too (after Okabe and Ito, then lighter and darker relatives).
PALETTE = (
    (0.90, 0.62, 0.00),
    (0.34, 0.71, 0.91),
    (0.00, 0.62, 0.45),
    (0.94, 0.89, 0.26),
    (0.00, 0.45, 0.70),
    (0.84, 0.37, 0.00),
    (0.80, 0.47, 0.65),
    (0.60, 0.60, 0.60),
    (0.60, 0.87, 0.54),
    (0.77, 0.69, 0.84),
    (0.55, 0.34, 0.29),
    (1.00, 0.73, 0.47),
)
MOST_STRUCTURES = 254
CHECKED, QUICK = "checked", "quick"
MADE = (CHECKED, QUICK)
"""How a label was made: with care or looked through by an expert; or quickly, so that some of it may be wrong."""


class State(str, Enum):
    """What the annotator said about one structure in one scan; the value is the word that a clinician reads."""

    LABELLED = "labelled"
    MISSING = "missing"
    ABSENT = "absent"
    SOME_SLICES = "some slices"


@dataclass(frozen=True)
class Structure:
    """A structure to segment. `name` is its key everywhere; `color` is RGB in 0..1; `terminology` is Slicer's terminology entry, or empty."""

    name: str
    color: tuple[float, float, float] = PALETTE[0]
    terminology: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name != self.name.strip() or any(ord(letter) < 32 for letter in self.name):
            raise ValueError(f"a structure needs a name without control characters or outer blanks, got {self.name!r}")
        if len(self.color) != 3 or not all(0 <= part <= 1 for part in self.color):
            raise ValueError(f"structure '{self.name}': colour parts must lie in 0..1, got {self.color}")


def clean_name(text: str) -> str:
    """A name as read from a file, without outer blanks, control characters, and bytes that are no text."""
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if ord(letter) >= 32 else " " for letter in readable).strip()


def structures_named(names: list[str] | tuple[str, ...]) -> tuple[Structure, ...]:
    """Structures with palette colours in order."""
    return tuple(Structure(name, PALETTE[index % len(PALETTE)]) for index, name in enumerate(names))


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a data set. `severity` 'error': the case cannot be used; 'warning': it can, but look."""

    message: str
    case: str = ""
    structure: str = ""
    severity: str = "error"

    def __post_init__(self) -> None:
        if self.severity not in ("error", "warning"):
            raise ValueError(f"severity must be 'error' or 'warning', got {self.severity!r}")

    @classmethod
    def of(cls, failure: Failure, case: str = "") -> Problem:
        """The same as a problem; `case` where the failure itself names none."""
        message = f"{failure.wrong} {failure.way_out}".strip()
        return cls(message, failure.case or case, failure.structure)

    def failure(self) -> Failure:
        """The same as an error to raise."""
        return Failure(self.message, case=self.case, structure=self.structure)

    def sentence(self) -> str:
        return self.failure().sentence()
