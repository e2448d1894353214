"""Batches: the ambiguity map of the paper voxel for voxel, and the same batch again for the same step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.train.augment import window_size
from PartialLabelSegLib.train.batches import (
    Batch,
    BatchMaker,
    Seed,
    looked_for,
    settling,
    sides_changed,
    softened,
    truth,
    twin_places,
)
from PartialLabelSegLib.train.prepared import _planes_of
from PartialLabelSegLib.train.soft import spread_by, without_unsure
from PartialLabelSegLib.train.windows import OUTSIDE, Sources, Window, cut_windows, draw_windows
from train.making import CPU, plan_of, prepared_case, scan_of, with_planes, with_soft

NAMES = ("Liver", "Tumour", "Vessel", "Spleen")
SHAPE = (4, 5, 6)


@st.composite
def labels_of_every_kind(draw: st.DrawFn) -> Labels:
    """Known, missing, partly drawn and denied structures; pairs that may share voxels, chained too, and voxels of two or three."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label_map = rng.choice(5, SHAPE, p=[0.4, 0.15, 0.15, 0.15, 0.15]).astype(np.uint8)
    known = [draw(st.booleans()) for _ in NAMES]
    partly = [name for name, flag in zip(NAMES, known) if not flag and draw(st.booleans())]
    slices = {name: Slices(draw(st.integers(0, 2)), tuple(sorted(draw(st.sets(st.integers(0, 3)))))) for name in partly}
    pairs = [("Liver", "Tumour"), ("Liver", "Vessel"), ("Tumour", "Vessel")]
    overlapping = frozenset(frozenset(pair) for pair in pairs if draw(st.booleans()))
    negatives = {name: Marks.of(rng.random(SHAPE) < 0.2) for name in NAMES if draw(st.booleans())}
    # An overlap mark may lie on a voxel without a label, on one of a partner, and on one of a partner's partner.
    overlaps = {}
    for value, name in enumerate(NAMES, 1):
        if any(name in pair for pair in overlapping):
            overlaps[name] = Marks.of((rng.random(SHAPE) < 0.3) & (label_map != value))
    origin = (label_map > 0).astype(np.uint8)
    return Labels(NAMES, label_map, tuple(known), origin, slices, overlaps, negatives, {}, overlapping)


