"""The plan: what scans of every kind become, and overrides that do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.config import DIMENSIONS, PRESETS, Configuration, Intensity, Plan, from_json, to_json
from PartialLabelSegLib.data.case import Case, CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.plan import (
    INSTANCE_FOREGROUND,
    PIXELS,
    Fingerprint,
    Machine,
    fingerprint,
    make_plan,
    overridden,
)
from PartialLabelSegLib.run.failure import Failure

CPU = Machine("cpu", 8.0, "float32")
GPU = Machine("cuda", 24.0, "bfloat16")
GREY = Intensity(-200.0, 300.0, 50.0, 80.0)
OWN = Intensity(-2.0, 3.0, 0.5, 0.8)


def found(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Fingerprint:
    """Ten scans of this shape and spacing, (z, y, x)."""
    return Fingerprint(10, shape, spacing_mm, GREY, 0.05, OWN, scales_differ=False)


def plan(
    cohort: Fingerprint,
    dimensions: str | None = None,
    preset: str = "quick",
    machine: Machine = CPU,
    twins: tuple[tuple[str, str], ...] | None = None,
) -> Plan:
    return make_plan(cohort, ("A", "B"), Configuration(preset=preset, dimensions=dimensions), machine, twins)


THIN_CT = found((300, 512, 512), (1.0, 0.7, 0.7))
THICK_MR = found((24, 320, 320), (6.0, 1.1, 1.1))
CROPS = found((24, 40, 31), (1.0, 1.0, 1.0))
SAGITTAL = found((256, 256, 20), (0.9, 0.9, 4.0))
CORONAL = found((200, 30, 220), (1.0, 5.0, 1.0))
ONE_SLICE = found((1, 256, 200), (5.0, 1.0, 1.0))


def covered_mm(made: Plan) -> list[float]:
    return [length * width for length, width in zip(made.patch, made.spacing_mm)]


def test_a_large_ct_is_seen_whole_in_the_plane_at_the_resolution_of_the_preset() -> None:
    made = plan(THIN_CT)
    assert (made.dimensions, made.context, made.slice_axis) == ("2.5d", 1, 0)
    assert made.patch == (1, 160, 160)
    assert made.spacing_mm == pytest.approx((1.0, 0.7 * 512 / 160, 0.7 * 512 / 160))
    finer = plan(THIN_CT, preset="standard", machine=GPU)
    assert finer.patch == (1, 320, 320) and finer.precision == "bfloat16"
    assert plan(THIN_CT, preset="paper", machine=GPU).spacing_mm == (1.0, 0.7, 0.7)


def test_a_large_ct_in_3d_is_seen_through_patches_with_slices_that_are_not_needlessly_thin() -> None:
    made = plan(THIN_CT, "3d")
    assert made.patch == (32, 96, 96) and made.norm == "instance"
    assert made.spacing_mm == pytest.approx((0.7 * 3.2 / 2, 0.7 * 3.2, 0.7 * 3.2))
    assert plan(THIN_CT, "3d", "standard", GPU).patch == (128, 128, 128)


def test_thick_slices_stay_as_they_are_and_are_halved_only_when_the_plane_has_become_as_coarse() -> None:
    made = plan(THICK_MR, "3d")
    assert made.spacing_mm[0] == 6.0 and made.patch[0] == 24
    deep = [stride[0] for stride in made.strides]
    # 2.2 mm pixels become 4.4 mm, then 8.8: slices of 6 mm join in when they are at most twice as coarse as the plane.
    assert made.spacing_mm[1] == pytest.approx(2.2)
    assert deep == [1, 1, 2, 2, 1]


def test_small_crops_in_3d_are_one_patch_and_are_not_halved_away() -> None:
    made = plan(CROPS, "3d")
    assert made.spacing_mm == (1.0, 1.0, 1.0)
    assert all(length >= size and length - size < 8 for length, size in zip(made.patch, CROPS.shape))
    total = np.prod(made.strides, axis=0)
    assert np.all(np.array(made.patch) / total >= 4)


@pytest.mark.parametrize(
    ("cohort", "axis", "left_right"), [(THIN_CT, 0, 2), (CORONAL, 1, 2), (SAGITTAL, 2, 0), (ONE_SLICE, 0, 2)]
)
@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_slices_lie_along_the_coarse_axis_and_left_and_right_follow_it(
    cohort: Fingerprint, axis: int, left_right: int, dimensions: str
) -> None:
    made = plan(cohort, dimensions, twins=())
    assert made.slice_axis == axis and made.mirror == (left_right,)
    sided = plan(cohort, dimensions, twins=(("A", "B"),))
    assert sided.mirror == () and sided.twins == (("A", "B"),)
    assert plan(cohort, dimensions).mirror == ()
    assert made.spacing_mm[0] >= cohort.spacing_mm[axis]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_a_single_slice_is_seen_from_the_front_whichever_way_it_lies(axis: int, dimensions: str) -> None:
    shape = [200, 180, 160]
    shape[axis] = 1
    made = plan(found((shape[0], shape[1], shape[2]), (1.0, 1.0, 1.0)), dimensions)
    assert made.slice_axis == axis and min(made.patch[1:]) >= 96
    assert made.patch[0] == (8 if dimensions == "3d" else 1)


shapes = st.tuples(*(st.integers(1, 600),) * 3)
spacings = st.tuples(*(st.floats(0.2, 8.0),) * 3)


@given(shapes, spacings, st.sampled_from(DIMENSIONS), st.sampled_from(PRESETS))
def test_every_cohort_gets_a_plan_that_holds_together(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], dimensions: str, preset: str
) -> None:
    cohort = found(shape, spacing_mm)
    made = plan(cohort, dimensions, preset, GPU)
    total = np.prod(made.strides, axis=0)
    assert np.all(np.array(made.patch) % total == 0) and made.strides[0] == (1, 1, 1)
    assert len(made.strides) == len(made.widths)
    assert max(made.patch[1:]) <= PIXELS[preset] + total.max()
    assert (dimensions == "3d") or made.patch[0] == total[0] == 1
    # Nothing is made finer than it was scanned.
    order = [made.slice_axis, *(axis for axis in range(3) if axis != made.slice_axis)]
    assert all(new >= cohort.spacing_mm[axis] * 0.999 for new, axis in zip(made.spacing_mm, order))
    if dimensions != "3d":
        extent = [cohort.shape[axis] * cohort.spacing_mm[axis] for axis in order]
        assert all(seen >= length * 0.99 for seen, length in zip(covered_mm(made)[1:], extent[1:]))
    assert from_json(Plan, to_json(made)) == made


def test_the_papers_preset_is_the_papers() -> None:
    made = plan(THIN_CT, preset="paper", machine=GPU)
    assert (made.dimensions, made.architecture, made.widths) == ("2d", "paper", (64, 128, 256, 512, 1024))
    assert (made.optimiser, made.schedule, made.learning_rate, made.learning_rate_end) == (
        "adam",
        "exponential",
        1e-4,
        1e-5,
    )
    assert made.dice_weight == 0 and made.average == 0 and made.confidence_widths == (400, 120, 64, 64)


def test_an_instance_network_sees_more_windows_without_a_lesion_in_their_middle_unless_told() -> None:
    chosen = {"architecture": "instance"}
    made = make_plan(THIN_CT, ("A", "B"), Configuration(plan=chosen), CPU, None)
    assert made == replace(plan(THIN_CT), architecture="instance", foreground_share=INSTANCE_FOREGROUND)
    told = make_plan(THIN_CT, ("A", "B"), Configuration(plan={**chosen, "foreground_share": 0.7}), CPU, None)
    assert told.foreground_share == 0.7
    with pytest.raises(ValueError, match="2d or 2.5d"):
        make_plan(THIN_CT, ("A", "B"), Configuration(dimensions="3d", plan=chosen), CPU, None)


def test_a_small_device_gets_a_smaller_batch() -> None:
    for dimensions in DIMENSIONS:
        small = plan(THIN_CT, dimensions, "standard", replace(GPU, gigabytes=6.0))
        assert small.batch < plan(THIN_CT, dimensions, "standard", GPU).batch


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"steps": "many"}, "steps must be a whole number"),
        ({"steps": 0}, "steps must be from 1"),
        ({"validate_every": 0}, "validate_every must be from 1"),
        ({"batch": 0}, "batch"),
        ({"patch": [64, 64]}, "patch must have 3 values"),
        ({"patch": [4, 64, 64]}, "patches of one slice"),
        ({"spacing_mm": [1, 0, 1]}, "spacing must be positive"),
        ({"widths": [8, 16, 32]}, "each of 3 levels needs a stride"),
        ({"widths": [8], "strides": [[1, 1, 1]]}, "two or more levels"),
        ({"norm": "layer"}, "norm must be one of"),
        ({"precision": "float64"}, "precision must be one of"),
        ({"optimiser": "lion"}, "optimiser must be one of"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"overlap": 1.0}, "overlap must be from 0 and below 1"),
        ({"average": 1.0}, "average must be from 0 and below 1"),
        ({"prior": 0.0}, "prior must be between 0 and 1"),
        ({"foreground_share": 1.5}, "foreground_share must be from 0 to 1"),
        ({"mirror": [3]}, "mirror names axes"),
        ({"slice_axis": 3}, "slice_axis"),
        ({"intensity": {"low": 1, "high": 0, "mean": 0, "std": 1}}, "low < high"),
        ({"structures": ["C"]}, "chosen by the data set"),
        ({"dimensions": "3d"}, "chosen with --dimensions"),
    ],
)
def test_an_override_that_does_not_fit_is_a_clear_error(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        overridden(plan(THIN_CT), changes)


def test_overrides_take_the_place_of_what_was_found() -> None:
    configuration = Configuration(plan={"steps": 7, "learning_rate": 1, "patch": [1, 64, 80], "mirror": [2]})
    made = make_plan(THIN_CT, ("A",), configuration, CPU, None)
    assert (made.steps, made.learning_rate, made.patch, made.mirror) == (7, 1.0, (1, 64, 80), (2,))
    assert replace(made, steps=1600) == replace(
        make_plan(THIN_CT, ("A",), replace(configuration, plan={**configuration.plan, "steps": 1600}), CPU, None)
    )


def case_of(folder: Path, image: np.ndarray, labels: Labels, grid: Grid) -> tuple[Case, Labels]:
    source = CaseSource(folder.name, lambda: grid.image(image), lambda grid: labels)
    return write_case(folder, source, folder.name), labels


def straight(size: tuple[int, int, int], spacing: tuple[float, float, float]) -> Grid:
    return Grid(size, spacing, (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def test_the_fingerprint_is_the_median_scan_in_the_patients_axes(tmp_path: Path) -> None:
    cases = []
    for number, size in enumerate(((10, 11, 12), (20, 21, 22), (30, 31, 32))):
        # x and z of the file change places: its first axis runs upwards.
        grid = Grid(size, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), (0, 0, 1.0, 0, 1.0, 0, 1.0, 0, 0))
        label_map = np.zeros(grid.shape, np.uint8)
        label_map[:2] = 1
        image = np.full(grid.shape, 1000, np.int16)
        image[0], image[1] = 100, 200
        cases.append(case_of(tmp_path / str(number), image, Labels.expert(("A",), label_map, (True,)), grid))
    result = fingerprint(cases)
    assert result.cases == 3 and result.shape == (20, 21, 22) and result.spacing_mm == (1.0, 2.0, 3.0)
    # Only labelled voxels count: half of them 100, half 200, and a quarter of that range is added on both sides.
    assert (result.intensity.low, result.intensity.high) == pytest.approx((75, 225))
    assert result.intensity.mean == pytest.approx(150, abs=2) and result.intensity.std == pytest.approx(50, abs=1)
    assert result.foreground_share == pytest.approx(np.mean([2 / 12, 2 / 22, 2 / 32]))


def test_without_any_label_the_grey_values_of_whole_scans_count(tmp_path: Path) -> None:
    grid = straight((8, 8, 8), (1.0, 1.0, 1.0))
    image = np.linspace(0, 400, 512).reshape(8, 8, 8).astype(np.float32)
    result = fingerprint(
        [case_of(tmp_path / "a", image, Labels.expert(("A",), np.zeros((8, 8, 8), np.uint8), (False,)), grid)]
    )
    assert result.foreground_share == 0 and result.intensity.mean == pytest.approx(200, abs=1)
    assert result.intensity.low < 0 and result.intensity.high > 400


def test_a_scan_in_which_nothing_is_drawn_does_not_change_the_grey_values(tmp_path: Path) -> None:
    grid = straight((8, 8, 8), (1.0, 1.0, 1.0))
    label_map = np.zeros((8, 8, 8), np.uint8)
    label_map[2:4] = 1
    organ = np.where(label_map, 150, -1000).astype(np.int16)
    drawn = case_of(tmp_path / "a", organ, Labels.expert(("A",), label_map, (True,)), grid)
    air = Labels.expert(("A",), np.zeros((8, 8, 8), np.uint8), (False,))
    undrawn = case_of(tmp_path / "b", np.full((8, 8, 8), -1000, np.int16), air, grid)
    assert fingerprint([undrawn, drawn]).intensity == fingerprint([drawn]).intensity


def test_a_constant_scan_gives_a_normalisation_that_can_be_divided_by(tmp_path: Path) -> None:
    grid = straight((4, 4, 4), (1.0, 1.0, 1.0))
    labels = Labels.expert(("A",), np.ones((4, 4, 4), np.uint8), (True,))
    result = fingerprint([case_of(tmp_path / "a", np.full((4, 4, 4), 7, np.int16), labels, grid)])
    assert result.intensity.low < 7 < result.intensity.high and result.intensity.std > 0


def test_the_same_cases_give_the_same_fingerprint(tmp_path: Path) -> None:
    grid = straight((40, 40, 40), (1.0, 1.0, 1.0))
    image = np.random.default_rng(0).normal(0, 50, (40, 40, 40)).astype(np.float32)
    case = case_of(tmp_path / "a", image, Labels.expert(("A",), np.ones((40, 40, 40), np.uint8), (True,)), grid)
    assert fingerprint([case]) == fingerprint([case])


def test_no_case_at_all_is_a_failure() -> None:
    with pytest.raises(Failure, match="no case to learn from"):
        fingerprint([])


def test_blocks_on_a_processor_have_few_slices_and_learn_slowly_enough() -> None:
    made = plan(THIN_CT, "3d")
    assert made.patch[0] <= 32 and made.flat_levels == 1
    assert made.learning_rate < plan(THIN_CT).learning_rate and plan(THIN_CT).flat_levels == 0


@pytest.mark.parametrize("differ", [True, False])
@pytest.mark.parametrize("chosen", [None, True, False])
def test_scans_with_scales_of_their_own_are_put_on_them_unless_told_otherwise(
    differ: bool, chosen: bool | None
) -> None:
    cohort = replace(CROPS, scales_differ=differ)
    choices = Configuration(plan={} if chosen is None else {"own_scale": chosen})
    made = make_plan(cohort, ("A", "B"), choices, CPU, None)
    assert made.own_scale == (differ if chosen is None else chosen)
    assert made.intensity == (OWN if made.own_scale else GREY)
