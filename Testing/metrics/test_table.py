"""The table for the terminal: aligned, rounded, and honest about what it leaves out."""

from __future__ import annotations

import math
from dataclasses import replace

from PartialLabelSegLib.metrics.evaluate import Evaluation
from PartialLabelSegLib.metrics.measure import Measured
from PartialLabelSegLib.metrics.pairing import Missing, Note
from PartialLabelSegLib.metrics.ranking import Ranking
from PartialLabelSegLib.metrics.table import format_table

LIVER = Measured("a", "Liver", 0.9, 0.8, 0.9, 0.9, 12.0, 5.0, 1.25, 1000.0, 1010.0, -10.0, -0.01)


def test_a_table_is_aligned_and_shows_mean_and_deviation() -> None:
    spleen = replace(LIVER, structure="Spleen", dice=0.0, hd_mm=math.nan, hd95_mm=math.nan, asd_mm=math.nan)
    result = Evaluation((LIVER, replace(LIVER, case="b", dice=0.8), spleen))
    assert format_table(result).splitlines() == [
        "Structure  n           Dice        Jaccard       HD mm    HD95 mm       ASD mm  Volume error mL",
        "Liver      2  0.850 ± 0.071  0.800 ± 0.000  12.0 ± 0.0  5.0 ± 0.0  1.25 ± 0.00    -10.00 ± 0.00",
        "Spleen     1          0.000          0.800           -          -            -           -10.00",
        "all        3  0.567 ± 0.493  0.800 ± 0.000  12.0 ± 0.0  5.0 ± 0.0  1.25 ± 0.00    -10.00 ± 0.00",
        "",
        "One mask is empty, so that Dice is 0 and no distance exists: Spleen in 1.",
    ]


def test_one_structure_needs_no_line_for_all_and_a_confidence_has_its_columns() -> None:
    result = Evaluation((replace(LIVER, ranking=Ranking(0.75, 0.9, 0.5, 100, 10)),))
    assert format_table(result).splitlines() == [
        "Structure  n   Dice  Jaccard  HD mm  HD95 mm  ASD mm  Volume error mL    AUC  AP success  AP error",
        "Liver      1  0.900    0.800   12.0      5.0    1.25           -10.00  0.750       0.900     0.500",
    ]


def test_what_is_missing_failed_or_noted_stands_below() -> None:
    result = Evaluation(
        (LIVER,),
        missing=(
            Missing("c", "", "prediction"),
            Missing("d", "", "prediction"),
            Missing("a", "Kidney", "prediction"),
            Missing("a", "Aorta", "reference"),
        ),
        notes=(Note("a", "it was turned."), Note("b", "it is far."), Note("c", "it was turned.")),
        failed=("Case 'e': it failed.",),
    )
    assert format_table(result).splitlines()[3:] == [
        "Not in the prediction, so not compared: c, d; Kidney (a).",
        "Not in the reference, so not compared: Aorta (a).",
        "Case 'e': it failed.",
        "Case 'a' and 1 more: it was turned.",
        "Case 'b': it is far.",
    ]


def test_a_long_list_of_what_is_missing_or_noted_is_cut_short() -> None:
    notes = tuple(Note("a", f"note {number}.") for number in range(12))
    lines = format_table(Evaluation((LIVER,), notes=notes)).splitlines()
    assert lines[-2:] == ["Case 'a': note 9.", "And 2 more notes, which the JSON result holds."]
    missing = tuple(Missing(f"c{number}", "", "prediction") for number in range(25))
    last = format_table(Evaluation((LIVER,), missing=missing)).splitlines()[-1]
    assert last == "Not in the prediction, so not compared: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 15 more."
