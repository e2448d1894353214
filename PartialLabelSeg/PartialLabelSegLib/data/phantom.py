"""A cohort of phantoms as a folder of cases: partial labels to learn from, and the whole truth beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..run.files import write_json, write_text
from .label_files import write_image
from .phantom_body import PHANTOM_STRUCTURES, Phantom, phantom
from .types import State

__all__ = ["PHANTOM_STRUCTURES", "Phantom", "partial_states", "phantom", "write_phantom_cohort"]

_VALIDATION_SHARE = 0.2
_FEWEST = {"train": 2, "validation": 1}
_NAMES = tuple(structure.name for structure in PHANTOM_STRUCTURES)


def write_phantom_cohort(
    folder: Path, cases: int = 20, test_cases: int = 6, share_labelled: float = 0.4, seed: int = 0
) -> Path:
    """Writes the cohort and returns its manifest `cases.csv`.

    cases: scans with partial labels; a fifth of them are the validation split. test_cases: scans without any label.
    share_labelled (alpha): the share of the scans in which a structure is labelled; which ones is drawn for each structure by
    itself, and the scans labelled at a lower share are among those at a higher one. At least two training scans show each structure.
    `images/` NRRD; `labels/` NIfTI with what a value means in `<case>.json`; `truth/` the same with every structure;
    `structures.json` the colours and terminology. The same seed writes the same cohort.
    """
    if cases < 4 or test_cases < 0 or not 0 < share_labelled <= 1:
        raise ValueError(f"need 4 cases or more and a share in (0, 1], got {cases}, {test_cases}, {share_labelled}")
    validation = max(1, round(_VALIDATION_SHARE * cases))
    splits = ["train"] * (cases - validation) + ["validation"] * validation + ["test"] * test_cases
    present = np.zeros((len(splits), len(_NAMES)), bool)
    maps = []
    for index, split in enumerate(splits):
        body = phantom(np.random.default_rng([seed, index]))
        name = _case_name(split, index)
        present[index] = [bool(np.any(body.label_map == value)) for value in range(1, len(_NAMES) + 1)]
        write_image(folder / "images" / f"{name}.nrrd", body.grid.image(body.image))
        _write_labels(folder / "truth", name, body, body.label_map)
        maps.append(body)
    states = partial_states(np.random.default_rng([seed, 1 << 32]), splits, present, share_labelled)
    for index, split in enumerate(splits):
        if split != "test":
            drawn = [0] + [value + 1 if state is State.LABELLED else 0 for value, state in enumerate(states[index])]
            label_map = np.array(drawn, np.uint8)[maps[index].label_map]
            _write_labels(folder / "labels", _case_name(split, index), maps[index], label_map)
    _write_structures(folder)
    write_text(folder / "cases.csv", _manifest(splits, states))
    return folder / "cases.csv"


def _case_name(split: str, index: int) -> str:
    return f"{split}{index + 1:03d}"


def _write_labels(folder: Path, name: str, body: Phantom, label_map: np.ndarray) -> None:
    write_image(folder / f"{name}.nii.gz", body.grid.image(label_map))
    write_json(folder / f"{name}.json", {"structures": {name: value for value, name in enumerate(_NAMES, 1)}})


def _write_structures(folder: Path) -> None:
    entries = {
        structure.name: {"value": value, "color": list(structure.color), "terminology": structure.terminology}
        for value, structure in enumerate(PHANTOM_STRUCTURES, 1)
    }
    write_json(folder / "structures.json", entries)


def partial_states(
    rng: np.random.Generator, splits: Sequence[str], present: np.ndarray, share_labelled: float
) -> list[list[State]]:
    """What the annotator did, per scan and structure. `present` bool (scans, structures): the structure exists in that scan.

    Per split and structure the scans are put in a random order and the first ones are labelled (or, where the structure does not exist,
    confirmed absent): the stated share of them, or more until enough of them show it. Scans of the split 'test' stay unlabelled.
    """
    states = [[State.MISSING] * present.shape[1] for _ in splits]
    for structure in range(present.shape[1]):
        for split, fewest in _FEWEST.items():
            order = rng.permutation([index for index, name in enumerate(splits) if name == split])
            shown = 0
            for place, index in enumerate(order):
                if place >= round(share_labelled * len(order)) and shown >= fewest:
                    break
                there = bool(present[index, structure])
                shown += there
                states[index][structure] = State.LABELLED if there else State.ABSENT
    return states


def _manifest(splits: Sequence[str], states: Sequence[Sequence[State]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "image", "labels", "split", *_NAMES])
    for index, (split, row) in enumerate(zip(splits, states)):
        name = _case_name(split, index)
        labels = "" if split == "test" else f"labels/{name}.nii.gz"
        writer.writerow([name, f"images/{name}.nrrd", labels, split, *(state.value for state in row)])
    return text.getvalue()
