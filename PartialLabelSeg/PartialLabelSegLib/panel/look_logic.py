"""What the step Look does: which scan and structure lie in the views, with what over them. The step Decide shows its suggestions through it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..data.case import read_case
from ..run.failure import Failure
from .desk import ERROR, Desk
from .doubts import DoubtsList, WeightFiles, has_weights, weighed_in
from .geometry import point_of
from .loaded_scans import LoadedScans, background_of, check_place, give_background
from .look_view import Looked, look_view
from .overlay import Overlay
from .predicted import Predicted, predicted_in
from .state import Shown
from .steps import Stepper, Steps, finish_now, scaled
from .suggestions import Suggestions, read_suggestions
from .view_models_decide import LookView
from .viewed import Viewed

LOOK, DECIDE = "look", "decide"
Triple = tuple[int, int, int]
Prepare = Callable[[Viewed, "Predicted | None"], Steps[None]]


@dataclass(frozen=True)
class _Target:
    """What is to be shown, as far as showing it means loading. made: when its suggestions were made."""

    scan: str
    volume: str = ""
    segmentation: str = ""
    predicted: Predicted | None = None
    made: int = 0
    weighed: WeightFiles | None = None


def _nothing_to_prepare(viewed: Viewed, predicted: Predicted | None) -> Steps[None]:
    yield 1.0


class LookController:
    """Follows the state of the desk: while Look or Decide is open, what the state names is shown; otherwise the views are the user's."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.overlay = Overlay(desk.application)
        self.viewed: Viewed | None = None
        self.predicted: Predicted | None = None
        self.prepare: Prepare = _nothing_to_prepare
        """What is done in steps after a scan was loaded and before it is shown."""
        self.whole_scan = False
        """In the step Decide: show the suggestions of all structures, not only those of the chosen one."""
        self.gamma = 1.0
        self._nodes = LoadedScans(desk.scene)
        self._doubts = DoubtsList()
        self._stepper = Stepper()
        self._target: _Target | None = None
        self._appearance: tuple[Shown, str] | None = None
        self._suggestions: tuple[Predicted, int, Suggestions] | None = None
        self._jump: Triple | None = None
        self._changes: list[Steps[None]] = []
        self._background = ""
        self._problem = ""
        self._stops = [
            desk.listen(self.follow),
            desk.on_scene_closing(self._forget),
            desk.on_scene_replaced(self._forget),
        ]

    # What the user asks for

    def scan_chosen(self, key: str) -> None:
        self._jump = None
        self.desk.change(scan=key)

    def structure_chosen(self, key: str) -> None:
        self.desk.change(structure=key)

    def thing_shown(self, thing: str, on: bool) -> None:
        self.desk.change(overlay=replace(self.desk.state.overlay, **{thing: bool(on)}))

    def opacity_changed(self, opacity: float) -> None:
        self.desk.change(overlay=replace(self.desk.state.overlay, opacity=float(opacity)))

    def doubt_chosen(self, number: int) -> None:
        """Jumps to one of the labels to check, and shows its structure."""
        scan = self.desk.state.scan
        doubts = self._doubts.of(weighed_in(self.desk.run, self.desk.facts, scan))
        if 1 <= number <= len(doubts):
            self.show(scan, doubts[number - 1].structure, doubts[number - 1].centre_ijk)

    # What other steps ask for

    def show(self, scan: str, structure: str, ijk: Triple | None = None) -> None:
        """Shows a structure of a scan, and jumps to a voxel (x, y, z) of it once the scan is there."""
        self._jump = ijk
        self.desk.change(scan=scan, structure=structure)
        self.follow()
        if self.is_shown(scan):
            self._take_jump()

    def jump(self, ijk: Triple) -> None:
        """Shows a voxel of the scan in all views."""
        self._jump = ijk
        if not self._is_loading():
            self._take_jump()

    def set_gamma(self, gamma: float) -> None:
        """Colours another share of the suggestions: only display nodes are touched."""
        self.gamma = gamma
        if self.desk.state.step == DECIDE:
            self.overlay.set_gamma(gamma)

    def change_accepted(self, work: Steps[None]) -> None:
        """Does a work on the accepted segments of the scan in the views, then shows them; it is never lost, whatever is shown next."""
        self._changes.append(work)
        if self._is_loading():
            self.reload()
        else:
            self.follow()

    def is_shown(self, scan: str) -> bool:
        """Whether a scan is loaded and in the views."""
        return self.viewed is not None and self.viewed.name == scan and not self._is_loading()

    def reload(self) -> None:
        """What was read of the scan is read again."""
        self._target = None
        self.follow()

    @property
    def busy(self) -> bool:
        return self._stepper.busy

    # Following the state

    def follow(self) -> None:
        """Makes the views agree with the state; what takes time is done in steps."""
        state = self.desk.state
        if state.step not in (LOOK, DECIDE):
            self._leave()
            return
        scan = state.scan if state.scan in self._scans() else self._first_scan()
        if scan != state.scan:
            self.desk.change(scan=scan)
        target = self._wanted(scan)
        if target != self._target:
            self._start(target)
        elif not self._stepper.busy and self.viewed is not None:
            if self._changes:
                self._stepper.start(self._changed(), lambda _: self.follow(), self._failed)
            else:
                self._adjust()

    def _changed(self) -> Steps[None]:
        """What was asked of the accepted segments, and then shown."""
        yield from scaled(self._pending(), 0.0, 0.5)
        yield from scaled(self.overlay.accepted_changed(), 0.5, 1.0)

    def _pending(self) -> Steps[None]:
        """What was asked of the accepted segments, one work after the other. Given up in between, the rest is still to be done."""
        while self._changes:
            try:
                yield next(self._changes[0])
            except StopIteration:
                self._changes.pop(0)
            except Failure as failure:
                self._changes.pop(0)
                self.desk.say(failure.sentence(), ERROR)

    def _changed_and_loaded(self, target: _Target) -> Steps[Viewed]:
        """Another scan, after what was still to be done on the one before it."""
        yield from scaled(self._pending(), 0.0, 0.1)
        return (yield from scaled(self._load(target), 0.1, 1.0))

    def _scans(self) -> tuple[str, ...]:
        names = [scan.name for scan in self.desk.state.scans]
        return tuple(dict.fromkeys([*names, *(name for name, _ in self.desk.facts.folders)]))

    def _first_scan(self) -> str:
        """One with suggestions where there is one."""
        scans = self._scans()
        run, facts = self.desk.run, self.desk.facts
        return next((name for name in scans if predicted_in(run, facts, name)), scans[0] if scans else "")

    def _wanted(self, name: str) -> _Target | None:
        if not name:
            return None
        scan = self.desk.state.scan_named(name)
        predicted = predicted_in(self.desk.run, self.desk.facts, name)
        made = 0
        with contextlib.suppress(OSError):
            made = (predicted.folder / "prediction.json").stat().st_mtime_ns if predicted is not None else 0
        nodes = (scan.volume, scan.segmentation) if scan else ("", "")
        return _Target(name, *nodes, predicted, made, weighed_in(self.desk.run, self.desk.facts, name))

    def _start(self, target: _Target | None) -> None:
        self._target, self._problem, self._appearance = target, "", None
        self._stepper.cancel()
        self.viewed = None
        if target is None:
            self._finish_changes()
            self.overlay.clear()
            self.predicted = None
            return
        self._stepper.start(self._changed_and_loaded(target), self._loaded, self._failed)
        self.desk.tell()

    def _finish_changes(self) -> None:
        """Before another scan is shown."""
        works, self._changes = self._changes, []
        for work in works:
            try:
                finish_now(work)
            except Failure as failure:
                self.desk.say(failure.sentence(), ERROR)

    def _load(self, target: _Target) -> Steps[Viewed]:
        desk, name = self.desk, target.scan
        self.viewed = None
        scan, place = desk.state.scan_named(name), desk.case_folder(name)
        where = (desk.run, place) if desk.run is not None and place is not None else None
        volume = yield from scaled(self._nodes.load(scan, name, where, desk.structures), 0.0, 0.4)
        suggestions = yield from scaled(self._read(target), 0.4, 0.8)
        if suggestions is not None:
            check_place(volume, suggestions.grid, name)
        elif target.weighed is not None and where is not None:
            check_place(volume, read_case(where[0].case(where[1])).grid, name)
        labels = target.predicted.labels if target.predicted else None
        others = self._nodes.others(name, desk.state.scans)
        drawn = self._nodes.drawn(scan, name)
        viewed = Viewed(name, volume, desk.structures, drawn, suggestions, labels, others, target.weighed)
        yield from scaled(self.prepare(viewed, target.predicted), 0.8, 0.9)
        appearance = self._wanted_appearance()
        self._background = self._background or background_of(desk.scene)
        yield from scaled(self.overlay.show(viewed, appearance[0], appearance[1], self._shown_gamma()), 0.9, 1.0)
        self._appearance = appearance
        return viewed

    def _read(self, target: _Target) -> Steps[Suggestions | None]:
        """The suggestions; those that were read last are kept."""
        if target.predicted is None:
            return None
        if self._suggestions is None or self._suggestions[:2] != (target.predicted, target.made):
            self._suggestions = None
            found = yield from read_suggestions(target.predicted.folder, target.scan)
            self._suggestions = (target.predicted, target.made, found)
        return self._suggestions[2]

    def _loaded(self, viewed: Viewed) -> None:
        self.viewed, self.predicted = viewed, self._target.predicted if self._target else None
        self._take_jump()
        self.follow()
        self.desk.tell()

    def _failed(self, sentence: str) -> None:
        self._problem = sentence
        self.overlay.clear()
        self.desk.tell()

    def _take_jump(self) -> None:
        """To the voxel that was asked for, else into the middle of the structure that is shown."""
        if self.viewed is None:
            return
        ijk, self._jump = self._jump or self._middle(), None
        if ijk is not None:
            self.desk.application.jump_to(point_of(self.viewed.volume, ijk))

    def _middle(self) -> Triple | None:
        suggestions = self.viewed.suggestions if self.viewed is not None else None
        box = suggestions.boxes.get(self.desk.state.structure) if suggestions is not None else None
        if box is None:
            return None
        z, y, x = ((span.start + span.stop) // 2 for span in box)
        return x, y, z

    def _wanted_appearance(self) -> tuple[Shown, str]:
        state = self.desk.state
        names = [item.name for item in self.desk.structures]
        all_of_it = state.structure not in names or (state.step == DECIDE and self.whole_scan)
        # Who decides looks at what is suggested.
        shown = replace(state.overlay, doubts=False) if state.step == DECIDE else state.overlay
        return shown, "" if all_of_it else state.structure

    def _shown_gamma(self) -> float:
        """In the step Look everything that is suggested is coloured."""
        return self.gamma if self.desk.state.step == DECIDE else 1.0

    def _adjust(self) -> None:
        if self.overlay.gamma != self._shown_gamma():
            self.overlay.set_gamma(self._shown_gamma())
        wanted = self._wanted_appearance()
        if wanted != self._appearance:
            self._appearance = wanted
            self.overlay.structure = wanted[1]
            self._stepper.start(self.overlay.set_shown(wanted[0]), lambda _: self.follow(), self._failed)

    def _is_loading(self) -> bool:
        return self._target is not None and self.viewed is None

    def _leave(self) -> None:
        if self._target is not None or self.viewed is not None:
            self._stepper.cancel()
            self._finish_changes()
            self._target = self.viewed = self.predicted = None
            self._give_back()

    def _give_back(self) -> None:
        """The views show what they showed before; no segments of ours lie over a scan that is not theirs."""
        self.overlay.clear()
        volume, self._background = self.desk.scene.GetNodeByID(self._background) if self._background else None, ""
        if volume is not None:
            give_background(self.desk.scene, volume)
        for node in self._nodes.others("", ()):
            node.SetDisplayVisibility(False)

    def _forget(self) -> None:
        """The scene is another one: nothing of before is there any more."""
        self._stepper.cancel()
        self._changes = []
        self._target = self.viewed = self.predicted = self._suggestions = self._jump = None
        self._problem = self._background = ""
        self._nodes.forget()
        self.overlay.forget()

    # What is shown in the panel

    def view(self) -> LookView:
        state, desk = self.desk.state, self.desk
        accepted = self.overlay.accepted() if self.viewed is not None else None
        looked = Looked(
            self.viewed,
            None if accepted is None else bool(accepted.structures()),
            loading=self._is_loading() and not self._problem,
            problem=self._problem,
        )
        names = tuple((name, predicted_in(desk.run, desk.facts, name) is not None) for name in self._scans())
        view = look_view(state, desk.structures, names, looked, learning=desk.job is not None)
        if not has_weights(desk.run, desk.facts):
            return view
        return replace(view, doubts=self._doubts.view(weighed_in(desk.run, desk.facts, state.scan)))

    def release(self) -> None:
        """Everything of ours leaves the scene."""
        for stop in self._stops:
            stop()
        self._stepper.cancel()
        self._finish_changes()
        if self._target is not None or self._background:
            self._give_back()
