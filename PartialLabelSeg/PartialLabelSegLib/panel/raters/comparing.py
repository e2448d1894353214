"""How far the raters agree, over all scans of the study: computed on demand, a pair of raters a step, as a table of text."""

from __future__ import annotations

import itertools

import numpy as np

from ...data.raters.consensus import majority
from ...metrics.agreement import Agreement, PairAgreement, RaterAgreement, together
from ...metrics.agreement_table import icc_text, kappa_text
from ...metrics.compared_scan import ComparedScan, compared
from ...metrics.measure import Comparison, Measured, measure
from ...metrics.scan_agreement import ScanAgreement
from ...metrics.table import aligned, cell
from ..geometry import grid_of
from ..steps import Steps, scaled
from ..volumes import array_of
from .rating import Rating
from .readings import rated_scan
from .room import Room

WORDS = "Comparing the raters"


class Comparing:
    """`text`: the table, '' before it was asked for. It is that of the study when it was asked for."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.text = ""
        self.structure = ""
        """Of which it is."""
        self.busy = False

    def start(self) -> None:
        """Compares the raters of the shown structure in all scans that have it."""
        rating = self._room.rating
        if rating is None or self.busy:
            return
        self.busy, self.structure, self.text = True, rating.structure, ""
        self._room.desk.later(self._compared(rating.structure), self._done, WORDS, self._failed)

    def _done(self, text: str) -> None:
        self.busy, self.text = False, text
        self._room.desk.tell()

    def _failed(self, sentence: str) -> None:
        self.busy = False
        self._room.warn(sentence)

    def _compared(self, structure: str) -> Steps[str]:
        ratings = [rating for rating in self._room.sitting.study.ratings if rating.structure == structure]
        found: list[ScanAgreement] = []
        for place, rating in enumerate(ratings):
            share = (place / len(ratings), (place + 0.3) / len(ratings), (place + 1) / len(ratings))
            scan = yield from scaled(self._scan(rating), share[0], share[1])
            if scan is not None:
                found.append((yield from scaled(_measured(scan), share[1], share[2])))
        if not found:
            return "Nobody has read anything yet."
        return text_of(together(found, structure, "majority"))

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


def _measured(scan: ComparedScan) -> Steps[ScanAgreement]:
    """As `scan_agreement`, one comparison a step: surface distances take their time."""
    pairs: dict[frozenset[str], Measured] = {}
    against: dict[str, Measured] = {}
    names = list(scan.masks)
    whole = len(names) * (len(names) + 1) / 2
    for name in names:
        if scan.slices(name).any():
            against[name] = _compare(scan, scan.masks[name], scan.consensus, (name,))
        yield len(against) / whole
    for first, second in itertools.combinations(names, 2):
        if scan.slices(first, second).any():
            pairs[frozenset((first, second))] = _compare(scan, scan.masks[first], scan.masks[second], (first, second))
        yield (len(names) + len(pairs)) / whole
    ml = {name: scan.slice_ml(mask) for name, mask in scan.masks.items()}
    read = {name: scan.slices(name) for name in names}
    return ScanAgreement(scan.case, pairs, against, ml, read, scan.cells, not bool(scan.consensus.any()))


def _compare(scan: ComparedScan, first: np.ndarray, second: np.ndarray, raters: tuple[str, ...]) -> Measured:
    """Two masks on the slices that the raters read."""
    within = scan.within(scan.slices(*raters))
    return measure(scan.case, "", Comparison(first, second, scan.grid, within))


def text_of(result: Agreement) -> str:
    """The agreement in columns that fit a narrow panel; mean ± standard deviation over the scans."""
    heads = ["Rater", "Dice", "Distance mm", "mL", "Bias mL"]
    parts = ["Each rater against the majority", *aligned([heads, *map(_rater_row, result.raters)])]
    if result.pairs:
        heads = ["Pair", "Dice", "Distance mm", "Kappa"]
        parts += ["", "Each pair of raters", *aligned([heads, *map(_pair_row, result.pairs)])]
        parts += ["", f"Dice of all pairs: {cell(result.dice, 2)}"]
    if not np.isnan(result.cells.value):
        parts.append(kappa_text(result.cells))
    known = not np.isnan(result.volume.value)
    icc = icc_text(result.volume) if known else "needs two scans or more"
    return "\n".join([*parts, f"Volume, ICC(2,1): {icc}"])


def _rater_row(item: RaterAgreement) -> list[str]:
    volumes = [one.rater_ml for one in item.volumes]
    ml = f"{np.mean(volumes):.2f}" if volumes else "-"
    return [item.rater, cell(item.dice, 2), cell(item.asd_mm, 1), ml, cell(item.bias_ml, 2)]


def _pair_row(pair: PairAgreement) -> list[str]:
    kappa = "-" if np.isnan(pair.cells.value) else f"{pair.cells.value:.2f}"
    return [f"{pair.first} – {pair.second}", cell(pair.dice, 2), cell(pair.asd_mm, 1), kappa]
