"""The round that waits for decisions, relabelled from them without learning; and what that changed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from .begin import open_session
from .data.case import Case
from .data.labels import Labels
from .relabel.select import accepted
from .rounds import open_cases, relabel, rounds_of
from .run.events import Event
from .run.failure import Failure
from .run.folder import RunFolder
from .run.round_words import round_word
from .train.session import Session


@dataclass(frozen=True)
class Change:
    """What a relabelling changed of one structure in one case, in voxels; `complete`: it became known in the whole scan."""

    accepted: int
    withdrawn: int
    denied: int
    complete: bool

    def __bool__(self) -> bool:
        return bool(self.accepted or self.withdrawn or self.denied or self.complete)


def relabel_waiting(run: RunFolder) -> Generator[Event, None, None]:
    """Applies `review.json` of the latest round that waits and writes the labels of the next one.

    Failure: no round waits, its suggestions are not finished, or there are no decisions.
    """
    run.read_head()
    if not run.plan.exists():
        raise _nothing_yet(run)
    session = yield from open_session(run)
    number = waiting_round(session)
    yield from relabel(session, number)
    changed = 0
    for case in open_cases(session, session.of_split("train")):
        for event in _told(session, case, number):
            changed += 1
            yield event
    what = f"{changed} change{'s' * (changed != 1)}" if changed else "Nothing was changed"
    text = f"{round_word(number).capitalize()} is relabelled. {what[0].upper()}{what[1:]}. Go on with: complete --out {run.path.name}"
    yield Event("finished", {"message": text})


def waiting_round(session: Session) -> int:
    """The round whose suggestions and decisions are there and not yet applied. Failure: there is none."""
    rounds = range(rounds_of(session))
    number = next((number for number in rounds if not session.round(number).relabelling.exists()), None)
    if number is None:
        raise Failure(
            f"No round of {session.run.path.name} waits for decisions; all are relabelled.",
            way_out=f"Go on with: complete --out {session.run.path.name}",
        )
    folder = session.round(number)
    cases = open_cases(session, session.of_split("train"))
    if not all((folder.prediction(case.folder.name) / "prediction.json").exists() for case in cases):
        raise _nothing_yet(session.run)
    if not folder.review.exists():
        place = folder.review.relative_to(session.run.path).as_posix()
        raise Failure(
            f"{round_word(number).capitalize()} waits for decisions.",
            way_out=f"Write them to {place}, then give this command again.",
        )
    return number


def _nothing_yet(run: RunFolder) -> Failure:
    return Failure(f"{run.path.name} has no suggestions yet.", way_out=f"Run: complete --out {run.path.name} --review")


def _told(session: Session, case: Case, number: int) -> Iterator[Event]:
    before, after = session.labels(case, number), session.labels(case, number + 1)
    for name in before.structures:
        change = changes(before, after, name)
        if change:
            ml = accepted(after, name).size * case.grid.voxel_ml
            fields = {"accepted": change.accepted, "withdrawn": change.withdrawn, "denied": change.denied}
            yield Event(
                "changed",
                {"case": case.name, "structure": name, **fields, "complete": change.complete, "volume_ml": ml},
            )


def changes(before: Labels, after: Labels, structure: str) -> Change:
    """What became of one structure between two labels of a scan."""
    old, new = accepted(before, structure), accepted(after, structure)
    return Change(
        accepted=int(np.setdiff1d(new, old, assume_unique=True).size),
        withdrawn=int(np.setdiff1d(old, new, assume_unique=True).size),
        denied=_denied(after, structure) - _denied(before, structure),
        complete=after.is_known(structure) and not before.is_known(structure),
    )


def _denied(labels: Labels, structure: str) -> int:
    return int(labels.negatives[structure].indices.size) if structure in labels.negatives else 0
