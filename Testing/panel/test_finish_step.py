"""The step Finish: into the scene, to files, the report, and models with a name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6 import QtCore, QtTest

from panel.decide_samples import Recorder, find, finish_view
from panel.showing import click, click_row, press, shown
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.view_models_decide import DICOM, FORMATS, Choice, FinishView, TargetScan, Working
from PartialLabelSegLib.panel.widgets.finish_step import FinishStep

NOT_FROM_DICOM = "scan_002 was not loaded from DICOM, so it cannot be written as DICOM SEG. Choose another format."


@pytest.fixture
def step(actions: Any) -> FinishStep:
    made = FinishStep(actions)
    made.show(finish_view())
    open_section(find(made.widget, "finish_apply"))
    return made


def test_showing_a_view_asks_for_nothing(step: FinishStep, actions: Recorder) -> None:
    with shown(step.widget):
        step.show(finish_view(scope="scan_002", fill="accepted", format=DICOM, model="b", model_name="other"))
        step.show(finish_view(targets=(TargetScan("scan_100", ticked=False), TargetScan("new", ticked=True))))
        step.show(finish_view(working=Working("Writing", None)))
        step.show(FinishView())
    assert actions.take() == []


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("into_scene", ("into_scene",)),
        ("export", ("export",)),
        ("open_report", ("open_report",)),
        ("save_model", ("save_model", "abdomen 7 structures")),
        ("apply_other_model", ("other_model",)),
        ("apply_all", ("targets_ticked", ("scan_100", "scan_101"), True)),
        ("apply_none", ("targets_ticked", ("scan_100", "scan_101"), False)),
        ("apply_model", ("apply_model",)),
        ("apply_folder", ("apply_to_folder",)),
    ],
)
def test_a_button_asks_for_its_action_once(
    step: FinishStep, actions: Recorder, name: str, asked: tuple[Any, ...]
) -> None:
    with shown(step.widget, height=1000):
        click(find(step.widget, name))
    assert actions.take() == [asked]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("finish_scope", ("finish_scope_chosen", "scan_002")),
        ("finish_fill", ("fill_chosen", "prediction")),
        ("export_format", ("format_chosen", "seg-nrrd")),
        ("apply_model_name", ("model_chosen", "a")),
    ],
)
def test_a_choice_is_made_with_keys(step: FinishStep, actions: Recorder, name: str, asked: tuple[Any, ...]) -> None:
    step.show(finish_view(fill="accepted", format="nifti", model="b"))
    with shown(step.widget, height=1000):
        press(find(step.widget, name), "Up")
    assert actions.take() == [asked]


def test_a_scan_that_did_not_come_from_dicom_says_why_it_cannot_be_written_so(
    step: FinishStep, actions: Recorder
) -> None:
    formats = tuple(
        replace(item, why_not=NOT_FROM_DICOM if item.key == DICOM else "") for item in finish_view().formats
    )
    step.show(finish_view(formats=formats, format=DICOM))
    with shown(step.widget):
        note, export = find(step.widget, "export_note"), find(step.widget, "export")
        assert note.isVisible() and note.text().replace("\u200b", "") == NOT_FROM_DICOM
        assert not export.isEnabled() and NOT_FROM_DICOM in export.toolTip()
        for key in set(FORMATS) - {DICOM}:
            step.show(finish_view(formats=formats, format=key))
            assert export.isEnabled() and "Writes" in note.text()


def test_while_something_goes_on_it_is_shown_and_can_be_cancelled_and_nothing_else_begins(
    step: FinishStep, actions: Recorder
) -> None:
    step.show(finish_view(working=Working("Writing scan 5 of 14", 0.35)))
    with shown(step.widget, height=1000):
        bar = find(step.widget, "finish_progress")
        assert bar.isVisible() and (bar.value(), bar.maximum()) == (35, 100)
        assert find(step.widget, "finish_working").text() == "Writing scan 5 of 14"
        busy = ("into_scene", "export", "apply_model", "apply_folder", "apply_all", "apply_none")
        assert [name for name in busy if find(step.widget, name).isEnabled()] == []
        click(find(step.widget, "finish_cancel"))
        step.show(finish_view(working=Working("Asking", None)))
        assert bar.maximum() == 0
        step.show(finish_view())
        assert not bar.isVisible() and not find(step.widget, "finish_cancel").isVisible()
        assert [name for name in busy if not find(step.widget, name).isEnabled()] == []
    assert actions.take() == [("cancel",)]


def test_a_report_that_is_not_there_says_why(step: FinishStep) -> None:
    step.show(finish_view(report="There is no report yet."))
    assert not find(step.widget, "open_report").isEnabled()
    assert find(step.widget, "report_note").text() == "There is no report yet."


def test_a_model_is_saved_under_the_name_that_was_typed(step: FinishStep, actions: Recorder) -> None:
    field, save = find(step.widget, "model_name"), find(step.widget, "save_model")
    with shown(step.widget):
        field.selectAll()
        press(field, "Delete")
        assert not save.isEnabled() and "give it a name" in save.toolTip()
        QtTest.QTest.keyClicks(field, "  mine  ")
        step.show(finish_view(message="Something else was done."))
        assert field.text() == "  mine  ", "what is being typed is not written over"
        click(save)
        step.show(finish_view(model_name="another run"))
        assert field.text() == "another run"
    assert actions.take() == [("save_model", "mine")]


def test_a_model_that_cannot_be_saved_says_why(step: FinishStep) -> None:
    step.show(finish_view(model_why_not="Nothing was learned yet."))
    assert not find(step.widget, "save_model").isEnabled() and not find(step.widget, "model_name").isEnabled()
    assert find(step.widget, "model_note").text() == "Nothing was learned yet."


def test_scans_to_apply_a_model_to_are_ticked(step: FinishStep, actions: Recorder) -> None:
    targets = find(step.widget, "apply_targets")
    with shown(step.widget, height=1000):
        for line in range(3):
            rectangle = targets.visualItemRect(targets.item(line))
            mark = QtCore.QPoint(rectangle.left() + 12, rectangle.center().y())
            QtTest.QTest.mouseClick(targets.viewport(), QtCore.Qt.MouseButton.LeftButton, pos=mark)
    assert actions.take() == [("targets_ticked", ("scan_100",), False), ("targets_ticked", ("scan_101",), True)]
    assert targets.item(2).text() == "scan_102: is no CT: this model learned from CT"


def test_applying_needs_a_model_and_a_scan(step: FinishStep) -> None:
    apply, folder = find(step.widget, "apply_model"), find(step.widget, "apply_folder")
    assert apply.text() == "Apply to 1 scan"
    step.show(finish_view(targets=(TargetScan("scan_100"),)))
    assert (apply.isEnabled(), folder.isEnabled()) == (False, True)
    step.show(finish_view(models=(), model=""))
    assert (apply.isEnabled(), folder.isEnabled()) == (False, False)
    assert "No model has been saved" in find(step.widget, "apply_note").text()
    step.show(finish_view(models=(Choice("a", "old", why_not="It was made by a newer version."),)))
    assert (apply.isEnabled(), folder.isEnabled()) == (False, False)
    assert find(step.widget, "apply_note").text() == "It was made by a newer version."


def test_a_tick_that_the_view_does_not_repeat_is_taken_back(step: FinishStep) -> None:
    targets = find(step.widget, "apply_targets")
    with shown(step.widget, height=1000):
        targets.item(1).setCheckState(QtCore.Qt.CheckState.Checked)
        click_row(targets, 0)
        step.show(finish_view())
    assert targets.item(1).checkState() == QtCore.Qt.CheckState.Unchecked


def test_without_anything_finished_it_says_what_is_missing(step: FinishStep) -> None:
    step.show(
        FinishView(
            "Nothing is complete yet.", why_not="no round has ended.", report="No report.", model_why_not="No model."
        )
    )
    with shown(step.widget, height=1000):
        assert find(step.widget, "finish_summary").text() == "Nothing is complete yet."
        assert "no round has ended." in find(step.widget, "into_scene").toolTip()
        able = [
            name
            for name in ("into_scene", "export", "open_report", "save_model", "apply_model")
            if find(step.widget, name).isEnabled()
        ]
        assert able == []


def test_every_widget_that_is_clicked_has_a_tooltip(step: FinishStep) -> None:
    from PySide6 import QtWidgets

    kinds = (QtWidgets.QPushButton, QtWidgets.QComboBox, QtWidgets.QLineEdit, QtWidgets.QListWidget)
    clicked = [widget for kind in kinds for widget in step.widget.findChildren(kind)]
    assert len(clicked) >= 15
    assert [widget.objectName() for widget in clicked if not widget.toolTip() or not widget.objectName()] == []