def cut_of(
    labels: Labels, size: tuple[int, int, int], centre: tuple[int, int, int]
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Label, known flags and planes of one window of these labels, as a batch has them."""
    case = prepared_case(labels.label_map, labels.known)
    planes = {}
    for value, name in enumerate(labels.structures, 1):
        planes.update({f"{word}-{value}": mask for word, mask in _planes_of(labels, name).items()})
    cut = cut_windows(Sources((with_planes(case, planes),), {}), [Window(0, centre)], plan_of(NAMES, "3d"), size)
    packed = {name: torch.from_numpy(plane) for name, plane in cut.planes.items()}
    return torch.from_numpy(cut.label), torch.from_numpy(cut.known), packed


@given(labels_of_every_kind())
def test_target_and_weight_are_the_labels_and_the_ambiguity_map_voxel_for_voxel(labels: Labels) -> None:
    settles = settling(NAMES, labels.overlapping)
    size, centre = (8, 9, 10), (2, 2, 3)
    label, known, planes = cut_of(labels, size, centre)
    target, weight = truth(label, known, len(NAMES), planes, settles)
    assert target.dtype == weight.dtype == torch.bool and target.shape == (1, len(NAMES), *size)
    inside = label[0].numpy() != OUTSIDE
    assert int(inside.sum()) == np.prod(SHAPE)
    for index, name in enumerate(NAMES):
        for found, expected in ((target, labels.positive(name)), (weight, labels.certain(name))):
            assert np.array_equal(found[0, index].numpy()[inside].reshape(SHAPE), expected), name
            assert not found[0, index].numpy()[~inside].any()


def test_each_row_of_a_batch_has_its_own_known_structures() -> None:
    label = torch.tensor([[[0, 1, OUTSIDE]], [[0, 2, 0]]], dtype=torch.uint8)
    known = torch.tensor([[True, False], [False, False]])
    target, weight = truth(label, known, 2, {}, None)
    assert weight.int().tolist() == [[[[1, 1, 0]], [[0, 1, 0]]], [[[0, 1, 0]], [[0, 1, 0]]]]
    assert target.int().tolist() == [[[[0, 1, 0]], [[0, 0, 0]]], [[[0, 0, 0]], [[0, 1, 0]]]]


def test_a_label_settles_all_structures_but_those_that_may_share_its_voxel() -> None:
    assert settling(NAMES, frozenset()) is None
    assert settling(NAMES, frozenset({frozenset({"Liver"})})) is None
    table = settling(NAMES, frozenset({frozenset({"Liver", "Tumour"})}))
    assert table is not None
    assert table.int().tolist() == [[0, 0, 0, 0], [1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]


def sources() -> Sources:
    scans = [scan_of(seed) for seed in range(3)]
    return Sources.of([prepared_case(scan.truth, (True, False, True), scan.image) for scan in scans])


USUAL = Seed(0, 0, 1)


def maker_of(plan: Plan, seed: Seed = USUAL) -> BatchMaker:
    return BatchMaker(sources(), plan, CPU, seed, None)


def equal(first: Batch, second: Batch) -> bool:
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in ("image", "target", "weight"))


def turned_plan(dimensions: str) -> Plan:
    return replace(plan_of(dimensions=dimensions), rotate_degrees=15.0, scale=0.2, translate=0.05, mirror=(2,))


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_the_batch_of_a_step_is_the_same_every_time_and_of_another_step_another(dimensions: str) -> None:
    plan = turned_plan(dimensions)
    first = maker_of(plan)
    first.batch(6, 4)
    assert equal(first.batch(7, 4), maker_of(plan).batch(7, 4))
    assert not equal(first.batch(7, 4), first.batch(8, 4))


@pytest.mark.parametrize("other", [Seed(1, 0, 1), Seed(0, 1, 1), Seed(0, 0, 2)])
def test_another_run_round_or_stage_draws_other_batches(other: Seed) -> None:
    plan = turned_plan("2d")
    assert not equal(maker_of(plan).batch(7, 4), maker_of(plan, other).batch(7, 4))


@pytest.mark.parametrize(("dimensions", "channels"), [("2d", 1), ("2.5d", 3), ("3d", 1)])
def test_a_batch_has_the_shapes_that_the_network_takes(dimensions: str, channels: int) -> None:
    plan = turned_plan(dimensions)
    batch = maker_of(plan).batch(0, 5)
    size = plan.patch if dimensions == "3d" else plan.patch[1:]
    assert batch.image.shape == (5, channels, *size) and batch.image.dtype == torch.float32
    assert batch.target.shape == batch.weight.shape == (5, 3, *size)
    assert bool(batch.target.any()) and bool((batch.target & ~batch.weight).any()) is False
    assert window_size(plan) != plan.patch


def test_most_windows_show_a_structure_that_was_drawn() -> None:
    plan = replace(plan_of(), foreground_share=1.0)
    batch = maker_of(plan).batch(3, 30)
    assert bool(batch.target.flatten(2).any(2).any(1).all())


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_without_changes_a_batch_is_what_was_cut(dimensions: str) -> None:
    plan, seed = plan_of(dimensions=dimensions), Seed(0, 0, 1)
    batch = maker_of(plan).batch(3, 6)
    windows = draw_windows(sources(), 6, plan.foreground_share, seed.numpy(3))
    cut = cut_windows(sources(), windows, plan, plan.patch)
    label = torch.from_numpy(cut.label if dimensions == "3d" else cut.label[:, 0])
    target, weight = truth(label, torch.from_numpy(cut.known), 3, {}, None)
    assert torch.allclose(batch.image.flatten(), torch.from_numpy(cut.image).float().flatten(), atol=1e-5)
    assert torch.equal(batch.target, target) and torch.equal(batch.weight, weight)


def test_twins_change_places_in_mirrored_windows_only() -> None:
    plan = replace(plan_of(("LeftEar", "Nose", "RightEar")), twins=(("LeftEar", "RightEar"),))
    places = twin_places(plan)
    assert places == [2, 1, 0]
    target = torch.tensor([[[1, 0], [0, 0], [0, 1]], [[1, 0], [0, 0], [0, 1]]]).bool()
    weight = torch.tensor([[[1, 1], [0, 0], [0, 1]], [[1, 1], [0, 0], [0, 1]]]).bool()
    known = torch.tensor([[True, False, False], [True, False, False]])
    batch = Batch(torch.zeros(2, 1, 2), target, weight, known)
    changed = sides_changed(batch, torch.tensor([False, True]), places)
    assert torch.equal(changed.target[0], target[0]) and torch.equal(changed.weight[0], weight[0])
    assert changed.target[1].int().tolist() == [[0, 1], [0, 0], [1, 0]]
    assert changed.weight[1].int().tolist() == [[0, 1], [0, 0], [1, 1]]
    assert changed.looked_for is not None and changed.looked_for.int().tolist() == [[1, 0, 0], [0, 0, 1]]
    assert sides_changed(batch, torch.tensor([True, True]), places).image is batch.image


def test_a_mirrored_scan_is_learned_with_its_sides_exchanged() -> None:
    """The bright ear is the left one; a batch never shows a dark left ear, however its windows were mirrored."""
    names, shape = ("LeftEar", "RightEar"), (3, 8, 8)
    label_map = np.zeros(shape, np.uint8)
    label_map[:, 3:5, 0:2], label_map[:, 3:5, 6:8] = 1, 2
    case = prepared_case(label_map, (True, True), image=np.where(label_map > 0, 1.0, 0.0).astype(np.float16))
    plan = replace(plan_of(names, "2.5d"), mirror=(2,), twins=(names,), patch=(1, 8, 8), foreground_share=0.0)
    maker = BatchMaker(Sources.of([case]), plan, CPU, Seed(1, 0, 0), None)
    batch = maker.batch(0, 32)
    for row in range(32):
        columns = torch.arange(8.0)
        places = [float((batch.target[row, k].any(0) * columns).sum()) for k in (0, 1)]
        if all(batch.target[row, k].any() for k in (0, 1)):
            assert places[0] < places[1]


def test_a_structure_is_looked_for_where_it_is_known_or_certain_somewhere_in_the_window() -> None:
    known = torch.tensor([[True, False, False], [False, False, False]])
    plane = torch.zeros(2, 4, 4, dtype=torch.bool)
    plane[1, 2, 2] = True
    found = looked_for(known, {"certain-2": plane, "positive-3": ~plane})
    assert found.tolist() == [[True, False, False], [False, True, False]]
    assert known.tolist() == [[True, False, False], [False, False, False]]


@st.composite
def soft_labels_of_every_kind(draw: st.DrawFn) -> Labels:
    """Labels of every kind of which some structures are soft where they were looked for, their hardened voxels in the label map."""
    labels = draw(labels_of_every_kind())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    soft, label_map, overlaps = {}, labels.label_map.copy(), dict(labels.overlaps)
    for value, name in enumerate(NAMES, 1):
        read = np.ones(SHAPE, bool) if labels.is_known(name) else None
        read = labels.slices[name].mask(SHAPE) if name in labels.slices else read
        if read is None or not draw(st.booleans()):
            continue
        plane = rng.choice([0, 0.25, 0.5, 0.75, 1], SHAPE).astype(np.float32)
        soft[name] = np.where(read, plane, np.float32(np.nan))
        label_map[read & (label_map == value)] = 0
        label_map[read & (plane >= 0.5) & (label_map == 0)] = value
        overlaps[name] = Marks.of(read & (plane >= 0.5) & (label_map != value))
    origin = (label_map > 0).astype(np.uint8)
    return replace(labels, label_map=label_map, origin=origin, overlaps=overlaps, soft=soft)


@given(soft_labels_of_every_kind())
def test_soft_labels_are_the_target_where_they_were_read_and_hard_rules_hold_elsewhere(labels: Labels) -> None:
    sure = without_unsure(labels)
    size, centre = (8, 9, 10), (2, 2, 3)
    label, known, planes = cut_of(sure, size, centre)
    values = {labels.value(name): plane for name, plane in labels.soft.items()}
    case = with_soft(prepared_case(sure.label_map, sure.known), values)
    cut = cut_windows(Sources((case,), {}), [Window(0, centre)], plan_of(NAMES, "3d"), size)
    hard, weight = truth(label, known, len(NAMES), planes, settling(NAMES, labels.overlapping))
    target = softened(hard, {value: torch.from_numpy(plane).float() for value, plane in cut.soft.items()})
    inside = label[0].numpy() != OUTSIDE
    for index, name in enumerate(NAMES):
        plane = labels.soft.get(name, np.full(SHAPE, np.nan, np.float32))
        read = ~np.isnan(plane)
        found, w = (part[0, index].numpy()[inside].reshape(SHAPE) for part in (target, weight))
        assert np.array_equal(found, np.where(read, plane, sure.positive(name))), name
        assert w[read].all() and not weight[0, index].numpy()[~inside].any()
        # Whoever is unsure of one structure settles nothing of the others.
        assert np.array_equal(w, sure.certain(name)) and not (w & ~labels.certain(name)).any(), name


def soft_sources() -> Sources:
    """Two scans with a soft first structure, one of them read on some slices only, and a hard one."""
    ready = []
    for seed in range(3):
        scan = scan_of(seed)
        case = prepared_case(scan.truth, (seed == 0, True, True), scan.image)
        plane = np.where(scan.truth == 1, 0.5, 0.0)
        if seed == 1:
            plane[10:] = np.nan
        if seed < 2:
            points = {**case.points, 1: spread_by(np.nan_to_num(plane), 4000)}
            case = replace(with_soft(with_planes(case, {"certain-1": ~np.isnan(plane)}), {1: plane}), points=points)
        ready.append(case)
    return Sources.of(ready)


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_a_batch_of_soft_and_hard_scans_has_both_kinds_of_target(dimensions: str) -> None:
    plan = turned_plan(dimensions)
    batch = BatchMaker(soft_sources(), plan, CPU, Seed(0, 0, 1), None).batch(1, 12)
    assert batch.target.dtype == torch.float32 and batch.weight.dtype == torch.bool
    assert batch.target.min() == 0 and batch.target.max() == 1
    # A scan that was read has 0.5 inside and less only at the border; hard structures keep to 0 and 1.
    soft = batch.target[:, 0]
    assert ((soft - 0.5).abs() < 1e-3).any() and ((soft > 0.01) & (soft < 0.49)).any()
    assert set(batch.target[:, 1:].unique().tolist()) <= {0.0, 1.0}


def test_scans_without_soft_labels_make_batches_of_truth_values() -> None:
    assert maker_of(plan_of()).batch(0, 4).target.dtype == torch.bool


def test_twins_with_soft_labels_change_places() -> None:
    plan = replace(plan_of(("LeftEar", "RightEar")), twins=(("LeftEar", "RightEar"),))
    target = torch.tensor([[[0.25, 0.0], [0.0, 1.0]]])
    batch = Batch(torch.zeros(1, 1, 2), target, target > 0)
    changed = sides_changed(batch, torch.tensor([True]), twin_places(plan))
    assert changed.target.tolist() == [[[0.0, 1.0], [0.25, 0.0]]]
