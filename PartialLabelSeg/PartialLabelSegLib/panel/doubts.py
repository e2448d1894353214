"""Labels to check: where the weights that a round learned for doubtful labels lie, and the regions of a scan in which they speak against a label."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..relabel.doubts import NAME, Doubt, most_doubtful, read_doubts
from ..run.failure import Failure
from ..run.folder import RunFolder
from . import words
from .predicted import labels_of
from .run_facts import RunFacts
from .view_models_decide import DoubtRow, DoubtsView


@dataclass(frozen=True)
class WeightFiles:
    """The learned weights of a scan. labels: the folder of the labels that were weighed; files: by structure the volume of its weights.

    made: when they were written.
    """

    folder: Path
    labels: Path
    files: Mapping[str, Path]
    made: int = 0


def weighed_in(run: RunFolder | None, facts: RunFacts, scan: str) -> WeightFiles | None:
    """The latest weights of a scan; None where none of its labels was weighed."""
    place = facts.folder(scan)
    if run is None or place is None:
        return None
    for number in range(facts.rounds, -1, -1):
        folder = run.round(number).weights(place)
        with contextlib.suppress(OSError):
            made = (folder / NAME).stat().st_mtime_ns
            paths = ((item.name, folder / f"weights-{value}.nrrd") for value, item in enumerate(facts.structures, 1))
            return WeightFiles(
                folder, labels_of(run, number, place), {name: path for name, path in paths if path.is_file()}, made
            )
    return None


def has_weights(run: RunFolder | None, facts: RunFacts) -> bool:
    """Whether labels were weighed in any scan of the run."""
    return run is not None and any((run.round(number).path / "weights").is_dir() for number in range(facts.rounds + 1))


class DoubtsList:
    """The list of a scan, read again only when its file has changed."""

    def __init__(self) -> None:
        self._key: tuple[Path, int] | None = None
        self._doubts: tuple[Doubt, ...] = ()
        self._problem = ""

    def of(self, weighed: WeightFiles | None) -> Sequence[Doubt]:
        """The regions to check, the most doubtful first."""
        if weighed is None:
            return ()
        if self._key != (weighed.folder, weighed.made):
            self._key, self._doubts, self._problem = (weighed.folder, weighed.made), (), ""
            try:
                found = read_doubts(weighed.folder)
                self._doubts = tuple(most_doubtful(found))
            except Failure as failure:
                self._problem = failure.sentence()
        return self._doubts

    def view(self, weighed: WeightFiles | None) -> DoubtsView:
        doubts = self.of(weighed)
        rows = tuple(
            DoubtRow(number, doubt.structure, question(doubt), doubt.ml, sentence(doubt))
            for number, doubt in enumerate(doubts, 1)
        )
        return DoubtsView(rows, self._note(weighed, len(rows)))

    def _note(self, weighed: WeightFiles | None, rows: int) -> str:
        if weighed is None:
            return "No label of this scan was weighed; only quick labels of scans that are learned from are."
        if self._problem:
            return self._problem
        if not rows:
            return "Nowhere do the other scans speak against a label of this one."
        return f"{words.counted(rows, 'place')} to check, the most doubtful first."


def question(doubt: Doubt) -> str:
    """As a short question that a person answers by looking."""
    return words.DOUBTS[doubt.kind].text


def sentence(doubt: Doubt) -> str:
    """'Liver, drawn here, other scans speak against it, 3.2 mL'."""
    return f"{doubt.structure}, {words.DOUBTS[doubt.kind].meaning}, {words.volume(doubt.ml)}"
