"""The queue: what is worth most comes first, what is decided sinks, and each suggestion says why to look closely."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.deciding import make_run, opened, write_volumes
from PartialLabelSegLib.data.conformal import Interval
from PartialLabelSegLib.panel.decide_queue import Queue
from PartialLabelSegLib.panel.decisions import Decisions
from PartialLabelSegLib.panel.scope import Scope
from PartialLabelSegLib.panel.widgets.decide_step import details_in_words
from PartialLabelSegLib.panel.worklist import Item, Known, Worklist, flags_of, worth_of
from PartialLabelSegLib.relabel.expected import Expected, write_expected
from PartialLabelSegLib.relabel.scan_proposal import Part
from PartialLabelSegLib.run.folder import RunFolder

USUAL = Expected(4, 1.2, 1.1, 1.3, 0.7, 2.0, 1, 0.0)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run")


@pytest.fixture
def decisions(run: RunFolder) -> Decisions:
    return opened(run)


def keys(items: tuple[Item, ...]) -> list[tuple[str, str]]:
    return [item.key for item in items]


def test_every_open_structure_of_every_scan_is_there_once(decisions: Decisions) -> None:
    items = Worklist(decisions).items()
    assert sorted(keys(items)) == [
        ("CT 1", "Liver"),
        ("CT 2", "Liver"),
        ("CT 2", "Spleen"),
        ("CT 3", "Spleen"),
        ("CT 3", "Tumour"),
    ]
    assert [item.worth for item in items] == sorted((item.worth for item in items), reverse=True)
    liver = next(item for item in items if item.key == ("CT 1", "Liver"))
    assert (liver.voxels, liver.parts) == (122, 1) and liver.ml == pytest.approx(1.22)
    assert 0.55 < liver.confidence < 0.95
    # The middle of the liver, x, y, z.
    assert liver.centre_ijk is not None and all(
        abs(at - middle) <= 1 for at, middle in zip(liver.centre_ijk, (4.5, 4, 3.5))
    )
    assert (
        items[-1].key == ("CT 3", "Tumour")
        and items[-1].flags == ("nothing was found",)
        and items[-1].centre_ijk is None
    )


def test_what_is_decided_sinks_and_the_next_one_is_found_all_the_same(decisions: Decisions) -> None:
    queue = Worklist(decisions)
    order = keys(queue.items())
    decisions.decide(Scope(*order[1]), "accepted", 1.0)
    assert keys(queue.items()) == [order[0], order[2], order[3], order[4], order[1]]
    after = queue.following(order[1])
    before = queue.following(order[1], -1)
    assert after is not None and after.key == order[2] and before is not None and before.key == order[0]
    last = queue.following(order[4])
    assert last is not None and last.key == order[0]
    first = queue.following(None)
    assert first is not None and first.key == order[0]
    decisions.undo()
    spleens = queue.items(structure="Spleen")
    assert {item.structure for item in spleens} == {"Spleen"} and {item.scan for item in queue.items(scan="CT 2")} == {
        "CT 2"
    }
    among = queue.following(spleens[0].key, 1, spleens)
    assert among is not None and among.key == spleens[1].key
    for key in order:
        decisions.decide(Scope(*key), "complete", 1.0)
    assert queue.following(order[0]) is None and keys(queue.items()) == order
    decisions.undo()
    assert queue.items()[0].key == order[4]


def test_a_decision_on_a_part_leaves_the_structure_open(decisions: Decisions) -> None:
    seed = decisions.proposal("CT 1").structures["Liver"].levels[-1].components[1].seed
    decisions.decide(Scope("CT 1", "Liver", seed), "wrong", 1.0)
    item = next(item for item in Worklist(decisions).items() if item.key == ("CT 1", "Liver"))
    assert item.said.is_open and item.said.parts == {seed: "wrong"}


def test_the_worth_of_a_decision_is_the_formula() -> None:
    assert worth_of(1.0, 0.5, 0, 0) == pytest.approx(1.0)
    assert worth_of(1.0, 1.0, 3, 0) == pytest.approx(0.125)
    assert worth_of(100.0, 0.5, 0, 2) == pytest.approx(3.0)


@given(st.floats(0.01, 1), st.floats(0.5, 1), st.integers(0, 20), st.integers(0, 2))
def test_larger_less_sure_rarer_and_stranger_comes_first(size: float, sure: float, scans: int, flags: int) -> None:
    worth = worth_of(size, sure, scans, flags)
    assert worth_of(size * 2, sure, scans, flags) >= worth
    assert worth_of(size, (sure + 0.5) / 2, scans, flags) >= worth
    assert worth_of(size, sure, scans + 1, flags) < worth < worth_of(size, sure, scans, flags + 1)


def test_flags_say_what_is_unusual(decisions: Decisions) -> None:
    proposal = decisions.proposal("CT 2")
    assert flags_of(proposal, "Liver", Known()) == () == flags_of(proposal, "Liver", Known(USUAL))
    assert flags_of(proposal, "Spleen", Known()) == ("reaches the edge of the scan",)
    assert flags_of(proposal, "Spleen", Known(replace(USUAL, border_share=0.5, low_ml=None, high_ml=None))) == ()
    larger = replace(USUAL, q1_ml=0.2, q3_ml=0.3, high_ml=0.5)
    assert flags_of(proposal, "Liver", Known(larger)) == ("much larger than usual (0.2 to 0.3 mL)",)
    smaller = replace(USUAL, q1_ml=150, q3_ml=150, low_ml=100, high_ml=300)
    assert flags_of(proposal, "Liver", Known(smaller)) == ("much smaller than usual (150 mL)",)
    levels = proposal.structures["Liver"]
    whole = levels.levels[-1]
    pieces = tuple(replace(whole.components[0], seed=seed, voxels=size) for seed, size in enumerate((60, 50, 10, 2)))
    broken = replace(levels, levels=(*levels.levels[:-1], replace(whole, components=pieces)))
    several = replace(proposal, structures={"Liver": broken})
    assert flags_of(several, "Liver", Known()) == ("in 3 pieces",)
    assert flags_of(several, "Liver", Known(replace(USUAL, most_pieces=3))) == ()


def test_a_small_part_at_the_edge_is_no_flag(decisions: Decisions) -> None:
    proposal = decisions.proposal("CT 1")
    levels = proposal.structures["Liver"]
    large, small = levels.levels[-1].components
    at_edge: Part = replace(small, touches_border=True)
    changed = replace(levels, levels=(*levels.levels[:-1], replace(levels.levels[-1], components=(large, at_edge))))
    assert flags_of(replace(proposal, structures={"Liver": changed}), "Liver", Known()) == ()


def test_what_was_drawn_on_some_slices_counts_towards_the_size(decisions: Decisions) -> None:
    proposal = decisions.proposal("CT 1")
    partly = replace(proposal.structures["Liver"], drawn=100)
    bounds = replace(USUAL, low_ml=1.5, high_ml=2.5)
    assert flags_of(proposal, "Liver", Known(bounds)) == ("much smaller than usual (1.1 to 1.3 mL)",)
    assert flags_of(replace(proposal, structures={"Liver": partly}), "Liver", Known(bounds)) == ()


def test_what_is_usual_is_taken_up_when_the_worker_has_found_it(run: RunFolder, decisions: Decisions) -> None:
    queue = Worklist(decisions)
    before = {item.key: item.worth for item in queue.items()}
    write_expected(run.round(0).expected, {"Liver": USUAL, "Tumour": USUAL})
    decisions.refresh()
    after = {item.key: item for item in queue.items()}
    assert after["CT 1", "Liver"].worth < before["CT 1", "Liver"]
    assert after["CT 3", "Tumour"].flags == ("nothing was found; usually 1.1 to 1.3 mL",)
    assert after["CT 2", "Spleen"].worth == before["CT 2", "Spleen"]


def test_the_same_run_has_the_same_order(run: RunFolder) -> None:
    first, second = (keys(Worklist(opened(run)).items()) for _ in range(2))
    assert first == second
    assert np.unique([" ".join(key) for key in first]).size == len(first)


def test_what_the_image_says_comes_before_what_is_usual_and_is_one_sentence(decisions: Decisions) -> None:
    proposal = decisions.proposal("CT 2")
    small = replace(USUAL, q1_ml=150, q3_ml=150, low_ml=100, high_ml=300)
    expected = Interval(200.0, 120.0, 380.4)
    assert flags_of(proposal, "Liver", Known(small, expected)) == ("Liver 1.22 mL, expected 120–380 mL",)
    assert flags_of(proposal, "Liver", Known(None, Interval(0.2, 0.0, 0.5))) == ("Liver 1.22 mL, expected 0–0.5 mL",)
    # As large as the image says, whatever others have.
    assert flags_of(proposal, "Liver", Known(small, Interval(1.2, 1.0, 1.4))) == ()


def test_of_what_was_not_found_it_says_how_much_was_expected(run: RunFolder, decisions: Decisions) -> None:
    write_expected(run.round(0).expected, {"Tumour": USUAL})
    write_volumes(run.round(0).path / "sizes.json", {("CT 3", "Tumour"): (20.0, 12.0, 38.0)})
    decisions.refresh()
    (tumour,) = Worklist(decisions).items("CT 3", "Tumour")
    assert tumour.flags == ("nothing was found; expected 12–38 mL",)
    write_volumes(run.round(0).path / "sizes.json", {("CT 3", "Tumour"): (0.2, 0.0, 3.0)})
    decisions.refresh()
    (tumour,) = Worklist(decisions).items("CT 3", "Tumour")
    assert tumour.flags == ("nothing was found",), "that is as expected"


def test_what_is_expected_is_taken_up_in_the_queue_when_the_worker_has_found_it(
    run: RunFolder, decisions: Decisions
) -> None:
    queue = Queue(decisions)
    assert queue.rows()
    write_volumes(run.path / "sizes.json", {("CT 2", "Spleen"): (20.0, 12.0, 38.0)})
    decisions.refresh()
    row = next(row for row in queue.rows() if (row.scan, row.structure) == ("CT 2", "Spleen"))
    assert row.flags == ("Spleen 0.12 mL, expected 12–38 mL", "reaches the edge of the scan")
    assert "Look closely: Spleen 0.12 mL, expected 12–38 mL;" in details_in_words(row)
