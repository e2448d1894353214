"""The command `softlabels`: from a study of several raters to a folder of soft labels, which is a data set to learn from, with the raters' agreement."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from .data.raters.export import ExportOptions, export_soft_labels
from .data.raters.rated_case import RatedCase, rated_cases
from .data.raters.recipe import Recipe
from .data.raters.steps import SoftSteps
from .data.raters.study import read_study
from .metrics.study_agreement import Gathering
from .options import SoftLabelChoices
from .report.agreement_files import write_agreement
from .run.failure import Failure


def write_soft_labels(study: Path, out: Path, choices: SoftLabelChoices) -> Path:
    """Makes the folder `out`; what to look at in the study is said on stderr. Failure: a choice that is not possible; see `export_soft_labels`.

    The agreement of the raters is found while their scans are in memory, and written when the folder is whole.
    """
    recipe, options, agreement = recipe_of(choices), export_options_of(choices), Gathering()
    cases = rated_cases(read_study(study), choices.first)
    done = export_soft_labels(out, _seen(cases, agreement) if choices.agreement else cases, recipe, options)
    if choices.agreement:
        write_agreement(done.folder, agreement.results())
    for warning in done.warnings:
        print(f"Look: {warning.sentence()}", file=sys.stderr)
    return done.folder


def _seen(cases: Iterable[RatedCase], agreement: Gathering) -> Iterator[RatedCase]:
    for case in cases:
        agreement.add(case)
        yield case


def recipe_of(choices: SoftLabelChoices) -> Recipe:
    """Failure: a number that is not possible."""
    off = dict.fromkeys(choices.without, False)
    try:
        steps = SoftSteps(
            bright_percentile=choices.bright_percentile,
            neighbour_rule=choices.neighbour_rule,
            neighbour_weight=choices.neighbour_weight,
            **off,
        )
        return Recipe(choices.method, steps, choices.sigma, choices.threshold)
    except ValueError as error:
        raise Failure(f"{error}.", way_out="Look at softlabels --help.") from None


def export_options_of(choices: SoftLabelChoices) -> ExportOptions:
    return ExportOptions(choices.bits, choices.nifti, choices.four_d, choices.dicom_seg, choices.replace)
