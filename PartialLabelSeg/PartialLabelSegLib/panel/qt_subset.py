"""Qt as PythonQt (in Slicer) and PySide6 (outside it) spell alike: reading properties, holding signals back, and small builders.

What the two share: values are written with setters (`box.setText("…")`), read with `get(box, "text")`, and a signal calls a function
after `signal.connect(function)`. A slot that is a lambda takes the signal's argument first: `lambda checked=False, i=i: …`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import qt

HEADER = "section_header"
CONTENT = "section_content"


def get(widget: Any, name: str) -> Any:
    """The value of a Qt property, such as `get(slider, "value")`: it is an attribute in PythonQt and a method in PySide6."""
    return widget.property(name)


class Quiet:
    """`with Quiet(box, slider): …` changes widgets from the program without calling what is connected to them."""

    def __init__(self, *widgets: Any) -> None:
        self._widgets = widgets
        self._before: list[bool] = []

    def __enter__(self) -> Quiet:
        self._before = [widget.blockSignals(True) for widget in self._widgets]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for widget, before in zip(self._widgets, self._before):
            widget.blockSignals(before)


def button(text: str, name: str, tip: str, slot: Callable[[], object]) -> Any:
    """A push button. `slot` is called without arguments, whatever Qt's signal carries."""
    made = qt.QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(tip)
    made.clicked.connect(lambda checked=False: slot())
    return made


def label(text: str, name: str = "", tip: str = "") -> Any:
    """A label on one line."""
    made = qt.QLabel(text)
    made.setObjectName(name)
    made.setToolTip(tip)
    return made


def paragraph(text: str, name: str = "") -> Any:
    """A label that wraps, so that a narrow panel stays narrow. Its text can be selected and copied."""
    made = label(text, name)
    made.setWordWrap(True)
    made.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
    # Otherwise one long word keeps the whole panel wide; and a policy that is set by hand must say again that the label wraps.
    policy = qt.QSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
    policy.setHeightForWidth(True)
    made.setSizePolicy(policy)
    return made


def row(*widgets: Any) -> Any:
    """A widget with others from left to right and no margin; `None` is a space that takes what is left over."""
    return _filled(qt.QHBoxLayout, widgets)


def column(*widgets: Any) -> Any:
    """A widget with others from top to bottom and no margin; `None` is a space that takes what is left over."""
    return _filled(qt.QVBoxLayout, widgets)


def _filled(kind: Any, widgets: tuple[Any, ...]) -> Any:
    made = qt.QWidget()
    layout = kind(made)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    return made


def section(title: str, name: str = "", opened: bool = True) -> tuple[Any, Any]:
    """A part of the panel under a heading that closes and opens it: the whole widget, and the layout to put widgets into."""
    whole = qt.QWidget()
    whole.setObjectName(name)
    outer = qt.QVBoxLayout(whole)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.setSpacing(2)
    header = _header(title)
    content = qt.QWidget()
    content.setObjectName(CONTENT)
    outer.addWidget(header)
    outer.addWidget(content)
    inner = qt.QVBoxLayout(content)
    inner.setContentsMargins(12, 2, 0, 6)

    def show(checked: bool = False) -> None:
        header.setArrowType(qt.Qt.DownArrow if checked else qt.Qt.RightArrow)
        content.setVisible(bool(checked))

    header.toggled.connect(show)
    header.setChecked(bool(opened))
    show(opened)
    return whole, inner


def _header(title: str) -> Any:
    """The line of a section that is clicked."""
    made = qt.QToolButton()
    made.setObjectName(HEADER)
    made.setText(title)
    made.setToolTip("Click to show or hide this part")
    made.setCheckable(True)
    made.setAutoRaise(True)
    made.setToolButtonStyle(qt.Qt.ToolButtonTextBesideIcon)
    made.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    font = get(made, "font")
    font.setBold(True)
    made.setFont(font)
    return made


def open_section(whole: Any, opened: bool = True) -> None:
    """Opens or closes a section as a click on its heading does."""
    whole.findChild(qt.QToolButton, HEADER).setChecked(bool(opened))


def section_is_open(whole: Any) -> bool:
    """Whether a section shows its widgets."""
    return bool(whole.findChild(qt.QToolButton, HEADER).isChecked())
