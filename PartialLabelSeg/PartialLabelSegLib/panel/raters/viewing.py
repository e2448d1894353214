"""What the page shows, made from the study and from where the user is; pure, and cheap enough for every change."""

from __future__ import annotations

from functools import cache

import numpy as np

from ...data.raters.steps import BRIGHT, INSIDE_BONE
from ..colors import ramp
from ..view_models_decide import Choice
from .choosing import key_of, scan_choices
from .comparing import Comparing
from .controller import RatersController
from .rating import Rater, Rating
from .reading_actions import NO_RATER
from .room import READ, TOGETHER
from .views import AgreementView, GridBoxView, PlaceLine, RaterLine, RatersView, ReadBoxView, SliceMark, SoftBoxView

NO_SCAN = "Load a scan first: drop it into Slicer, or add a sample in the step Scans."
_COLORS = 24


@cache
def _colors() -> tuple[tuple[float, float, float], ...]:
    """Those of a probability, lowest first."""
    return tuple((float(r), float(g), float(b)) for r, g, b in ramp(_COLORS))


def raters_view(controller: RatersController) -> RatersView:
    """The whole page."""
    room, scene = controller.room, controller.desk.scene
    rating = room.rating if room.volume is not None else None
    scans, drawings = scan_choices(scene), controller.drawings.choices(scene)
    if rating is None:
        return RatersView(scans, hint=NO_SCAN if not scans else "Choose the scan that was read.")
    index = controller.stage.index
    history = room.sitting.history
    return RatersView(
        scans=scans,
        scan=rating.volume,
        bones=drawings,
        bone=key_of(rating.bone),
        mode=room.mode,
        why_not=_why_not(rating),
        index=-1 if index is None else index,
        slices=_slices(controller, rating),
        grid=_grid(controller, rating, index),
        read=_read(controller, rating, index),
        soft=_soft(controller, rating, drawings) if room.mode == TOGETHER else SoftBoxView(),
        undo=history.undo_words,
        redo=history.redo_words,
        busy=controller.desk.busy,
        hint=_hint(rating, room.mode),
    )


def _why_not(rating: Rating) -> dict[str, str]:
    result = {}
    if rating.template is None:
        result[READ] = "Place the grid first. Raters who have drawn masks are added in the part Together."
    return result


def _hint(rating: Rating, mode: str) -> str:
    if mode == TOGETHER:
        return "" if rating.raters else "Add what raters have drawn under Mask, or lay a grid and let them read."
    if rating.bone is None:
        return "Choose the bone: a segment that was drawn, imported or predicted. The grid is laid on it."
    return "Lay the grid on the bone." if rating.template is None and not rating.raters else ""


def _slices(controller: RatersController, rating: Rating) -> tuple[SliceMark, ...]:
    room = controller.room
    bone = room.bone_slices()
    current = rating.current
    ticked = {cell[0] for cell in current.ticks} if current is not None else set()
    if room.mode == TOGETHER:
        ticked = {cell[0] for rater in rating.raters for cell in rater.ticks}
    keys = rating.template.keys if rating.template is not None else {}
    return tuple(
        SliceMark(bool(bone[index]), _is_read(controller, rating, index), index in ticked, index in keys)
        for index in range(room.count)
    )


def _is_read(controller: RatersController, rating: Rating, index: int) -> bool:
    """By the current rater; in the part Together by all."""
    if controller.room.mode == TOGETHER:
        return bool(rating.raters) and all(rater.has_read(index) for rater in rating.raters)
    return rating.current is not None and rating.current.has_read(index)


def _grid(controller: RatersController, rating: Rating, index: int | None) -> GridBoxView:
    template, grid = rating.template, controller.grid
    why_not = "" if rating.bone is not None else "Choose the bone first."
    if template is None:
        return GridBoxView(why_not=why_not, why_not_shape=grid.why_not_shape())
    return GridBoxView(
        placed=True,
        rows=template.rows,
        columns=template.columns,
        follow=template.follow,
        keys=tuple(key + 1 for key in sorted(template.keys)),
        is_key=index in template.keys,
        previous_key=grid.next_key(-1) is not None,
        next_key=grid.next_key(1) is not None,
        why_not=why_not,
        why_not_shape=grid.why_not_shape(),
    )


