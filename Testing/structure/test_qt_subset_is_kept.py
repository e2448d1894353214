"""The panel's files keep to what PythonQt in Slicer and PySide6 share, and to what Slicer ships: read from their text.

What only shows when it runs, such as `slider.value()`, is caught by the guard of Testing/host/qt_host.py.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from structure.sources import LIBRARY, MODULE_FOLDER, python_files, text

PANEL = f"{LIBRARY}/panel"
SHELL = f"{MODULE_FOLDER}/PartialLabelSeg.py"
SEAM = f"{PANEL}/slicer_application.py"
FILES = [*python_files(PANEL), SHELL]
SHIPPED = {"slicer", "qt", "ctk", "vtk", "numpy", "scipy", "SimpleITK"}
APPLICATION = {"qt", "ctk", "slicer", "vtk"}
# Absent in Slicer's qt or different there, each for a reason that is written in Testing/host/qt_host.py.
NOT_SHARED = {
    "QSignalBlocker",
    "Signal",
    "Slot",
    "Property",
    "QThread",
    "QThreadPool",
    "QRunnable",
    "QRegExp",
    "QTextCodec",
}
METHODS_THAT_ARE_PROPERTIES = {"sizeHint", "minimumSizeHint"}
# The functions of slicer.util that need neither the application nor a window.
UTIL = ("array", "updateVolume", "updateSegment", "addVolumeFromArray", "VTKObservationMixin", "NodeModify")
MODULES = {"colors", "volumes", "segmentations", "subjecthierarchy", "plots", "tables"}


def dotted(node: ast.expr) -> str:
    """`qt.QLabel` of an expression that is only names and dots, otherwise empty."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def run_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Everything that is evaluated when the file is imported, apart from decorators."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from ast.walk(default)
        else:
            yield node
            yield from run_at_import(node)


def imports(node: ast.AST) -> list[str]:
    """The packages of an import statement, without our own."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(node.module or "").split(".")[0]]
    return []


def at_import(tree: ast.Module) -> Iterator[str]:
    """What a file must not do while Slicer loads the module."""
    for node in run_at_import(tree):
        for package in imports(node):
            if package not in sys.stdlib_module_names and package not in {*SHIPPED, "PartialLabelSegLib"}:
                yield f"imports {package} at file scope"
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[0] in APPLICATION:
            yield f"calls {dotted(node.func)} while it is imported"


def closes_over_an_argument(slot: ast.expr) -> bool:
    """Whether a signal's value would land in an argument that was meant to keep something: `lambda i=i: …`."""
    if not isinstance(slot, ast.Lambda) or not slot.args.args:
        return False
    required = len(slot.args.args) - len(slot.args.defaults)
    return required == 0 and not isinstance(slot.args.defaults[0], ast.Constant)


def of_a_call(node: ast.Call) -> Iterator[str]:
    """What is not shared about one call."""
    name = dotted(node.func)
    method = node.func.attr if isinstance(node.func, ast.Attribute) else name
    if name.startswith("qt.") and node.keywords:
        yield f"{name} with a keyword"
    if method == "connect" and node.args:
        if isinstance(node.args[0], ast.Constant | ast.JoinedStr):
            yield "a signal connected by its text"
        if closes_over_an_argument(node.args[0]):
            yield "a lambda whose first argument would be overwritten by the signal: lambda checked=False, i=i: …"
    if method in METHODS_THAT_ARE_PROPERTIES and isinstance(node.func, ast.Attribute):
        yield f".{method}() is a property in Slicer"
    if method == "sender":
        yield ".sender() is not reliable"
    if name == "bytes" and node.args and isinstance(node.args[0], ast.Call):
        inner = node.args[0].func
        if isinstance(inner, ast.Attribute) and inner.attr.startswith("readA"):
            yield "bytes of a QByteArray: use bytes(array.data())"


def anywhere(tree: ast.Module) -> Iterator[str]:
    """What is not shared, wherever it stands."""
    for node in ast.walk(tree):
        if "torch" in imports(node):
            yield "imports torch"
        if isinstance(node, ast.ImportFrom) and node.module == "qt":
            yield "imports names from qt: write qt.QLabel"
        if isinstance(node, ast.Attribute) and dotted(node).startswith("qt.") and node.attr in NOT_SHARED:
            yield f"uses {dotted(node)}"
        if isinstance(node, ast.Call):
            yield from of_a_call(node)


