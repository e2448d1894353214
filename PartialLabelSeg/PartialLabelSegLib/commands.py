"""One dataclass with run() per command. Torch is imported inside run() only, so that `check` and `evaluate` start at once."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import Configuration
from .options import Choices, SoftLabelChoices
from .reported import reported
from .run.events import Event
from .run.failure import Failure
from .run.folder import RunFolder

if TYPE_CHECKING:
    from .data.importers import CohortChoices


@dataclass(frozen=True)
class Check:
    """Print the table case x structure and every problem of a data set. Exit status 1 where a case cannot be used."""

    cases: tuple[Path, ...]
    absent: str
    as_json: bool
    cohort_choices: Path | None = None

    def run(self) -> int:
        from .data.check import check_cohort
        from .data.check_text import format_check
        from .data.importers import read_cohorts

        table = check_cohort(read_cohorts(self.cases, self.absent, _choices_in(self.cohort_choices)))
        print(json.dumps(table.to_json(), ensure_ascii=False, indent=1) if self.as_json else format_check(table))
        return 1 if any(problem.severity == "error" for problem in table.problems) else 0


@dataclass(frozen=True)
class Extract:
    """Write one scan of a data set, with what is drawn in it, into a folder; the data set stays as it is."""

    cases: Path
    scan: str
    out: Path
    absent: str

    def run(self) -> int:
        from .data.importers import read_cohort
        from .data.one_scan import write_one_scan

        _must_be_there(self.cases)
        written = write_one_scan(read_cohort(self.cases, self.absent), self.scan, self.out)
        print(json.dumps(written.to_json(), ensure_ascii=False))
        return 0


@dataclass(frozen=True)
class Complete:
    """Learn from one or more data sets and complete them. The same command again goes on where it ended."""

    cases: tuple[Path, ...]
    out: Path
    choices: Choices
    truth: Path | None
    progress: bool
    cohort_choices: Path | None = None

    def run(self) -> int:
        run = RunFolder(self.out)
        if self.truth is not None and not self.truth.is_dir():
            raise Failure(f"There is no folder {self.truth.name} with complete labels.", way_out="Correct --truth.")
        if not run.head.exists():
            if not self.cases:
                raise Failure(f"{self.out.name} is not a run.", way_out="Name the data set: complete CASES --out RUN.")
            for cases in self.cases:
                _must_be_there(cases)
            run.check_free()
        return reported(run, self.progress, self._story(run, _choices_in(self.cohort_choices)))

    def _story(self, run: RunFolder, choices: CohortChoices) -> Iterator[Event]:
        from .begin import import_cases, import_lost, open_session, read_run
        from .finish import complete_cases, write_report
        from .rounds import rounds_of, run_rounds

        if run.head.exists():
            head = read_run(run)
            self._must_agree(head.configuration)
            _must_say_the_same(self.out, self.cohort_choices, head.choices, choices)
            if self.cases:
                yield from import_lost(self.cases, run)
        else:
            yield from import_cases(self.cases, run, self.choices.configuration, choices)
        session = yield from open_session(run, self.truth)
        yield from run_rounds(session)
        yield from complete_cases(run, rounds_of(session))
        yield from write_report(run)
        place = self.out.name
        yield Event("finished", {"message": f"Done. Segmentations: {place}/completed. Report: {place}/report.html."})

    def _must_agree(self, stored: Configuration) -> None:
        """A run goes on with the choices it was begun with; other ones need another folder."""
        before, now = _flat(stored), _flat(self.choices.configuration)
        changed = sorted(name for name in self.choices.given if before.get(name) != now.get(name))
        if changed:
            raise Failure(
                f"{self.out.name} was begun with other choices ({', '.join(changed)}).",
                way_out="Give the same options, or none, to go on; or choose another folder with --out.",
            )


def _must_say_the_same(out: Path, file: Path | None, before: CohortChoices, now: CohortChoices) -> None:
    """What was learned or completed rests on what was said of the labels; something else needs another folder."""
    if file is not None and now.to_json() != before.to_json():
        raise Failure(
            f"{out.name} was begun with other choices than {file.name} holds now.",
            way_out="Leave out --choices to go on as it was begun; or choose another folder with --out to begin anew.",
        )


def _choices_in(path: Path | None) -> CohortChoices:
    from .data.importers import NO_CHOICES, read_choices

    return NO_CHOICES if path is None else read_choices(path)


def _flat(configuration: Configuration) -> dict[str, Any]:
    content = dataclasses.asdict(configuration)
    return {**content, **content.pop("relabelling")}


def _must_be_there(cases: Path) -> None:
    if not cases.exists():
        raise Failure(f"There is no '{cases.name}'.", way_out="Look whether the path of the data set is right.")


@dataclass(frozen=True)
class Relabel:
    """Apply the decisions of the round that waits, and say what changed."""

    run_folder: Path
    progress: bool

    def run(self) -> int:
        from .relabel_round import relabel_waiting

        run = RunFolder(self.run_folder)
        run.read_head()
        return reported(run, self.progress, relabel_waiting(run))


@dataclass(frozen=True)
class Apply:
    """Complete new scans with what a finished run has learned. The same command again goes on where it ended."""

    model: Path
    cases: tuple[Path, ...]
    out: Path
    choices: Choices
    progress: bool
    cohort_choices: Path | None = None

    def run(self) -> int:
        run = RunFolder(self.out)
        for path in (self.model, *self.cases):
            _must_be_there(path)
        if not run.head.exists():
            run.check_free()
        return reported(run, self.progress, self._story(run, _choices_in(self.cohort_choices)))

    def _story(self, run: RunFolder, choices: CohortChoices) -> Iterator[Event]:
        from .apply_model import apply_model
        from .begin import read_run

        if run.head.exists():
            _must_say_the_same(self.out, self.cohort_choices, read_run(run).choices, choices)
        yield from apply_model(self.model, self.cases, run, self.choices.configuration, choices)


@dataclass(frozen=True)
class Export:
    """Write a finished run for other programs."""

    run_folder: Path
    format: str
    out: Path
    name: str
    replace: bool

    def run(self) -> int:
        from .relabel.export_run import export_run

        for path in export_run(RunFolder(self.run_folder), self.format, self.out, self.name, self.replace):
            print(path)
        return 0


@dataclass(frozen=True)
class Evaluate:
    """Measure segmentations against references. Exit status 1 where a case could not be measured."""

    predicted: Path
    reference: Path
    as_json: bool
    instances: bool = False

    def run(self) -> int:
        from .metrics.detected import evaluate_instances
        from .metrics.evaluate import evaluate
        from .metrics.table import format_detections, format_table

        result = evaluate(self.predicted, self.reference)
        found = evaluate_instances(self.predicted, self.reference) if self.instances else None
        if self.as_json:
            content = {**result.to_json(), **({} if found is None else {"instances": found.to_json()})}
            print(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False))
        else:
            print(format_table(result), *([] if found is None else ["", format_detections(found)]), sep="\n")
        return 1 if result.failed or (found is not None and found.failed) else 0


@dataclass(frozen=True)
class Report:
    """Write report.json and report.html of a run again."""

    run_folder: Path
    truth: Path | None

    def run(self) -> int:
        from .finish import write_report
        from .relabel.export_run import read_finished

        run = RunFolder(self.run_folder)
        run.read_head()
        for _ in write_report(run, self.truth):
            print(run.report_html)
        try:
            read_finished(run)
        except Failure:
            print("This run is not finished; the report shows it as far as it got.", file=sys.stderr)
        return 0


@dataclass(frozen=True)
class Demo:
    """Make a cohort, complete it, and compare with the truth."""

    out: Path
    openkbp: Path | None
    progress: bool

    def run(self) -> int:
        from .demo import demo

        run = RunFolder(self.out / "run")
        return reported(run, self.progress, demo(self.out, self.openkbp))


@dataclass(frozen=True)
class SoftLabels:
    """Make soft labels of several raters' ticks or masks, as files and as a data set to learn from."""

    study: Path
    out: Path
    choices: SoftLabelChoices

    def run(self) -> int:
        from .soft_labels import write_soft_labels

        print(write_soft_labels(self.study, self.out, self.choices))
        return 0


@dataclass(frozen=True)
class Sample:
    """Make a small cohort of phantoms, or fetch some scans of the published study, and print where the data set lies."""

    out: Path
    scans: int
    openkbp: bool

    def run(self) -> int:
        if self.openkbp:
            from .data import published
            from .data.download import download

            for _ in download(published.OPENKBP, self.out, published.SAMPLE):
                pass
            print(self.out)
            return 0
        from .data.phantom import write_phantom_cohort

        if self.scans < 4:
            raise Failure(f"A cohort needs at least 4 scans, not {self.scans}.")
        print(write_phantom_cohort(self.out, self.scans, test_cases=2))
        return 0


Command = Check | Extract | Complete | Relabel | Apply | Export | Evaluate | Report | Demo | SoftLabels | Sample
