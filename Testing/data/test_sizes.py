"""`sizes.json`: written, read again, damaged, and said in words."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.data.conformal import Band
from PartialLabelSegLib.data.sizes import Bands, CaseSizes, SizeTable, read_sizes, write_sizes
from PartialLabelSegLib.run.failure import Failure

NONE = (None,) * 7
DOUBLE = Band(0.9, 12, math.log(2), floor=1e-6)
FIVE_MM = Band(0.75, 3, 5.0)


def table(margin_of_slices: bool = True) -> SizeTable:
    bands = {
        "spleen": Bands(
            100.0, (DOUBLE, FIVE_MM, FIVE_MM, FIVE_MM, None, None, None), (DOUBLE, *(FIVE_MM,) * 4), (DOUBLE, *NONE[:4])
        ),
        "rare": Bands(10.0, NONE),
    }
    whole = np.array([240_000.0, 1, 2, 3, 40, 50, 60])
    slices = np.array([[0.0, 0, 0, 1, 1], [400, 10, -10, 20, 20], [50, 5, 5, 8, 8]], np.float32)
    sizes = CaseSizes(whole, slices if margin_of_slices else None, 200.0)
    cases = {"scan one": {"spleen": sizes, "rare": CaseSizes(whole, slices if margin_of_slices else None)}}
    return SizeTable((5.0, 2.0, 2.0), 0, bands, cases, "a mark", learned_from={"spleen": 12, "rare": 1})


@pytest.mark.parametrize("with_slices", [True, False])
def test_what_was_written_is_read_again(tmp_path: Path, with_slices: bool) -> None:
    before = table(with_slices)
    write_sizes(tmp_path / "sizes.json", before)
    after = read_sizes(tmp_path / "sizes.json")
    assert (after.made_with, after.spacing_mm, after.slice_axis) == ("a mark", (5.0, 2.0, 2.0), 0)
    assert after.bands == before.bands and after.learned_from == before.learned_from
    for name, own in before.cases["scan one"].items():
        other = after.cases["scan one"][name]
        assert np.allclose(other.whole, own.whole) and other.drawn_ml == own.drawn_ml
        assert (other.slices is None) == (own.slices is None)
        assert other.slices is None or own.slices is None or np.allclose(other.slices, own.slices, rtol=1e-3)


def test_the_file_says_volume_and_coverage_in_plain_numbers(tmp_path: Path) -> None:
    write_sizes(tmp_path / "sizes.json", table())
    said = json.loads((tmp_path / "sizes.json").read_text(encoding="utf-8"))["cases"]["scan one"]["spleen"]
    assert said["volume_ml"] == pytest.approx({"predicted": 240.0, "low": 120.0, "high": 480.0}, rel=1e-5)
    assert said["coverage"] == 0.9 and said["drawn_ml"] == 200.0


def test_a_volume_has_an_interval_only_where_something_can_be_said() -> None:
    interval = table().volume_ml("scan one", "spleen")
    assert interval is not None
    assert not interval.holds(41.0) and interval.holds(130.0)
    assert table().volume_ml("scan one", "rare") is None
    assert table().volume_ml("another scan", "spleen") is None


def test_slices_where_nothing_is_expected_have_an_upper_bound_only() -> None:
    low, high = table().slices("scan one", "spleen")
    assert high[:, 0] == pytest.approx([1e-6, 800.0, 100.0], rel=1e-4)
    assert low[:, 0] == pytest.approx([0, 200.0, 25.0], abs=1e-5)
    assert np.isnan(high[[0, 2], 1:]).all()
    assert (low[1, 1:].tolist(), high[1, 1:].tolist()) == ([5, -15, 15, 15], [15, -5, 25, 25])


def test_the_papers_margin_takes_the_place_of_the_interval() -> None:
    low, high = table().whole("scan one", "rare", margin=0.1)
    assert (low[0], high[0]) == pytest.approx((216_000, 264_000))
    assert (low[1], high[1]) == pytest.approx((1 - 4, 1 + 4))
    assert (low[6], high[6]) == pytest.approx((54, 66))


def test_the_truth_bounds_from_both_sides() -> None:
    exact = SizeTable((5.0, 2.0, 2.0), 0, {}, table().cases, exact=True)
    low, high = exact.slices("scan one", "spleen")
    assert low[:, 0].tolist() == high[:, 0].tolist() == [0, 400, 50]
    assert np.isnan(high[0, 1:]).all() and high[1, 1] == 10


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value.update(format=9),
        lambda value: value["structures"]["spleen"].update(whole=[]),
        lambda value: value["structures"]["spleen"]["whole"][0].update(reach="far"),
        lambda value: value["structures"].pop("spleen"),
        lambda value: value["cases"]["scan one"]["spleen"].pop("volume_ml"),
        lambda value: value["cases"]["scan one"]["spleen"]["centroid_mm"].update(predicted=[1.0]),
        lambda value: value["cases"]["scan one"]["spleen"]["slices"].update(row_mm="1 2"),
        lambda value: value["cases"].update({"scan one": 3}),
        lambda value: value.update(spacing_mm=None),
        lambda value: value.update(slice_axis=1e999),
        lambda value: value["cases"]["scan one"]["spleen"]["volume_ml"].update(predicted=-900.0),
    ],
)
def test_a_damaged_file_is_a_failure_with_a_way_out(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "sizes.json"
    write_sizes(path, table())
    value = json.loads(path.read_text(encoding="utf-8"))
    damage(value)  # type: ignore[operator]
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(Failure, match="damaged") as told:
        read_sizes(path)
    assert "Delete it" in told.value.sentence()


def test_a_missing_file_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="missing"):
        read_sizes(tmp_path / "sizes.json")
