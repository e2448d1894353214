"""From targets to instances: components of the hardened label, what is set aside, and whose the soft voxels are."""

from __future__ import annotations

import torch
from torch import Tensor

from PartialLabelSegLib.nets.instance.truth import DOUBTFUL, Truth
from PartialLabelSegLib.train.instance_truth import FAINT, truth_of


def window(structures: int = 1, soft: bool = False) -> Tensor:
    return torch.zeros(structures, 12, 14, dtype=torch.float32 if soft else torch.bool)


def everywhere(target: Tensor) -> Truth:
    return truth_of(target, torch.ones_like(target, dtype=torch.bool))


def test_voxels_that_touch_at_a_corner_are_one_instance_and_boxes_end_behind_the_last_voxel() -> None:
    target = window(2)
    target[0, 1:3, 2:4] = True
    target[0, 3:5, 4:6] = True
    target[0, 8:11, 9:12] = True
    target[1, 1:4, 1:3] = True
    truth = everywhere(target)
    assert truth.boxes.tolist() == [[1, 2, 5, 6], [8, 9, 11, 12], [1, 1, 4, 3]]
    assert truth.structure.tolist() == [0, 0, 1] and truth.structure.dtype == torch.int64
    assert truth.owner[0, 1, 2] == truth.owner[0, 4, 5] == 1 and truth.owner[0, 9, 9] == 2 and truth.owner[1, 2, 2] == 3
    assert torch.equal(truth.owner > 0, target) and len(truth.doubtful) == 0


def test_a_rim_of_few_voxels_is_neither_an_instance_nor_nothing() -> None:
    target = window()
    target[0, 0, 3:6] = True
    target[0, 6:8, 6:8] = True
    truth = everywhere(target)
    assert truth.boxes.tolist() == [[6, 6, 8, 8]] and truth.doubtful.tolist() == [[0, 3, 1, 6]]
    assert truth.doubtful_structure.tolist() == [0]
    assert truth.owner[0, 0, 4] == DOUBTFUL and truth.owner[0, 6, 6] == 1


def test_what_is_drawn_where_nobody_looked_is_no_instance() -> None:
    target = window()
    target[0, 2:6, 2:6] = True
    known = torch.ones_like(target)
    known[0, :, 4:] = False
    truth = truth_of(target, known)
    assert truth.boxes.tolist() == [[2, 2, 6, 4]] and torch.equal(truth.known, known)


def test_an_empty_window_has_no_instance() -> None:
    truth = everywhere(window(3))
    assert truth.boxes.shape == truth.doubtful.shape == (0, 4) and not truth.owner.any()


def test_a_soft_label_is_hardened_at_one_half_and_its_soft_rim_belongs_to_the_nearest_instance() -> None:
    target = window(soft=True)
    target[0, 4:7, 1:13] = 0.3
    target[0, 4:7, 2:4] = 0.5
    target[0, 4:7, 9:12] = 0.9
    truth = everywhere(target)
    assert truth.boxes.tolist() == [[4, 2, 7, 4], [4, 9, 7, 12]]
    assert truth.owner[0, 5].tolist() == [0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0]
    assert len(truth.doubtful) == 0


def test_a_lesion_that_less_than_half_of_the_raters_saw_is_doubtful_and_a_fainter_one_is_nothing() -> None:
    target = window(soft=True)
    target[0, 1:4, 1:4] = 1.0
    target[0, 8:11, 8:12] = 0.25
    target[0, 8:11, 2:4] = FAINT / 2
    truth = everywhere(target)
    assert truth.boxes.tolist() == [[1, 1, 4, 4]] and truth.doubtful.tolist() == [[8, 8, 11, 12]]
    assert (truth.owner[0, 8:11, 8:12] == DOUBTFUL).all() and not truth.owner[0, 8:11, 2:4].any()


def test_a_window_with_doubt_alone_has_no_instance() -> None:
    target = window(soft=True)
    target[0, 2:6, 2:6] = 0.4
    truth = everywhere(target)
    assert len(truth.boxes) == 0 and truth.doubtful.tolist() == [[2, 2, 6, 6]]


def test_a_hard_label_given_as_numbers_has_the_same_instances() -> None:
    target = window(2)
    target[0, 2:5, 2:5] = True
    target[1, 7:9, 3:9] = True
    first, second = everywhere(target), everywhere(target.float())
    assert torch.equal(first.owner, second.owner) and torch.equal(first.boxes, second.boxes)
