"""The shared subset of Qt: its helpers work, and the guard stops a file of the panel that leaves it."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pytest
import qt
from PySide6 import QtCore, QtTest, QtWidgets

from host import qt_host
from host.qt_host import NotShared
from host.watch import Watch
from PartialLabelSegLib.panel import qt_subset
from PartialLabelSegLib.panel.qt_subset import Quiet, get


def as_panel(source: str, name: str = "PartialLabelSegLib.panel.example", **given: Any) -> dict[str, Any]:
    """Runs lines as a file of the panel would."""
    scope = {"__name__": name, "qt": qt, **given}
    exec(source, scope)
    return scope


@pytest.fixture
def slider(qt_application: Any) -> Any:
    made = qt.QSlider(qt.Qt.Horizontal)
    made.setValue(7)
    return made


@pytest.fixture
def box(qt_application: Any) -> Any:
    return qt.QCheckBox("Use")


@pytest.mark.parametrize(
    "line",
    [
        "box.text = 'x'",
        "box.text()",
        "slider.value()",
        "slider.value",
        "box.checked = True",
        "assert box.checked",
        "box.font()",
        "qt.QComboBox().currentIndex()",
        "qt.QWidget().width()",
        "qt.QTableWidget(1, 2).rowCount()",
    ],
)
@pytest.mark.parametrize("name", ["PartialLabelSegLib.panel.widgets.example", "PartialLabelSeg"])
def test_a_line_that_means_something_else_in_slicer_is_stopped(line: str, name: str, box: Any, slider: Any) -> None:
    with pytest.raises(NotShared):
        as_panel(line, name, box=box, slider=slider)


@pytest.mark.parametrize(
    "line",
    [
        "assert not box.isChecked()",
        "box.setText('x')",
        "assert box.property('text') == 'Use'",
        "qt.QTimer.singleShot(0, lambda: None)",
        "assert qt.QTableWidgetItem('a').text() == 'a'",
        "assert box.blockSignals(True) is False",
        "class W(qt.QWidget):\n    pass\nw = W()\nw.anything = 1",
        "qt.QApplication.applicationName()",
        "w = qt.QWidget()\nform = qt.QFormLayout(w)\nform.addRow('Volume:', qt.QComboBox())",
        "qt.QLabel('a long text').show()",
    ],
)
def test_a_line_that_is_shared_passes(line: str, box: Any) -> None:
    as_panel(line, box=box)


@pytest.mark.parametrize("name", sorted(qt_host.NOT_SHARED))
def test_what_slicer_has_not_is_not_there(name: str) -> None:
    assert not hasattr(qt, name)


def test_the_tests_themselves_use_pyside_as_it_is(slider: Any) -> None:
    assert slider.value() == 7
    assert QtWidgets.QApplication.applicationName() is not None


def test_installing_twice_changes_nothing() -> None:
    before = QtWidgets.QSlider.__dict__.get("value"), qt.QSlider
    assert qt_host.install() is qt
    assert (QtWidgets.QSlider.__dict__.get("value"), qt.QSlider) == before


def test_a_subclass_with_its_own_size_is_asked_for_it(qt_application: Any) -> None:
    lines = "class W(qt.QWidget):\n    def sizeHint(self):\n        return qt.QSize(123, 45)\nw = W()\nw.adjustSize()"
    assert as_panel(lines)["w"].size() == QtCore.QSize(123, 45)


def test_a_property_is_read_by_its_name(slider: Any, box: Any) -> None:
    assert get(slider, "value") == 7
    assert get(box, "text") == "Use"


def test_quiet_holds_signals_back_and_gives_them_free_again_after_an_error(slider: Any) -> None:
    heard: list[int] = []
    slider.valueChanged.connect(heard.append)
    with Quiet(slider):
        slider.setValue(20)
    with pytest.raises(ValueError, match="mistake"), Quiet(slider):
        raise ValueError("a mistake")
    slider.setValue(30)
    assert heard == [30]


def test_quiet_inside_quiet_leaves_the_outer_one_in_force(slider: Any) -> None:
    heard: list[int] = []
    slider.valueChanged.connect(heard.append)
    with Quiet(slider):
        with Quiet(slider):
            slider.setValue(20)
        slider.setValue(30)
    assert not heard


def test_a_button_calls_its_slot_without_arguments(qt_application: Any) -> None:
    calls: list[tuple[Any, ...]] = []
    made = qt_subset.button("Learn", "learn", "Starts learning", lambda *arguments: calls.append(arguments))
    QtTest.QTest.mouseClick(made, QtCore.Qt.MouseButton.LeftButton)
    assert calls == [()]
    assert (made.objectName(), made.toolTip()) == ("learn", "Starts learning")


def test_a_click_on_its_heading_closes_and_opens_a_section(qt_application: Any, pump: Callable[[int], None]) -> None:
    whole, layout = qt_subset.section("Advanced", "advanced", opened=False)
    inside = qt_subset.label("Rounds", "rounds")
    layout.addWidget(inside)
    whole.show()
    pump(5)
    heading = whole.findChild(QtWidgets.QToolButton, qt_subset.HEADER)
    assert not inside.isVisible()
    QtTest.QTest.mouseClick(heading, QtCore.Qt.MouseButton.LeftButton)
    assert inside.isVisible() and qt_subset.section_is_open(whole)
    qt_subset.open_section(whole, False)
    assert not inside.isVisible() and not qt_subset.section_is_open(whole)


def test_a_section_inside_a_section_opens_alone(qt_application: Any) -> None:
    outer, layout = qt_subset.section("Learn", "learn")
    inner, _ = qt_subset.section("Advanced", "advanced", opened=False)
    layout.addWidget(inner)
    qt_subset.open_section(inner)
    qt_subset.open_section(outer, False)
    assert qt_subset.section_is_open(inner) and not qt_subset.section_is_open(outer)


def test_a_long_paragraph_does_not_widen_a_narrow_panel(qt_application: Any, pump: Callable[[int], None]) -> None:
    made = qt_subset.column(qt_subset.paragraph("a-very-long-name-of-an-organ-" * 20), qt_subset.label("short"))
    assert made.minimumSizeHint().width() < 350


def test_a_row_keeps_the_order_and_gives_the_rest_to_the_space(
    qt_application: Any, pump: Callable[[int], None]
) -> None:
    first, second = qt_subset.label("a"), qt_subset.label("b")
    made = qt_subset.row(first, None, second)
    made.resize(300, 20)
    made.show()
    pump(5)
    assert first.x() < 50 and second.x() > 250


def test_a_mistake_in_a_slot_is_seen(watch: Watch, box: Any) -> None:
    def slot(checked: bool = False) -> None:
        raise RuntimeError("a mistake in a slot")

    box.toggled.connect(slot)
    box.setChecked(True)
    assert len(watch.seen) == 1 and "a mistake in a slot" in watch.seen[0]
    watch.forgive()


def test_a_misuse_that_qt_only_prints_is_seen(watch: Watch, qt_application: Any) -> None:
    widget = qt.QWidget()
    qt.QVBoxLayout(widget)
    qt.QVBoxLayout(widget)
    assert any("QLayout" in text for text in watch.seen), watch.seen
    watch.forgive()


def test_code_of_another_name_is_not_guarded(box: Any) -> None:
    scope = as_panel("text = box.text()", "PartialLabelSegLib.panels_of_others", box=box)
    assert isinstance(scope["text"], str) and isinstance(qt, types.ModuleType)
