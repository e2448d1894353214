"""A tiny cohort of two bright balls, and the command line as a person or the panel calls it."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from PartialLabelSegLib import cli
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import read_labels, write_image

ENTRY = Path(__file__).resolve().parents[2] / "PartialLabelSeg" / "PartialLabelSegLib"
GRID = Grid((28, 24, 12), (1.5, 1.5, 3.0), (5.0, -7.0, 11.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
TINY_PLAN: dict[str, Any] = {
    "widths": [6, 12, 12],
    "strides": [[1, 1, 1], [1, 2, 2], [1, 2, 2]],
    "patch": [1, 24, 28],
    "batch": 6,
    "steps": 60,
    "fine_tune_steps": 20,
    "confidence_steps": 20,
    "validate_every": 20,
    "confidence_widths": [8],
    "learning_rate": 0.01,
    "learning_rate_end": 0.001,
    "precision": "float32",
}
STRUCTURES = ("Liver", "Spleen")


def ball_scan(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A scan int16 and its complete label map uint8 (z, y, x): a large grey ball on the left, a small bright one on the right."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(GRID.shape)
    image = rng.normal(0, 10, GRID.shape)
    labels = np.zeros(GRID.shape, np.uint8)
    for value, (column, radius, grey) in enumerate(((8, 5.0, 90), (20, 3.5, 160)), 1):
        centre = (6 + rng.uniform(-1, 1), 12 + rng.uniform(-2, 2), column + rng.uniform(-1.5, 1.5))
        distance = ((z - centre[0]) * 2) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
        image[distance < radius**2] += grey
        labels[distance < radius**2] = value
    return image.astype(np.int16), labels


STATES = (
    ("train", "labelled", "missing"),
    ("train", "missing", "labelled"),
    ("train", "labelled", "labelled"),
    ("train", "missing", "missing"),
    ("validation", "labelled", "labelled"),
    ("test", "missing", "missing"),
)


@pytest.fixture(scope="session")
def ball_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of six scans with partial labels; the complete ones lie in `truth/`."""
    folder = tmp_path_factory.mktemp("balls")
    rows = ["case,image,labels,split,Liver,Spleen"]
    for index, (split, *states) in enumerate(STATES):
        image, truth = ball_scan(index)
        drawn = np.where([truth == 1, truth == 2], [[[[s == "labelled"]]] for s in states], False)
        partial = (drawn[0] * 1 + drawn[1] * 2).astype(np.uint8)
        write_image(folder / f"scan{index}.nrrd", GRID.image(image))
        write_image(folder / f"labels{index}.nii.gz", GRID.image(partial))
        write_image(folder / "truth" / f"scan{index}.nii.gz", GRID.image(truth))
        labels = f"labels{index}.nii.gz" if "labelled" in states else ""
        rows.append(f"scan{index},scan{index}.nrrd,{labels},{split},{','.join(states)}")
    (folder / "truth" / "dataset.json").write_text(
        json.dumps({"labels": {"background": 0, "Liver": 1, "Spleen": 2}}), encoding="utf-8"
    )
    (folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def worker() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the worker's command line to its end."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            capture_output=True,
            encoding="utf-8",
            check=False,
            env={**os.environ, **environment},
        )

    return run


@pytest.fixture(scope="session")
def finished(
    ball_cohort: Path,
    worker: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, str]:
    """A run that came to its end, and what it said. Not to be changed; a test that does so takes a copy."""
    out = tmp_path_factory.mktemp("finished") / "run"
    done = worker(*tiny(ball_cohort, out))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out, done.stdout


@dataclass(frozen=True)
class Said:
    """How a command ended in this process, and what it wrote."""

    status: int
    out: str
    errors: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return events_of(self.out)

    @property
    def message(self) -> str:
        """The sentence of the last event."""
        return str(self.events[-1]["message"])


class _Watched(io.StringIO):
    def __init__(self, watch: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._watch = watch

    def write(self, text: str) -> int:
        written = super().write(text)
        for event in events_of(text) if text.startswith('{"event"') else []:
            self._watch(event)
        return written


def here(*arguments: str | Path, watch: Callable[[dict[str, Any]], None] = lambda event: None) -> Said:
    """Runs the command line in this process, which takes a tenth of the time; `watch` sees each event when it is told."""
    out, errors = _Watched(watch), io.StringIO()
    alone = mock.patch("PartialLabelSegLib.begin.be_a_good_neighbour", return_value=1)
    with alone, contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            status = int(stopped.code or 0)
    return Said(status, out.getvalue(), errors.getvalue())


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(ENTRY), *(str(argument) for argument in arguments)]


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    """The worker at work, in a group of its own."""
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        # A shell that runs the tests in the background has them, and whatever they start, ignore Ctrl+C.
        preexec_fn=_heeding_ctrl_c if os.name == "posix" else None,
    )


def _heeding_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def tiny(cohort: Path, out: Path, *more: str) -> list[str]:
    """The arguments of a complete run that takes seconds."""
    plan = [part for name, value in TINY_PLAN.items() for part in ("--set", f"{name}={json.dumps(value)}")]
    return [
        "complete",
        str(cohort / "cases.csv"),
        "--out",
        str(out),
        "--threads",
        "1",
        "--seed",
        "3",
        "--dimensions",
        "2d",
        *plan,
        *more,
    ]


