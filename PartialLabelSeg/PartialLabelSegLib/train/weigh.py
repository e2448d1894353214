"""Where learned weights trust and distrust quickly made labels: for every voxel of a scan what trusted scans say of the label that was given.

A voxel's learned weight (MLB-Seg, Eq. 6) is `<grad l_i, v>` with v the gradient of the trusted loss. With losses that are linear in the logit
(train/trust.py says why) it is `(1 - 2 y_i) dz_i` for a given label y_i and the slope dz_i of its logit along v, which one forward-mode pass
gives for all voxels and structures. A single step is noisy; so v is a mean over trusted batches, and weights are read as log-odds, a common
scale, and averaged over several networks from along the learning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..config import Plan
from ..data.case import Case
from ..data.label_files import write_image
from ..data.labels import Labels
from ..relabel.doubts import NAME, ONE, Doubt, Weighed, doubtful_voxels, find_regions, most_doubtful, write_doubts
from ..run.events import Event
from ..run.failure import Failure
from ..run.round_words import round_word
from .batches import Batch
from .checkpoint import load
from .device import Device
from .network import build_segmentation, placed
from .predict import on_device, on_scan_grid, over_slices, over_windows
from .session import Session
from .steps import Cancelled
from .trust import Trust, trust_of

TRUSTED_BATCHES = 8
"""Over how many trusted batches the direction is averaged, for each network."""
State = dict[str, Tensor]


def weigh_labels(session: Session, number: int, trusted: Callable[[int], Batch]) -> Iterator[Event]:
    """Weighs the doubtful labels of every training case of a round; each leaves a folder, so that a run goes on where it ended.

    trusted(step) is a batch whose weight is 0 where labels are doubtful, the same each time for a step. Nothing is done where no networks
    from along the learning were kept. Writes `rounds/<n>/weights/<case folder>/weights-<value>.nrrd` (int16 on the scan's grid, 1000 = 1;
    natural log-odds for the given label; 0 where nothing is doubtful), then `doubts.json`. Cancelled: the user wants to stop.
    """
    folder = session.round(number)
    cases = [case for case in session.of_split("train") if weighed_structures(session, case, number)]
    waiting = [case for case in cases if not (folder.weights(case.folder.name) / NAME).exists()]
    if not waiting or not folder.snapshots.exists():
        return
    weigher = Weigher.of(session, number, trusted)
    for done, case in enumerate(waiting, len(cases) - len(waiting) + 1):
        count = _weigh(session, number, case, weigher)
        yield Event(
            "weighed", {"round": number, "case": case.name, "regions": count, "step": done, "steps": len(cases)}
        )


def weighed_structures(session: Session, case: Case, number: int) -> list[str]:
    """The structures of a case whose label somebody made quickly, and that the round learned with weights."""
    given = session.labels(case, number)
    if not given.imperfect:
        return []
    learned = session.learned_labels(case, number).imperfect
    return [name for name in given.structures if name in given.imperfect & learned]


class Weigher:
    """The networks from along a learning, each with what trusted batches make of it."""

    def __init__(self, session: Session, states: list[State], trusts: list[Trust]) -> None:
        self._session = session
        self._states = states
        self._trusts = trusts
        self._network = _network(session)

    @classmethod
    def of(cls, session: Session, number: int, trusted: Callable[[int], Batch]) -> Weigher:
        """Failure: the networks cannot be read, or belong to another learning. Cancelled: the user wants to stop."""
        states, network, trusts = _states(session, number), _network(session), []
        for place, state in enumerate(states):
            _take(network, state)
            batches = []
            for step in range(place * TRUSTED_BATCHES, (place + 1) * TRUSTED_BATCHES):
                _go_on(session)
                batches.append(trusted(step))
            trusts.append(trust_of(network, batches, session.plan))
        return cls(session, states, trusts)

    def weigh(self, image: np.ndarray) -> tuple[Tensor, Tensor]:
        """Log-odds that each structure is there, and the networks' probability, means over the networks: float32 (K, slice, row, column)."""
        odds = probability = torch.zeros(())
        for state, trust in zip(self._states, self._trusts, strict=True):
            _take(self._network, state)
            found = _pass(self._network, trust, torch.from_numpy(image.astype(np.float32)), self._session)
            odds = odds + found[0] / len(self._states)
            probability = probability + found[1] / len(self._states)
        return odds, probability


