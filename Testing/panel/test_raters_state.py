"""What raters say, as values: ticks make a slice read, undo is exact, JSON goes there and back, and tables are those of a study."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.importers.cells import parse_ranges
from PartialLabelSegLib.data.raters.steps import SoftSteps
from PartialLabelSegLib.data.raters.template import GridTemplate
from PartialLabelSegLib.panel.raters.history import History
from PartialLabelSegLib.panel.raters.rating import Drawing, Rater, Rating, Study
from PartialLabelSegLib.panel.raters.rating_text import from_json, from_text, node_ids, to_json, to_text, with_nodes
from PartialLabelSegLib.panel.raters.reading_actions import rater_name
from PartialLabelSegLib.panel.raters.score_file import has_scores, ranges, score_rows
from PartialLabelSegLib.run.failure import Failure

CORNERS = ((10.0, 10.0), (10.0, 30.0), (40.0, 30.0), (40.0, 10.0))
TEMPLATE = GridTemplate(3, 4, {5: CORNERS}, follow="outline", made_on=7)
ANNA = Rater("Anna", frozenset({(5, 0, 1), (6, 2, 3)}), frozenset({5, 6, 8}))
BEN = Rater("Ben", frozenset(), None, Drawing("vtkMRMLSegmentationNode2", "s1", "Ben's"))
FEMUR = Drawing("vtkMRMLSegmentationNode1", "id0", "Femur")
RATING = Rating("vtkMRMLScalarVolumeNode1", "knee 1", FEMUR, TEMPLATE, (ANNA, BEN), "Anna")


def test_a_tick_makes_its_slice_read_and_taking_it_away_leaves_it_read() -> None:
    rater = Rater("Cleo").ticked(4, [(1, 2)])
    assert rater.ticks == {(4, 1, 2)} and rater.has_read(4) and not rater.has_read(5)
    assert rater.cells_on(4) == {(1, 2)} and rater.cells_on(5) == frozenset()
    assert rater.ticked(4, [(1, 2)], 0.0) == Rater("Cleo", frozenset(), frozenset({4}))


def test_a_slice_with_ticks_cannot_become_unread() -> None:
    assert ANNA.with_read(range(20), False, 20).read == frozenset({5, 6})
    assert ANNA.with_read([9], True, 20).read == frozenset({5, 6, 8, 9})
    assert BEN.with_read([3], False, 5).read == frozenset({0, 1, 2, 4})
    with pytest.raises(ValueError, match="not read"):
        Rater("Dora", frozenset({(1, 0, 0)}), frozenset({2}))


def test_ticks_and_a_mask_do_not_go_together_and_names_are_unique() -> None:
    with pytest.raises(ValueError, match="ticks or a mask"):
        Rater("Dora", frozenset({(1, 0, 0)}), frozenset({1}), FEMUR)
    with pytest.raises(ValueError, match="different names"):
        Rating("v", "n", raters=(Rater("A"), Rater("A")))


def test_raters_have_colours_of_their_own_and_the_turn_goes_on_when_one_is_removed() -> None:
    assert RATING.color("Anna") != RATING.color("Ben")
    assert RATING.without_rater("Anna").rater == "Ben"
    assert RATING.without_rater("Ben").rater == "Anna"


def test_another_key_takes_the_place_of_the_old_one_and_no_rating_is_there_twice() -> None:
    study = Study().with_rating(Rating("v", "knee"))
    moved = study.with_rating(Rating("v", "knee", FEMUR), ("v", "", ""))
    assert [rating.bone for rating in moved.ratings] == [FEMUR] and moved.revision == 2
    both = moved.with_rating(Rating("w", "other"))
    assert [rating.name for rating in both.ratings] == ["knee", "other"] and both.rating == Rating("w", "other")
    assert both.names == ()


def test_a_study_comes_back_from_its_text() -> None:
    study = Study((RATING,), RATING.key, 41, SoftSteps(bright=False, bright_percentile=75.0))
    assert from_text(to_text(study)) == study
    assert node_ids(study) == ("vtkMRMLScalarVolumeNode1", "vtkMRMLSegmentationNode1", "vtkMRMLSegmentationNode2")


def test_nodes_that_got_other_ids_are_renamed_everywhere() -> None:
    study = Study((RATING,), RATING.key, 1)
    value = with_nodes(to_json(study), {"vtkMRMLScalarVolumeNode1": "v9", "vtkMRMLSegmentationNode2": "s9"})
    found = from_json(value)
    assert found.rating is not None and found.rating.volume == "v9" and found.rating.bone == FEMUR
    assert found.rating.raters[1].mask == Drawing("s9", "s1", "Ben's")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": "x", "ratings": []}', "null", "{"])
def test_a_damaged_text_is_a_sentence(text: str) -> None:
    with pytest.raises(Failure, match="could not be read"):
        from_text(text)


def test_a_later_version_is_not_guessed_at() -> None:
    value = {**to_json(Study((RATING,), None, 1)), "format": 3}
    with pytest.raises(Failure, match="later version"):
        from_json(value)


@given(st.sets(st.integers(0, 300)))
def test_ranges_are_read_back_as_the_importer_reads_them(numbers: set[int]) -> None:
    text = ranges(numbers)
    assert (set(parse_ranges(text)) if numbers else set()) == numbers
    assert text == "" if not numbers else "," not in text or ", " in text


def test_the_rows_of_the_table_name_ticks_and_what_was_read() -> None:
    rows = score_rows(Study((RATING,)))
    whose = {"scan": "knee 1", "structure": "Femur lesion", "rater": "Anna"}
    assert rows["ticks"] == [{**whose, "slice": 5, "row": 0, "column": 1}, {**whose, "slice": 6, "row": 2, "column": 3}]
    assert rows["read"] == [{**whose, "slice": "5-6, 8"}]
    assert has_scores(RATING) and not has_scores(replace(RATING, raters=(BEN,)))
    all_read = score_rows(Study((replace(RATING, raters=(Rater("Eva", read=None), Rater("Finn"))),)))
    assert [(row["rater"], row["slice"]) for row in all_read["read"]] == [("Eva", "all")] and json.dumps(all_read)


def test_undo_and_redo_go_through_the_same_values() -> None:
    history: History[int] = History()
    now = 0
    for after in (1, 2, 3):
        history.changed(f"to {after}", now)
        now = after
    assert history.undo_words == "to 3"
    now = history.undo(now)
    now = history.undo(now)
    assert now == 1 and history.redo_words == "to 2"
    now = history.redo(now)
    assert now == 2
    history.changed("elsewhere", now)
    assert history.redo_words == "" and history.redo(7) == 7
    history.forget()
    assert history.undo(7) == 7 and history.undo_words == ""


@given(st.lists(st.sampled_from(["change", "undo", "redo"]), max_size=40))
def test_undo_and_redo_walk_along_the_line_of_values(moves: list[str]) -> None:
    history: History[int] = History()
    line, place, fresh = [0], 0, 0
    for move in moves:
        if move == "change":
            history.changed("x", line[place])
            fresh += 1
            line, place = [*line[: place + 1], fresh], place + 1
        elif move == "undo":
            found = history.undo(line[place])
            place = max(0, place - 1)
            assert found == line[place]
        else:
            found = history.redo(line[place])
            place = min(len(line) - 1, place + 1)
            assert found == line[place]


@pytest.mark.parametrize(
    ("typed", "name"), [(" Anna ", "Anna"), ("A;B=c", "A B c"), ("x@y: z", "x y z"), ("; ", ""), ("Dr.  No", "Dr. No")]
)
def test_a_raters_name_can_stand_in_a_studys_table(typed: str, name: str) -> None:
    assert rater_name(typed) == name
