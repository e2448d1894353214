"""What a U-Net may look like."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import log

import pytest

from PartialLabelSegLib.nets.architecture import Architecture


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"structures": 0}, "structures must be at least 1, got 0"),
        ({"in_channels": 0}, "in_channels"),
        ({"dimensions": 4}, "dimensions must be 2 or 3, got 4"),
        ({"widths": (8,)}, "widths"),
        ({"norm": "layer"}, "norm must be one of"),
        ({"layout": "dense"}, "layout must be one of"),
        ({"dropout": 1.0}, "dropout"),
        ({"prior": 0.0}, "prior must be strictly between 0 and 1"),
        ({"prior": (0.1, 0.2)}, "prior must be one number or 3"),
        ({"strides": (2,)}, "strides must be one per step down"),
        ({"strides": (2, (1, 2, 2), 2)}, "strides must be 2 positive numbers per step"),
        ({"strides": (2, 0, 2)}, "strides must be 2 positive numbers per step, got 0"),
    ],
)
def test_an_impossible_architecture_names_what_is_wrong(wrong: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Architecture(**{"structures": 3, **wrong})


def test_thick_slices_need_not_be_pooled() -> None:
    shape = Architecture(1, dimensions=3, widths=(8, 16, 32), strides=((1, 2, 2), 2))
    assert shape.steps == ((1, 2, 2), (2, 2, 2))
    assert shape.total_stride == (2, 4, 4)


def test_without_strides_every_step_halves_every_axis() -> None:
    assert Architecture(1, widths=(8, 16, 32)).total_stride == (4, 4)


def test_the_default_prior_has_log_odds_minus_five() -> None:
    assert [log(p / (1 - p)) for p in Architecture(2).priors] == pytest.approx([-5, -5])


def test_an_architecture_fits_into_json() -> None:
    shape = Architecture(2, dimensions=3, strides=((1, 2, 2), (2, 2, 2), (2, 2, 2)), prior=(0.1, 0.2))
    assert json.loads(json.dumps(asdict(shape)))["strides"][0] == [1, 2, 2]


def test_flat_levels_look_within_single_slices_and_only_in_3d() -> None:
    deep = Architecture(2, dimensions=3, widths=(4, 8, 16), flat_levels=2)
    assert [deep.kernel(level) for level in range(3)] == [(1, 3, 3), (1, 3, 3), (3, 3, 3)]
    assert Architecture(2, dimensions=2, widths=(4, 8), flat_levels=1).kernel(0) == (3, 3)
    with pytest.raises(ValueError, match="flat_levels"):
        Architecture(2, dimensions=3, widths=(4, 8), flat_levels=3)
