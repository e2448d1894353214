"""The story of a run: plan, train, confidence, predict, relabel, and again. Every step leaves finished files and is passed over where they are there."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np

from .data.case import Case
from .data.label_files import read_labels, write_labels
from .data.labels import Labels
from .data.prediction import read_prediction
from .metrics.ranking import RelabelQuality
from .relabel.apply import apply
from .relabel.edits import read_edits
from .relabel.review import AUTOMATIC, Review, automatic_review, read_review, write_review
from .relabel.select import accepted, candidates
from .run.events import Event
from .run.failure import Failure
from .run.files import write_json
from .run.round_words import round_word
from .train.for_review import measure_reliability, write_what_is_usual
from .train.judged import confidence_ranking
from .train.learn import learn_confidence, learn_segmentation, trusted_batches
from .train.session import Session
from .train.sizes import learn_sizes
from .train.suggest import predict_cases
from .train.weigh import weigh_labels

SPARSE_SHARE = 0.5
"""Below this share of labelled structures relabelling stops at gamma 0.66 (INERRANT, Table 7)."""


class Row(TypedDict, total=False):
    """What a round accepted of one structure in one case. The last four only where the truth is given; `truth`: voxels of what was missing."""

    candidates: int
    accepted_new: int
    accepted_total: int
    volume_ml: float
    correct: int
    truth: int
    precision: float
    recall: float


class WaitingForReview(Exception):
    """The suggestions of a round are there and a person's decisions are not."""


def run_rounds(session: Session) -> Generator[Event, None, None]:
    """Round 0 learns from the expert's labels; rounds 1..T from labels with ever more accepted suggestions (INERRANT, Algorithm 2)."""
    yield from prepare(session, session.cases, 0)
    last = rounds_of(session)
    for number in range(last + 1):
        yield Event(
            "round", {"round": number, "rounds": last, "gamma": gamma_of(session, number) if number < last else None}
        )
        yield from prepare(session, session.of_split("train"), number)
        if session.configuration.bounds:
            yield from learn_sizes(session, number)
        yield from learn_segmentation(session, number)
        yield from learn_confidence(session, number)
        yield from weigh(session, number)
        if number < last:
            yield from suggest(session, number)
            yield from relabel(session, number)
    yield from predict_cases(session, last, open_cases(session, session.cases))


def weigh(session: Session, number: int) -> Iterator[Event]:
    """Writes where the trusted labels uphold the doubtful ones of a round and where they do not, if any were weighed."""
    if session.round(number).snapshots.exists():
        batches, size = trusted_batches(session, number), session.plan.batch
        yield from weigh_labels(session, number, lambda step: batches.batch(step, size))


def suggest(session: Session, number: int) -> Iterator[Event]:
    """Predicts the cases that a round relabels. Before a person's review the validation cases too, to measure how right suggestions are."""
    cases = open_cases(session, session.of_split("train"))
    if not session.configuration.relabelling.review or session.round(number).relabelling.exists():
        yield from predict_cases(session, number, cases)
        return
    write_what_is_usual(session, number)
    yield from predict_cases(session, number, cases + session.of_split("validation"))
    measure_reliability(session, number)


def rounds_of(session: Session) -> int:
    """How often the method relabels."""
    return session.configuration.relabelling.later_rounds


def gamma_of(session: Session, number: int) -> float:
    """gamma_t of the relabelling after round `number`."""
    choices = session.configuration.relabelling
    if choices.method == "all-pseudo-labels":
        return 1.0
    if choices.method == "mlb":
        # What is suggested is learned with weights; nothing becomes certain without a person.
        return 0.0
    return choices.gamma(number, choices.gamma_max or automatic_gamma_max(session))


def automatic_gamma_max(session: Session) -> float:
    """1 where at least half of the structures of the training cases are labelled, else 0.66."""
    flags = [flag for case in session.of_split("train") for flag in session.known(case)]
    return 1.0 if sum(flags) >= SPARSE_SHARE * len(flags) else 0.66


def prepare(session: Session, cases: tuple[Case, ...], number: int) -> Iterator[Event]:
    for done, case in enumerate(cases, 1):
        session.prepare(case, number)
        yield Event("prepared", {"round": number, "case": case.name, "step": done, "steps": len(cases)})


