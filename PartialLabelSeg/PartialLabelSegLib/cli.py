"""The command line: one dataclass with run() per command. Torch is imported inside run() only, so that `check` and `evaluate` start at once."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import DIMENSIONS, METHODS, PRESETS, Configuration, Relabelling
from .run.events import Event, EventLog, LineWriter, Listener
from .run.failure import Failure
from .run.folder import RunFolder
from .terminal import ProgressBar

EXPORTS = ("seg-nrrd", "nifti", "nnunet", "summary")


@dataclass(frozen=True)
class Check:
    """Print the table case x structure and every problem of a data set. Exit status 1 where a case cannot be used."""

    cases: Path
    absent: str
    as_json: bool

    def run(self) -> int:
        from .data.check import check_cohort
        from .data.check_text import format_check
        from .data.importers import read_cohort

        table = check_cohort(read_cohort(self.cases, self.absent))
        print(json.dumps(table.to_json(), ensure_ascii=False, indent=1) if self.as_json else format_check(table))
        return 1 if any(problem.severity == "error" for problem in table.problems) else 0


@dataclass(frozen=True)
class Complete:
    """Learn from a data set and complete it. The same command again goes on where it ended."""

    cases: Path | None
    out: Path
    configuration: Configuration
    given: frozenset[str]
    truth: Path | None
    progress: bool

    def run(self) -> int:
        run = RunFolder(self.out)
        return reported(run, self.progress, self._story(run))

    def _story(self, run: RunFolder) -> Iterator[Event]:
        from .begin import import_cases, open_session, read_run
        from .finish import complete_cases, write_report
        from .rounds import rounds_of, run_rounds

        if not run.head.exists():
            if self.cases is None:
                raise Failure(f"{self.out.name} is not a run.", way_out="Name the data set: complete CASES --out RUN.")
            yield from import_cases(self.cases, run, self.configuration)
        else:
            self._must_agree(read_run(run).configuration)
        session = yield from open_session(run, self.truth)
        yield from run_rounds(session)
        yield from complete_cases(run, rounds_of(session))
        yield from write_report(run)
        yield Event("finished", {"message": f"Done. Segmentations: {run.completed}. Report: {run.report_html}."})

    def _must_agree(self, stored: Configuration) -> None:
        """A run goes on with the choices it was begun with; other ones need another folder."""
        before, now = _flat(stored), _flat(self.configuration)
        changed = sorted(name for name in self.given if before.get(name) != now.get(name))
        if changed:
            raise Failure(
                f"{self.out.name} was begun with other choices ({', '.join(changed)}).",
                way_out="Give the same options, or none, to go on; or choose another folder with --out.",
            )


def _flat(configuration: Configuration) -> dict[str, Any]:
    content = dataclasses.asdict(configuration)
    return {**content, **content.pop("relabelling")}


@dataclass(frozen=True)
class Export:
    """Export a finished run."""

    run_folder: Path
    format: str
    out: Path
    name: str

    def run(self) -> int:
        from .relabel.export_run import export_run

        for path in export_run(RunFolder(self.run_folder), self.format, self.out, self.name):
            print(path)
        return 0


@dataclass(frozen=True)
class Evaluate:
    """Measure segmentations against references."""

    predicted: Path
    reference: Path
    as_json: bool

    def run(self) -> int:
        from .metrics.evaluate import evaluate
        from .metrics.table import format_table

        result = evaluate(self.predicted, self.reference)
        print(
            json.dumps(result.to_json(), ensure_ascii=False, indent=1, allow_nan=False)
            if self.as_json
            else format_table(result)
        )
        return 0


@dataclass(frozen=True)
class Report:
    """Write report.json and report.html of a run again."""

    run_folder: Path
    truth: Path | None

    def run(self) -> int:
        from .finish import write_report

        run = RunFolder(self.run_folder)
        for _ in write_report(run, self.truth):
            print(run.report_html)
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


def reported(run: RunFolder, progress: bool, story: Iterator[Event]) -> int:
    """Runs a story in a run folder and tells its events: to the folder's log, and as a bar or as lines. Returns the exit status."""
    listeners: list[Listener] = [ProgressBar(sys.stderr) if progress else LineWriter(sys.stdout)]

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    try:
        with run.at_work():
            listeners.append(EventLog(run.events))
            return _told(run, story, tell)
    except Failure as failure:
        tell(Event("error", dict(failure.fields())))
        return 1


def _told(run: RunFolder, story: Iterator[Event], tell: Listener) -> int:
    from .rounds import WaitingForReview
    from .train.steps import Cancelled

    try:
        for event in story:
            tell(event)
        return 0
    except Cancelled:
        tell(Event("cancelled", {"message": "Cancelled; everything up to here is kept. The same command goes on."}))
        return 3
    except WaitingForReview as waiting:
        tell(Event("waiting", {"message": str(waiting)}))
        return 4
    finally:
        run.cancel.unlink(missing_ok=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="PartialLabelSegLib", description="Complete partially labelled scans.")
    commands = top.add_subparsers(dest="command", required=True)
    _check_options(commands.add_parser("check", help=Check.__doc__))
    _complete_options(commands.add_parser("complete", help=Complete.__doc__))
    export = commands.add_parser("export", help=Export.__doc__)
    export.add_argument("run", type=Path)
    export.add_argument("--format", choices=EXPORTS, required=True)
    export.add_argument("--out", type=Path, required=True)
    export.add_argument("--name", default="Dataset001_Completed", help="of the nnU-Net data set")
    evaluate = commands.add_parser("evaluate", help=Evaluate.__doc__)
    evaluate.add_argument("predicted", type=Path, metavar="PRED")
    evaluate.add_argument("reference", type=Path, metavar="REF")
    evaluate.add_argument("--json", action="store_true")
    report = commands.add_parser("report", help=Report.__doc__)
    report.add_argument("run", type=Path)
    report.add_argument("--truth", type=Path)
    demo = commands.add_parser("demo", help=Demo.__doc__)
    demo.add_argument("--out", type=Path, default=Path("PartialLabelSeg-demo"))
    demo.add_argument(
        "--openkbp", type=Path, nargs="?", const=Path("-"), help="the published study, from a folder or downloaded"
    )
    _progress_option(demo)
    return top


