"""Every button of the panel is clicked: the real one, over a small run that waits for decisions. What starts the worker is clicked in the sessions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtCore, QtTest, QtWidgets

from host.host_application import HostApplication
from host.window import Window
from panel.deciding import region, tumour_weights, write_weights
from panel.panel_window import PanelWindow
from panel.showing import settle
from panel.waiting_window import waiting_window
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.state import STEPS
from PartialLabelSegLib.panel.torch_probe import TorchState

Wait = Callable[..., None]
HERE = Path(__file__).resolve().parent
IN_SESSIONS = {
    "add_sample": "../host/tutorial.py",
    "learn": "test_flow.py",
    "resume": "test_flow.py",
    "cancel": "test_flow.py",
    "next_round": "test_flow_decide.py",
    "into_scene": "test_flow_decide.py",
    "export": "test_flow_decide.py",
    "open_report": "test_flow_decide.py",
    "save_model": "test_flow_decide.py",
    "apply_model": "test_flow_decide.py",
}
"""What is clicked with the real worker, and where."""
BY_THEMSELVES = {
    "torch_cancel": "test_learn_step.py",
    "torch_check": "test_learn_step.py",
    "finish_cancel": "test_finish_step.py",
    "edited_keep": "test_decide_step.py",
    "edited_discard": "test_decide_step.py",
    "apply_folder": "test_finish_step.py",
    "apply_other_model": "test_finish_step.py",
    "apply_all": "test_finish_step.py",
    "apply_none": "test_finish_step.py",
    "scan_keep": "test_disk_scans.py",
    "look_previous": "test_look_step.py",
    "merge_apply": "test_scans_step.py",
    "rename_apply": "test_scans_step.py",
    "only_problems": "test_scans_step.py",
    "made_everywhere": "test_made_box.py",
}
"""What is there only while something goes on that is not made to happen here, and where it is clicked."""
LAST = ("decide_edit", "scan_remove")
"""After these the others cannot be used any more."""


@pytest.fixture
def session(application: HostApplication, window: Window, wait_until: Wait, tmp_path: Path) -> Iterator[PanelWindow]:
    made = waiting_window(application, window, wait_until, tmp_path)
    yield made
    made.close()


def buttons(session: PanelWindow, step: str) -> dict[str, Any]:
    """All named buttons of a step, in sight or not."""
    page = session.panel.page(step).widget
    return {item.objectName(): item for item in page.findChildren(QtWidgets.QAbstractButton) if is_ours(item)}


def is_ours(item: Any) -> bool:
    """Not a part of Qt's own widgets, nor the heading of a section."""
    return bool(item.objectName()) and not item.objectName().startswith(("qt_", "section_header"))


def seen(session: PanelWindow) -> list[Any]:
    """Everything that a person, the application or the scene could tell the difference by."""
    application, parts = session.application, session.panel.widget.findChildren(QtWidgets.QWidget)
    shown = [
        (item.objectName(), item.isEnabled(), item.toolTip(), item.property("text"), item.property("checked"))
        for item in parts
        if item.isVisible() and not item.objectName().startswith("qt_")
    ]
    said = (application.asked, application.opened, application.edited, application.status)
    return [shown, [list(each) for each in said], session.desk.state, application.scene.GetNumberOfNodes()]


