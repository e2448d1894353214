"""Left and right in names: which structures change places when a scan is mirrored."""

from __future__ import annotations

import pytest

from PartialLabelSegLib.data.sides import is_sided, other_side, twins


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Left kidney", "Right kidney"),
        ("kidney right", "kidney left"),
        ("RIGHT LUNG", "LEFT LUNG"),
        ("Kidney_L", "Kidney_R"),
        ("kidney-r", "kidney-l"),
        ("R Lung", "L Lung"),
        ("Optic nerve (L)", "Optic nerve (R)"),
        ("ParotidL", "ParotidR"),
        ("LParotid", "RParotid"),
        ("l.eye", "r.eye"),
        ("rib_left_3", "rib_right_3"),
    ],
)
def test_a_name_that_speaks_of_a_side_is_recognised_and_turned_in_its_own_writing(name: str, other: str) -> None:
    assert is_sided(name) and is_sided(other)
    assert other_side(name) == other and other_side(other) == name


@pytest.mark.parametrize(
    "name", ["Liver", "Spleen", "Larynx", "Rectum", "Colon", "GTV", "Trachea", "SpinalCord", "CTR"]
)
def test_a_name_without_a_side_is_not_taken_for_one(name: str) -> None:
    assert not is_sided(name) and other_side(name) == name


def test_twins_are_found_whatever_their_order_and_writing() -> None:
    assert twins(("Liver", "Right Kidney", "left kidney")) == (("Right Kidney", "left kidney"),)
    assert twins(("RightParotid", "Larynx", "LeftParotid", "Lens_L", "Lens_R")) == (
        ("LeftParotid", "RightParotid"),
        ("Lens_L", "Lens_R"),
    )


def test_without_sides_a_scan_may_be_mirrored_and_nothing_changes_places() -> None:
    assert twins(("Liver", "Spleen")) == ()


def test_a_structure_whose_twin_nobody_draws_forbids_mirroring() -> None:
    assert twins(("Left kidney", "Liver")) is None
    assert twins(("Left kidney", "Right kidney", "Left lung")) is None
