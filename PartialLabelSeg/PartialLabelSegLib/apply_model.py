"""New scans completed by what a finished run has learned: its networks go into a run of their own that only predicts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .begin import import_cohort, open_session, read_run
from .config import Configuration, Plan, Relabelling, to_json
from .data.case import CaseSource, Cohort
from .data.geometry import Grid
from .data.importers import NO_CHOICES, CohortChoices, read_cohorts
from .data.labels import Labels
from .data.model_file import about_beside, confidence_beside, read_about
from .data.types import Problem, Structure, structures_named
from .finish import complete_cases, write_report
from .rounds import open_cases, prepare
from .run.events import Event
from .run.failure import Failure
from .run.files import write_json
from .run.folder import RunFolder
from .train.checkpoint import load
from .train.device import Device, find_device, native_precision
from .train.network import build_confidence, load_segmentation, load_weights, save_network
from .train.session import Session
from .train.suggest import predict_cases


@dataclass(frozen=True, eq=False)
class Model:
    """What a run has learned: the plan, the weights of both networks (one where only the segmentation is given), and the rules of the run.

    mark: a word that tells networks apart. instances: what its run was asked for of lesions.
    """

    plan: Plan
    structures: tuple[Structure, ...]
    overlapping: frozenset[frozenset[str]]
    rules: Relabelling
    segmentation: dict[str, Any]
    confidence: dict[str, Any] | None
    mark: str
    instances: str = "auto"


def apply_model(
    model_path: Path,
    cases: Sequence[Path],
    run: RunFolder,
    configuration: Configuration,
    choices: CohortChoices = NO_CHOICES,
) -> Generator[Event, None, None]:
    """Completes the scans of `cases` in `run`, as `complete` does after its last round; nothing is learned.

    configuration: device, threads, absent, instances (left to the network's run where it says 'auto'). choices: what a person says of the scans; of a run that was begun, its own hold.

    The same again goes on where it was stopped. Failure: no finished network, scans that cannot be read, or a run that was begun otherwise.
    """
    model = read_model(model_path)
    if run.head.exists():
        _must_be_of(run, model)
    else:
        cohort = scans_for(model, cases, configuration.absent, choices)
        model = replace(model, plan=plan_here(model.plan, configuration))
        instances = model.instances if configuration.instances == "auto" else configuration.instances
        rules = replace(model.rules, rounds=0)
        configuration = replace(configuration, relabelling=rules, validation_share=0.0, instances=instances)
        _write_model(run, model, configuration)
        yield from import_cohort(cohort, run, configuration, choices)
    session = yield from open_session(run)
    yield from prepare(session, session.cases, 0)
    yield from predict_cases(session, 0, open_cases(session, session.cases))
    yield from complete_cases(run, 0)
    yield from write_report(run)
    place = run.path.name
    yield Event("finished", {"message": f"Done. Segmentations: {place}/completed. Report: {place}/report.html."})


def plan_here(plan: Plan, configuration: Configuration) -> Plan:
    """The plan with the precision that this machine computes fastest, where it was not learned with full precision anyway."""
    if plan.precision == "float32":
        return plan
    return replace(plan, precision=native_precision(find_device(configuration.device)))


def read_model(path: Path) -> Model:
    """The model of a run (its last finished round), of a saved one with what stands beside it, or of a file `segmentation.pt` alone.

    Failure: there is none, or it is damaged.
    """
    if path.is_file():
        return _saved_model(path)
    if not path.is_dir():
        raise Failure(
            f"There is no {path.name}.",
            way_out="Name a finished run, a saved model, or the file segmentation.pt of one of a run's rounds.",
        )
    run = RunFolder(path)
    head = read_run(run)
    learned = [int(item.parent.name) for item in path.glob("rounds/*/segmentation.pt") if item.parent.name.isdecimal()]
    if not learned or not run.completed.is_dir():
        raise Failure(f"{path.name} is not finished.", way_out=f"Run first: complete --out {path.name}")
    last, rules = run.round(max(learned)), head.configuration.relabelling
    model = _model_of(last.segmentation, last.confidence if rules.confidence == "learned" else None, rules)
    model = _with_looks(model, head.structures, head.overlapping, path.name)
    return replace(model, instances=head.configuration.instances)


def _saved_model(path: Path) -> Model:
    """A network alone is as sure as its probability; what it knows, and its confidence network, may stand beside it."""
    confidence = confidence_beside(path)
    try:
        about = read_about(path)
    except Failure as failure:
        if not confidence.exists():
            return _model_of(path, None, Relabelling())
        way_out = f"Put {about_beside(path).name} back; or remove {confidence.name}, and its probability stands for it."
        raise Failure(failure.wrong, way_out=way_out) from None
    judged = confidence if about.rules is not None and confidence.exists() else None
    model = _model_of(path, judged, about.rules or Relabelling())
    return _with_looks(model, about.structures, about.overlapping, path.name)


def _with_looks(
    model: Model, structures: tuple[Structure, ...], overlapping: frozenset[frozenset[str]], called: str
) -> Model:
    """The model with colours and terminology of its structures."""
    if model.plan.structures != tuple(item.name for item in structures):
        raise Failure(f"The network of {called} was made for other structures.", way_out="Use another one.")
    return replace(model, structures=structures, overlapping=overlapping)


def _model_of(segmentation: Path, confidence: Path | None, rules: Relabelling) -> Model:
    network, plan = load_segmentation(segmentation)
    weights, mark = network.state_dict(), zlib.crc32(segmentation.read_bytes())
    judged = None
    if confidence is not None:
        judge = build_confidence(network, plan, rules.frozen, 0)
        load_weights(judge, confidence, "the confidence network", _made_for(segmentation))
        judged, mark = judge.state_dict(), zlib.crc32(confidence.read_bytes(), mark)
    rules = replace(rules, confidence="mcp" if judged is None else "learned", method="full", review=False)
    return Model(plan, structures_named(plan.structures), frozenset(), rules, weights, judged, f"{mark:08x}")


def _made_for(segmentation: Path) -> str:
    """What the confidence of this network says that it was made with; empty where the network does not say."""
    made_with = load(segmentation, "the network").get("made_with")
    return f"{made_with} confidence" if isinstance(made_with, str) else ""


def _write_model(run: RunFolder, model: Model, configuration: Configuration) -> None:
    """The plan and the networks of a run that learns nothing itself."""
    write_json(run.plan, {"plan": to_json(model.plan)})
    session = Session(run, configuration, model.plan, Device("cpu", "float32"), ())
    marks = {"made_with": session.made_with(0), "model": model.mark}
    save_network(run.round(0).segmentation, model.plan, model.segmentation, marks)
    if model.confidence is not None:
        marks = {**marks, "made_with": f"{marks['made_with']} confidence"}
        save_network(run.round(0).confidence, model.plan, model.confidence, marks)


def _must_be_of(run: RunFolder, model: Model) -> None:
    if load(run.round(0).segmentation, "the network").get("model") != model.mark:
        raise Failure(
            f"{run.path.name} is a run of its own, or was begun with another network.",
            way_out="Choose another folder with --out.",
        )


def scans_for(model: Model, paths: Sequence[Path], absent: str, choices: CohortChoices) -> Cohort:
    """The scans of data sets, of folders, or single ones, with labels of the model's structures. Failure: none there."""
    for path in paths:
        if not path.exists():
            raise Failure(f"There is no '{path.name}'.", way_out="Give a scan, a folder of scans, or a data set.")
    cohort = read_cohorts(paths, absent, choices, plain=model.structures)
    unknown = [item.name for item in cohort.structures if item.name not in model.plan.structures]
    text = "the network has not learned it, so it is left out of the completed scans."
    problems = [Problem(text, structure=name, severity="warning") for name in unknown]
    return replace(
        cohort,
        structures=model.structures,
        sources=tuple(_translated(source, model) for source in cohort.sources),
        problems=(*cohort.problems, *problems),
        overlapping=model.overlapping,
    )


def _translated(source: CaseSource, model: Model) -> CaseSource:
    return CaseSource(source.case, source.read_image, partial(_labels_for, model, source.read_labels), split="test")


def _labels_for(model: Model, read_labels: Callable[[Grid], Labels], grid: Grid) -> Labels:
    return for_structures(read_labels(grid), model.plan.structures, model.overlapping)


def for_structures(labels: Labels, names: tuple[str, ...], overlapping: frozenset[frozenset[str]]) -> Labels:
    """The same labels keyed to other structures: those that are not among `names` are left out, and those that are new are unknown."""
    kept = [name for name in names if name in labels.structures]
    table = np.zeros(len(labels.structures) + 1, np.uint8)
    for name in kept:
        table[labels.value(name)] = names.index(name) + 1
    label_map = table[labels.label_map]
    return Labels(
        structures=names,
        label_map=label_map,
        known=tuple(name in kept and labels.is_known(name) for name in names),
        origin=np.where(label_map > 0, labels.origin, 0).astype(np.uint8),
        slices={name: labels.slices[name] for name in kept if name in labels.slices},
        overlaps={name: labels.overlaps[name] for name in kept if name in labels.overlaps},
        negatives={name: labels.negatives[name] for name in kept if name in labels.negatives},
        soft={name: labels.soft[name] for name in kept if name in labels.soft},
        overlapping=overlapping | frozenset(pair for pair in labels.overlapping if pair <= set(names)),
        imperfect=labels.imperfect & set(kept),
    )
