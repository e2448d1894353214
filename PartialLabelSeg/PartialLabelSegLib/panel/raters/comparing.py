"""How far the raters agree, over all scans of the study: computed on demand, a pair of raters a step; and in words."""

from __future__ import annotations

import math
from collections.abc import Callable

from ...data.raters.consensus import majority
from ...metrics.agreement import Agreement, PairAgreement, RaterAgreement, together
from ...metrics.agreement_table import icc_text, kappa_text
from ...metrics.compared_scan import ComparedScan, compared
from ...metrics.measure import Summary
from ...metrics.scan_agreement import ScanAgreement, agreement_in_steps
from ...metrics.table import aligned, cell
from ..geometry import grid_of
from ..steps import Steps, scaled
from ..volumes import array_of
from .rating import Rating
from .readings import rated_scan
from .room import Room

WORDS = "Comparing the raters"
NOBODY = "Nobody has read anything yet."


class Comparing:
    """`result`: None before it was asked for. It is that of the study when it was asked for; `message` says why there is none."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.result: Agreement | None = None
        self.message = ""
        self.structure = ""
        """Of which it is."""
        self.busy = False

    def start(self) -> None:
        """Compares the raters of the shown structure in all scans that have it."""
        rating = self._room.rating
        if rating is None or self.busy:
            return
        self.busy, self.structure = True, rating.structure
        self.result, self.message = None, ""
        self._room.desk.later(self._compared(rating.structure), self._done, WORDS, self._failed)

    def _done(self, result: Agreement | None) -> None:
        self.busy, self.result = False, result
        self.message = "" if result is not None else NOBODY
        self._room.desk.tell()

    def _failed(self, sentence: str) -> None:
        self.busy = False
        self._room.warn(sentence)

    def _compared(self, structure: str) -> Steps[Agreement | None]:
        ratings = [rating for rating in self._room.sitting.study.ratings if rating.structure == structure]
        found: list[ScanAgreement] = []
        for place, rating in enumerate(ratings):
            share = (place / len(ratings), (place + 0.3) / len(ratings), (place + 1) / len(ratings))
            scan = yield from scaled(self._scan(rating), share[0], share[1])
            if scan is not None:
                found.append((yield from scaled(agreement_in_steps(scan), share[1], share[2])))
        return together(found, structure, "majority") if found else None

    def _scan(self, rating: Rating) -> Steps[ComparedScan | None]:
        """A scan with its raters; None where nobody has read it, or it is not in the scene."""
        volume = self._room.desk.scene.GetNodeByID(rating.volume)
        if volume is None:
            return None
        masks = self._room.masks
        drawings = [rating.bone, *(rater.mask for rater in rating.raters)]
        for drawing in drawings:
            if drawing is not None and not masks.is_fresh(volume, drawing):
                yield from masks.read(volume, drawing)
        scan = rated_scan(rating, array_of(volume), lambda drawing: masks.mask(volume, drawing))
        yield 0.7
        if scan is None:
            return None
        consensus = majority(scan).plane > 0
        if scan.bone is not None:
            consensus &= scan.bone
        yield 0.9
        return compared(rating.name, grid_of(volume), scan, consensus)


RATER_HEADS = ("Rater", "Dice", "mm", "mL", "Bias mL")
PAIR_HEADS = ("Pair", "Dice", "mm", "Kappa", "ICC")


def text_of(result: Agreement) -> str:
    """The agreement as text in columns; mean ± standard deviation over the scans."""
    parts = ["Each rater against the majority"]
    parts += aligned([list(RATER_HEADS), *(rater_cells(item, cell) for item in result.raters)])
    if result.pairs:
        parts += ["", "Each pair of raters"]
        parts += aligned([list(PAIR_HEADS), *(pair_cells(item, cell) for item in result.pairs)])
    return "\n".join([*parts, "", *together_words(result)])


def together_words(result: Agreement) -> list[str]:
    """What all raters together say, and what was left out."""
    words = [f"Dice of all pairs: {cell(result.dice, 2)}."] if result.pairs else []
    if not math.isnan(result.cells.value):
        words.append(f"{kappa_text(result.cells)}.")
    known = not math.isnan(result.volume.value)
    words.append(f"Volume, ICC(2,1): {icc_text(result.volume) if known else 'needs two scans or more'}.")
    return [*words, *result.remarks]


Written = Callable[[Summary, int], str]


def mean_only(summary: Summary, places: int) -> str:
    """Without the spread, for a narrow column."""
    return "-" if math.isnan(summary.mean) else f"{summary.mean:.{places}f}"


def rater_cells(item: RaterAgreement, written: Written) -> list[str]:
    """One rater against the consensus, under RATER_HEADS."""
    own = Summary.of(one.rater_ml for one in item.volumes)
    return [item.rater, written(item.dice, 2), written(item.asd_mm, 1), mean_only(own, 2), written(item.bias_ml, 2)]


def pair_cells(pair: PairAgreement, written: Written) -> list[str]:
    """Two raters, under PAIR_HEADS."""
    kappa = "-" if math.isnan(pair.cells.value) else f"{pair.cells.value:.2f}"
    icc = "-" if math.isnan(pair.volume.value) else f"{pair.volume.value:.2f}"
    return [f"{pair.first} – {pair.second}", written(pair.dice, 2), written(pair.asd_mm, 1), kappa, icc]
