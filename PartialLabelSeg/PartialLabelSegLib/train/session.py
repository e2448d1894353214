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
from ..data.prediction import Prediction, read_prediction
from ..run.failure import Failure
from ..run.files import read_json
from ..run.folder import RoundFolder, RunFolder
from .batches import settling
from .device import Device
from .doubtful import left_out, taken_as_given, with_initial
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
                f"rounds/{folder.path.name}/{folder.relabelling.name} is damaged.",
                way_out="Delete it; it is made anew.",
            )
        return cases

    def is_open(self, case: Case) -> bool:
        """Whether the annotator left some structure of the case unknown. Reads the small description only, not the voxels."""
        return not all(self.known(case))

    def known(self, case: Case) -> tuple[bool, ...]:
        """For each structure whether the annotator looked for it in the whole scan."""
        return self._known(case, read_description(case.folder))

    def _known(self, case: Case, head: Any) -> tuple[bool, ...]:
        known = head.get("known") if isinstance(head, dict) else None
        if not isinstance(known, list) or len(known) != len(self.plan.structures):
            raise Failure("its labels are damaged.", case=case.name, way_out="Start the run anew in another folder.")
        return tuple(bool(flag) for flag in known)

    def learned_labels(self, case: Case, round_number: int) -> Labels:
        """`labels` as the method reads them.

        The naive one takes what is not drawn in a training case for background. Doubtful labels of training cases are trusted, left out, or
        stay marked, as the configuration says; of a structure that no training case has a trusted label of, they are trusted. 'mlb' begins
        with trusted labels alone, and later has initial labels where a structure is missing: what the round before predicted.
        """
        labels = self.labels(case, round_number)
        if case.split != "train":
            return labels
        if self.configuration.relabelling.method == "naive":
            labels = replace(labels, known=(True,) * len(labels.structures), slices={}, negatives={})
        if self.doubtful in ("weigh", "fixed"):
            labels = taken_as_given(labels, self.untrusted(round_number))
        begins = self._has_initial_labels and round_number == 0
        if self.doubtful == "leave-out" or (begins and self.doubtful != "as-given"):
            labels = left_out(labels)
        if self._gets_initial_labels(case, round_number):
            labels = with_initial(labels, self._prediction_before(case, round_number).label)
        return taken_as_given(labels, labels.imperfect) if self.doubtful == "as-given" else labels

    @property
    def doubtful(self) -> str:
        """What is done with doubtful labels. An instance network learns from whole lesions, which have no weights per voxel."""
        return "as-given" if self.plan.architecture == "instance" else self.configuration.doubtful

    @property
    def _has_initial_labels(self) -> bool:
        return self.configuration.relabelling.method == "mlb"

    def _gets_initial_labels(self, case: Case, round_number: int) -> bool:
        return self._has_initial_labels and round_number > 0 and self.is_open(case)

    def _prediction_before(self, case: Case, round_number: int) -> Prediction:
        return read_prediction(self.round(round_number - 1).prediction(case.folder.name), case.name)[0]

    def untrusted(self, round_number: int) -> frozenset[str]:
        """The structures with doubtful labels in training cases and with a trusted one in none. Reads the small descriptions only."""
        doubtful: set[str] = set()
        trusted: set[str] = set()
        for case in self.of_split("train"):
            head = self._description(case, round_number)
            # By the labels of the round: what a person completed is known by then.
            imperfect, known = _imperfect(head), zip(self.plan.structures, self._known(case, head))
            looked_for = {name for name, flag in known if flag} | set(head.get("slices", {}))
            doubtful |= imperfect
            trusted |= looked_for - imperfect
        return frozenset(doubtful - trusted)

    def prepare(self, case: Case, round_number: int) -> None:
        """Makes a case's arrays for a round where they are not there yet, or were made with another plan or from other labels."""
        folder = self.run.prepared(case.folder.name)
        prepare_image(case, self.plan, folder)
        source = _sum(self._learned_from(case, round_number))
        labels_folder = folder / f"round-{round_number}"
        if not labels_are_prepared(case, self.plan, labels_folder, source):
            prepare_labels(self.learned_labels(case, round_number), case, self.plan, labels_folder, source)

    def _description(self, case: Case, round_number: int) -> Any:
        """What describes those labels; it changes whenever they do."""
        return read_description(self._labels_folder(case, round_number))

    def _learned_from(self, case: Case, round_number: int) -> Any:
        """What `learned_labels` depends on."""
        description = self._description(case, round_number)
        method = self.configuration.relabelling.method
        if case.split != "train":
            return description
        said = [description, method, self.doubtful]
        if self.doubtful in ("weigh", "fixed") and _imperfect(description):
            said.append(sorted(self.untrusted(round_number)))
        if self._gets_initial_labels(case, round_number):
            folder = self.round(round_number - 1).prediction(case.folder.name)
            said.append(read_json(folder / "prediction.json", "the description of a prediction"))
        return said

    def made_with(self, round_number: int) -> str:
        """A word that changes with whatever a round learns from: the plan, the choices, the scans and their labels.

        It is kept in networks and checkpoints, so that those of another round or run are told apart.
        """
        choices = self.configuration.relabelling
        cases = [
            (case.name, case.split, case.crc32, self._learned_from(case, round_number))
            for case in self.of_split("train", "validation")
        ]
        said = [choices.method, choices.target, choices.frozen, self.configuration.seed, round_number]
        said.append(list(self.configuration.bounds))
        return _sum([to_json(self.plan), said, cases])

    def open(self, case: Case, round_number: int) -> PreparedCase:
        folder = self.run.prepared(case.folder.name)
        return open_prepared(case.name, folder, folder / f"round-{round_number}")

    def opened(self, cases: tuple[Case, ...], round_number: int) -> Iterator[PreparedCase]:
        for case in cases:
            yield self.open(case, round_number)


def _imperfect(description: Any) -> frozenset[str]:
    """The structures whose labels are doubtful, as `labels.json` says."""
    found = description.get("imperfect") if isinstance(description, dict) else None
    return frozenset(found) if isinstance(found, list) else frozenset()


def _sum(value: Any) -> str:
    """The checksum of JSON values."""
    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"
