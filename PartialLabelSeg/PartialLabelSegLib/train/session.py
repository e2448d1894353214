"""What every step of a run needs at hand: the folder, the choices, the plan, the device and the cases."""

from __future__ import annotations

import json
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ..config import Configuration, Plan, to_json
from ..data.case import Case
from ..data.label_files import read_description, read_labels
from ..data.labels import Labels
from ..run.failure import Failure
from ..run.files import read_json
from ..run.folder import RoundFolder, RunFolder
from .batches import settling
from .device import Device
from .prepared import PreparedCase, labels_are_prepared, open_prepared, prepare_image, prepare_labels


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
        return read_labels(self._labels_folder(case, round_number), case.name)[0]

    def _labels_folder(self, case: Case, round_number: int) -> Path:
        """Where those labels lie. A case that a round relabelled never falls back to the expert's labels: without its files that is a Failure."""
        if round_number == 0:
            return case.folder
        before = self.round(round_number - 1)
        folder = before.labels(case.folder.name)
        return folder if (folder / "labels.json").exists() or case.name in self._relabelled(before) else case.folder

    def _relabelled(self, folder: RoundFolder) -> Container[str]:
        """The names of the cases that a round relabelled."""
        if not folder.relabelling.exists():
            return ()
        report = read_json(folder.relabelling, "the relabelling of a round")
        cases = report.get("cases") if isinstance(report, dict) else None
        if not isinstance(cases, dict):
            raise Failure(
                f"{folder.relabelling.name} of round {folder.path.name} is damaged.",
                way_out="Delete it; it is made anew.",
            )
        return cases

    def is_open(self, case: Case) -> bool:
        """Whether the annotator left some structure of the case unknown. Reads the small description only, not the voxels."""
        return not all(self.known(case))

    def known(self, case: Case) -> tuple[bool, ...]:
        """For each structure whether the annotator looked for it in the whole scan."""
        head = read_description(case.folder)
        known = head.get("known") if isinstance(head, dict) else None
        if not isinstance(known, list) or len(known) != len(self.plan.structures):
            raise Failure("its labels are damaged.", case=case.name, way_out="Start the run anew in another folder.")
        return tuple(bool(flag) for flag in known)

    def learned_labels(self, case: Case, round_number: int) -> Labels:
        """`labels` as the method reads them: the naive one takes what is not drawn in a training case for background."""
        labels = self.labels(case, round_number)
        if self._is_naive(case):
            return replace(labels, known=(True,) * len(labels.structures), slices={}, negatives={})
        return labels

    def _is_naive(self, case: Case) -> bool:
        return self.configuration.relabelling.method == "naive" and case.split == "train"

    def prepare(self, case: Case, round_number: int) -> None:
        """Makes a case's arrays for a round where they are not there yet, or were made with another plan or from other labels."""
        folder = self.run.prepared(case.folder.name)
        prepare_image(case, self.plan, folder)
        source = f"{_sum(self._description(case, round_number))}{' naive' * self._is_naive(case)}"
        labels_folder = folder / f"round-{round_number}"
        if not labels_are_prepared(case, self.plan, labels_folder, source):
            prepare_labels(self.learned_labels(case, round_number), case, self.plan, labels_folder, source)

    def _description(self, case: Case, round_number: int) -> Any:
        """What describes those labels; it changes whenever they do."""
        return read_description(self._labels_folder(case, round_number))

    def made_with(self, round_number: int) -> str:
        """A word that changes with whatever a round learns from: the plan, the choices, the scans and their labels.

        It is kept in networks and checkpoints, so that those of another round or run are told apart.
        """
        choices = self.configuration.relabelling
        cases = [
            (case.name, case.split, case.crc32, self._description(case, round_number))
            for case in self.of_split("train", "validation")
        ]
        said = [choices.method, choices.target, choices.frozen, self.configuration.seed, round_number]
        return _sum([to_json(self.plan), said, cases])

    def open(self, case: Case, round_number: int) -> PreparedCase:
        folder = self.run.prepared(case.folder.name)
        return open_prepared(case.name, folder, folder / f"round-{round_number}")

    def opened(self, cases: tuple[Case, ...], round_number: int) -> Iterator[PreparedCase]:
        for case in cases:
            yield self.open(case, round_number)


def _sum(value: Any) -> str:
    """The checksum of JSON values."""
    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"
