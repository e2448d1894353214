"""The command line: from its words to a command, and from whatever goes wrong to a sentence and an exit status."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .commands import (
    Apply,
    Check,
    Command,
    Complete,
    Demo,
    Evaluate,
    Export,
    Extract,
    Relabel,
    Report,
    Sample,
    SoftLabels,
)
from .options import choices_of, parser, soft_label_choices_of
from .run.events import Event
from .run.trouble import explained


def command_of(arguments: argparse.Namespace) -> Command:
    given = arguments
    match given.command:
        case "check":
            return Check(tuple(given.cases), given.absent, given.json, given.choices)
        case "extract":
            return Extract(given.cases, given.scan, given.out, given.absent)
        case "complete":
            cases = tuple(given.cases)
            return Complete(cases, given.out, choices_of(given), given.truth, given.progress, given.choices)
        case "relabel":
            return Relabel(given.run, given.progress)
        case "apply":
            return Apply(given.model, tuple(given.cases), given.out, choices_of(given), given.progress, given.choices)
        case "export":
            return Export(given.run, given.format, given.out, given.name, given.replace)
        case "evaluate":
            return Evaluate(given.predicted, given.reference, given.json, given.instances)
        case "report":
            return Report(given.run, given.truth)
        case "softlabels":
            return SoftLabels(given.study, given.out, soft_label_choices_of(given))
        case "sample":
            return Sample(given.out, given.scans, given.openkbp)
        case _:
            return Demo(given.out, given.openkbp, given.progress)


def main(arguments: Sequence[str]) -> int:
    """Runs a command. Exit status: 0 done, 1 something is wrong, 3 cancelled, 4 waiting for a person's decisions, 130 stopped by Ctrl+C."""
    folder: Path | None = None
    try:
        command = command_of(parser().parse_args(arguments))
        folder = command.run_folder if isinstance(command, (Export, Report)) else None
        return command.run()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return no_longer_heard()
    except Exception as error:
        failure = explained(error, folder)
        if not sys.stdout.isatty():
            print(Event("error", dict(failure.fields())).line(), flush=True)
        print(f"PartialLabelSeg: {failure.sentence()}", file=sys.stderr)
        return 1


def no_longer_heard() -> int:
    """Whoever read the output has gone. What Python still holds for it goes nowhere, instead of into a second error at the exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
