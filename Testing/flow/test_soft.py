"""Soft labels from a manifest to a trained network: what it says ends near what the raters said, and only where they looked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from flow.conftest import GRID, here
from PartialLabelSegLib.data.label_files import read_array, read_labels, write_image
from PartialLabelSegLib.data.prediction import ONE, read_prediction

RIM = 0.3
"""The share of the raters who count the grey rim as lesion; all count the bright core."""
READ = tuple(range(0, GRID.shape[0], 2))
PLAN = {
    "widths": [8, 12],
    "strides": [[1, 1, 1], [1, 2, 2]],
    "patch": [1, 24, 28],
    "batch": 4,
    "steps": 120,
    "confidence_steps": 4,
    "validate_every": 60,
    "confidence_widths": [8],
    "learning_rate": 0.01,
    "learning_rate_end": 0.0005,
    "precision": "float32",
    "prior": 0.1,
}


def lesion_scan(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A scan int16 and the soft truth float32 (z, y, x): a bright core within a grey rim."""
    rng = np.random.default_rng([7, seed])
    z, y, x = np.indices(GRID.shape)
    distance = np.hypot(np.hypot((z - 6) * 2, y - 12 - rng.uniform(-3, 3)), x - 14 - rng.uniform(-5, 5))
    soft = np.where(distance < 4, 1, np.where(distance < 7, RIM, 0)).astype(np.float32)
    image = rng.normal(0, 8, GRID.shape) + 80 * (soft > 0) + 80 * (soft == 1)
    return image.astype(np.int16), soft


def cohort(folder: Path) -> Path:
    """Scans 0 and 1 are read as a whole, in 8 bits and as fractions; of 2 and 3 only every other slice; 4 validates; of 5 nothing is said."""
    rows = ["case,image,labels,split,soft,Lesion"]
    for index, split in enumerate(("train", "train", "train", "train", "validation", "test")):
        image, soft = lesion_scan(index)
        write_image(folder / f"scan{index}.nrrd", GRID.image(image))
        if split == "test":
            rows.append(f"scan{index},scan{index}.nrrd,,{split},,missing")
            continue
        stored = np.rint(soft * 255).astype(np.uint8) if index == 0 else soft
        if index in (2, 3):
            stored = np.where(np.isin(np.arange(len(soft)), READ)[:, None, None], stored, 0)
        write_image(folder / f"soft{index}" / "lesion.nii.gz", GRID.image(stored))
        entry = {"file": "lesion.nii.gz", "scale": 1 / 255 if index == 0 else 1.0}
        read = {"Lesion": list(READ) if index in (2, 3) else None}
        content = {"format": 1, "structures": {"Lesion": entry}, "read_slices": read}
        (folder / f"soft{index}" / "soft.json").write_text(json.dumps(content), encoding="utf-8")
        rows.append(f"scan{index},scan{index}.nrrd,,{split},soft{index}/soft.json,labelled")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def completed(folder: Path, *more: str) -> Path:
    """The folder of a run that learned from the cohort."""
    settings = [part for name, value in PLAN.items() for part in ("--set", f"{name}={json.dumps(value)}")]
    out = folder / "run"
    arguments = ("--threads", "1", "--seed", "3", "--dimensions", "2d", "--rounds", "0", *settings, *more)
    done = here("complete", cohort(folder / "data"), "--out", out, *arguments)
    assert done.status == 0, done.out[-1500:]
    return out


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return completed(tmp_path_factory.mktemp("soft"), "--set", "loss=bce")


def probability(run: Path, index: int) -> np.ndarray:
    """What the network says of a scan, 0..1."""
    found = next(run.glob(f"rounds/*/predictions/scan{index}"))
    return read_prediction(found)[0].probability.astype(np.float32) / ONE


def told(run: Path, index: int) -> dict[float, float]:
    """The mean probability that the network gives to what the raters see so often."""
    truth, found = lesion_scan(index)[1], probability(run, index)
    return {share: float(found[truth == np.float32(share)].mean()) for share in (0.0, RIM, 1.0)}


def test_the_network_ends_near_the_soft_truth_on_a_scan_that_it_never_saw(learned: Path) -> None:
    found = told(learned, 5)
    # The core and the background are what they are, and the rim is as doubtful as it was to the raters.
    assert found[0.0] < 0.05 and found[1.0] > 0.85, found
    assert abs(found[RIM] - RIM) < 0.1, found


def test_validation_is_against_the_hardened_label(learned: Path) -> None:
    curves = json.loads(next(learned.glob("rounds/0/training.json")).read_text(encoding="utf-8"))
    assert max(entry["dice"]["Lesion"] for entry in curves["validation"]) > 0.75


def test_the_soft_labels_of_the_run_are_known_on_the_slices_that_were_read(learned: Path) -> None:
    for index in range(5):
        labels, truth = read_labels(learned / "cases" / f"scan{index}")[0], lesion_scan(index)[1]
        read = np.ones(len(truth), bool) if index not in (2, 3) else np.isin(np.arange(len(truth)), READ)
        assert labels.known == (index not in (2, 3),)
        np.testing.assert_allclose(labels.soft["Lesion"][read], truth[read], atol=0.002)
        assert np.isnan(labels.soft["Lesion"][~read]).all()
        assert np.array_equal(labels.certain("Lesion"), np.broadcast_to(read[:, None, None], truth.shape))


def test_what_the_raters_said_stands_in_the_completed_file_and_the_rest_is_suggested(learned: Path) -> None:
    for index in range(5):
        truth = lesion_scan(index)[1] >= 0.5
        found = read_array(learned / "completed" / f"scan{index}.nii.gz") == 1
        read = np.ones(len(truth), bool) if index not in (2, 3) else np.isin(np.arange(len(truth)), READ)
        np.testing.assert_array_equal(found[read], truth[read])
        if not read.all():
            assert 2 * np.sum(found & truth) / (np.sum(found) + np.sum(truth)) > 0.85


def test_another_loss_is_chosen_on_the_command_line_and_a_round_keeps_what_the_raters_said(tmp_path: Path) -> None:
    settings = ("loss=apl+dice", "apl_weights=[0,2,1]", "steps=8", "validate_every=8", "fine_tune_steps=4")
    run = completed(tmp_path, "--rounds", "1", *(part for text in settings for part in ("--set", text)))
    plan = json.loads((run / "plan.json").read_text(encoding="utf-8"))["plan"]
    assert plan["loss"] == "apl+dice" and plan["apl_weights"] == [0.0, 2.0, 1.0]
    before = read_labels(run / "cases" / "scan2")[0]
    after = read_labels(run / "rounds" / "0" / "labels" / "scan2")[0]
    np.testing.assert_array_equal(after.soft["Lesion"], before.soft["Lesion"])
    assert np.array_equal(after.label_map[before.certain("Lesion")], before.label_map[before.certain("Lesion")])


def test_a_loss_that_there_is_not_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = here("complete", cohort(tmp_path / "data"), "--out", tmp_path / "run", "--set", "loss=focal")
    assert done.status == 1 and "loss must be one of bce" in done.message
