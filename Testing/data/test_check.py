"""The check: a row per case, every problem a sentence, nothing raised, and one case in memory at a time."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.small_scans import OBLIQUE, STRAIGHT, blocks, grey_values, label_map, write_segments, write_volume
from PartialLabelSegLib.data.case import CaseSource, Cohort
from PartialLabelSegLib.data.check import CheckTable, check_cohort
from PartialLabelSegLib.data.check_text import format_check
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.types import State, structures_named

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(0, 3, 4))
HEAD = "case,image,labels,Liver,Spleen,slices"


def manifest(folder: Path, *lines: str) -> Path:
    write_volume(folder / "ct.nrrd", OBLIQUE)
    write_volume(folder / "labels.nrrd", OBLIQUE, label_map(MASKS))
    write_volume(folder / "liver.nrrd", OBLIQUE, MASKS["Liver"].astype(np.uint8))
    (folder / "cases.csv").write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return folder


def sentences(table: CheckTable) -> list[str]:
    return [f"{problem.severity}: {problem.sentence()}" for problem in table.problems]


def test_the_table_says_state_voxels_volume_and_slices(tmp_path: Path) -> None:
    lines = (
        "A,ct.nrrd,labels.nrrd,labelled,labelled,",
        'B,ct.nrrd,labels.nrrd,labelled,labelled,"Spleen: 0-1,3"',
        "C,ct.nrrd,liver.nrrd,labelled,absent,",
        "D,ct.nrrd,,,,",
    )
    table = check_cohort(read_cohort(manifest(tmp_path, *lines)))
    assert table.problems == ()
    cells = [row.cells for row in table.rows]
    assert [[cell.state for cell in row.values()] for row in cells if row is not None] == [
        [State.LABELLED, State.LABELLED],
        [State.LABELLED, State.SOME_SLICES],
        [State.LABELLED, State.ABSENT],
        [State.MISSING, State.MISSING],
    ]
    first, second = cells[0], cells[1]
    assert first is not None
    assert second is not None
    assert first["Liver"].voxels == 8
    assert first["Liver"].ml == pytest.approx(8 * 0.7 * 0.9 * 2.5 / 1000)
    assert (second["Spleen"].slices, second["Spleen"].slices_of) == (3, 4)
    assert table.rows[0].size == (6, 5, 4)
    assert table.rows[0].spacing == pytest.approx((0.7, 0.9, 2.5))
    assert [table.count("Spleen", state) for state in State] == [1, 1, 1, 1]


def test_every_problem_is_told_and_the_good_cases_stay(tmp_path: Path) -> None:
    manifest(
        tmp_path,
        "good,ct.nrrd,labels.nrrd,labelled,labelled,",
        "gone,gone.nrrd,labels.nrrd,labelled,labelled,",
        "escape,../ct.nrrd,labels.nrrd,labelled,labelled,",
        "nan,nan.nrrd,labels.nrrd,labelled,labelled,",
        "flat,flat.nrrd,one.nrrd,labelled,labelled,",
        "constant,constant.nrrd,labels.nrrd,labelled,labelled,",
        "mask,labels.nrrd,labels.nrrd,labelled,labelled,",
        "colour,colour.nrrd,labels.nrrd,labelled,labelled,",
        "empty,ct.nrrd,liver.nrrd,labelled,labelled,",
        "unknown,ct.nrrd,high.nrrd,labelled,labelled,",
        "elsewhere,ct.nrrd,far.nrrd,labelled,labelled,",
        "contradicted,ct.nrrd,labels.nrrd,absent,missing,",
        "twice,ct.nrrd,labels.nrrd,labelled,labelled,",
        "twice,ct.nrrd,labels.nrrd,labelled,labelled,",
        "text,text.nii.gz,labels.nrrd,labelled,labelled,",
    )
    strange = grey_values(OBLIQUE).astype(np.float32)
    strange[0, 0, :2] = np.nan, np.inf
    write_volume(tmp_path / "nan.nrrd", OBLIQUE, strange)
    one = Grid((6, 5, 1), OBLIQUE.spacing, OBLIQUE.origin, OBLIQUE.direction)
    write_volume(tmp_path / "flat.nrrd", one)
    write_volume(tmp_path / "one.nrrd", one, label_map(MASKS)[:1])
    write_volume(tmp_path / "constant.nrrd", OBLIQUE, np.full(OBLIQUE.shape, -1000, np.int16))
    write_volume(tmp_path / "labels.nrrd", OBLIQUE, label_map(MASKS))
    write_volume(tmp_path / "colour.nrrd", OBLIQUE, np.zeros((*OBLIQUE.shape, 3), np.uint8))
    write_volume(tmp_path / "high.nrrd", OBLIQUE, label_map(MASKS) * np.uint8(3))
    write_volume(
        tmp_path / "far.nrrd",
        Grid(OBLIQUE.size, OBLIQUE.spacing, (900.0, 0.0, 0.0), OBLIQUE.direction),
        label_map(MASKS),
    )
    (tmp_path / "text.nii.gz").write_text("hello", encoding="utf-8")
    table = check_cohort(read_cohort(tmp_path))
    found = sentences(table)
    for start in (
        "error: Case 'gone': its image 'gone.nrrd' is missing.",
        "error: Case 'escape': The path of the image '../ct.nrrd' leads out of its folder.",
        "error: Case 'nan': nan.nrrd has 2 voxels whose value is not a number (NaN or infinite).",
        "warning: Case 'flat': its scan has one slice only.",
        "error: Case 'constant': every voxel of its scan has the value -1000.",
        "error: Case 'colour': colour.nrrd holds 3 values a voxel",
        "warning: Case 'empty', structure 'Spleen': empty label",
        "error: Case 'unknown': high.nrrd holds the label values 3, 6, which no structure has.",
        "error: Case 'elsewhere': far.nrrd lies elsewhere in space than the scan.",
        "error: Case 'contradicted', structure 'Liver': it is said to be absent, but 8 voxels of it are drawn.",
        "error: Case 'contradicted', structure 'Spleen': it is said to be missing, but 8 voxels of it are drawn.",
        "error: Case 'twice': line 15 of cases.csv names a case that is there already.",
        "error: Case 'text': text.nii.gz is not a readable",
    ):
        assert sum(sentence.startswith(start) for sentence in found) == 1, start
    assert len(found) == 13
    assert [row.case for row in table.rows if row.cells is not None] == ["good", "flat", "mask", "empty"]
    assert {row.case for row in table.rows} == {
        line.split(",")[0] for line in (tmp_path / "cases.csv").read_text(encoding="utf-8").splitlines()[1:]
    }


def test_a_scan_that_is_a_mask_is_pointed_out(tmp_path: Path) -> None:
    table = check_cohort(read_cohort(manifest(tmp_path, "A,liver.nrrd,labels.nrrd,labelled,labelled,")))
    assert sentences(table) == [
        "warning: Case 'A': its scan holds only two values, like a mask. Look whether the scan and the labels were interchanged."
    ]


def test_a_structure_that_is_labelled_nowhere_is_pointed_out(tmp_path: Path) -> None:
    table = check_cohort(read_cohort(manifest(tmp_path, "A,ct.nrrd,liver.nrrd,labelled,absent,")))
    assert sentences(table) == [
        "warning: Structure 'Spleen': it is labelled in no usable case, so it cannot be learned. Draw it in a few scans, or leave it out."
    ]


def test_the_json_is_plain_and_whole(tmp_path: Path) -> None:
    lines = ("A,ct.nrrd,labels.nrrd,labelled,labelled,Spleen: 0-1", "B,ct.nrrd,labels.nrrd,labelled,absent,")
    value = json.loads(json.dumps(check_cohort(read_cohort(manifest(tmp_path, *lines))).to_json(), allow_nan=False))
    assert value["structures"] == ["Liver", "Spleen"]
    assert value["cases"][0]["structures"]["Spleen"] == {
        "state": "some slices",
        "voxels": 8,
        "ml": 0.0126,
        "slices": 2,
        "slices_of": 4,
        "made": "checked",
    }
    assert [case["usable"] for case in value["cases"]] == [True, False]
    assert value["totals"]["Liver"] == {"labelled": 1, "missing": 0, "absent": 0, "some slices": 0}
    assert value["made"] == {"Liver": {"checked": 1, "quick": 0, "none": 0}} | {
        "Spleen": {"checked": 1, "quick": 0, "none": 0}
    }
    assert value["recommendation"]["method"] == "full"
    assert set(value["recommendation"]) == {"method", "doubtful", "bounds", "reason"}
    (problem,) = value["problems"]
    assert problem["sentence"].startswith("Case 'B', structure 'Spleen': it is said to be absent")


def test_every_case_is_named_before_it_is_read(tmp_path: Path) -> None:
    cohort = read_cohort(manifest(tmp_path, "A,ct.nrrd,,,,", "B,ct.nrrd,,,,"))
    calls: list[tuple[int, int, str]] = []
    check_cohort(cohort, lambda *call: calls.append(call))
    assert calls == [(0, 2, "A"), (1, 2, "B")]


def test_a_case_is_let_go_before_the_next_is_read() -> None:
    alive: list[weakref.ref] = []

    def read_image() -> sitk.Image:
        gc.collect()
        assert not any(reference() is not None for reference in alive)
        image = OBLIQUE.image(grey_values(OBLIQUE))
        alive.append(weakref.ref(image))
        return image

    def read_labels(grid: Grid) -> Labels:
        gc.collect()
        assert alive[-1]() is None
        labels = Labels.expert(("Liver", "Spleen"), label_map(MASKS), (True, True))
        alive.append(weakref.ref(labels))
        return labels

    sources = tuple(CaseSource(name, read_image, read_labels) for name in "ABC")
    table = check_cohort(Cohort("made", structures_named(("Liver", "Spleen")), sources))
    assert len(alive) == 6
    assert table.count("Liver", State.LABELLED) == 3


@pytest.mark.parametrize(
    "error", [ValueError("strange"), RuntimeError("ITK\nreason"), OSError(5, "Input/output error"), MemoryError()]
)
def test_whatever_a_reader_does_it_becomes_a_sentence(error: Exception) -> None:
    def broken(grid: Grid) -> Labels:
        raise error

    source = CaseSource("A", lambda: OBLIQUE.image(grey_values(OBLIQUE)), broken)
    table = check_cohort(Cohort("made", structures_named(("Liver",)), (source,)))
    assert table.rows[0].cells is None
    assert sentences(table)[0].startswith("error: Case 'A': its files cannot be used (")
    assert "\n" not in sentences(table)[0]


def test_the_text_fits_seven_structures_and_sixty_cases_in_columns(tmp_path: Path) -> None:
    names = (
        "Brainstem",
        "SpinalCord",
        "RightParotid",
        "LeftParotid",
        "Esophagus",
        "Larynx",
        "A structure with a very long name",
    )
    masks = {name: np.zeros(STRAIGHT.shape, bool) for name in names}
    for number, mask in enumerate(masks.values()):
        mask[number // 2, :, number % 2 * 3 : number % 2 * 3 + 3] = number < 6
    write_volume(tmp_path / "ct.nrrd", STRAIGHT)
    write_segments(tmp_path / "s.seg.nrrd", STRAIGHT, masks)
    lines = [f"patient {number},ct.nrrd,s.seg.nrrd," + ",".join(["labelled"] * 6) + ",absent," for number in range(60)]
    lines[7] = "patient 7,ct.nrrd,s.seg.nrrd," + ",".join(["labelled"] * 6) + ",absent,Larynx: 0-2"
    (tmp_path / "cases.csv").write_text(
        "\n".join(["case,image,labels," + ",".join(names) + ",slices", *lines]) + "\n", encoding="utf-8"
    )
    text = format_check(check_cohort(read_cohort(tmp_path)))
    rows = text.splitlines()
    assert max(len(row) for row in rows[:64]) < 170
    assert rows[0].split()[:2] == ["case", "Brainstem"]
    starts = [rows[0].index(name) for name in names[:6]]
    for row in rows[2:62]:
        assert all(row[start - 2 : start].isspace() and not row[start].isspace() for start in starts)
    assert "slices 3/4 0.0150 mL" in rows[9]
    assert rows[2].endswith("absent")
    assert rows[63].startswith("labelled in  60 of 60")
    assert "59 of 60 +1 slices" in rows[63]
    assert "Structure 'A structure with a very long name': it is labelled in no usable case" in text
    assert text.splitlines()[-4] == "0 errors, 1 warning."
    assert text.splitlines()[-2] == "Recommended: --method full"


def test_the_text_says_that_nothing_is_wrong_and_what_is_not_usable(tmp_path: Path) -> None:
    text = format_check(check_cohort(read_cohort(manifest(tmp_path, "A,ct.nrrd,labels.nrrd,labelled,labelled,"))))
    assert text.splitlines()[-4:] == [
        "No problem found.",
        "",
        "Recommended: --method ambiguity-only",
        "Every structure is labelled in every scan, so nothing has to be suggested.",
    ]
    text = format_check(check_cohort(read_cohort(manifest(tmp_path, "A,ct.nrrd,labels.nrrd,labelled,,"))))
    assert text.splitlines()[2].split("  ")[0] == "A"
    assert "not usable" in text.splitlines()[2]
    assert text.endswith(("1 error, 0 warnings.\n", "1 error, 2 warnings.\n"))


def test_a_case_drawn_around_ignored_voxels_is_labelled_in_part(tmp_path: Path) -> None:
    array = label_map(MASKS)
    array[3, 4, 3:] = 3
    write_volume(tmp_path / "imagesTr" / "a_0000.nii.gz", OBLIQUE)
    write_volume(tmp_path / "labelsTr" / "a.nii.gz", OBLIQUE, array)
    (tmp_path / "dataset.json").write_text(
        json.dumps({"labels": {"background": 0, "Liver": 1, "Spleen": 2, "ignore": 3}, "file_ending": ".nii.gz"}),
        encoding="utf-8",
    )
    table = check_cohort(read_cohort(tmp_path))
    assert "in part 0.0126 mL" in format_check(table)
    assert table.problems == ()


def test_what_was_drawn_quickly_is_marked_counted_and_judged(tmp_path: Path) -> None:
    lines = (
        "A,ct.nrrd,labels.nrrd,labelled,labelled,,quick",
        "B,ct.nrrd,labels.nrrd,labelled,labelled,Spleen: 0-1,quick; Liver: checked",
        "C,ct.nrrd,liver.nrrd,labelled,absent,,Spleen: quick",
        "D,ct.nrrd,,,,,quick",
    )
    manifest(tmp_path)
    (tmp_path / "cases.csv").write_text("\n".join([f"{HEAD},made", *lines]) + "\n", encoding="utf-8")
    table = check_cohort(read_cohort(tmp_path))
    made = [[cell.made for cell in (row.cells or {}).values()] for row in table.rows]
    assert made == [["quick", "quick"], ["checked", "quick"], ["checked", "quick"], ["", ""]]
    rows = format_check(table).splitlines()
    assert rows[2].split("  ")[-1] == "labelled 0.0126 mL *"
    assert rows[2].count("*") == 2
    assert rows[3].split("  ")[-1] == "slices 2/4 0.0126 mL *"
    assert rows[3].count("*") == 1
    assert rows[4].endswith("absent *")
    assert rows[5].split() == ["D", "missing", "missing"]
    assert rows[7].split("  ")[1] == "3 of 4 (1 *)"
    assert rows[8] == "* drawn quickly, not checked"
    assert table.to_json()["made"]["Liver"] == {"checked": 2, "quick": 1, "none": 1}
    assert "Recommended: --method full --doubtful as-given" in rows


def test_a_test_case_is_not_learned_from_so_it_does_not_count(tmp_path: Path) -> None:
    manifest(tmp_path)
    lines = ("A,ct.nrrd,labels.nrrd,labelled,labelled,", "B,ct.nrrd,liver.nrrd,labelled,,test")
    (tmp_path / "cases.csv").write_text(
        "\n".join(["case,image,labels,Liver,Spleen,split", *lines]) + "\n", encoding="utf-8"
    )
    table = check_cohort(read_cohort(tmp_path))
    assert table.counts().scans == 1
    assert table.recommendation().method == "ambiguity-only"
