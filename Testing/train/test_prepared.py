"""Scans and labels on the network's grid: nothing turned or lost on the way there and back, and nothing stale or damaged used."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.config import Intensity, Plan
from PartialLabelSegLib.data.case import Case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train import prepared
from PartialLabelSegLib.train.predict import on_scan_grid
from PartialLabelSegLib.train.prepared import (
    POINTS_PER_STRUCTURE,
    PreparedCase,
    labels_are_prepared,
    open_prepared,
    prepare_image,
    prepare_labels,
)
from train.making import plan_of, straight_grid, write_scan

NAMES = ("Blob",)


def oriented(axes: tuple[int, ...], signs: tuple[int, ...], turn: np.ndarray | None = None) -> Grid:
    """A grid of 20 x 24 x 16 voxels of 1.5 x 1.2 x 2 mm whose axes are permuted and flipped, and then turned as a whole."""
    matrix = np.eye(3)[:, list(axes)] * np.array(signs)
    direction = matrix if turn is None else turn @ matrix
    size, spacing = (20, 24, 16), (1.5, 1.2, 2.0)
    return Grid(size, spacing, (-31.0, 12.5, 77.0), tuple(float(part) for part in direction.ravel()))


def blob_in(grid: Grid) -> np.ndarray:
    """A lopsided blob, uint8 (z, y, x): no flip or permutation of the axes maps it onto itself."""
    z, y, x = (np.arange(length)[shape] for length, shape in zip(grid.shape, np.ix_(*map(range, grid.shape))))
    body = ((z - 7) / 5) ** 2 + ((y - 9) / 6) ** 2 + ((x - 8) / 6) ** 2 < 1
    horn = (abs(z - 11) < 2) & (abs(y - 16) < 4) & (abs(x - 14) < 3)
    return (body | horn).astype(np.uint8)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * np.sum(first & second) / (np.sum(first) + np.sum(second)))


def there_and_back(folder: Path, grid: Grid, plan: Plan) -> tuple[np.ndarray, np.ndarray, PreparedCase]:
    """A blob on `grid`, what of it comes back from the prepared labels, and the prepared case."""
    blob = blob_in(grid)
    labels = Labels.expert(NAMES, blob, (True,))
    case = write_scan(folder / "case", blob.astype(np.float32), labels, grid)
    prepare_image(case, plan, folder / "ready")
    prepare_labels(labels, case, plan, folder / "ready" / "round-0")
    ready = open_prepared("case", folder / "ready", folder / "ready" / "round-0")
    back = on_scan_grid((ready.label_map == 1).astype(np.float32), grid, plan)
    return blob > 0, back >= 0.5, ready


ORIENTATIONS = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_a_blob_returns_to_its_place_from_each_of_the_48_orientations(
    tmp_path: Path, axes: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    grid, slice_axis = oriented(axes, signs), ORIENTATIONS.index((axes, signs)) % 3
    # The grid's own spacing, in network order: nothing but the order of voxels may change.
    canonical = grid.canonical().spacing_mm
    order = [slice_axis, *(axis for axis in range(3) if axis != slice_axis)]
    spacing = (canonical[order[0]], canonical[order[1]], canonical[order[2]])
    blob, back, ready = there_and_back(
        tmp_path, grid, replace(plan_of(NAMES), slice_axis=slice_axis, spacing_mm=spacing)
    )
    assert np.array_equal(back, blob)
    assert ready.shape == tuple(grid.canonical().shape[axis] for axis in order)
    assert np.array_equal(ready.image > 0, ready.label_map == 1)


@settings(max_examples=12)
@given(st.integers(0, 2**31), st.sampled_from(ORIENTATIONS), st.integers(0, 2))
def test_a_blob_returns_from_an_oblique_grid_resampled_to_other_voxels(
    tmp_path_factory: pytest.TempPathFactory, seed: int, orientation: tuple[tuple[int, ...], tuple[int, ...]], axis: int
) -> None:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3)))[0]
    turn *= np.sign(np.diag(turn))
    plan = replace(plan_of(NAMES), slice_axis=axis, spacing_mm=(1.1, 0.9, 1.0))
    blob, back, _ = there_and_back(tmp_path_factory.mktemp("oblique"), oriented(*orientation, turn), plan)
    assert dice(blob, back) > 0.93


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_prepared_axes_run_upwards_backwards_and_to_the_left_whatever_the_file_did(
    tmp_path: Path, axes: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    grid = oriented(axes, signs)
    z, y, x = np.indices(grid.shape)
    steps = np.stack([x, y, z], -1) * np.array(grid.spacing)
    places = np.array(grid.origin) + steps @ np.reshape(grid.direction, (3, 3)).T
    plan = replace(plan_of(NAMES), intensity=Intensity(-500, 500, 0, 1), spacing_mm=grid.canonical().spacing_mm)
    for network_axis, patient_axis in enumerate((2, 1, 0)):
        folder = tmp_path / str(patient_axis)
        labels = Labels.expert(NAMES, np.zeros(grid.shape, np.uint8), (True,))
        case = write_scan(folder / "case", places[..., patient_axis].astype(np.float32), labels, grid)
        prepare_image(case, plan, folder)
        ramp = np.load(folder / "image.npy").astype(float)
        rise = np.diff(ramp, axis=network_axis)
        assert np.allclose(rise, plan.spacing_mm[network_axis], atol=0.2)


def small_case(folder: Path, labels: Labels) -> Case:
    shape = labels.label_map.shape
    grid = straight_grid((shape[2], shape[1], shape[0]))
    return write_scan(folder / "case", np.zeros(shape, np.float32), labels, grid)


def opened(folder: Path, labels: Labels, plan: Plan) -> PreparedCase:
    case = small_case(folder, labels)
    prepare_image(case, plan, folder)
    prepare_labels(labels, case, plan, folder / "round-0")
    return open_prepared("case", folder, folder / "round-0")


def rich_labels() -> Labels:
    """Three structures: one drawn on slices 2 and 3 only, one beside another, one with voxels that it certainly is not."""
    rng = np.random.default_rng(4)
    label_map = np.zeros((6, 7, 9), np.uint8)
    label_map[1:5, 1:4, 1:4] = 1
    label_map[2:4, 5, 5:8] = 2
    beside = np.zeros(label_map.shape, bool)
    beside[1:3, 1:3, 1:3] = True
    denied = rng.random(label_map.shape) < 0.2
    return Labels(
        ("Organ", "Vessel", "Tumour"),
        label_map,
        (True, False, False),
        (label_map > 0).astype(np.uint8),
        {"Vessel": Slices(0, (2, 3))},
        {"Tumour": Marks.of(beside)},
        {"Tumour": Marks.of(denied & (label_map == 0))},
        {},
        frozenset({frozenset(("Organ", "Tumour"))}),
    )


def test_slices_negatives_and_overlaps_survive_as_planes(tmp_path: Path) -> None:
    labels = rich_labels()
    ready = opened(tmp_path, labels, plan_of(labels.structures))
    assert ready.known.tolist() == [True, False, False]
    assert sorted(ready.planes) == ["certain-2", "certain-3", "positive-3"]
    masks = {name: np.unpackbits(plane, axis=-1, count=9).astype(bool) for name, plane in ready.planes.items()}
    assert np.array_equal(masks["certain-2"], labels.certain("Vessel"))
    assert np.array_equal(masks["certain-3"], labels.certain("Tumour"))
    assert np.array_equal(masks["positive-3"], labels.overlaps["Tumour"].mask((6, 7, 9)))
    for value, name in enumerate(labels.structures, 1):
        assert np.array_equal(ready.positive(value), labels.positive(name))


def test_points_lie_in_their_structure_and_are_spread_over_all_of_it(tmp_path: Path) -> None:
    label_map = np.zeros((20, 24, 30), np.uint8)
    label_map[2:, 2:, 2:] = 1
    label_map[0, 0, :3] = 2
    ready = opened(
        tmp_path,
        Labels.expert(("Big", "Tiny", "Gone"), label_map, (True, True, True)),
        plan_of(("Big", "Tiny", "Gone")),
    )
    assert set(ready.points) == {1, 2}
    for value, points in ready.points.items():
        assert np.all(ready.label_map.reshape(-1)[points] == value)
        assert points.size == min(POINTS_PER_STRUCTURE, int((label_map == value).sum())) == np.unique(points).size
    slices = ready.points[1] // (24 * 30)
    assert set(slices.tolist()) == set(range(2, 20))


def test_a_structure_that_lies_wholly_within_another_has_points_too(tmp_path: Path) -> None:
    labels = rich_labels()
    ready = opened(tmp_path, labels, plan_of(labels.structures))
    assert np.array_equal(ready.points[3], np.flatnonzero(labels.positive("Tumour")))


def test_a_scan_where_nothing_is_known_cannot_teach_and_one_with_a_single_mark_can(tmp_path: Path) -> None:
    label_map = np.zeros((4, 5, 6), np.uint8)
    nothing = Labels.expert(("A", "B"), label_map, (False, False))
    marks = {"B": Marks.of(np.eye(1, 120, 7, dtype=bool).reshape(4, 5, 6))}
    plan = plan_of(("A", "B"))
    assert not opened(tmp_path / "nothing", nothing, plan).can_teach()
    assert opened(tmp_path / "mark", replace(nothing, negatives=marks), plan).can_teach()
    assert opened(tmp_path / "absent", replace(nothing, known=(True, False)), plan).can_teach()


@pytest.mark.parametrize("own_scale", [True, False])
def test_a_scan_on_another_scale_is_prepared_the_same_where_the_plan_puts_scans_on_their_own(
    tmp_path: Path, own_scale: bool
) -> None:
    plan = replace(plan_of(("A",)), own_scale=own_scale, intensity=Intensity(-3, 3, 0, 1))
    values = np.random.default_rng(0).normal(1, 0.5, (6, 8, 10))
    made = []
    for name, factor in (("plain", 1.0), ("brighter", 30.0)):
        labels = Labels.expert(("A",), np.zeros((6, 8, 10), np.uint8), (False,))
        image = (values * factor).astype(np.float32)
        case = write_scan(tmp_path / name, image, labels, straight_grid((10, 8, 6)))
        prepare_image(case, plan, tmp_path / f"{name} prepared")
        made.append(np.load(tmp_path / f"{name} prepared" / "image.npy"))
    assert np.allclose(made[0], made[1], atol=0.01) == own_scale


def calls_of(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Every later use of a function of the module, by the name of the file that it wrote or resampled."""
    seen: list[str] = []
    real: Callable[..., object] = getattr(prepared, name)

    def counted(*arguments: object) -> object:
        seen.append(name)
        return real(*arguments)

    monkeypatch.setattr(prepared, name, counted)
    return seen


