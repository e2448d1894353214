"""The step Scans: which scans there are, what is labelled in each, and everything that is wrong with them."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from ..qt_subset import button, column, get, paragraph, row
from ..view_models import MergeView, ScansView, ScanView
from .fitting import set_text
from .rename_bar import RenameBar
from .scan_detail import DetailCalls, ScanDetail
from .scan_problems import ScanProblems
from .scan_table import Cell, ScanTable
from .state_items import sentence
from .state_menu import add_column_states, add_entry, add_made, add_states, add_title, new_menu, title_of
from .table_clicks import TableCalls, TableClicks

FILTER_FROM = 13
"""So many scans make it worth to search among them."""
EMPTY = (
    "Add scans in which some organs are drawn: the liver here, the kidneys there. A scan needs no drawing at all to be completed, "
    "but each organ must be drawn in at least one scan."
)


class ScansActions(Protocol):
    """What the user can do here. A name of a structure that is '' means: leave it out."""

    def add_from_scene(self) -> None: ...
    def add_folder(self) -> None: ...
    def add_manifest(self) -> None: ...
    def add_sample(self) -> None: ...
    def remove(self, scans: tuple[str, ...]) -> None: ...
    def set_states(self, cells: tuple[tuple[str, str], ...], state: str) -> None: ...
    def cycle_state(self, scan: str, structure: str) -> None: ...
    def set_made(self, cells: tuple[tuple[str, str], ...], how: str) -> None: ...
    def set_made_in(self, scans: tuple[str, ...], how: str) -> None: ...
    def rename(self, scan: str, segment: str, structure: str) -> None: ...
    def merge(self, structures: tuple[str, ...], into: str) -> None: ...
    def pick_pair(self, scan: str, volume: str, segmentation: str) -> None: ...
    def show_scan(self, scan: str) -> None: ...
    def keep_scan(self, scan: str, kept: bool) -> None: ...


class ScansStep:
    """`show()` draws a view model and emits nothing."""

    def __init__(self, actions: ScansActions) -> None:
        self._actions = actions
        self._view = ScansView()
        self._menu: Any = None
        self.summary = paragraph("", "scans_summary")
        self.busy = paragraph("", "scans_busy")
        self.table = ScanTable(self._column_menu)
        self._clicks = TableClicks(
            self.table, TableCalls(self._show_current, self._cell_menu, actions.cycle_state, actions.show_scan)
        )
        self.rename = RenameBar()
        self.problems = ScanProblems("set_problems", self.go_to)
        self.detail = ScanDetail(
            DetailCalls(
                actions.show_scan,
                actions.keep_scan,
                lambda scan: actions.remove((scan,)),
                actions.pick_pair,
                self._rename_segment,
                actions.set_made_in,
            )
        )
        self._merge = self._merge_row()
        self._search = self._search_row()
        parts = (self.table.widget, self.rename.widget, self._merge, self.problems.widget, self.detail.widget)
        self._body = column(self._search, *parts)
        self.widget = column(self._add_buttons(), self.busy, self.summary, self._body, None)
        self.widget.setObjectName("scans_step")

    def _add_buttons(self) -> Any:
        actions, made = self._actions, qt.QWidget()
        grid = qt.QGridLayout(made)
        grid.setContentsMargins(0, 0, 0, 0)
        buttons = (
            ("Add loaded scans", "add_from_scene", "Add the volumes that are open in Slicer, each with its segmentation.", actions.add_from_scene),
            ("Add a folder…", "add_folder", "Add a folder with volumes and segmentations, an nnU-Net data set, or DICOM series.", actions.add_folder),
            ("Add a list…", "add_manifest", "Add the scans that a table (cases.csv) lists, with what was looked for in each.", actions.add_manifest),
            ("Sample scans", "add_sample", "Add a small made-up cohort to try everything with.", actions.add_sample),
        )  # fmt: skip
        for place, (text, name, tip, slot) in enumerate(buttons):
            grid.addWidget(button(text, name, tip, slot), place // 2, place % 2)
        grid.setColumnStretch(2, 1)
        return made

    def _search_row(self) -> Any:
        self.search = qt.QLineEdit()
        self.search.setObjectName("scan_filter")
        self.search.setPlaceholderText("Find a scan")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("Only scans whose name contains this are shown.")
        self.only_problems = qt.QCheckBox("only with problems")
        self.only_problems.setObjectName("only_problems")
        self.only_problems.setToolTip("Show only the scans that need a look.")
        self.search.textChanged.connect(lambda text="": self._filter())
        self.only_problems.toggled.connect(lambda checked=False: self._filter())
        return row(self.search, self.only_problems)

    def _merge_row(self) -> Any:
        self.merge_text = paragraph("", "merge_text")
        self.merge_button = button(
            "Merge", "merge_apply", "Count them as one structure in all scans.", lambda: self._merge_first()
        )
        made = row(self.merge_text, self.merge_button)
        made.setObjectName("merge_row")
        made.layout().setStretch(0, 1)
        return made

    def show(self, view: ScansView) -> None:
        """Draws what is different from before."""
        self._view = view
        set_text(self.summary, view.summary or (EMPTY if not view.scans else ""))
        set_text(self.busy, view.busy)
        self._body.setVisible(bool(view.scans or view.problems))
        self._search.setVisible(len(view.scans) >= FILTER_FROM)
        self.table.show(view.structures, view.scans)
        self._show_merge(view.merges)
        self._show_current()

    def _show_merge(self, merges: tuple[MergeView, ...]) -> None:
        self._merge.setVisible(bool(merges))
        if merges:
            first = merges[0]
            others = ", ".join(f"'{name}'" for name in first.structures if name != first.into)
            more = f" ({len(merges) - 1} more after this one)" if len(merges) > 1 else ""
            self.merge_text.setText(f"{others} may be the same as '{first.into}': {first.why}.{more}")

    def _merge_first(self) -> None:
        if self._view.merges:
            self._actions.merge(self._view.merges[0].structures, self._view.merges[0].into)

    def go_to(self, scan: str) -> None:
        """Makes a scan the current one, also where the filter hid it."""
        if any(item.name == scan for item in self._view.scans):
            self.search.setText("")
            self.only_problems.setChecked(False)
            self.table.select(scan)
            self._show_current()

    def _filter(self) -> None:
        self.table.filter(str(get(self.search, "text")), bool(self.only_problems.isChecked()))

    def _show_current(self) -> None:
        """The part below the table: the current cell in words, and its scan."""
        name, structure = self.table.current()
        cell = self._cells(((name, structure),)).get((name, structure))
        readout = sentence(structure, cell) if cell is not None else ""
        self.detail.show(self._view, next((item for item in self._view.scans if item.name == name), None), readout)
        self.detail.point_at(structure)
        self.problems.show(
            self._view.problems, [item.name for item in self._view.scans if item.problems and item.name != name]
        )

    def _cells(self, keys: tuple[Cell, ...]) -> dict[Cell, Any]:
        """The cells of those keys that there are."""
        scans = {scan.name: scan for scan in self._view.scans}
        columns = {item.name: index for index, item in enumerate(self._view.structures)}
        return {
            (scan, structure): scans[scan].cells[columns[structure]]
            for scan, structure in keys
            if structure in columns and scan in scans and scans[scan].cells
        }

    def _cell_menu(self, keys: tuple[Cell, ...], place: Any) -> None:
        cells = self._cells(keys)
        if not cells:
            return
        menu = self._new_menu("cell_menu")
        add_title(menu, title_of(tuple(cells)))
        add_states(menu, cells, self._actions.set_states)
        add_made(menu, cells, self._actions.set_made)
        menu.addSeparator()
        if len(cells) == 1:
            ((scan, structure),) = cells
            self._add_scan_entries(menu, scan, structure)
        scans = tuple(dict.fromkeys(scan for scan, _ in cells))
        text = "Remove this scan" if len(scans) == 1 else f"Remove these {len(scans)} scans"
        tip = "Take it out of the list. Nothing is deleted from the scene or the disk."
        add_entry(menu, text, "menu_remove", tip, lambda: self._actions.remove(scans))
        menu.popup(place)

    def _new_menu(self, name: str) -> Any:
        """An empty menu in place of the one before."""
        if self._menu is not None:
            self._menu.close()
            self._menu.deleteLater()
        self._menu = new_menu(self.widget, name)
        return self._menu

    def _add_scan_entries(self, menu: Any, scan: str, structure: str) -> None:
        segment = self._segment_of(scan, structure)
        if segment:
            tip = "Let what is drawn here count as another structure, in this scan only."
            add_entry(
                menu,
                f"'{segment}' is another structure…",
                "menu_rename",
                tip,
                lambda: self._rename_segment(scan, segment),
            )
        tip = "Show it in all views, with what is drawn in it."
        add_entry(menu, "Show this scan", "menu_show", tip, lambda: self._actions.show_scan(scan))

    def _segment_of(self, scan: str, structure: str) -> str:
        segments = next((item.segments for item in self._view.scans if item.name == scan), ())
        return next((item.name for item in segments if item.structure == structure), "")

    def _column_menu(self, structure: str, place: Any) -> None:
        menu = self._new_menu("column_menu")
        add_title(menu, f"{structure} in all scans")
        keys = tuple((scan.name, structure) for scan in self._view.scans)
        add_column_states(menu, self._cells(keys), self._actions.set_states)
        add_made(menu, self._cells(keys), self._actions.set_made)
        menu.addSeparator()
        tip = "Give it another name, or count it as another structure, in all scans."
        add_entry(menu, "Rename or merge…", "menu_merge", tip, lambda: self._rename_structure(structure))
        tip = "Nothing is learned of it, and it is not suggested. What is drawn stays as it is."
        add_entry(menu, "Leave it out", "menu_leave_out", tip, lambda: self._actions.merge((structure,), ""))
        menu.popup(place)

    def _rename_segment(self, scan: str, segment: str) -> None:
        now = next((item.structure for item in self._scan(scan).segments if item.name == segment), segment)
        self.rename.ask(
            f"'{segment}' in {scan} counts as",
            [item.name for item in self._view.structures],
            now,
            lambda name: self._actions.rename(scan, segment, name),
        )

    def _rename_structure(self, structure: str) -> None:
        self.rename.ask(
            f"'{structure}' counts in all scans as",
            [item.name for item in self._view.structures],
            structure,
            lambda name: self._actions.merge((structure,), name),
        )

    def _scan(self, name: str) -> ScanView:
        return next((item for item in self._view.scans if item.name == name), ScanView(name))
