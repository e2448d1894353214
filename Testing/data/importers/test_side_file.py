"""`structures.json`: values, colours, terminology and overlaps of a manifest's structures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from PartialLabelSegLib.data.importers.side_file import duplicate_keys, read_meaning
from PartialLabelSegLib.data.types import PALETTE
from PartialLabelSegLib.run.failure import Failure

COLUMNS = ("Liver", "Tumour", "Spleen")


def write(folder: Path, value: object) -> Path:
    (folder / "structures.json").write_text(json.dumps(value), encoding="utf-8-sig")
    return folder


def test_without_a_side_file_the_columns_are_the_values_in_order(tmp_path: Path) -> None:
    meaning = read_meaning(tmp_path, COLUMNS)
    assert meaning.values == {"Liver": 1, "Tumour": 2, "Spleen": 3}
    assert meaning.overlapping is None
    assert [structure.color for structure in meaning.structures] == list(PALETTE[:3])


def test_a_side_file_names_values_colours_and_terminology(tmp_path: Path) -> None:
    spleen = {"value": 9, "color": [255, 0, 51], "terminology": "SCT^1^Spleen"}
    meaning = read_meaning(
        write(tmp_path, {"Liver": 4, "Spleen": spleen, "Tumour": {"value": 2, "color": [0.5, 0, 1]}}), COLUMNS
    )
    assert meaning.values == {"Liver": 4, "Tumour": 2, "Spleen": 9}
    assert [structure.name for structure in meaning.structures] == list(COLUMNS)
    assert meaning.structures[1].color == (0.5, 0.0, 1.0)
    assert meaning.structures[2].color == pytest.approx((1.0, 0.0, 0.2))
    assert meaning.structures[2].terminology == "SCT^1^Spleen"


def test_a_side_file_without_values_leaves_the_columns_in_order(tmp_path: Path) -> None:
    meaning = read_meaning(
        write(tmp_path, {"Liver": {"color": [1, 0, 0]}, "overlapping": [["Liver", "Tumour"]]}), COLUMNS
    )
    assert meaning.values == {"Liver": 1, "Tumour": 2, "Spleen": 3}
    assert meaning.overlapping == frozenset({frozenset(("Liver", "Tumour"))})


def test_no_overlap_may_be_declared_too(tmp_path: Path) -> None:
    assert read_meaning(write(tmp_path, {"overlapping": []}), COLUMNS).overlapping == frozenset()


def test_a_structure_without_a_column_is_a_warning(tmp_path: Path) -> None:
    (problem,) = read_meaning(write(tmp_path, {"Liver": 1, "Heart": 2}), COLUMNS).problems
    assert (problem.structure, problem.severity) == ("Heart", "warning")


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ([], "not an object"),
        ({"Liver": 1, "Spleen": 1}, "one value to two"),
        ({"Liver": 0}, "from 1"),
        ({"Liver": True}, "from 1"),
        ({"Liver": "1"}, "from 1"),
        ({"Liver": {"value": 1.5}}, "from 1"),
        ({"Liver": {"color": [1, 2]}}, "colour"),
        ({"Liver": {"color": [1, 2, 300]}}, "colour"),
        ({"Liver": {"color": ["a", "b", "c"]}}, "colour"),
        ({"Liver": {"terminology": 3}}, "terminology"),
        ({"overlapping": [["Liver"]]}, "pairs"),
        ({"overlapping": [["Liver", "Liver"]]}, "pairs"),
        ({"overlapping": [["Liver", "Heart"]]}, "pairs"),
        ({"overlapping": [["Liver", 3]]}, "pairs"),
    ],
)
def test_a_side_file_that_is_wrong_is_a_sentence(tmp_path: Path, value: object, match: str) -> None:
    with pytest.raises(Failure, match=match):
        read_meaning(write(tmp_path, value), COLUMNS)


def test_a_name_that_occurs_twice_is_found(tmp_path: Path) -> None:
    (tmp_path / "structures.json").write_text('{"Liver": 1, "Liver": 2}', encoding="utf-8")
    assert duplicate_keys(tmp_path / "structures.json") == ["Liver"]
    with pytest.raises(Failure, match="Structure 'Liver': structures.json names it twice"):
        read_meaning(tmp_path, COLUMNS)


def test_a_truncated_side_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "structures.json").write_text('{"Liver": 1', encoding="utf-8")
    with pytest.raises(Failure, match="structures.json"):
        read_meaning(tmp_path, COLUMNS)