def of_the_application(tree: ast.Module) -> Iterator[str]:
    """What only the seam may know: Slicer's application, its widgets and its modules' windows."""
    for node in ast.walk(tree):
        if "ctk" in imports(node):
            yield "imports ctk"
        name = dotted(node) if isinstance(node, ast.Attribute) else ""
        parts = name.split(".")
        if parts[0] != "slicer" or len(parts) == 1:
            continue
        if parts[1] in ("app", "mrmlScene") or parts[1].startswith(("qMRML", "qSlicer")):
            yield f"uses {name}"
        if parts[1] == "util" and len(parts) == 3 and not parts[2].startswith(UTIL):
            yield f"uses {name}"
        if parts[1] == "modules" and len(parts) == 3 and parts[2] not in MODULES:
            yield f"uses {name}"


def set_on_widgets(tree: ast.Module) -> Iterator[str]:
    """`box.mark = …` on what was made by Qt: PySide6 keeps it, in Slicer a new name is an error."""
    assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    made_by_qt = {
        dotted(target)
        for node in assignments
        if isinstance(node.value, ast.Call) and dotted(node.value.func).startswith("qt.")
        for target in node.targets
    }
    for target in (target for node in assignments for target in node.targets):
        if isinstance(target, ast.Attribute) and dotted(target.value) in made_by_qt:
            yield f"sets {ast.unparse(target)}"


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_panel_keeps_to_what_slicer_and_the_tests_share(name: str) -> None:
    tree = ast.parse(text(name))
    found = [*at_import(tree), *anywhere(tree)]
    assert not found, f"{name}: {found}"


@pytest.mark.parametrize("name", [name for name in FILES if name not in (SEAM, SHELL)])
def test_only_the_seam_knows_slicers_application(name: str) -> None:
    found = list(of_the_application(ast.parse(text(name))))
    assert not found, f"{name}: {found}"


@pytest.mark.parametrize("name", [name for name in FILES if name not in (SEAM, SHELL)])
def test_a_widget_gets_no_attribute_of_ours(name: str) -> None:
    found = list(set_on_widgets(ast.parse(text(name))))
    assert not found, f"{name}: {found}"


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("box = qt.QLabel()\nbox.mark = 1", True),
        ("self.box = qt.QLabel()\nself.box.text = 'x'", True),
        ("self.box = qt.QLabel()\nself.mark = 1", False),
        ("status = Status()\nstatus.length = 3", False),
    ],
)
def test_the_check_sees_an_attribute_that_is_given_to_a_widget(line: str, is_wrong: bool) -> None:
    assert bool(list(set_on_widgets(ast.parse(line)))) == is_wrong


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import torch", "torch"),
        ("import pandas", "pandas"),
        ("def f():\n    import torch.nn", "torch"),
        ("qt.QMessageBox().exec_()", "qt.QMessageBox while it is imported"),
        ("class A:\n    icon = qt.QIcon('a')", "qt.QIcon while"),
        ("def f(icon=qt.QIcon('a')): pass", "qt.QIcon while"),
        ("def f():\n    with qt.QSignalBlocker(w): pass", "QSignalBlocker"),
        ("def f():\n    w.connect('clicked()', g)", "by its text"),
        ("def f():\n    qt.QPushButton(text='a')", "keyword"),
        ("def f():\n    b.clicked.connect(lambda i=i: g(i))", "overwritten"),
        ("def f():\n    return w.sizeHint()", "property"),
        ("def f():\n    bytes(p.readAllStandardOutput())", "QByteArray"),
        ("from qt import QLabel", "qt.QLabel"),
    ],
)
def test_the_check_finds_what_is_not_shared(line: str, said: str) -> None:
    tree = ast.parse(line)
    assert said in " ".join([*at_import(tree), *anywhere(tree)])


@pytest.mark.parametrize(
    "line",
    [
        "def f():\n    box.exec_()\n    b.clicked.connect(lambda checked=False, i=i: g(i))",
        "def f():\n    b.clicked.connect(self.on_click)\n    bytes(p.readAllStandardOutput().data())",
        "class A:\n    @vtk.calldata_type(vtk.VTK_OBJECT)\n    def on(self, caller, event, node): pass",
        "import json, slicer, numpy\nfrom .qt_subset import get",
        "class W(qt.QWidget):\n    def sizeHint(self): return qt.QSize(1, 2)",
    ],
)
def test_the_check_lets_pass_what_is_shared(line: str) -> None:
    tree = ast.parse(line)
    assert not [*at_import(tree), *anywhere(tree)]


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("slicer.app.processEvents()", True),
        ("slicer.util.loadVolume('a')", True),
        ("slicer.qMRMLNodeComboBox()", True),
        ("slicer.modules.dicom.logic()", True),
        ("import ctk", True),
        ("slicer.util.arrayFromVolume(node)", False),
        ("slicer.modules.colors.logic()", False),
        ("slicer.vtkMRMLSliceNode()", False),
    ],
)
def test_the_check_knows_what_belongs_to_the_seam(line: str, is_wrong: bool) -> None:
    assert bool(list(of_the_application(ast.parse(line)))) == is_wrong
