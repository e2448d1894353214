"""Random small scans for the relabelling tests: labels of every kind, predictions on them, and reviews of those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import EXPERT, Labels, Marks, Slices
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.relabel.review import ACCEPTED, COMPLETE, EDITED, NOT_NOW, WRONG, Decision, Edit, Review
from PartialLabelSegLib.relabel.select import rank_volume, suggested_at

SHAPE = (3, 4, 5)
STRUCTURES = ("Liver", "Tumour", "Spleen")


@st.composite
def expert_labels(draw: st.DrawFn) -> Labels:
    """Labels as an annotator leaves them: known, missing and partly drawn structures, with and without a pair that may share voxels."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label_map = random.choice(np.arange(4, dtype=np.uint8), SHAPE, p=[0.7, 0.1, 0.1, 0.1])
    known = tuple(draw(st.booleans()) for _ in STRUCTURES)
    partly = [name for name, flag in zip(STRUCTURES, known, strict=True) if not flag and draw(st.booleans())]
    slices = {name: Slices(draw(st.integers(0, 2)), (1,)) for name in partly[:1]}
    overlapping = frozenset({frozenset(("Liver", "Tumour"))}) if draw(st.booleans()) else frozenset()
    shared = (label_map == 1) & (random.random(SHAPE) < 0.3)
    overlaps = {"Tumour": Marks.of(shared)} if overlapping and shared.any() else {}
    negatives = {"Spleen": Marks.of((label_map == 0) & (random.random(SHAPE) < 0.1))} if draw(st.booleans()) else {}
    origin = (label_map > 0).astype(np.uint8) * np.uint8(EXPERT)
    return Labels(STRUCTURES, label_map, known, origin, slices, overlaps, negatives, {}, overlapping)


@st.composite
def predictions(draw: st.DrawFn, labels: Labels) -> Prediction:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label = random.choice(np.arange(4, dtype=np.uint8), SHAPE, p=[0.25, 0.25, 0.25, 0.25])
    # Few distinct values, so that ties occur.
    confidence = (random.integers(0, 9, SHAPE) / 8).astype(np.float32) * (label > 0)
    stored = fixed_point(confidence)
    return Prediction(STRUCTURES, label, stored, stored, rank_volume(labels, label, confidence))


class Drawings(Mapping[str, np.ndarray]):
    """What was drawn in a file: random voxels, always the same for a name."""

    def __getitem__(self, name: str) -> np.ndarray:
        random = np.random.default_rng(int(name))
        return np.flatnonzero(random.random(SHAPE) < random.choice([0.0, 0.2, 0.6])).astype(np.int64)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("nobody asks which drawings there are")

    def __len__(self) -> int:
        raise AssertionError("nobody asks how many drawings there are")


@st.composite
def reviews(draw: st.DrawFn, prediction: Prediction, edited: bool = False) -> Review:
    """Decisions on a scan; with `edited` some of them are drawings, see Drawings."""
    decisions = []
    kinds = [ACCEPTED, WRONG, NOT_NOW, COMPLETE, *[EDITED] * (2 * edited)]
    for _ in range(draw(st.integers(1, 5))):
        structure, said = draw(st.sampled_from(STRUCTURES)), draw(st.sampled_from(kinds))
        if said == EDITED or (said == COMPLETE and edited and draw(st.booleans())):
            edit = Edit(str(draw(st.integers(0, 1000))), 0)
            decisions.append(Decision("scan", structure, said, edit=edit))
            continue
        gamma = draw(st.sampled_from([0.25, 0.5, 0.75, 1.0]))
        places = suggested_at(prediction, structure, gamma)
        by_component = bool(places.size) and said != "complete" and draw(st.booleans())
        component = int(draw(st.sampled_from(places.tolist()))) if by_component else None
        decisions.append(Decision("scan", structure, said, gamma, component))
    return Review("person", tuple(decisions))


@pytest.fixture(scope="session")
def drawn() -> SimpleNamespace:
    """The strategies, for tests that draw with `st.data()`."""
    return SimpleNamespace(labels=expert_labels, prediction=predictions, review=reviews, edits=Drawings())


@pytest.fixture(scope="session")
def a_grid() -> Grid:
    """A grid of the small scans: anisotropic and oblique."""
    turned = np.linalg.qr(np.array([[1.0, 0.2, 0.1], [-0.3, 1.0, 0.2], [0.1, -0.2, 1.0]]))[0]
    return Grid((5, 4, 3), (0.7, 0.8, 2.5), (-12.5, 33.0, 101.25), tuple(float(part) for part in turned.ravel()))
