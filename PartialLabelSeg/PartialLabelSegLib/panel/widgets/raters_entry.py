"""The way to the page of several raters: one line under the list of scans, out of the way of who does not need it."""

from __future__ import annotations

from collections.abc import Callable

from ..qt_subset import button, row

TIP = "Two or more people have read the same scans: tick cells of a grid, or take over their masks, and make one soft label of them."


class RatersEntry:
    """`opened()` is called for a click."""

    def __init__(self, opened: Callable[[], object]) -> None:
        self.open = button("Several raters…", "raters_open", TIP, opened)
        self.widget = row(self.open, None)
        self.widget.setObjectName("raters_entry")
