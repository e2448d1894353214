"""`cases.csv` as spreadsheets write it: separators, encodings, line ends, and what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from PartialLabelSegLib.data.importers.table import read_table
from PartialLabelSegLib.run.failure import Failure

PLAIN = 'case,image,labels,Liver,Größe\nCT 1,a.nrrd,"x.nrrd",labelled,missing\nCT 2,b.nrrd,,,absent\n'


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "cases.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("cp1252"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        ("\n\n" + PLAIN.replace("\n", "\n\n,,,,\n")).encode(),
        PLAIN.replace("case,image,labels", " Case , IMAGE ,Labels").encode(),
    ],
    ids=["plain", "utf-8 mark", "1252", "utf-16", "crlf", "cr", "semicolons", "tabs", "blank lines", "capitals"],
)
def test_every_way_of_saving_it_is_the_same_table(tmp_path: Path, content: bytes) -> None:
    table = read_table(write(tmp_path, content))
    assert table.structures == ("Liver", "Größe")
    assert [row.fixed["case"] for row in table.rows] == ["CT 1", "CT 2"]
    assert table.rows[0].fixed == {
        "case": "CT 1",
        "image": "a.nrrd",
        "labels": "x.nrrd",
        "split": "",
        "slices": "",
        "soft": "",
        "made": "",
    }
    assert table.rows[1].states == {"Liver": "", "Größe": "absent"}
    assert table.problems == ()


def test_a_cell_may_hold_the_separator_in_quotes(tmp_path: Path) -> None:
    content = 'case;image;labels;slices;Liver\nCT 1;a.nrrd;"Liver=l.nrrd;Spleen=s.nrrd";"Liver: 3-4, 7";labelled\n'
    (row,) = read_table(write(tmp_path, content)).rows
    assert row.fixed["labels"] == "Liver=l.nrrd;Spleen=s.nrrd"
    assert row.fixed["slices"] == "Liver: 3-4, 7"
    assert row.line == 2


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"case,image,Liver\na,b,c\n", "no column 'labels'"),
        (b"hello\n", "no column 'case' and no column 'image' and no column 'labels'"),
        (b"case,image,labels\n", "no column for a structure"),
        (b"case,case,image,labels,Liver\n", "two columns named 'case'"),
        (b'case,image,labels,Liver\na,b,"c\n', "not a readable table"),
        (b"\x89PNG\r\n\x00\x00", "not a text file"),
        (b"\xff\xfe\x00", "not a text file"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_sentence(tmp_path: Path, content: bytes, match: str) -> None:
    with pytest.raises(Failure, match=match):
        read_table(write(tmp_path, content))


def test_two_columns_of_one_name_are_a_problem_of_that_structure(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "case,image,labels,Liver, Liver \na,b,c,labelled,missing\n"))
    (problem,) = table.problems
    assert problem.sentence().startswith("Structure 'Liver': cases.csv has two columns of this name.")
    assert table.rows[0].states == {"Liver": "labelled"}


def test_a_column_without_a_name_is_a_problem(tmp_path: Path) -> None:
    (problem,) = read_table(write(tmp_path, "case,image,labels,,Liver\na,b,c,x,labelled\n")).problems
    assert problem.message.startswith("column 4 of cases.csv has no name.")


@pytest.mark.parametrize("line", ["CT 1,a.nrrd,x.nrrd", "CT 1,a.nrrd,x.nrrd,labelled,extra"])
def test_a_line_with_too_few_or_too_many_cells_is_a_problem_of_that_case(tmp_path: Path, line: str) -> None:
    table = read_table(write(tmp_path, f"case,image,labels,Liver\n{line}\n"))
    assert table.rows == ()
    assert table.problems[0].case == "CT 1"
    assert "line 2 of cases.csv has" in table.problems[0].message
