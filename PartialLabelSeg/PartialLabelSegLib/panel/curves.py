"""The curves of a run: loss and validation Dice per structure over the steps of all rounds."""

from __future__ import annotations

from collections.abc import Mapping

from ..run.events import Event
from .job import LEARN
from .told import finite, learning_stage, number, whole
from .view_models import Color, CurvesView, CurveView, Point

MOST_POINTS = 1000
"""Of one curve that is drawn; a longer one is thinned."""
GREY: Color = (0.6, 0.6, 0.6)


class Curves:
    """Gathers the points of `progress` and `validation` events. A resumed training repeats some: the later ones count."""

    def __init__(self) -> None:
        self._loss: dict[int, dict[int, float]] = {}
        self._dice: dict[str, dict[tuple[int, int], float]] = {}
        self._steps: dict[int, int] = {}
        self._reached: dict[int, int] = {}

    def hear(self, event: Event) -> None:
        """Takes what an event brings to the curves; other events are passed over."""
        stage = learning_stage(event)
        if stage is None or stage[1] != LEARN:
            # The loss of the confidence and of the sizes is another quantity, in no relation to the one drawn.
            return
        round_number, step = stage[0], whole(event, "step")
        if event.kind == "resumed":
            self._forget_after(round_number, step)
        elif event.kind == "progress":
            if step <= self._reached.get(round_number, -1):
                self._forget_after(round_number, step - 1)
            self._steps[round_number] = max(whole(event, "steps"), step)
            self._reached[round_number] = step
            loss = number(event, "loss")
            if loss is not None:
                self._loss.setdefault(round_number, {})[step] = loss
        elif event.kind == "validation":
            self._validated(event, round_number, step)

    def _validated(self, event: Event, round_number: int, step: int) -> None:
        self._reached[round_number] = max(step, self._reached.get(round_number, 0))
        dice = event.fields.get("dice")
        for name, value in dice.items() if isinstance(dice, dict) else ():
            known = finite(value)
            if known is not None:
                self._dice.setdefault(str(name), {})[round_number, step] = min(1.0, max(0.0, known))

    def _forget_after(self, round_number: int, step: int) -> None:
        self._reached[round_number] = min(step, self._reached.get(round_number, step))
        loss = self._loss.get(round_number, {})
        for later in [at for at in reversed(loss) if at > step]:
            del loss[later]
        for points in self._dice.values():
            for key in [key for key in points if key[0] == round_number and key[1] > step]:
                del points[key]

    def _begins(self) -> dict[int, int]:
        """Where each round's first step lies when the rounds stand one after another."""
        begins, total = {}, 0
        known = sorted({*self._loss, *self._reached, *(key[0] for points in self._dice.values() for key in points)})
        for round_number in known:
            begins[round_number] = total
            total += self._reached.get(round_number, 0)
        return begins

    def view(self, colors: Mapping[str, Color]) -> CurvesView:
        """What is drawn now; `colors` by structure."""
        begins = self._begins()
        loss = [
            (float(begins[at] + step), value) for at in sorted(self._loss) for step, value in self._loss[at].items()
        ]
        dice = tuple(
            CurveView(
                name,
                _thinned([(float(begins[at] + step), value) for (at, step), value in sorted(points.items())]),
                colors.get(name, GREY),
            )
            for name, points in self._dice.items()
            if points
        )
        last = max(begins, default=0)
        steps = begins.get(last, 0) + max(self._steps.get(last, 0), self._reached.get(last, 0))
        marks = tuple((float(begin), f"round {at + 1}") for at, begin in begins.items() if at > 0)
        return CurvesView(_thinned(loss), dice, marks, steps)


def _thinned(points: list[Point]) -> tuple[Point, ...]:
    """At most about MOST_POINTS of them, always with the last."""
    every = -(-len(points) // MOST_POINTS)
    return tuple(points) if every <= 1 else (*points[:-1:every], points[-1])