def test_what_is_prepared_is_not_made_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, plan = rich_labels(), plan_of(rich_labels().structures)
    opened(tmp_path, labels, plan)
    seen = calls_of(monkeypatch, "_save")
    case = small_case(tmp_path, labels)
    prepare_image(case, plan, tmp_path)
    prepare_labels(labels, case, plan, tmp_path / "round-0")
    assert seen == []


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: replace(plan, spacing_mm=(2.0, 1.0, 1.0)),
        lambda plan: replace(plan, slice_axis=1),
    ],
)
def test_a_changed_plan_is_noticed_by_scan_and_labels(tmp_path: Path, change: Callable[[Plan], Plan]) -> None:
    labels, plan = rich_labels(), plan_of(rich_labels().structures)
    before = opened(tmp_path, labels, plan).shape
    after = opened(tmp_path, labels, change(plan))
    assert after.shape != before and after.label_map.shape == after.shape
    assert opened(tmp_path, labels, plan).shape == before


def test_another_normalisation_is_noticed_by_the_scan_and_leaves_the_labels(tmp_path: Path) -> None:
    labels, plan = rich_labels(), plan_of(rich_labels().structures)
    opened(tmp_path, labels, plan)
    written = (tmp_path / "round-0" / "labels.npy").stat().st_mtime_ns
    assert float(opened(tmp_path, labels, replace(plan, intensity=Intensity(0, 8, 4, 1))).image.max()) == -4
    assert (tmp_path / "round-0" / "labels.npy").stat().st_mtime_ns == written


