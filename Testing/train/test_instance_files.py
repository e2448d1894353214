"""Instances on disk: on the scan's own grid, numbered by score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.metrics.detection import Instance
from PartialLabelSegLib.train.instance_files import write_instances
from train.ellipses import instance_plan

SHAPE = (3, 6, 8)


def instance(slices: slice, rows: slice, columns: slice, score: float) -> Instance:
    mask = np.zeros(SHAPE, bool)
    mask[slices, rows, columns] = True
    return Instance(np.flatnonzero(mask).astype(np.int64), score)


def test_numbers_go_by_score_and_the_surer_one_is_shown_where_two_meet(tmp_path: Path) -> None:
    grid = Grid((8, 6, 3), (2.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    found = {
        "Oedema": (
            instance(slice(0, 2), slice(0, 2), slice(0, 4), 0.5),
            instance(slice(2, 3), slice(5, 6), slice(7, 8), 0.2),
        ),
        "Cyst": (instance(slice(1, 2), slice(0, 2), slice(3, 5), 0.9),),
    }
    write_instances(tmp_path, found, SHAPE, grid, instance_plan())
    numbers = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "instances.nrrd")))
    expected = np.zeros(SHAPE, np.uint16)
    expected[:2, :2, :4] = 2
    expected[1, :2, 3:5] = 1
    expected[2, 5, 7] = 3
    assert np.array_equal(numbers, expected)
    said = json.loads((tmp_path / "instances.json").read_text(encoding="utf-8"))["instances"]
    assert [(one["number"], one["structure"], one["score"]) for one in said] == [
        (1, "Cyst", 0.9),
        (2, "Oedema", 0.5),
        (3, "Oedema", 0.2),
    ]
    assert [one["volume_ml"] for one in said] == pytest.approx([4 * 0.008, 14 * 0.008, 0.008])
    assert said[1]["box"] == [[0, 0, 0], [2, 2, 4]]


def test_they_lie_on_the_scans_own_grid_whatever_the_plans(tmp_path: Path) -> None:
    plan = replace(instance_plan(), slice_axis=2, spacing_mm=(2.0, 2.0, 2.0))
    # Prepared: slices along x. The scan has voxels of 1 mm along z.
    scan = Grid((3, 6, 16), (2.0, 2.0, 1.0), (0.0, 0.0, -0.5), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    shape = (3, 8, 6)
    mask = np.zeros(shape, bool)
    mask[1:, 2:4, 1:3] = True
    found = {"Lesion": (Instance(np.flatnonzero(mask).astype(np.int64), 0.7),)}
    write_instances(tmp_path, found, shape, scan, plan)
    numbers = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "instances.nrrd")))
    assert numbers.shape == scan.shape and numbers.dtype == np.uint16
    where = np.argwhere(numbers)
    assert where.min(0).tolist() == [4, 1, 1] and where.max(0).tolist() == [7, 2, 2]
    (one,) = json.loads((tmp_path / "instances.json").read_text(encoding="utf-8"))["instances"]
    assert one["volume_ml"] == pytest.approx(16 * 0.004)


def test_a_scan_without_instances_has_an_empty_map_and_list(tmp_path: Path) -> None:
    grid = Grid((8, 6, 3), (2.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    write_instances(tmp_path, {"Lesion": ()}, SHAPE, grid, instance_plan())
    assert not sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "instances.nrrd"))).any()
    assert json.loads((tmp_path / "instances.json").read_text(encoding="utf-8"))["instances"] == []
