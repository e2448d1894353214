"""Slicer's terminology entries in words, and when two of them are one structure."""

from __future__ import annotations

import pytest

from PartialLabelSegLib.panel.terminology import code_of, words_of

CATEGORY = "Segmentation category and type - 3D Slicer General Anatomy list"
REGION = "Anatomic codes - DICOM master list"
ORGAN = "SCT^123037004^Anatomical Structure"
TISSUE = "SCT^85756007^Tissue"
LIVER = f"{CATEGORY}~{ORGAN}~SCT^10200004^Liver~^^~{REGION}~^^~^^"
RIGHT_KIDNEY = f"{CATEGORY}~{ORGAN}~SCT^64033007^Kidney~SCT^24028007^Right~{REGION}~^^~^^"
LEFT_KIDNEY = RIGHT_KIDNEY.replace("24028007^Right", "7771000^Left")
PLAIN = f"{CATEGORY}~{TISSUE}~{TISSUE}~^^~{REGION}~^^~^^"
IN_LIVER = f"{CATEGORY}~{TISSUE}~{TISSUE}~^^~{REGION}~SCT^10200004^Liver~^^"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (LIVER, "Liver (SCT 10200004)"),
        (RIGHT_KIDNEY, "Right Kidney (SCT 64033007)"),
        (IN_LIVER, "Tissue of Liver (SCT 85756007)"),
        (PLAIN, ""),
        ("", ""),
        ("code^Liver", ""),
        ("~~~~", ""),
        (f"other~{ORGAN}~SCT^10200004^Liver", "Liver (SCT 10200004)"),
    ],
)
def test_a_code_in_words(entry: str, words: str) -> None:
    assert words_of(entry) == words
    assert bool(code_of(entry)) == bool(words)


def test_one_structure_has_one_code_whatever_the_list_it_was_chosen_from() -> None:
    assert code_of(LIVER) == code_of(LIVER.replace(CATEGORY, "Another list").replace("^Liver", "^Leber"))
    assert len({code_of(entry) for entry in (LIVER, RIGHT_KIDNEY, LEFT_KIDNEY, IN_LIVER)}) == 4
