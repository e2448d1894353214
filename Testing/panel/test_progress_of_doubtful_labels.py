"""What the Learn step shows where sizes are learned and quick labels are weighed, of real workers' events: a run of 'mlb', and a usual one with bounds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from panel.programs import event
from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.job import CONFIDENCE, FINISH, LEARN, PREDICT, PREPARE, SIZES, WEIGH, Job, Stage
from PartialLabelSegLib.panel.progress import LearningProgress
from PartialLabelSegLib.run.events import Event, read_events

FOLDER = Path(__file__).parent / "recorded"
MLB, BOUNDED = (tuple(read_events(FOLDER / f"{name}.jsonl")) for name in ("mlb_rounds", "bounded_rounds"))


def after_first(steps: int, confidence_steps: int) -> tuple[Stage, ...]:
    """What comes after the first learning: its suggestions, and a second round with weights."""
    return (
        Stage(PREDICT, 0, 6, 0.86),
        Stage(PREPARE, 1, 6),
        Stage(LEARN, 1, steps, 1.0, 0, 7.0),
        Stage(CONFIDENCE, 1, confidence_steps, 1.6),
        Stage(WEIGH, 1, 3, 5.1),
        Stage(PREDICT, 1, 8, 0.86),
        Stage(FINISH, 1, 8, 4.0),
    )


MLB_JOB = Job(
    (
        Stage(PREPARE, 0, 8),
        Stage(LEARN, 0, 30),
        Stage(CONFIDENCE, 0, 60, 1.6),
        *after_first(90, 60),
    ),
    1,
)
BOUNDED_JOB = Job(
    (
        Stage(PREPARE, 0, 8),
        Stage(SIZES, 0, 1500, 0.1),
        Stage(LEARN, 0, 90, 1.0, 22, 7.0),
        Stage(CONFIDENCE, 0, 40, 1.6),
        Stage(WEIGH, 0, 3, 5.1),
        *after_first(30, 40),
    ),
    1,
)
STORIES = pytest.mark.parametrize(("events", "job"), [(MLB, MLB_JOB), (BOUNDED, BOUNDED_JOB)], ids=["mlb", "bounded"])


def heard(events: Sequence[Event], job: Job | None) -> LearningProgress:
    progress = LearningProgress(lambda: job)
    for found in events:
        progress.hear(found)
    return progress


def shown(events: Sequence[Event], job: Job | None) -> list[tuple[Event, float, float | None, str]]:
    """After each event the share, the seconds left and the stage in words, as they were shown."""
    progress, found = LearningProgress(lambda: job), []
    for item in events:
        progress.hear(item)
        view = progress.view()
        found.append((item, progress.share() or 0.0, progress.seconds_left(), words.stage(view.stage, view.rounds)))
    return found


@STORIES
def test_the_share_rises_without_a_large_jump_and_is_whole_only_at_the_end(events: tuple[Event, ...], job: Job) -> None:
    shares = [share for _, share, _, _ in shown(events, job)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0 and 0.9 < shares[-2] < 1.0
    assert max(after - before for before, after in itertools.pairwise(shares)) < 0.15


@STORIES
def test_the_share_is_near_to_the_share_of_the_time_that_is_over(events: tuple[Event, ...], job: Job) -> None:
    begun, ended = events[0].time, events[-1].time
    story = shown(events, job)
    for item, share, _, _ in story:
        over = (item.time - begun) / (ended - begun)
        assert abs(share - over) < 0.25, (share, over)


@STORIES
def test_the_time_left_is_never_far_below_what_was_left(events: tuple[Event, ...], job: Job) -> None:
    """Steps over doubtful labels are dear: while the cheap ones before them are learned, their cost must be counted already."""
    ended = events[-1].time
    said = [(left, ended - item.time) for item, _, left, _ in shown(events, job) if left is not None]
    assert len(said) > 40
    for left, truth in said:
        assert truth / 2 - 2 < left < 3 * truth + 12, (left, truth)


def test_each_stage_is_said_in_words_in_its_order() -> None:
    def stages(events: Sequence[Event], job: Job) -> list[str]:
        return [name for name, _ in itertools.groupby(text for _, _, _, text in shown(events, job))]

    assert stages(MLB, MLB_JOB)[-7:] == [
        "Preparing the scans",
        "Round 2 of 2: learning the structures",
        "Round 2 of 2: learning the confidence",
        "Weighing the quick labels",
        "Suggesting what is not labelled",
        "Writing the completed segmentations",
        "Writing the report",
    ]
    assert stages(BOUNDED, BOUNDED_JOB)[2:7] == [
        "Preparing the scans",
        "Round 1 of 2: learning the sizes",
        "Round 1 of 2: learning the structures",
        "Round 1 of 2: learning the confidence",
        "Weighing the quick labels",
    ]
    weighed = next(index for index, found in enumerate(MLB) if found.kind == "weighed")
    view = heard(MLB[: weighed + 1], MLB_JOB).view()
    assert (view.remark, view.step, view.steps) == ("scan0", 1, 3)


def test_the_curve_is_of_the_structures_alone() -> None:
    """The loss of the sizes is another quantity."""
    points = heard(BOUNDED, BOUNDED_JOB).curves({}).loss
    assert [at for at, _ in points] == sorted({at for at, _ in points}) and points[-1][0] == 120.0


def test_what_is_learned_from_what_is_kept_from_one_session_to_the_next() -> None:
    progress = heard(MLB, MLB_JOB)
    assert len(progress.learned_from) == 3 and progress.learned_from[0].startswith("Liver: from ")
    progress.hear(event("prepared", MLB[-1].time + 60, round=0, case="scan0", step=1, steps=8))
    assert len(progress.learned_from) == 3
    damaged = heard([event("learned_from", sentences=[1, "Liver: …", None]), event("learned_from")], None)
    assert damaged.learned_from == ()
    assert heard([event("learned_from", sentences=[1, "Liver: …", None])], None).learned_from == ("Liver: …",)


@pytest.mark.parametrize("left_at", [0.3, 0.6, 0.9])
@STORIES
def test_a_worker_that_survived_is_followed_from_where_it_is(
    events: tuple[Event, ...], job: Job, left_at: float
) -> None:
    """The job is read from the files as they are now; the events are heard again from the first on."""
    now = events[0].time + left_at * (events[-1].time - events[0].time)
    reached = [found for found in events if found.time <= now][-1]
    last = heard([found for found in events if found.time <= now], job)
    remaining = Job(job.stages[last._at :], 1)
    shares = [share for _, share, _, _ in shown(events, remaining)]
    assert shares == sorted(shares) and shares[-1] == 1.0 and shares[-2] < 1.0
    assert shares[events.index(reached)] < 0.8


def test_something_new_that_a_later_worker_learns_is_shown_and_changes_no_share() -> None:
    at = next(index for index, found in enumerate(MLB) if found.kind == "progress")
    strange = [
        event(
            "progress",
            MLB[at].time,
            stage="round 0: learning the weather",
            step=9,
            steps=10,
            loss=1.0,
            seconds_left=1e6,
        ),
        event("pondered", MLB[at].time, round=0, step=1, steps=2),
    ]
    before, after = heard(MLB[: at + 1], MLB_JOB), heard([*MLB[: at + 1], *strange], MLB_JOB)
    assert words.stage(after.view().stage, 1) == "Round 1 of 2: learning the weather"
    assert (after.share(), after.seconds_left()) == (before.share(), before.seconds_left())
    assert after.curves({}) == before.curves({})


def test_where_no_labels_were_weighed_the_bar_goes_on_over_that_stage() -> None:
    """A person may have completed every quick label before the round."""
    without = [found for found in MLB if found.kind != "weighed"]
    shares = [share for _, share, _, _ in shown(without, MLB_JOB)]
    assert shares == sorted(shares) and shares[-1] == 1.0
