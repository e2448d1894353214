"""A session in the panel's window with clicks, measured: scans, learning, looking, deciding, finishing. In a process of its own.

python -m benchmarks.panel_session FOLDER RESULT.json [--short]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host import environment, qt_host

environment.draw_without_display()
qt_host.install()

from PySide6 import QtCore, QtWidgets  # noqa: E402

from benchmarks.panel_blocks import summed_up  # noqa: E402
from benchmarks.panel_cohort import IN_SCENE, ON_DISK, ScanCohort, make_cohort  # noqa: E402
from benchmarks.panel_heartbeat import Heartbeat  # noqa: E402
from benchmarks.panel_scan import GRID, NAMES  # noqa: E402
from host.host_application import HostApplication  # noqa: E402
from host.slicer_host import SlicerHost  # noqa: E402
from host.window import Window  # noqa: E402
from panel.panel_window import PanelWindow  # noqa: E402
from panel.scene_nodes import add_scan, add_segmentation  # noqa: E402
from panel.showing import click  # noqa: E402
from PartialLabelSegLib.data.geometry import Grid  # noqa: E402
from PartialLabelSegLib.panel import jobs  # noqa: E402
from PartialLabelSegLib.panel.accepted import ACCEPTED  # noqa: E402
from PartialLabelSegLib.panel.decide_queue import key_of  # noqa: E402
from PartialLabelSegLib.panel.finish_view import PREDICTION  # noqa: E402
from PartialLabelSegLib.panel.own_segments import OwnSegments, own_node  # noqa: E402
from PartialLabelSegLib.panel.view_models_decide import EVERYTHING, ORGAN_HERE  # noqa: E402

SHORT_GRID = Grid((96, 96, 60), (4.2, 4.2, 7.5), GRID.origin, GRID.direction)
WORKER = Path(__file__).resolve().parent / "panel_worker.py"
GAMMA_STEPS = 100


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--short", action="store_true")
    chosen = parser.parse_args(arguments)
    application = QtWidgets.QApplication(["benchmark"])
    application.setQuitOnLastWindowClosed(False)
    cohort = make_cohort(chosen.folder, SHORT_GRID if chosen.short else GRID)
    host = SlicerHost()
    window = Window(host)
    seam = HostApplication(host, chosen.folder / "documents", window)
    window.show()
    session = Session(PanelWindow(seam, window, wait_until), cohort, 3.0 if chosen.short else 15.0)
    numbers = session.measured()
    chosen.result.write_text(json.dumps(numbers), encoding="utf-8")
    session.window.close()
    window.close()
    application.processEvents()
    host.close()
    return 0


def wait_until(condition: Callable[[], object], seconds: float = 60.0, what: str = "") -> None:
    """Qt works until `condition()` holds; every beat looks."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s in vain for {what or condition}")
        QtWidgets.QApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


