"""One structure of one scan with everything that its raters' labels are made of: readings, grid, bone and image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .template import OUTLINE, GridTemplate
from .types import Reading


@dataclass(frozen=True, eq=False)
class RatedScan:
    """What the raters said of one structure in one scan, and where. Arrays are not to be changed after they were handed in.

    readings: at least one, each of another rater. shape: of the scan, (z, y, x).
    template: needed where a reading has ticks; its axis then counts the slices of every reading.
    bone: bool (z, y, x), the bone or organ that the grid lies on. image: (z, y, x), any real dtype, finite.
    ValueError: parts that do not fit together.
    """

    readings: tuple[Reading, ...]
    shape: tuple[int, int, int]
    template: GridTemplate | None = None
    bone: np.ndarray | None = None
    image: np.ndarray | None = None

    def __post_init__(self) -> None:
        names = [reading.rater for reading in self.readings]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a rated scan needs readings of different raters, got {names}")
        if len({reading.axis for reading in self.readings}) > 1:
            raise ValueError("the raters of one scan count slices along different axes")
        if self.bone is not None and (self.bone.dtype != bool or self.bone.shape != self.shape):
            raise ValueError(f"the bone must be bool {self.shape}, got {self.bone.dtype} {self.bone.shape}")
        if self.image is not None and self.image.shape != self.shape:
            raise ValueError(f"the image must be {self.shape}, got {self.image.shape}")
        for reading in self.readings:
            self._check(reading)

    def _check(self, reading: Reading) -> None:
        reading.read(self.count)
        if reading.mask is not None and reading.mask.shape != self.shape:
            raise ValueError(f"the mask of '{reading.rater}' must be {self.shape}, got {reading.mask.shape}")
        if not reading.ticks:
            return
        if self.template is None or self.template.axis != reading.axis:
            raise ValueError(f"the ticks of '{reading.rater}' need a grid along the same slices")
        for tick in reading.ticks:
            if not self.template.holds(tick.row, tick.column) or tick.slice >= self.count:
                raise ValueError(f"'{reading.rater}' ticked {tick.cell}, which is no cell of the grid in this scan")

    @property
    def axis(self) -> int:
        """The array axis that counts the slices."""
        return self.readings[0].axis

    @property
    def count(self) -> int:
        """How many slices the scan has."""
        return self.shape[self.axis]

    @property
    def plane_shape(self) -> tuple[int, int]:
        first, second = (size for axis, size in enumerate(self.shape) if axis != self.axis)
        return first, second

    def plane(self, array: np.ndarray, index: int) -> np.ndarray:
        """Slice `index` of an array (z, y, x), as a view."""
        return np.asarray(np.moveaxis(array, self.axis, 0)[index])

    def cells(self, index: int) -> np.ndarray | None:
        """int32 plane: the grid's cell at each voxel of slice `index`, -1 outside; None without a grid."""
        if self.template is None:
            return None
        follows = self.template.follow == OUTLINE and self.bone is not None
        bone = self.plane(self.bone, index) if follows and self.bone is not None else None
        return self.template.cells(index, self.plane_shape, bone)

    def readers(self) -> np.ndarray:
        """int64 (slices,): how many raters read each slice."""
        return np.stack([reading.read(self.count) for reading in self.readings]).sum(axis=0, dtype=np.int64)

    def with_readings(self, readings: tuple[Reading, ...]) -> RatedScan:
        return replace(self, readings=readings)


def rater_masks(scan: RatedScan) -> np.ndarray:
    """bool (raters, z, y, x), in the order of the readings: what each rater marked; nothing on slices that the rater did not read.

    A ticked cell (grade above 0) counts with all its voxels inside the bone, or with all of them where there is no bone mask.
    """
    result = np.zeros((len(scan.readings), *scan.shape), bool)
    for index in range(scan.count):
        for mask, plane in zip(result, rater_planes(scan, index)):
            scan.plane(mask, index)[...] = plane
    return result


def rater_planes(scan: RatedScan, index: int) -> np.ndarray:
    """bool (raters, ...): the same on slice `index`."""
    result = np.zeros((len(scan.readings), *scan.plane_shape), bool)
    ticked: dict[int, list[int]] = {}
    for number, reading in enumerate(scan.readings):
        if reading.mask is not None and (reading.slices is None or index in reading.slices):
            result[number] = scan.plane(reading.mask, index)
        for tick in reading.ticks:
            if tick.slice == index and tick.grade > 0:
                assert scan.template is not None
                ticked.setdefault(number, []).append(tick.row * scan.template.columns + tick.column)
    cells = scan.cells(index) if ticked else None
    for number, chosen in ticked.items():
        assert cells is not None and scan.template is not None
        # Index -1, outside the grid, is the last entry, which nobody can tick.
        table = np.zeros(scan.template.cells_per_slice + 1, bool)
        table[chosen] = True
        result[number] = table[cells]
        if scan.bone is not None:
            result[number] &= scan.plane(scan.bone, index)
    return result
