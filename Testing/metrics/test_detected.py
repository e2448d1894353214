"""Lesions of files against a reference, by hand: with a volume, with a list, with a confidence, and with nothing but the masks."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.lesions import LIST, VOLUME, Lesion, lesion_at, write_lesions, write_volume
from PartialLabelSegLib.metrics.detected import DetectionEvaluation, evaluate_instances
from PartialLabelSegLib.metrics.table import format_detections
from PartialLabelSegLib.run.failure import Failure

SHAPE = (2, 4, 12)
GRID = Grid((12, 4, 2), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
NAME = "Nodule"

Spans = Sequence[tuple[int, int]]


def mask_of(spans: Spans) -> np.ndarray:
    """Lesions of one line each: from column to column, on row 1 of slice 0."""
    mask = np.zeros(SHAPE, np.uint8)
    for first, last in spans:
        mask[0, 1, first:last] = 1
    return mask


def write_mask(path: Path, spans: Spans, grid: Grid = GRID, array: np.ndarray | None = None) -> None:
    path.parent.mkdir(exist_ok=True)
    sitk.WriteImage(grid.image(mask_of(spans) if array is None else array), str(path))
    path.with_name(path.name.split(".")[0] + ".json").write_text(
        json.dumps({"structures": {NAME: 1}}), encoding="utf-8"
    )


def list_of(folder: Path, case: str, spans: Spans, scores: Sequence[float], volume: bool = False) -> None:
    parts = [np.flatnonzero(mask_of([span])) for span in spans]
    lesions = [
        Lesion(number, NAME, score, "suggested", int(part.size), 0.1, *lesion_at(part, GRID))
        for number, (part, score) in enumerate(zip(parts, scores, strict=True), 1)
    ]
    write_lesions(folder / f"{case}{LIST}", lesions)
    if volume:
        write_volume(folder / f"{case}{VOLUME}", parts, GRID)


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Scan a: of the lesions at 0..4 and 6..10, the first is found to 3 of 4 voxels, and there is a wrong one. Scan b: one, found whole."""
    write_mask(tmp_path / "p" / "a.nii.gz", [(0, 3), (11, 12)])
    write_mask(tmp_path / "r" / "a.nii.gz", [(0, 4), (6, 10)])
    write_mask(tmp_path / "p" / "b.nii.gz", [(2, 4)])
    write_mask(tmp_path / "r" / "b.nii.gz", [(2, 4)])
    return tmp_path / "p", tmp_path / "r"


def numbers(result: DetectionEvaluation) -> dict[str, float]:
    return result.of(NAME).values()


def test_masks_alone_give_detections_of_one_score(sides: tuple[Path, Path]) -> None:
    item = numbers(evaluate_instances(*sides))
    # All three detections at once: two of three lesions, two of three detections.
    assert (item["ap50"], item["ap75"]) == pytest.approx((2 / 3 * 2 / 3, 2 / 3 * 2 / 3))
    assert (item["cases"], item["lesions"], item["detected"]) == (2, 3, 3)
    assert (item["found"], item["wrong"], item["missed"]) == (2, 1, 1)
    assert (item["iou"], item["precision"], item["recall"]) == pytest.approx((0.875, 2 / 3, 2 / 3))


def test_the_scores_of_a_list_order_the_detections(sides: tuple[Path, Path]) -> None:
    list_of(sides[0], "a", [(0, 3), (11, 12)], [0.9, 0.6])
    list_of(sides[0], "b", [(2, 4)], [0.7])
    assert numbers(evaluate_instances(*sides))["ap50"] == pytest.approx(2 / 3)
    list_of(sides[0], "a", [(0, 3), (11, 12)], [0.6, 0.9])
    # First a wrong one, then two right ones: the precision at both is 2/3 at best.
    assert numbers(evaluate_instances(*sides))["ap50"] == pytest.approx(2 / 3 * 2 / 3)


def test_what_was_drawn_after_the_list_was_written_is_certain(sides: tuple[Path, Path]) -> None:
    list_of(sides[0], "a", [(11, 12)], [0.6])
    list_of(sides[0], "b", [(2, 4)], [0.7])
    assert numbers(evaluate_instances(*sides))["ap50"] == pytest.approx(2 / 3)


def test_a_volume_holds_instances_that_are_not_in_the_segmentation_and_unsure_ones_count_for_ap_alone(
    sides: tuple[Path, Path],
) -> None:
    list_of(sides[0], "a", [(0, 3), (6, 9)], [0.9, 0.2], volume=True)
    list_of(sides[0], "b", [(2, 4)], [0.7], volume=True)
    item = numbers(evaluate_instances(*sides))
    assert (item["ap50"], item["detected"]) == (1.0, 3)
    assert (item["found"], item["wrong"], item["missed"], item["precision"]) == (2, 0, 1, 1.0)