class Session:
    """`measured()` goes through everything once."""

    def __init__(self, window: PanelWindow, cohort: ScanCohort, learning_seconds: float) -> None:
        self.window = window
        self.cohort = cohort
        self.beat = Heartbeat()
        self.logic = window.panel.logic
        self._keep_awake = QtCore.QTimer()
        self._keep_awake.start(5)
        os.environ["PANEL_WORKER_SECONDS"] = str(learning_seconds)
        real = jobs.worker_command

        def command(python: str, *said: Any) -> list[str]:
            learns = said[0] == "complete"
            return (
                [python, "-u", str(WORKER), str(cohort.left.path), *map(str, said)] if learns else real(python, *said)
            )

        jobs.worker_command = command

    def measured(self) -> dict[str, Any]:
        """All numbers of the session."""
        with self.beat.during("nothing, for comparison"):
            self._rest(2000)
        self._scans()
        self._learn()
        self._look()
        gamma = self._gamma()
        accepted = self._accept()
        self._decide_more()
        self._finish()
        return {
            "gamma": gamma,
            "accept_seconds": accepted,
            "activities": [summed_up(item) for item in self.beat.activities.values()],
            "torch_loaded": "torch" in sys.modules,
        }

    def _rest(self, milliseconds: int) -> None:
        """Time in which nothing is asked for; timers of the panel run out."""
        end = time.monotonic() + milliseconds / 1000
        wait_until(lambda: time.monotonic() >= end, milliseconds / 1000 + 10)

    def _until_quiet(self) -> None:
        look, desk = self.logic.look, self.logic.desk
        wait_until(lambda: not look.busy and not desk.busy and look.viewed is not None, 300, "the views")
        self._rest(300)
        wait_until(lambda: not look.busy and not desk.busy, 300, "the views")

    def _scans(self) -> None:
        window, cohort = self.window, self.cohort
        scan = add_scan(window.application.scene, cohort.grid, cohort.body.image, IN_SCENE)
        add_segmentation(scan, cohort.grid, cohort.drawn(), f"{IN_SCENE} drawn")
        window.application.fit_slices()
        self._rest(1000)
        with self.beat.during("reading a scan of the scene"):
            window.click("add_from_scene")
            window.until_read()
        with self.beat.during("reading a folder of scans"):
            window.application.answers.append(cohort.data_set)
            window.click("add_folder")
            window.until_read()
        assert [item.name for item in self.logic.desk.state.scans] == [IN_SCENE, ON_DISK, "CT 3"]

    def _learn(self) -> None:
        window, learn = self.window, self.logic.learn
        window.click("step_learn")
        window.until(lambda: learn.torch.state.ready, what="PyTorch to be found")
        with self.beat.during("writing the scans for learning"):
            window.click("learn")
            window.until(lambda: self.logic.desk.jobs.running or learn.state == "failed", 300)
        assert learn.state == "running", self.logic.desk.message.text
        with self.beat.during("learning"):
            window.until(lambda: learn.has_suggestions or learn.state == "failed", 300, "the first suggestions")
        with self.beat.during("suggestions arriving, the first one shown"):
            window.click("step_look")
            window.until_learned("waiting")
            self._until_quiet()

    def _look(self) -> None:
        window = self.window
        with self.beat.during("showing a scan from disk"):
            self.logic.look.scan_chosen(ON_DISK)
            window.until(lambda: self.logic.look.is_shown(ON_DISK), 300)
            self._until_quiet()
        with self.beat.during("opening Decide"):
            window.click("step_decide")
            self._until_quiet()
        with self.beat.during("choosing suggestions"):
            for name in NAMES:
                self._choose(name)

    def _choose(self, structure: str) -> None:
        """As a click in the queue does."""
        look = self.logic.look
        self.logic.decide.suggestion_chosen(key_of((ON_DISK, structure)))
        wait_until(lambda: look.is_shown(ON_DISK) and not look.busy, 300, f"{structure} to be shown")
        self._until_quiet()

    # The slider

    def _gamma(self) -> dict[str, dict[str, float]]:
        """Milliseconds per view from a step of the slider to the drawn slice views, by what is shown."""
        found = {}
        for name in NAMES:
            self._choose(name)
            found[name] = self._gamma_steps(self.logic.decide.gamma_moved)
        self.logic.decide.scope_chosen(EVERYTHING)
        self._until_quiet()
        found["all structures"] = self._gamma_steps(self.logic.decide.gamma_moved)
        slider = self.window.find("gamma_slider")
        found["all structures, with the slider's own picture"] = self._gamma_steps(
            lambda gamma: slider.setValue(round(100 * gamma))
        )
        self.logic.decide.scope_chosen(ORGAN_HERE)
        with self.beat.during("moving the slider"):
            for value in range(10, 100, 2):
                slider.setValue(value)
                self._rest(20)
            self._rest(600)
        return found

    def _gamma_steps(self, move: Callable[[float], object]) -> dict[str, float]:
        views = [label.view for label in self.window.window.labels.values()]
        times, busy = [], []
        for number in range(GAMMA_STEPS):
            # Back and forth over the whole slider, never twice the same.
            gamma = 0.02 + 0.96 * ((37 * number) % GAMMA_STEPS) / GAMMA_STEPS
            begun, before = time.perf_counter(), time.process_time()
            move(gamma)
            for view in views:
                view.window.Render()
            times.append(1000 * (time.perf_counter() - begun) / len(views))
            busy.append(1000 * (time.process_time() - before) / len(views))
        self._rest(500)
        return _spread(times) | {"processor": statistics.median(busy)}

    # Decisions

    def _accept(self) -> dict[str, float]:
        """Seconds from the click on Accept to the segment in the scene and the decision on disk, by organ."""
        run = self.logic.desk.run
        assert run is not None
        review, found = run.round(0).review, {}
        for name in NAMES:
            self._choose(name)
            before = review.stat().st_mtime_ns if review.exists() else 0
            with self.beat.during("accepting an organ"):
                begun = time.perf_counter()
                click(self.window.find("decide_accept"))

                def is_there(structure: str = name, before: int = before) -> bool:
                    saved = review.exists() and review.stat().st_mtime_ns != before
                    return saved and self._has_voxels(structure)

                wait_until(is_there, 60, f"{name} to be accepted")
                found[name] = time.perf_counter() - begun
                self._until_quiet()
        return found

    def _has_voxels(self, structure: str) -> bool:
        scene = self.window.application.scene
        nodes = [
            scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
            for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"))
        ]
        volume = next((node for node in nodes if node.GetName() == ON_DISK), None)
        node = own_node(volume, ON_DISK, ACCEPTED, create=False) if volume is not None else None
        return node is not None and bool(OwnSegments(node, volume).segment_id(structure))

    def _decide_more(self) -> None:
        decide = self.logic.decide
        with self.beat.during("undo"):
            for _ in range(4):
                decide.undo()
                self._until_quiet()
        with self.beat.during("redo"):
            for _ in range(2):
                decide.redo()
                self._until_quiet()
        with self.beat.during("wrong, not now, complete"):
            for act, name in ((decide.wrong, NAMES[-1]), (decide.not_now, NAMES[-1]), (decide.complete, NAMES[0])):
                self._choose(name)
                act()
                self._until_quiet()
        with self.beat.during("a part accepted"):
            self._choose(NAMES[1])
            decide.part_chosen(decide.counts_at(1.0).rows[0].seed)
            decide.accept()
            self._until_quiet()
        with self.beat.during("everything accepted at once"):
            decide.scope_chosen(EVERYTHING)
            decide.accept_all()
            self._until_quiet()

    def _finish(self) -> None:
        window, finish, run = self.window, self.logic.finish, self.logic.desk.run
        assert run is not None
        window.click("step_finish")
        self._rest(500)
        finish.finish_scope_chosen(ON_DISK)
        with self.beat.during("accepted organs into the scene"):
            self._press("into_scene")
        with self.beat.during("accepted organs into a file"):
            self._export("accepted")
        # As after the last round.
        os.rename(self.cohort.left.completed, run.completed)
        finish.fill_chosen(PREDICTION)
        self._rest(200)
        with self.beat.during("a completed scan into the scene"):
            self._press("into_scene")
        with self.beat.during("completed scans into files"):
            self._export("completed")

    def _export(self, name: str) -> None:
        folder = self.cohort.data_set.parent / name
        folder.mkdir()
        self.window.application.answers.append(folder)
        self._press("export")
        assert list(folder.iterdir()), self.logic.desk.message.text

    def _press(self, name: str) -> None:
        self.window.click(name)
        wait_until(lambda: not self.logic.desk.busy, 300, name)
        self._rest(1000)


def _spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"median": statistics.median(ordered), "p95": ordered[int(0.95 * (len(ordered) - 1))], "worst": ordered[-1]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
