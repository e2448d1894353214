"""The proposal: totals and components of what is shown at gamma, by hand and against the selection."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.components import component_of
from PartialLabelSegLib.relabel.propose import propose
from PartialLabelSegLib.relabel.select import accepted, rank_volume, select, suggested

GRID = Grid((6, 5, 3), (1.0, 2.0, 5.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def test_two_components_are_as_counted_by_hand() -> None:
    label = np.zeros(GRID.shape, np.uint8)
    label[1, 1:3, 1:4] = 1
    label[1, 4, 5] = 1
    label[0, 0, 0] = 2
    confidence = np.where(label > 0, np.float32(0.5), np.float32(0))
    confidence[1, 4, 5] = 1
    labels = Labels.expert(("Liver", "Spleen"), np.zeros_like(label), (False, True))
    stored = fixed_point(confidence)
    prediction = Prediction(labels.structures, label, stored, stored, rank_volume(labels, label, confidence))
    proposal = propose(prediction, labels, 1.0, GRID)
    assert [item.structure for item in proposal.structures] == ["Liver"]
    liver = proposal.of("Liver")
    assert (liver.pool, liver.accepted, liver.suggested) == (7, 0, 7)
    assert liver.volume_ml == pytest.approx(0.07)
    assert liver.confidence == pytest.approx(4 / 7, abs=1e-4)
    large, small = liver.components
    assert (large.seed, large.voxels, large.box, large.touches_border) == (37, 6, ((1, 2), (1, 3), (1, 4)), False)
    assert large.volume_ml == pytest.approx(0.06)
    assert large.confidence == pytest.approx(0.5, abs=1e-4)
    assert (small.seed, small.voxels, small.box, small.touches_border) == (59, 1, ((1, 2), (4, 5), (5, 6)), True)
    # The most confident seventh is the single voxel.
    assert [part.seed for part in propose(prediction, labels, 1 / 7, GRID).of("Liver").components] == [59]
    with pytest.raises(KeyError):
        proposal.of("Spleen")


@given(st.data(), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_the_components_make_up_what_is_shown(
    drawn: SimpleNamespace, a_grid: Grid, data: st.DataObject, gamma: float
) -> None:
    labels = data.draw(drawn.labels())
    first = data.draw(drawn.prediction(labels))
    labels = apply(labels, first, data.draw(drawn.review(first)), "scan", 0)
    prediction = data.draw(drawn.prediction(labels))
    shown = suggested(prediction, gamma)
    proposal = propose(prediction, labels, gamma, a_grid)
    assert set(np.unique(shown)) - {0} <= {prediction.value(item.structure) for item in proposal.structures}
    for item in proposal.structures:
        mask = shown == prediction.value(item.structure)
        places = [component_of(mask, part.seed) for part in item.components]
        assert [part.voxels for part in item.components] == [place.size for place in places]
        assert [part.seed for part in item.components] == [place[0] for place in places]
        assert sorted(np.concatenate([np.empty(0, int), *places])) == np.flatnonzero(mask).tolist()
        assert item.pool == np.count_nonzero(select(prediction, labels, item.structure, 1.0))
        assert item.accepted == accepted(labels, item.structure).size
