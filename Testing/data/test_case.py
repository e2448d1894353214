"""A case in its folder: whole or not there, without a patient's name, and never another scan than the imported one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from data.small_scans import OBLIQUE, STRAIGHT, grey_values
from PartialLabelSegLib.data.case import CaseSource, plain_scalar, read_case, safe_name, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Spleen")


def a_source(array: np.ndarray | None = None) -> CaseSource:
    image = OBLIQUE.image(grey_values(OBLIQUE) if array is None else array)
    image.SetMetaData("0010|0010", "Doe^Jane")

    def labels(grid: Grid) -> Labels:
        label_map = np.zeros(grid.shape, np.uint8)
        label_map[1, 2, 3] = 2
        return Labels.expert(NAMES, label_map, (False, True))

    return CaseSource("CT 1", lambda: image, labels, split="test")


def test_a_case_is_read_as_it_was_imported(tmp_path: Path) -> None:
    written = write_case(tmp_path / "ct", a_source(), "CT 1")
    found = read_case(tmp_path / "ct")
    assert (found.folder, found.grid, found.crc32) == (written.folder, written.grid, written.crc32)
    assert (found.name, found.split) == ("CT 1", "test")
    assert found.grid.same_as(OBLIQUE)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found.image()), grey_values(OBLIQUE))
    assert found.labels().positive("Spleen").sum() == 1


def test_a_patients_name_does_not_come_along(tmp_path: Path) -> None:
    write_case(tmp_path, a_source(), "CT 1")
    assert all(b"Doe" not in path.read_bytes() for path in tmp_path.iterdir())
    assert "0010|0010" not in read_case(tmp_path).image().GetMetaDataKeys()


def test_labels_that_fail_leave_no_case(tmp_path: Path) -> None:
    def broken(grid: Grid) -> Labels:
        raise Failure("its labels are unreadable.", case="CT 1")

    source = a_source()
    with pytest.raises(Failure, match="unreadable"):
        write_case(tmp_path / "ct", CaseSource("CT 1", source.read_image, broken), "CT 1")
    assert not (tmp_path / "ct" / "case.json").exists()


@pytest.mark.parametrize(
    "image",
    [
        STRAIGHT.image(grey_values(STRAIGHT)),
        OBLIQUE.image(grey_values(OBLIQUE, seed=1)),
        OBLIQUE.image(np.stack([grey_values(OBLIQUE)] * 2, axis=-1)),
        sitk.GetImageFromArray(np.zeros((5, 6), np.int16)),
    ],
    ids=["another grid", "other grey values", "two values a voxel", "flat"],
)
def test_another_image_in_its_place_is_refused(tmp_path: Path, image: sitk.Image) -> None:
    write_case(tmp_path, a_source(), "CT 1")
    sitk.WriteImage(image, str(tmp_path / "image.nrrd"))
    with pytest.raises(Failure, match="Case 'CT 1': its image is not the one"):
        read_case(tmp_path).image()


@pytest.mark.parametrize("content", ["[]", "{}", '{"name": "a", "split": "", "grid": {}}', "null", "{"])
def test_a_damaged_description_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "case.json").write_text(content, encoding="utf-8")
    with pytest.raises(Failure):
        read_case(tmp_path)


def test_a_description_without_the_images_sum_is_refused(tmp_path: Path) -> None:
    write_case(tmp_path, a_source(), "CT 1")
    head = json.loads((tmp_path / "case.json").read_text(encoding="utf-8"))
    del head["crc32"]
    (tmp_path / "case.json").write_text(json.dumps(head), encoding="utf-8")
    with pytest.raises(Failure, match="damaged"):
        read_case(tmp_path)


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.full(OBLIQUE.shape, 255, np.uint8), np.int16),
        (np.full(OBLIQUE.shape, 32767, np.uint16), np.int16),
        (np.full(OBLIQUE.shape, 32768, np.uint16), np.float32),
        (np.full(OBLIQUE.shape, -40000, np.int32), np.float32),
        (np.full(OBLIQUE.shape, 0.25, np.float64), np.float32),
    ],
)
def test_grey_values_are_kept_in_the_smaller_kind_that_holds_them(array: np.ndarray, kind: type) -> None:
    found = sitk.GetArrayFromImage(plain_scalar(OBLIQUE.image(array)))
    assert found.dtype == kind
    np.testing.assert_array_equal(found, array)


@given(st.text())
def test_a_safe_name_is_one_visible_folder(text: str) -> None:
    name = safe_name(text)
    assert name
    assert Path(name).name == name
    assert not name.startswith(".")
    assert not name.endswith(".")
    assert len(name) <= 80
    assert safe_name(name) == name


def test_a_split_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="split"):
        CaseSource(
            "a",
            sitk.Image,
            lambda grid: Labels.expert(NAMES, np.zeros(grid.shape, np.uint8), (True, True)),
            split="val",
        )


def test_a_source_that_only_reads_labels_still_tells_its_problems() -> None:
    def broken(grid: Grid) -> Labels:
        raise Failure("its labels are unreadable.", structure="Liver")

    labels, problems = CaseSource("CT 1", sitk.Image, broken).labels_and_problems(OBLIQUE)
    assert labels is None
    assert [problem.sentence() for problem in problems] == [
        "Case 'CT 1', structure 'Liver': its labels are unreadable."
    ]
