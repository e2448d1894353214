"""Which boxes agree with the truth, and what the masks learn from it."""

from __future__ import annotations

from dataclasses import replace

import torch

from nets.instance.small_network import seeded, truth
from PartialLabelSegLib.nets.instance.truth import draw, judge, known_share, mask_targets

LIMITS = (0.3, 0.5)


def boxes(*rows: tuple[float, float, float, float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def test_a_box_is_one_none_or_neither_by_its_overlap_structure_by_structure() -> None:
    true = truth([[0, 0, 8, 8], [16, 16, 24, 24]], [0, 1])
    asked = boxes((0, 0, 8, 10), (0, 0, 8, 20), (0, 0, 8, 32), (16, 16, 24, 24), (2, 20, 6, 24))
    said = judge(asked, true, LIMITS)
    # IoU 0.8, 0.4, 0.25 with the first; 1 with the second.
    assert said.positive.tolist() == [[True, False], [False, False], [False, False], [False, True], [False, False]]
    assert said.negative.tolist() == [[False, True], [False, True], [True, True], [True, False], [True, True]]
    assert said.instance[[0, 3]].tolist() == [0, 1]


def test_the_best_anchor_of_an_instance_is_positive_however_small_its_overlap() -> None:
    true = truth([[0, 0, 3, 3]], [1])
    asked = boxes((0, 0, 8, 8), (4, 4, 12, 12), (1, 0, 9, 8))
    assert not judge(asked, true, LIMITS).positive.any()
    said = judge(asked, true, LIMITS, best_too=True)
    assert said.positive.tolist() == [[False, True], [False, False], [False, False]]
    assert not said.negative[0, 1] and said.negative[1:, 1].all()


def test_an_instance_that_no_box_touches_makes_none_positive() -> None:
    said = judge(boxes((20, 20, 24, 24)), truth([[0, 0, 3, 3]], [1]), LIMITS, best_too=True)
    assert not said.positive.any() and said.negative.all()


def test_a_window_without_instances_or_without_boxes_is_judged() -> None:
    said = judge(boxes((0, 0, 8, 8)), truth([], []), LIMITS, best_too=True)
    assert not said.positive.any() and said.negative.all() and said.instance.tolist() == [0]
    assert judge(boxes(), truth([[0, 0, 3, 3]], [1]), LIMITS, best_too=True).positive.shape == (0, 2)


def test_nothing_is_denied_where_nobody_looked() -> None:
    true = truth([[0, 0, 8, 8]], [0])
    known = true.known.clone()
    known[1, :, 10:] = False
    said = judge(boxes((0, 0, 8, 8), (0, 10, 8, 18), (20, 2, 30, 11)), replace(true, known=known), LIMITS)
    # The last box has a ninth of its voxels where nobody looked for the second structure.
    assert said.negative.tolist() == [[False, True], [True, False], [True, False]]
    assert said.positive.tolist() == [[True, False], [False, False], [False, False]]


def test_what_is_doubtful_is_neither_learned_nor_denied() -> None:
    true = truth([], [], doubtful=[4, 4, 12, 12])
    said = judge(boxes((5, 5, 8, 8), (4, 4, 12, 14), (20, 20, 28, 28)), true, LIMITS)
    assert said.negative.tolist() == [[False, True], [False, True], [True, True]] and not said.positive.any()


def test_the_known_share_counts_voxels() -> None:
    known = torch.rand(3, 9, 11, generator=seeded()) < 0.7
    asked = boxes((0, 0, 9, 11), (2, 3, 5, 4), (-4, -4, 3, 2), (8, 8, 30, 30), (4, 4, 4, 9), (20, 20, 25, 25))
    found = known_share(known, asked)
    for row, (top, left, bottom, right) in enumerate(asked.long().tolist()):
        part = known[:, max(0, top) : max(0, bottom), max(0, left) : max(0, right)].float()
        expected = part.mean((1, 2)) if part.numel() else torch.ones(3)
        torch.testing.assert_close(found[row], expected)


def test_the_draw_takes_at_most_its_share_of_positives_and_repeats_with_its_generator() -> None:
    true = truth([[0, 0, 8, 8]], [0])
    asked = boxes(*[(0, 0, 8, 8)] * 10, *[(16, 16, 24, 24)] * 50)
    said = judge(asked, true, LIMITS)
    yes, no = draw(said, 16, 0.25, seeded(3))
    assert len(yes) == 4 and len(no) == 12 and yes.max() < 10 <= no.min()
    assert yes.unique().numel() == 4 and no.unique().numel() == 12
    again = draw(said, 16, 0.25, seeded(3))
    other = draw(said, 16, 0.25, seeded(4))
    assert torch.equal(yes, again[0]) and torch.equal(no, again[1]) and not torch.equal(no, other[1])
    few = judge(asked[:2], true, LIMITS)
    assert [len(part) for part in draw(few, 16, 0.25, seeded())] == [2, 0]


def test_a_mask_learns_its_own_instance_and_not_its_neighbour() -> None:
    true = truth([[0, 0, 8, 8], [0, 8, 8, 16]], [0, 0])
    target = torch.zeros(2, 32, 32, dtype=torch.bool)
    target[0, :8, :16] = True
    found, weight = mask_targets(true, target, boxes((0, 0, 8, 16), (0, 4, 8, 12)), torch.tensor([0, 1]), 4)
    assert found[0, 0].tolist() == [[1, 1, 0, 0]] * 4 and found[1, 0].tolist() == [[0, 0, 1, 1]] * 4
    assert found.shape == weight.shape == (2, 1, 4, 4) and weight.eq(1).all()


def test_a_soft_target_stays_soft_and_a_hard_one_hard() -> None:
    true = truth([[0, 0, 8, 8]], [1])
    soft = torch.zeros(2, 32, 32)
    soft[1, :8, :8] = 0.75
    box, which = boxes((0, 0, 8, 8)), torch.tensor([0])
    assert mask_targets(true, soft, box, which, 4)[0].eq(0.75).all()
    partly = boxes((1, 0, 9, 8))
    hard = mask_targets(true, soft > 0.5, partly, which, 4)[0]
    assert set(hard.unique().tolist()) <= {0.0, 1.0}


def test_what_is_unknown_or_doubtful_has_no_weight_and_does_not_mix_in() -> None:
    true = truth([[0, 0, 8, 8]], [0], doubtful=[0, 8, 8, 12])
    known = true.known.clone()
    known[0, 4:] = False
    target = torch.zeros(2, 32, 32)
    target[0, :8, :8] = 0.8
    target[0, 4:8, :8] = 0.1
    target[0, :8, 8:12] = 0.3
    found, weight = mask_targets(replace(true, known=known), target, boxes((0, 0, 8, 16)), torch.tensor([0]), 8)
    torch.testing.assert_close(weight[0, 0, 1], torch.tensor([1.0, 1, 1, 0.75, 0, 0.25, 1, 1]), atol=0.26, rtol=0)
    assert weight[0, 0, 5:].eq(0).all() and found[0, 0, 5:].eq(0).all()
    torch.testing.assert_close(found[0, 0, :4, :4], torch.full((4, 4), 0.8))
    torch.testing.assert_close(found[0, 0, :3, 6:], torch.zeros(3, 2))


def test_no_positive_box_has_no_mask() -> None:
    found, weight = mask_targets(truth([], []), torch.zeros(2, 32, 32), boxes(), torch.zeros(0, dtype=torch.int64), 4)
    assert found.shape == weight.shape == (0, 1, 4, 4)
