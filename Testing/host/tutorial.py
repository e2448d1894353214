"""`python3 Testing panel --pictures FOLDER`: the README's tutorial, gone through with real clicks and the real worker, with a picture of each step."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PySide6 import QtGui, QtWidgets

from host.host_application import HostApplication
from host.session import Session
from host.window import Window
from PartialLabelSegLib.panel.state import Scan
from PartialLabelSegLib.panel.view_models_decide import DOUBTS
from PartialLabelSegLib.panel.volumes import image_array

WIDTH, HEIGHT, PANEL_WIDTH = 1500, 900, 460
LONGEST = 3 * 3600.0
SETTLED_TURNS = 20
LABELLED = "labelled"
HASTY, HASTY_STRUCTURE = "Abdomen 6", "Liver"
"""Whose drawing is cut in half, and said to have been made quickly."""
CURVE_POINTS, CURVE_SHARE = 4, 0.6
"""The picture of learning is taken when each curve has so many points and so much of the first round is learned."""
GAMMA = 80
EASY = ("widths", [16, 32, 64, 96, 128]), ("batch", 8), ("learning_rate", 6e-3)
"""The sample scans are small and easy: so much is enough for pictures."""
PARTS = ("validate_every", 9), ("fine_tune_steps", 5), ("confidence_steps", 6)
"""What a number of steps that was asked for is divided by."""


class Tutorial:
    """`go_through()` once. An AssertionError says what did not come about."""

    def __init__(self, panel: Any, seam: HostApplication, window: Window, folder: Path) -> None:
        self.session = Session(panel, QtWidgets.QApplication.processEvents, LONGEST)
        self.logic = panel.logic
        self.seam = seam
        self.window = window
        self.folder = folder
        window.resize(WIDTH, HEIGHT, PANEL_WIDTH)

    def shorten(self, steps: int) -> None:
        """Learns so many steps with a smaller network, instead of what the preset says."""
        wanted = {"steps": steps, **dict(EASY), **{name: max(1, steps // parts) for name, parts in PARTS}}
        self.logic.desk.extra_arguments = tuple(
            part for name, value in wanted.items() for part in ("--set", f"{name}={json.dumps(value)}")
        )

    def go_through(self) -> None:
        """All five steps, and their pictures; then, with a new scene, a label that was drawn in a hurry."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for step in (self.scans, self.learn, self.look, self.decide, self.finish, self.doubts):
            step()
            self._picture(step.__name__)

    def scans(self) -> None:
        desk = self.logic.desk
        self.session.click("add_sample")
        self.session.until(lambda: desk.state.scans and not desk.busy, "the sample scans")
        self.seam.jump_to(self._centre_of_drawing(desk.state.scans[0]))

    def learn(self) -> None:
        learn = self.logic.learn
        self.session.click("step_learn")
        self.session.until(lambda: learn.torch.state.ready, "PyTorch to be found")
        learn.set_choice("rounds", 1)
        self.session.click("learn")

        def enough_to_see() -> bool:
            assert learn.state == "running", self.logic.desk.message.text or learn.state
            view = learn.view()
            curves, progress = view.curves.dice, view.progress
            if progress is None or not curves or progress.step < CURVE_SHARE * progress.steps:
                return False
            return max(len(curve.points) for curve in curves) >= CURVE_POINTS

        self.session.until(enough_to_see, "curves")

    def look(self) -> None:
        logic = self.logic
        self.session.until(lambda: logic.learn.state != "running", "the suggestions")
        assert logic.learn.state == "waiting", logic.desk.message.text
        self.session.click("step_look")
        logic.look.scan_chosen(self._scan_with_most_of_both().name)
        logic.look.thing_shown("surfaces", True)
        self._until_shown()
        logic.look.jump(self._middle_of_suggestions())

    def decide(self) -> None:
        decide = self.logic.decide
        self.session.click("step_decide")
        self._until_shown()
        self.session.until(lambda: decide.view().rows, "the queue of suggestions")
        scan = self.logic.desk.state.scan
        self._choose_largest(scan)
        self.session.click("decide_accept_all")
        self._until_shown()
        self._choose_largest(scan)
        slider: Any = self.window.widget.findChild(QtWidgets.QSlider, "gamma_slider")
        slider.setValue(GAMMA)
        self._until_shown()
        assert round(100 * decide.view().gamma) == GAMMA

    def finish(self) -> None:
        logic = self.logic
        self.session.click("next_round")
        self.session.until(lambda: logic.learn.state not in ("running", "waiting"), "the end of learning")
        assert logic.learn.state == "finished", logic.desk.message.text
        self.session.click("step_finish")
        self.session.click("into_scene")
        self.session.until(lambda: "In the scene" in logic.finish.view().message, "the segmentations")
        # As a person does with "Show 3D".
        self.seam.scene.GetFirstNodeByName(f"{logic.desk.state.scan} completed").CreateClosedSurfaceRepresentation()

    def doubts(self) -> None:
        logic, desk = self.logic, self.logic.desk
        self.seam.scene.Clear(0)
        self.session.until(lambda: not desk.state.scans, "an empty list")
        self.session.click("step_scans")
        self.session.click("add_sample")
        self.session.until(lambda: desk.state.scans and not desk.busy, "the sample scans")
        scan = next(scan for scan in desk.state.scans if scan.name == HASTY)
        self._cut(scan, HASTY_STRUCTURE)
        self._say_quick(scan)
        self.session.click("step_learn")
        self.session.click("learn")
        self.session.until(lambda: logic.learn.state != "running", "the suggestions")
        assert logic.learn.state == "waiting", desk.message.text
        self.session.click("step_look")
        logic.look.scan_chosen(scan.name)
        self._until_shown()
        view = logic.look.view().doubts
        assert view is not None and view.rows, "nothing is doubted"
        row = next(row for row in view.rows if row.structure == HASTY_STRUCTURE)
        logic.look.doubt_chosen(row.number)
        logic.look.thing_shown(DOUBTS, True)
        self._until_shown()

    def _cut(self, scan: Scan, structure: str) -> None:
        """Takes away what of a drawing lies on one side of its middle."""
        drawing = self.seam.scene.GetNodeByID(scan.segmentation).GetSegmentation()
        segment = drawing.GetSegment(drawing.GetSegmentIdBySegmentName(structure))
        image = segment.GetRepresentation("Binary labelmap")
        drawn = image_array(image)
        held = drawn == segment.GetLabelValue()
        columns = np.flatnonzero(held.any((0, 1)))
        drawn[:, :, : int(columns.mean())][held[:, :, : int(columns.mean())]] = 0
        image.Modified()
        drawing.Modified()

    def _say_quick(self, scan: Scan) -> None:
        """In the box below the table, of all labels of a scan."""
        table: Any = self.window.widget.findChild(QtWidgets.QTableWidget, "scan_table")
        names = [row.name for row in self.logic.scans.view().scans]
        self.session.until(lambda: table.rowCount() >= len(names), "the table of scans")
        table.setCurrentCell(names.index(scan.name), 0)
        box: Any = self.window.widget.findChild(QtWidgets.QComboBox, "scan_made")
        self.session.until(box.isVisible, "the box for how labels were made")
        box.setCurrentIndex(box.findData("quick"))
        self.session.until(lambda: "quickly" in self.logic.scans.view().summary, "the labels to be quick ones")

    # What is worth a look

    def _scan_with_most_of_both(self) -> Scan:
        """Drawn and suggested structures alike."""

        def fewer(scan: Scan) -> int:
            drawn = sum(state == LABELLED for state in scan.found.values())
            return min(drawn, len(self.logic.desk.structures) - drawn)

        return max(self.logic.desk.state.scans, key=fewer)

    def _middle_of_suggestions(self) -> tuple[int, int, int]:
        """Of the largest structure that is suggested in the scan that is shown (voxels x, y, z)."""
        viewed = self.logic.look.viewed
        box = max(viewed.suggestions.boxes.values(), key=lambda box: math.prod(span.stop - span.start for span in box))
        z, y, x = ((span.start + span.stop) // 2 for span in box)
        return x, y, z

    def _choose_largest(self, scan: str) -> None:
        """The largest suggestion in a scan on which nothing was decided yet."""
        decide = self.logic.decide
        rows = [row for row in decide.view().rows if row.scan == scan and not row.decision]
        decide.suggestion_chosen(max(rows, key=lambda row: row.ml).key)
        self._until_shown()

    def _centre_of_drawing(self, scan: Scan) -> tuple[float, float, float]:
        """Of the first structure that is drawn in a scan (mm)."""
        node = self.logic.desk.scene.GetNodeByID(scan.segmentation)
        name = next(name for name, state in scan.found.items() if state == LABELLED)
        r, a, s = node.GetSegmentCenterRAS(node.GetSegmentation().GetSegmentIdBySegmentName(name))
        return r, a, s

    # Pictures

    def _until_shown(self) -> None:
        """Nothing is being read or drawn any more."""
        look, desk, quiet = self.logic.look, self.logic.desk, [0]

        def still() -> bool:
            busy = look.busy or desk.busy or look.viewed is None
            quiet[0] = 0 if busy else quiet[0] + 1
            return quiet[0] > SETTLED_TURNS

        self.session.until(still, "the views")

    def _picture(self, step: str) -> None:
        for _ in range(SETTLED_TURNS):
            QtWidgets.QApplication.processEvents()
        if self.logic.desk.state.overlay.surfaces:
            self.window.fit_3d()
            QtWidgets.QApplication.processEvents()
        path = self.folder / f"panel-{step}.png"
        assert smaller(self.window.grab()).save(str(path), quality=0), f"The picture cannot be written to {path}."
        print(path.name, flush=True)


def smaller(picture: QtGui.QPixmap) -> QtGui.QImage:
    """The same picture without the last two bits of each colour: nobody sees that, and its file is half as large."""
    image = picture.toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    pixels: Any = image.bits()
    np.frombuffer(pixels, np.uint8)[:] &= 0xFC
    return image