def events_of(text: str) -> list[dict[str, Any]]:
    """The JSON lines of a worker's output; a line that is none fails the test."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def final_labels(run: Path) -> dict[str, np.ndarray]:
    """Per case and round the label map, and the completed NIfTI files' content: what two runs must agree on."""
    found = {}
    for path in sorted(run.glob("rounds/*/labels/*/labels.json")):
        labels, _ = read_labels(path.parent)
        found["/".join(path.parent.parts[-3:])] = np.stack([labels.label_map, labels.origin])
    for path in sorted(run.glob("completed/*.nii.gz")):
        found[path.name] = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8)
    return found


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> Sequence[str]:
    """The names under which two results differ."""
    return [name for name in sorted({*first, *second}) if not np.array_equal(first.get(name, 0), second.get(name, 1))]


QUICK = {"steps": 50, "fine_tune_steps": 6, "confidence_steps": 6, "validate_every": 10}
DECISIONS = [
    {"case": "scan0", "structure": "Spleen", "decision": "accepted", "gamma": 1.0},
    {"case": "scan1", "structure": "Liver", "decision": "accepted", "gamma": 0.5},
    {"case": "scan3", "structure": "Liver", "decision": "wrong", "gamma": 1.0},
    {"case": "scan3", "structure": "Spleen", "decision": "accepted", "gamma": 1.0},
]


def quick(cohort: Path, out: Path, seed: int = 3, *more: str) -> list[str]:
    plan = [part for name, value in QUICK.items() for part in ("--set", f"{name}={json.dumps(value)}")]
    whole = tiny(cohort, out, "--rounds", "1", "--review", *plan, *more)
    whole[whole.index("--seed") + 1] = str(seed)
    return whole


@dataclass(frozen=True)
class Stages:
    """A run as it lay there at several moments, and its labels in the end. `other`: the same with another seed and plan."""

    cohort: Path
    folder: Path
    labels: dict[str, np.ndarray]
    other: Path

    def copy(self, stage: str, out: Path) -> Path:
        return Path(shutil.copytree(self.folder / stage, out))

    def review(self) -> Path:
        return self.folder / "relabelled" / "rounds" / "0" / "review.json"

    def go_on(self, out: Path) -> Said:
        """The same command, and again with the decisions where it waits for them."""
        done = here(*quick(self.cohort, out))
        if done.status == 4:
            shutil.copy(self.review(), out / "rounds" / "0" / "review.json")
            done = here(*quick(self.cohort, out))
        return done


class Photographer:
    """Copies a run the first time that each of some events is told."""

    def __init__(self, run: Path, folder: Path) -> None:
        self._run = run
        self._folder = folder

    def __call__(self, event: dict[str, Any]) -> None:
        for stage, is_now in MOMENTS.items():
            if is_now(event) and not (self._folder / stage).exists():
                shutil.copytree(self._run, self._folder / stage)


MOMENTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "learning": lambda event: event["event"] == "checkpoint" and event["step"] == 17 and "round 0" in event["stage"],
    "confidence": lambda event: (
        event["event"] == "checkpoint" and event["step"] == 3 and "confidence" in event["stage"]
    ),
    "predicting": lambda event: event["event"] == "prediction" and event["round"] == 0,
    "waiting": lambda event: event["event"] == "waiting",
    "relabelled": lambda event: event["event"] == "relabelled",
    "finished": lambda event: event["event"] == "finished",
}


@pytest.fixture(scope="session")
def stages(ball_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    folder = tmp_path_factory.mktemp("stages")
    for seed, name, rate in ((3, "run", "0.01"), (4, "other", "0.02")):
        camera = Photographer(folder / name, folder / f"{name}-stages")
        more = ("--checkpoint-seconds", "0", "--set", f"learning_rate={rate}")
        asked = quick(ball_cohort, folder / name, seed, *more)
        assert here(*asked, watch=camera).status == 4
        review = {"format": 1, "by": "person", "decisions": DECISIONS[: 4 if seed == 3 else 2]}
        (folder / name / "rounds" / "0" / "review.json").write_text(json.dumps(review), encoding="utf-8")
        done = here(*asked, watch=camera)
        assert done.status == 0, done.out[-1500:]
    labels = final_labels(folder / "run")
    assert np.count_nonzero(labels["0/labels/scan3"][0]) > 50
    return Stages(ball_cohort, folder / "run-stages", labels, folder / "other-stages")


def staged(stages: Stages, stage: str, out: Path) -> Path:
    """A copy of the run; 'decided' is 'waiting' with the decisions written."""
    stages.copy("waiting" if stage == "decided" else stage, out)
    # No more checkpoints than the one that is there: each costs as much as a step.
    head = json.loads((out / "run.json").read_text(encoding="utf-8"))
    head["configuration"]["checkpoint_seconds"] = 1000.0
    (out / "run.json").write_text(json.dumps(head), encoding="utf-8")
    if stage == "decided":
        shutil.copy(stages.review(), out / "rounds" / "0" / "review.json")
    return out
