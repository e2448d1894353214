"""Labels in a folder: read as written, and refused in a sentence after any damage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.small_scans import OBLIQUE, STRAIGHT
from PartialLabelSegLib.data.label_files import read_labels, write_labels
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Tumour", "Spleen")


def rich_labels() -> Labels:
    """Labels that use everything the type can say."""
    generator = np.random.default_rng(3)
    label_map = generator.integers(0, 4, OBLIQUE.shape).astype(np.uint8)
    origin = np.where(label_map > 0, generator.integers(1, 5, OBLIQUE.shape), 0).astype(np.uint8)
    marks = Marks.of(generator.random(OBLIQUE.shape) > 0.8)
    soft = {"Tumour": generator.random(OBLIQUE.shape).astype(np.float32)}
    soft["Tumour"][1] = np.nan  # nobody read this slice
    pairs = frozenset({frozenset(("Liver", "Tumour"))})
    return Labels(
        NAMES,
        label_map,
        (True, True, False),
        origin,
        {"Spleen": Slices(1, (0, 3))},
        {"Liver": marks},
        {"Spleen": marks},
        soft,
        pairs,
        frozenset({"Spleen", "Liver"}),
    )


def assert_equal(found: Labels, expected: Labels) -> None:
    np.testing.assert_array_equal(found.label_map, expected.label_map)
    np.testing.assert_array_equal(found.origin, expected.origin)
    assert (found.structures, found.known, found.overlapping) == (
        expected.structures,
        expected.known,
        expected.overlapping,
    )
    assert dict(found.slices) == dict(expected.slices)
    assert found.imperfect == expected.imperfect
    for group, wanted in ((found.overlaps, expected.overlaps), (found.negatives, expected.negatives)):
        assert set(group) == set(wanted)
        for name, marks in wanted.items():
            np.testing.assert_array_equal(group[name].indices, marks.indices)
            np.testing.assert_array_equal(group[name].origin, marks.origin)
    assert set(found.soft) == set(expected.soft)
    for name, plane in expected.soft.items():
        np.testing.assert_array_equal(found.soft[name], plane)


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_labels(tmp_path / "case", rich_labels(), OBLIQUE)
    found, grid = read_labels(tmp_path / "case")
    assert_equal(found, rich_labels())
    assert grid == OBLIQUE


def test_plain_labels_leave_no_marks_behind(tmp_path: Path) -> None:
    write_labels(tmp_path, Labels.expert(("Liver",), np.zeros(STRAIGHT.shape, np.uint8), (False,)), STRAIGHT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.json", "labels.nrrd", "origin.nrrd"]
    assert read_labels(tmp_path)[0].known == (False,)


def test_without_the_description_there_are_no_labels(tmp_path: Path) -> None:
    write_labels(tmp_path, rich_labels(), OBLIQUE)
    (tmp_path / "labels.json").unlink()
    with pytest.raises(Failure, match="missing"):
        read_labels(tmp_path)


@pytest.mark.parametrize("name", ["labels.nrrd", "origin.nrrd", "marks.npz", "soft-2.nrrd", "labels.json"])
@pytest.mark.parametrize("damage", ["gone", "empty", "halved", "text", "another"])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, name: str, damage: str) -> None:
    write_labels(tmp_path, rich_labels(), OBLIQUE)
    path = tmp_path / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "another":
        other = tmp_path / "other"
        rich = rich_labels()
        marks = {"Liver": Marks.of(rich.origin > 3)}
        soft = {"Tumour": rich.soft["Tumour"] / 2}
        write_labels(
            other, Labels(NAMES, rich.origin // 2, (False,) * 3, rich.origin // 3, {}, marks, {}, soft), OBLIQUE
        )
        path.write_bytes((other / name).read_bytes())
        if name == "labels.json":
            # A whole description of other labels: their sums are not those of the files here.
            assert read_labels(other)[0].known == (False,) * 3
    else:
        path.write_bytes({"empty": b"", "halved": content[: len(content) // 2], "text": b"hello"}[damage])
    with pytest.raises(Failure) as caught:
        read_labels(tmp_path, "CT 1")
    assert str(caught.value).endswith(".")


@settings(max_examples=40)
@given(st.data())
def test_no_flipped_bit_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("labels")
    write_labels(folder, rich_labels(), OBLIQUE)
    name = data.draw(st.sampled_from(["labels.nrrd", "marks.npz", "soft-2.nrrd"]))
    content = bytearray((folder / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / name).write_bytes(content)
    try:
        found, _ = read_labels(folder)
    except Failure:
        return
    assert_equal(found, rich_labels())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 99),
        ("known", [True]),
        ("known", None),
        ("structures", ["Liver", "Liver", "Spleen"]),
        ("slices", {"Spleen": {"axis": 7, "indices": [0]}}),
        ("slices", {"Spleen": {"axis": 0, "indices": [99]}}),
        ("slices", []),
        ("grid", {"size": [1, 1, 1]}),
        ("crc32", {}),
        ("crc32", []),
        ("overlapping", 3),
        ("soft", ["Heart"]),
    ],
)
def test_a_foreign_description_is_a_sentence(tmp_path: Path, key: str, value: object) -> None:
    write_labels(tmp_path, rich_labels(), OBLIQUE)
    head = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))
    (tmp_path / "labels.json").write_text(json.dumps({**head, key: value}), encoding="utf-8")
    with pytest.raises(Failure):
        read_labels(tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{}"])
def test_a_description_that_is_no_object_is_a_sentence(tmp_path: Path, content: str) -> None:
    write_labels(tmp_path, rich_labels(), OBLIQUE)
    (tmp_path / "labels.json").write_text(content, encoding="utf-8")
    with pytest.raises(Failure):
        read_labels(tmp_path)


def test_the_file_lists_quick_labels_and_one_that_lists_none_has_none(tmp_path: Path) -> None:
    write_labels(tmp_path / "quick", rich_labels(), OBLIQUE)
    write_labels(tmp_path / "checked", replace(rich_labels(), imperfect=frozenset()), OBLIQUE)
    assert json.loads((tmp_path / "quick" / "labels.json").read_text(encoding="utf-8"))["imperfect"] == [
        "Liver",
        "Spleen",
    ]
    assert "imperfect" not in json.loads((tmp_path / "checked" / "labels.json").read_text(encoding="utf-8"))
    assert read_labels(tmp_path / "checked")[0].imperfect == frozenset()


@pytest.mark.parametrize("value", ["Liver", ["Heart"], [1], {"Liver": True}, None])
def test_quick_labels_of_structures_that_are_none_are_damage(tmp_path: Path, value: object) -> None:
    write_labels(tmp_path, rich_labels(), OBLIQUE)
    head = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))
    (tmp_path / "labels.json").write_text(json.dumps({**head, "imperfect": value}), encoding="utf-8")
    with pytest.raises(Failure, match="its labels are damaged"):
        read_labels(tmp_path)


@settings(max_examples=25)
@given(st.frozensets(st.sampled_from(NAMES)))
def test_whatever_is_quick_the_voxels_in_the_files_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, quick: frozenset[str]
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    plain, marked = folder / "a" / "case", folder / "b" / "case"
    write_labels(plain, replace(rich_labels(), imperfect=frozenset()), OBLIQUE)
    write_labels(marked, replace(rich_labels(), imperfect=quick), OBLIQUE)
    assert read_labels(marked)[0].imperfect == quick
    for name in ("labels.nrrd", "origin.nrrd", "soft-2.nrrd"):
        assert (plain / name).read_bytes() == (marked / name).read_bytes()
