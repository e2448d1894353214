"""How much memory a cohort of large scans takes: every stage of a run in a process of its own, whose peak the system keeps.

A peak counts all resident pages of the process: its own data, its libraries, and the parts of the memory-mapped scans that it has touched,
although the system may take those back at any time. It is VmHWM where the system has it, else ru_maxrss (which also counts what the parent
process held before the new program began).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from benchmarks.real_scans import data_folder
from benchmarks.speed_select import STRUCTURES, bodies
from PartialLabelSegLib.config import Configuration, Plan, from_json, to_json
from PartialLabelSegLib.data.case import Case, CaseSource, read_case, write_case
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.plan import Machine, fingerprint, make_plan
from PartialLabelSegLib.nets.unet import UNet
from PartialLabelSegLib.run.files import read_json, write_json
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.batches import BatchMaker, Seed
from PartialLabelSegLib.train.device import Device, keep_freed_memory, native_precision
from PartialLabelSegLib.train.learn import confidence_network
from PartialLabelSegLib.train.network import build_segmentation, placed, save_network
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.predict import SLICES_AT_ONCE, predict_volume
from PartialLabelSegLib.train.prepared import PreparedCase, open_prepared, prepare_image, prepare_labels
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.steps import Stage, Trainer
from PartialLabelSegLib.train.suggest import predict_cases
from PartialLabelSegLib.train.validate import validation_dice
from PartialLabelSegLib.train.windows import Sources

NAME = "large"


@dataclass(frozen=True)
class Size:
    """How large the cohort is and how long it is looked at. `batches`: drawn after the steps without learning, so that many windows of many files are touched."""

    shape: tuple[int, int, int]
    cases: int
    steps: int
    batches: int


FULL = Size((300, 512, 512), 100, 4, 60)
SHORT = Size((24, 512, 512), 8, 1, 4)
SIZES = {"full": FULL, "short": SHORT}


def measure(folder: Path, size: str) -> dict[str, Any]:
    """Per stage the peak in GiB, how much of it was the process's own (not mapped from files), and the seconds."""
    return {stage: _in_own_process(stage, folder, size) for stage in STAGES}


def _in_own_process(stage: str, folder: Path, size: str) -> dict[str, Any]:
    testing = Path(__file__).resolve().parents[1]
    paths = [str(testing), str(testing.parent / "PartialLabelSeg")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "benchmarks.speed_memory", stage, str(folder), size]
    started, own = time.perf_counter(), 0.0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        while process.poll() is None:
            own = max(own, _status(str(process.pid), "RssAnon") or 0.0)
            time.sleep(0.01)
        assert process.stdout is not None
        answer = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"the stage {stage} ended with status {process.returncode}")
    return {**json.loads(answer), "own_gib": round(own, 3), "seconds": round(time.perf_counter() - started, 1)}