def test_without_a_list_the_confidence_orders_the_detections_and_decides_for_none(sides: tuple[Path, Path]) -> None:
    confidence = np.zeros(SHAPE, np.uint16)
    confidence[0, 1, 0:3], confidence[0, 1, 11] = 20000, 10000
    for case in ("a", "b"):
        sitk.WriteImage(GRID.image(confidence), str(sides[0] / f"{case}.confidence.nrrd"))
    item = numbers(evaluate_instances(*sides))
    # The one of scan b, of confidence 0, comes last: 1, 1/2, 2/3.
    assert item["ap50"] == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    assert (item["found"], item["wrong"]) == (2, 1)


def test_a_prediction_on_a_finer_grid_is_compared_on_the_references(tmp_path: Path) -> None:
    finer = Grid((24, 4, 2), (0.5, 1.0, 2.0), (-0.25, 0.0, 0.0), GRID.direction)
    spans = [(0, 3), (6, 10)]
    write_mask(tmp_path / "p" / "a.nii.gz", [], finer, np.repeat(mask_of(spans), 2, axis=2))
    write_mask(tmp_path / "r" / "a.nii.gz", spans)
    item = numbers(evaluate_instances(tmp_path / "p", tmp_path / "r"))
    assert (item["ap75"], item["iou"], item["found"]) == (1.0, 1.0, 2)


def test_what_the_reference_does_not_know_counts_for_nobody(tmp_path: Path) -> None:
    known = mask_of([(0, 4)])
    known[0, 1, 8:] = 2
    write_mask(tmp_path / "p" / "a.nii.gz", [(0, 4), (9, 12)])
    write_mask(tmp_path / "r" / "a.nii.gz", [], array=known)
    (tmp_path / "r" / "a.json").write_text(json.dumps({"structures": {NAME: 1, "ignore": 2}}), encoding="utf-8")
    item = numbers(evaluate_instances(tmp_path / "p", tmp_path / "r"))
    assert (item["detected"], item["found"], item["wrong"]) == (1, 1, 0)


def test_the_json_is_plain_and_says_each_case(sides: tuple[Path, Path]) -> None:
    content = json.loads(json.dumps(evaluate_instances(*sides).to_json(), allow_nan=False))
    assert content["cases"]["a"][NAME] == {"lesions": 2, "found": 1, "wrong": 1, "missed": 1}
    assert content["structures"][NAME]["precision"] == pytest.approx(2 / 3)
    assert content["failed"] == []


def test_a_reference_without_lesions_has_no_average_precision(tmp_path: Path) -> None:
    write_mask(tmp_path / "p" / "a.nii.gz", [(0, 4)])
    write_mask(tmp_path / "r" / "a.nii.gz", [])
    result = evaluate_instances(tmp_path / "p", tmp_path / "r")
    item = numbers(result)
    assert math.isnan(item["ap50"]) and math.isnan(item["recall"]) and item["precision"] == 0
    assert result.to_json()["structures"][NAME]["ap50"] is None


def test_the_table_has_a_line_per_structure(sides: tuple[Path, Path]) -> None:
    lines = format_detections(evaluate_instances(*sides)).splitlines()
    assert lines[0].split() == ["Lesions", "n", "detected", "AP50", "AP75", "IoU", "precision", "recall"]
    assert lines[1].split() == [NAME, "3", "3", "0.444", "0.444", "0.875", "0.667", "0.667"]


def test_one_broken_case_is_named_and_the_others_are_measured(sides: tuple[Path, Path]) -> None:
    (sides[0] / "a.instances.json").write_text("{", encoding="utf-8")
    result = evaluate_instances(*sides)
    assert numbers(result)["cases"] == 1 and len(result.failed) == 1 and "'a'" in result.failed[0]
    (sides[0] / "b.instances.json").write_text("{", encoding="utf-8")
    with pytest.raises(Failure, match="the list of lesions"):
        evaluate_instances(*sides)


def test_a_volume_of_another_grid_is_a_sentence(sides: tuple[Path, Path]) -> None:
    list_of(sides[0], "a", [(0, 3)], [0.9])
    other = Grid((12, 4, 2), (2.0, 1.0, 2.0), (0.0, 0.0, 0.0), GRID.direction)
    write_volume(sides[0] / f"a{VOLUME}", [np.array([1])], other)
    (failed,) = evaluate_instances(*sides).failed
    assert "a.instances.nrrd does not lie on the grid of a.nii.gz" in failed
