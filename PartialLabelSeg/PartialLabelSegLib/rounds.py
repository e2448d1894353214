"""The story of a run: plan, train, confidence, predict, relabel, and again. Every step leaves finished files and is passed over where they are there."""

from __future__ import annotations

from collections.abc import Iterator

from .data.case import Case
from .data.label_files import read_labels, write_labels
from .data.labels import FIRST_ROUND, Labels
from .data.prediction import read_prediction
from .relabel.apply import apply
from .relabel.review import Review, automatic_review, read_review, write_review
from .relabel.select import accepted
from .run.events import Event
from .run.files import write_json
from .train.learn import learn_confidence, learn_segmentation
from .train.session import Session
from .train.suggest import predict_cases

SPARSE_SHARE = 0.5
"""Below this share of labelled structures relabelling stops at gamma 0.66 (INERRANT, Table 7)."""


class WaitingForReview(Exception):
    """The suggestions of a round are there and a person's decisions are not."""


def run_rounds(session: Session) -> Iterator[Event]:
    """Round 0 learns from the expert's labels; rounds 1..T from labels with ever more accepted suggestions (INERRANT, Algorithm 2)."""
    yield from prepare(session, session.cases, 0)
    last = rounds_of(session)
    for number in range(last + 1):
        yield Event("round", {"round": number, "rounds": last, "gamma": gamma_of(session, number) if number < last else None})
        yield from prepare(session, session.of_split("train"), number)
        yield from learn_segmentation(session, number)
        yield from learn_confidence(session, number)
        if number < last:
            yield from predict_cases(session, number, open_cases(session, session.of_split("train")))
            yield from relabel(session, number)
    yield from predict_cases(session, last, open_cases(session, session.cases))


def rounds_of(session: Session) -> int:
    """How often the method relabels."""
    choices = session.configuration.relabelling
    return {"full": choices.rounds, "all-pseudo-labels": 1}.get(choices.method, 0)


def gamma_of(session: Session, number: int) -> float:
    """gamma_t of the relabelling after round `number`."""
    choices = session.configuration.relabelling
    if choices.method == "all-pseudo-labels":
        return 1.0
    return choices.gamma(number, choices.gamma_max or automatic_gamma_max(session))


def automatic_gamma_max(session: Session) -> float:
    """1 where at least half of the structures of the training cases are labelled, else 0.66."""
    flags = [flag for case in session.of_split("train") for flag in session.labels(case, 0).known]
    return 1.0 if sum(flags) >= SPARSE_SHARE * len(flags) else 0.66


def prepare(session: Session, cases: tuple[Case, ...], number: int) -> Iterator[Event]:
    for done, case in enumerate(cases, 1):
        session.prepare(case, number)
        yield Event("prepared", {"round": number, "case": case.name, "step": done, "steps": len(cases)})


def open_cases(session: Session, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """The cases in which some structure is not known."""
    return tuple(case for case in cases if not all(session.labels(case, 0).known))


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
    write_json(folder.relabelling, {"gamma": gamma, "by": review.by, "cases": report})
    yield Event("relabelled", {"round": number, "gamma": gamma, "cases": len(cases)})


def _review(session: Session, number: int, cases: tuple[Case, ...], gamma: float) -> Review:
    path = session.round(number).review
    if path.exists():
        voxels = {case.name: case.grid.size[0] * case.grid.size[1] * case.grid.size[2] for case in cases}
        return read_review(path, session.plan.structures, voxels)
    if session.configuration.relabelling.review:
        raise WaitingForReview(
            f"The suggestions of round {number} are ready. Write the decisions to {path.name} in {path.parent.name}, then run the same command."
        )
    review = automatic_review([case.name for case in cases], session.plan.structures, gamma)
    write_review(path, review)
    return review


def _relabel_case(session: Session, number: int, case: Case, review: Review) -> dict[str, dict[str, float | int | None]]:
    labels = session.labels(case, number)
    prediction, _ = read_prediction(session.round(number).prediction(case.folder.name), case.name)
    changed = apply(labels, prediction, review, case.name, number)
    write_labels(session.round(number).labels(case.folder.name), changed, case.grid)
    return {name: _counts(session, case, name, changed, number) for name in changed.structures if not labels.is_known(name)}


def _counts(session: Session, case: Case, name: str, changed: Labels, number: int) -> dict[str, float | int | None]:
    """What was accepted of one structure, and how right it is where the truth is given."""
    total = accepted(changed, name)
    new = int((changed.origin.reshape(-1)[total] == FIRST_ROUND + number).sum())
    row: dict[str, float | int | None] = {
        "accepted_new": new,
        "accepted_total": int(total.size),
        "volume_ml": total.size * case.grid.voxel_ml,
    }
    if session.truth is not None and (session.truth / case.folder.name / "labels.json").exists():
        truth = read_labels(session.truth / case.folder.name)[0].positive(name)
        mask = (changed.label_map == changed.value(name)) & (changed.origin >= FIRST_ROUND)
        row.update(correct=int((mask & truth).sum()), truth=int(truth.sum()))
    return row

