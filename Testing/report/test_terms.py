"""The parts of the loss in the report: a curve each, and what each one means."""

from __future__ import annotations

from html import escape
from typing import Any

from PartialLabelSegLib.report.learned import TERMS, learning


def a_report(terms: dict[str, list[float | None]]) -> dict[str, Any]:
    training = {"steps": [10, 20], "loss": [1.0, 0.5], "terms": terms, "validation": []}
    structures = [{"name": "Liver", "color": [0.9, 0.6, 0.0], "not_learned": False, "labelled_cases": 2}]
    validation = {"structures": {"Liver": [None]}, "mean": [None]}
    return {"rounds": [{"round": 0, "training": training}], "structures": structures, "validation": validation}


def test_every_term_has_a_curve_and_its_meaning() -> None:
    page = learning(a_report({"given": [0.5, 0.3], "pseudo": [None, 0.2]}))
    assert "What the loss is made of" in page
    assert escape(TERMS["given"]) in page and escape(TERMS["pseudo"]) in page and TERMS["dice"] not in page
    assert page.count("<svg") == 2  # the loss and its terms; nothing was validated


def test_a_loss_of_one_term_has_no_second_chart() -> None:
    assert "What the loss is made of" not in learning(a_report({"bce": [0.5, 0.3]}))
    assert "What the loss is made of" not in learning(a_report({}))
