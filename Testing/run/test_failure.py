"""The sentence that a person reads."""

from __future__ import annotations

import pytest

from PartialLabelSegLib.run.failure import Failure


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (Failure("The disk is full."), "The disk is full."),
        (Failure("The disk is full.", way_out="Make room."), "The disk is full. Make room."),
        (Failure("its labels are empty.", case="CT 1"), "Case 'CT 1': its labels are empty."),
        (Failure("it is empty.", structure="Liver"), "Structure 'Liver': it is empty."),
        (
            Failure("it is empty.", way_out="Draw it.", case="CT 1", structure="Liver"),
            "Case 'CT 1', structure 'Liver': it is empty. Draw it.",
        ),
    ],
)
def test_the_sentence_names_the_place_what_is_wrong_and_the_way_out(failure: Failure, sentence: str) -> None:
    assert failure.sentence() == str(failure) == sentence


def test_an_error_event_carries_the_sentence_and_its_parts() -> None:
    failure = Failure("it is empty.", way_out="Draw it.", case="CT 1", structure="Liver")
    assert failure.fields() == {
        "message": failure.sentence(),
        "wrong": "it is empty.",
        "way_out": "Draw it.",
        "case": "CT 1",
        "structure": "Liver",
    }


def test_a_failure_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="wrong"):
        raise Failure("wrong")
