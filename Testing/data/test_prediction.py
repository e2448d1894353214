"""A prediction comes back from its folder as it went in, or with a clear sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_image
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, read_prediction, write_prediction
from PartialLabelSegLib.run.failure import Failure

GRID = Grid((4, 3, 2), (0.7, 0.7, 3.0), (-5.0, 6.0, 7.5), (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0))


@pytest.fixture
def a_prediction() -> Prediction:
    random = np.random.default_rng(3)
    label = random.integers(0, 3, GRID.shape).astype(np.uint8)
    volumes = [random.integers(0, 65536, GRID.shape).astype(np.uint16) for _ in range(3)]
    return Prediction(("Liver", "Spleen"), label, *volumes)


def test_a_prediction_comes_back_as_it_was_written(a_prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path / "scan", a_prediction, GRID)
    found, grid = read_prediction(tmp_path / "scan")
    assert found.structures == a_prediction.structures
    assert grid.same_as(GRID)
    for name in ("label", "probability", "confidence", "rank"):
        assert getattr(found, name).dtype == getattr(a_prediction, name).dtype
        assert np.array_equal(getattr(found, name), getattr(a_prediction, name))


def test_a_missing_prediction_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="missing"):
        read_prediction(tmp_path / "scan")


@pytest.mark.parametrize("name", ["label", "probability", "confidence", "rank"])
def test_a_volume_that_was_changed_is_refused(name: str, a_prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, a_prediction, GRID)
    changed = getattr(a_prediction, name).copy()
    changed[0, 0, 0] ^= 1
    write_image(tmp_path / f"{name}.nrrd", GRID.image(changed))
    with pytest.raises(Failure, match=f"Case 'scan 7'.*predicted {name}.*checksum"):
        read_prediction(tmp_path, "scan 7")


@pytest.mark.parametrize("name", ["label", "rank"])
def test_a_truncated_volume_is_refused(name: str, a_prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, a_prediction, GRID)
    content = (tmp_path / f"{name}.nrrd").read_bytes()
    (tmp_path / f"{name}.nrrd").write_bytes(content[: len(content) // 2])
    with pytest.raises(Failure):
        read_prediction(tmp_path, "scan 7")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"structures": ["Liver"]},
        {"structures": None},
        {"structures": [["Liver"], 3]},
        {"crc32": {}},
        {"crc32": 5},
        {"grid": {"size": [4, 3]}},
        {
            "grid": {
                "size": [1, 1, 1],
                "spacing": [1, 1, 1],
                "origin": [0, 0, 0],
                "direction": [1, 0, 0, 0, 1, 0, 0, 0, 1],
            }
        },
    ],
)
def test_a_foreign_description_is_refused(change: dict[str, object], a_prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, a_prediction, GRID)
    head = json.loads((tmp_path / "prediction.json").read_text(encoding="utf-8"))
    (tmp_path / "prediction.json").write_text(json.dumps({**head, **change}), encoding="utf-8")
    with pytest.raises(Failure, match="scan 7"):
        read_prediction(tmp_path, "scan 7")


@pytest.mark.parametrize("text", ["", "[]", "7", "null", '{"format": 1}', "{"])
def test_a_description_that_is_no_object_is_refused(text: str, a_prediction: Prediction, tmp_path: Path) -> None:
    write_prediction(tmp_path, a_prediction, GRID)
    (tmp_path / "prediction.json").write_text(text, encoding="utf-8")
    with pytest.raises(Failure):
        read_prediction(tmp_path, "scan 7")


def test_a_prediction_checks_its_arrays(a_prediction: Prediction) -> None:
    good = a_prediction
    with pytest.raises(ValueError, match="rank must be uint16"):
        Prediction(good.structures, good.label, good.probability, good.confidence, good.rank.astype(np.int32))
    with pytest.raises(ValueError, match="no structure"):
        Prediction(("Liver",), np.full(GRID.shape, 2, np.uint8), good.probability, good.confidence, good.rank)
    with pytest.raises(ValueError, match="different names"):
        Prediction(("Liver", "Liver"), good.label, good.probability, good.confidence, good.rank)


def test_shares_are_stored_to_the_nearest_of_65535_steps() -> None:
    share = np.array([0, 1, 0.5, 1 / 65535, 0.4 / 65535], np.float32)
    assert fixed_point(share).tolist() == [0, 65535, 32768, 1, 0]
    for wrong in (np.array([1.1]), np.array([-0.1]), np.array([np.nan])):
        with pytest.raises(ValueError, match=r"must lie in 0\.\.1"):
            fixed_point(wrong)