def _read(controller: RatersController, rating: Rating, index: int | None) -> ReadBoxView:
    current, room = rating.current, controller.room
    raters = tuple(Choice(rater.name, rater.name) for rater in rating.raters if rater.mask is None)
    levels = room.sitting.study.levels
    if current is None:
        return ReadBoxView(raters, levels=levels, level=room.level, why_not=NO_RATER)
    read = len(current.read) if current.read is not None else room.count
    slices = len({cell[0] for cell in current.ticks})
    on = f" on {slices} slice{'s' * (slices != 1)}" if slices else ""
    cells = f"{len(current.ticks)} cell{'s' * (len(current.ticks) != 1)} ticked{on}"
    return ReadBoxView(
        raters,
        current.name,
        rating.color(current.name),
        read=index is not None and current.has_read(index),
        has_ticks_here=index is not None and bool(current.cells_on(index)),
        others_shown=room.others_shown,
        can_show_others=len(rating.raters) > 1,
        levels=levels,
        level=room.level,
        unread_left=controller.reading.next_unread() is not None,
        summary=f"{cells}; {read} of {room.count} slices read.",
        why_not=controller.reading.why_not_tick(),
    )


def _soft(controller: RatersController, rating: Rating, drawings: tuple[Choice, ...]) -> SoftBoxView:
    room = controller.room
    together = room.together
    taken = {key_of(rater.mask) for rater in rating.raters} | {key_of(rating.bone)}
    preview = together.preview
    changed = {name: int(np.count_nonzero(plane)) for name, plane in preview.changed.items()} if preview else {}
    level = preview.bright_level if preview is not None and np.isfinite(preview.bright_level) else None
    no_bone = "There is no bone: choose its segment above." if rating.bone is None else ""
    export = controller.together.exporting
    working = export.working()
    return SoftBoxView(
        raters=tuple(_line(controller, rating, rater) for rater in rating.raters),
        drawings=tuple(choice for choice in drawings if choice.key not in taken),
        steps=room.sitting.study.steps,
        choice=together.choice,
        changed=changed,
        steps_why_not={INSIDE_BONE: no_bone, BRIGHT: no_bone} if no_bone else {},
        bright_level="" if level is None else f"above {level:.4g}",
        places=tuple(_place(controller, number) for number in range(len(together.places))),
        colors=_colors(),
        message=_message(controller, rating),
        agreement=_agreement(controller.together.comparing, rating),
        exporting=working.words if working is not None else export.work.message,
        exported=working is None and bool(export.work.message),
        can_stop=export.can_stop(),
        why_not_export=export.why_not(),
    )


def _agreement(comparing: Comparing, rating: Rating) -> AgreementView:
    can_compare = not comparing.busy and len(rating.raters) > 1
    if comparing.structure != rating.structure:
        return AgreementView(can_compare=can_compare)
    result = comparing.result
    colors = tuple(rating.color(item.rater) for item in result.raters) if result is not None else ()
    return AgreementView(result, colors, comparing.message, can_compare)


def _message(controller: RatersController, rating: Rating) -> str:
    if controller.room.together.prepared is None:
        read = any(rater.read is None or rater.read for rater in rating.raters)
        return "The label is being made…" if read else "Nobody has read a slice of this scan yet."
    preview = controller.room.together.preview
    if preview is not None and not preview.known:
        return "Nobody has read this slice: it says nothing, neither yes nor no."
    judged = controller.room.together.judged
    return "\n".join(
        f"{name}: sensitivity {found['sensitivity']:.2f}, specificity {found['specificity']:.3f}"
        for name, found in judged.items()
    )


def _line(controller: RatersController, rating: Rating, rater: Rater) -> RaterLine:
    count = controller.room.count
    read = count if rater.read is None else len(rater.read)
    cells = -1 if rater.mask is not None else len(rater.ticks)
    score = "drawn" if rater.mask is not None else str(len(rater.ticks))
    return RaterLine(rater.name, rating.color(rater.name), cells, read, count, score)


def _place(controller: RatersController, number: int) -> PlaceLine:
    place, room = controller.room.together.places[number], controller.room
    volume_ml = place.voxels * float(np.prod(room.spacing_mm)) / 1000.0
    index = place.centre[room.axis]
    first, second = (float(value) for axis, value in enumerate(place.centre) if axis != room.axis)
    cell = controller.board.cell_at(index, (first, second))
    where = f"slice {index + 1}" + (f", row {cell[0] + 1}, column {cell[1] + 1}" if cell is not None else "")
    return PlaceLine(number, where, volume_ml, place.score)
