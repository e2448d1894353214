"""Long work in short steps: its shares, and its result."""

from __future__ import annotations

import pytest

from PartialLabelSegLib.run.steps import Steps, finish_now, one_after_another, scaled


def counting(count: int, result: str = "", closed: list[str] | None = None) -> Steps[str]:
    try:
        for number in range(count):
            yield (number + 1) / count
    finally:
        if closed is not None:
            closed.append("closed")
    return result


def test_all_steps_at_once_give_the_result() -> None:
    assert finish_now(counting(3, "result")) == "result"


def test_a_work_within_another_is_a_part_of_its_way() -> None:
    def whole() -> Steps[tuple[str, str]]:
        first = yield from scaled(counting(2, "a"), 0.0, 0.5)
        second = yield from scaled(counting(1, "b"), 0.5, 1.0)
        return first, second

    assert list(whole()) == [0.25, 0.5, 1.0]
    assert finish_now(whole()) == ("a", "b")
    assert finish_now(one_after_another([counting(1, "x"), counting(4, "y")])) == ["x", "y"]
    assert list(one_after_another([counting(1), counting(2)])) == [0.5, 0.75, 1.0]


def test_a_part_of_a_work_that_is_given_up_is_closed_too() -> None:
    closed: list[str] = []
    work = scaled(counting(3, "", closed), 0.5, 1.0)
    assert next(work) == pytest.approx(0.5 + 0.5 / 3)
    work.close()
    assert closed == ["closed"]
