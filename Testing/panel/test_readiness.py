"""What is said before learning starts where something is lacking."""

from __future__ import annotations

from PartialLabelSegLib.panel.readiness import set_problems, why_not_learn
from PartialLabelSegLib.panel.view_models import CellView, ScanView


def rows(*states: str) -> list[ScanView]:
    """One scan per word: l(abelled), s(ome slices), m(issing), a(bsent), one letter a structure; '' : a scan that cannot be used."""
    words = {"l": "labelled", "s": "some slices", "m": "missing", "a": "absent"}
    return [ScanView(str(n), tuple(CellView(words[letter]) for letter in word)) for n, word in enumerate(states)]


def sentences(*states: str) -> list[str]:
    return [problem.sentence for problem in set_problems(rows(*states), ["Liver", "Spleen"])]


def test_learning_waits_for_scans_drawings_and_labels() -> None:
    names = ["Liver", "Spleen"]
    assert why_not_learn([], []).startswith("There is no scan yet.")
    assert why_not_learn(rows("", ""), names).startswith("No scan can be used.")
    assert why_not_learn([ScanView("a", (CellView("missing"),))], []).startswith("Nothing is drawn in any scan.")
    assert why_not_learn(rows("ma", "mm"), names).startswith("No structure is labelled in any scan.")
    assert why_not_learn(rows("mm", "ms"), names) == ""


def test_a_structure_that_is_labelled_nowhere_is_named() -> None:
    assert sentences("lm", "la", "sm") == [
        "Spleen is labelled in no scan, so it cannot be learned. Draw it in a few scans, or leave it out."
    ]


def test_a_structure_that_is_labelled_once_cannot_be_measured() -> None:
    assert [text.split(" is ")[0] for text in sentences("ll", "lm", "lm")] == ["Spleen"]
    assert sentences("lm", "") == [
        "Spleen is labelled in no scan, so it cannot be learned. Draw it in a few scans, or leave it out."
    ]


def test_where_everything_is_labelled_there_is_nothing_to_suggest() -> None:
    assert sentences("ll", "la", "ll")[-1].startswith("Everything is labelled in every scan")
    assert sentences("ll", "ll", "lm") == [] and sentences("ll", "ll", "ls") == []


def test_where_no_scan_can_be_used_nothing_is_said_of_structures() -> None:
    assert sentences("", "") == []
