"""What the step Finish does: completed segmentations into the scene and out to files, and the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..run.folder import RunFolder
from . import finish_view as views
from .application_of_models import scans_to_complete
from .completed_nodes import load_completed, put_together, show_completed
from .desk import Desk
from .finish_work import FinishWork
from .lesions_logic import LesionsController
from .loaded_scans import LoadedScans
from .model_logic import ModelController
from .own_segments import SCAN
from .saved_models import latest_network, place_for
from .scan_files import write_segmentation
from .steps import Steps, scaled
from .taken_home import copied, existing, files_of
from .view_models_decide import DICOM, NNUNET, SEG_NRRD, FinishView

DATA_SET = "Dataset001_Partial"
Accept = Callable[[str, Any], Steps[None]]


def _nothing_accepted(scan: str, volume: Any) -> Steps[None]:
    yield 1.0


class FinishController:
    """Everything that is taken home; what takes time is done in steps or by the worker."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.work = FinishWork(desk)
        self.models = ModelController(desk, self.work)
        self.bring_accepted: Accept = _nothing_accepted
        """bring_accepted(scan, volume) makes the accepted segments of a scan agree with the decisions, in steps; the step Decide says how."""
        self._nodes = LoadedScans(desk.scene)
        self.lesions = LesionsController(desk, self.work, self._nodes)
        self._scope = ""
        self._fill, self._format = views.PREDICTION, SEG_NRRD
        self._stops = [desk.on_scene_replaced(self._forget)]

    def _forget(self) -> None:
        self._scope = ""
        self.models.ticked = frozenset()
        self.lesions.forget()
        self.work.forget()
        self._nodes.forget()

    def release(self) -> None:
        for stop in self._stops:
            stop()

    # What is shown

    def view(self) -> FinishView:
        now = self._now()
        chosen = self._chosen(now)
        fill = self._fill_for(now, chosen)
        models = self.models
        targets = scans_to_complete(self.desk.scene, self.desk.state)
        return FinishView(
            summary=views.summary(now),
            scopes=views.scopes(now),
            scope=self._scope_for(now),
            fills=views.fills(now, chosen),
            fill=fill,
            why_not="" if now.scans else "there is no scan yet.",
            formats=views.formats(now, chosen, fill, self._why_no_dicom(chosen)),
            format=self._format,
            report="" if self._can_report() else "There is no report before something was learned.",
            model_name=views.proposed_name(self.desk.facts) if not models.why_not_save() else "",
            model_why_not=models.why_not_save(),
            models=tuple(views.model_choice(each) for each in models.all()),
            model=models.chosen(),
            targets=views.targets(targets, models.ticked),
            lesions=self.lesions.view(),
            working=self.work.working(),
            message=self.work.message,
        )

    def _now(self) -> views.Finishing:
        return views.finishing(self.desk.run, self.desk.facts, self.desk.state.scans)

    def _scope_for(self, now: views.Finishing) -> str:
        return self._scope if self._scope in [choice.key for choice in views.scopes(now)] else ""

    def _chosen(self, now: views.Finishing) -> tuple[str, ...]:
        scope = self._scope_for(now)
        return (scope,) if scope else now.scans

    def _fill_for(self, now: views.Finishing, chosen: tuple[str, ...]) -> str:
        """What was chosen, as long as that is possible."""
        return self._fill if set(chosen) <= now.completed and chosen else views.ACCEPTED

    def _why_no_dicom(self, chosen: tuple[str, ...]) -> str:
        if len(chosen) != 1:
            return "DICOM SEG is written scan by scan: choose one scan above."
        volume = self._volume(chosen[0])
        if volume is None or not volume.GetAttribute("DICOM.instanceUIDs"):
            return views.NOT_DICOM.format(scan=chosen[0])
        return ""

    def _volume(self, name: str) -> Any:
        return self._nodes.volume(self.desk.state.scan_named(name), name)

    def _can_report(self) -> bool:
        run = self.desk.run
        return run is not None and latest_network(run) is not None

    # Completed segmentations

    def finish_scope_chosen(self, key: str) -> None:
        self._scope = key
        self.desk.tell()

    def fill_chosen(self, key: str) -> None:
        self._fill = key
        self.desk.tell()

    def format_chosen(self, key: str) -> None:
        self._format = key
        self.desk.tell()

    def into_scene(self) -> None:
        """Completed segmentations as nodes, one for each scan."""
        chosen = self._chosen(self._now())
        self.work.later(self._brought(chosen), self._are_in_scene, "Putting the segmentations into the scene…")

    def _brought(self, chosen: tuple[str, ...]) -> Steps[list[Any]]:
        nodes = []
        for done, name in enumerate(chosen):
            share = (done / len(chosen), (done + 1) / len(chosen))
            nodes.append((yield from scaled(self._completed_node(name, self._fill_for(self._now(), (name,))), *share)))
        return nodes

    def _completed_node(self, name: str, fill: str) -> Steps[Any]:
        desk, folder = self.desk, self.desk.case_folder(name)
        scan = desk.state.scan_named(name)
        if fill == views.PREDICTION and desk.run is not None and folder is not None:
            volume = self._volume(name)
            if volume is None and name == desk.state.scan:
                volume = yield from scaled(self._nodes.load(scan, name, (desk.run, folder), desk.structures), 0.0, 0.8)
            yield 0.8
            return load_completed(desk.scene, desk.run.completed / f"{folder}.seg.nrrd", name, volume)
        where = (desk.run, folder) if desk.run is not None and folder is not None else None
        volume = yield from scaled(self._nodes.load(scan, name, where, desk.structures), 0.0, 0.4)
        yield from scaled(self.bring_accepted(name, volume), 0.4, 0.8)
        return (
            yield from scaled(
                put_together(volume, name, scan, self._nodes.drawn(scan, name), desk.structures), 0.8, 1.0
            )
        )

    def _are_in_scene(self, nodes: list[Any]) -> None:
        scans, state = [node.GetAttribute(SCAN) for node in nodes], self.desk.state
        shown = state.scan if state.scan in scans else scans[0]
        others = self._nodes.others(shown, state.scans)
        show_completed(self.desk.application, nodes, shown, self._volume(shown), others)
        names = (
            f"'{nodes[0].GetName()}'"
            if len(nodes) == 1
            else f"{len(nodes)} segmentations, '{nodes[0].GetName()}' and so on"
        )
        self.work.done(
            f"In the scene: {names}. Save the scene to keep {'it' if len(nodes) == 1 else 'them'}, or export below."
        )

    # Files

    def export(self) -> None:
        """Writes files of the chosen format into a folder that the user chooses."""
        chosen = self._chosen(self._now())
        if self._format == DICOM:
            self._export_dicom(chosen[0])
            return
        folder = self.desk.application.choose_folder("Where to write the files")
        if folder is None or not chosen:
            return
        run = self.desk.run
        if self._format == NNUNET and run is not None:
            self._export_data_set(run, folder)
        elif run is not None and self._fill_for(self._now(), chosen) == views.PREDICTION:
            files = files_of(run, [self.desk.case_folder(name) or "" for name in chosen], self._format)
            if self._may_replace(existing(files, folder)):
                self.work.later(
                    copied(files, folder),
                    lambda count: self.work.done(f"{count} files were written into {folder.name}."),
                    "Writing files…",
                )
        else:
            names = [f"{name}.seg.nrrd" for name in self._stems(chosen)]
            if self._may_replace([name for name in names if (folder / name).exists()]):
                self.work.later(
                    self._written(chosen, folder),
                    lambda count: self.work.done(f"{count} files were written into {folder.name}."),
                    "Writing files…",
                )

    def _stems(self, chosen: tuple[str, ...]) -> list[str]:
        return [self.desk.case_folder(name) or place_for(Path(), name).stem for name in chosen]

    def _written(self, chosen: tuple[str, ...], folder: Path) -> Steps[int]:
        """What was drawn and accepted, as segmentation files."""
        for done, (name, stem) in enumerate(zip(chosen, self._stems(chosen))):
            share = (done / len(chosen), (done + 1) / len(chosen))
            node = yield from scaled(self._completed_node(name, views.ACCEPTED), *share)
            yield from scaled(
                write_segmentation(folder / f"{stem}.seg.nrrd", node, self._volume(name)), share[1], share[1]
            )
        return len(chosen)

    def _may_replace(self, names: list[str]) -> bool:
        if not names:
            return True
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        text = f"{names[0]}{more} {'are' if more else 'is'} already in that folder."
        return self.desk.application.ask("Replace files?", text, "Replace", "Leave them")

    def _export_data_set(self, run: RunFolder, folder: Path) -> None:
        replace = (folder / DATA_SET).exists()
        if replace and not self._may_replace([DATA_SET]):
            return
        more = ("--replace",) if replace else ()
        arguments = ("export", run.path, "--format", NNUNET, "--out", folder, "--name", DATA_SET, *more)
        self.work.start(arguments, f"{DATA_SET} was written into {folder.name}.", "Writing the nnU-Net data set…")

    def _export_dicom(self, name: str) -> None:
        def made(node: Any) -> None:
            complaint = self.desk.application.export_dicom(node, self._volume(name))
            self.work.done(complaint or f"Slicer's DICOM export was opened on the segmentation of {name}.")

        self.work.later(
            self._completed_node(name, self._fill_for(self._now(), (name,))), made, "Preparing the segmentation…"
        )

    # Single lesions

    def lesion_scan_chosen(self, key: str) -> None:
        self.lesions.choose_scan(key)

    def lesion_structure_chosen(self, key: str) -> None:
        self.lesions.choose_structure(key)

    def lesion_chosen(self, number: int) -> None:
        self.lesions.go_to(number)

    # The report

    def open_report(self) -> None:
        """Shows the report; where the run is not finished, it is written as far as the run got."""
        run = self.desk.run
        if run is None:
            return
        if self._now().is_finished and run.report_html.is_file():
            self.desk.application.open_document(run.report_html)
            return

        def done() -> None:
            self.desk.application.open_document(run.report_html)

        self.work.start(("report", run.path), "The report was opened.", "Writing the report…", done)

    # Models

    def save_model(self, name: str) -> None:
        self.models.save(name)

    def model_chosen(self, key: str) -> None:
        self.models.choose(key)

    def other_model(self) -> None:
        self.models.choose_other()

    def targets_ticked(self, names: tuple[str, ...], on: bool) -> None:
        self.models.tick(names, on)

    def apply_model(self) -> None:
        self.models.apply()

    def apply_to_folder(self) -> None:
        self.models.apply_to_folder()

    def cancel(self) -> None:
        self.work.cancel()
