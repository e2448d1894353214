"""The benchmarks of imperfect and missing labels: who has which labels, what a row tells the product, and that tables and claims say what was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import kinds, size
from benchmarks.kinds_cell import Bench, Cell
from benchmarks.kinds_claims import Claim, findings
from benchmarks.kinds_command import read_arguments
from benchmarks.kinds_measure import curve_of, measure_scan, missed, of_scans
from benchmarks.kinds_rows import MIXTURE, Row, names
from benchmarks.kinds_sizes import shared
from benchmarks.kinds_study import CHECKED, NONE, QUICK, SIDE, STUDIES, Made, Scan, Study, labels_of
from benchmarks.kinds_table import rows_table
from benchmarks.meta_rows import FULL, GIVEN, MAIN, meta_claims, meta_rows, mixed_rows, noisy_table
from benchmarks.meta_table import write_tables as write_meta_tables
from benchmarks.size_rows import FS, PATIENTS, size_claims, size_rows, ventricle_table
from benchmarks.size_table import of_curves
from benchmarks.size_table import write_tables as write_size_tables
from PartialLabelSegLib.config import Configuration
from PartialLabelSegLib.run.files import write_json
from PartialLabelSegLib.run.folder import RunFolder

ALL_ROWS = (*kinds.ROWS, *meta_rows(), *size_rows())


def study_of(patients: int) -> Study:
    """Two scans of each patient; nothing of them is read."""
    scans = [
        Scan(f"p{number:02d}_{part}", f"p{number:02d}", Path("image"), Path("labels"), (1, 2))
        for number in range(patients)
        for part in "ab"
    ]
    return Study("made up", ("A", "B"), tuple(scans), "2d", "mm")


def test_every_patient_is_held_out_in_one_fold_and_never_learned_from_there() -> None:
    study = study_of(30)
    held = [scan.name for fold in range(5) for scan in study.split(fold)[0]]
    assert sorted(held) == sorted(scan.name for scan in study.scans)
    for fold in range(5):
        tests, training = study.split(fold)
        assert not {scan.patient for scan in tests} & {scan.patient for scan in training}


def test_kinds_are_given_by_patient_and_whoever_is_checked_in_a_small_share_is_so_in_a_large_one() -> None:
    study = study_of(30)
    few, many = (study.kinds(0, Made(share, 0.5)) for share in (0.1, 0.4))
    assert all(many[name] == (CHECKED, CHECKED) for name, row in few.items() if row == (CHECKED, CHECKED))
    counts = [sum(row == (kind, kind) for row in few.values()) for kind in (CHECKED, QUICK, NONE)]
    assert counts == [2 * 3, 2 * 12, 2 * 9], "3 of 24 patients at least, half of them quick, two scans each"
    assert all(few[f"p{n:02d}_a"] == few[f"p{n:02d}_b"] for n in range(30) if f"p{n:02d}_a" in few)


def test_of_the_labels_of_both_kinds_the_share_that_is_said_is_there() -> None:
    kinds_found = study_of(30).kinds(1, MIXTURE)
    for column in range(2):
        count = {kind: sum(row[column] == kind for row in kinds_found.values()) for kind in (CHECKED, QUICK, NONE)}
        assert count == {CHECKED: 8, QUICK: 8, NONE: 32}


def test_shares_that_are_no_shares_are_refused() -> None:
    for shares in ((0.8, 0.3), (0.0, 0.5)):
        with pytest.raises(ValueError, match="together at most 1"):
            Made(*shares)
    with pytest.raises(ValueError, match="alpha"):
        Made(0.5, alpha=0)


class Drawn(Scan):
    """A scan whose true labels are given."""

    truth = np.array([[[1, 1, 2, 0]]], np.uint8)


def test_labels_are_the_true_ones_where_checked_and_the_quick_ones_where_quick() -> None:
    scan = Drawn("s", "s", Path("image"), Path("labels"), (1, 2))
    quick = np.array([[[1, 2, 2, 2]]], np.uint8)
    both = labels_of(scan, ("A", "B"), (CHECKED, QUICK), quick)
    assert both.label_map.tolist() == [[[1, 2, 2, 2]]] and both.imperfect == {"B"} and both.known == (True, True)
    one = labels_of(scan, ("A", "B"), (NONE, CHECKED), quick)
    assert one.label_map.tolist() == [[[0, 0, 2, 0]]] and not one.imperfect and one.known == (False, True)
    assert not labels_of(scan, ("A", "B"), (NONE, NONE), None).label_map.any()


def test_the_heart_lies_whole_in_what_is_cut_out_of_its_scans(data_folder: Path) -> None:
    scan = STUDIES["acdc"]().scans[0]
    assert scan.truth.shape[1:] == (SIDE, SIDE) and scan.truth.shape == scan.grid.shape
    assert set(np.unique(scan.truth)) == {0, 1, 2, 3}
    border = scan.truth[:, [0, -1], :].any() or scan.truth[:, :, [0, -1]].any()
    assert not border


def test_every_row_has_a_name_and_a_configuration_of_its_own() -> None:
    assert len(set(names(ALL_ROWS))) == len(ALL_ROWS)
    study = study_of(10)
    cells = [Cell(row, study, 0, 0, 100) for row in ALL_ROWS]
    assert len({cell.name for cell in cells}) == len(cells)
    said = [cell.configuration() for cell in cells]
    assert all(isinstance(item, Configuration) and item.plan["steps"] == 100 for item in said)
    for row, item in zip(ALL_ROWS, said):
        assert (item.doubtful, item.bounds, item.relabelling.method) == (row.doubtful, row.bounds, row.method)


def test_claims_speak_of_rows_that_exist() -> None:
    known = set(names(ALL_ROWS))
    for claim in (*kinds.claims(), *meta_claims(), *size_claims()):
        assert {(claim.table, claim.better), (claim.table, claim.worse)} <= known, claim


def test_mixed_rows_have_the_share_of_noise_that_their_table_says() -> None:
    for percent in (25, 50, 75):
        for row in mixed_rows(percent):
            made = study_of(30).kinds(0, row.made)
            quick = sum(found[0] == QUICK for found in made.values())
            none = sum(found[0] == NONE for found in made.values())
            assert quick / (quick + none) == pytest.approx(percent / 100, abs=0.06)


def test_rows_are_chosen_by_their_table_and_title() -> None:
    chosen = read_arguments("meta", None, meta_rows(), ["--tables-of", "acdc, quick", "--rows", "given|fixed"])
    assert {row.study for row in chosen.rows} == {"acdc"}
    assert all("given" in row.title or "fixed" in row.title for row in chosen.rows) and len(chosen.rows) > 3


def test_a_scan_is_measured_as_by_hand_and_what_was_not_found_has_no_distance() -> None:
    truth = np.zeros((1, 8, 8), np.uint8)
    truth[0, 2:4, 2:4], truth[0, 6, 6] = 1, 2
    label = np.zeros_like(truth)
    label[0, 2:4, 3:5] = 1
    found = measure_scan(label, truth, ("A", "B", "C"), (1.0, 1.0, 2.0))
    assert found["A"] == {"dice": 0.5, "jaccard": pytest.approx(1 / 3), "hausdorff": 2.0, "surface": 1.0}
    assert found["B"] == {"dice": 0.0, "jaccard": 0.0, "hausdorff": None, "surface": None} and "C" not in found
    result = {"cases": {"s": {"patient": "s", "structures": found}}}
    assert of_scans(result, "dice") == {"s": 0.25} and of_scans(result, "surface") == {"s": 1.0}
    assert missed(result) == 1


def test_sizes_are_shared_by_the_rows_that_learn_them_from_the_same_labels(tmp_path: Path) -> None:
    study, run = study_of(10), RunFolder(tmp_path / "cell" / "run")
    places = {row.title: shared(Cell(row, study, 0, 0, 100), run) for row in kinds.ROWS if row.bounds}
    given = {path for title, path in places.items() if "as-given" in title}
    others = {path for title, path in places.items() if "as-given" not in title}
    assert (
        len(given) == len(others) == 1 and given != others and {path.parent for path in given} == {tmp_path / "sizes"}
    )
    rows = [row for row in size_rows() if row.bounds]
    assert len({shared(Cell(row, study, 0, 0, 100), run) for row in rows}) == len({row.table for row in rows}) == 5


def test_the_curve_is_that_of_the_second_half() -> None:
    looks = [{"step": step, "dice": {"A": step / 100, "B": math.nan}} for step in (0, 25, 50, 75, 100)]
    assert curve_of(looks) == [0.75, 1.0] and curve_of([]) == []
    assert of_curves([[0.5, 0.7], [0.7, 0.9]]) == "70.0 ± 10.0 (14.1)" and of_curves([[]]) == "not run yet"


def result_of(row: Row, dice: Sequence[float], seed: int = 0, intervals: Any = None) -> dict[str, Any]:
    cases = {
        f"p{number}": {
            "patient": f"p{number}",
            "structures": {"A": {"dice": value, "jaccard": value / 2, "hausdorff": 3.0, "surface": 1.0}},
        }
        for number, value in enumerate(dice)
    }
    facts = {"table": row.table, "row": row.title, "study": row.study, "fold": 0, "seed": seed, "steps": 7}
    imported = {"training": 4, "held_out": len(cases), "corruption": {"dice": 0.62, "spread": 0.1}}
    numbers = {
        "cases": cases,
        "unit": "mm",
        "train_seconds": 9.0,
        "stages": [7, 2],
        "curve": [0.5, 0.6],
        "imported": imported,
    }
    return {**facts, **numbers, "intervals": intervals}


def test_a_claim_holds_where_every_patient_says_so_and_does_not_where_they_differ() -> None:
    table = noisy_table("acdc", MAIN)
    by_title = {row.title: row for row in meta_rows() if row.table == table}
    base = [0.4] * 8
    results = [
        result_of(by_title[GIVEN], base),
        result_of(by_title[FULL], [0.5] * 8),
        result_of(by_title["fixed weights"], [0.1 * number for number in range(8)]),
    ]
    claims = [Claim(table, FULL, GIVEN), Claim(table, GIVEN, FULL), Claim(table, "fixed weights", GIVEN)]
    claims.append(Claim(table, FULL, "trusted only"))
    found = findings(results, claims)
    assert found[0].verdict == "holds" and found[0].gain == pytest.approx(0.1)
    assert found[1].verdict == "does not hold: the contrary"
    assert found[2].verdict == "does not hold: the interval has 0 in it"
    assert found[3].verdict == "not run yet" and found[3].gain is None


def test_runs_are_compared_with_the_run_of_the_same_seed() -> None:
    table = noisy_table("acdc", MAIN)
    by_title = {row.title: row for row in meta_rows() if row.table == table}
    results = [result_of(by_title[GIVEN], [0.4] * 4, seed=1), result_of(by_title[FULL], [0.5] * 4, seed=2)]
    assert findings(results, [Claim(table, FULL, GIVEN)])[0].verdict == "not run yet"


def test_where_rows_have_different_runs_each_run_is_told_by_itself() -> None:
    rows = [row for row in meta_rows() if row.table == noisy_table("acdc", MAIN)][:3]
    same = [result_of(rows[0], (0.4, 0.6)), result_of(rows[1], (0.5, 0.7))]
    assert "fold 0, seed 0" not in rows_table(rows, same)
    text = rows_table(rows, [*same, result_of(rows[1], (0.9, 0.7), seed=1)])
    assert "| row | fold 0, seed 0 | fold 0, seed 1 |" in text
    assert f"| {rows[0].title} | 50.0 | – |" in text and f"| {rows[1].title} | 60.0 | 80.0 |" in text
    assert text.count(f"| {rows[2].title} |") == 1, "a row that was not run has no run to tell of"


def test_the_tables_of_weights_hold_every_row_with_its_spread_and_say_which_has_not_run(tmp_path: Path) -> None:
    rows = meta_rows()
    for number, row in enumerate(rows[:-1]):
        write_json(tmp_path / "work" / str(number) / "result.json", result_of(row, (0.5, 0.25)))
    ratio, memory = (
        {"median": 2.5, "least": 2.25, "most": 2.75},
        {"plain": {"ratio_to_plain": 1}, "mlb": {"ratio_to_plain": 1.7}},
    )
    setting = {"precision": "float32", "plain_ms": 9.0, "ratio_to_plain": {"mlb": ratio}, "memory": memory}
    cost: dict[str, Any] = {"step_ratio_to_plain": 2.5, "memory_ratio_to_plain": 1.7}
    cost.update(double_backward_ratio_to_plain=4.5, settings={"2D": setting}, load=1.5)
    write_json(tmp_path / "work" / "cost.json", cost)
    write_meta_tables(tmp_path / "work", tmp_path / "out")
    text = (tmp_path / "out" / "meta.md").read_text(encoding="utf-8")
    assert text.count("| 37.5 ± 12.5 | 18.8 ± 6.2 | 3.00 ± 0.00 | 1.00 ± 0.00 | 0 |") == len(rows) - 1
    assert f"Not run yet: {rows[-1].table}: {rows[-1].title}." in text and "| not run yet |" in text
    assert "| mean | 37.5 | 37.5 | 37.5 | 37.5 |" in text
    assert "at most 3.4: holds" in text and "at most 1.5: does not hold" in text and "80.83" in text
    assert "| 2D | float32 | 9 | 2.50 (2.25 to 2.75) |" in text and "| 2D | 1.70 |" in text
    numbers = (tmp_path / "out" / "meta.json").read_text(encoding="utf-8")
    assert '"step_ratio_to_plain": 2.5' in numbers and '"structures"' not in numbers


def test_the_tables_of_sizes_hold_the_papers_beside_ours_and_the_intervals(tmp_path: Path) -> None:
    intervals = {"LV": {"promised": 0.8, "inside": [True, False], "width": [0.5, 1.0], "error": [0.1, 0.3]}}
    for number, row in enumerate(size_rows()):
        found = intervals if row.bounds and row.study == "acdc-lv" else None
        write_json(tmp_path / "work" / str(number) / "result.json", result_of(row, (0.5, 0.25), intervals=found))
    write_size_tables(tmp_path / "work", tmp_path / "out")
    text = (tmp_path / "out" / "size.md").read_text(encoding="utf-8")
    assert "| FS | 55.0 ± 5.0 | 24.8 (4.9) | 55.0 ± 5.0 | 44.4 (8.3) | 55.0 ± 5.0 | 71.7 (3.2) |" in text
    assert "| LV | 2 | 80 | 50 | 0.75 | 20 |" in text and "Every row was run." in text
    assert all(ventricle_table(patients) in text for patients in PATIENTS) and f"| {FS} |" in text


def test_the_table_of_all_combinations_names_the_best(tmp_path: Path) -> None:
    for number, row in enumerate(kinds.ROWS):
        value = 0.9 if row.title == "full, weigh" else 0.5 + 0.001 * number
        write_json(tmp_path / "work" / str(number) / "result.json", result_of(row, (value, value)))
    kinds.write_tables(tmp_path / "work", tmp_path / "out")
    text = (tmp_path / "out" / "kinds.md").read_text(encoding="utf-8")
    assert "The largest mean Dice: full, weigh 90.0, mlb alike + supervised step" in text
    assert all(f"| {row.title} |" in text for row in kinds.ROWS)


def test_without_any_result_the_tables_say_that_nothing_ran(tmp_path: Path) -> None:
    kinds.write_tables(tmp_path / "work", tmp_path / "out")
    write_size_tables(tmp_path / "work", tmp_path / "out")
    write_meta_tables(tmp_path / "work", tmp_path / "out")
    for name in ("kinds", "size", "meta"):
        assert "Not run yet" in (tmp_path / "out" / f"{name}.md").read_text(encoding="utf-8")
    assert size.looks_of(size.ROWS[0]) > 0 and Bench(tmp_path).study is not None