def open_cases(session: Session, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """The cases in which some structure is not known."""
    return tuple(case for case in cases if session.is_open(case))


def relabel(session: Session, number: int) -> Iterator[Event]:
    """Turns a round's suggestions and the decisions on them into the labels of the next round.

    A person's `review.json` is honoured; without one, everything at gamma_t is accepted (the paper), or the run waits where a review was asked for.
    """
    folder, cases = session.round(number), open_cases(session, session.of_split("train"))
    if folder.relabelling.exists():
        return
    gamma = gamma_of(session, number)
    review = _review(session, number, cases, gamma)
    report = {case.name: _relabel_case(session, number, case, review) for case in cases}
    pooled = {
        name: _pooled([rows[name] for rows in report.values() if name in rows]) for name in session.plan.structures
    }
    ranked = confidence_ranking(session, number)
    said = {"gamma": gamma, "by": review.by, "cases": report, "structures": pooled}
    write_json(folder.relabelling, {**said, "ranking": ranked} if ranked else said)
    yield Event("relabelled", {"round": number, "gamma": gamma, "cases": len(cases)})


def _review(session: Session, number: int, cases: tuple[Case, ...], gamma: float) -> Review:
    path = session.round(number).review
    if path.exists():
        voxels = {case.name: math.prod(case.grid.size) for case in cases}
        said = read_review(path, session.plan.structures, voxels)
        if said.by == AUTOMATIC and said != automatic_review(voxels, session.plan.structures, gamma):
            text = f"{_place(session, path)} calls itself automatic, but is not what this round accepts by itself."
            raise Failure(text, way_out="Delete it and run the same command again; or let it say by 'person'.")
        return said
    if session.configuration.relabelling.review:
        ready = f"The suggestions of {round_word(number)} are ready."
        raise WaitingForReview(
            f"{ready} Write the decisions to {_place(session, path)}, then give the same command again."
        )
    review = automatic_review([case.name for case in cases], session.plan.structures, gamma)
    write_review(path, review)
    return review


def _place(session: Session, path: Path) -> str:
    """A file in the run, as its owner finds it there."""
    return path.relative_to(session.run.path).as_posix()


def _relabel_case(session: Session, number: int, case: Case, review: Review) -> dict[str, Row]:
    """Writes a case's next labels. Returns what was accepted of each structure that was not known."""
    labels = session.labels(case, number)
    prediction, _ = read_prediction(session.round(number).prediction(case.folder.name), case.name)
    drawn = read_edits(session.round(number).path, review.latest(case.name), case.grid)
    changed = apply(labels, prediction, review, case.name, number, drawn)
    write_labels(session.round(number).labels(case.folder.name), changed, case.grid)
    rows = {}
    for name in labels.structures:
        if not labels.is_known(name):
            before, total = accepted(labels, name), accepted(changed, name)
            rows[name] = Row(
                candidates=int(np.count_nonzero(candidates(labels, prediction.label, name))),
                accepted_new=int(np.setdiff1d(total, before, assume_unique=True).size),
                accepted_total=int(total.size),
                volume_ml=total.size * case.grid.voxel_ml,
            )
    return _compared(session, case, changed, rows)


def _compared(session: Session, case: Case, changed: Labels, rows: dict[str, Row]) -> dict[str, Row]:
    """The rows, with how right it is what was accepted where the truth of the case is given."""
    if session.truth is None or not (session.truth / case.folder.name / "labels.json").exists():
        return rows
    truth, expert = read_labels(session.truth / case.folder.name, case.name)[0], session.labels(case, 0)
    for name, row in rows.items():
        positive = truth.positive(name)
        row["correct"] = int(np.count_nonzero(positive.reshape(-1)[accepted(changed, name)]))
        row["truth"] = int(np.count_nonzero(positive & ~expert.certain(name)))
        row.update(_scores(row))
    return rows


def _pooled(rows: list[Row]) -> Row:
    """Precision and recall of a structure over the voxels of all cases; empty where no truth is given."""
    compared = [row for row in rows if "truth" in row]
    keys: tuple[Literal["accepted_total", "correct", "truth"], ...] = ("accepted_total", "correct", "truth")
    return _scores({key: sum(row[key] for row in compared) for key in keys}) if compared else Row()


def _scores(row: Mapping[str, Any]) -> Row:
    """INERRANT's relabelling precision and recall: of the accepted voxels, those that truly are it; of what was missing, what was accepted."""
    quality = RelabelQuality(row["accepted_total"], row["correct"], row["truth"])
    return Row(precision=quality.precision, recall=quality.recall)
