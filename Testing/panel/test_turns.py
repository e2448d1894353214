"""The window of the tests draws its views as Slicer does: one after the other, and other timers in between."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6 import QtCore

from host.turns import Turns
from host.watch import Watch

Wait = Callable[..., None]


def test_each_draws_in_its_turn_and_lets_other_timers_in(wait_until: Wait) -> None:
    order: list[str] = []

    def draw(name: str) -> Callable[[], None]:
        def drawing() -> None:
            order.append(name)
            time.sleep(0.01)

        return drawing

    turns, other = Turns(), QtCore.QTimer()
    other.timeout.connect(lambda: order.append("other"))
    other.start(1)
    for name in ("Red", "Green", "Yellow"):
        turns.ask(draw(name))
    wait_until(lambda: "Yellow" in order)
    other.stop()
    views = [name for name in order if name != "other"]
    assert views == ["Red", "Green", "Yellow"]
    first, second, third = (order.index(name) for name in views)
    assert "other" in order[first:second] and "other" in order[second:third]


def test_a_view_that_fails_does_not_keep_the_others_from_being_drawn(wait_until: Wait, watch: Watch) -> None:
    drawn: list[str] = []
    turns = Turns()

    def fail() -> None:
        raise ValueError("no picture")

    turns.ask(fail)
    turns.ask(lambda: drawn.append("Green"))
    wait_until(lambda: drawn == ["Green"])
    assert "no picture" in watch.seen[0]
    watch.forgive()
