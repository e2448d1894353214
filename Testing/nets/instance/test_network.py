"""The whole instance network: any size, any number of detections, any precision; and as a segmentation network."""

from __future__ import annotations

import pytest
import torch

from nets.instance.small_network import K, image, seeded, small_network
from PartialLabelSegLib.nets.heads import ConfidenceHead, ConfidenceNetwork
from PartialLabelSegLib.nets.instance.detections import probability
from PartialLabelSegLib.nets.instance.network import SURE, InstanceNetwork
from PartialLabelSegLib.nets.instance.shape import Selection


@pytest.mark.parametrize("kind", ["improved", "plain"])
@pytest.mark.parametrize("size", [(32, 32), (9, 21), (1, 6)])
def test_logits_and_features_have_the_size_of_any_image(size: tuple[int, int], kind: str) -> None:
    network = small_network(mask_head=kind)
    assert network(image(2, size)).shape == (2, K, *size)
    assert network.features(image(2, size)).shape == (2, network.feature_count, *size)


def test_logits_are_those_of_the_detections_and_of_the_features() -> None:
    network = small_network(selection=Selection(score=0.0)).eval()
    found = network.detect(image())
    assert all(0 < len(one) <= 32 for one in found)
    planes = torch.stack([probability(one, K, (32, 32)) for one in found])
    logits = network(image())
    torch.testing.assert_close(logits, torch.logit(planes, SURE))
    assert torch.equal(network.logits_from(network.features(image())), logits)
    assert planes.max() > 0 and logits.isfinite().all()


def test_detections_come_surest_first_with_masks_of_their_own_structure() -> None:
    network = small_network(selection=Selection(score=0.0, overlap=1.0)).eval()
    found = network.detect(image(1))[0]
    assert torch.equal(found.score, found.score.sort(descending=True).values)
    levels = network.pyramid(image(1))
    masks = torch.sigmoid(network.outline(levels, [found.boxes]))
    for mask, structure, every in zip(found.mask, found.structure, masks):
        torch.testing.assert_close(mask, every[structure])
    structures = [
        set(one.structure.tolist())
        for one in small_network(selection=Selection(score=0.0, detections=99)).eval().detect(image(4))
    ]
    assert set.union(*structures) == {0, 1}


def test_where_nothing_is_sure_enough_every_probability_is_zero() -> None:
    network = small_network(selection=Selection(score=0.99)).eval()
    assert [len(one) for one in network.detect(image())] == [0, 0]
    assert torch.sigmoid(network(image())).max() < 2 * SURE


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_detects_about_the_same(precision: torch.dtype) -> None:
    network = small_network(selection=Selection(score=0.0)).eval()
    with torch.no_grad():
        expected = torch.sigmoid(network(image()))
        with torch.autocast("cpu", dtype=precision):
            logits = network(image())
            features = network.features(image())
    assert logits.dtype == features.dtype == torch.float32 and logits.isfinite().all()
    assert (torch.sigmoid(logits) - expected).abs().mean() < 0.02


def test_the_same_generator_gives_the_same_weights_and_detections() -> None:
    first, second, other = small_network(), small_network(), InstanceNetwork(small_network().shape, seeded(9))
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b), name
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    assert torch.equal(first.eval()(image()), second.eval()(image()))


def test_channels_last_changes_the_memory_and_not_the_answer() -> None:
    network = small_network(selection=Selection(score=0.0)).eval()
    expected = network(image())
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = network(image().contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(torch.sigmoid(found), torch.sigmoid(expected), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("correcting", [True, False])
def test_a_confidence_head_stands_on_it_and_moves_a_copy_only(correcting: bool) -> None:
    network = small_network(selection=Selection(score=0.0))
    head = ConfidenceHead(network.feature_count, K, 2, (4,), seeded())
    confident = ConfidenceNetwork(network, head, correcting=correcting)
    confident.eval()
    if correcting:
        assert torch.equal(confident(image()), network.eval()(image()))
    confident.train()
    confident(image()).square().mean().backward()
    assert all(parameter.grad is None for parameter in network.parameters())
    moved = [name for name, one in confident.named_parameters() if one.grad is not None and one.grad.abs().sum() > 0]
    assert any(name.startswith("head") for name in moved)
    assert correcting == any(name.startswith("backbone.box_head") for name in moved)
