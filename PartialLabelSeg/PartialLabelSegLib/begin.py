"""From a data set to a run that can start: import the cases, fix the split, make the plan. Each step is passed over where its file is there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .config import Configuration, Plan, from_json, to_json
from .data.case import IMPORT_AGAIN, Case, CaseSource, Cohort, read_case, safe_name, write_case
from .data.importers import NO_CHOICES, CohortChoices, read_cohorts
from .data.labels import Labels
from .data.learned_from import describe
from .data.plan import Machine, fingerprint, make_plan
from .data.recommend import Drawn, counts_of
from .data.sides import twins
from .data.types import Problem, Structure
from .data.weighed_scans import weighed_scans
from .run.events import Event
from .run.failure import Failure
from .run.files import inside, read_json, write_json
from .run.folder import RunFolder
from .train.device import Device, be_a_good_neighbour, find_device, native_precision
from .train.estimate import Probe, probe, steps_for, whole_run
from .train.session import Session

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Head:
    """What run.json says: the configuration, the structures, which pairs may overlap, the cases with their final split, and what was said of them.

    learned_from: in words what is learned from what, a sentence per structure.
    """

    configuration: Configuration
    structures: tuple[Structure, ...]
    overlapping: frozenset[frozenset[str]]
    cases: tuple[tuple[str, str, str], ...]
    choices: CohortChoices = NO_CHOICES
    learned_from: tuple[str, ...] = ()

    def is_sound(self) -> bool:
        """Whether there are structures and cases, none twice, and every split is one."""
        names = [item.name for item in self.structures]
        distinct = [names, [name for name, _, _ in self.cases], [folder.lower() for _, folder, _ in self.cases]]
        splits = {split for _, _, split in self.cases}
        pairs_are_known = all(len(pair) == 2 and pair <= set(names) for pair in self.overlapping)
        return (
            pairs_are_known and splits <= set(SPLITS) and all(part and len(set(part)) == len(part) for part in distinct)
        )

    def mark(self) -> str:
        """A word that tells a run's plan from that of another data set or of other choices."""
        choices = self.configuration
        said = [
            choices.preset,
            choices.dimensions,
            choices.seed,
            to_json(choices.relabelling),
            choices.plan,
            self.cases,
        ]
        return f"{zlib.crc32(json.dumps(said, sort_keys=True).encode()):08x}"

    def to_json(self) -> dict[str, Any]:
        return {
            "configuration": to_json(self.configuration),
            "structures": [to_json(item) for item in self.structures],
            "overlapping": sorted(sorted(pair) for pair in self.overlapping),
            "cases": [{"name": name, "folder": folder, "split": split} for name, folder, split in self.cases],
            "choices": self.choices.to_json(),
            "learned_from": list(self.learned_from),
        }