def _network(session: Session) -> nn.Module:
    network = placed(build_segmentation(session.plan, 0), session.device, session.plan)
    return network.eval().requires_grad_(False)


def _states(session: Session, number: int) -> list[State]:
    path = session.round(number).snapshots
    content = load(path, "the networks from along the learning")
    states = content.get("snapshots")
    if content.get("made_with") != session.made_with(number) or not isinstance(states, list) or not states:
        text = f"{path.name} of {round_word(number)} belongs to other scans, labels or choices."
        raise Failure(text, way_out=f"Delete rounds/{number} and run the same command again.")
    return states


def _take(network: nn.Module, state: State) -> None:
    try:
        network.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError):
        text = "The networks from along the learning are of another kind."
        raise Failure(
            text, way_out="Delete snapshots.pt of the round, and its segmentation.pt, and run again."
        ) from None


def _go_on(session: Session) -> None:
    if session.run.cancelled():
        raise Cancelled


def _pass(network: nn.Module, trust: Trust, volume: Tensor, session: Session) -> tuple[Tensor, Tensor]:
    """Odds and probability (K, slice, row, column) of one network; whole slices, or in 3D windows."""
    plan, device, structures = session.plan, session.device, len(session.plan.structures)

    def compute(images: Tensor) -> Tensor:
        _go_on(session)
        logits, slopes = trust.slopes(network, on_device(images, plan, device))
        return torch.cat([trust.odds(slopes.float()), torch.sigmoid(logits.float())], dim=1).cpu()

    result = _over(volume, plan, device, compute)
    return result[:structures], result[structures:]


def _over(volume: Tensor, plan: Plan, device: Device, compute: Callable[[Tensor], Tensor]) -> Tensor:
    channels = 2 * len(plan.structures)
    if plan.dimensions == "3d":
        return over_windows(volume, plan, device, channels, compute)
    result = torch.empty((channels, *volume.shape))

    def some(first: int, last: int, slices: Tensor) -> None:
        result[:, first:last] = compute(slices).movedim(0, 1)

    over_slices(volume, plan, device, some)
    return result


def _weigh(session: Session, number: int, case: Case, weigher: Weigher) -> int:
    """Writes a case's folder; returns how many regions are to be checked."""
    labels, plan = session.labels(case, number), session.plan
    odds, probability = weigher.weigh(session.open(case, number).image)
    folder, values = session.round(number).weights(case.folder.name), {}
    doubts: list[Doubt] = []
    for name in weighed_structures(session, case, number):
        value = labels.value(name)
        support = on_scan_grid(odds[value - 1], case.grid, plan)
        likely = on_scan_grid(probability[value - 1], case.grid, plan)
        weighed = weights_of(labels, name, support, likely)
        doubts += [region.doubt for region in find_regions(weighed, case.grid)]
        _write(folder / f"weights-{value}.nrrd", weighed, case)
        values[name] = value
    kept = most_doubtful(doubts)
    write_doubts(folder, case.name, values, kept)
    return len(kept)


def weights_of(labels: Labels, structure: str, odds: np.ndarray, probability: np.ndarray) -> Weighed:
    """What log-odds (z, y, x) that a structure is there say of its given label y: `(2 y - 1) odds` where it is doubtful, else 0. y may be soft."""
    drawn, doubtful = labels.positive(structure), doubtful_voxels(labels, structure)
    given = drawn.astype(np.float32)
    if structure in labels.soft:
        soft = labels.soft[structure]
        given = np.where(np.isnan(soft), given, soft)
    weight = np.where(doubtful, (2 * given - 1) * odds, np.float32(0)).astype(np.float32)
    return Weighed(structure, drawn, doubtful, weight, probability)


def _write(path: Path, weighed: Weighed, case: Case) -> None:
    stored = np.clip(np.rint(weighed.weight * ONE), -32767, 32767).astype(np.int16)
    write_image(path, case.grid.image(stored))
