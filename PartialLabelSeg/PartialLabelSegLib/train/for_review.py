"""What a reviewer needs beside the suggestions of a round: what is usual of each structure, and how right suggestions have been."""

from __future__ import annotations

from collections.abc import Iterator

from ..data.case import Case
from ..data.prediction import read_prediction
from ..relabel.expected import Measured, expected, measured, write_expected
from ..relabel.reliability import Tally, pooled, tallied, write_reliability
from .doubtful import left_out
from .session import Session
from .steps import Cancelled


def write_what_is_usual(session: Session, number: int) -> None:
    """Writes `expected.json` of a round from the scans in which structures are drawn or were completed; test scans and doubtful labels stay out of it.

    Nothing is done where it is there already. Cancelled: the user wants to stop.
    """

    def scans() -> Iterator[dict[str, Measured]]:
        for case in _until_cancelled(session, "train", "validation"):
            yield measured(left_out(session.labels(case, number)), case.grid)

    path = session.round(number).expected
    if not path.exists():
        write_expected(path, expected(scans()))


def measure_reliability(session: Session, number: int) -> None:
    """Writes `reliability.json` of a round from its predictions of the validation scans, which it did not learn from; as `write_what_is_usual`."""

    def scans() -> Iterator[dict[str, Tally]]:
        for case in _until_cancelled(session, "validation"):
            prediction, _ = read_prediction(session.round(number).prediction(case.folder.name), case.name)
            yield tallied(prediction, left_out(session.labels(case, 0)))

    path = session.round(number).reliability
    if not path.exists():
        write_reliability(path, pooled(scans()))


def _until_cancelled(session: Session, *splits: str) -> Iterator[Case]:
    for case in session.of_split(*splits):
        if session.run.cancelled():
            raise Cancelled
        yield case