def _status(process: str, key: str) -> float | None:
    """A value of the process's status in GiB; None where the system does not say."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    values = [int(line.split()[1]) / 2**20 for line in lines if line.startswith(f"{key}:")]
    return values[0] if values else None


def peak_gib() -> float:
    """The most memory that this process has had resident."""
    unit = 1 if sys.platform == "darwin" else 1024
    return _status("self", "VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _prepare(folder: Path, size: Size) -> None:
    """Import, fingerprint, plan, and the arrays for training of one scan."""
    run = RunFolder(folder)
    source = CaseSource(NAME, lambda: _scan(size.shape), lambda grid: _labels(grid.shape), split="train")
    case = write_case(run.case(NAME), source, NAME)
    found = fingerprint((item, item.labels()) for item in [case])
    precision = native_precision("cpu")
    machine = Machine("cpu", Device("cpu", precision).gigabytes(), precision)
    plan = make_plan(found, STRUCTURES, Configuration(), machine, None)
    write_json(run.plan, to_json(plan))
    prepare_image(case, plan, run.prepared(NAME))
    prepare_labels(case.labels(), case, plan, run.prepared(NAME) / "round-0")


def _scan(shape: tuple[int, int, int]) -> sitk.Image:
    """A real CT of 512 x 512 pixels a slice, repeated forwards and backwards to the wanted number of slices of 1.5 mm."""
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(next((data_folder() / "spleen").glob("*image.nii.gz")))))
    there_and_back = np.concatenate([array, array[::-1]])
    repeats = -(-shape[0] // len(there_and_back))
    image = sitk.GetImageFromArray(np.tile(there_and_back, (repeats, 1, 1))[: shape[0]].astype(np.int16))
    image.SetSpacing((0.8, 0.8, 1.5))
    return image


def _labels(shape: tuple[int, int, int]) -> Labels:
    """Every second structure is labelled."""
    known = tuple(index % 2 == 0 for index in range(len(STRUCTURES)))
    kept = np.array([0, *(value if flag else 0 for value, flag in enumerate(known, 1))], np.uint8)
    return Labels.expert(STRUCTURES, kept[bodies(shape)], known)


def _train(folder: Path, size: Size) -> None:
    """Steps on a cohort of many files, a validation, and many more batches."""
    run, plan = RunFolder(folder), _plan(folder)
    cases = tuple(_linked(run, number) for number in range(size.cases))
    device = Device("cpu", plan.precision)
    maker = BatchMaker(Sources.of(cases), plan, device, Seed(0, 0, 1), None)
    network = placed(build_segmentation(plan, 0), device, plan)
    stage = Stage(
        name="memory",
        steps=size.steps,
        rate=(plan.learning_rate, plan.learning_rate_end),
        checkpoint=folder / "none.pt",
        validate=lambda learned: validation_dice(learned, cases[:1], plan, device),
        cancelled=run.cancelled,
    )
    for _ in Trainer(network, segmentation_objective(plan), maker, plan, device).run(stage):
        pass
    for step in range(size.batches):
        maker.batch(step, plan.batch)
    save_network(run.round(0).segmentation, plan, network.state_dict())


def _linked(run: RunFolder, number: int) -> PreparedCase:
    """One more case with files of its own name. Hard links take no room on the disk, and each is mapped and counted by itself."""
    source, target = run.prepared(NAME), run.prepared(f"{NAME}-{number}")
    (target / "round-0").mkdir(parents=True, exist_ok=True)
    for path in source.rglob("*"):
        if path.is_file():
            os.link(path, target / path.relative_to(source))
    return open_prepared(target.name, target, target / "round-0")


def _predict(folder: Path, size: Size) -> None:
    """The suggestions of one scan with a learned confidence, on its own grid, written to the run."""
    run, plan = RunFolder(folder), _plan(folder)
    case: Case = read_case(run.case(NAME))
    session = Session(run, Configuration(), plan, Device("cpu", plan.precision), (case,))
    segmentation = _talkative(plan, session)
    save_network(run.round(0).segmentation, plan, segmentation.state_dict())
    save_network(run.round(0).confidence, plan, confidence_network(session, segmentation, None).state_dict())
    for _ in predict_cases(session, 0, (case,)):
        pass


def _talkative(plan: Plan, session: Session) -> UNet:
    """A network that takes one voxel in twenty-five for a structure, as much as organs fill: after a few steps it would take none."""
    network = placed(build_segmentation(plan, 0), session.device, plan)
    assert isinstance(network, UNet) and network.output.bias is not None
    some = session.open(session.cases[0], 0).image[:SLICES_AT_ONCE]
    with torch.no_grad():
        network.output.bias.zero_()
        best = torch.logit(predict_volume(network, some, plan, session.device).amax(0))
        network.output.bias.sub_(float(np.quantile(best.numpy(), 0.96)))
    return network


def _plan(folder: Path) -> Plan:
    return from_json(Plan, read_json(RunFolder(folder).plan, "the plan"))


STAGES: dict[str, Callable[[Path, Size], None]] = {"prepare": _prepare, "train": _train, "predict": _predict}


if __name__ == "__main__":
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    keep_freed_memory()
    STAGES[sys.argv[1]](Path(sys.argv[2]), SIZES[sys.argv[3]])
    print(json.dumps({"peak_gib": round(peak_gib(), 3)}))
