"""How a worker ended, for a person: the last word where it agrees with the exit status, else what the status and the memory say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.programs import event
from PartialLabelSegLib.panel.outcome import LAST_WORDS, Ended, outcome_of

ERROR = event("error", message="Case 'a': it is empty. Draw it.", way_out="Draw it.")


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (Ended(0, event("finished", message="Done. All is there.")), "Done. All is there."),
        (Ended(0), "Done."),
        (Ended(0, asked=True), "Done."),
        (Ended(1, ERROR), "Case 'a': it is empty."),
        (Ended(2, ERROR), "Case 'a': it is empty."),
        (Ended(-9, ERROR), "ended from outside"),
        (Ended(3, event("cancelled", message="m")), "Stopped."),
        (Ended(130, event("cancelled", message="m")), "Stopped."),
        (Ended(-15, asked=True), "Stopped."),
        (Ended(-9, asked=True, forced=True), "did not answer in time"),
        (Ended(4, event("waiting", message="m")), "wait for your decisions"),
        (Ended(None, not_started="No such file (x)"), "could not be started: No such file (x)."),
        (Ended(-11), "crashed, inside PyTorch"),
        (Ended(0xC0000005), "crashed, inside PyTorch"),
        (Ended(-1073741819), "crashed, inside PyTorch"),
        (Ended(0xC000012D), "ran out of memory"),
        (Ended(1, little_memory=True), "ran out of memory"),
        (Ended(1, full_disk=True), "is full"),
        (Ended(9, said="KeyError: 'x'"), "its last line was: KeyError: 'x'"),
        (Ended(None, event("finished", message="Done."), watched=True), "Done."),
        (Ended(None, watched=True), "without saying why"),
    ],
)
def test_every_end_has_its_sentence(ended: Ended, words: str) -> None:
    assert words in outcome_of(ended).sentence


def test_a_watched_worker_is_believed_its_last_word() -> None:
    assert outcome_of(Ended(None, event("finished"), watched=True)).done
    assert outcome_of(Ended(None, event("waiting"), watched=True)).waiting
    assert outcome_of(Ended(None, event("cancelled"), watched=True)).cancelled
    assert outcome_of(Ended(None, ERROR, watched=True)).way_out == "Draw it."


@given(
    st.builds(
        Ended,
        code=st.one_of(st.none(), st.integers(-300, 300), st.integers(0xC0000000, 0xC0000500)),
        last=st.one_of(st.none(), st.sampled_from(LAST_WORDS).map(event), st.just(ERROR)),
        said=st.text(max_size=300),
        asked=st.booleans(),
        forced=st.booleans(),
        little_memory=st.booleans(),
        full_disk=st.booleans(),
        watched=st.booleans(),
    )
)
def test_there_is_always_one_sentence_and_a_way_out_where_something_went_wrong(ended: Ended) -> None:
    outcome = outcome_of(ended)
    assert outcome.sentence[:1].isupper() and len(outcome.sentence) < 600 and "\n" not in outcome.sentence
    assert outcome.way_out or outcome.done or outcome.waiting
    assert sum((outcome.done, outcome.waiting, outcome.cancelled, outcome.crashed)) <= 1
    assert not (outcome.crashed and outcome.code == 0)
