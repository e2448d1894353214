"""What the Learn step shows of a real worker's events, recorded over two rounds with decisions between and a kill in the second."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.programs import event
from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.job import CONFIDENCE, FINISH, LEARN, PREDICT, PREPARE, Job, Stage, apply_job
from PartialLabelSegLib.panel.progress import LearningProgress
from PartialLabelSegLib.panel.view_models import EstimateView, NoteView
from PartialLabelSegLib.run.events import Event, read_events

RECORDED = tuple(read_events(Path(__file__).parent / "recorded" / "two_rounds.jsonl"))
FIRST = Job((Stage(PREPARE, 0, 6), Stage(LEARN, 0, 400), Stage(CONFIDENCE, 0, 150, 1.6), Stage(PREDICT, 0, 4, 7.0)), 1)
SECOND = Job(
    (
        Stage(PREPARE, 1, 4),
        Stage(LEARN, 1, 300),
        Stage(CONFIDENCE, 1, 150, 1.6),
        Stage(PREDICT, 1, 6, 7.0),
        Stage(FINISH, 1, 6, 4.0),
    ),
    1,
)
WAITED = next(index for index, found in enumerate(RECORDED) if found.kind == "waiting")


def heard(events: Sequence[Event], job: Job | None = FIRST) -> LearningProgress:
    progress = LearningProgress(lambda: job)
    for found in events:
        progress.hear(found)
    return progress


def whole_story() -> tuple[LearningProgress, list[tuple[Event, float | None, float | None]]]:
    """After each event the share and the seconds left as they were shown."""
    jobs = [FIRST]
    progress = LearningProgress(lambda: jobs[-1])
    shown = []
    for found in RECORDED:
        progress.hear(found)
        shown.append((found, progress.share(), progress.seconds_left()))
        if found.kind == "waiting":
            jobs.append(SECOND)
    return progress, shown


def test_the_share_rises_from_nothing_to_all_in_each_session() -> None:
    _, shown = whole_story()
    for part in (shown[: WAITED + 1], shown[WAITED + 1 :]):
        shares = [share or 0.0 for _, share, _ in part]
        assert shares == sorted(shares)
        assert shares[0] < 0.02 and shares[-1] == 1.0 and shares[-2] > 0.9
        steps = [after - before for before, after in itertools.pairwise(shares)]
        assert max(steps) < 0.22


def test_the_time_left_is_near_to_what_was_really_left() -> None:
    _, shown = whole_story()
    ends = RECORDED[WAITED].time
    said = [(left, ends - found.time) for found, _, left in shown[:WAITED] if left is not None]
    assert len(said) > 20
    for left, truth in said:
        assert abs(left - truth) < 2.5, (left, truth)


def test_the_last_word_ends_it_and_the_next_event_begins_a_new_session() -> None:
    progress = heard(RECORDED[: WAITED + 1])
    assert progress.ended == "waiting" and progress.share() == 1.0 and progress.seconds_left() is None
    assert progress.message.startswith("The suggestions of round 1 are ready.")
    progress.hear(RECORDED[WAITED + 1])
    assert progress.ended == "" and progress.message == "" and (progress.share() or 0.0) < 0.06
    progress, _ = whole_story()
    assert progress.ended == "finished" and progress.message.startswith("Done.")


def test_the_stages_are_words_that_a_clinician_reads() -> None:
    progress = LearningProgress(lambda: FIRST)
    assert progress.view().stage == "starting"
    seen: list[str] = []
    for found in RECORDED:
        progress.hear(found)
        view = progress.view()
        text = words.stage(view.stage, view.rounds)
        if not seen or seen[-1] != text:
            seen.append(text)
    assert seen[:5] == [
        "Reading the scans",
        "Looking at the scans and timing this computer",
        "Preparing the scans",
        "Round 1 of 2: learning the structures",
        "Round 1 of 2: learning the confidence",
    ]
    assert seen[-3:] == ["Suggesting what is not labelled", "Writing the completed segmentations", "Writing the report"]


def test_scans_are_named_while_they_are_read_and_suggested() -> None:
    progress = heard(RECORDED[:3])
    assert (progress.view().remark, progress.view().step, progress.view().steps) == ("scan2", 3, 6)
    progress = heard(RECORDED[:WAITED])
    assert progress.view().remark == "scan3"
    assert progress.predicted == ((0, "scan0"), (0, "scan1"), (0, "scan3"))
    progress, _ = whole_story()
    assert progress.predicted[3:] == ((1, "scan0"), (1, "scan1"), (1, "scan3"), (1, "scan5"))


def test_the_estimate_and_the_rounds_are_known_before_learning_begins() -> None:
    progress = heard([found for found in RECORDED if found.kind in ("estimate", "round")][:2])
    assert isinstance(progress.estimate, EstimateView) and progress.estimate.measured
    assert progress.estimate.device == "cpu" and progress.estimate.threads == 1
    assert round(progress.estimate.seconds) == 12 and (progress.round, progress.rounds) == (0, 1)
    left = progress.seconds_left()
    assert left is not None and 2 < left < 12


def test_the_curves_stand_round_after_round_and_a_repeated_stretch_counts_once() -> None:
    progress, _ = whole_story()
    curves = progress.curves({"Liver": (1.0, 0.0, 0.0)})
    steps = [at for at, _ in curves.loss]
    assert steps == sorted(set(steps)) and steps[0] == 10 and steps[-1] == 700 and curves.steps == 700
    assert curves.marks == ((400.0, "round 2"),)
    # Steps 190 to 200 were learned twice: the kill came after step 200, the checkpoint was of step 189.
    assert [at for at in steps if 585 <= at <= 605] == [590]
    liver, spleen = curves.dice
    assert (liver.structure, liver.color) == ("Liver", (1.0, 0.0, 0.0)) and spleen.color == (0.6, 0.6, 0.6)
    assert len(liver.points) == 8 + 7 and liver.points[0] == (50.0, 0.0)
    assert [at for at, _ in liver.points] == sorted(at for at, _ in liver.points)


def test_a_curve_of_many_points_is_thinned_and_keeps_its_ends() -> None:
    stage = "round 0: learning the structures"
    events = [event("progress", step, stage=stage, step=step, steps=9000, loss=float(step)) for step in range(1, 9001)]
    points = heard(events).curves({}).loss
    assert len(points) <= 1002 and points[0] == (1.0, 1.0) and points[-1] == (9000.0, 9000.0)


def test_without_a_plan_a_share_is_known_only_while_scans_are_read() -> None:
    progress = heard(RECORDED[:6], None)
    assert progress.share() == pytest.approx(0.03)
    progress = heard(RECORDED[15:30], None)
    assert progress.share() is None and progress.seconds_left() is None
    assert progress.view().stage == "round 0: learning the structures"


def test_applying_a_saved_model_has_a_share_too() -> None:
    progress = heard(
        [event("prediction", 10.0 * i, round=0, case=f"c{i}", step=i, steps=4) for i in (1, 2)], apply_job(4)
    )
    assert progress.share() == pytest.approx(0.05 + 0.95 * 0.5, abs=0.06)
    progress.hear(event("prediction", 30.0, round=0, case="c3", step=3, steps=4))
    left = progress.seconds_left()
    assert left is None or left < 60
    progress.hear(event("completed", 45.0, case="c0", step=4, steps=4))
    assert progress.share() == pytest.approx(0.99), "all only when the worker says that it is done"
    progress.hear(event("finished", 46.0, message="Done."))
    assert progress.share() == 1.0


def test_stopping_early_does_not_leave_the_bar_behind() -> None:
    stage = "round 0: learning the structures"
    events = [event("progress", 1.0, stage=stage, step=40, steps=400, loss=1.0, seconds_left=9.0)]
    before = heard(events).share()
    after = heard(
        [*events, event("progress", 2.0, stage="round 0: learning the confidence", step=10, steps=150, loss=1.0)]
    )
    assert before is not None and after.share() is not None
    assert before < 0.15 < 0.55 < (after.share() or 0.0)


def test_notes_and_problems_are_kept_once_with_scan_and_structure() -> None:
    events = [
        event("problem", message="it has no labels.", case="CT 1", severity="warning"),
        event("problem", message="it has no labels.", case="CT 1", severity="warning"),
        event("problem", message="Case 'CT 2': the scan is empty.", case="CT 2", severity="error"),
        event("note", message="Memory ran out; going on with 2 windows per step."),
        event("error", message="The disk is full.", way_out="Make room."),
    ]
    assert heard(events).notes == (
        NoteView("Case 'CT 1': it has no labels.", "warning"),
        NoteView("Case 'CT 2': the scan is empty.", "error"),
        NoteView("Memory ran out; going on with 2 windows per step.", "note"),
        NoteView("The disk is full.", "error"),
    )


def test_a_long_history_is_heard_quickly() -> None:
    import time

    stage = "round 0: learning the structures"
    events = [
        event("progress", float(i), stage=stage, step=10 * i, steps=400_000, loss=1.0, seconds_left=400_000.0 - i)
        for i in range(1, 20_000)
    ]
    began = time.process_time()
    heard(events)
    assert time.process_time() - began < 4


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)
KINDS = st.sampled_from(sorted({found.kind for found in RECORDED} | {"note", "problem", "error", "cancelled", "later"}))
NAMES = (
    "stage",
    "step",
    "steps",
    "loss",
    "seconds_left",
    "round",
    "rounds",
    "case",
    "dice",
    "message",
    "seconds",
    "severity",
)
STAGES = st.sampled_from(("round 0: learning the structures", "round 1: learning the confidence", "round x", ""))
DAMAGED = st.builds(
    Event,
    KINDS,
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6).flatmap(
        lambda fields: STAGES.map(lambda stage: {"stage": stage, **fields})
    ),
    st.floats(),
)


@given(st.lists(st.one_of(DAMAGED, st.sampled_from(RECORDED)), max_size=40))
def test_no_event_however_damaged_stops_it_or_turns_the_bar_back(events: list[Event]) -> None:
    progress = LearningProgress(lambda: FIRST)
    before = 0.0
    for found in events:
        if progress.ended:
            before = 0.0
        progress.hear(found)
        share, left = progress.share(), progress.seconds_left()
        assert share is None or before <= share <= 1.0
        assert left is None or left >= 0.0
        before = share or 0.0
        view = progress.view()
        assert 0 <= view.step <= view.steps
        words.stage(view.stage, view.rounds)
    curves = progress.curves({})
    for points in (curves.loss, *(curve.points for curve in curves.dice)):
        assert all(first[0] <= second[0] for first, second in itertools.pairwise(points))
    assert all(0 <= dice <= 1 for curve in curves.dice for _, dice in curve.points)


def test_what_is_recorded_is_what_the_worker_says_today() -> None:
    """The kinds and fields that the panel reads are those in the worker's own sources."""
    kinds: dict[str, set[str]] = {}
    for found in RECORDED:
        kinds.setdefault(found.kind, set()).update(found.fields)
    assert {"stage", "step", "steps", "loss", "seconds_left"} <= kinds["progress"]
    assert {"round", "case", "step", "steps"} <= kinds["prediction"]
    assert {"seconds", "step_seconds", "gigabytes", "device", "threads"} <= kinds["estimate"]
    assert all(json.loads(replace(found).line())["event"] == found.kind for found in RECORDED)


def later(events: Sequence[Event], **more: Any) -> list[Event]:
    return [Event(found.kind, {**found.fields, **more}, found.time) for found in events]


def test_fields_of_a_later_version_are_passed_over() -> None:
    usual, richer = heard(RECORDED[:WAITED]), heard(later(RECORDED[:WAITED], new_field=[1, {"a": 2}]))
    assert usual.view() == richer.view() and usual.curves({}) == richer.curves({})
