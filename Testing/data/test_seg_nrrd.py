"""Segmentation files: read as written, whatever the masks; Slicer's older forms understood; damage and foreign files refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data.small_scans import IDENTITY, OBLIQUE, STRAIGHT, blocks, write_segments
from PartialLabelSegLib.data.seg_nrrd import (
    Segment,
    bounding_box,
    read_heads,
    read_layers,
    read_seg_nrrd,
    write_seg_nrrd,
)
from PartialLabelSegLib.data.types import clean_name
from PartialLabelSegLib.run.failure import Failure

TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="|"), max_size=12)
KEYS = st.text("abcXYZ.-", min_size=1, max_size=8)
UNIT = st.floats(0, 1)


@st.composite
def segments(draw: st.DrawFn) -> list[Segment]:
    masks = draw(st.lists(hnp.arrays(bool, OBLIQUE.shape), min_size=1, max_size=4))
    return [
        Segment(
            f"S{number}",
            draw(TEXT),
            draw(st.tuples(UNIT, UNIT, UNIT)),
            draw(TEXT),
            mask,
            draw(st.dictionaries(KEYS, TEXT, max_size=2)),
        )
        for number, mask in enumerate(masks)
    ]


@given(segments())
def test_segments_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, written: list[Segment]
) -> None:
    path = tmp_path_factory.mktemp("seg") / "a.seg.nrrd"
    write_seg_nrrd(path, written, OBLIQUE)
    found = read_seg_nrrd(path)
    assert found.grid.same_as(OBLIQUE)
    for new, old in zip(found.segments, written, strict=True):
        assert (new.id, new.name) == (old.id, clean_name(old.name) or old.id)
        assert (new.color, new.terminology, dict(new.tags)) == (old.color, old.terminology, dict(old.tags))
        np.testing.assert_array_equal(new.mask, old.mask)


def test_the_same_segments_make_the_same_bytes(tmp_path: Path) -> None:
    masks = blocks(OBLIQUE, Liver=(0, 0, 0), Tumour=(1, 1, 1))
    first = write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, masks).read_bytes()
    assert write_segments(tmp_path / "b.seg.nrrd", OBLIQUE, masks).read_bytes() == first


def test_segments_share_a_layer_unless_they_share_voxels(tmp_path: Path) -> None:
    masks = blocks(OBLIQUE, Liver=(0, 0, 0), Tumour=(1, 1, 1), Spleen=(0, 0, 3))
    heads = read_heads(write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, masks))
    assert [(head.name, head.layer, head.value) for head in heads] == [
        ("Liver", 0, 1),
        ("Tumour", 1, 1),
        ("Spleen", 0, 2),
    ]


def test_more_segments_than_a_layer_has_values_use_another_layer(tmp_path: Path) -> None:
    masks = {f"organ {number}": np.zeros(STRAIGHT.shape, bool) for number in range(300)}
    for number, mask in enumerate(masks.values()):
        mask.flat[number % 120] = number < 120
    stored = read_layers(write_segments(tmp_path / "a.seg.nrrd", STRAIGHT, masks))
    assert len(stored.arrays) == 2
    for head in stored.heads:
        np.testing.assert_array_equal(stored.arrays[head.layer] == head.value, masks[head.name])


@given(hnp.arrays(bool, (3, 4, 5)))
def test_the_bounding_box_holds_every_voxel_and_touches_one_on_each_side(mask: np.ndarray) -> None:
    box = bounding_box(mask)
    assert mask[box].sum() == mask.sum()
    if mask.any():
        for axis in range(3):
            inner = np.moveaxis(mask[box], axis, 0)
            assert inner[0].any()
            assert inner[-1].any()


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    bad = Segment("S0", "Liver", (0.0, 0.0, 0.0), "", np.zeros((1, 1, 1), bool))
    with pytest.raises(ValueError, match="mask"):
        write_seg_nrrd(tmp_path / "a.seg.nrrd", [bad], OBLIQUE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"id": ""}, "ids"),
        ({"name": "a\nb"}, "control"),
        ({"terminology": "a|b"}, r"\|"),
        ({"tags": {"a:b": "c"}}, ":"),
        ({"tags": {"a": "b|c"}}, r"\|"),
        ({"mask": np.zeros(OBLIQUE.shape, np.uint8)}, "bool"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path: Path, changed: dict, match: str) -> None:
    whole = {"id": "S", "name": "a", "color": (0.0, 0.0, 0.0), "terminology": "", "mask": np.zeros(OBLIQUE.shape, bool)}
    with pytest.raises(ValueError, match=match):
        write_seg_nrrd(tmp_path / "a.seg.nrrd", [Segment(**{**whole, **changed})], OBLIQUE)


def test_two_segments_need_two_ids(tmp_path: Path) -> None:
    segment = Segment("S", "a", (0.0, 0.0, 0.0), "", np.zeros(OBLIQUE.shape, bool))
    for wrong in ([segment, segment], []):
        with pytest.raises(ValueError, match="ids"):
            write_seg_nrrd(tmp_path / "a.seg.nrrd", wrong, OBLIQUE)


def by_hand(
    path: Path, entries: list[str], array: np.ndarray, space: str = "left-posterior-superior", kind: str = "uint8"
) -> Path:
    """A NRRD file with the given entries; `array` is (z, y, x) or, with layers, (z, y, x, layer)."""
    sizes = " ".join(str(size) for size in reversed(array.shape))
    none, kinds = ("none ", "list ") if array.ndim == 4 else ("", "")
    header = [
        "NRRD0004",
        f"type: {kind}",
        f"dimension: {array.ndim}",
        f"space: {space}",
        f"sizes: {sizes}",
        f"space directions: {none}(1,0,0) (0,2,0) (0,0,3)",
        f"kinds: {kinds}domain domain domain",
        "endian: little",
        "encoding: gzip",
        "space origin: (5,6,7)",
        *entries,
    ]
    path.write_bytes(("\n".join(header) + "\n\n").encode() + gzip.compress(array.astype(kind).tobytes()))
    return path


def test_a_file_of_slicer_4_10_has_a_layer_for_each_segment(tmp_path: Path) -> None:
    array = np.zeros((2, 3, 4, 2), np.uint8)
    array[0, 0, 0, 0] = array[0, 0, :2, 1] = 1
    entries = [
        "Segment0_ID:=a",
        "Segment0_Name:=Liver",
        "Segment0_Color:=1 0 0",
        "Segment1_ID:=b",
        "Segment1_Name:=Tumour",
    ]
    found = read_seg_nrrd(by_hand(tmp_path / "a.seg.nrrd", entries, array))
    assert [segment.name for segment in found.segments] == ["Liver", "Tumour"]
    assert [int(segment.mask.sum()) for segment in found.segments] == [1, 2]
    assert found.segments[0].color == (1.0, 0.0, 0.0)


def test_right_anterior_superior_headers_lie_where_they_say(tmp_path: Path) -> None:
    array = np.zeros((2, 3, 4), np.uint8)
    array[1, 2, 3] = 1
    entries = ["Segment0_ID:=a", "Segment0_Name:=Liver", "Segment0_LabelValue:=1", "Segment0_Layer:=0"]
    found = read_seg_nrrd(by_hand(tmp_path / "a.seg.nrrd", entries, array, "right-anterior-superior"))
    image = found.grid.image(found.segments[0].mask)
    z, y, x = (int(index[0]) for index in np.nonzero(found.segments[0].mask))
    # (5, 6, 7) + (3, 2 * 2, 1 * 3) in RAS, the first two with the other sign in LPS.
    assert image.TransformIndexToPhysicalPoint((x, y, z)) == (-8.0, -10.0, 10.0)


def test_a_segment_without_a_name_goes_by_its_id(tmp_path: Path) -> None:
    array = np.zeros((2, 3, 4), np.uint8)
    entries = ["Segment0_ID:=one", "Segment0_Name:=", "Segment0_Color:=red", "Segment1_Name:= Spleen "]
    heads = read_heads(by_hand(tmp_path / "a.seg.nrrd", entries, array))
    assert [head.name for head in heads] == ["one", "Spleen"]
    assert all(0 <= part <= 1 for head in heads for part in head.color)


@pytest.mark.parametrize(
    ("entries", "kind", "match"),
    [
        ([], "uint8", "names no segments"),
        (["Segment0_ID:=a", "Segment0_Layer:=7"], "uint8", "wrongly"),
        (["Segment0_ID:=a", "Segment0_Layer:=-1"], "uint8", "wrongly"),
        (["Segment0_ID:=a", "Segment0_LabelValue:=one"], "uint8", "wrongly"),
        (["Segment0_ID:=a", "Segmentation_MasterRepresentation:=Fractional labelmap"], "uint8", "fractional"),
        (["Segment0_ID:=a"], "float", "fractions"),
    ],
)
def test_a_foreign_file_is_a_sentence(tmp_path: Path, entries: list[str], kind: str, match: str) -> None:
    path = by_hand(
        tmp_path / "a.seg.nrrd", entries, np.zeros((2, 3, 4), np.float32 if kind == "float" else np.uint8), kind=kind
    )
    with pytest.raises(Failure, match=match):
        read_seg_nrrd(path)


@pytest.mark.parametrize("share", [0, 0.2, 0.6, 0.99])
def test_a_file_that_was_cut_off_is_a_sentence(tmp_path: Path, share: float) -> None:
    path = write_segments(tmp_path / "a.seg.nrrd", OBLIQUE, blocks(OBLIQUE, Liver=(0, 0, 0)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    for read in (read_seg_nrrd, read_heads):
        with pytest.raises(Failure, match=r"a\.seg\.nrrd"):
            read(path)


def test_a_file_that_is_absent_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="missing"):
        read_seg_nrrd(tmp_path / "a.seg.nrrd")


def test_a_sheared_grid_is_a_sentence(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "a.seg.nrrd", ["Segment0_ID:=a"], np.zeros((2, 3, 4), np.uint8))
    path.write_bytes(path.read_bytes().replace(b"(0,2,0)", b"(1,2,0)"))
    with pytest.raises(Failure, match="where its voxels lie"):
        read_seg_nrrd(path)


def test_other_readers_see_the_layers_as_components(tmp_path: Path) -> None:
    masks = blocks(STRAIGHT, Liver=(0, 0, 0), Tumour=(1, 1, 1))
    image = sitk.ReadImage(str(write_segments(tmp_path / "a.seg.nrrd", STRAIGHT, masks)))
    assert image.GetDirection() == IDENTITY
    for layer, mask in enumerate(masks.values()):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image)[..., layer], mask)
