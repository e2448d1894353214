"""How the labels of a scan were made, all at once, and the same for every scan that came with it."""

from __future__ import annotations

from collections.abc import Callable

from .. import words
from ..qt_subset import button
from ..view_models import ScansView, ScanView
from ..view_models_decide import Choice
from .chooser import Chooser

BOTH = Choice(
    "", "checked and quick", "Some labels of this scan were checked, others were made quickly; see the table."
)
TIP = f"{words.HOW_MADE} All labels of this scan at once; a click on a cell of the table says it of one."


class MadeBox:
    """`chosen(scans, how)` is called with the names of scans and a key of `words.MADE`."""

    def __init__(self, chosen: Callable[[tuple[str, ...], str], None]) -> None:
        self._chosen = chosen
        self._scan = ""
        self._how = ""
        self._together: tuple[str, ...] = ()
        self.chooser = Chooser("scan_made", TIP, self._picked)
        self.everywhere = button("Same in all", "made_everywhere", "", self._everywhere)

    def show(self, view: ScansView, scan: ScanView) -> bool:
        """Emits nothing. Whether there is anything labelled in the scan to say it of."""
        here = _made_in(scan)
        self._scan, self._how = scan.name, next(iter(here)) if len(here) == 1 else ""
        choices = [Choice(how, word.text, word.meaning) for how, word in words.MADE.items()]
        self.chooser.show([*choices, BOTH] if len(here) > 1 else choices, self._how)
        others = [item for item in view.scans if item.source == scan.source and _made_in(item)]
        self._together = tuple(item.name for item in others)
        different = sum(_made_in(item) != {self._how} for item in others)
        for part in (self.chooser.widget, self.everywhere):
            part.setVisible(bool(here))
        self.everywhere.setEnabled(bool(self._how) and different > 0)
        self.everywhere.setToolTip(self._tip(scan, different))
        return bool(here)

    def _tip(self, scan: ScanView, different: int) -> str:
        which = f"all {len(self._together)} scans {scan.origin}".rstrip()
        if not self._how:
            return "Say first of this scan how its labels were made; then it can be said of the others, too."
        if not different:
            return f"The labels of {which} are '{self._how}' already."
        return f"Says of all labels of {which}: they are '{self._how}'."

    def _picked(self, how: str) -> None:
        if how:
            self._chosen((self._scan,), how)

    def _everywhere(self) -> None:
        self._chosen(self._together, self._how)


def _made_in(scan: ScanView) -> set[str]:
    """How the labels of a scan were made: none, one or both of the ways."""
    return {cell.made for cell in scan.cells if cell.made}