def _check_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("cases", type=Path, metavar="CASES")
    command.add_argument(
        "--absent", choices=("missing", "absent"), default="missing", help="what a structure without any voxel means"
    )
    command.add_argument("--json", action="store_true")


def _complete_options(command: argparse.ArgumentParser) -> None:
    hidden = argparse.SUPPRESS
    command.add_argument("cases", type=Path, metavar="CASES", nargs="?", help="not needed to go on with a run")
    command.add_argument("--out", type=Path, required=True, metavar="RUN")
    command.add_argument("--preset", choices=PRESETS, default=hidden)
    command.add_argument("--method", choices=METHODS, default=hidden)
    command.add_argument("--dimensions", choices=DIMENSIONS, default=hidden)
    command.add_argument("--rounds", type=int, default=hidden)
    command.add_argument("--gamma-max", type=float, default=hidden)
    command.add_argument("--confidence", choices=("learned", "mcp"), default=hidden)
    command.add_argument(
        "--target", choices=("correctness", "tcp"), default=hidden, help="what the confidence is fitted to"
    )
    command.add_argument("--frozen", action="store_true", default=hidden, help="train the confidence head alone")
    command.add_argument(
        "--review", action="store_true", default=hidden, help="wait for a person's decisions after each round"
    )
    command.add_argument("--largest-component", action="store_true", default=hidden)
    command.add_argument("--fill-holes", action="store_true", default=hidden)
    command.add_argument("--minutes", type=float, default=hidden, help="time budget")
    command.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default=hidden)
    command.add_argument("--seed", type=int, default=hidden)
    command.add_argument(
        "--threads", type=int, default=hidden, help="0: all cores but one where there are more than two"
    )
    command.add_argument("--validation-share", type=float, default=hidden)
    command.add_argument("--absent", choices=("missing", "absent"), default=hidden)
    command.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=hidden,
        help="at most this much learning is lost when the process dies",
    )
    command.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="override a field of the plan")
    command.add_argument(
        "--truth", type=Path, help="an experiment: complete labels to compare with, never learned from"
    )
    _progress_option(command)


def _progress_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--progress", action=argparse.BooleanOptionalAction, default=sys.stdout.isatty(), help="a bar instead of events"
    )


def command_of(arguments: argparse.Namespace) -> Check | Complete | Export | Evaluate | Report | Demo:
    if arguments.command == "check":
        return Check(arguments.cases, arguments.absent, arguments.json)
    if arguments.command == "complete":
        return _complete(arguments)
    if arguments.command == "export":
        return Export(arguments.run, arguments.format, arguments.out, arguments.name)
    if arguments.command == "evaluate":
        return Evaluate(arguments.predicted, arguments.reference, arguments.json)
    if arguments.command == "report":
        return Report(arguments.run, arguments.truth)
    return Demo(arguments.out, arguments.openkbp, arguments.progress)


def _complete(arguments: argparse.Namespace) -> Complete:
    chosen = vars(arguments)
    rounds = {item.name: chosen[item.name] for item in dataclasses.fields(Relabelling) if item.name in chosen}
    rest = {
        item.name: chosen[item.name]
        for item in dataclasses.fields(Configuration)
        if item.name in chosen and item.name not in ("relabelling", "plan")
    }
    plan = _overrides(arguments.set)
    given = frozenset([*rounds, *rest, *(["plan"] if plan else [])])
    try:
        configuration = Configuration(relabelling=Relabelling(**rounds), plan=plan, **rest)
    except ValueError as error:
        raise Failure(f"{error}.") from None
    return Complete(arguments.cases, arguments.out, configuration, given, arguments.truth, arguments.progress)


def _overrides(texts: Sequence[str]) -> dict[str, Any]:
    plan: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            plan[name.strip()] = json.loads(value)
        except ValueError:
            plan[name.strip()] = value
        if not equals:
            raise Failure(f"--set needs NAME=VALUE, got {text!r}.")
    return plan


def main(arguments: Sequence[str]) -> int:
    """Runs a command. Exit status: 0 done, 1 something is wrong, 3 cancelled, 4 waiting for a person's decisions, 130 stopped by Ctrl+C."""
    try:
        return command_of(parser().parse_args(arguments)).run()
    except Failure as failure:
        print(Event("error", dict(failure.fields())).line() if not sys.stdout.isatty() else "", flush=True)
        print(f"PartialLabelSeg: {failure.sentence()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; everything up to the last checkpoint is kept. The same command goes on.", file=sys.stderr)
        return 130
