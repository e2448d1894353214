"""Phantoms: plausible, varied, repeatable, and cohorts whose partial labels agree with their truth."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from PartialLabelSegLib.data.phantom import (
    PHANTOM_STRUCTURES,
    Phantom,
    partial_states,
    phantom,
    write_phantom_cohort,
)
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.run.files import read_json

NAMES = [structure.name for structure in PHANTOM_STRUCTURES]


@pytest.fixture(scope="module")
def bodies() -> list[Phantom]:
    return [phantom(np.random.default_rng([7, seed])) for seed in range(6)]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom_cohort(tmp_path_factory.mktemp("cohort"), cases=8, test_cases=2, seed=3).parent


def rows_of(cohort: Path) -> list[dict[str, str]]:
    with open(cohort / "cases.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def voxels(folder: Path, name: str) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{name}.nii.gz")))


def test_a_phantom_has_the_types_and_the_grid_that_it_promises(bodies: list[Phantom]) -> None:
    body = bodies[0]
    assert body.image.dtype == np.int16 and body.label_map.dtype == np.uint8
    assert body.image.shape == body.label_map.shape == body.grid.shape == (40, 80, 96)
    assert body.grid.spacing_mm == (4.0, 3.5, 3.5)
    assert body.image.min() >= -1024


def test_another_size_shows_the_same_organs() -> None:
    body = phantom(np.random.default_rng(2), (25, 64, 80), (6.0, 4.5, 4.5))
    assert body.image.shape == (25, 64, 80)
    assert {1, 2, 3, 4, 6, 7} <= set(np.unique(body.label_map))


def test_the_same_seed_gives_the_same_person_and_another_seed_another() -> None:
    first, again, other = (phantom(np.random.default_rng(seed)) for seed in (11, 11, 12))
    assert np.array_equal(first.image, again.image) and np.array_equal(first.label_map, again.label_map)
    assert np.mean(first.label_map != other.label_map) > 0.02


def test_volumes_are_those_of_adults_and_the_rare_organ_is_the_smallest(bodies: list[Phantom]) -> None:
    likely = {
        "Liver": (600, 2600), "Spleen": (50, 400), "LeftKidney": (60, 300), "RightKidney": (60, 300),
        "Pancreas": (20, 120), "Aorta": (25, 120),
    }  # fmt: skip
    for body in bodies:
        sizes = {name: np.sum(body.label_map == value) * body.grid.voxel_ml for value, name in enumerate(NAMES, 1)}
        for name, (low, high) in likely.items():
            assert low < sizes[name] < high, (name, sizes[name])
        assert sizes["Gallbladder"] == 0 or 5 < sizes["Gallbladder"] < 60


def test_some_people_have_no_gallbladder_and_most_have() -> None:
    value = NAMES.index("Gallbladder") + 1
    coarse = (phantom(np.random.default_rng([9, seed]), (16, 40, 48), (10.0, 7.0, 7.0)) for seed in range(12))
    having = [bool(np.any(body.label_map == value)) for body in coarse]
    assert 6 <= sum(having) < 12


def test_grey_values_are_those_of_ct(bodies: list[Phantom]) -> None:
    for body in bodies:
        middle = {
            name: np.median(body.image[body.label_map == value])
            for value, name in enumerate(NAMES, 1)
            if np.any(body.label_map == value)
        }
        assert 85 < middle["Liver"] < 135 and 60 < middle["Pancreas"] < 115 and 120 < middle["LeftKidney"] < 215
        assert middle.get("Gallbladder", 10) < 60 < middle["Pancreas"] < middle["Aorta"]
        assert np.median(body.image[:, 0, :]) < -950


def test_left_and_right_are_where_a_scanner_puts_them(bodies: list[Phantom]) -> None:
    for body in bodies:
        image = body.grid.image(body.label_map)
        for name, sign in (("Liver", -1), ("RightKidney", -1), ("Spleen", 1), ("LeftKidney", 1)):
            z, y, x = ndimage.center_of_mass(body.label_map == NAMES.index(name) + 1)
            left = image.TransformContinuousIndexToPhysicalPoint((x, y, z))[0]
            assert left * sign > 15, (name, left)


def test_neighbours_touch(bodies: list[Phantom]) -> None:
    pairs = {("Liver", "RightKidney"): 0, ("Liver", "Gallbladder"): 0}
    for body in bodies:
        for first, second in pairs:
            near = ndimage.binary_dilation(body.label_map == NAMES.index(first) + 1)
            pairs[first, second] += bool(np.any(near & (body.label_map == NAMES.index(second) + 1)))
    assert min(pairs.values()) >= 3, pairs


def test_grey_values_alone_do_not_tell_the_organs(bodies: list[Phantom]) -> None:
    # For each organ more unlabelled voxels than its own share its middle grey values.
    body = bodies[0]
    for value, name in enumerate(NAMES, 1):
        inside = body.image[body.label_map == value]
        if inside.size and name not in ("Liver", "LeftKidney", "RightKidney"):
            low, high = np.percentile(inside, (25, 75))
            elsewhere = np.sum((body.image >= low) & (body.image <= high) & (body.label_map != value))
            assert elsewhere > inside.size / 2, name


def test_noise_is_correlated_in_the_plane_as_in_ct(bodies: list[Phantom]) -> None:
    body = bodies[0]
    core = ndimage.binary_erosion(body.label_map == 1, iterations=2)
    pairs = core[:, :, 1:] & core[:, :, :-1]
    neighbours = np.corrcoef(body.image[:, :, 1:][pairs], body.image[:, :, :-1][pairs])[0, 1]
    assert 0.3 < neighbours < 0.95
    assert 8 < body.image[core].std() < 35


def test_terminology_entries_have_the_seven_parts_of_slicer() -> None:
    for structure in PHANTOM_STRUCTURES:
        parts = structure.terminology.split("~")
        assert len(parts) == 7 and all(
            len(part.split("^")) == 3 for index, part in enumerate(parts) if index not in (0, 4)
        )
        assert parts[1] == "SCT^123037004^Anatomical Structure"
    assert len({structure.terminology for structure in PHANTOM_STRUCTURES}) == len(NAMES)
    assert len({structure.color for structure in PHANTOM_STRUCTURES}) == len(NAMES)


def test_labels_are_the_truth_less_whole_structures(cohort: Path) -> None:
    for row in rows_of(cohort):
        truth = voxels(cohort / "truth", row["case"])
        if row["split"] == "test":
            assert row["labels"] == "" and {row[name] for name in NAMES} == {"missing"}
            continue
        drawn = voxels(cohort / "labels", row["case"])
        for value, name in enumerate(NAMES, 1):
            expected = truth == value if row[name] == "labelled" else np.zeros_like(truth, bool)
            assert np.array_equal(drawn == value, expected)
            assert row[name] != "absent" or not np.any(truth == value)
            assert row[name] != "labelled" or np.any(truth == value)


def test_every_file_that_the_manifest_names_exists_and_lies_on_one_grid(cohort: Path) -> None:
    rows = rows_of(cohort)
    assert [row["split"] for row in rows] == ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    for row in rows:
        image = sitk.ReadImage(str(cohort / row["image"]))
        for path in filter(None, (row["labels"], f"truth/{row['case']}.nii.gz")):
            labels = sitk.ReadImage(str(cohort / path))
            assert labels.GetSize() == image.GetSize()
            assert np.allclose(labels.GetOrigin(), image.GetOrigin()) and np.allclose(
                labels.GetDirection(), image.GetDirection()
            )
            side = read_json(cohort / path.replace(".nii.gz", ".json"), "side file")
            assert side["structures"] == {name: value for value, name in enumerate(NAMES, 1)}
    described = read_json(cohort / "structures.json", "structures")
    assert list(described) == NAMES and [entry["value"] for entry in described.values()] == list(range(1, 8))
    for structure in PHANTOM_STRUCTURES:
        entry = described[structure.name]
        assert entry["terminology"] == structure.terminology and entry["color"] == list(structure.color)


def test_the_same_seed_writes_the_same_cohort(cohort: Path, tmp_path: Path) -> None:
    again = write_phantom_cohort(tmp_path, cases=8, test_cases=2, seed=3).parent
    files = sorted(path.relative_to(cohort) for path in cohort.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert (cohort / "cases.csv").read_bytes() == (again / "cases.csv").read_bytes()
    for name in ("train001", "test010"):
        assert np.array_equal(voxels(cohort / "truth", name), voxels(again / "truth", name))


SPLITS = ["train"] * 10 + ["validation"] * 4 + ["test"] * 3


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.floats(0.05, 1), st.floats(0.05, 1), st.lists(st.booleans(), min_size=17, max_size=17))
def test_fewer_labels_are_always_a_part_of_more(seed: int, low: float, high: float, rare: list[bool]) -> None:
    present = np.ones((17, 3), bool)
    present[:, 1] = rare
    low, high = min(low, high), max(low, high)
    few, many = (partial_states(np.random.default_rng(seed), SPLITS, present, share) for share in (low, high))
    for index, split in enumerate(SPLITS):
        for structure in range(3):
            if few[index][structure] is not State.MISSING:
                assert many[index][structure] is few[index][structure]
            assert split != "test" or many[index][structure] is State.MISSING


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.floats(0.01, 1))
def test_each_structure_is_drawn_in_two_training_scans_and_in_the_stated_share(seed: int, share: float) -> None:
    present = np.ones((17, 2), bool)
    present[:7, 1] = False
    states = partial_states(np.random.default_rng(seed), SPLITS, present, share)
    for structure in (0, 1):
        drawn = [row[structure] is State.LABELLED for row in states]
        assert sum(drawn[:10]) >= 2 and sum(drawn[10:14]) >= 1
    assert sum(row[0] is State.LABELLED for row in states[:10]) == max(2, round(share * 10))
    assert all(states[index][1] is not State.LABELLED for index in range(7))


@pytest.mark.parametrize("wrong", [{"cases": 3}, {"share_labelled": 0.0}, {"share_labelled": 1.5}, {"test_cases": -1}])
def test_an_impossible_cohort_is_refused_before_anything_is_written(wrong: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="need 4 cases"):
        write_phantom_cohort(tmp_path, **wrong)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
