"""Labels: what is drawn in a scan and for which structures the annotator looked. One type for hard, partial, soft and pseudo labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .types import MOST_STRUCTURES, State

HARD = 0.5
"""A soft label counts as the structure where it is at least as likely as not."""
NOTHING, EXPERT, FIRST_ROUND = 0, 1, 2
"""Origin values: nothing drawn; drawn by the annotator; accepted after round t is FIRST_ROUND + t (t from 0, at most 253)."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Sparse voxels: sorted flat indices (int64, C order of (z, y, x)) and the origin (uint8) of each."""

    indices: np.ndarray
    origin: np.ndarray

    def __post_init__(self) -> None:
        if self.indices.dtype != np.int64 or self.origin.dtype != np.uint8 or self.indices.shape != self.origin.shape:
            raise ValueError("marks need int64 indices and uint8 origins of one length")
        if self.indices.size and (self.indices[0] < 0 or not bool(np.all(np.diff(self.indices) > 0))):
            raise ValueError("marks need sorted indices without repeats")

    @classmethod
    def of(cls, mask: np.ndarray, origin: int = EXPERT) -> Marks:
        indices = np.flatnonzero(mask).astype(np.int64)
        return cls(indices, np.full(indices.shape, origin, np.uint8))

    def united(self, other: Marks) -> Marks:
        """Both sets; where both hold a voxel the origin of `self` stays."""
        new = ~np.isin(other.indices, self.indices)
        indices = np.concatenate([self.indices, other.indices[new]])
        order = np.argsort(indices, kind="stable")
        return Marks(indices[order], np.concatenate([self.origin, other.origin[new]])[order])

    def mask(self, shape: tuple[int, ...]) -> np.ndarray:
        result = np.zeros(int(np.prod(shape)), bool)
        result[self.indices] = True
        return result.reshape(shape)


