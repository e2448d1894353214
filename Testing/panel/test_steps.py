"""Long work in short steps, driven by the event loop."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from PySide6 import QtCore

from PartialLabelSegLib.panel.steps import SLICE_SECONDS, Stepper, Steps
from PartialLabelSegLib.run.failure import Failure

Wait = Callable[..., None]


def counting(count: int, result: Any = None, closed: list[str] | None = None, seconds: float = 0.0) -> Steps[Any]:
    try:
        for number in range(count):
            time.sleep(seconds)
            yield (number + 1) / count
    finally:
        if closed is not None:
            closed.append("closed")
    return result


def failing(error: Exception) -> Steps[None]:
    yield 0.5
    raise error


class Heard:
    """What a work told."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.failed: list[str] = []
        self.shares: list[float] = []

    def start(self, stepper: Stepper, work: Steps[Any]) -> None:
        stepper.start(work, self.done.append, self.failed.append, self.shares.append)


def test_the_event_loop_drives_a_work_and_hears_its_end(wait_until: Wait) -> None:
    stepper, heard = Stepper(), Heard()
    heard.start(stepper, counting(20, "result", seconds=0.004))
    assert stepper.busy and heard.done == []
    wait_until(lambda: heard.done)
    assert (heard.done, heard.failed, stepper.busy) == (["result"], [], False)
    assert heard.shares == sorted(heard.shares) and len(heard.shares) >= 2


def test_the_window_lives_between_the_steps(wait_until: Wait) -> None:
    import qt

    stepper, heard, beats = Stepper(), Heard(), [time.perf_counter()]
    timer = qt.QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(1)
    heard.start(stepper, counting(100, seconds=0.002))
    wait_until(lambda: heard.done)
    timer.stop()
    gaps = sorted(later - before for before, later in itertools.pairwise(beats))
    assert gaps[len(gaps) // 2] < 3 * SLICE_SECONDS


def test_a_work_that_is_given_up_is_closed_and_says_nothing(pump: Callable[[int], None]) -> None:
    closed: list[str] = []
    stepper, heard = Stepper(), Heard()
    heard.start(stepper, counting(1000, closed=closed, seconds=0.002))
    pump(10)
    stepper.cancel()
    pump(10)
    assert closed == ["closed"] and heard.done == [] and heard.failed == [] and not stepper.busy
    stepper.cancel()


def test_a_new_work_takes_the_place_of_the_old_one(wait_until: Wait) -> None:
    closed: list[str] = []
    stepper, first, second = Stepper(), Heard(), Heard()
    first.start(stepper, counting(1000, closed=closed, seconds=0.002))
    wait_until(lambda: first.shares)
    second.start(stepper, counting(1, "second"))
    wait_until(lambda: second.done)
    assert closed == ["closed"] and first.done == []


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Failure("it has no voxels.", case="CT 7"), "Case 'CT 7': it has no voxels."),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("odd"), "the disk did not take it"),
        (MemoryError(), "not enough free memory"),
    ],
)
def test_what_goes_wrong_is_a_sentence(wait_until: Wait, error: Exception, sentence: str) -> None:
    stepper, heard = Stepper(), Heard()
    heard.start(stepper, failing(error))
    wait_until(lambda: heard.failed)
    assert sentence in heard.failed[0] and heard.done == [] and not stepper.busy


def test_a_mistake_of_the_program_ends_the_work_and_is_not_hidden(wait_until: Wait, watch: Any) -> None:
    stepper, heard = Stepper(), Heard()
    heard.start(stepper, failing(KeyError("oops")))
    wait_until(lambda: heard.failed)
    assert "mistake in this module" in heard.failed[0] and not stepper.busy
    assert "oops" in "".join(watch.seen)
    watch.forgive()


def test_the_next_work_may_begin_where_the_last_one_ended(wait_until: Wait) -> None:
    stepper, results = Stepper(), []

    def then(result: str) -> None:
        results.append(result)
        if len(results) < 3:
            stepper.start(counting(2, f"{result}+"), then, results.append)

    stepper.start(counting(2, "a"), then, results.append)
    wait_until(lambda: len(results) == 3)
    assert results == ["a", "a+", "a++"]


def test_what_became_due_during_a_turn_comes_before_the_next_turn(wait_until: Wait) -> None:
    order: list[str] = []

    def working() -> Steps[None]:
        for _ in range(5):
            order.append("work")
            time.sleep(2 * SLICE_SECONDS)
            yield 0.5

    other, stepper, heard = QtCore.QTimer(), Stepper(), Heard()
    other.timeout.connect(lambda: order.append("other"))
    other.start(1)
    heard.start(stepper, working())
    wait_until(lambda: heard.done)
    other.stop()
    between = [set(group) for key, group in itertools.groupby(order, lambda item: item == "work") if key]
    assert order.count("work") == 5 and len(between) == 5, order
