"""The benchmark of several raters: nobody's readings are on both sides, ticks are what they say, and the claims are counted right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from benchmarks.raters import Cell
from benchmarks.raters_claims import findings
from benchmarks.raters_measure import bins_of, found_instances, measure_scan, together
from benchmarks.raters_rows import GRID, ROWS
from benchmarks.raters_study import FOLDS, SIDE, STRUCTURE, Nodule, Split, coarse_grid, labels_of, nodules, ticks_of
from benchmarks.raters_table import write_tables
from PartialLabelSegLib.config import Configuration
from PartialLabelSegLib.run.files import write_json


@pytest.fixture(scope="module")
def found(data_folder: Path) -> list[Nodule]:
    return nodules()


def test_every_patient_is_tested_in_one_fold_and_never_learned_from_there(found: list[Nodule]) -> None:
    splits = [Split.of(fold, found) for fold in range(FOLDS)]
    assert sorted(item.name for split in splits for item in split.tests) == sorted(item.name for item in found)
    for split in splits:
        assert not {item.patient for item in split.tests} & {item.patient for item in split.training}
        assert split.lost <= {item.name for item in split.training}
        assert len(split.lost) == round(0.2 * len(split.training))


def test_labels_of_every_row_are_what_the_row_says(found: list[Nodule]) -> None:
    nodule = found[1]
    made = {row.labels: labels_of(nodule, row.labels, lost=False) for row in ROWS}
    assert any(np.array_equal(made["single"].positive(STRUCTURE), mask) for mask in nodule.masks)
    assert np.array_equal(made["majority"].positive(STRUCTURE), nodule.consensus()) and not made["majority"].soft
    assert np.allclose(made["mean"].soft[STRUCTURE], nodule.masks.mean(axis=0))
    votes, whole = made["grid soft -bright -neighbours"].soft[STRUCTURE], made["grid soft"].soft[STRUCTURE]
    assert set(np.unique(votes)) <= {0.0, 0.5, 1.0} and np.all(whole >= votes) and np.any(whole > votes)
    assert np.array_equal(made["grid"].positive(STRUCTURE), votes >= 0.5)
    assert not labels_of(nodule, "grid soft", lost=True).soft[STRUCTURE].any()


def test_a_cell_is_ticked_where_a_quarter_is_covered_and_never_none_on_a_slice() -> None:
    mask = np.zeros((3, SIDE, SIDE), bool)
    mask[0, 8:12, 16:20] = True  # 16 of the 64 voxels of row 1, column 2
    mask[0, 0, 0] = True
    mask[1, 95, 95] = True
    assert [tick.cell for tick in ticks_of(mask, coarse_grid())] == [(0, 1, 2), (1, 11, 11)]


def test_every_row_has_a_name_and_a_configuration_of_its_own() -> None:
    cells = [Cell(row, 0, 0, 100) for row in ROWS]
    assert len({cell.name for cell in cells}) == len(ROWS)
    assert all(isinstance(cell.configuration(), Configuration) for cell in cells)
    assert {cell.configuration().plan["steps"] for cell in cells} == {100}


def test_the_consensus_itself_measures_perfect_and_its_bins_come_back(found: list[Nodule]) -> None:
    scans = [measure_scan(item, item.consensus().astype(np.float32)) for item in found[:3]]
    result = together(["a", "b", "c"], scans)
    assert result["dice"] == result["ap75"] == result["precision"] == result["recall"] == 1.0
    assert bins_of(result).ece == pytest.approx(result["ece"]) and 0 < result["ged"] < 1


def test_what_an_instance_network_found_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert found_instances(tmp_path) is None
    numbers = np.zeros((1, 2, 3), np.uint16)
    numbers[0, 1, :2], numbers[0, 0, 2] = 2, 1
    sitk.WriteImage(sitk.GetImageFromArray(numbers), str(tmp_path / "instances.nrrd"))
    said = [{"number": number, "structure": STRUCTURE, "score": 1 / number} for number in (1, 2)]
    write_json(tmp_path / "instances.json", {"format": 1, "instances": said})
    first, second = found_instances(tmp_path) or []
    assert (first.indices.tolist(), first.score) == ([2], 1.0)
    assert (second.indices.tolist(), second.score) == ([3, 4], 0.5)


def result_of(row: str, dice: dict[str, float]) -> dict[str, Any]:
    cases = {name: {"dice": value, "ged_levels": 1 - value} for name, value in dice.items()}
    bins = {"counts": [60, 0], "probability": [6.0, 0.0], "truth": [12.0, 0.0], "squared": 1.0}
    words = ("dice", "dice_readers", "ap50", "ap75", "iou", "recall", "ece", "ece_whole", "brier", "ged", "ged_levels")
    numbers = {word: float(np.mean(list(dice.values()))) for word in (*words, "volume_error")}
    facts = {"row": row, "fold": 0, "seed": 0, "steps": 5, "train_seconds": 1.0, "precision": None}
    return {**facts, **numbers, "bins": bins, "cases": cases}


def test_a_claim_holds_where_every_patient_says_so_and_is_open_where_they_differ() -> None:
    base = {f"p{number}_nodule": 0.4 for number in range(8)}
    rows = [
        result_of(f"{GRID}: baseline, binary (1,0,0)", base),
        result_of(f"{GRID}: soft baseline (0,1,0)", dict.fromkeys(base, 0.5)),
        result_of(f"{GRID}: APL binary (1,0,1)", {name: 0.1 * number for number, name in enumerate(base)}),
        result_of(f"{GRID}: APL + soft (1,1,1)", dict.fromkeys(base, 0.3)),
    ]
    verdicts = {(item.claim.better, item.claim.worse): item for item in findings(rows)}
    soft = verdicts[f"{GRID}: soft baseline (0,1,0)", f"{GRID}: baseline, binary (1,0,0)"]
    assert soft.verdict == "holds" and soft.gain == pytest.approx(0.1)
    assert "not shown" in verdicts[f"{GRID}: baseline, binary (1,0,0)", f"{GRID}: APL binary (1,0,1)"].verdict
    assert "contrary" in verdicts[f"{GRID}: APL + soft (1,1,1)", f"{GRID}: soft baseline (0,1,0)"].verdict


def test_the_tables_hold_every_row_that_was_run(tmp_path: Path) -> None:
    for number, row in enumerate(ROWS):
        write_json(tmp_path / "work" / str(number) / "result.json", result_of(row.name, {"p1_n": 0.5, "p2_n": 0.25}))
    speed = {"raters": 7, "shape": [40, 448, 448], "soft_label_seconds": 0.5, "preview_seconds": 0.03}
    write_json(tmp_path / "work" / "speed.json", speed)
    write_tables(tmp_path / "work", tmp_path / "out")
    text = (tmp_path / "out" / "raters.md").read_text(encoding="utf-8")
    assert all(f"| {row.title} | 37.5 |" in text for row in ROWS)
    assert "soft label 0.50 s, preview of one slice 30 ms" in text and "raters-reliability.svg" in text
    assert (tmp_path / "out" / "raters-reliability.svg").exists()
