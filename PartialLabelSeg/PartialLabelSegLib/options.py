"""The command line's words: every command with its options, and the configuration that they say."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .config import ATTRIBUTES, DIMENSIONS, DOUBTFUL, INSTANCES, METHODS, PRESETS, Configuration, Relabelling
from .run.failure import Failure

EXPORTS = ("seg-nrrd", "nifti", "nnunet", "summary", "instances")
DEVICES = ("auto", "cpu", "cuda", "mps")
RATER_METHODS = ("steps", "share", "majority", "staple", "svls")
RATER_STEPS = ("votes", "inside_bone", "bright", "neighbours")
NEIGHBOUR_RULES = ("noisy-or", "max")
ABSENT = (
    "what it means when a structure is drawn nowhere in a scan: nobody looked (missing), or it is not there (absent)"
)

CHOICES = "a JSON file that renames or merges structures, corrects what is labelled where, and leaves scans out"


def parser() -> argparse.ArgumentParser:
    text = "Learns from scans in which only some structures are drawn, and completes them. The same command again goes on where it was stopped."
    top = argparse.ArgumentParser(prog="PartialLabelSegLib", description=text)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")

    _check_options(command("check", "show what is drawn in a data set, and everything that is wrong with it"))
    _extract_options(command("extract", "write one scan of a data set, with what is drawn in it, into a folder"))
    _complete_options(command("complete", "learn from a data set and complete it"))
    _relabel_options(command("relabel", "apply the decisions in review.json of the round that waits, without learning"))
    _apply_options(command("apply", "complete new scans with what a finished run has learned"))
    _export_options(command("export", "write a finished run for other programs"))
    _evaluate_options(command("evaluate", "measure segmentations against reference ones"))
    _report_options(command("report", "write report.json and report.html of a run again, as far as it got"))
    _demo_options(command("demo", "make a small cohort, complete it, and compare with the truth"))
    _soft_label_options(command("softlabels", "make soft labels of several raters' ticks or masks, to learn from"))
    _sample_options(command("sample", "make a small cohort of phantoms with partial labels, to try everything with"))
    return top


def _check_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("cases", type=Path, metavar="CASES", nargs="+", help="the data set, or several")
    command.add_argument("--absent", choices=("missing", "absent"), default="missing", help=ABSENT)
    command.add_argument("--choices", type=Path, metavar="FILE", help=CHOICES)
    command.add_argument("--json", action="store_true", help="the table as JSON")


def _extract_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("cases", type=Path, metavar="CASES", help="the data set; nothing in it is changed")
    command.add_argument("--scan", required=True, metavar="NAME", help="the scan, as check names it")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder to write into")
    command.add_argument("--absent", choices=("missing", "absent"), default="missing", help=ABSENT)


def _complete_options(command: argparse.ArgumentParser) -> None:
    hidden = argparse.SUPPRESS
    add = command.add_argument
    text = "the data set, or several that are learned from as one; not needed to go on with a run"
    add("cases", type=Path, metavar="CASES", nargs="*", help=text)
    add("--choices", type=Path, metavar="FILE", help=CHOICES)
    add("--out", type=Path, required=True, metavar="RUN", help="the folder of the run")
    add("--preset", choices=PRESETS, default=hidden, help="quick: minutes on two cores; standard: a GPU")
    add("--method", choices=METHODS, default=hidden, help="full, or one of the simpler methods to compare with")
    add("--dimensions", choices=DIMENSIONS, default=hidden, help="slices, slices with their neighbours, or blocks")
    add("--rounds", type=int, default=hidden, help="how often suggestions become labels")
    add("--gamma-max", type=float, default=hidden, help="the share of the suggestions that the last round accepts")
    add("--confidence", choices=("learned", "mcp"), default=hidden, help="mcp: simply the probability")
    add("--target", choices=("correctness", "tcp"), default=hidden, help="what the confidence is fitted to")
    add("--frozen", action="store_true", default=hidden, help="learn the confidence without changing the network")
    add("--review", action="store_true", default=hidden, help="wait for a person's decisions after each round")
    add(
        "--largest-component",
        action="store_true",
        default=hidden,
        help="keep only the largest part of what is suggested",
    )
    add("--fill-holes", action="store_true", default=hidden, help="fill holes in what is suggested")
    text = "labels said to be quick: learn how far each place counts, count all in part, trust them, or leave them out"
    add("--doubtful", choices=DOUBTFUL, default=hidden, help=text)
    text = "bound what is suggested where a structure is missing by what labelled scans teach: of its size, centroid or extent"
    add("--bounds", nargs="+", choices=ATTRIBUTES, default=hidden, help=text)
    _instances_option(command)
    add("--minutes", type=float, default=hidden, help="how long it may take")
    _machine_options(command)
    add("--seed", type=int, default=hidden, help="another number gives another run")
    add("--validation-share", type=float, default=hidden, help="share of the labelled scans kept to validate")
    add("--absent", choices=("missing", "absent"), default=hidden, help=ABSENT)
    text = "at most this much learning is lost when the process dies"
    add("--checkpoint-seconds", type=float, default=hidden, help=text)
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value of the plan, such as steps=500 or loss=apl",
    )
    add("--truth", type=Path, help="an experiment: complete labels to compare with, never learned from")
    _progress_option(command)


def _instances_option(command: argparse.ArgumentParser) -> None:
    text = "of each completed scan the lesions with scores: a list, or also a volume with their numbers; auto: of an instance network"
    command.add_argument("--instances", choices=INSTANCES, default=argparse.SUPPRESS, help=text)


def _machine_options(command: argparse.ArgumentParser) -> None:
    hidden = argparse.SUPPRESS
    command.add_argument("--device", choices=DEVICES, default=hidden, help="where to compute")
    text = "how many cores; 0: all but one where there are more than two"
    command.add_argument("--threads", type=int, default=hidden, help=text)


def _relabel_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    _progress_option(command)


def _apply_options(command: argparse.ArgumentParser) -> None:
    hidden = argparse.SUPPRESS
    command.add_argument(
        "model", type=Path, metavar="MODEL", help="a run, or the file segmentation.pt of one of its rounds"
    )
    text = "a scan, a folder of scans, or a data set, or several of them; what is drawn there stays as it is"
    command.add_argument("cases", type=Path, metavar="CASES", nargs="+", help=text)
    command.add_argument("--choices", type=Path, metavar="FILE", help=CHOICES)
    command.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder for the completed scans")
    command.add_argument("--absent", choices=("missing", "absent"), default=hidden, help=ABSENT)
    _instances_option(command)
    _machine_options(command)
    _progress_option(command)


def _export_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", type=Path, metavar="RUN", help="the folder of a finished run")
    text = (
        "seg-nrrd: for 3D Slicer; nifti: label maps; nnunet: a data set to train nnU-Net; summary: a table of volumes; "
        "instances: the lesions of each scan, as a list and a volume"
    )
    command.add_argument("--format", choices=EXPORTS, required=True, help=text)
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    text = "name of the nnU-Net data set, such as Dataset501_Abdomen"
    command.add_argument("--name", default="Dataset001_Partial", help=text)
    command.add_argument("--replace", action="store_true", help="overwrite what an earlier export wrote")


def _evaluate_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("predicted", type=Path, metavar="PRED", help="a segmentation, or a folder of them")
    command.add_argument("reference", type=Path, metavar="REF", help="the same by an expert")
    text = "also how well single lesions are found: AP50, AP75, IoU, precision, recall"
    command.add_argument("--instances", action="store_true", help=text)
    command.add_argument("--json", action="store_true", help="every number as JSON")


def _report_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    command.add_argument("--truth", type=Path, help="a folder of reference segmentations to compare with")


def _demo_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, default=Path("PartialLabelSeg-demo"), help="where to write")
    text = "the published study, from a folder or downloaded"
    command.add_argument("--openkbp", type=Path, nargs="?", const=Path("-"), help=text)
    _progress_option(command)


def _sample_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    command.add_argument("--scans", type=int, default=10, metavar="N", help="scans with partial labels; at least 4")
    text = "fetch some scans of the published OpenKBP study instead"
    command.add_argument("--openkbp", action="store_true", help=text)


def _soft_label_options(command: argparse.ArgumentParser) -> None:
    add, default = command.add_argument, SoftLabelChoices()
    add("study", type=Path, metavar="STUDY", help="the folder of the study, with study.csv, or that table")
    add("--out", type=Path, required=True, metavar="FOLDER", help="a new folder; it is also a data set for complete")
    text = "the four steps, the plain share of the votes, or another consensus"
    add("--method", choices=RATER_METHODS, default=default.method, help=text)
    text = "leave out one of the four steps; can be given several times"
    add("--without", choices=RATER_STEPS, action="append", default=[], help=text)
    text = "bone brighter than this percentile of the bone counts as lesion inside a ticked cell"
    add("--bright-percentile", type=float, default=default.bright_percentile, metavar="P", help=text)
    text = "how a lesion on the next slice raises the probability"
    add("--neighbour-rule", choices=NEIGHBOUR_RULES, default=default.neighbour_rule, help=text)
    add("--neighbour-weight", type=float, default=default.neighbour_weight, metavar="W", help="how much; 0..1")
    add("--sigma", type=float, default=default.sigma, metavar="WIDTH", help="how far svls smooths")
    text = "the hard labels hold what is at least this probable"
    add("--threshold", type=float, default=default.threshold, metavar="Q", help=text)
    add("--bits", type=int, choices=(32, 16, 8), default=default.bits, help="32: float; 16, 8: scaled whole numbers")
    add("--nifti", action="store_true", help="also write NIfTI volumes, one per structure")
    add("--four-d", action="store_true", help="also write one NIfTI volume per scan with all its structures")
    text = "also write DICOM segmentations of probabilities; needs DICOM scans and the Python package highdicom"
    add("--dicom-seg", action="store_true", help=text)
    text = "the number with which scoring tables begin to count slices, rows and columns"
    add("--first", type=int, choices=(0, 1), default=default.first, help=text)
    add("--replace", action="store_true", help="overwrite an earlier export")
    text = "do not compare the raters with each other, which takes most of the time"
    add("--no-agreement", dest="agreement", action="store_false", help=text)


def _progress_option(command: argparse.ArgumentParser) -> None:
    text = "a bar for a person instead of one line of JSON per event"
    command.add_argument("--progress", action=argparse.BooleanOptionalAction, default=sys.stdout.isatty(), help=text)


@dataclasses.dataclass(frozen=True)
class SoftLabelChoices:
    """How soft labels are made and stored. What the numbers mean stands in data/raters: recipe.py, steps.py and export.py."""

    method: str = "steps"
    without: tuple[str, ...] = ()
    bright_percentile: float = 90.0
    neighbour_rule: str = "noisy-or"
    neighbour_weight: float = 0.25
    sigma: float = 1.0
    threshold: float = 0.5
    bits: int = 32
    nifti: bool = False
    four_d: bool = False
    dicom_seg: bool = False
    first: int = 0
    replace: bool = False
    agreement: bool = True


def soft_label_choices_of(arguments: argparse.Namespace) -> SoftLabelChoices:
    values = {item.name: getattr(arguments, item.name) for item in dataclasses.fields(SoftLabelChoices)}
    return SoftLabelChoices(**{**values, "without": tuple(arguments.without)})


@dataclasses.dataclass(frozen=True)
class Choices:
    """What was chosen, and the names of those choices that were really given."""

    configuration: Configuration
    given: frozenset[str]


def choices_of(arguments: argparse.Namespace) -> Choices:
    """Failure: a choice that is not possible."""
    chosen = vars(arguments)
    rounds = {item.name: chosen[item.name] for item in dataclasses.fields(Relabelling) if item.name in chosen}
    rest = {
        item.name: chosen[item.name]
        for item in dataclasses.fields(Configuration)
        if item.name in chosen and item.name not in ("relabelling", "plan")
    }
    if "bounds" in rest:
        rest["bounds"] = tuple(rest["bounds"])
    plan = _overrides(chosen.get("set", []))
    given = frozenset([*rounds, *rest, *(["plan"] if plan else [])])
    try:
        return Choices(Configuration(relabelling=Relabelling(**rounds), plan=plan, **rest), given)
    except ValueError as error:
        raise Failure(f"{error}.", way_out="Look at --help.") from None


def _overrides(texts: Sequence[str]) -> dict[str, Any]:
    plan: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            plan[name.strip()] = json.loads(value)
        except (ValueError, RecursionError):
            plan[name.strip()] = value
        if not equals:
            raise Failure(f"--set needs NAME=VALUE, got {text!r}.")
    return plan
