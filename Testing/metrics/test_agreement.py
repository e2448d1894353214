"""Agreement of raters: pairs, consensus and bias by hand, on what both read, and the tables of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.template import around_bone
from PartialLabelSegLib.data.raters.types import Reading, Tick
from PartialLabelSegLib.metrics.agreement import Agreement, agreement
from PartialLabelSegLib.metrics.agreement_table import format_agreement
from PartialLabelSegLib.metrics.compared_scan import ComparedCells, ComparedScan, compared
from PartialLabelSegLib.metrics.icc import icc_single
from PartialLabelSegLib.metrics.measure import Comparison, measure
from PartialLabelSegLib.metrics.scan_agreement import scan_agreement

# Voxels of 10 x 10 x 10 mm, which is 1 mL each; three slices of 2 x 4.
GRID = Grid((4, 2, 3), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def mask(*voxels: tuple[int, int, int]) -> np.ndarray:
    result = np.zeros(GRID.shape, bool)
    for voxel in voxels:
        result[voxel] = True
    return result


def row(length: int, index: int = 0) -> np.ndarray:
    return mask(*((index, 0, column) for column in range(length)))


def scan(case: str, masks: Mapping[str, np.ndarray], consensus: np.ndarray, **read: list[bool]) -> ComparedScan:
    return ComparedScan(case, GRID, masks, consensus, {name: np.array(flags) for name, flags in read.items()})


def study() -> Agreement:
    scans = [
        scan("one", {"Ann": row(2), "Bob": row(4)}, row(3)),
        scan("two", {"Ann": row(1), "Bob": row(1)}, row(1)),
        scan("three", {"Bob": row(3)}, row(4)),
    ]
    return agreement(scans, "Lesion", "majority")


def test_a_pair_is_compared_on_the_scans_that_both_read() -> None:
    (pair,) = study().pairs
    assert (pair.first, pair.second, pair.scans) == ("Ann", "Bob", 2)
    assert pair.dice.mean == pytest.approx((4 / 6 + 1) / 2)
    assert pair.difference_ml.mean == pytest.approx((-2 + 0) / 2)
    # Voxels 2 and 3 of Bob are 10 and 20 mm from Ann's last one, all six surface voxels together; the second scan agrees.
    assert pair.asd_mm.mean == pytest.approx((30 / 6 + 0) / 2)
    assert pair.volume == icc_single(np.array([[2.0, 4.0], [1.0, 1.0]]))


def test_a_rater_has_a_bias_and_limits_of_agreement_against_the_consensus() -> None:
    ann, bob = study().raters
    assert (ann.rater, ann.scans, bob.rater, bob.scans) == ("Ann", 2, "Bob", 3)
    assert ann.bias_ml.mean == pytest.approx((-1 + 0) / 2)
    assert ann.precision.mean == 1.0 and ann.recall.mean == pytest.approx((2 / 3 + 1) / 2)
    assert ann.limits_ml == pytest.approx((-0.5 - 1.96 * math.sqrt(0.5), -0.5 + 1.96 * math.sqrt(0.5)))
    assert [(item.case, item.rater_ml, item.consensus_ml) for item in bob.volumes] == [
        ("one", 4, 3),
        ("two", 1, 1),
        ("three", 3, 4),
    ]
    assert bob.bias_share.mean == pytest.approx((1 / 3 + 0 - 1 / 4) / 3)


def test_all_together_uses_every_pair_once_and_says_what_it_left_out() -> None:
    result = study()
    assert result.dice.n == 2 and result.dice.mean == pytest.approx(5 / 6)
    assert (result.volume.scans, result.volume.raters) == (2, 2)
    assert result.remarks == ("The volume ICC of all raters is that of the 2 of 3 scans that every rater read.",)


def test_an_unread_slice_is_compared_with_nobody() -> None:
    ann, bob = row(2) | row(4, 1), row(2) | row(1, 2)
    flags = {"Ann": [True, True, False], "Bob": [True, False, True]}
    result = agreement([scan("one", {"Ann": ann, "Bob": bob}, row(2) | row(3, 1), **flags)], "Lesion", "majority")
    assert result.pairs[0].dice.mean == 1.0 and result.pairs[0].difference_ml.mean == 0.0
    assert result.raters[0].bias_ml.mean == 1.0 and result.raters[1].bias_ml.mean == 1.0


def test_raters_without_a_common_slice_are_no_pair() -> None:
    masks = {"Ann": row(2), "Bob": row(2), "Eve": row(1)}
    result = agreement([scan("one", masks, row(2), Ann=[True, False, False], Bob=[False, True, True])], "Lesion", "m")
    assert [(pair.first, pair.second) for pair in result.pairs] == [("Ann", "Eve"), ("Bob", "Eve")]
    assert "No scan was read by both: Ann and Bob." in result.remarks


def test_an_empty_consensus_is_told_and_counted_as_undefined() -> None:
    result = agreement([scan("one", {"Ann": row(2)}, row(0)), scan("two", {"Ann": row(1)}, row(1))], "Lesion", "m")
    assert result.raters[0].recall.undefined == 1 and result.raters[0].dice.mean == 0.5
    assert any("In 1 of 2 scans the consensus is empty" in remark for remark in result.remarks)


def cells(**ticks: list[list[bool]]) -> ComparedCells:
    counted = np.array([[True, True, False], [True, True, True], [True, False, False]])
    return ComparedCells({name: np.array(flags) for name, flags in ticks.items()}, counted)


def test_the_kappa_counts_cells_on_the_bone_that_two_raters_read() -> None:
    ticked = cells(
        Ann=[[True, False, True], [True, False, False], [False] * 3],
        Bob=[[True, True, False], [True, False, False], [True, False, False]],
    )
    read = {"Bob": np.array([True, True, False])}
    one = ComparedScan("one", GRID, {"Ann": row(1), "Bob": row(2)}, row(1), read, 0, ticked)
    result = agreement([one], "Lesion", "majority")
    # Five cells: both yes, one each, both yes, both no, both no. Shares of yes and no are 1/2.
    assert (result.cells.items, result.cells.ratings) == (5, 10)
    assert result.cells.observed == pytest.approx(0.8) and result.cells.expected == pytest.approx(0.5)
    assert result.cells == result.pairs[0].cells and result.cells.value == pytest.approx(0.6)


def test_readings_of_a_study_become_what_is_compared() -> None:
    bone = np.ones(GRID.shape, bool)
    bone[:, :, 2:] = False
    grid = around_bone(np.ones(GRID.shape, bool), 1, 2)
    readings = (
        Reading("one", "Ann", frozenset({0, 1}), (Tick(0, 0, 0), Tick(1, 0, 1, 0.25), Tick(1, 0, 0, 0.0))),
        Reading("one", "Bob", ticks=(Tick(2, 0, 0),)),
    )
    result = compared("one", GRID, RatedScan(readings, GRID.shape, grid, bone), row(2))
    assert result.masks["Ann"].sum() == 4 and result.masks["Bob"][2, :, :2].all()
    assert result.slices("Ann", "Bob").tolist() == [True, True, False]
    assert result.cells is not None and result.cells.counted.tolist() == [[True, False]] * 3
    assert result.cells.ticks["Ann"].tolist() == [[True, False], [False, True], [False, False]]


def test_the_tables_are_aligned_and_complete() -> None:
    assert format_agreement(study()).splitlines() == [
        "Lesion: raters against the consensus (majority)",
        "Rater  n           Dice       ASD mm    HD95 mm      Precision         Recall       Bias mL      Limits mL  Bias %",
        "Ann    2  0.900 ± 0.141  1.00 ± 1.41  4.5 ± 6.4  1.000 ± 0.000  0.833 ± 0.236  -0.50 ± 0.71  -1.89 to 0.89   -16.7",
        "Bob    3  0.905 ± 0.082  0.95 ± 0.82  5.7 ± 4.9  0.917 ± 0.144  0.917 ± 0.144   0.00 ± 1.00  -1.96 to 1.96     2.8",
        "",
        "Lesion: pairs of raters",
        "Raters     n           Dice       ASD mm     HD95 mm  Difference mL        Volume ICC (95 %)",
        "Ann - Bob  2  0.833 ± 0.236  2.50 ± 3.54  9.2 ± 13.1   -1.00 ± 1.41  0.600 (-0.837 to 0.999)",
        "",
        "All pairs: Dice 0.833 ± 0.236.",
        "All raters, volume: ICC(2,1) 0.600 (-0.837 to 0.999), 2 raters of 2 scans.",
        "",
        "The volume ICC of all raters is that of the 2 of 3 scans that every rater read.",
    ]


def test_one_rater_has_no_pairs_and_no_kappa() -> None:
    text = format_agreement(agreement([scan("one", {"Ann": row(2)}, row(2))], "Lesion", "majority"))
    assert "pairs" not in text and "kappa" not in text and "nan" not in text


def test_the_json_is_plain_and_says_its_rules() -> None:
    value = study().to_json()
    assert json.loads(json.dumps(value, allow_nan=False)) == json.loads(json.dumps(value))
    assert value["pairs"][0]["cells"]["value"] is None and value["raters"][0]["limits_ml"][0] < 0
    assert value["raters"][1]["volumes"][2] == {"case": "three", "rater_ml": 3.0, "consensus_ml": 4.0}
    assert "ICC(2,1)" in value["rules"]["volume"]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one rater"):
        agreement([scan("one", {}, row(1))], "Lesion", "m")
    with pytest.raises(ValueError, match="one name"):
        agreement([scan("one", {"Ann": row(1)}, row(1))] * 2, "Lesion", "m")
    with pytest.raises(ValueError, match="mask of 'Ann'"):
        scan("one", {"Ann": np.ones((1, 2, 4), bool)}, row(1))
    with pytest.raises(ValueError, match="one per slice"):
        scan("one", {"Ann": row(1)}, row(1), Ann=[True])
    with pytest.raises(ValueError, match="ticks of rater 'Ann'"):
        ComparedCells({"Ann": np.zeros((1, 1), bool)}, np.zeros((2, 1), bool))


@settings(max_examples=40)
@given(
    hnp.arrays(np.bool_, (3, *GRID.shape), elements=st.sampled_from([False, False, False, True])),
    st.integers(0, 2),
    st.data(),
)
def test_the_crop_around_what_is_marked_changes_no_measure(masks: np.ndarray, axis: int, data: st.DataObject) -> None:
    flags = data.draw(hnp.arrays(np.bool_, GRID.shape[axis]))
    whole = ComparedScan("one", GRID, {"Ann": masks[0], "Bob": masks[1]}, masks[2], {"Ann": flags}, axis)
    found, expected = scan_agreement(whole), whole.within(whole.slices("Ann", "Bob"))
    for own, other, measured in (
        (masks[0], masks[1], found.pairs.get(frozenset(("Ann", "Bob")))),
        (masks[0], masks[2], found.against.get("Ann")),
    ):
        assert (measured is not None) == flags.any()
        if measured is not None:
            again = measure("one", "", Comparison(own, other, GRID, expected))
            assert measured.values() == pytest.approx(again.values(), nan_ok=True)
