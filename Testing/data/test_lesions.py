"""Lesions on disk: numbers, centres and boxes computed by hand, and lists that were tampered with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import read_array
from PartialLabelSegLib.data.lesions import (
    Lesion,
    lesion_at,
    numbered,
    parts_of,
    read_lesions,
    write_lesions,
    write_volume,
)
from PartialLabelSegLib.run.failure import Failure

LESION = Lesion(1, "Oedema", 0.75, "suggested", 2, 0.024, (1.0, -2.0, 3.5), ((0, 1, 2), (1, 2, 4)))
# x runs to the right and y forward, against LPS; voxels of 2 x 3 x 4 mm.
TURNED = Grid((4, 3, 2), (2.0, 3.0, 4.0), (10.0, 20.0, 30.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))


def test_a_centre_is_in_ras_and_a_box_ends_behind_its_last_voxel() -> None:
    # (z, y, x) = (1, 2, 1) and (1, 2, 3): the middle is x 2, so in LPS (10 - 4, 20 - 6, 30 + 4).
    centre, box = lesion_at(np.array([12 + 8 + 1, 12 + 8 + 3]), TURNED)
    assert centre == (-6.0, -14.0, 34.0)
    assert box == ((1, 2, 1), (2, 3, 4))


def test_a_centre_is_where_the_imaging_library_puts_it() -> None:
    axis, angle = np.array([0.3, -0.5, 0.8]), 0.4
    k = np.cross(np.eye(3), axis / np.linalg.norm(axis))
    turn = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
    grid = Grid((5, 4, 3), (0.5, 0.75, 2.0), (-3.0, 7.0, 1.0), tuple(float(value) for value in turn.ravel()))
    mask = np.zeros(grid.shape, np.uint8)
    mask[1, 1:4, 2:4] = 1
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(grid.image(mask))
    left, posterior, superior = shape.GetCentroid(1)
    centre, _ = lesion_at(np.flatnonzero(mask), grid)
    assert centre == pytest.approx((-left, -posterior, superior), abs=1e-3)


@given(hnp.arrays(np.uint8, (2, 3, 4), elements=st.integers(0, 3)))
def test_parts_are_the_voxels_of_each_number(numbers: np.ndarray) -> None:
    parts = parts_of(numbers)
    assert list(parts) == sorted(set(numbers[numbers > 0].tolist()))
    for number, part in parts.items():
        assert part.dtype == np.int64 and part.tolist() == np.flatnonzero(numbers == number).tolist()


def test_where_two_lesions_meet_the_first_is_shown() -> None:
    shown = numbered([np.array([1, 2]), np.array([2, 5]), np.array([2])], (1, 2, 3))
    assert shown.dtype == np.uint16 and shown.tolist() == [[[0, 1, 1], [0, 0, 2]]]


def test_more_lesions_than_16_bits_can_number_get_more_bits() -> None:
    shown = numbered([np.array([place]) for place in range(65536)], (1, 256, 256))
    assert shown.dtype == np.uint32 and shown[0, 255, 255] == 65536


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    second = replace(LESION, number=2, score=0.5, origin="expert+suggested")
    path, volume = tmp_path / "scan1.instances.json", tmp_path / "scan1.instances.nrrd"
    write_lesions(path, [LESION, second])
    assert read_lesions(path) == (LESION, second)
    write_volume(volume, [np.array([0, 3])], TURNED)
    assert np.flatnonzero(read_array(volume)).tolist() == [0, 3]
    image = sitk.ReadImage(str(volume))
    assert Grid.from_image(image) == TURNED


def test_a_list_names_no_scan(tmp_path: Path) -> None:
    path = tmp_path / "Miller.instances.json"
    write_lesions(path, [LESION])
    assert "Miller" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("change", [{"score": 1.5}, {"number": 0}, {"origin": "me"}, {"box": [[0, 0], [1, 1]]}])
def test_a_damaged_list_is_a_sentence(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "a.instances.json"
    write_lesions(path, [LESION])
    content = json.loads(path.read_text(encoding="utf-8"))
    content["instances"][0].update(change)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Failure, match=r"a\.instances\.json is damaged"):
        read_lesions(path)


def test_a_list_of_another_format_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.instances.json"
    path.write_text('{"format": 9, "instances": []}', encoding="utf-8")
    with pytest.raises(Failure, match="of format 9; this version reads 1"):
        read_lesions(path)
