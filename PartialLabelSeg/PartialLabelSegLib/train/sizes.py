"""The expected sizes of a run's structures: regressed by cross-fitting, so that every interval comes from scans that were not learned from."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..config import SIZE_FOLDS, to_json
from ..data.case import Case
from ..data.conformal import Band, band, recalibrated
from ..data.geometry import resample_labels
from ..data.label_files import read_description, read_labels
from ..data.labels import Labels
from ..data.sizes import COVERAGE, SLICE, WHOLE, Bands, CaseSizes, SizeTable, read_sizes, write_sizes
from ..nets.size_regressor import SizeRegressor
from ..run.events import Event
from ..run.failure import Failure
from .batches import Seed
from .checkpoint import load, save
from .coarse import Coarse, coarse_spacing, coarsened, combined, slice_moments
from .prepared import prepared_grid, to_network_order
from .session import Session
from .size_folds import Teaching, learn, predicted, regressor
from .steps import Cancelled

STAGE = 5
"""Its place among the stages of a round, for the seed; one number further for each fold."""
FLOOR, THERE = 0.05, 0.1
"""Of the median drawn size: added to sizes before they are compared by their ratio; and from where on a slice is predicted to show the structure."""
PROGRESS_SECONDS = 1.0


def sizes_file(session: Session, number: int) -> Path:
    return session.round(number).path / "sizes.json"


def fold_file(session: Session, number: int, fold: int) -> Path:
    """The finished network of a fold."""
    return session.round(number).path / "sizes" / f"fold-{fold}.pt"


@dataclass(frozen=True, eq=False)
class Teacher:
    """A case with what can be learned from it: bool (K,), and the true attributes: slices float64 (K, S, 5), whole float64 (K, 7), nan where not known."""

    case: Case
    known: np.ndarray
    slices: np.ndarray
    whole: np.ndarray


def teachable(session: Session, case: Case, labels: Labels) -> np.ndarray:
    """bool (K,): the structures whose size in a case is known: looked for in the whole scan, and not drawn quickly unless such labels count as given."""
    expert = session.known(case)
    taken = session.configuration.doubtful == "as-given"
    trusted = [name not in labels.imperfect or (taken and flag) for name, flag in zip(labels.structures, expert)]
    return np.array(labels.known, bool) & np.array(trusted, bool)


def learn_sizes(session: Session, number: int) -> Iterator[Event]:
    """Writes `sizes.json` of a round: for every scan of the run and every structure what size, place and extent to expect.

    The labelled training scans are divided into at most five folds; each scan's sizes are predicted by the network that did not learn from it, those of all other
    scans are the mean of the networks. Nothing is done where it is there for the same labels; an earlier round's is copied where nobody completed or confirmed a structure since.
    Cancelled: the user wants to stop; finished folds stay.
    """
    path = sizes_file(session, number)
    mark = size_mark(session, number)
    if path.exists() and read_sizes(path).made_with == mark:
        return
    for earlier in range(number):
        if sizes_file(session, earlier).exists() and read_sizes(sizes_file(session, earlier)).made_with == mark:
            write_sizes(path, read_sizes(sizes_file(session, earlier)))
            return
    teachers = _teachers(session, session.of_split("train"), number)
    if not teachers:
        raise Failure(
            "No training scan shows a structure completely, so no size can be learned.",
            way_out="Label at least two scans completely for a structure, or leave out --bounds.",
        )
    shapes = [tuple(session.open(teacher.case, number).shape) for teacher in teachers]
    spacing = coarse_spacing(session.plan, [(a, b, c) for a, b, c in shapes])
    work = _Work(session, number, tuple(teachers), spacing, mark)
    yield from work.learn()
    table = work.table()
    silent = [name for name in session.plan.structures if table.coverage(name) is None]
    if silent:
        said = f"Too few labelled scans to say what size to expect of: {', '.join(silent)}."
        yield Event("note", {"message": said, "structures": silent})
    weak = {name: item for name in table.bands if (item := table.coverage(name)) is not None and item < COVERAGE}
    if weak:
        lowest = round(100 * min(weak.values()))
        said = f"With so few labelled scans the expected sizes hold for {lowest} % of scans, not for {round(100 * COVERAGE)} %: {', '.join(weak)}."
        yield Event("note", {"message": said, "structures": list(weak)})
    write_sizes(path, table)


def size_mark(session: Session, number: int) -> str:
    """A word that changes with what the sizes depend on. What was accepted as suggestions of missing structures is not learned from and not part of it."""
    said = []
    for case in session.of_split("train", "validation"):
        now = session.labels(case, number) if number and case.split == "train" else None
        expert, given = session.known(case), read_description(case.folder)
        if now is None or (tuple(now.known) == tuple(expert) and now.imperfect == set(given.get("imperfect") or ())):
            described, changed = given, None
        else:
            # A person completed a structure, or confirmed one that was drawn quickly.
            described = [list(now.known), sorted(now.imperfect)]
            changed = [int(np.count_nonzero(now.positive(name))) for name in now.structures]
        said.append([case.name, case.split, case.crc32, described, changed])
    text = json.dumps(
        [to_json(session.plan), session.configuration.seed, session.configuration.doubtful, said], sort_keys=True
    )
    return f"{zlib.crc32(text.encode()):08x}"


def _teachers(session: Session, cases: Sequence[Case], number: int) -> list[Teacher]:
    found = []
    for case in cases:
        if session.run.cancelled():
            raise Cancelled
        known = teachable(session, case, session.labels(case, number if case.split == "train" else 0))
        if known.any():
            found.append(_teacher(session, case, known, number if case.split == "train" else 0))
    return found


def _teacher(session: Session, case: Case, known: np.ndarray, number: int) -> Teacher:
    prepared = session.open(case, number)
    masks = {index: prepared.positive(int(index) + 1) for index in np.flatnonzero(known).tolist()}
    slices, whole = true_attributes(masks, len(known), prepared.shape, session.plan.spacing_mm)
    prepared.give_back_pages()
    return Teacher(case, known, slices, whole)


def true_attributes(
    masks: Mapping[int, np.ndarray], structures: int, shape: tuple[int, int, int], spacing_mm: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """slices float64 (K, S, 5) and whole float64 (K, 7) of masks (slice, row, column) by the index of their structure; nan where there is no mask."""
    slices, whole = np.full((structures, shape[0], SLICE), np.nan), np.full((structures, WHOLE), np.nan)
    for index, mask in masks.items():
        slices[index] = slice_moments(mask, spacing_mm)
        whole[index] = combined(slices[index], spacing_mm[0])
    return slices, whole


def folds_of(known: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each case, int (N,): those of every structure, the rarest first, are spread over the folds. known: bool (N, K)."""
    folds = np.full(len(known), -1)
    order = rng.permutation(len(known))
    for structure in np.argsort(known.sum(0), kind="stable"):
        for case in order:
            if folds[case] < 0 and known[case, structure]:
                mine = [int((known[folds == fold, structure]).sum()) for fold in range(count)]
                every = [int((folds == fold).sum()) for fold in range(count)]
                folds[case] = min(range(count), key=lambda fold: (mine[fold], every[fold]))
    return folds


