"""The Slicer module: its description, the shell of its panel, its samples, and a test that Slicer itself can run."""

from __future__ import annotations

import sys

import slicer
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

LIBRARY = "PartialLabelSegLib"


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
        slicer.app.startupCompleted.connect(register_samples)


def register_samples() -> None:
    """Once Slicer is up, its module Sample Data offers ours."""
    from PartialLabelSegLib.panel.sample_data import register_sample_data

    register_sample_data(slicer.mrmlScene)


class PartialLabelSegWidget(ScriptedLoadableModuleWidget):
    """The place of the panel; all that it does lies in PartialLabelSegLib/panel."""

    panel = None

    def setup(self) -> None:
        super().setup()
        with slicer.util.tryWithErrorDisplay("The panel could not be opened.", waitCursor=True):
            from PartialLabelSegLib.panel.slicer_application import SlicerApplication
            from PartialLabelSegLib.panel.view import Panel

            self.panel = Panel(SlicerApplication(slicer.mrmlScene))
            self.layout.addWidget(self.panel.widget)

    def enter(self) -> None:
        if self.panel is not None:
            self.panel.enter()

    def exit(self) -> None:
        if self.panel is not None:
            self.panel.exit()

    def cleanup(self) -> None:
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.cleanup()

    def onReload(self) -> None:
        """The library is read again, too."""
        self.cleanup()
        for name in [name for name in sys.modules if name.split(".")[0] == LIBRARY]:
            del sys.modules[name]
        super().onReload()


class PartialLabelSegTest(ScriptedLoadableModuleTest):
    """Runs inside Slicer; where PyTorch is there, a small network is really trained."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear(0)

    def runTest(self) -> None:
        self.setUp()
        self.test_phantoms_are_learned()

    def test_phantoms_are_learned(self) -> None:
        from PartialLabelSegLib.panel.self_test import learn_phantoms

        slicer.util.selectModule("PartialLabelSeg")
        panel = slicer.modules.PartialLabelSegWidget.panel
        before = "torch" in sys.modules
        came_to = learn_phantoms(panel, slicer.app.processEvents, self.delayDisplay)
        self.delayDisplay(f"The panel works; learning came to: {came_to}.")
        assert before or "torch" not in sys.modules, "the panel must not load torch into Slicer"
