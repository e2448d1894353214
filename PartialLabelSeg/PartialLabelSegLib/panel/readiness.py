"""What learning needs at least, checked before it starts: scans that can be used, and drawings to learn each structure from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from .counts_as import ABSENT, LABELLED, SOME
from .view_models import ProblemView, ScanView

_TEACH = (LABELLED, SOME)


def why_not_learn(rows: Collection[ScanView], structures: Collection[str]) -> str:
    """Why learning cannot start, in a sentence with the way out; empty where it can."""
    if not rows:
        return "There is no scan yet. Add scans in which some structures are drawn."
    if not any(row.cells for row in rows):
        return "No scan can be used. Mend what stands beside the scans, or add others."
    if not structures:
        return "Nothing is drawn in any scan. Draw at least one structure in one of them."
    if not any(labelled_in(rows, structures).values()):
        return "No structure is labelled in any scan. Say of at least one drawing that it is labelled."
    return ""


def labelled_in(rows: Collection[ScanView], structures: Collection[str]) -> Mapping[str, int]:
    """In how many scans each structure teaches where it is."""
    counts = Counter(name for row in rows for name, cell in zip(structures, row.cells) if cell.state in _TEACH)
    return {name: counts[name] for name in structures}


def set_problems(rows: Collection[ScanView], structures: Collection[str]) -> tuple[ProblemView, ...]:
    """What is wrong with all scans together: structures that cannot be learned or not be validated, and where there is nothing to do."""
    usable = [row for row in rows if row.cells]
    if not usable:
        return ()
    problems = [_of_structure(name, count, len(usable)) for name, count in labelled_in(rows, structures).items()]
    if structures and all(cell.state in (LABELLED, ABSENT) for row in usable for cell in row.cells):
        text = (
            "Everything is labelled in every scan, so nothing is left to suggest. Add scans that are to be completed."
        )
        problems.append(ProblemView(text))
    return tuple(problem for problem in problems if problem is not None)


def _of_structure(name: str, count: int, scans: int) -> ProblemView | None:
    if count == 0:
        text = f"{name} is labelled in no scan, so it cannot be learned. Draw it in a few scans, or leave it out."
        return ProblemView(text, "warning", name)
    if count == 1 and scans > 1:
        text = f"{name} is labelled in one scan only: it is learned, but how well cannot be measured. Draw it in one more scan."
        return ProblemView(text, "warning", name)
    return None
