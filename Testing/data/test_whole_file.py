"""Files that were cut off or damaged are refused, also where the image reader would take them."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from data.small_scans import OBLIQUE, STRAIGHT, grey_values, write_volume
from PartialLabelSegLib.data.image_io import read_scan
from PartialLabelSegLib.data.whole_file import verify_whole
from PartialLabelSegLib.run.failure import Failure

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")


def packed(path: Path) -> Path:
    sitk.WriteImage(OBLIQUE.image(grey_values(OBLIQUE)), str(path), useCompression=True)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("compressed", [True, False])
def test_a_whole_file_is_read_as_it_was_written(tmp_path: Path, ending: str, compressed: bool) -> None:
    path = tmp_path / f"a{ending}"
    sitk.WriteImage(OBLIQUE.image(grey_values(OBLIQUE)), str(path), useCompression=compressed)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_scan(path)), grey_values(OBLIQUE))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, ending: str, share: float) -> None:
    path = packed(tmp_path / f"a{ending}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(Failure) as caught:
        read_scan(path)
    assert path.name in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@given(st.data())
def test_a_flipped_bit_in_packed_voxels_never_passes_for_the_image(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = packed(tmp_path_factory.mktemp("flip") / f"a{data.draw(st.sampled_from(ENDINGS[1:]))}")
    content = bytearray(path.read_bytes())
    # Behind every header; a flip within a header can mean another, whole image.
    start = 12 if path.suffix == ".gz" else 700
    assert len(content) > start
    content[data.draw(st.integers(start, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        found = sitk.GetArrayFromImage(read_scan(path))
    except Failure:
        return
    np.testing.assert_array_equal(found, grey_values(OBLIQUE))


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_short_nifti_file_is_found_in_both_versions_and_byte_orders(tmp_path: Path, kind: type, order: str) -> None:
    image = kind(np.ones((6, 5, 4), np.float64), np.eye(4))
    head = image.header.as_byteswapped(order)
    nibabel.save(kind(image.dataobj, image.affine, head), tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    verify_whole(tmp_path / "a.nii")
    (tmp_path / "a.nii").write_bytes(content[:-1])
    with pytest.raises(Failure, match=r"a\.nii is damaged or was cut off\."):
        verify_whole(tmp_path / "a.nii")
    # Unpacked it is short, although the packing itself is whole.
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content[:-1]))
    with pytest.raises(Failure, match="cut off"):
        verify_whole(tmp_path / "a.nii.gz")


def test_two_packed_parts_in_a_row_are_one_file(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "a.nii", STRAIGHT)
    content = path.read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]))
    verify_whole(tmp_path / "a.nii.gz")


def test_voxels_in_one_file_beside_the_header_are_read_and_checked(tmp_path: Path) -> None:
    for ending, raw in ((".mhd", "a.zraw"), (".nhdr", "a.raw.gz")):
        path = packed(tmp_path / f"a{ending}")
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_scan(path)), grey_values(OBLIQUE))
        content = (tmp_path / raw).read_bytes()
        (tmp_path / raw).write_bytes(content[: len(content) // 2])
        with pytest.raises(Failure):
            read_scan(path)


@pytest.mark.parametrize("place", ["../secret.raw", "/etc/hostname", "sub/a.raw", "..", "LIST", "a%03d.raw 1 4 1"])
@pytest.mark.parametrize("ending", [".mhd", ".nhdr", ".nrrd", ".mha"])
def test_a_header_cannot_fetch_voxels_from_elsewhere(tmp_path: Path, ending: str, place: str) -> None:
    metaimage = f"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = {place}\n"
    nrrd = f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {place}\n\n"
    (tmp_path / f"a{ending}").write_text(nrrd if ending in (".nhdr", ".nrrd") else metaimage, encoding="utf-8")
    with pytest.raises(Failure, match="elsewhere"):
        read_scan(tmp_path / f"a{ending}")


def test_a_link_beside_the_header_is_not_followed(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "in" / "a.mhd", STRAIGHT)
    (path.parent / "a.raw").rename(tmp_path / "a.raw")
    (path.parent / "a.raw").symlink_to(tmp_path / "a.raw")
    with pytest.raises(Failure, match="elsewhere"):
        read_scan(path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"gone\.nii\.gz is missing\."):
        verify_whole(tmp_path / "gone.nii.gz")
