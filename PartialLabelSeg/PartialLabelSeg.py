"""The Slicer module: its description, the shell of its panel, and a test that Slicer itself can run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import qt
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class PartialLabelSeg(ScriptedLoadableModule):
    """What Slicer's module list and help show."""

    def __init__(self, parent) -> None:
        super().__init__(parent)
        parent.title = "Partial Label Segmentation"
        parent.categories = ["Segmentation"]
        parent.dependencies = []
        parent.contributors = ["PartialLabelSeg contributors"]
        parent.helpText = (
            "Completes partially labelled scans: learns from the structures that are drawn in some of the scans, suggests the "
            "others with a confidence for every voxel, and leaves what an expert drew unchanged."
        )
        parent.acknowledgementText = "The method follows INERRANT (2021), see the documentation for the citation."


class PartialLabelSegWidget(ScriptedLoadableModuleWidget):
    """Says how to start the worker on a folder of scans, and whether this Slicer has what it needs."""

    def setup(self) -> None:
        super().setup()
        package = Path(__file__).parent / "PartialLabelSegLib"
        self.torchLabel = qt.QLabel()
        self.torchLabel.setWordWrap(True)
        self.commandLabel = qt.QLabel(
            "A folder of partially labelled scans is completed by one command in a terminal, with any Python from 3.10 on:\n\n"
            f'python3 "{package}" check CASES\n'
            f'python3 "{package}" complete CASES --out RUN --progress\n\n'
            "CASES is a cases.csv, an nnU-Net data set, or a folder of volumes with .seg.nrrd files. Drag the finished "
            "RUN/completed/<case>.seg.nrrd into Slicer. The scans do not leave this computer."
        )
        self.commandLabel.setWordWrap(True)
        self.commandLabel.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
        self.layout.addWidget(self.commandLabel)
        self.layout.addWidget(self.torchLabel)
        self.layout.addStretch(1)
        self.showTorch()

    def enter(self) -> None:
        self.showTorch()

    def showTorch(self) -> None:
        """Looks for torch without importing it: a broken torch must not break the panel."""
        if importlib.util.find_spec("torch") is not None:
            self.torchLabel.setText("PyTorch is installed in this Slicer: its PythonSlicer can run these commands too.")
        else:
            self.torchLabel.setText(
                "PyTorch is not installed in this Slicer. It is not needed here for the commands above, which set up a Python "
                "environment of their own; the PyTorch extension installs it for PythonSlicer."
            )


class PartialLabelSegTest(ScriptedLoadableModuleTest):
    """Runs inside Slicer, with or without torch."""

    def runTest(self) -> None:
        self.setUp()
        self.test_the_library_loads_without_torch()

    def test_the_library_loads_without_torch(self) -> None:
        script = "import sys, PartialLabelSegLib.cli; sys.exit('torch' in sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True, text=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        self.delayDisplay("The library loads without torch.")