@dataclass(frozen=True, eq=False)
class _Work:
    """The cross-fitting of a round."""

    session: Session
    number: int
    teachers: tuple[Teacher, ...]
    spacing_mm: tuple[float, float, float]
    mark: str

    def _folds(self) -> np.ndarray:
        known = np.stack([teacher.known for teacher in self.teachers])
        rng = Seed(self.session.configuration.seed, 0, STAGE).numpy(0)
        return folds_of(known, min(SIZE_FOLDS, len(self.teachers)), rng)

    @property
    def _is_flat(self) -> bool:
        return self.session.plan.dimensions != "3d"

    def _coarse(self, case: Case, known: np.ndarray) -> Coarse:
        prepared = self.session.open(case, self.number if case.split == "train" else 0)
        coarse = coarsened(prepared, self.session.plan, self.spacing_mm, known)
        prepared.give_back_pages()
        return coarse

    def _teaching(self, fold: int, cases: Sequence[Coarse], looks: Sequence[Coarse]) -> Teaching:
        seed = Seed(self.session.configuration.seed, 0, STAGE + fold)
        return Teaching(self.session.plan, self.session.device, seed, cases, looks, steps=self.session.plan.size_steps)

    def learn(self) -> Iterator[Event]:
        """Each fold's network, but for those that are finished."""
        folds = self._folds()
        count = int(folds.max()) + 1
        open_folds = [fold for fold in range(count) if self._restored(fold) is None]
        if not open_folds or count < 2:
            return
        coarse = [self._coarse(teacher.case, teacher.known) for teacher in self.teachers]
        looked = _teachers(self.session, self.session.of_split("validation"), self.number)
        looks = [self._coarse(teacher.case, teacher.known) for teacher in looked]
        began, told, name = time.monotonic(), 0.0, f"round {self.number}: learning the sizes"
        for done, fold in enumerate(open_folds):
            teaching = self._teaching(fold, [item for item, own in zip(coarse, folds) if own != fold], looks)
            network = regressor(teaching)
            steps = teaching.steps * len(open_folds)
            for step, loss in learn(teaching, network, self.session.run.cancelled):
                made = done * teaching.steps + step
                if made == steps or time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    left = (told - began) / made * (steps - made)
                    said = {"stage": name, "step": made, "steps": steps, "loss": loss, "seconds_left": round(left, 1)}
                    yield Event("progress", said)
            weights = {key: value.cpu() for key, value in network.state_dict().items()}
            save(fold_file(self.session, self.number, fold), {"made_with": self._fold_mark(fold), "network": weights})

    def _fold_mark(self, fold: int) -> str:
        return f"{self.mark}, map of fold {fold}"

    def _restored(self, fold: int) -> SizeRegressor | None:
        """The network of a finished fold."""
        path = fold_file(self.session, self.number, fold)
        if not path.exists():
            return None
        content = load(path, "the network of expected sizes")
        if content.get("made_with") != self._fold_mark(fold):
            return None
        network = regressor(self._teaching(fold, (), ()))
        try:
            network.load_state_dict(content["network"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise Failure(
                f"{path.name} is damaged ({str(error)[:80]}).", way_out="Delete it; it is made anew."
            ) from None
        return network

    def table(self) -> SizeTable:
        """What the finished folds predict for every case of the run."""
        plan, folds = self.session.plan, self._folds()
        found = [self._restored(fold) for fold in range(int(folds.max()) + 1)]
        networks = [network for network in found if network is not None]
        # A network says nothing of a structure that it was never shown.
        shown = np.stack([_shown(self.teachers, folds, fold) for fold in range(len(networks))]) if networks else None
        fold_of = {teacher.case.name: int(fold) for teacher, fold in zip(self.teachers, folds)}
        predictions: dict[str, tuple[np.ndarray | None, np.ndarray]] = {}
        for case in self.session.cases:
            if self.session.run.cancelled():
                raise Cancelled
            if shown is None:
                continue
            chosen = [fold_of[case.name]] if case.name in fold_of else list(range(len(networks)))
            coarse = self._coarse(case, np.zeros(len(plan.structures), bool))
            predictions[case.name] = self._predicted(coarse, [networks[fold] for fold in chosen], shown[chosen])
        self._put_right(predictions)
        bands = self._bands(predictions)
        drawn = {teacher.case.name: teacher.whole[:, 0] / 1000 for teacher in self.teachers}
        cases = {name: self._case(name, *item, drawn.get(name)) for name, item in predictions.items()}
        counts = {
            name: int(sum(teacher.known[k] for teacher in self.teachers)) for k, name in enumerate(plan.structures)
        }
        return SizeTable(plan.spacing_mm, plan.slice_axis, bands, cases, self.mark, False, counts)

    def _predicted(
        self, coarse: Coarse, networks: Sequence[SizeRegressor], shown: np.ndarray
    ) -> tuple[np.ndarray | None, np.ndarray]:
        """slices (K, S, 5) or None, and whole (K, 7): the mean of the networks that know the structure; nan where none does."""
        total, weight = np.zeros(1), np.zeros(1)
        for network, knows in zip(networks, shown):
            values = predicted(network.to(self.session.device.torch), coarse, self.session.device)
            keep = knows.reshape(-1, *(1,) * (values.ndim - 1))
            total, weight = total + np.where(keep, values, 0), weight + keep
        mean = np.where(weight > 0, total / np.maximum(weight, 1), np.nan)
        if not self._is_flat:
            return None, mean
        return mean, np.stack(
            [
                combined(item, coarse.spacing_mm[0]) if np.isfinite(item[:, 0]).all() else np.full(WHOLE, np.nan)
                for item in mean
            ]
        )

    def _put_right(self, predictions: Mapping[str, tuple[np.ndarray | None, np.ndarray]]) -> None:
        """Recalibrates the volumes, in place: small networks are often all a little too high or too low, and a few false pixels in each slice add up."""
        for index in range(len(self.session.plan.structures)):
            truth = {t.case.name: float(t.whole[index, 0]) for t in self.teachers if t.known[index]}
            found = {name: whole for name, (_, whole) in predictions.items() if np.isfinite(whole[index, 0])}
            mine, others = [name for name in found if name in truth], [name for name in found if name not in truth]
            if not mine:
                continue
            true = np.array([truth[name] for name in mine])
            before, new = (np.array([found[name][index, 0] for name in names]) for names in (mine, others))
            for names, values in zip((mine, others), recalibrated(true, before, new, _floor(true))):
                for name, value in zip(names, values):
                    found[name][index, 0] = value

    def _case(
        self, name: str, slices: np.ndarray | None, whole: np.ndarray, drawn: np.ndarray | None
    ) -> dict[str, CaseSizes]:
        found = {}
        for index, structure in enumerate(self.session.plan.structures):
            if not np.isfinite(whole[index, 0]):
                continue
            own = None if slices is None else slices[index].astype(np.float32)
            ml = None if drawn is None or not np.isfinite(drawn[index]) else float(drawn[index])
            found[structure] = CaseSizes(whole[index], own, ml)
        return found

    def _bands(self, predictions: Mapping[str, tuple[np.ndarray | None, np.ndarray]]) -> dict[str, Bands]:
        found = {}
        for index, name in enumerate(self.session.plan.structures):
            rows = []
            for teacher in self.teachers:
                slices, whole = predictions.get(teacher.case.name, (None, np.full((index + 1, WHOLE), np.nan)))
                if teacher.known[index] and np.isfinite(whole[index, 0]):
                    rows.append((teacher, None if slices is None else slices[index], whole[index]))
            found[name] = bands_of(index, rows)
        return found


def _shown(teachers: Sequence[Teacher], folds: np.ndarray, fold: int) -> np.ndarray:
    """bool (K,): what the network of a fold learned of."""
    result: np.ndarray = np.any([teacher.known for teacher, own in zip(teachers, folds) if own != fold], axis=0)
    return result


def _floor(volumes: np.ndarray) -> float:
    return FLOOR * float(np.median(volumes[volumes > 0])) if (volumes > 0).any() else 1.0


def bands_of(index: int, rows: Sequence[tuple[Teacher, np.ndarray | None, np.ndarray]]) -> Bands:
    """The intervals of one structure from (teacher, predicted slices (S, 5) or None, predicted whole (7,))."""
    volumes = np.array([teacher.whole[index, 0] for teacher, _, _ in rows])
    floor = _floor(volumes)

    def whole_band(attribute: int) -> Band | None:
        pairs = [(t.whole[index, attribute : attribute + 1], p[attribute : attribute + 1]) for t, _, p in rows]
        pairs = [(t, p) for t, p in pairs if np.isfinite([t, p]).all()]
        return band([t for t, _ in pairs], [p for _, p in pairs], COVERAGE, floor if attribute == 0 else None)

    whole = tuple(whole_band(attribute) for attribute in range(WHOLE))
    areas = np.concatenate([teacher.slices[index, :, 0] for teacher, _, _ in rows] or [np.zeros(0)])
    usual = float(np.median(areas[areas > 0])) if (areas > 0).any() else 1.0
    if any(slices is None for _, slices, _ in rows) or not rows:
        return Bands(THERE * usual, whole)

    def slice_band(attribute: int, wanted: bool) -> Band | None:
        truth, found = [], []
        for teacher, slices, _ in rows:
            assert slices is not None
            mine = teacher.slices[index, :, attribute]
            keep = ((slices[:, 0] >= THERE * usual) == wanted) & np.isfinite(mine) & np.isfinite(slices[:, attribute])
            truth.append(mine[keep])
            found.append(slices[keep, attribute])
        return band(truth, found, COVERAGE, THERE * usual if attribute == 0 else None)

    there = tuple(slice_band(attribute, True) for attribute in range(SLICE))
    empty = (slice_band(0, False), *(None,) * (SLICE - 1))
    return Bands(THERE * usual, whole, there, empty)


def oracle_sizes(session: Session) -> SizeTable:
    """The true sizes of every case, for an experiment whose truth is given: what the best of all regressors would say (Kervadec et al., 'Oracle')."""
    assert session.truth is not None, "an oracle needs the truth"
    plan, cases = session.plan, {}
    for case in session.cases:
        folder = session.truth / case.folder.name
        if not (folder / "labels.json").exists():
            continue
        labels, grid = read_labels(folder, case.name)[0], prepared_grid(case.grid, plan)
        masks = {}
        for index, name in enumerate(labels.structures):
            moved = resample_labels(case.grid.image(labels.positive(name).astype(np.uint8)), grid)
            masks[index] = to_network_order(_array(moved), plan).astype(bool)
        shape = next(iter(masks.values())).shape
        slices, whole = true_attributes(masks, len(plan.structures), (shape[0], shape[1], shape[2]), plan.spacing_mm)
        kept = slices.astype(np.float32) if plan.dimensions != "3d" else [None] * len(slices)
        cases[case.name] = {
            name: CaseSizes(whole[k], kept[k], float(whole[k, 0]) / 1000) for k, name in enumerate(plan.structures)
        }
    return SizeTable(plan.spacing_mm, plan.slice_axis, {}, cases, "truth", exact=True)


def _array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)
