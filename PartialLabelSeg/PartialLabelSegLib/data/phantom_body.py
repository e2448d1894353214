"""A phantom of the upper abdomen in CT, with the exact label of every voxel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .geometry import Grid
from .shapes import Axes, Ellipsoid, Point, Shape, Tube, Union, Waves, tilt
from .types import PALETTE, Structure

_CATEGORY = "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure"
_REGION = "Anatomic codes - DICOM master list~^^~^^"
_CODES = (
    ("Liver", "SCT^10200004^Liver~^^"),
    ("Spleen", "SCT^78961009^Spleen~^^"),
    ("LeftKidney", "SCT^64033007^Kidney~SCT^7771000^Left"),
    ("RightKidney", "SCT^64033007^Kidney~SCT^24028007^Right"),
    ("Gallbladder", "SCT^28231008^Gallbladder~^^"),
    ("Pancreas", "SCT^15776009^Pancreas~^^"),
    ("Aorta", "SCT^15825003^Aorta~^^"),
)
PHANTOM_STRUCTURES = tuple(
    Structure(name, color, f"{_CATEGORY}~{code}~{_REGION}") for (name, code), color in zip(_CODES, PALETTE)
)
_VALUE = {structure.name: value for value, structure in enumerate(PHANTOM_STRUCTURES, 1)}
_AIR, _FAT, _MUSCLE, _BONE = -1000.0, -95.0, 55.0, 260.0
_RIB_PITCH_MM, _VERTEBRA_MM = 28.0, 32.0


@dataclass(frozen=True, eq=False)
class Phantom:
    """image: int16 HU (z, y, x). label_map: uint8, 0 or 1 + the index of a structure. grid: axes along left, posterior, superior (LPS)."""

    image: np.ndarray
    label_map: np.ndarray
    structures: tuple[Structure, ...]
    grid: Grid


def phantom(
    rng: np.random.Generator,
    shape: tuple[int, int, int] = (40, 80, 96),
    spacing_mm: Point = (4.0, 3.5, 3.5),
) -> Phantom:
    """One person, different for each state of `rng`: sizes, places, bends, grey values and noise vary; one in five has no gallbladder."""
    *_, made = phantom_in_steps(rng, shape, spacing_mm)
    assert made is not None
    return made


def phantom_in_steps(
    rng: np.random.Generator,
    shape: tuple[int, int, int] = (40, 80, 96),
    spacing_mm: Point = (4.0, 3.5, 3.5),
) -> Iterator[Phantom | None]:
    """The same for a window that must not wait: None after each part of the work, and the phantom last."""
    canvas = _Canvas(shape, spacing_mm, rng)
    for draw in (_draw_trunk, _draw_bones, _draw_bowel, _draw_colon, _draw_organs):
        yield from draw(canvas, rng)
    size = (shape[2], shape[1], shape[0])
    spacing = (float(spacing_mm[2]), float(spacing_mm[1]), float(spacing_mm[0]))
    origin = tuple(-(n - 1) / 2 * step for n, step in zip(size, spacing))
    grid = Grid(size, spacing, (origin[0], origin[1], origin[2]), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    yield Phantom(_scanned(canvas.image, rng), canvas.label_map, PHANTOM_STRUCTURES, grid)


class _Canvas:
    """Shapes are painted one over another, each with a soft edge one voxel wide; the last one painted owns the voxel's label."""

    def __init__(self, shape: tuple[int, int, int], spacing_mm: Point, rng: np.random.Generator) -> None:
        self.image = np.full(shape, _AIR, np.float32)
        self.label_map = np.zeros(shape, np.uint8)
        # Distances (mm, inside below 0) to the abdominal wall and to the cavity within; the trunk sets them.
        self.wall = np.zeros(shape, np.float32)
        self.cavity = np.zeros(shape, np.float32)
        self._edge_mm = float(np.mean(spacing_mm))
        self.at = _bent_axes(shape, spacing_mm, rng)
        # Along each axis, the least and the greatest coordinate in each plane: asked for at every shape.
        self._reach = [_reach(axis, place) for place, axis in enumerate(self.at)]

    def paint(self, shape: Shape, hu: float, label: str = "", inside: bool = False) -> None:
        """inside: cut off at the wall of the abdominal cavity."""
        window = self._window(*shape.box())
        if any(part.start >= part.stop for part in window):
            return
        distance = shape.distance((self.at[0][window], self.at[1][window], self.at[2][window]))
        if inside:
            distance = np.maximum(distance, self.cavity[window])
        self.fill(distance, hu, label, window)

    def fill(
        self, distance: np.ndarray, hu: float, label: str = "", window: tuple[slice, ...] = (slice(None),) * 3
    ) -> None:
        image = self.image[window]
        image += np.clip(0.5 - distance / self._edge_mm, 0, 1) * (np.float32(hu) - image)
        self.label_map[window][distance < 0] = _VALUE.get(label, 0)

    def _window(self, low: Point, high: Point) -> tuple[slice, ...]:
        """The voxels that may lie in a box, with a margin for the soft edge and the bend of the axes."""
        parts = []
        for (first, last), start, stop in zip(self._reach, low, high):
            hit = np.flatnonzero((last >= start - self._edge_mm) & (first <= stop + self._edge_mm))
            parts.append(slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else slice(0, 0))
        return tuple(parts)


