"""Regions to check: which voxels, in what order, and their file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.relabel.doubts import (
    FEWEST_VOXELS,
    IS_IT_MISSING_HERE,
    MOST_REGIONS,
    NAME,
    SHOULD_IT_BE_HERE,
    Doubt,
    Region,
    Weighed,
    doubtful_voxels,
    find_regions,
    most_doubtful,
    most_doubtful_regions,
    read_doubts,
    write_doubts,
)
from PartialLabelSegLib.run.failure import Failure

SHAPE = (12, 24, 24)
GRID = Grid((24, 24, 12), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
ORGAN = np.s_[3:9, 6:12, 6:12]
ADDED = np.s_[3:9, 8:12, 12:16]
LEFT_OUT = np.s_[4:8, 2:6, 7:11]


def weighed() -> Weighed:
    """An organ of which a block was left out and to which another was added; the weights say so of both."""
    drawn = np.zeros(SHAPE, bool)
    drawn[ORGAN] = drawn[ADDED] = True
    weight = np.full(SHAPE, 3.0, np.float32)
    weight[ADDED] = weight[LEFT_OUT] = -3.0
    return Weighed("Liver", drawn, np.ones(SHAPE, bool), weight, np.zeros(SHAPE, np.float32))


def by_kind(found: list[Region]) -> dict[str, Region]:
    return {region.doubt.kind: region for region in found}


def test_a_part_too_many_and_a_part_too_few_are_found_where_they_are() -> None:
    found = find_regions(weighed(), GRID)
    assert len(found) == 2
    regions = by_kind(found)
    added, missing = regions[SHOULD_IT_BE_HERE], regions[IS_IT_MISSING_HERE]
    inside = np.zeros(SHAPE, bool)
    inside[ADDED] = True
    assert inside[tuple(added.places.T)].all() and added.doubt.voxels > inside.sum() / 2
    x, y, z = added.doubt.centre_ijk
    assert inside[z, y, x] and x in (13, 14) and y in (9, 10) and z in (5, 6)
    assert added.doubt.ml == pytest.approx(added.doubt.voxels * 0.008)
    spans = missing.doubt.box
    assert all(span.start <= first < behind <= span.stop for span, (first, behind) in zip(LEFT_OUT, spans, strict=True))


def test_the_score_is_the_summed_distrust_in_ml() -> None:
    flat = weighed()
    everywhere = replace(flat, drawn=np.ones(SHAPE, bool), weight=np.full(SHAPE, -2.0, np.float32))
    (region,) = find_regions(everywhere, GRID)
    assert region.doubt.voxels == flat.drawn.size
    assert region.doubt.score == pytest.approx(2.0 * flat.drawn.size * 0.008, rel=1e-5)


def test_what_is_not_doubtful_is_not_asked_about() -> None:
    assert find_regions(replace(weighed(), doubtful=np.zeros(SHAPE, bool)), GRID) == []


def test_weak_distrust_and_single_voxels_are_not_asked_about() -> None:
    case = weighed()
    assert find_regions(replace(case, weight=case.weight * 0.3), GRID) == []
    single = np.full(SHAPE, 3.0, np.float32)
    single[5, 8, 8] = -30.0
    assert all(region.doubt.voxels >= FEWEST_VOXELS for region in find_regions(replace(case, weight=single), GRID))


def test_far_background_counts_only_where_the_network_draws_the_structure() -> None:
    case = weighed()
    weight = np.full(SHAPE, 3.0, np.float32)
    far = np.s_[3:9, 20:24, 20:24]
    weight[far] = -3.0
    assert find_regions(replace(case, weight=weight), GRID) == []
    probability = np.zeros(SHAPE, np.float32)
    probability[far] = 0.9
    (region,) = find_regions(replace(case, weight=weight, probability=probability), GRID)
    assert region.doubt.kind == IS_IT_MISSING_HERE


def test_a_structure_of_which_nothing_is_drawn_may_be_missing_where_the_network_draws_it() -> None:
    probability = np.zeros(SHAPE, np.float32)
    probability[ORGAN] = 0.8
    weight = np.where(probability > 0, np.float32(-4), np.float32(4))
    nothing = Weighed("Liver", np.zeros(SHAPE, bool), np.ones(SHAPE, bool), weight, probability)
    assert [region.doubt.kind for region in find_regions(nothing, GRID)] == [IS_IT_MISSING_HERE]


def test_the_most_distrusted_come_first_and_not_more_than_anyone_looks_at() -> None:
    regions = [Region(doubt(float(score)), np.zeros((1, 3), np.int64)) for score in range(MOST_REGIONS + 20)]
    expected = list(range(MOST_REGIONS + 19, 19, -1))
    assert [region.doubt.score for region in most_doubtful_regions(regions)] == expected
    assert [item.score for item in most_doubtful(region.doubt for region in regions)] == expected


def labels() -> Labels:
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[ORGAN], label_map[10] = 1, 2
    return Labels.expert(("Liver", "Spleen", "Kidney"), label_map, (True, True, False))


def test_doubtful_is_what_an_imperfect_label_says_but_not_where_a_trusted_one_excludes_it() -> None:
    given = replace(labels(), imperfect=frozenset({"Liver", "Kidney"}))
    doubtful = doubtful_voxels(given, "Liver")
    assert doubtful[:10].all() and doubtful[11].all() and not doubtful[10].any()
    assert not doubtful_voxels(given, "Spleen").any()
    # Of a missing structure only the voxels of others are certain, and those of the imperfect one are as doubtful as that is.
    kidney = doubtful_voxels(given, "Kidney")
    assert kidney[ORGAN].all() and kidney.sum() == (given.label_map == 1).sum()


def test_doubtful_slices_are_those_that_were_looked_at() -> None:
    given = labels()
    sliced = replace(
        given, known=(False, True, False), slices={"Liver": Slices(0, (5, 6))}, imperfect=frozenset({"Liver"})
    )
    doubtful = doubtful_voxels(sliced, "Liver")
    assert doubtful[5].all() and doubtful[6].all() and not doubtful[0].any() and doubtful[3][6:12, 6:12].all()


def doubt(score: float = 1.5) -> Doubt:
    return Doubt("Liver", SHOULD_IT_BE_HERE, 7, 0.056, score, (3, 2, 1), ((0, 2), (1, 4), (2, 5)))


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    found = (doubt(2.0), doubt(1.0))
    write_doubts(tmp_path / "scan", "scan", {"Liver": 1}, found)
    assert read_doubts(tmp_path / "scan") == found
    content = json.loads((tmp_path / "scan" / NAME).read_text(encoding="utf-8"))
    assert content["weights"] == {"Liver": 1} and content["one"] == 1000


@pytest.mark.parametrize(
    "damage",
    [
        "[]",
        '{"format": 2, "regions": []}',
        '{"format": 1}',
        '{"format": 1, "regions": [{}]}',
        '{"format": 1, "regions": 3}',
        "{",
        '{"format": 1, "regions": [{"structure": "A", "kind": "what?", "voxels": 1, "ml": 1, "score": 1, "centre_ijk": [0,0,0], "box": [[0,1],[0,1],[0,1]]}]}',
        '{"format": 1, "regions": [{"structure": "A", "kind": "should it be here?", "voxels": 1, "ml": 1, "score": 1, "centre_ijk": [0,0], "box": [[0,1],[0,1],[0,1]]}]}',
        '{"format": 1, "regions": [{"structure": "A", "kind": "should it be here?", "voxels": 1, "ml": 1, "score": 1, "centre_ijk": [0,0,0], "box": [[0,1],[0,1]]}]}',
    ],
)
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, damage: str) -> None:
    (tmp_path / NAME).write_text(damage, encoding="utf-8")
    with pytest.raises(Failure, match="damaged"):
        read_doubts(tmp_path, "scan")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="missing"):
        read_doubts(tmp_path)


@pytest.mark.parametrize("change", [{"kind": "?"}, {"voxels": 0}, {"ml": float("nan")}, {"score": -1.0}])
def test_a_region_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be one of|a region needs"):
        replace(doubt(), **change)  # type: ignore[arg-type]
