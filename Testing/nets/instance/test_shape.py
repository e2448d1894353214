"""What an instance network may look like."""

from __future__ import annotations

from typing import Any

import pytest

from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.instance.shape import InstanceShape, Selection


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"backbone": Architecture(1, dimensions=3)}, "sees slices"),
        ({"mask_head": "deep"}, "mask_head must be one of"),
        ({"mask": 13}, "mask even"),
        ({"width": 0}, "must be positive"),
        ({"anchor": 0.0}, "must be positive"),
    ],
)
def test_an_impossible_shape_names_what_is_wrong(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        InstanceShape(**{"backbone": Architecture(1), **wrong})


@pytest.mark.parametrize("wrong", [{"proposals": 0}, {"overlap": 0.0}, {"proposal_overlap": 1.1}, {"score": 1.0}])
def test_an_impossible_selection_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Selection(**wrong)


def test_the_pyramid_starts_at_the_second_level_of_the_encoder() -> None:
    shape = InstanceShape(Architecture(1, widths=(4, 8, 16), strides=(2, (1, 2))))
    assert shape.steps == ((2, 2), (2, 4))
