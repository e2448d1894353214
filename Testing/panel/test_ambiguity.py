"""The ambiguity map: exactly where the labels' own certainty ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.small_scans import OBLIQUE, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, mask_by_points
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.panel.ambiguity import SEGMENT, Said, ambiguous, make_veil, read_said
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Tumour", "Spleen", "Aorta")


def labels() -> Labels:
    """A liver with a tumour in it, a spleen on some slices, an aorta that nobody drew, and voxels that are certainly no spleen."""
    rng = np.random.default_rng(0)
    label_map = rng.integers(0, 4, OBLIQUE.shape).astype(np.uint8)
    return Labels(
        NAMES,
        label_map,
        (True, False, False, False),
        (label_map > 0).astype(np.uint8),
        slices={"Spleen": Slices(1, (0, 3))},
        overlaps={
            "Tumour": Marks.of(rng.random(OBLIQUE.shape) < 0.1),
            "Spleen": Marks.of(rng.random(OBLIQUE.shape) < 0.1),
        },
        negatives={"Spleen": Marks.of(rng.random(OBLIQUE.shape) < 0.2)},
        overlapping=frozenset([frozenset(("Liver", "Tumour"))]),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_labels(tmp_path / "CT_1", labels(), OBLIQUE)
    return tmp_path / "CT_1"


def veiled(said: Said, structure: str) -> np.ndarray:
    result = np.full(said.grid.shape, 7, np.uint8)
    finish_now(ambiguous(said, structure, result))
    return result


@pytest.mark.parametrize("structure", NAMES)
def test_a_voxel_is_veiled_where_its_label_is_not_certain(folder: Path, structure: str) -> None:
    said = finish_now(read_said(folder))
    np.testing.assert_array_equal(veiled(said, structure), ~labels().certain(structure))


def test_the_veil_lies_on_the_scan(folder: Path, host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    node: Any = finish_now(make_veil(scan, finish_now(read_said(folder)), "Aorta"))
    np.testing.assert_array_equal(mask_by_points(node, SEGMENT, OBLIQUE), ~labels().certain("Aorta"))


@pytest.mark.parametrize("name", ["labels.json", "labels.nrrd", "marks.npz"])
def test_what_is_absent_or_damaged_is_a_sentence(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-30] + bytes(30))
    with pytest.raises(Failure):
        finish_now(read_said(folder))
    (folder / name).unlink()
    with pytest.raises(Failure):
        finish_now(read_said(folder))


def test_labels_without_marks_have_none(tmp_path: Path) -> None:
    plain = Labels.expert(("Liver",), np.zeros(OBLIQUE.shape, np.uint8), (False,))
    write_labels(tmp_path, plain, OBLIQUE)
    assert veiled(finish_now(read_said(tmp_path)), "Liver").all()
