"""Losses of disagreement, against sums over pairs written out."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from PartialLabelSegLib.losses.consistency import between_views, with_teacher


def pair_by_pair(said: list[Tensor], seen: list[Tensor], mask: Tensor | None) -> float:
    total, count = 0.0, 0
    for (first, one), (second, other) in combinations(zip(said, seen, strict=True), 2):
        both = (one & other).expand_as(first)
        both = both if mask is None else both & mask
        total += float((first - second).square()[both].sum())
        count += int(both.sum())
    return total / max(count, 1)


@given(st.integers(0, 2**31), st.integers(2, 6), st.booleans())
def test_the_views_loss_is_the_mean_over_all_pairs(seed: int, views: int, masked: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    said = [torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64) for _ in range(views)]
    seen = [torch.rand(4, 5, generator=generator) < 0.7 for _ in range(views)]
    mask = torch.rand(2, 3, 4, 5, generator=generator) < 0.5 if masked else None
    assert float(between_views(said, seen, mask)) == pytest.approx(pair_by_pair(said, seen, mask), abs=1e-12)


def test_two_views_of_two_voxels_by_hand() -> None:
    said = [torch.tensor([[[0.5, 0.9]]]), torch.tensor([[[0.1, 0.4]]])]
    everywhere = torch.ones(2, dtype=torch.bool)
    assert float(between_views(said, [everywhere, everywhere])) == pytest.approx((0.16 + 0.25) / 2)
    assert float(between_views(said, [everywhere, torch.tensor([True, False])])) == pytest.approx(0.16)


def test_a_voxel_that_one_view_sees_alone_has_no_gradient_even_if_it_is_not_a_number() -> None:
    first = torch.tensor([[[0.5, 0.2]]], requires_grad=True)
    second = torch.tensor([[[0.25, float("nan")]]])
    loss = between_views([first, second], [torch.tensor([True, True]), torch.tensor([True, False])])
    loss.backward()
    assert first.grad is not None and first.grad.flatten().tolist() == pytest.approx([0.5, 0])


def test_where_no_voxel_is_seen_twice_nothing_is_lost() -> None:
    said = [torch.rand(1, 1, 2), torch.rand(1, 1, 2)]
    assert float(between_views(said, [torch.tensor([True, False]), torch.tensor([False, True])])) == 0


def test_a_single_view_and_views_of_other_sizes_are_refused() -> None:
    one, seen = torch.rand(1, 1, 2), torch.ones(2, dtype=torch.bool)
    with pytest.raises(ValueError, match="there must be two, got 1"):
        between_views([one], [seen])
    with pytest.raises(ValueError, match="shape"):
        between_views([one, torch.rand(1, 2, 2)], [seen, seen])


def test_the_teachers_loss_is_the_mean_squared_difference() -> None:
    student, teacher = torch.tensor([[[0.5, 0.9]]]), torch.tensor([[[0.1, 0.8]]])
    assert float(with_teacher(student, teacher)) == pytest.approx((0.16 + 0.01) / 2)
    assert float(with_teacher(student, teacher, torch.tensor([False, True]))) == pytest.approx(0.01)
    assert float(with_teacher(student, teacher, torch.tensor([False, False]))) == 0
