"""Labels of a run read in steps are those that the worker reads at once, and so is what was accepted in them; damage is a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import read_labels, write_image, write_labels
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.panel import slabs
from PartialLabelSegLib.panel.labels_read import accepted_in_steps, read_labels_in_steps
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.relabel.select import accepted
from PartialLabelSegLib.run.failure import Failure

GRID = Grid((6, 5, 40), (1.0, 1.5, 3.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
NAMES = ("Liver", "Spleen", "Tumour")


def some_labels() -> Labels:
    """Drawn and accepted voxels, overlaps of the expert and of a round, voxels marked as wrong, slices, and a soft label."""
    random = np.random.default_rng(4)
    label_map = random.integers(0, 4, GRID.shape).astype(np.uint8)
    origin = np.where(label_map > 0, random.choice([1, 2, 3], GRID.shape), 0).astype(np.uint8)
    places = np.flatnonzero(label_map == 1)[:60]
    marks = Marks(places.astype(np.int64), np.repeat(np.array([1, 2, 3], np.uint8), 20))
    return Labels(
        NAMES,
        label_map,
        (True, False, False),
        origin,
        {"Spleen": Slices(0, (3, 4))},
        {"Tumour": marks},
        {"Spleen": Marks(np.array([0, 7], np.int64), np.array([2, 2], np.uint8))},
        {"Liver": (label_map == 1).astype(np.float32)},
        frozenset({frozenset(("Liver", "Tumour"))}),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "rounds" / "1" / "labels" / "CT_1"
    write_labels(path, some_labels(), GRID)
    return path


def test_they_are_the_same_as_read_at_once(folder: Path) -> None:
    ours, whole = finish_now(read_labels_in_steps(folder, "CT 1")), read_labels(folder, "CT 1")[0]
    assert whole.soft and not ours.soft
    for word in ("label_map", "origin"):
        np.testing.assert_array_equal(getattr(ours, word), getattr(whole, word))
    for word in ("structures", "known", "slices", "overlapping"):
        assert getattr(ours, word) == getattr(whole, word)
    for name in NAMES:
        np.testing.assert_array_equal(ours.positive(name), whole.positive(name))
        np.testing.assert_array_equal(ours.certain(name), whole.certain(name))


@pytest.mark.parametrize("at_once", [1, 70, 1 << 20])
def test_what_was_accepted_is_found_piece_by_piece(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(slabs, "_VOXELS", at_once)
    labels = some_labels()
    for name in NAMES:
        found = finish_now(accepted_in_steps(labels, name))
        assert found.dtype == np.int64 and found.size > 20
        np.testing.assert_array_equal(found, accepted(labels, name))
    assert len(list(accepted_in_steps(labels, "Liver"))) == (40 if at_once == 1 else 20 if at_once == 70 else 1)


def other_voxels(folder: Path) -> None:
    write_image(folder / "origin.nrrd", GRID.image(np.zeros(GRID.shape, np.uint8)))


def other_case(folder: Path) -> None:
    head = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    (folder / "labels.json").write_text(json.dumps({**head, "folder": "CT_2"}), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "labels.json").unlink(), "labels.json"),
        (lambda folder: (folder / "labels.nrrd").unlink(), "labels.nrrd"),
        (lambda folder: (folder / "marks.npz").write_bytes(b""), "marks"),
        (other_voxels, "Case 'CT 1': origin.nrrd is not what was written"),
        (other_case, "Case 'CT 1': its labels are those of another case"),
    ],
)
def test_damaged_labels_are_a_sentence(folder: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(folder)
    with pytest.raises(Failure) as caught:
        finish_now(read_labels_in_steps(folder, "CT 1"))
    assert words in caught.value.sentence() and "Delete" in caught.value.sentence()
