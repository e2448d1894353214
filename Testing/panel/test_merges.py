"""Which structures are suggested to be one, and which are left alone."""

from __future__ import annotations

from PartialLabelSegLib.panel.counts_as import counted
from PartialLabelSegLib.panel.merges import suggested_merges
from PartialLabelSegLib.panel.state import Scan
from PartialLabelSegLib.panel.view_models import MergeView

ORGAN = "list~SCT^123037004^Anatomical Structure~SCT^{}~^^~list~^^~^^"
LIVER, KIDNEY = ORGAN.format("10200004^Liver"), ORGAN.format("64033007^Kidney")


def merges(*found: dict[str, str], **terminology: str) -> tuple[MergeView, ...]:
    scans = [Scan(f"scan {number}", found=item) for number, item in enumerate(found)]
    names = tuple({name: None for scan in scans for name in scan.found})
    return suggested_merges(names, terminology, [(scan, counted(scan.found, scan.names)) for scan in scans])


def drawn(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "labelled")


def test_names_that_differ_only_in_spelling_go_into_the_one_that_is_drawn_most() -> None:
    (merge,) = merges(drawn("liver", "Spleen"), drawn("Liver"), drawn("Liver"), drawn("LI-VER"))
    assert merge == MergeView(("liver", "Liver", "LI-VER"), "Liver", "the names differ only in spelling")


def test_one_code_under_several_names_is_suggested_in_words() -> None:
    (merge,) = merges(drawn("Leber"), drawn("Hepar"), drawn("Hepar"), Leber=LIVER, Hepar=LIVER)
    assert merge == MergeView(("Leber", "Hepar"), "Hepar", "both carry the code Liver (SCT 10200004)")


def test_what_is_drawn_side_by_side_is_not_one_structure_for_its_code() -> None:
    assert merges(drawn("left", "right"), left=KIDNEY, right=KIDNEY) == ()
    (merge,) = merges({"left": "labelled", "right": "missing"}, drawn("right"), left=KIDNEY, right=KIDNEY)
    assert merge.structures == ("left", "right")


def test_other_names_without_a_code_of_their_own_are_left_alone() -> None:
    tissue = "list~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~list~^^~^^"
    assert merges(drawn("Liver"), drawn("Spleen"), Liver=tissue, Spleen=tissue) == ()
    assert merges(drawn("Liver"), drawn("Leber"), Liver=LIVER) == ()


def test_structures_are_suggested_once_though_name_and_code_agree() -> None:
    assert len(merges(drawn("liver"), drawn("Liver"), liver=LIVER, Liver=LIVER)) == 1
