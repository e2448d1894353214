"""A scoring table is the same rows of text from CSV, JSON and XLSX, each with the words for its place."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import openpyxl
import pytest

from PartialLabelSegLib.data.raters.score_rows import READ, read_rows
from PartialLabelSegLib.run.failure import Failure


def cells(path: Path) -> list[dict[str, str]]:
    return [{name: cell for name, cell in row.cells.items() if cell} for row in read_rows(path)]


TICKED = {"scan": "k1", "rater": "anna", "slice": "3", "row": "0", "column": "2", "tick": "1"}
READ_ROW = {"scan": "k1", "rater": "ben", "slice": "4-6", "tick": READ}


def write_xlsx(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_csv_table_says_where_each_row_stands(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("Rater;Case;Slice;Row;Col;Tick;remark\nanna;k1;3;0;2;1;hm\n\nben;k1;4-6;;;;\n", encoding="utf-8")
    assert cells(path) == [TICKED, {"scan": "k1", "rater": "ben", "slice": "4-6"}]
    assert [row.place for row in read_rows(path)] == ["line 2 of scores.csv", "line 4 of scores.csv"]


def test_without_a_column_of_ticks_each_row_with_a_cell_is_one(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("scan,rater,slice,row,column\nk1,anna,3,0,2\nk1,ben,4-6,,\n", encoding="utf-8")
    first, second = cells(path)
    assert first == TICKED
    assert "tick" not in second


def test_a_json_table_has_ticks_and_slices_that_were_read(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    tick = {"scan": "k1", "rater": "anna", "slice": 3, "row": 0, "column": 2}
    content = {"ticks": [tick, {**tick, "grade": 0.5}], "read": [{"scan": "k1", "rater": "ben", "slices": [4, 5]}]}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert cells(path) == [TICKED, {**TICKED, "tick": "0.5"}, {**READ_ROW, "slice": "4, 5"}]
    assert read_rows(path)[2].place == 'entry 1 of "read" in scores.json'
    path.write_text(json.dumps([{**tick, "tick": False}]), encoding="utf-8")
    assert cells(path) == [{**TICKED, "tick": "0"}]


def test_a_spreadsheet_has_a_sheet_of_ticks_and_may_have_one_of_slices_that_were_read(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "scores.xlsx",
        {
            "KIMRISS": [
                ["scan", "rater", "slice", "row", "column", "grade"],
                ["k1", "anna", 3, 0, 2, 1],
                [None],
                ["k1", "anna", 3.0, 1, 2, 0.5],
            ],
            "Read": [["scan", "rater", "slices"], ["k1", "ben", "4-6"]],
        },
    )
    assert cells(path) == [TICKED, {**TICKED, "row": "1", "tick": "0.5"}, READ_ROW]
    assert [row.place for row in read_rows(path)] == [
        "row 2 of sheet 'KIMRISS' in scores.xlsx",
        "row 4 of sheet 'KIMRISS' in scores.xlsx",
        "row 2 of sheet 'Read' in scores.xlsx",
    ]


def test_a_spreadsheet_without_openpyxl_is_a_sentence_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_xlsx(tmp_path / "scores.xlsx", {"a": [["scan"]]})

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(Failure, match="needs the Python package openpyxl") as caught:
        read_rows(path)
    assert "Save the table as CSV, or install it: pip install openpyxl" in caught.value.way_out


def test_a_damaged_spreadsheet_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "scores.xlsx").write_bytes(b"no archive")
    with pytest.raises(Failure, match="not a readable spreadsheet"):
        read_rows(tmp_path / "scores.xlsx")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("scores.txt", "", "no scoring table"),
        ("scores.csv", "", "is empty"),
        ("scores.csv", "scan,rater,slice,row\n", "no column 'column'"),
        ("scores.csv", "scan,case,rater,slice,row,column\n", "two columns for 'scan'"),
        ("scores.json", "{}", 'no list of "ticks"'),
        ("scores.json", "[3]", 'entry 1 of "ticks" in scores.json is not an object'),
        ("scores.json", "{", "cannot be read"),
    ],
)
def test_a_table_that_is_none_is_a_sentence(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(Failure, match=message):
        read_rows(tmp_path / name)


def test_a_table_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="There is no scoring table"):
        read_rows(tmp_path / "scores.csv")


def test_a_spreadsheet_without_a_sheet_of_ticks_is_a_sentence(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "scores.xlsx", {"read": [["scan", "rater", "slice"]]})
    with pytest.raises(Failure, match="no sheet of ticks"):
        read_rows(path)
