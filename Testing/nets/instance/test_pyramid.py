"""The feature pyramid: sizes, edges, and that every level knows the coarser ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nets.instance.small_network import image, small_network, small_shape
from PartialLabelSegLib.nets.instance.pyramid import Pyramid, finest


@pytest.mark.parametrize("size", [(16, 16), (7, 13), (1, 5)])
def test_levels_halve_from_the_second_one_on_for_any_image(size: tuple[int, int]) -> None:
    levels = small_network().pyramid(image(2, size))
    padded = tuple(-(-length // 4) * 4 for length in size)
    assert [tuple(level.shape) for level in levels] == [(2, 8, padded[0] // s, padded[1] // s) for s in (2, 4)]


def test_an_odd_image_is_continued_by_its_edge() -> None:
    network = small_network(norm="none")
    odd = image(1, (6, 7))
    whole = nn.functional.pad(odd, (0, 1, 0, 2), mode="replicate")
    for found, expected in zip(network.pyramid(odd), network.pyramid(whole)):
        assert torch.equal(found, expected)


def test_the_finest_level_sees_as_far_as_the_coarsest() -> None:
    network = small_network(norm="none").eval()
    first = image(1, (32, 32))
    second = first.clone()
    second[..., 20:, 20:] += 3
    same = [torch.isclose(a, b).all(1)[0] for a, b in zip(network.pyramid(first), network.pyramid(second))]
    assert not same[0][-1, -1]
    # What changed at row 20 is seen at a corner which the finest level's own convolutions do not reach.
    reach = torch.nonzero(~same[0])[:, 0].min()
    assert reach < 7 and same[0][0, 0]


def test_steps_may_differ_between_the_axes() -> None:
    levels = Pyramid(small_shape(strides=((1, 2), (2, 2))))(image(1, (8, 8)))
    assert [tuple(level.shape[2:]) for level in levels] == [(8, 4), (4, 2)]


def test_an_image_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="input must be"):
        small_network().pyramid(torch.zeros(1, 2, 8, 8))


def test_the_finest_level_lies_where_the_image_does() -> None:
    level = torch.zeros(1, 1, 4, 4)
    level[0, 0, 1, 2] = 1
    spread = finest([level], (7, 8), (2, 2))[0, 0]
    assert spread.shape == (7, 8)
    rows, columns = torch.nonzero(spread > 0.5, as_tuple=True)
    assert rows.tolist() == [2, 2, 3, 3] and columns.tolist() == [4, 5, 4, 5]
