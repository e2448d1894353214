"""Instances of a scan: joined over its slices by overlap, each voxel given once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from PartialLabelSegLib.data.lesions import numbered
from PartialLabelSegLib.metrics.detection import Instance
from PartialLabelSegLib.nets.instance.detections import Detections
from PartialLabelSegLib.nets.instance.network import InstanceNetwork
from PartialLabelSegLib.train.instances import Outline, joined, predict_instances
from PartialLabelSegLib.train.network import build_segmentation
from train.ellipses import instance_plan
from train.making import CPU

SIZE = (10, 12)


def outline(top: int, left: int, bottom: int, right: int, score: float = 0.5) -> Outline:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return Outline(np.flatnonzero(mask).astype(np.int64), score)


def spans(instance: Instance) -> list[tuple[int, int]]:
    """Which slices an instance is in, with its voxels in each."""
    slices, counts = np.unique(instance.indices // (SIZE[0] * SIZE[1]), return_counts=True)
    return list(zip(slices.tolist(), counts.tolist()))


def test_outlines_that_overlap_from_slice_to_slice_are_one_instance_with_the_surest_score() -> None:
    slices = [
        [],
        [outline(2, 2, 6, 6, 0.4)],
        [outline(2, 3, 6, 7, 0.9), outline(7, 7, 9, 9, 0.6)],
        [outline(3, 3, 6, 6)],
        [],
    ]
    first, second = joined(slices, SIZE)
    assert spans(first) == [(1, 16), (2, 16), (3, 9)] and first.score == 0.9
    assert spans(second) == [(2, 4)] and second.score == 0.6


def test_one_slice_may_be_missed_and_two_may_not() -> None:
    one = outline(2, 2, 6, 6)
    assert [spans(found) for found in joined([[one], [], [one]], SIZE)] == [[(0, 16), (2, 16)]]
    assert [spans(found) for found in joined([[one], [], [], [one]], SIZE)] == [[(0, 16)], [(3, 16)]]


def test_outlines_that_hardly_overlap_are_two_instances() -> None:
    # 4 of 28 voxels, an IoU of a seventh, and 8 of 24, a third.
    assert len(joined([[outline(2, 2, 6, 6)], [outline(2, 5, 6, 9)]], SIZE)) == 2
    assert len(joined([[outline(2, 2, 6, 6)], [outline(2, 4, 6, 8)]], SIZE)) == 1


def test_the_best_pairs_are_joined_first_and_each_outline_once() -> None:
    left, right = outline(2, 0, 6, 5, 0.8), outline(2, 5, 6, 10, 0.7)
    found = joined([[left, right], [outline(2, 1, 6, 9, 0.6)]], SIZE)
    # The wide outline overlaps both alike (16 of 36 voxels): it goes on with the first, and the other ends.
    assert [spans(one) for one in found] == [[(0, 20), (1, 32)], [(0, 20)]]
    found = joined([[left, right], [outline(2, 2, 6, 10, 0.6)]], SIZE)
    assert [spans(one) for one in found] == [[(0, 20)], [(0, 20), (1, 32)]]


def test_a_voxel_belongs_to_the_surest_instance_alone() -> None:
    found = joined([[outline(0, 0, 4, 4, 0.6), outline(0, 2, 4, 6, 0.9), outline(1, 3, 3, 5, 0.3)]], SIZE)
    assert [(spans(one), one.score) for one in found] == [([(0, 16)], 0.9), ([(0, 8)], 0.6)]
    every = np.concatenate([one.indices for one in found])
    assert np.unique(every).size == every.size


def test_a_scan_without_outlines_has_no_instance() -> None:
    assert joined([], SIZE) == () and joined([[], []], SIZE) == ()


class Seeing(InstanceNetwork):
    """Finds one box of four by four voxels where the slice itself, not its neighbours, is bright."""

    def detect(self, image: torch.Tensor) -> list[Detections]:
        found = []
        for one in image[:, image.shape[1] // 2]:
            places = torch.nonzero(one > 0)[:1].float()
            boxes = torch.cat([places, places + 4], 1)
            count = len(places)
            found.append(
                Detections(
                    boxes, torch.ones(count, dtype=torch.int64), torch.full((count,), 0.7), torch.ones(count, 4, 4)
                )
            )
        return found


def test_a_scan_is_predicted_slice_by_slice_with_its_neighbours_as_channels() -> None:
    plan = replace(instance_plan(), structures=("Oedema", "Cyst"), dimensions="2.5d", context=1)
    network = build_segmentation(plan, 0)
    assert isinstance(network, InstanceNetwork)
    image = np.zeros((20, *SIZE), np.float16)
    image[3:6, 2:6, 3:7] = 1
    image[18, 5:9, 8:12] = 1
    found = predict_instances(Seeing(network.shape), image, plan, CPU)
    assert found["Oedema"] == ()
    assert [spans(one) for one in found["Cyst"]] == [[(3, 16), (4, 16), (5, 16)], [(18, 16)]]
    assert np.array_equal(numbered([one.indices for one in found["Cyst"]], (20, *SIZE)) > 0, image > 0)


def test_an_untrained_network_predicts_a_scan_of_any_size() -> None:
    plan = instance_plan()
    network = build_segmentation(plan, 0)
    assert isinstance(network, InstanceNetwork)
    found = predict_instances(network, np.zeros((2, 9, 13), np.float16), plan, CPU)
    assert set(found) == {"Lesion"}
