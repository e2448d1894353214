"""Volumes written and read piece by piece: the same files as SimpleITK's, and nothing that was cut off passes."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.small_scans import OBLIQUE, grey_values
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_image
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.stream import look_into, read_into, write_volume
from PartialLabelSegLib.run.failure import Failure

LARGE = Grid((160, 150, 40), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), OBLIQUE.direction)


def values(grid: Grid, kind: type) -> np.ndarray:
    return (grey_values(grid).astype(np.int64) % 250).astype(kind)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.float32])
def test_simpleitk_reads_what_is_written_here(tmp_path: Path, kind: type) -> None:
    array: np.ndarray = values(OBLIQUE, kind)
    finish_now(write_volume(tmp_path / "a.nrrd", array, OBLIQUE))
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    assert Grid.from_image(image).same_as(OBLIQUE)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array)
    assert sitk.GetArrayFromImage(image).dtype == kind


@pytest.mark.parametrize(("kind", "stored"), [(bool, np.uint8), (np.float64, np.float32), (np.int64, np.float32)])
def test_kinds_that_readers_differ_on_are_written_as_plain_ones(tmp_path: Path, kind: type, stored: type) -> None:
    array: np.ndarray = (values(OBLIQUE, np.int16) % 2).astype(kind)
    finish_now(write_volume(tmp_path / "a.nrrd", array, OBLIQUE))
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "a.nrrd")))
    assert found.dtype == stored
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.float32])
def test_what_the_worker_writes_is_read_here_in_steps(tmp_path: Path, kind: type) -> None:
    array = values(LARGE, kind)
    write_image(tmp_path / "a.nrrd", LARGE.image(array))
    target = np.zeros_like(array)
    shares = list(read_into(target, tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(target, array)
    assert finish_now(read_into(target, tmp_path / "a.nrrd")) == zlib.crc32(array.data)
    assert shares == sorted(shares) and shares[-1] == 1.0
    if array.nbytes > 1 << 20:
        assert len(shares) > 2


def test_a_file_of_another_make_is_read_too(tmp_path: Path) -> None:
    array = values(OBLIQUE, np.int16)
    sitk.WriteImage(OBLIQUE.image(array), str(tmp_path / "plain.nrrd"), useCompression=False)
    big = (tmp_path / "plain.nrrd").read_bytes().replace(b"endian: little", b"endian: big")
    head, _, body = big.partition(b"\n\n")
    (tmp_path / "big.nrrd").write_bytes(head + b"\n\n" + np.frombuffer(body, "<i2").astype(">i2").tobytes())
    for name in ("plain", "big"):
        target = np.zeros_like(array)
        finish_now(read_into(target, tmp_path / f"{name}.nrrd"))
        np.testing.assert_array_equal(target, array)
    stored = look_into(tmp_path / "plain.nrrd")
    assert stored is not None and stored.plain and stored.shape == OBLIQUE.shape
    assert look_into(tmp_path / "big.nrrd") is None


@pytest.mark.parametrize("cut", [10, 400, -200, -9, -1])
def test_a_file_that_was_cut_off_is_a_sentence(tmp_path: Path, cut: int) -> None:
    array = values(LARGE, np.uint16)
    write_image(tmp_path / "rank.nrrd", LARGE.image(array))
    whole = (tmp_path / "rank.nrrd").read_bytes()
    (tmp_path / "rank.nrrd").write_bytes(whole[:cut])
    with pytest.raises(Failure, match="rank.nrrd"):
        finish_now(read_into(np.zeros_like(array), tmp_path / "rank.nrrd"))


def test_a_damaged_or_longer_file_is_a_sentence(tmp_path: Path) -> None:
    array = values(LARGE, np.uint16)
    write_image(tmp_path / "rank.nrrd", LARGE.image(array))
    whole = bytearray((tmp_path / "rank.nrrd").read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    (tmp_path / "damaged.nrrd").write_bytes(whole)
    with pytest.raises(Failure, match="damaged"):
        finish_now(read_into(np.zeros_like(array), tmp_path / "damaged.nrrd"))
    sitk.WriteImage(LARGE.image(array), str(tmp_path / "long.nrrd"), useCompression=False)
    with open(tmp_path / "long.nrrd", "ab") as file:
        file.write(b"more")
    with pytest.raises(Failure, match="long.nrrd"):
        finish_now(read_into(np.zeros_like(array), tmp_path / "long.nrrd"))


@pytest.mark.parametrize("target", [np.zeros((4, 5, 7), np.int16), np.zeros(OBLIQUE.shape, np.uint16)])
def test_another_shape_or_kind_is_a_sentence(tmp_path: Path, target: np.ndarray) -> None:
    write_image(tmp_path / "a.nrrd", OBLIQUE.image(values(OBLIQUE, np.int16)))
    with pytest.raises(Failure, match="damaged"):
        finish_now(read_into(target, tmp_path / "a.nrrd"))


def test_an_absent_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="a.nrrd is missing"):
        look_into(tmp_path / "a.nrrd")


def test_a_writing_that_is_given_up_leaves_nothing_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.nrrd"
    path.write_bytes(b"before")
    steps = write_volume(path, values(LARGE, np.uint16), LARGE)
    next(steps)
    steps.close()
    assert path.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.nrrd"]


def test_it_writes_in_short_steps(tmp_path: Path) -> None:
    shares = list(write_volume(tmp_path / "a.nrrd", values(LARGE, np.uint16), LARGE))
    assert len(shares) > 4 and shares == sorted(shares) and shares[-1] == 1.0
