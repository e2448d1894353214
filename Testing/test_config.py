"""Choices and numbers check themselves, come back from JSON as they were, and refuse what they do not know with a sentence."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.config import (
    DIMENSIONS,
    INSTANCES,
    METHODS,
    PRESETS,
    Configuration,
    Intensity,
    Plan,
    Relabelling,
    from_json,
    to_json,
)
from PartialLabelSegLib.data.types import Structure

PLAN = Plan(
    structures=("Liver", "Spleen"),
    dimensions="2d",
    slice_axis=0,
    spacing_mm=(3.0, 1.5, 1.5),
    patch=(1, 64, 64),
    context=0,
    batch=8,
    widths=(8, 16),
    strides=((1, 1, 1), (1, 2, 2)),
    norm="batch",
    intensity=Intensity(-100.0, 300.0, 40.0, 80.0),
    steps=100,
    fine_tune_steps=0,
    confidence_steps=10,
    learning_rate=1e-3,
    learning_rate_end=1e-4,
    dice_weight=1.0,
    mirror=(1, 2),
    rotate_degrees=15.0,
    scale=0.1,
    translate=0.1,
    precision="float32",
)
SHARE = st.floats(0.01, 1)
RELABELLINGS = st.builds(
    Relabelling,
    method=st.sampled_from(METHODS),
    rounds=st.integers(0, 20),
    gamma_max=st.none() | SHARE,
    confidence=st.sampled_from(("learned", "mcp")),
    target=st.sampled_from(("correctness", "tcp")),
    frozen=st.booleans(),
    review=st.booleans(),
    largest_component=st.booleans(),
    fill_holes=st.booleans(),
)
CONFIGURATIONS = st.builds(
    Configuration,
    preset=st.sampled_from(PRESETS),
    dimensions=st.none() | st.sampled_from(DIMENSIONS),
    minutes=st.none() | st.floats(0.1, 1e4),
    device=st.sampled_from(("auto", "cpu", "cuda", "mps")),
    seed=st.integers(0, 2**63 - 1),
    threads=st.integers(0, 64),
    validation_share=st.floats(0, 0.99),
    absent=st.sampled_from(("missing", "absent")),
    checkpoint_seconds=st.floats(0, 1e6),
    relabelling=RELABELLINGS,
    plan=st.dictionaries(st.sampled_from(("steps", "batch")), st.integers(1, 100)),
    instances=st.sampled_from(INSTANCES),
)
INTENSITIES = st.builds(Intensity, st.floats(-1e4, -1), st.floats(0, 1e4), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
PLANS = st.builds(
    dataclasses.replace,
    st.just(PLAN),
    structures=st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True).map(tuple),
    intensity=INTENSITIES,
    batch=st.integers(1, 99),
    mirror=st.sampled_from(((), (0,), (1, 2))),
    average=st.floats(0, 0.99),
    flat_levels=st.integers(0, 2),
    confidence_widths=st.lists(st.integers(1, 64), max_size=3).map(tuple),
)
COLOURS = st.tuples(*(st.floats(0, 1),) * 3)
STRUCTURES = st.builds(Structure, st.sampled_from(("Liver", "Ä β", "left eye")), COLOURS, st.text())


@given(st.one_of(RELABELLINGS, CONFIGURATIONS, INTENSITIES, PLANS, STRUCTURES))
def test_every_value_comes_back_from_json_as_it_was(value: Any) -> None:
    assert from_json(type(value), json.loads(json.dumps(to_json(value)))) == value


@pytest.mark.parametrize("cls", [Intensity, Plan, Relabelling, Configuration, Structure])
def test_an_unknown_name_and_a_missing_one_are_named(cls: type) -> None:
    with pytest.raises(ValueError, match=rf"{cls.__name__} has no colour_of_the_moon"):
        from_json(cls, {"colour_of_the_moon": 1})
    with pytest.raises(ValueError, match=rf"{cls.__name__} must be an object, got \['a'\]"):
        from_json(cls, ["a"])
    needed = [item.name for item in dataclasses.fields(cls) if item.default is dataclasses.MISSING]
    needed = [name for name in needed if name not in ("relabelling", "plan")]
    if needed:
        with pytest.raises(ValueError, match=rf"{cls.__name__} lacks .*{needed[0]}"):
            from_json(cls, {})


def changed(**values: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(to_json(PLAN))), **values}


@pytest.mark.parametrize(
    ("cls", "value", "words"),
    [
        (Relabelling, {"rounds": True}, "Relabelling.rounds must be a whole number, got True"),
        (Relabelling, {"rounds": 2.0}, "Relabelling.rounds must be a whole number, got 2.0"),
        (Relabelling, {"rounds": "2"}, "Relabelling.rounds must be a whole number, got '2'"),
        (Relabelling, {"frozen": 1}, "Relabelling.frozen must be true or false, got 1"),
        (Relabelling, {"gamma_max": True}, "Relabelling.gamma_max must be a number, got True"),
        (Relabelling, {"gamma_max": 10**400}, "Relabelling.gamma_max is too large a number"),
        (Configuration, {"preset": None}, "Configuration.preset must be a text, got None"),
        (Configuration, {"plan": []}, r"Configuration.plan must be an object, got \[\]"),
        (Configuration, {"relabelling": 3}, "Relabelling must be an object, got 3"),
        (Plan, changed(patch=[1, 64]), "Plan.patch must have 3 values"),
        (Plan, changed(patch="1x64"), "Plan.patch must be a list"),
        (Plan, changed(patch=[1, True, 64]), "Plan.patch must be a whole number, got True"),
        (Plan, changed(widths=[8, "16"]), "Plan.widths must be a whole number, got '16'"),
        (Plan, changed(strides=[[1, 1, 1], [1, 2]]), "Plan.strides must have 3 values"),
        (Plan, changed(intensity={"low": 0}), "Intensity lacks high, mean, std"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_name(cls: type, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_json(cls, value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"structures": ()}, "structures of different names"),
        ({"structures": ("Liver", "Liver")}, "structures of different names"),
        ({"dimensions": "4d"}, "dimensions must be one of 2d, 2.5d, 3d, got '4d'"),
        ({"precision": "float8"}, "precision must be one of"),
        ({"patch": (4, 64, 64)}, "patches of one slice"),
        ({"patch": (1, 0, 64)}, "must be positive"),
        ({"spacing_mm": (1.0, math.nan, 1.0)}, "must be positive"),
        ({"spacing_mm": (1.0, math.inf, 1.0)}, "must be positive"),
        ({"slice_axis": 3}, "slice_axis"),
        ({"strides": ((1, 1, 1),)}, "each of 2 levels needs a stride"),
        ({"strides": ((1, 1, 1), (0, 2, 2))}, "positive width and stride"),
        ({"widths": (8,), "strides": ((1, 1, 1),)}, "two or more levels"),
        ({"mirror": (3,)}, "mirror names axes"),
        ({"twins": (("Liver", "Elsewhere"),)}, "twins must be structures"),
        ({"flat_levels": 3}, "flat_levels must be at most 2"),
        ({"steps": 0}, "steps must be from 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0"),
        ({"prior": 1.0}, "prior must be between 0 and 1"),
        ({"average": 1.0}, "average must be from 0 and below 1"),
        ({"foreground_share": 1.1}, "foreground_share must be from 0 to 1"),
        ({"rotate_degrees": math.inf}, "rotate_degrees must be from 0"),
        ({"dice_weight": -1.0}, "dice_weight must be from 0"),
        ({"loss": "focal"}, "loss must be one of bce, bce\\+dice, apl, apl\\+dice, mae"),
        ({"apl_weights": (0.0, 0.0, 0.0)}, "apl_weights must be from 0, and not all 0"),
        ({"sce_weights": (-1.0, 1.0)}, "sce_weights must be from 0"),
        ({"gce_power": 1.5}, "gce_power must be above 0 and at most 1"),
        ({"negatives": -1.0}, "negatives must be from 0"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(PLAN, **values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"minutes": 0.0}, "minutes must be positive"),
        ({"minutes": math.nan}, "minutes must be positive"),
        ({"minutes": math.inf}, "minutes must be positive"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"threads": -1}, "threads must be 0 to"),
        ({"threads": 10**6}, "threads must be 0 to"),
        ({"checkpoint_seconds": -1.0}, "checkpoint_seconds"),
        ({"checkpoint_seconds": math.nan}, "checkpoint_seconds"),
        ({"validation_share": 1.0}, r"validation_share must lie in \[0, 1\)"),
        ({"validation_share": math.nan}, "validation_share"),
        ({"preset": "slow"}, "preset must be one of quick, standard, paper, got 'slow'"),
        ({"device": "tpu"}, "device must be one of"),
        ({"instances": "all"}, "instances must be one of auto, no, list, volume, got 'all'"),
        ({"plan": {"speed": 3}}, r"a plan has no \['speed'\]"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Configuration(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rounds": -1}, "rounds must be 0 to 20"),
        ({"rounds": 21}, "rounds must be 0 to 20"),
        ({"gamma_max": 0.0}, "gamma_max must lie in"),
        ({"gamma_max": math.nan}, "gamma_max must lie in"),
        ({"method": "best"}, "method must be one of"),
        ({"target": "dice"}, "target must be one of"),
    ],
)
def test_rounds_that_cannot_be_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Relabelling(**values)


@pytest.mark.parametrize("low_high", [(0.0, 0.0), (1.0, 0.0), (math.nan, 1.0), (-math.inf, 1.0)])
def test_a_window_of_grey_values_needs_a_width(low_high: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="low < high"):
        Intensity(*low_high, 0.0, 1.0)
    with pytest.raises(ValueError, match="std > 0"):
        Intensity(0.0, 1.0, 0.0, math.nan)


def test_only_an_instance_network_lists_lesions_by_itself() -> None:
    said = [Configuration(instances=said) for said in INSTANCES]
    assert [choice.instances_for("instance") for choice in said] == ["volume", "no", "list", "volume"]
    assert [choice.instances_for("unet") for choice in said] == ["no", "no", "list", "volume"]


def test_gamma_rises_in_equal_steps_to_its_largest() -> None:
    assert [Relabelling(rounds=4).gamma(number, 0.8) for number in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])


@pytest.mark.parametrize(("dimensions", "context", "channels"), [("2d", 0, 1), ("2.5d", 2, 5), ("3d", 0, 1)])
def test_neighbouring_slices_are_channels(dimensions: str, context: int, channels: int) -> None:
    assert dataclasses.replace(PLAN, dimensions=dimensions, context=context).channels == channels


@pytest.mark.parametrize(
    ("method", "doubtful", "has_doubtful", "expected"),
    [
        ("full", "weigh", True, (25, 0)),
        ("full", "weigh", False, (100, 30)),
        ("full", "fixed", True, (100, 30)),
        ("full", "leave-out", True, (100, 30)),
        ("mlb", "weigh", False, (25, 0)),
        ("mlb", "weigh", True, (25, 0)),
        ("mlb", "as-given", True, (25, 75)),
    ],
)
def test_weights_are_learned_once_trusted_labels_are(
    method: str, doubtful: str, has_doubtful: bool, expected: tuple[int, int]
) -> None:
    configuration = Configuration(relabelling=Relabelling(method=method, rounds=1), doubtful=doubtful)
    plan = dataclasses.replace(PLAN, fine_tune_steps=30)
    assert tuple(configuration.weighing_begins(plan, number, has_doubtful) for number in (0, 1)) == expected
    lesions = dataclasses.replace(plan, architecture="instance")
    steps = tuple(configuration.relabelling.steps(plan, number) for number in (0, 1))
    assert tuple(configuration.weighing_begins(lesions, number, has_doubtful) for number in (0, 1)) == steps


@pytest.mark.parametrize(
    ("views", "teacher", "consistency", "cost"),
    [(0, 0.0, 1.0, 3.0), (0, 0.9, 1.0, 4.0), (4, 0.9, 1.0, 10.0), (2, 0.9, 0.0, 6.0)],
)
def test_every_view_makes_a_weighed_step_dearer(views: int, teacher: float, consistency: float, cost: float) -> None:
    plan = dataclasses.replace(PLAN, views=views, teacher=teacher, consistency=consistency)
    assert plan.weighing_cost == cost
