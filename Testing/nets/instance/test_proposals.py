"""Anchors, and the boxes that leave the region proposal network."""

from __future__ import annotations

import torch

from nets.instance.small_network import K, image, small_network
from PartialLabelSegLib.nets.instance.boxes import areas, encode, iou
from PartialLabelSegLib.nets.instance.proposals import Proposed, anchors, best_proposals
from PartialLabelSegLib.nets.instance.shape import RATIOS, Selection


def test_anchors_are_centred_on_their_cells_with_one_area_and_three_ratios() -> None:
    found = anchors((2, 3), (2, 4), 4.0, torch.device("cpu")).view(2, 3, 3, 4)
    middle = (found[..., :2] + found[..., 2:]) / 2
    assert middle[1, 2, 0].tolist() == [3, 10] and middle[0, 0, 1].tolist() == [1, 2]
    torch.testing.assert_close(areas(found.view(-1, 4)), torch.full((18,), 16.0 * 8))
    sides = found[0, 0, :, 2:] - found[0, 0, :, :2]
    torch.testing.assert_close(sides[:, 0] / sides[:, 1], torch.tensor(RATIOS))


def test_logits_deltas_and_anchors_speak_of_the_same_places() -> None:
    network = small_network()
    levels = network.pyramid(image())
    said = network.propose(levels)
    assert said.logits.shape == (2, 3 * (16 * 16 + 8 * 8), K) and said.deltas.shape == (2, 960, 4)
    assert said.anchors.shape == (960, 4) and said.level.bincount().tolist() == [768, 192]
    head = network.proposal_head
    row, column, ratio, structure = 3, 5, 2, 1
    hidden = head.body(levels[1])
    one = head.score(hidden)[1, ratio * K + structure, row, column]
    place = 768 + (row * 8 + column) * 3 + ratio
    torch.testing.assert_close(said.logits[1, place, structure], one)
    torch.testing.assert_close(said.deltas[1, place], head.move(hidden)[1, ratio * 4 : ratio * 4 + 4, row, column])
    middle = (said.anchors[place, :2] + said.anchors[place, 2:]) / 2
    assert middle.tolist() == [14, 22]


def test_an_untrained_network_finds_nothing_likely() -> None:
    said = small_network().propose(small_network().pyramid(image()))
    assert torch.sigmoid(said.logits).mean() < 0.1


def test_the_best_of_each_level_leave_without_doubles_cut_at_the_image() -> None:
    near, same, far, beyond = (
        (0.0, 0.0, 8.0, 8.0),
        (0.0, 0.0, 8.0, 8.5),
        (10.0, 10.0, 14.0, 14.0),
        (-9.0, 12.0, 3.0, 30.0),
    )
    wanted = torch.tensor([near, same, far, beyond, (-8.0, -8.0, -1.0, -1.0)])
    start = torch.tensor([[4.0, 4.0, 12.0, 12.0]] * 5)
    logits = torch.tensor([[0.5, -9], [-9, 0.9], [0.1, 0.2], [-1, -1], [5, 5]])[None]
    said = Proposed(logits, encode(wanted, start)[None], start, torch.tensor([0, 0, 0, 1, 1]))
    (found,) = best_proposals(said, (16, 16), Selection(per_level=3, proposals=3))
    torch.testing.assert_close(
        found, torch.tensor([list(same), list(far), [0.0, 12.0, 3.0, 16.0]]), atol=1e-4, rtol=1e-4
    )
    (fewer,) = best_proposals(said, (16, 16), Selection(per_level=1, proposals=3))
    assert len(fewer) == 1 and iou(fewer, torch.tensor([same])).item() > 0.99
    assert not found.requires_grad
