"""All raters' readings as one label, live: the shown slice at once, the others and the places of disagreement in steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...data.raters.disagreement import Place, disagreement, most_disagreed
from ...data.raters.rated import RatedScan
from ...data.raters.recipe import STEPS, Recipe, make_in_steps
from ...data.raters.steps import Prepared, Preview, SoftSteps, prepare
from ..application import Application
from ..steps import Stepper, Steps, scaled
from .soft_overlay import SoftOverlay
from .soft_planes import DISAGREEMENT, LABEL, NOTHING, SLICE_BY_SLICE, SoftChoice, plane_of, share_on, steps_on

MOST_PLACES = 20


class Together:
    """`told()` is called when something was finished in steps; `failed(sentence)` when it could not be."""

    def __init__(self, application: Application, told: Callable[[], object], failed: Callable[[str], object]) -> None:
        self.choice = SoftChoice()
        self.steps = SoftSteps()
        self.prepared: Prepared | None = None
        self.places: tuple[Place, ...] = ()
        self.preview: Preview | None = None
        self.seconds = 0.0
        """How long the last live preview took."""
        self._overlay = SoftOverlay(application)
        self._told, self._failed = told, failed
        self._stepper = Stepper()
        self._volume: Any = None
        self._index: int | None = None
        self._whole: np.ndarray | None = None
        self.judged: Mapping[str, Mapping[str, float]] = {}
        """By rater, what STAPLE says of each: sensitivity and specificity; empty with another method."""

    @property
    def busy(self) -> bool:
        """Whether other slices are still being made."""
        return self._stepper.busy

    def take(self, volume: Any, scan: RatedScan | None, steps: SoftSteps, index: int | None) -> None:
        """Another scan, or other readings, or other steps."""
        self._volume, self._index, self.steps = volume, index, steps
        if scan is None:
            self.prepared, self.places, self.preview = None, (), None
            self._stepper.cancel()
            self._overlay.remove()
            self._told()
            return
        before = self.prepared
        if before is not None and _same_place(before.scan, scan):
            self.prepared = before.with_readings(scan.readings)
            self._begin()
        else:
            self.prepared, self.preview = None, None
            self._stepper.start(self._prepared(scan), lambda _: self._begin(), self._failed)

    def _prepared(self, scan: RatedScan) -> Steps[None]:
        yield 0.0
        self.prepared = prepare(scan)

    def change_steps(self, steps: SoftSteps) -> None:
        """Other switches or numbers of the steps: the shown slice follows at once."""
        self.steps = steps
        if self.prepared is not None:
            self._begin()

    def choose(self, choice: SoftChoice) -> None:
        """Another method, or something else shown."""
        before, self.choice = self.choice, choice
        if self.prepared is None:
            return
        if replace(before, outlined="", opacity=0) != replace(choice, outlined="", opacity=0):
            self._begin()
        elif self._volume is not None and choice.shown != NOTHING:
            self._overlay.show(self._volume, choice.opacity)

    def turn(self, index: int | None) -> None:
        """Another slice is shown: it is made now where it was not yet."""
        self._index = index
        self._show_slice()

    def _begin(self) -> None:
        """The shown slice now, the others after it."""
        self._whole, self.judged = None, {}
        if self.choice.shown == NOTHING:
            self._overlay.hide()
        else:
            self._overlay.show(self._volume, self.choice.opacity)
        self._show_slice()
        self._stepper.start(self._others(), lambda _: self._told(), self._failed)
        self._told()

    def _show_slice(self) -> None:
        prepared, index = self.prepared, self._index
        self.preview = None
        if prepared is None or index is None:
            return
        began = time.perf_counter()
        self.preview = steps_on(prepared, index, self.steps)
        by_steps = self.choice.shown == LABEL and self.choice.method == STEPS
        plane = list(self.preview.stages.values())[-1] if by_steps else self._plane(index)
        if plane is not None:
            self._overlay.put(prepared.scan.axis, {index: plane})
        self.seconds = time.perf_counter() - began

    def _plane(self, index: int) -> np.ndarray | None:
        """What is shown of a slice; None where it is not made yet, or nothing is."""
        assert self.prepared is not None
        if self.choice.shown == NOTHING:
            return None
        if self._whole is not None and self.choice.shown == LABEL:
            return self.prepared.scan.plane(self._whole, index)
        if self.choice.shown == DISAGREEMENT or self.choice.method in SLICE_BY_SLICE:
            return plane_of(self.prepared, index, self.steps, self.choice)
        return None

    def _others(self) -> Steps[None]:
        """Every slice of the overlay, the nearest first; then where the raters disagree most."""
        prepared = self.prepared
        assert prepared is not None
        yield 0.0
        if self.choice.shown == LABEL and self.choice.method not in SLICE_BY_SLICE:
            making = make_in_steps(prepared.scan, Recipe(self.choice.method, sigma=self.choice.sigma))
            made = yield from scaled(making, 0.0, 0.3)
            self._whole, self.judged = made.label.plane, made.raters
        here = self._index or 0
        order = sorted(range(prepared.scan.count), key=lambda index: abs(index - here))
        empty = np.zeros(prepared.scan.plane_shape, np.float32)
        for number, index in enumerate(order):
            plane = self._plane(index) if prepared.readers[index] else empty
            if plane is not None:
                self._overlay.put(prepared.scan.axis, {index: plane})
            yield 0.3 + 0.4 * number / len(order)
        self.places = yield from _places(prepared)

    def clear(self) -> None:
        """Takes the overlay away; the raters' readings are not touched."""
        self._stepper.cancel()
        self._overlay.remove()
        self.prepared, self.preview, self.places, self._whole = None, None, (), None

    def forget(self) -> None:
        """The scene was closed."""
        self._stepper.cancel()
        self._overlay.forget()
        self.clear()


def _same_place(before: RatedScan, now: RatedScan) -> bool:
    return (
        before.image is now.image
        and before.bone is now.bone
        and before.template == now.template
        and before.axis == now.axis
    )


def _places(prepared: Prepared) -> Steps[tuple[Place, ...]]:
    """The places of most disagreement, looked for where several raters read; in the box that holds all votes."""
    scan = prepared.scan
    disagreed = np.zeros(scan.shape, np.float32)
    several = [int(index) for index in np.flatnonzero(prepared.readers > 1)]
    touched = []
    for index in several:
        plane = disagreement(share_on(prepared, index))
        if plane.any():
            scan.plane(disagreed, index)[...] = plane
            touched.append(index)
        yield 0.8
    if not touched:
        return ()
    span = slice(touched[0], touched[-1] + 1)
    part = np.moveaxis(disagreed, scan.axis, 0)[span]
    flat = np.asarray(part.any(axis=0))
    first, second = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    yield 0.9
    box = [span, slice(first[0], first[-1] + 1), slice(second[0], second[-1] + 1)]
    inner = part[:, box[1], box[2]]
    found = most_disagreed(np.moveaxis(inner, 0, scan.axis), most=MOST_PLACES)
    start = np.insert([box[1].start, box[2].start], scan.axis, box[0].start)
    return tuple(replace(place, centre=_moved(place.centre, start)) for place in found)


def _moved(centre: tuple[int, int, int], start: np.ndarray) -> tuple[int, int, int]:
    z, y, x = (int(value + offset) for value, offset in zip(centre, start))
    return (z, y, x)