def press_it(session: PanelWindow, item: Any) -> None:
    """With the left button of the mouse; no question is answered with yes, and no folder is chosen."""
    session.application.answers.extend([None] * 4)
    place = QtCore.QPoint(8, item.height() // 2) if isinstance(item, QtWidgets.QCheckBox) else item.rect().center()
    QtTest.QTest.mouseClick(item, QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier, place)
    settle()
    session.until_read()
    session.until_shown()
    session.application.answers.clear()


def click_all(session: PanelWindow, step: str, left_out: set[str]) -> set[str]:
    """Clicks what can be clicked, until nothing new can; the names of what did something that can be seen."""
    done: set[str] = set()
    while True:
        prepare(session, step)
        there = buttons(session, step)
        usable = [name for name, item in there.items() if item.isVisible() and item.isEnabled()]
        still_to_do = sorted((name for name in usable if name not in done | left_out), key=LAST.__contains__)
        if not still_to_do:
            return done
        name = still_to_do[0]
        before = seen(session)
        press_it(session, there[name])
        assert seen(session) != before, f"a click on {name} did nothing that can be seen"
        done.add(name)


def prepare(session: PanelWindow, step: str) -> None:
    """Opens a step, and what makes its buttons usable."""
    session.desk.change(step=step)
    session.until(lambda: session.is_seen(f"{step}_step"))
    session.until_shown()
    page = session.panel.page(step).widget
    if step == "scans" and session.is_seen("scan_table"):
        names = [row.name for row in session.panel.logic.scans.view().scans]
        session.find("scan_table").setCurrentCell(names.index("CT 1") if "CT 1" in names else 0, 0)
    elif step == "learn":
        session.panel.logic.learn.torch.state = TorchState("missing", "It is not there.")
        open_section(page.findChild(QtWidgets.QWidget, "advanced"))
    elif step == "look":
        session.panel.logic.look.scan_chosen("CT 1")
        session.until_shown()
        session.panel.logic.look.structure_chosen("Liver")
        session.until_shown()
    elif step == "finish":
        open_section(page.findChild(QtWidgets.QWidget, "finish_apply"))
    settle()


def accept_a_liver(session: PanelWindow) -> None:
    prepare(session, "decide")
    session.choose("Liver", "CT 1")
    session.click("decide_accept_all")
    session.until_shown()


@pytest.mark.parametrize("step", STEPS)
def test_every_button_of_a_step_does_something_that_can_be_seen(session: PanelWindow, step: str) -> None:
    elsewhere = {**IN_SESSIONS, **BY_THEMSELVES}
    if step == "look":
        accept_a_liver(session)
        regions = [region("Liver", 0.9, (4, 5, 3))]
        run = session.desk.run
        assert run is not None
        write_weights(run, "CT 1", {"Liver": tumour_weights()}, regions)
    done = click_all(session, step, set(elsewhere))
    assert set(buttons(session, step)) - done - set(elsewhere) == set()


def test_what_is_clicked_elsewhere_really_is() -> None:
    for name, file in {**IN_SESSIONS, **BY_THEMSELVES}.items():
        assert name in clicked_in((HERE / file).read_text(encoding="utf-8")), f"{name} is not clicked in {file}"


def clicked_in(source: str) -> set[str]:
    """The names that calls of `click` in a file speak of: as a text, or as a variable of a loop or of pytest's parameters."""
    tree = ast.parse(source)
    return {
        text
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) == "click"
        for argument in call.args
        for part in ast.walk(argument)
        for text in (texts_in(part) if isinstance(part, ast.Constant) else values_of(part, function))
    }


def values_of(part: ast.AST, function: ast.FunctionDef) -> set[str]:
    """The texts that a variable of a function may be."""
    if not isinstance(part, ast.Name):
        return set()
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name) and node.target.id == part.id:
            found |= texts_in(node.iter)
    for made in function.decorator_list:
        if isinstance(made, ast.Call) and len(made.args) == 2 and isinstance(made.args[1], ast.List):
            heads = made.args[0]
            names = [item.value for item in getattr(heads, "elts", [heads]) if isinstance(item, ast.Constant)]
            if part.id in names:
                rows = [getattr(row, "elts", [row]) for row in made.args[1].elts]
                found |= {text for row in rows for text in texts_in(row[names.index(part.id)])}
    return found


def texts_in(node: ast.AST) -> set[str]:
    return {item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)}


def test_only_what_is_clicked_counts_as_clicked() -> None:
    source = (
        '@pytest.mark.parametrize(("name", "asked"), [("a", "not me")])\n'
        "def test_one(name, asked):\n"
        '    assert session.is_seen("nor me")\n'
        "    click(find(step, name))\n"
        '    session.click("b")\n'
        '    for each in ("c", "d"):\n'
        "        click(find(step, each))\n"
    )
    assert clicked_in(source) == {"a", "b", "c", "d"}
