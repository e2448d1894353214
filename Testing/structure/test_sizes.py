"""Short units in the right places, and nothing in a file that belongs to one machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from structure.sources import MODULE_FOLDER, PROJECT_FOLDER, project_files, python_files, text

MOST_LINES = 420
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 6
MOST_BYTES = 2_000_000
TOP_LEVEL = {"CMakeLists.txt", "LICENSE", "PartialLabelSeg", "README.md", "Resources", "Testing"}
WITHOUT_TEXT = (".png", ".npy", ".nrrd", ".gz", ".jpg", ".dcm")
# Folders of one person's machine, and hosts that only some networks reach. The lookbehind leaves URLs and relative paths alone.
OF_ONE_MACHINE = re.compile(r"(?<![\w./:~-])(?:/(?:home|root|Users|work|opt|mnt|tmp)/\w|[A-Z]:\\Users)")
REGISTRIES = re.compile(r"(?:pypi|pythonhosted|download\.pytorch|registry\.npmjs|deb\.debian)\.(?:org|com)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(name: str) -> Iterator[Function]:
    """All functions and methods of a file."""
    return (node for node in ast.walk(ast.parse(text(name))) if isinstance(node, Function))


def parameters(function: Function) -> list[str]:
    """The names that a caller may pass."""
    spec = function.args
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg))]
    return [argument.arg for argument in every if argument.arg not in ("self", "cls")]


@pytest.mark.parametrize("name", python_files())
def test_a_file_and_its_functions_fit_on_a_few_screens(name: str) -> None:
    assert text(name).count("\n") <= MOST_LINES, f"{name} has more than {MOST_LINES} lines"
    for function in functions(name):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= MOST_LINES_OF_A_FUNCTION, f"{name}: {function.name} has {lines} lines"


@pytest.mark.parametrize("name", [name for name in python_files() if not name.startswith("Testing/")])
def test_a_function_asks_for_few_things(name: str) -> None:
    for function in functions(name):
        asked = parameters(function)
        assert len(asked) <= MOST_PARAMETERS, f"{name}: {function.name} has {len(asked)} parameters"


def test_only_the_module_file_lies_directly_in_the_module_folder() -> None:
    # Slicer takes every Python file there for a module of its own, and runs it.
    directly = {name for name in project_files() if re.fullmatch(rf"{MODULE_FOLDER}/[^/]+", name)}
    assert directly == {f"{MODULE_FOLDER}/CMakeLists.txt", f"{MODULE_FOLDER}/PartialLabelSeg.py"}


def test_the_module_file_is_only_a_shell() -> None:
    assert text(f"{MODULE_FOLDER}/PartialLabelSeg.py").count("\n") < 100


def test_nothing_new_lies_at_the_top() -> None:
    tops = {name.split("/")[0] for name in project_files()}
    strange = {top for top in tops if not top.startswith(".")} - TOP_LEVEL
    assert not strange


@pytest.mark.parametrize("name", [name for name in project_files() if not name.endswith(WITHOUT_TEXT)])
def test_no_file_names_a_place_of_one_machine(name: str) -> None:
    content = text(name)
    for pattern in (OF_ONE_MACHINE, REGISTRIES):
        found = pattern.search(content)
        assert not found, f"{name}: {found and found[0]}"


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("open('/" + "home/ann/scan.nrrd')", True),
        ("see C:" + r"\Users\ann", True),
        ("/" + "tmp/run", True),
        ("https://example.org/work/page", False),
        ("~/work/run", False),
        ("../shared/data", False),
        ("a home/visit", False),
    ],
)
def test_the_search_for_such_places_finds_them(line: str, is_one: bool) -> None:
    assert bool(OF_ONE_MACHINE.search(line)) == is_one


def test_no_file_is_large() -> None:
    large = [name for name in project_files() if (PROJECT_FOLDER / name).stat().st_size > MOST_BYTES]
    assert not large


def presumes_an_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text without saying in which encoding, and so in that of the machine."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    named = {keyword.arg for keyword in call.keywords}
    if "encoding" in named:
        return False
    if isinstance(call.func, ast.Attribute):
        return (
            name in ("read_text", "write_text") and len(call.args) < (1 if name == "read_text" else 2)
        ) or "text" in named
    modes = [item.value for item in call.args[1:2] if isinstance(item, ast.Constant)]
    return name == "open" and not any("b" in str(mode) for mode in modes)


@pytest.mark.parametrize("name", python_files())
def test_text_is_read_and_written_in_a_named_encoding(name: str) -> None:
    calls = (node for node in ast.walk(ast.parse(text(name))) if isinstance(node, ast.Call))
    presuming = [call.lineno for call in calls if presumes_an_encoding(call)]
    assert not presuming, f"{name}: lines {presuming}"


@pytest.mark.parametrize(
    ("line", "presumes"),
    [
        ("path.read_text()", True),
        ("path.write_text(text)", True),
        ("open(path)", True),
        ("open(path, 'a')", True),
        ("subprocess.run(command, text=True)", True),
        ("path.read_text(encoding='utf-8')", False),
        ("write_text(path, text)", False),
        ("open(path, 'rb')", False),
        ("session.open(case, 0)", False),
    ],
)
def test_what_presumes_an_encoding_is_told_apart(line: str, presumes: bool) -> None:
    (call,) = (node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call))
    assert presumes_an_encoding(call) == presumes
