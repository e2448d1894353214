"""The files of an agreement: each there, each complete, whatever the structures are called."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.metrics.agreement import Agreement, agreement
from PartialLabelSegLib.metrics.compared_scan import ComparedScan
from PartialLabelSegLib.report.agreement_files import write_agreement

GRID = Grid((4, 2, 1), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def found(structure: str) -> Agreement:
    mask = np.ones(GRID.shape, bool)
    return agreement([ComparedScan("one", GRID, {"Ann": mask, "Bob": ~mask}, mask)], structure, "majority")


def test_a_study_leaves_numbers_tables_and_a_chart_per_structure(tmp_path: Path) -> None:
    paths = write_agreement(tmp_path, [found("Femur: left"), found("Femur/ left"), found("Tibia")])
    assert [path.name for path in paths] == [
        "agreement.json",
        "agreement.txt",
        "agreement-Femur__left-1.svg",
        "agreement-Femur__left-2.svg",
        "agreement-Tibia.svg",
    ]
    numbers = json.loads(paths[0].read_text(encoding="utf-8"))["structures"]
    assert numbers["Tibia"]["pairs"][0]["dice"]["mean"] == 0.0
    assert paths[1].read_text(encoding="utf-8").count("raters against the consensus (majority)") == 3
    for path in paths[2:]:
        assert ElementTree.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")
