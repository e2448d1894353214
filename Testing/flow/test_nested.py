"""The nested network through the command line: it learns, and completes what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flow.conftest import here, tiny
from PartialLabelSegLib.data.label_files import read_array


def test_a_run_with_the_nested_network_completes_the_scans(ball_cohort: Path, tmp_path: Path) -> None:
    done = here(*tiny(ball_cohort, tmp_path / "run", "--rounds", "0", "--set", "architecture=unet++"))
    assert done.status == 0, done.out[-2000:] + done.errors
    folder = tmp_path / "run/rounds/0/predictions/scan5"
    found = read_array(folder / "label.nrrd")
    true = read_array(ball_cohort / "truth" / "scan5.nii.gz")
    both = np.count_nonzero((found == 1) & (true == 1))
    assert 2 * both / (np.count_nonzero(found == 1) + np.count_nonzero(true == 1)) > 0.6
