"""What is wrong, in sentences: with the whole set, with the current scan, and which other scans to look at."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import qt

from ...data.contrast import hexadecimal, readable
from .. import words
from ..qt_subset import paragraph
from ..view_models import ProblemView
from .fitting import breakable
from .shades import shade

MOST_NAMES, LONGEST_NAME = 12, 26
_SIGNS = {"error": "✕", "warning": "!"}


class ScanProblems:
    """Sentences with a sign before each. The names of other scans with problems are links: `go_to(scan)`."""

    def __init__(self, name: str, go_to: Callable[[str], None]) -> None:
        self.widget = paragraph("", name)
        self.widget.setTextFormat(qt.Qt.RichText)
        self.widget.setTextInteractionFlags(qt.Qt.TextBrowserInteraction)
        self.widget.setOpenExternalLinks(False)
        self.widget.linkActivated.connect(lambda link="": go_to(str(link)))

    def show(self, problems: Sequence[ProblemView], others: Sequence[str] = ()) -> None:
        """The problems in full, and the names of other scans that have some. Nothing at all where there is nothing to say."""
        text = _table(problems) if problems else ""
        if others:
            window = shade(self.widget, qt.QPalette.Window)
            text += _others(others, hexadecimal(readable(shade(self.widget, qt.QPalette.Link), window)))
        self.widget.setText(text)
        self.widget.setVisible(bool(text))


def _table(problems: Sequence[ProblemView]) -> str:
    rows = "".join(
        f"<tr><td style='padding-right:6px'><b>{_SIGNS[problem.severity]}</b></td><td>{_sentence(problem)}</td></tr>"
        for problem in problems
    )
    return f"<table cellspacing='0'>{rows}</table>"


def _sentence(problem: ProblemView) -> str:
    structure = f"<i>{html.escape(problem.structure)}:</i> " if problem.structure else ""
    left_out = " <b>This scan is left out.</b>" if problem.severity == "error" else ""
    return structure + html.escape(problem.sentence) + left_out


def _others(names: Sequence[str], color: str) -> str:
    """The names as links, in a colour that can be read in dark themes too."""
    links = ", ".join(
        f"<a style='color:{color}' href='{html.escape(name, quote=True)}'>{html.escape(breakable(shortened(name)))}</a>"
        for name in names[:MOST_NAMES]
    )
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return (
        f"<p style='margin:2px 0 0 0'>{words.counted(len(names), 'scan').capitalize()} to look at: {links}{more}.</p>"
    )


def shortened(name: str) -> str:
    """A long name without its middle: names of one study often differ only at the end."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2 - 1]}…{name[-LONGEST_NAME // 2 :]}"
