"""What the panel shows as accepted is what the worker accepts, voxel by voxel, and it is there at once."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from panel.deciding import at_once
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.panel.acceptance import Acceptance, Region, Volumes
from PartialLabelSegLib.panel.steps import Steps
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.components import component_of
from PartialLabelSegLib.relabel.review import Decision, Edit, Review
from PartialLabelSegLib.relabel.scan_proposal import propose_levels
from PartialLabelSegLib.relabel.select import accepted, rank_volume, suggested_at

SHAPE = (4, 5, 6)
NAMES = ("Liver", "Spleen", "Tumour")
GRID = Grid((6, 5, 4), (1.0, 1.5, 3.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def predicted(random: np.random.Generator, labels: Labels) -> Prediction:
    label = random.choice(np.arange(4, dtype=np.uint8), SHAPE, p=[0.4, 0.25, 0.2, 0.15])
    confidence = random.random(SHAPE, dtype=np.float32) * (label > 0)
    stored = fixed_point(confidence)
    return Prediction(NAMES, label, stored, stored, rank_volume(labels, label, confidence))


def drawn_labels(random: np.random.Generator) -> Labels:
    label_map = random.choice(np.arange(4, dtype=np.uint8), SHAPE, p=[0.85, 0.05, 0.05, 0.05])
    return Labels.expert(NAMES, label_map, tuple(bool(flag) for flag in random.random(3) < 0.2))


def reviewed(
    random: np.random.Generator, prediction: Prediction, drawings: bool
) -> tuple[Review, dict[str, np.ndarray]]:
    decisions, edits = [], {}
    for number in range(int(random.integers(1, 6))):
        structure = str(random.choice(NAMES))
        said = str(
            random.choice(["accepted", "accepted", "wrong", "not now", "complete", *["edited"] * (2 * drawings)])
        )
        if said == "edited":
            edits[str(number)] = np.flatnonzero(random.random(SHAPE) < random.choice([0.0, 0.1, 0.5]))
            decisions.append(Decision("scan", structure, said, edit=Edit(str(number), 0)))
            continue
        gamma = float(random.choice([0.25, 0.5, 0.63, 1.0]))
        places = suggested_at(prediction, structure, gamma)
        by_part = places.size and said != "complete" and random.random() < 0.5
        decisions.append(Decision("scan", structure, said, gamma, int(random.choice(places)) if by_part else None))
    return Review("person", tuple(decisions)), edits


def voxels(region: Region | None) -> list[int]:
    """Flat indices in the scan; a region is never larger than it must be."""
    if region is None:
        return []
    whole = np.zeros(SHAPE, bool)
    whole[region[0]] = region[1]
    return np.flatnonzero(whole).tolist()


def acceptance(prediction: Prediction, labels: Labels, later: bool = False) -> Acceptance:
    proposal = propose_levels(prediction, labels, GRID, "scan")
    return Acceptance(proposal, Volumes(NAMES, prediction.label, prediction.rank, lambda: at_once(labels), later))


@pytest.mark.parametrize("drawings", [False, True])
@given(seed=st.integers(0, 2**32 - 1), rounds=st.integers(0, 2))
def test_what_is_shown_as_accepted_is_what_the_worker_accepts(drawings: bool, seed: int, rounds: int) -> None:
    random = np.random.default_rng(seed)
    labels = drawn_labels(random)
    for number in range(rounds):
        before = predicted(random, labels)
        review, edits = reviewed(random, before, drawings)
        labels = apply(labels, before, review, "scan", number, edits)
    prediction = predicted(random, labels)
    review, edits = reviewed(random, prediction, drawings)
    after = apply(labels, prediction, review, "scan", rounds, edits)
    mine = acceptance(prediction, labels, rounds > 0)
    for structure in NAMES:
        assert voxels(mine.accepted(structure, review.latest("scan"), edits)) == accepted(after, structure).tolist()


@given(seed=st.integers(0, 2**32 - 1), gamma=st.sampled_from([0.0, 0.2, 0.55, 1.0]))
def test_suggestions_and_their_parts_are_those_of_the_worker(seed: int, gamma: float) -> None:
    random = np.random.default_rng(seed)
    labels = drawn_labels(random)
    prediction = predicted(random, labels)
    mine = acceptance(prediction, labels)
    for structure in NAMES:
        places = suggested_at(prediction, structure, gamma)
        assert voxels(mine.suggested(structure, gamma)) == places.tolist()
        mask = np.zeros(SHAPE, bool)
        mask.reshape(-1)[places] = True
        for seed_voxel in (0, 59, 119, *places[:3].tolist()):
            region = mine.part(structure, gamma, seed_voxel)
            assert voxels(region) == component_of(mask, seed_voxel).tolist()
            assert region is None or all(region[1].any(axis).any() for axis in range(3))


def test_labels_are_read_only_where_they_matter() -> None:
    random = np.random.default_rng(1)
    labels = Labels.expert(NAMES, np.zeros(SHAPE, np.uint8), (False, False, False))
    prediction = predicted(random, labels)
    asked = []

    def read() -> Steps[Labels]:
        asked.append(1)
        return at_once(labels)

    proposal = propose_levels(prediction, labels, GRID, "scan")
    mine = Acceptance(proposal, Volumes(NAMES, prediction.label, prediction.rank, read))
    said = Decision("scan", "Liver", "accepted", 0.5)
    assert mine.accepted("Liver", [said]) is not None
    assert mine.accepted("Spleen", [said]) is None
    assert not asked
    for _ in range(2):
        edit = Decision("scan", "Liver", "edited", edit=Edit("a", 0))
        assert voxels(mine.accepted("Liver", [edit], {"a": np.array([3, 4])})) == [3, 4]
    assert len(asked) == 1


def test_an_organ_of_a_large_scan_is_there_within_a_tenth_of_a_second() -> None:
    """A liver of 1.9 million voxels whose confidence falls towards its rim, with some crumbs around it: processor time of the window's thread."""
    shape = (300, 512, 512)
    label = np.zeros(shape, np.uint8)
    z, y, x = np.ogrid[-60:60, -100:100, -140:140]
    distance = (z / 55) ** 2 + (y / 70) ** 2 + (x / 115) ** 2
    random = np.random.default_rng(0)
    noise = ndimage.zoom(random.random((30, 50, 70), dtype=np.float32), 4, order=1)
    box = (slice(100, 220), slice(150, 350), slice(100, 380))
    label[box] = (distance + 0.6 * noise < 1.3).astype(np.uint8)
    confidence = np.zeros(shape, np.float32)
    confidence[box] = np.clip(1.2 - distance / 2 - 0.4 * noise, 0, 1) * label[box]
    labels = Labels.expert(("Liver",), np.zeros(shape, np.uint8), (False,))
    stored = fixed_point(confidence)
    prediction = Prediction(("Liver",), label, stored, stored, rank_volume(labels, label, confidence))
    grid = Grid((512, 512, 300), (0.8, 0.8, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    proposal = propose_levels(prediction, labels, grid, "scan")
    mine = Acceptance(proposal, Volumes(("Liver",), label, prediction.rank, lambda: at_once(labels)))
    largest = proposal.structures["Liver"].levels[13].components[0]
    seconds = {}
    for name, work in (
        ("first", lambda: mine.suggested("Liver", 0.7)),
        ("suggested", lambda: mine.suggested("Liver", 0.7)),
        ("accepted", lambda: mine.accepted("Liver", [Decision("scan", "Liver", "accepted", 0.7)])),
        ("part", lambda: mine.part("Liver", 0.7, largest.seed)),
    ):
        started = time.process_time()
        found = work()
        seconds[name] = time.process_time() - started
        assert found is not None
    print({name: f"{1000 * value:.0f} ms" for name, value in seconds.items()}, largest.voxels)
    assert seconds["accepted"] < 0.1 and seconds["suggested"] < 0.1
    assert seconds["part"] < 0.3 and seconds["first"] < 0.3
