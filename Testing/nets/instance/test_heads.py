"""The heads: shapes, first scores, and what the improved mask head has more than the plain one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nets.instance.small_network import K, seeded, small_network, small_shape
from PartialLabelSegLib.nets.instance.heads import BoxHead, MaskHead


def test_the_box_head_scores_each_structure_for_itself_and_starts_unsure() -> None:
    head = BoxHead(small_shape(), seeded())
    logits, deltas = head(torch.randn(5, 8, 3, 3, generator=seeded(1)))
    assert logits.shape == (5, K) and deltas.shape == (5, 4)
    assert torch.sigmoid(logits).mean().item() == pytest.approx(0.05, rel=0.2) and deltas.abs().max() < 0.5


@pytest.mark.parametrize(("kind", "pooled"), [("improved", 8), ("plain", 4)])
def test_masks_have_the_size_of_the_shape_and_start_undecided(kind: str, pooled: int) -> None:
    head = small_network(mask_head=kind).mask_head
    assert head.pooled == pooled
    logits = head(torch.randn(3, 8, pooled, pooled, generator=seeded(1)))
    assert logits.shape == (3, K, 8, 8)
    assert torch.sigmoid(logits).mean().item() == pytest.approx(0.5, abs=0.1)


def test_the_improved_head_has_an_encoder_layer_a_step_down_and_a_skip_connection() -> None:
    improved, plain = (MaskHead(small_shape(mask_head=kind), seeded()) for kind in ("improved", "plain"))

    def strides(head: MaskHead) -> list[int]:
        return [layer.stride[0] for layer in head.modules() if isinstance(layer, nn.Conv2d)]

    assert strides(improved) == [1, 2, 1, 1, 1] and strides(plain) == [1, 1, 1, 1, 1]
    assert isinstance(plain.encode, nn.Identity)
    assert isinstance(improved.join, nn.Sequential)
    first = improved.join[0]
    assert isinstance(first, nn.Conv2d) and (first.in_channels, first.out_channels) == (16, 8)


def test_fine_detail_reaches_the_mask_past_the_step_down() -> None:
    head = small_network().mask_head
    with torch.no_grad():
        head.up.weight.zero_()
        head.output.weight.normal_(0, 1, generator=seeded(2))
    regions = torch.randn(1, 8, 8, 8, generator=seeded(3))
    assert head(regions).std() > 0.1


def test_scores_are_float32_and_not_rounded_under_autocast() -> None:
    network = small_network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores, deltas = network.box_head(torch.randn(4, 8, 3, 3, generator=seeded(1)))
        masks = network.mask_head(torch.randn(4, 8, 8, 8, generator=seeded(1)))
    for found in (scores, deltas, masks):
        assert found.dtype == torch.float32 and not torch.equal(found, found.bfloat16().float())
