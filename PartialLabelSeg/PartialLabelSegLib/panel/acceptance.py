"""Which voxels of a scan the decisions accept, in the box of a structure only: what the panel draws is what the worker will learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data.labels import Labels
from ..data.prediction import Prediction
from ..relabel.apply import apply
from ..relabel.components import Box, bounding_box
from ..relabel.crop import cropped_indices, cropped_labels, cropped_prediction
from ..relabel.review import ACCEPTED, COMPLETE, PERSON, WRONG, Decision, Review
from ..relabel.runs import part_at
from ..relabel.scan_proposal import ScanProposal
from ..relabel.select import accepted, threshold, united
from .labels_read import accepted_in_steps
from .slabs import slabs_of, tight_in_steps
from .steps import Steps, finish_now, scaled

Region = tuple[Box, np.ndarray]
"""A box of a scan (z, y, x) and the voxels that count in it: a bool array of the box's shape."""
NO_EDITS: Mapping[str, np.ndarray] = {}


@dataclass(frozen=True, eq=False)
class Volumes:
    """What a prediction says of a scan: label uint8 and rank uint16 (z, y, x), only read; structures: the names of the values 1..K.

    labels: reads the labels that the round learned from. It is asked only where they matter, since that takes a moment.
    later: they are not the annotator's own, since a round relabelled the scan before.
    """

    structures: tuple[str, ...]
    label: np.ndarray
    rank: np.ndarray
    labels: Callable[[], Steps[Labels]]
    later: bool = False


class Acceptance:
    """Answers for one scan. Each structure is cut out once and kept: after that an answer takes milliseconds."""

    def __init__(self, proposal: ScanProposal, volumes: Volumes) -> None:
        assert volumes.label.shape == proposal.shape == volumes.rank.shape, (volumes.label.shape, proposal.shape)
        self._proposal = proposal
        self._volumes = volumes
        self._labels: Labels | None = None
        self._ranks: dict[str, np.ndarray] = {}

    def suggested(self, structure: str, gamma: float) -> Region | None:
        """All that is suggested of a structure at gamma, in the box of all its suggestions; None where it has none at any gamma."""
        item = self._proposal.structures.get(structure)
        if item is None or item.box is None:
            return None
        box = (slice(*item.box[0]), slice(*item.box[1]), slice(*item.box[2]))
        return box, finish_now(self._cut(structure, box)) > threshold(gamma)

    def _cut(self, structure: str, box: Box) -> Steps[np.ndarray]:
        """uint16, of the shape of the box: the ranks of a structure, 0 elsewhere."""
        if structure not in self._ranks:
            value = self._volumes.structures.index(structure) + 1
            ranks, label = self._volumes.rank[box], self._volumes.label[box]
            found = np.empty(ranks.shape, np.uint16)
            for slab in slabs_of(ranks.shape):
                np.multiply(ranks[slab], label[slab] == value, out=found[slab])
                yield slab.stop / len(ranks)
            self._ranks[structure] = found
        return self._ranks[structure]

    def part(self, structure: str, gamma: float, seed: int) -> Region | None:
        """The connected part of it that holds the voxel of flat index `seed`, in its own box; None where that is not suggested at gamma."""
        found = self.suggested(structure, gamma)
        if found is None:
            return None
        box, mask = found
        place = [int(index) - span.start for index, span in zip(np.unravel_index(seed, self._proposal.shape), box)]
        if not all(0 <= index < size for index, size in zip(place, mask.shape)):
            return None
        return _tight(box, part_at(mask, (place[0], place[1], place[2])))

    def accepted(
        self, structure: str, decisions: Sequence[Decision], edits: Mapping[str, np.ndarray] = NO_EDITS
    ) -> Region | None:
        """What of a structure the decisions on this scan accept, with what earlier rounds did: as the next round will learn it. None: nothing.

        decisions: those that count, on all structures (`Review.latest`). edits: what was drawn, as for `apply`.
        """
        return finish_now(self.accepted_in_steps(structure, decisions, edits))

    def accepted_in_steps(
        self, structure: str, decisions: Sequence[Decision], edits: Mapping[str, np.ndarray] = NO_EDITS
    ) -> Steps[Region | None]:
        """The same, a few milliseconds at a time: a stray voxel makes the box of a structure as large as the scan."""
        item = self._proposal.structures.get(structure)
        # A structure that was completed in a round is suggested no more, and has accepted voxels all the same.
        accepted_before = self._volumes.later if item is None else item.accepted
        if accepted_before or any(said.edit is not None for said in decisions):
            return (yield from self._by_the_worker(structure, decisions, edits))
        if item is None or item.box is None:
            return None
        box = (slice(*item.box[0]), slice(*item.box[1]), slice(*item.box[2]))
        ranks = yield from scaled(self._cut(structure, box), 0.0, 0.4)
        mine = [said for said in decisions if said.structure == structure and said.gamma is not None]
        yes = yield from scaled(_whole(ranks, [said for said in mine if said.component is None]), 0.4, 0.7)
        for said in mine:
            if said.component is not None:
                yield 0.7
                self._say_part(said, box, yes)
        return (yield from scaled(tight_in_steps(box, yes), 0.7, 1.0))

    def _say_part(self, said: Decision, box: Box, yes: np.ndarray) -> None:
        """Takes the voxels of a decision on a part into or out of `yes`, a mask of the box."""
        assert said.gamma is not None
        assert said.component is not None
        region = self.part(said.structure, said.gamma, said.component)
        if region is not None:
            inner = tuple(slice(one.start - all_.start, one.stop - all_.start) for one, all_ in zip(region[0], box))
            yes[inner][region[1]] = said.decision in (ACCEPTED, COMPLETE)

    def _by_the_worker(
        self, structure: str, decisions: Sequence[Decision], edits: Mapping[str, np.ndarray]
    ) -> Steps[Region | None]:
        """The same by the worker's own rule on a part of the scan: where drawings or earlier rounds are at play."""
        labels = yield from scaled(self._round_labels(), 0.0, 0.5)
        shape = self._proposal.shape
        counting = [said for said in decisions if said.structure == structure or said.edit is not None]
        places = yield from scaled(accepted_in_steps(labels, structure), 0.5, 0.7)
        for said in counting:
            if said.structure == structure and said.edit is not None:
                places = united(places, edits[said.edit.file])
        item = self._proposal.structures.get(structure)
        suggested = None if item is None or item.box is None else tuple(slice(*span) for span in item.box)
        box = _around(places, suggested, shape)
        if box is None:
            return None
        yield 0.8
        drawn = {
            said.edit.file: cropped_indices(edits[said.edit.file], shape, box)[0] for said in counting if said.edit
        }
        moved = [_moved(said, shape, box) for said in counting]
        review = Review(PERSON, tuple(said for said in moved if said is not None))
        volumes = self._volumes
        whole = Prediction(volumes.structures, volumes.label, volumes.rank, volumes.rank, volumes.rank)
        # Probability and confidence play no part in what a decision means.
        after = apply(
            cropped_labels(labels, box), cropped_prediction(whole, box), review, self._proposal.case, 0, drawn
        )
        mask = np.zeros(after.label_map.shape, bool)
        mask.reshape(-1)[accepted(after, structure)] = True
        return _tight(box, mask)

    def _round_labels(self) -> Steps[Labels]:
        if self._labels is None:
            self._labels = yield from self._volumes.labels()
        return self._labels