@dataclass(frozen=True)
class Slices:
    """The slices on which a structure was looked for: indices along array axis `axis` of (z, y, x)."""

    axis: int
    indices: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.axis not in (0, 1, 2):
            raise ValueError(f"slice axis must be 0, 1 or 2, got {self.axis}")
        if list(self.indices) != sorted(set(self.indices)) or (self.indices and self.indices[0] < 0):
            raise ValueError(f"slice indices must be sorted, without repeats, from 0, got {self.indices}")

    def mask(self, shape: tuple[int, ...]) -> np.ndarray:
        result = np.zeros(shape, bool)
        np.moveaxis(result, self.axis, 0)[list(self.indices)] = True
        return result


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of one scan on its own grid.

    structures: the K names, in the order of the label values 1..K.
    label_map, origin: uint8 (z, y, x); a voxel with a label has an origin, one without has none.
    known: per structure, the annotator looked for it in the whole scan (drawn, or confirmed absent).
    slices: structures looked for on some slices only (their `known` is False).
    overlaps: further positive voxels of structures that share voxels with others.
    negatives: voxels that are certainly not the structure (a person said "wrong").
    soft: float32 (z, y, x) in 0..1, only for structures whose label is a probability; nan on voxels that nobody looked at. Where it is a
        number, in the whole scan or on the structure's slices, it is the truth that is learned, and the label map holds it hardened (at least
        0.5), which is what is counted, shown and completed.
    overlapping: pairs of structures that may share voxels, so that one's label says nothing against the other.
    imperfect: structures whose label in this scan was made quickly, so that what it says may be wrong, of drawn voxels and of those around.
    It says nothing of a structure that is missing.
    Arrays are not to be changed after they were handed in.
    """

    structures: tuple[str, ...]
    label_map: np.ndarray
    known: tuple[bool, ...]
    origin: np.ndarray
    slices: Mapping[str, Slices] = field(default_factory=dict)
    overlaps: Mapping[str, Marks] = field(default_factory=dict)
    negatives: Mapping[str, Marks] = field(default_factory=dict)
    soft: Mapping[str, np.ndarray] = field(default_factory=dict)
    overlapping: frozenset[frozenset[str]] = frozenset()
    imperfect: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if len(set(self.structures)) != len(self.structures) or not 1 <= len(self.structures) <= MOST_STRUCTURES:
            raise ValueError(f"labels need 1 to {MOST_STRUCTURES} structures of different names, got {self.structures}")
        if len(self.known) != len(self.structures):
            raise ValueError(f"{len(self.known)} known flags for {len(self.structures)} structures")
        for name, array in (("label_map", self.label_map), ("origin", self.origin)):
            if array.dtype != np.uint8 or array.ndim != 3 or array.shape != self.label_map.shape:
                raise ValueError(f"{name} must be uint8 (z, y, x) of one shape, got {array.dtype} {array.shape}")
        if self.label_map.size and int(self.label_map.max()) > len(self.structures):
            raise ValueError(f"label value {int(self.label_map.max())} has no structure among {self.structures}")
        for group in (self.slices, self.overlaps, self.negatives, self.soft, self.imperfect):
            unknown = set(group) - set(self.structures)
            if unknown:
                raise ValueError(f"no structure {sorted(unknown)} among {self.structures}")
        self._check_places()

    def _check_places(self) -> None:
        """Slices and marks must lie within the scan, and what is known in the whole scan has no list of slices."""
        for name, where in self.slices.items():
            if where.indices and where.indices[-1] >= self.label_map.shape[where.axis]:
                raise ValueError(
                    f"slice {where.indices[-1]} of '{name}' is not in a scan of shape {self.label_map.shape}"
                )
            if self.is_known(name):
                raise ValueError(f"'{name}' is known in the whole scan and has a list of slices")
        for group in (self.overlaps, self.negatives):
            for name, marks in group.items():
                if marks.indices.size and marks.indices[-1] >= self.label_map.size:
                    raise ValueError(f"a mark of '{name}' is not in a scan of shape {self.label_map.shape}")
        for name, plane in self.soft.items():
            if plane.dtype != np.float32 or plane.shape != self.label_map.shape:
                raise ValueError(
                    f"the soft label of '{name}' must be float32 of the scan's shape, got {plane.dtype} {plane.shape}"
                )
            # fmin and fmax pass over what is not a number.
            if plane.size and (np.fmin.reduce(plane, axis=None) < 0 or np.fmax.reduce(plane, axis=None) > 1):
                raise ValueError(f"the soft label of '{name}' must lie in 0..1")

    @classmethod
    def expert(
        cls,
        structures: tuple[str, ...],
        label_map: np.ndarray,
        known: tuple[bool, ...],
        slices: Mapping[str, Slices] | None = None,
    ) -> Labels:
        """Labels whose every drawn voxel comes from the annotator."""
        origin = (label_map > 0).astype(np.uint8) * np.uint8(EXPERT)
        return cls(structures, label_map, known, origin, slices or {})

    def value(self, structure: str) -> int:
        """The label value 1..K of a structure. KeyError where there is none of that name."""
        try:
            return self.structures.index(structure) + 1
        except ValueError:
            raise KeyError(structure) from None

    def is_known(self, structure: str) -> bool:
        return self.known[self.value(structure) - 1]

    def positive(self, structure: str) -> np.ndarray:
        """bool (z, y, x): voxels that carry this structure's label."""
        mask: np.ndarray = self.label_map == self.value(structure)
        if structure in self.overlaps:
            mask |= self.overlaps[structure].mask(mask.shape)
        return mask

    def certain(self, structure: str) -> np.ndarray:
        """bool (z, y, x): the ambiguity map w = 1 (INERRANT, Eq. 2): known, or carrying a label that settles it, or marked negative."""
        if self.is_known(structure):
            return np.ones(self.label_map.shape, bool)
        settles = np.zeros(len(self.structures) + 1, bool)
        settles[1:] = [self.excludes(structure, other) or other == structure for other in self.structures]
        mask: np.ndarray = settles[self.label_map]
        for other, marks in self.overlaps.items():
            if self.excludes(structure, other) or other == structure:
                mask |= marks.mask(mask.shape)
        if structure in self.slices:
            mask |= self.slices[structure].mask(mask.shape)
        if structure in self.negatives:
            mask |= self.negatives[structure].mask(mask.shape)
        return mask

    def excludes(self, structure: str, other: str) -> bool:
        """Whether a voxel of `other` is certainly not `structure`."""
        return structure != other and frozenset((structure, other)) not in self.overlapping

    def state(self, structure: str) -> State:
        if structure in self.slices:
            return State.SOME_SLICES
        if not self.is_known(structure):
            return State.MISSING
        return State.LABELLED if structure in self.soft or self.voxels(structure) else State.ABSENT

    def voxels(self, structure: str) -> int:
        """Voxels that carry this structure's label, whatever their origin."""
        count = int(np.count_nonzero(self.label_map == self.value(structure)))
        if structure in self.overlaps:
            marks = self.overlaps[structure].indices
            count += int(np.count_nonzero(self.label_map.ravel()[marks] != self.value(structure)))
        return count

    def same_as(self, other: Labels) -> bool:
        """Whether both say the same of every voxel."""
        flags = (self.structures, self.known, dict(self.slices), self.overlapping, self.imperfect)
        if flags != (other.structures, other.known, dict(other.slices), other.overlapping, other.imperfect):
            return False
        marks = ((self.overlaps, other.overlaps), (self.negatives, other.negatives))
        pairs = [(self.label_map, other.label_map), (self.origin, other.origin)]
        for mine, theirs in (*marks, (self.soft, other.soft)):
            if set(mine) != set(theirs):
                return False
        pairs += [(mine[name].indices, theirs[name].indices) for mine, theirs in marks for name in mine]
        pairs += [(mine[name].origin, theirs[name].origin) for mine, theirs in marks for name in mine]
        if not all(np.array_equal(self.soft[name], other.soft[name], equal_nan=True) for name in self.soft):
            return False
        return all(np.array_equal(first, second) for first, second in pairs)

    def with_known(self, structure: str) -> Labels:
        """The same labels with this structure known in the whole scan."""
        index = self.value(structure) - 1
        known = (*self.known[:index], True, *self.known[index + 1 :])
        slices = {name: where for name, where in self.slices.items() if name != structure}
        return replace(self, known=known, slices=slices)

    def confirmed(self, structure: str) -> Labels:
        """The same labels once a person looked through this structure in the whole scan: known there, and no longer imperfect."""
        return replace(self.with_known(structure), imperfect=self.imperfect - {structure})
