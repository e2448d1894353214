"""Non-maximum suppression against the greedy way, written out."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.nets.instance.suppression import grouped_nms, plain_nms

whole = st.integers(0, 6)
many_boxes = st.lists(st.tuples(whole, whole, st.integers(0, 5), st.integers(0, 5), st.integers(0, 4)), max_size=14)


def greedy(boxes: list[list[float]], scores: list[float], threshold: float) -> list[int]:
    """The surest first; each one that overlaps none of those kept by more than the threshold is kept."""
    kept: list[int] = []
    for place in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        if all(overlap(boxes[place], boxes[other]) <= threshold for other in kept):
            kept.append(place)
    return kept


def overlap(first: list[float], second: list[float]) -> float:
    height = max(0, min(first[2], second[2]) - max(first[0], second[0]))
    width = max(0, min(first[3], second[3]) - max(first[1], second[1]))
    size = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - height * width
    return height * width / size if size else 0.0


@given(drawn=many_boxes, threshold=st.sampled_from([0.0, 0.21, 0.34, 0.51, 0.99]))
def test_the_same_boxes_stay_as_when_the_surest_are_taken_one_by_one(
    drawn: list[tuple[int, int, int, int, int]], threshold: float
) -> None:
    boxes = torch.tensor([[y, x, y + h, x + w] for y, x, h, w, _ in drawn], dtype=torch.float32).reshape(-1, 4)
    scores = torch.tensor([one[4] / 4 for one in drawn])
    assert plain_nms(boxes, scores, threshold).tolist() == greedy(boxes.tolist(), scores.tolist(), threshold)


def test_a_box_that_is_dropped_drops_none() -> None:
    chain = torch.tensor([[0.0, start, 4.0, start + 4.0] for start in (0.0, 2.0, 4.0, 6.0, 8.0)])
    assert plain_nms(chain, torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5]), 0.3).tolist() == [0, 2, 4]


def test_an_overlap_of_just_the_threshold_is_allowed() -> None:
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.0]])
    assert plain_nms(boxes, torch.tensor([0.5, 0.6]), 0.5).tolist() == [1, 0]
    assert plain_nms(boxes, torch.tensor([0.5, 0.6]), 0.49).tolist() == [1]


def test_groups_do_not_see_each_other() -> None:
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0]] * 4)
    scores, groups = torch.tensor([0.4, 0.9, 0.6, 0.5]), torch.tensor([0, 0, 1, 2])
    assert grouped_nms(boxes, scores, groups, 0.5).tolist() == [1, 2, 3]
    assert grouped_nms(boxes[:0], scores[:0], groups[:0], 0.5).shape == (0,)
