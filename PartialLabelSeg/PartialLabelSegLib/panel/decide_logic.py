"""What the step Decide does: decisions are saved at once, the accepted segments and the views follow them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..relabel.review import ACCEPTED, COMPLETE, NOT_NOW, WRONG
from ..relabel.scan_proposal import Part
from ..run.failure import Failure
from .accepted_kept import AcceptedKept
from .correction import Correction
from .decide_queue import Pair, Queue, key_of, pair_of
from .decide_view import ACTIONS, Chosen, at_gamma, next_round, parts_at, scopes, why_not
from .decisions import Decisions
from .desk import ERROR, WARNING, Desk
from .gamma_kept import GammaKept
from .learn_logic import LEARNING
from .look_logic import DECIDE, LOOK, LookController, Triple
from .look_view import confidence_colors
from .part_under import part_at, suggested_at
from .predicted import all_predicted
from .round_opened import NOTHING, OpenedRound
from .view_models_decide import EVERYTHING, ORGAN_HERE, PART, SCAN, AtGamma, DecideView, NextRound
from .worklist import Item

FINISH = "finish"
NO_EDITOR = "The Segment Editor could not be opened here, so nothing can be corrected."


class DecideController:
    """Follows the desk: opens the decisions of the round that waits, and keeps the accepted segments of the scan in the views true to them."""

    def __init__(self, desk: Desk, look: LookController) -> None:
        self.desk = desk
        self.look = look
        self.round = OpenedRound(desk)
        self.kept = AcceptedKept(desk, look, self.round)
        self.correction = Correction(desk.scene)
        self._queue: Queue | None = None
        self._last: list[Pair] = []
        self._scope, self._part = ORGAN_HERE, -1
        self._message = ""
        self._stop_clicks: Callable[[], None] | None = None
        self._inside = True
        self.gamma = GammaKept(desk, look)
        self._stops = [
            desk.listen(self.follow),
            desk.on_scene_closing(self._forget),
            desk.on_scene_replaced(self._forget),
        ]

    # Following

    def enter(self) -> None:
        """The panel is in sight: clicks into the views pick parts."""
        self._inside = True
        self._watch_clicks()

    def exit(self) -> None:
        self._inside = False
        self._watch_clicks()

    def follow(self) -> None:
        """After anything changed."""
        state = self.desk.state
        if state.step in (LOOK, DECIDE, FINISH):
            if self.round.follow():
                self._begin_round()
            elif state.scan in self.round.joined:
                # It was shown before anything could be decided on it.
                self.look.reload()
        self._watch_clicks()
        if state.step == DECIDE and self.decisions is not None:
            self._choose_something()
            self.gamma.show()

    @property
    def decisions(self) -> Decisions | None:
        return self.round.decisions

    def _begin_round(self) -> None:
        """Another round waits, or none does any more."""
        decisions = self.round.decisions
        self._queue = Queue(decisions) if decisions is not None else None
        self.kept.forget()
        self._scope, self._part, self._message = ORGAN_HERE, -1, ""
        if decisions is not None:
            self.desk.change(round=decisions.number)
        self.look.reload()

    def _choose_something(self) -> None:
        """Where nothing that can be decided on is shown, the most worthwhile is."""
        queue = self._queue
        if queue is None or self._chosen_item() is not None:
            return
        items = queue.items()
        here = [item for item in items if item.scan == self.desk.state.scan and item.said.is_open]
        if items:
            self._choose((here or list(items))[0])

    def _watch_clicks(self) -> None:
        wanted = self._inside and self.desk.state.step == DECIDE
        if wanted and self._stop_clicks is None:
            self._stop_clicks = self.desk.application.watch_clicks(self.clicked)
        elif not wanted and self._stop_clicks is not None:
            self._stop_clicks()
            self._stop_clicks = None

    def _forget(self) -> None:
        self.gamma.forget()
        self.round.close()
        self.kept.forget()
        self._queue = None
        self._message = ""

    def release(self) -> None:
        self.exit()
        self.gamma.release()
        for stop in self._stops:
            stop()

    # Choosing

    def _chosen_item(self) -> Item | None:
        state = self.desk.state
        return self._queue.item((state.scan, state.structure)) if self._queue is not None else None

    def _chosen(self) -> Chosen | None:
        item = self._chosen_item()
        if item is None:
            return None
        part = self._part if self._part >= 0 else None
        return Chosen(item, self.gamma.now(), self._scope, part, self.look.is_shown(item.scan))

    def _choose(self, item: Item, ijk: Triple | None = None) -> None:
        """Shows a suggestion, at a voxel (x, y, z) of it or in the middle of its largest part."""
        self.gamma.keep()
        self._scope, self._part = ORGAN_HERE, -1
        self.look.whole_scan = False
        self.look.show(item.scan, item.structure, ijk or item.centre_ijk)
        self.gamma.show()

    def suggestion_chosen(self, key: str) -> None:
        pair = pair_of(key)
        item = self._queue.item(pair) if self._queue is not None and pair is not None else None
        if item is not None:
            self._message = ""
            self._choose(item)
            self.desk.tell()

    def part_chosen(self, seed: int) -> None:
        """Jump to a part; from now on the buttons decide on it."""
        self._pick_part(seed)
        part = next((part for part in self._parts() if part.seed == seed), None)
        if part is not None:
            self.look.jump(part.centre_ijk)

    def _pick_part(self, seed: int) -> None:
        self._part = seed
        self._scope = PART if len(self._parts()) > 1 else ORGAN_HERE
        self.desk.tell()

    def _parts(self) -> Sequence[Part]:
        item = self._chosen_item()
        return (
            parts_at(self.decisions, item.key, self.gamma.now())
            if item is not None and self.decisions is not None
            else ()
        )

    def clicked(self, ras: tuple[float, float, float]) -> None:
        """A click into a slice view picks the suggestion and the part under the mouse."""
        viewed, acceptance = self.look.viewed, self.kept.acceptance
        if viewed is None or viewed.suggestions is None or acceptance is None or self.correction.node() is not None:
            return
        structure, ijk = suggested_at(viewed, ras)
        item = self._queue.item((viewed.name, structure)) if self._queue is not None and structure else None
        if item is None:
            return
        if item.key != (self.desk.state.scan, self.desk.state.structure):
            self._choose(item, ijk)
        shape = viewed.suggestions.label.shape
        seed = part_at(acceptance, structure, self.gamma.now(), ijk, shape, self._parts())
        if seed is not None:
            self._pick_part(seed)

    def scope_chosen(self, key: str) -> None:
        if key == PART and self._part < 0:
            parts = self._parts()
            self._part = parts[0].seed if parts else -1
        self._scope = key
        self.look.whole_scan = key in (SCAN, EVERYTHING)
        self.look.follow()
        self.desk.tell()

    # Gamma

    def gamma_moved(self, gamma: float) -> None:
        self.gamma.move(gamma)

    def counts_at(self, gamma: float) -> AtGamma:
        chosen = self._chosen()
        return (
            at_gamma(self.decisions, chosen, gamma) if chosen is not None and self.decisions is not None else AtGamma()
        )

    # Deciding

    def accept(self) -> None:
        self._decide(ACCEPTED, self.gamma.now())

    def accept_all(self) -> None:
        self._decide(ACCEPTED, 1.0)

    def wrong(self) -> None:
        self._decide(WRONG, self.gamma.now())

    def not_now(self) -> None:
        self._decide(NOT_NOW, self.gamma.now())

    def complete(self) -> None:
        self._decide(COMPLETE, self.gamma.now())

    def _decide(self, decision: str, gamma: float) -> None:
        chosen, decisions = self._chosen(), self.decisions
        if chosen is None or decisions is None or self._refused():
            return
        self.gamma.keep()
        scope = chosen.to_decide_on()
        said = self._change(lambda: decisions.decide(scope, decision, gamma))
        if said is None:
            return
        self._message = (
            f"{_capital(said)}." if said else "Nothing changed: that was decided before, or nothing is shown there."
        )
        if scope.part is not None:
            self._scope, self._part = ORGAN_HERE, -1
        elif said and self._queue is not None:
            self._go_on(chosen.item.key)
        self.desk.tell()

    def _go_on(self, key: Pair) -> None:
        """To the next open suggestion, if there is one; what was chosen for many at once stays chosen."""
        item = self._queue.following(key) if self._queue is not None else None
        if item is not None and self._scope == ORGAN_HERE:
            self._choose(item)

    def _change(self, act: Callable[[], str]) -> str | None:
        """Changes the decisions, and what follows from them. What was done in words; None where it could not be saved, which is said."""
        before = self.kept.before()
        try:
            said = act()
            self._last = self.kept.changed(before)
        except Failure as failure:
            self.desk.say(failure.sentence(), ERROR)
            return None
        return said

    def undo(self) -> None:
        self._go_back("undo", "Undone")

    def redo(self) -> None:
        self._go_back("redo", "Done again")

    def _go_back(self, what: str, words: str) -> None:
        decisions = self.decisions
        if decisions is None or self._refused():
            return
        said = self._change(getattr(decisions, what))
        if not said:
            return
        self._message = f"{words}: {said}."
        item = self._queue.item(self._last[0]) if len(self._last) == 1 and self._queue is not None else None
        if item is not None and item.key != (self.desk.state.scan, self.desk.state.structure):
            self._choose(item)
        self.desk.tell()

    # Correcting

    def edit(self) -> None:
        """Opens the Segment Editor on the chosen suggestion, with what is accepted of it, else with what the slider shows."""
        chosen, viewed, acceptance = self._chosen(), self.look.viewed, self.kept.acceptance
        if (
            chosen is None
            or viewed is None
            or acceptance is None
            or not chosen.loaded
            or self.decisions is None
            or self._refused()
        ):
            return
        self.gamma.keep()
        scan, structure = chosen.item.key
        try:
            accepted = acceptance.accepted(structure, self.decisions.latest(scan), self.decisions.edits(scan))
        except Failure as failure:
            self.desk.say(failure.sentence(), ERROR)
            return
        item = next(each for each in viewed.structures if each.name == structure)
        region = accepted or acceptance.suggested(structure, chosen.gamma)
        node, segment = self.correction.begin(viewed.volume, scan, item, region)
        if not self.desk.application.open_segment_editor(node, segment, viewed.volume):
            self.correction.end()
            self.desk.say(NO_EDITOR, WARNING)
        self.desk.tell()

    def edited(self, keep: bool) -> None:
        """Takes what was drawn instead of the suggestion, or forgets it."""
        what, decisions, viewed = self.correction.what(), self.decisions, self.look.viewed
        if keep and what is not None and decisions is not None:
            if viewed is None or viewed.name != what[0]:
                self.look.show(*what)
                self.desk.say("The scan is being loaded; choose it again in a moment.", WARNING)
                return
            box, mask = self.correction.drawn(viewed.volume)
            start = (box[0].start, box[1].start, box[2].start)
            if self._change(lambda: decisions.edited(what[0], what[1], mask, start)) is None:
                return
            self._message = f"{what[1]} in {what[0]}: your drawing is taken instead of the suggestion."
        self.correction.end()
        self.desk.tell()

    # The next round

    def next_round(self) -> None:
        self.gamma.keep()
        if not self._coming().why_not:
            self.desk.next_round()

    def _coming(self) -> NextRound:
        decisions = self.decisions
        if decisions is None or self._queue is None:
            return NextRound(why_not=NOTHING)
        still_open = sum(item.said.is_open and item.voxels > 0 for item in self._queue.items())
        return next_round(decisions.taken(), still_open, self._next_round_refused())

    def _refused(self) -> str:
        """Why nothing can be decided right now; empty where it can."""
        run, decisions = self.desk.run, self.decisions
        if self.correction.node() is not None:
            return "finish your correction first."
        if (
            run is not None
            and decisions is not None
            and self.desk.jobs.words == LEARNING
            and all_predicted(run.round(decisions.number))
        ):
            return "your decisions are being learned right now."
        return ""

    def _next_round_refused(self) -> str:
        refused = self._refused()
        if not refused and self.desk.job is not None:
            return f"{self.desk.jobs.words.lower()} is still going on."
        return refused

    # What is shown

    def view(self) -> DecideView:
        decisions, queue, chosen = self.decisions, self._queue, self._chosen()
        if decisions is None or queue is None:
            return DecideView(message=self.round.why_none())
        rows, items = queue.rows(), queue.items()
        coming = next_round(
            decisions.taken(), sum(item.said.is_open and item.voxels > 0 for item in items), self._next_round_refused()
        )
        if chosen is None:
            return DecideView(
                rows, next_round=coming, undo=decisions.undo_words, redo=decisions.redo_words, message=self._message
            )
        editing, refused = self.correction.what(), self._refused()
        return DecideView(
            rows=rows,
            chosen=key_of(chosen.item.key),
            gamma=chosen.gamma,
            at_gamma=at_gamma(decisions, chosen, chosen.gamma),
            colors=confidence_colors(),
            part=chosen.part,
            scopes=scopes(items, chosen),
            scope=chosen.scope,
            why_not=dict.fromkeys(ACTIONS, refused) if refused else why_not(chosen),
            undo=_back("Takes back", decisions.undo_words),
            redo=_back("Does again", decisions.redo_words),
            next_round=coming,
            editing=f"{editing[1]} in {editing[0]}" if editing is not None else "",
            message=self._message,
        )


def _back(verb: str, words: str) -> str:
    return f"{verb}: {words}." if words else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