def test_labels_of_another_source_are_made_anew(tmp_path: Path) -> None:
    plan = plan_of(("A",))
    first = Labels.expert(("A",), np.zeros((4, 5, 6), np.uint8), (True,))
    second = Labels.expert(("A",), np.ones((4, 5, 6), np.uint8), (True,))
    case = small_case(tmp_path, first)
    prepare_image(case, plan, tmp_path)
    prepare_labels(first, case, plan, tmp_path / "labels", "first")
    assert labels_are_prepared(case, plan, tmp_path / "labels", "first")
    assert not labels_are_prepared(case, plan, tmp_path / "labels", "second")
    prepare_labels(second, case, plan, tmp_path / "labels", "second")
    assert np.all(open_prepared("case", tmp_path, tmp_path / "labels").label_map == 1)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("writes", range(1, 7))
def test_a_preparation_that_was_killed_after_any_file_is_redone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Killed while a changed plan replaces older files; the older plan's stamp must not vouch for the newer plan's arrays."""
    labels, plan = rich_labels(), plan_of(rich_labels().structures)
    opened(tmp_path, labels, plan)
    left, real = [writes], prepared.replacing

    def replacing(path: Path) -> object:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return real(path)

    def write_json(path: Path, value: object) -> None:
        with replacing(path) as beside:  # type: ignore[attr-defined]
            beside.write_text(json.dumps(value), encoding="utf-8")

    monkeypatch.setattr(prepared, "replacing", replacing)
    monkeypatch.setattr(prepared, "write_json", write_json)
    with pytest.raises(Killed):
        opened(tmp_path, labels, replace(plan, spacing_mm=(2.0, 1.0, 1.0)))
    monkeypatch.undo()
    again = opened(tmp_path, labels, plan)
    assert again.shape == (6, 7, 9) and np.array_equal(again.label_map, labels.label_map)
    assert np.array_equal(again.positive(3), labels.positive("Tumour"))


FILES = (
    "image.npy",
    "image.json",
    "round-0/labels.npy",
    "round-0/labels.json",
    "round-0/planes.npy",
    "round-0/points.npz",
)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["cut off", "emptied", "foreign", "one bit", "removed"])
def test_a_damaged_file_is_a_failure_that_names_the_case(tmp_path: Path, name: str, harm: str) -> None:
    labels = rich_labels()
    opened(tmp_path, labels, plan_of(labels.structures))
    path = tmp_path / name
    content = path.read_bytes()
    if harm == "one bit" and name.endswith(".json"):
        content, harm = content.replace(b'"crc32"', b'"crc33"'), "renamed"
    middle = len(content) * 3 // 4
    harmed = {
        "cut off": content[:middle],
        "emptied": b"",
        "foreign": b"PK\x03\x04 something else altogether",
        "one bit": content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :],
        "renamed": content,
    }
    if harm == "removed":
        path.unlink()
    else:
        path.write_bytes(harmed[harm])
    with pytest.raises(Failure) as caught:
        open_prepared("scan 7", tmp_path, tmp_path / "round-0")
    assert caught.value.case == "scan 7" or path.name in caught.value.sentence()


def test_planes_that_are_fewer_than_described_are_a_failure(tmp_path: Path) -> None:
    labels = rich_labels()
    opened(tmp_path, labels, plan_of(labels.structures))
    head = json.loads((tmp_path / "round-0" / "labels.json").read_text(encoding="utf-8"))
    head["planes"].append("certain-1")
    (tmp_path / "round-0" / "labels.json").write_text(json.dumps(head), encoding="utf-8")
    with pytest.raises(Failure, match="damaged"):
        open_prepared("scan", tmp_path, tmp_path / "round-0")
