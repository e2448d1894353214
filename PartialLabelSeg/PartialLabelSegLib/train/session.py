"""What every step of a run needs at hand: the folder, the choices, the plan, the device and the cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from ..config import Configuration, Plan
from ..data.case import Case
from ..data.label_files import read_labels
from ..data.labels import Labels
from ..run.folder import RoundFolder, RunFolder
from .batches import settling
from .device import Device
from .prepared import PreparedCase, open_prepared, prepare_image, prepare_labels


@dataclass(frozen=True)
class Session:
    """A run at work. Cases are in the order of run.json; their `split` is final.

    truth: a folder with complete labels `<case folder>/labels.*` where the run is an experiment; never learned from, only compared with.
    """

    run: RunFolder
    configuration: Configuration
    plan: Plan
    device: Device
    cases: tuple[Case, ...]
    overlapping: frozenset[frozenset[str]] = frozenset()
    truth: Path | None = None

    def of_split(self, *splits: str) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.split in splits)

    def round(self, number: int) -> RoundFolder:
        return self.run.round(number)

    def settles(self) -> Tensor | None:
        return settling(self.plan.structures, self.overlapping)

    def labels(self, case: Case, round_number: int) -> Labels:
        """The labels that round `round_number` learns from: the expert's, with what was accepted in the rounds before."""
        folder = case.folder if round_number == 0 else self.round(round_number - 1).labels(case.folder.name)
        if not (folder / "labels.json").exists():
            folder = case.folder
        return read_labels(folder, case.name)[0]

    def learned_labels(self, case: Case, round_number: int) -> Labels:
        """`labels` as the method reads them: the naive one takes what is not drawn for background."""
        labels = self.labels(case, round_number)
        if self.configuration.relabelling.method == "naive":
            return replace(labels, known=(True,) * len(labels.structures), slices={}, negatives={})
        return labels

    def prepare(self, case: Case, round_number: int) -> None:
        """Makes a case's arrays for a round where they are not there yet."""
        folder = self.run.prepared(case.folder.name)
        prepare_image(case, self.plan, folder)
        labels_folder = folder / f"round-{round_number}"
        if not (labels_folder / "labels.json").exists():
            prepare_labels(self.learned_labels(case, round_number), case, self.plan, labels_folder)

    def open(self, case: Case, round_number: int) -> PreparedCase:
        folder = self.run.prepared(case.folder.name)
        return open_prepared(case.name, folder, folder / f"round-{round_number}")

    def opened(self, cases: tuple[Case, ...], round_number: int) -> Iterator[PreparedCase]:
        for case in cases:
            yield self.open(case, round_number)