def _reach(coordinates: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest coordinate in each plane across an axis."""
    others = tuple(other for other in range(3) if other != axis)
    return coordinates.min(axis=others), coordinates.max(axis=others)


def _bent_axes(shape: tuple[int, int, int], spacing_mm: Point, rng: np.random.Generator) -> Axes:
    """Coordinates of the reference body at each voxel: shifted, turned, scaled and smoothly bent, so that no two people are alike."""
    axes = [np.arange(n, dtype=np.float32) * np.float32(step) for n, step in zip(shape, spacing_mm)]
    z, y, x = np.meshgrid(*[axis - axis.mean() for axis in axes], indexing="ij", sparse=True)
    turn = np.float32(np.deg2rad(rng.normal(0, 3)))
    shift = rng.uniform((-14, -4, -6), (10, 4, 6)).astype(np.float32)
    scale = rng.uniform((0.92, 0.84, 0.90), (1.08, 1.04, 1.05)).astype(np.float32)
    flat: Axes = (
        (z - shift[0]) * scale[0] + 0 * y * x,
        (y * np.cos(turn) - x * np.sin(turn) - shift[1]) * scale[1] + 0 * z,
        (x * np.cos(turn) + y * np.sin(turn) - shift[2]) * scale[2] + 0 * z,
    )
    reach = (5.0, 4.0, 4.0)
    bent = [axis + np.float32(mm) * Waves.random(rng, 130.0).at((z, y, x)) for axis, mm in zip(flat, reach)]
    return bent[0], bent[1], bent[2]


def _draw_trunk(canvas: _Canvas, rng: np.random.Generator) -> Iterator[None]:
    """Skin, fat, wall and lung bases: without labels, as everything up to the organs."""
    z, y, x = canvas.at
    fat_mm = rng.uniform(7, 20)
    ring = Ellipsoid((0.0, 0.0, 0.0), (1e4, 98.0, 142.0), power=2.3).distance((0 * z, y, x))
    canvas.fill(np.maximum(np.abs(y - 118 + 0.0006 * x**2) - 4, np.abs(x) - 150), -180.0)
    canvas.fill(ring, 30.0)
    canvas.fill(ring + 3, _FAT - 10)
    # The fat is thicker at the sides and thin over the spine.
    canvas.wall = ring + np.float32(fat_mm) + np.clip(-y / 12, -4, 6)
    canvas.fill(canvas.wall, _MUSCLE)
    canvas.cavity = canvas.wall + 13
    canvas.fill(canvas.cavity, _FAT)
    yield
    _draw_lungs(canvas, rng)
    yield


def _draw_bones(canvas: _Canvas, rng: np.random.Generator) -> Iterator[None]:
    """Ribs and spine, and the muscles beside it."""
    z, y, x = canvas.at
    for side in (-1, 1):
        canvas.paint(Ellipsoid((0.0, 79.0, side * 31.0), (400.0, 16.0, 25.0), power=2.4), _MUSCLE)
        canvas.paint(Tube([(-90, 58, side * 40.0), (25, 55, side * 24.0)], [19, 7]), _MUSCLE + 5)
        yield
    pitch = (z - 0.75 * y + rng.uniform(0, _RIB_PITCH_MM)) % _RIB_PITCH_MM - _RIB_PITCH_MM / 2
    ribs = np.sqrt(((canvas.wall + 7) * 1.1) ** 2 + (0.75 * pitch) ** 2) - 4.5
    # None in front below the breastbone, none below the twelfth.
    absent = np.maximum(-(z + 45 - 0.5 * y), 40 - np.abs(x) - np.clip(y + 40, 0, 400))
    canvas.fill(np.maximum(ribs, absent), _BONE + 60)
    yield
    yield from _draw_spine(canvas, rng)


def _draw_lungs(canvas: _Canvas, rng: np.random.Generator) -> None:
    """Air above the diaphragm, deeper behind and at the sides; the heart between."""
    z, y, x = canvas.at
    floor = rng.uniform(34, 44)
    side = np.abs(np.abs(x) - 66)
    dome = floor - 0.45 * (y + 10) - 0.25 * side + 26 * np.clip(1 - np.abs(x) / 40, 0, 1)
    canvas.fill(np.maximum((dome - z) * 0.8, canvas.cavity + 2), rng.uniform(-860, -800))
    canvas.paint(_varied(rng, Ellipsoid((72.0, -28.0, 14.0), (40.0, 42.0, 52.0))), rng.normal(135, 10), inside=True)


def _draw_spine(canvas: _Canvas, rng: np.random.Generator) -> Iterator[None]:
    z, _, x = canvas.at
    shift = rng.uniform(0, _VERTEBRA_MM)
    disc = np.abs((z + shift) % _VERTEBRA_MM - _VERTEBRA_MM / 2)
    column = Ellipsoid((0.0, 50.0, 0.0), (1e4, 16.5, 21.0), power=2.2).distance(canvas.at)
    canvas.fill(column, 95.0)
    canvas.fill(np.maximum(column, 4 - disc), _BONE + 110)
    canvas.fill(np.maximum(column + 3, 6.5 - disc), _BONE - 80)
    yield
    arch = Ellipsoid((0.0, 74.0, 0.0), (1e4, 14.0, 16.0)).distance(canvas.at)
    canvas.fill(np.maximum(arch, 5 - disc), _BONE + 90)
    spines = Union([Tube([(-200, 90, 0), (200, 90, 0)], [3.5, 3.5])])
    canvas.fill(np.maximum(spines.distance(canvas.at), 7 - disc), _BONE + 70)
    sides = np.maximum(Ellipsoid((0.0, 66.0, 0.0), (1e4, 4.5, 40.0)).distance(canvas.at), 11 - disc)
    canvas.fill(np.maximum(sides, 12 - np.abs(x)), _BONE)
    canvas.fill(Ellipsoid((0.0, 73.0, 0.0), (1e4, 8.0, 10.0)).distance(canvas.at), 30.0)
    yield


def _draw_bowel(canvas: _Canvas, rng: np.random.Generator) -> Iterator[None]:
    """Stomach and small bowel: grey values like those of labelled organs, but no label."""
    fluid = float(rng.uniform(15, 55))
    stomach = Union(
        [
            _varied(rng, Ellipsoid((34.0, -12.0, 56.0), (36.0, 36.0, 27.0), tilt(0, -15, 12))),
            Tube([(22, -34, 48), (0, -52, 22), (-8, -46, -10)], [20, 15, 10]),
        ]
    )
    canvas.paint(stomach, 75.0, inside=True)
    canvas.paint(_shrunk(stomach, 4.0), fluid, inside=True)
    canvas.paint(Ellipsoid((30.0, -38.0, 52.0), (20.0, 9.0, 17.0)), -880.0, inside=True)
    for _ in range(int(rng.integers(22, 30))):
        spot = rng.uniform((-95, -68, -85), (-10, 14, 95))
        start, stop = spot, spot + rng.normal(0, 1, 3) * (8, 12, 22)
        loop = Tube(
            [tuple(start), tuple((start + stop) / 2 + rng.normal(0, 7, 3)), tuple(stop)], rng.uniform(9, 14, 3).tolist()
        )
        canvas.paint(loop, float(rng.choice((60.0, 85.0, 100.0))) + rng.normal(0, 6), inside=True)
        canvas.paint(
            _shrunk(loop, 4.0),
            float(rng.choice((12.0, 35.0, 60.0, 90.0, -700.0), p=(0.2, 0.25, 0.2, 0.2, 0.15))),
            inside=True,
        )
    yield


def _draw_colon(canvas: _Canvas, rng: np.random.Generator) -> Iterator[None]:
    """Colon and duodenum, alike."""
    for side, top in ((-1, -35), (1, 5)):
        colon = Tube([(-110, 18, side * 98.0), (top, 8, side * 96.0)], [20, 17])
        canvas.paint(colon, 70.0, inside=True)
        canvas.paint(_shrunk(colon, 4.0), float(rng.uniform(-60, 50)), inside=True)
        canvas.paint(_moved(_slim(colon, 0.55), np.array((0, -6, 0))), -800.0, inside=True)
    canvas.paint(
        Tube([(-60, 5, -38), (-25, 12, -36), (-6, -18, -34)], [11, 12, 11]), float(rng.normal(65, 8)), inside=True
    )
    yield


def _draw_organs(canvas: _Canvas, rng: np.random.Generator) -> Iterator[None]:
    """The labelled organs, those that push their neighbours aside last."""
    jitter = rng.normal(0, 1, (4, 3)) * (4, 3, 3)
    vein = [(-120, 24, -22), (0, 22, -20), (60, 12, -24), (110, 5, -22)]
    canvas.paint(_moved(Tube(vein, [11, 11, 12, 13]), jitter[0]), float(rng.normal(140, 12)))
    canvas.paint(_liver(rng), float(rng.normal(108, 8)), "Liver", inside=True)
    yield
    _draw_liver_veins(canvas, rng)
    canvas.paint(_pancreas(rng, jitter[1]), float(rng.normal(90, 6)), "Pancreas", inside=True)
    canvas.paint(
        _moved(Tube([(-70, -4, 0), (-2, -8, -4), (14, -2, -18)], [6, 7, 7]), jitter[1]), float(rng.normal(150, 10))
    )
    spleen = Ellipsoid((26.0, 34.0, 92.0), (44.0, 38.0, 24.0), tilt(-28, -8, 20))
    canvas.paint(_varied(rng, spleen), float(rng.normal(120, 8)), "Spleen", inside=True)
    for name, z, x in (("RightKidney", -30.0, -54.0), ("LeftKidney", -16.0, 55.0)):
        _draw_kidney(canvas, rng, name, (z, 42.0, x))
    if rng.random() < 0.8:
        gallbladder = Ellipsoid((-22.0, -38.0, -52.0), (17.0, 23.0, 13.0), tilt(25, 0, 15))
        canvas.paint(_varied(rng, gallbladder, 0.16), float(rng.normal(14, 5)), "Gallbladder", inside=True)
    aorta = Tube([(-120, 24, 6), (-30, 24, 10), (40, 26, 10), (110, 30, 8)], [8.5, 9.5, 11, 12])
    canvas.paint(_moved(aorta, 0.6 * jitter[2]), float(rng.normal(165, 15)), "Aorta")
    yield


def _liver(rng: np.random.Generator) -> Shape:
    right = Ellipsoid((16.0, 0.0, -72.0), (70.0, 72.0, 62.0), tilt(8, 14, 6), power=2.3)
    left = Ellipsoid((24.0, -48.0, -8.0), (27.0, 27.0, 58.0), tilt(6, -10, 0))
    return Union([_varied(rng, right), _varied(rng, left, 0.12)])


def _draw_liver_veins(canvas: _Canvas, rng: np.random.Generator) -> None:
    """Branches inside the liver, brighter than it, labelled as liver."""
    bright = float(rng.normal(150, 8))
    root = np.array((14.0, -6.0, -34.0))
    within = canvas.label_map == _VALUE["Liver"]
    for _ in range(6):
        end = root + rng.normal((12, -2, -34), (22, 22, 14))
        middle = (root + end) / 2 + rng.normal(0, 6, 3)
        branch = Tube([tuple(root), tuple(middle), tuple(end)], [5.5, 4.0, 2.5])
        window = canvas._window(*branch.box())
        distance = branch.distance((canvas.at[0][window], canvas.at[1][window], canvas.at[2][window]))
        canvas.fill(np.where(within[window], distance, 1e3), bright, "Liver", window)


def _pancreas(rng: np.random.Generator, shift: np.ndarray) -> Shape:
    points = np.array([(-24, -8, -24), (-10, -18, -18), (2, -26, 4), (10, -16, 32), (20, 8, 58), (26, 18, 74)], float)
    points += np.cumsum(rng.normal(0, 2.2, points.shape), axis=0) + shift
    radii = np.array((13.0, 14.0, 9.5, 9.5, 10.0, 8.0)) * rng.lognormal(0, 0.08, 6)
    return Tube([tuple(point) for point in points], radii.tolist())


def _draw_kidney(canvas: _Canvas, rng: np.random.Generator, name: str, centre: Point) -> None:
    """A bean: cortex and darker medulla are kidney, the fat of its sinus is not."""
    side = np.sign(centre[2])
    bean = _varied(rng, Ellipsoid(centre, (50.0, 26.0, 25.0), tilt(-side * 30, -side * 14, 6)))
    cortex = float(rng.normal(192, 12))
    canvas.paint(bean, cortex, name, inside=True)
    canvas.paint(_shrunk(bean, 9.0), cortex - 30, name, inside=True)
    z, y, x = bean.centre
    canvas.paint(Ellipsoid((z, y - 6, x - side * 16), (19.0, 9.0, 14.0), tilt(-side * 30, 0, 0)), -50.0)
    canvas.paint(Tube([(z, y - 8, x - side * 16), (z + 2, 12, side * 4)], [4.5, 5.5]), 140.0)


def _varied(rng: np.random.Generator, shape: Ellipsoid, spread: float = 0.08) -> Ellipsoid:
    """Another person's version: moved, turned, resized, with a bumpy surface."""
    z, y, x = np.array(shape.centre) + rng.normal(0, 1, 3) * (4, 3, 3)
    a, b, c = np.array(shape.radii) * rng.lognormal(0, spread, 3)
    bump = 0.06 * min(shape.radii)
    turned = tilt(*rng.normal(0, 6, 3)) @ shape.rotation
    return Ellipsoid((z, y, x), (a, b, c), turned, shape.power, Waves.random(rng, 55.0), bump)


@dataclass(frozen=True)
class _Shrunk:
    shape: Shape
    mm: float

    def distance(self, at: Axes) -> np.ndarray:
        return self.shape.distance(at) + np.float32(self.mm)

    def box(self) -> tuple[Point, Point]:
        return self.shape.box()


def _shrunk(shape: Shape, mm: float) -> Shape:
    return _Shrunk(shape, mm)


def _slim(tube: Tube, share: float) -> Tube:
    return Tube(tube.points, [share * radius for radius in tube.radii])


def _moved(tube: Tube, shift: np.ndarray) -> Tube:
    return Tube([tuple(np.add(point, shift)) for point in tube.points], tube.radii)


def _scanned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a scanner makes of it: slightly blurred, with correlated noise (sd 12 to 20 HU) and a slow drift of grey values."""
    from scipy import ndimage

    blurred = ndimage.gaussian_filter(image, (0.35, 0.45, 0.45))
    noise = ndimage.gaussian_filter(rng.standard_normal(image.shape, np.float32), (0.3, 0.75, 0.75))
    drift = ndimage.zoom(rng.normal(0, 4, (3, 4, 4)).astype(np.float32), np.array(image.shape) / (3, 4, 4), order=1)
    drift = drift[tuple(slice(n) for n in image.shape)]
    total = blurred + noise * np.float32(rng.uniform(12, 20) / noise.std()) + drift
    return np.clip(np.round(total), -1024, 3071).astype(np.int16)