def read_run(run: RunFolder) -> Head:
    """The head of a run. Failure: absent, damaged, or naming folders outside the run."""
    content = run.read_head()
    try:
        structures = tuple(from_json(Structure, item) for item in content["structures"])
        cases = tuple((str(item["name"]), str(item["folder"]), str(item["split"])) for item in content["cases"])
        overlapping = frozenset(frozenset(pair) for pair in content["overlapping"])
        configuration = from_json(Configuration, content["configuration"])
        # A run of before there were choices says nothing of them.
        choices = CohortChoices.from_json(content.get("choices", {}))
        said = tuple(str(sentence) for sentence in content.get("learned_from", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(f"run.json is damaged ({error}).", way_out="Start the run anew in another folder.") from None
    for _, folder, _ in cases:
        inside(run.path / "cases", folder, "case folder")
    head = Head(configuration, structures, overlapping, cases, choices, said)
    if not head.is_sound():
        text = "run.json is damaged (its cases or structures contradict each other)."
        raise Failure(text, way_out="Start the run anew in another folder.")
    return head


def import_cases(
    sources: Sequence[Path], run: RunFolder, configuration: Configuration, choices: CohortChoices = NO_CHOICES
) -> Generator[Event, None, None]:
    """Copies every usable case of the data sets into the run, see `import_cohort`. choices: what a person says of them."""
    cohort = read_cohorts(sources, configuration.absent, choices)
    yield from import_cohort(cohort, run, configuration, choices)


def import_cohort(
    cohort: Cohort, run: RunFolder, configuration: Configuration, choices: CohortChoices = NO_CHOICES
) -> Iterator[Event]:
    """Copies every usable case into the run; run.json comes last. Cases that cannot be used are named and left out."""
    broken = {problem.case for problem in cohort.problems if problem.severity == "error" and problem.case}
    for problem in cohort.problems:
        yield Event("problem", to_json(problem))
        if problem.severity == "error" and not problem.case:
            raise Failure(problem.sentence(), way_out="Mend it and run the same command again.")
    imported: list[tuple[Case, frozenset[str]]] = []
    states: dict[str, dict[str, Drawn]] = {}
    folders: set[str] = set()
    usable = [item for item in cohort.sources if item.case not in broken]
    for done, item in enumerate(usable, 1):
        try:
            case, labels, warnings = _import_case(item, run, folders)
            imported.append((case, drawn_in(labels)))
            states[case.name] = {name: Drawn.of(labels, name) for name in labels.structures}
            for problem in warnings:
                yield Event("problem", to_json(problem))
        except Failure as failure:
            yield Event("problem", {"message": failure.sentence(), "case": item.case, "severity": "error"})
        except (ValueError, RuntimeError) as error:
            # A file can be strange in ways that no reader foresaw; the other cases do not suffer from it.
            unforeseen = Failure(f"its files cannot be used ({type(error).__name__}).", case=item.case)
            yield Event("problem", {"message": unforeseen.sentence(), "case": item.case, "severity": "error"})
        yield Event("imported", {"case": item.case, "step": done, "steps": len(usable)})
    if not imported:
        raise Failure("No case of the data set can be used.", way_out="Run `check` on it to see why.")
    splits = final_splits(imported, configuration)
    head = _head(cohort, configuration, imported, splits)
    counts = counts_of(
        [item.name for item in cohort.structures], [said for name, said in states.items() if splits[name] == "train"]
    )
    sentences = describe(configuration, counts)
    run.write_head(replace(head, choices=choices, learned_from=sentences).to_json())
    yield Event("learned_from", {"sentences": list(sentences)})


def _import_case(source: CaseSource, run: RunFolder, folders: set[str]) -> tuple[Case, Labels, tuple[Problem, ...]]:
    """The case in its folder, its labels, and warnings. Nobody may keep the labels: a cohort is larger than the memory."""
    folder = safe_name(source.case)
    while folder.lower() in folders:
        folder += "_"
    folders.add(folder.lower())
    path = run.case(folder)
    case = _imported_before(path, source) or write_case(path, source, source.case)
    warnings = () if source.inspect is None else source.inspect(case.grid)[1]
    return case, case.labels(), warnings


def _imported_before(path: Path, source: CaseSource) -> Case | None:
    """What an interrupted import left in `path`, where the data set still says the same; else None. Comparing takes less than writing."""
    if not (path / "case.json").exists():
        return None
    try:
        case = read_case(path)
        same = case.is_of(source.read_image()) and source.read_labels(case.grid).same_as(case.labels())
    except Failure:
        return None
    return replace(case, split=source.split) if same and case.name == source.case else None


def import_lost(sources: Sequence[Path], run: RunFolder) -> Iterator[Event]:
    """Imports again, with what was said of them then, those cases of a run whose folders are lost or were deleted because they were damaged."""
    head = read_run(run)
    lost = {name: folder for name, folder, _ in head.cases if not (run.case(folder) / "case.json").exists()}
    if not lost:
        return
    cohort = read_cohorts(sources, head.configuration.absent, head.choices)
    found = {item.case: item for item in cohort.sources}
    for done, (name, folder) in enumerate(lost.items(), 1):
        if name not in found:
            raise Failure("it is missing from the run and from the data set.", case=name, way_out="Put it back.")
        write_case(run.case(folder), found[name], name)
        yield Event("imported", {"case": name, "step": done, "steps": len(lost)})


def drawn_in(labels: Labels) -> frozenset[str]:
    """The structures that were looked for in the whole scan and found, and whose label is not doubtful."""
    return frozenset(
        name
        for name in labels.structures
        if labels.is_known(name) and name not in labels.imperfect and labels.voxels(name)
    )


def _head(
    cohort: Cohort,
    configuration: Configuration,
    imported: Sequence[tuple[Case, frozenset[str]]],
    splits: dict[str, str],
) -> Head:
    cases = tuple((case.name, case.folder.name, splits[case.name]) for case, _ in imported)
    return Head(configuration, cohort.structures, cohort.overlapping, cases)


def final_splits(imported: Sequence[tuple[Case, frozenset[str]]], configuration: Configuration) -> dict[str, str]:
    """train, validation or test per case name, fixed for the whole run.

    What the data set says stays. Where it names no validation case, a share of the training cases is drawn, never taking more than half
    of the cases in which a structure is labelled; scans without any label always stay in training, where they can be relabelled.
    """
    splits = {case.name: case.split or "train" for case, _ in imported}
    if "validation" in splits.values() or configuration.validation_share == 0:
        return splits
    drawn = {case.name: found for case, found in imported if splits[case.name] == "train"}
    holders = {name: sum(name in found for found in drawn.values()) for found in drawn.values() for name in found}
    left = dict(holders)
    wanted = round(configuration.validation_share * sum(1 for found in drawn.values() if found))
    order = np.random.default_rng(configuration.seed).permutation(sorted(drawn))
    covered: set[str] = set()
    # First cases that bring a structure that validation has not seen, then any.
    for fresh_only in (True, False):
        for name in order:
            found = drawn[str(name)]
            taken = sum(value == "validation" for value in splits.values())
            if taken >= wanted or splits[str(name)] == "validation" or not found or (fresh_only and found <= covered):
                continue
            if all(left[item] - 1 >= max(1, holders[item] / 2) for item in found):
                splits[str(name)] = "validation"
                covered |= found
                for item in found:
                    left[item] -= 1
    return splits


def open_session(run: RunFolder, truth: Path | None = None) -> Generator[Event, None, Session]:
    """Opens a run for learning; the generator's return value is the Session. Makes plan.json where it is not there, after a probe of the machine."""
    head = read_run(run)
    configuration = head.configuration
    threads = be_a_good_neighbour(configuration.threads)
    name = find_device(configuration.device)
    cases = tuple(_case(run, *entry) for entry in head.cases)
    plan, probed = yield from _plan(run, head, cases, name)
    if probed is not None:
        yield Event("estimate", {**to_json(probed), "device": name, "threads": threads, "precision": plan.precision})
    return Session(run, configuration, plan, Device(name, plan.precision), cases, head.overlapping, truth)


def _case(run: RunFolder, name: str, folder: str, split: str) -> Case:
    """A case with its final split. Failure: absent, damaged, or another one."""
    case = read_case(run.case(folder))
    if case.name != name:
        way_out = f"Delete the folder cases/{folder}. {IMPORT_AGAIN}"
        raise Failure(f"its description (case.json) is that of the case '{case.name}'.", case=name, way_out=way_out)
    return replace(case, split=split)


def _plan(
    run: RunFolder, head: Head, cases: tuple[Case, ...], device: str
) -> Generator[Event, None, tuple[Plan, Probe | None]]:
    if run.plan.exists():
        return read_plan(run, head), None
    yield Event("planning", {"cases": len(cases)})
    configuration, names = head.configuration, tuple(item.name for item in head.structures)
    precision = native_precision(device)
    machine = Machine(device, Device(device, precision).gigabytes(), precision)
    found = fingerprint((case, case.labels()) for case in cases if case.split != "test")
    pairs = twins(names)
    try:
        plan = make_plan(found, names, configuration, machine, pairs)
    except ValueError as error:
        raise Failure(f"The plan does not work: {error}.", way_out="Check the values given with --set.") from None
    weighed = weighed_scans((case.folder for case in cases if case.split == "train"), names)
    measured = probe(plan, Device(device, plan.precision), configuration, weighed > 0)
    if configuration.minutes is not None:
        plan = steps_for(plan, measured, configuration)
        measured = replace(measured, seconds=whole_run(measured.step_seconds, plan, configuration, weighed > 0))
    made_for = {"made_for": head.mark(), "fingerprint": to_json(found), "machine": to_json(machine)}
    write_json(run.plan, {"plan": to_json(plan), "weighed_scans": weighed, **made_for})
    return plan, measured


def read_plan(run: RunFolder, head: Head) -> Plan:
    """The plan of a run. Failure: absent, damaged, or of another run."""
    content = read_json(run.plan, "the plan")
    try:
        plan = from_json(Plan, content["plan"])
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(f"plan.json is damaged ({error}).", way_out="Delete it; it is made anew.") from None
    if plan.structures != tuple(item.name for item in head.structures):
        raise Failure("plan.json was made for other structures.", way_out="Delete it; it is made anew.")
    if content.get("made_for", head.mark()) != head.mark():
        raise Failure("plan.json was made for another run.", way_out="Delete it; it is made anew.")
    return plan


__all__ = ["Head", "Probe", "final_splits", "import_cases", "open_session", "read_run"]