def _whole(ranks: np.ndarray, decisions: Sequence[Decision]) -> Steps[np.ndarray]:
    """What decisions on a whole structure accept of it: bool, of the shape of its ranks."""
    yes = np.zeros(ranks.shape, bool)
    for slab in slabs_of(ranks.shape):
        for said in decisions:
            assert said.gamma is not None
            if said.decision in (ACCEPTED, COMPLETE):
                yes[slab] |= ranks[slab] > threshold(said.gamma)
            elif said.decision == WRONG:
                yes[slab] &= ranks[slab] <= threshold(said.gamma)
        yield slab.stop / len(ranks)
    return yes


def _tight(box: Box, mask: np.ndarray) -> Region | None:
    """A mask cut to the smallest box around its voxels; None where it has none."""
    inner = bounding_box(mask)
    if inner is None:
        return None
    z, y, x = (slice(one.start + all_.start, one.stop + all_.start) for one, all_ in zip(inner, box))
    return (z, y, x), mask[inner]


def _around(places: np.ndarray, box: tuple[slice, ...] | None, shape: tuple[int, ...]) -> Box | None:
    """The smallest box that holds flat indices and a box; None where there is neither."""
    corners = [] if box is None else [[span.start for span in box], [span.stop - 1 for span in box]]
    if places.size:
        voxels = np.stack(np.unravel_index(places, shape), 1)
        corners += [voxels.min(0).tolist(), voxels.max(0).tolist()]
    if not corners:
        return None
    z, y, x = (slice(min(along), max(along) + 1) for along in zip(*corners))
    return z, y, x


def _moved(said: Decision, shape: tuple[int, ...], box: Box) -> Decision | None:
    """A decision as it reads in the box; None where it names a component outside."""
    if said.component is None:
        return said
    indices, _ = cropped_indices(np.array([said.component]), shape, box)
    return replace(said, component=int(indices[0])) if indices.size else None
