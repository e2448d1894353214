"""From finished rounds to what a person takes away: completed segmentations, probability and confidence, and the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .begin import read_run
from .data.case import read_case
from .relabel.export import Completed, export_case
from .relabel.lesions import CompletedScan, export_instances, own_instances
from .report.collect import collect
from .report.outcome import Outcome, read_outcome
from .report.write import write_report as write
from .run.events import Event
from .run.failure import Failure
from .run.files import read_json
from .run.folder import RunFolder


def complete_cases(run: RunFolder, rounds: int) -> Iterator[Event]:
    """Writes `completed/`: per case the segmentation for Slicer and as NIfTI, on the scan's own grid, and both volumes.

    Where the configuration asks for instances, also the list of lesions, and their volume (relabel/lesions.py).
    """
    head = read_run(run)
    choices = head.configuration.relabelling
    instances = head.configuration.instances_for(_architecture(run))
    for done, (name, folder, _) in enumerate(head.cases, 1):
        case = read_case(run.case(folder))
        outcome = read_outcome(run, folder, rounds + 1, (choices.largest_component, choices.fill_holes))
        result = Completed(folder, case.grid, outcome.final, head.structures, outcome.prediction)
        volumes = ("probability", "confidence") if outcome.prediction is not None else ()
        export_case(run.completed, result, ("seg-nrrd", "nifti", *volumes), replace=True)
        if instances != "no":
            export_instances(run.completed, result.stem, _scan(run, folder, outcome), instances == "volume")
        yield Event("completed", {"case": name, "step": done, "steps": len(head.cases)})


def _architecture(run: RunFolder) -> str:
    """Of the network that predicted; a plan of an earlier version does not say, and had no other one."""
    content = read_json(run.plan, "the plan")
    try:
        return str(content["plan"].get("architecture", "unet"))
    except (KeyError, TypeError, AttributeError) as error:
        raise Failure(f"plan.json is damaged ({error}).", way_out="Delete it; it is made anew.") from None


def _scan(run: RunFolder, folder: str, outcome: Outcome) -> CompletedScan:
    place = run.round(outcome.last_round).prediction(folder)
    own = own_instances(place, outcome.grid.shape, outcome.final.structures)
    return CompletedScan(outcome.grid, outcome.labels, outcome.final, outcome.prediction, own)


def write_report(
    run: RunFolder, truth: Path | None = None, methods: Mapping[str, Any] | None = None
) -> Iterator[Event]:
    """Writes `report.json` and `report.html`."""
    write(run, collect(run, truth, None, methods))
    yield Event("report", {"json": run.report_json.name, "html": run.report_html.name})
