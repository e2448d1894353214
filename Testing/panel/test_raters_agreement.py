"""How far raters agree, as the page shows it: the numbers are those of the metrics, the picture and the tables show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6 import QtWidgets

from host.pictures import picture
from panel.rated_scene import GRID, AtKnee, add_knee
from PartialLabelSegLib.metrics.agreement import Agreement, agreement
from PartialLabelSegLib.metrics.compared_scan import ComparedScan
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.raters.comparing import NOBODY, text_of
from PartialLabelSegLib.panel.raters.rating import Drawing, Rater, Rating
from PartialLabelSegLib.panel.raters.views import AgreementView
from PartialLabelSegLib.panel.widgets.agreement_figure import AgreementFigure, span, summary
from PartialLabelSegLib.panel.widgets.raters_agreement_box import AgreementBox

COLORS = ((0.9, 0.6, 0.0), (0.35, 0.7, 0.9), (0.0, 0.6, 0.5))


def masks(shift: int) -> dict[str, np.ndarray]:
    """Three raters: two the same, one beside them."""
    first = np.zeros(GRID.shape, bool)
    first[5:8, 40 : 52 + 2 * shift, 35:50] = True
    return {"Anna": first, "Ben": first.copy(), "Dr. Cleopatra Longname": np.roll(first, 6, axis=1)}


@pytest.fixture(scope="module")
def result() -> Agreement:
    scans = []
    for number in range(3):
        drawn = masks(number)
        scans.append(ComparedScan(f"knee {number}", GRID, drawn, np.sum(list(drawn.values()), axis=0) >= 2))
    return agreement(scans, "lesion", "majority")


def texts(table: QtWidgets.QTableWidget) -> list[list[str]]:
    def text(row: int, column: int) -> str:
        item = table.item(row, column)
        return item.text() if item is not None else ""

    return [[text(row, column) for column in range(table.columnCount())] for row in range(table.rowCount())]


def test_the_tables_hold_the_metrics_numbers(qt_application: QtWidgets.QApplication, result: Agreement) -> None:
    box = AgreementBox(lambda: None)
    box.show(AgreementView(result, COLORS, can_compare=True))
    box.widget.setFixedWidth(420)
    box.widget.show()
    picture(box.widget, "raters_agreement_box")
    rows = texts(box.raters.widget)
    ml = np.mean([masks(number)["Anna"].sum() * 0.004 for number in range(3)])
    assert rows[0] == ["Anna", "1.00", "0.0", f"{ml:.2f}", "0.00"]
    assert rows[2][1] == f"{result.raters[2].dice.mean:.2f}" and 0 < result.raters[2].dice.mean < 0.8
    pairs = texts(box.pairs.widget)
    assert [row[0] for row in pairs] == ["Anna – Ben", "Anna – Dr. Cleopatra Longname", "Ben – Dr. Cleopatra Longname"]
    assert pairs[0][1] == "1.00" and pairs[1][1] == f"{result.pairs[1].dice.mean:.2f}"
    assert "±" in box.pairs.widget.item(1, 1).toolTip()
    words = box.together.text()
    assert f"{result.volume.value:.3f} ({result.volume.low:.3f} to {result.volume.high:.3f})" in words
    box.copy.click()
    assert QtWidgets.QApplication.clipboard().text() == text_of(result)


def test_the_picture_is_darker_the_more_a_pair_agrees(
    qt_application: QtWidgets.QApplication, result: Agreement
) -> None:
    figure = AgreementFigure()
    figure.setFixedWidth(420)
    figure.show_agreement(result, COLORS)
    figure.show()
    shown = picture(figure, "raters_agreement_figure").toImage()
    left, row, line = figure._left(), figure._row(), figure._line()
    size = min(4 * line, (420 - left - 4) // 3)

    def shade(first: int, second: int) -> tuple[int, ...]:
        at = shown.pixelColor(left + second * size + 3, 2 * line + 4 + first * row + 3)
        return (at.red(), at.green(), at.blue())

    assert shade(0, 1) == (5, 71, 140), "a Dice of 1"
    dice = result.pairs[1].dice.mean
    expected = [255 * (low + dice * (high - low)) for low, high in zip((0.93, 0.95, 0.98), (0.02, 0.28, 0.55))]
    np.testing.assert_allclose(shade(0, 2), expected, atol=1.5)
    assert shade(0, 2) == shade(2, 0)
    assert shade(1, 1) != shade(0, 1), "a rater is not compared with himself"
    assert summary(result).startswith("Dice: Anna and Ben 1.00, ")


def test_the_range_of_the_volumes_holds_every_difference_and_limit_and_zero(result: Agreement) -> None:
    low, high = span(result.raters)
    values = [one.bias_ml for rater in result.raters for one in rater.volumes]
    assert low < min(0.0, *values) and high > max(0.0, *values)
    none = replace(result.raters[0], volumes=(), bias_ml=replace(result.raters[0].bias_ml, mean=0.0, std=float("nan")))
    assert span([none]) == (-1.0, 1.0)


def test_two_scans_are_compared_with_an_interval_and_one_says_what_it_needs(knee: AtKnee) -> None:
    knee.click("raters_fit_one_box")
    first = knee.rating
    box = frozenset(range(4, 10))
    raters = (Rater("Anna", frozenset({(6, 3, 2), (6, 3, 3)}), box), Rater("Ben", frozenset({(6, 3, 3)}), box))
    knee.controller.room.sitting.put(replace(first, raters=raters), "ticks")
    knee.click("raters_part_together")
    open_section(knee.opened.find("raters_section_agreement"))
    knee.click("raters_compare")
    assert "needs two scans or more" in knee.opened.text("raters_agreement_together")
    assert "Fleiss" in knee.opened.text("raters_agreement_together")
    found = knee.controller.together.comparing.result
    assert found is not None and found.raters[0].volumes[0].bias_ml == pytest.approx(0)
    scan, drawn = add_knee(knee.desk.scene, "knee 2")
    femur = Drawing(drawn.GetID(), "id0", "Femur")
    more = (Rater("Anna", frozenset({(6, 2, 2)}), box), Rater("Ben", frozenset({(6, 2, 2), (7, 2, 2)}), box))
    knee.controller.room.sitting.put(Rating(scan.GetID(), "knee 2", femur, first.template, more, "Anna"), "ticks")
    knee.settle()
    knee.click("raters_compare")
    assert " to " in knee.opened.text("raters_agreement_together")
    knee.window.resize(1400, 1400)
    knee.picture("raters_agreement")


def test_where_nobody_has_read_that_is_said(knee: AtKnee) -> None:
    knee.click("raters_fit_one_box")
    knee.controller.room.sitting.put(replace(knee.rating, raters=(Rater("Anna"), Rater("Ben"))), "raters")
    knee.click("raters_part_together")
    open_section(knee.opened.find("raters_section_agreement"))
    knee.click("raters_compare")
    assert knee.opened.text("raters_agreement_message") == NOBODY
    assert not knee.opened.is_seen("raters_figure")
