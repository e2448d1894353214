"""Structures, problems and names as they come from files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.types import MOST_STRUCTURES, PALETTE, Problem, Structure, clean_name, structures_named
from PartialLabelSegLib.run.failure import Failure


@pytest.mark.parametrize("name", ["", "  ", " Liver", "Liver ", "Li\tver", "Li\nver"])
def test_a_structure_without_a_plain_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Structure(name)


@pytest.mark.parametrize("color", [(0.0, 0.0), (0.0, 0.0, 1.1), (-0.1, 0.0, 0.0)])
def test_a_colour_outside_0_to_1_is_refused(color: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="colour"):
        Structure("Liver", color)  # type: ignore[arg-type]


def test_many_structures_share_the_palette_in_order() -> None:
    found = structures_named([f"organ {number}" for number in range(MOST_STRUCTURES)])
    assert len(found) == MOST_STRUCTURES
    assert found[0].color == found[len(PALETTE)].color == PALETTE[0]
    assert len({structure.color for structure in found[: len(PALETTE)]}) == len(PALETTE)


def test_a_problem_reads_as_the_failure_that_it_came_from() -> None:
    failure = Failure("the label is empty.", way_out="Draw it.", structure="Liver")
    problem = Problem.of(failure, "CT 1")
    assert problem.sentence() == "Case 'CT 1', structure 'Liver': the label is empty. Draw it."
    assert problem.failure().sentence() == problem.sentence()
    assert (problem.case, problem.structure, problem.severity) == ("CT 1", "Liver", "error")


def test_a_failures_own_case_is_kept() -> None:
    assert Problem.of(Failure("wrong.", case="inner"), "outer").case == "inner"


def test_a_problem_of_unknown_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="severity"):
        Problem("x", severity="fatal")


@given(st.text())
def test_a_cleaned_name_is_a_structures_name_or_empty(text: str) -> None:
    name = clean_name(text)
    assert not name or Structure(name).name == name
    name.encode("utf-8")
    assert clean_name(name) == name


def test_bytes_that_are_no_text_become_readable() -> None:
    assert clean_name(" Liv\udcffr\t") == "Liv?r"
