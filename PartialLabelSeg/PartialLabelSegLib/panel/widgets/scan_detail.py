"""The current scan: its current cell in words, what is wrong with it, its volume and segmentation, and what its segments count as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import qt

from ..qt_subset import Quiet, button, get, label, paragraph, row
from ..view_models import NodeView, ScansView, ScanView, SegmentView
from ..view_models_decide import Choice
from .chooser import Chooser
from .fitting import set_text
from .made_box import MadeBox
from .rename_bar import LEFT_OUT
from .scan_problems import ScanProblems

NOTHING = Choice("", "(none)", "Nothing is chosen.")
SHOW = "Show this scan in all views, with what is drawn in it. A double click on its name does the same."
SHOW_FROM_DISK = (
    f"{SHOW} It is read from its files, which are not changed, and is removed again when another scan is shown."
)
BEING_READ = "This scan is being read; it is shown as soon as it is there."
KEEP = (
    "Leave this scan and its drawing in Slicer when another one is shown, and save them with the scene. Learning does not need it: "
    "it takes what the files hold, whatever is changed here."
)


@dataclass(frozen=True)
class DetailCalls:
    """What the part tells: show the scan, keep it loaded or not, remove it, another pair was picked, a segment is to be renamed, how the
    labels of scans were made.
    """

    show_scan: Callable[[str], None]
    keep_scan: Callable[[str, bool], None]
    remove: Callable[[str], None]
    pick_pair: Callable[[str, str, str], None]
    rename: Callable[[str, str], None]
    made: Callable[[tuple[str, ...], str], None]


class ScanDetail:
    """Hidden where no scan is current."""

    def __init__(self, calls: DetailCalls) -> None:
        self._calls = calls
        self._scan = ScanView("")
        self.title = paragraph("", "scan_title")
        bold = get(self.title, "font")
        bold.setBold(True)
        self.title.setFont(bold)
        self.readout = paragraph("", "cell_readout")
        self.problems = ScanProblems("scan_problems", _nothing)
        self.volume = Chooser(
            "pair_volume", "The scan. Choose another one where the pair was guessed wrongly.", self._volume
        )
        self.segmentation = Chooser(
            "pair_segmentation", "The segmentation that belongs to this scan.", self._segmentation
        )
        self.segment = Chooser("segment", "The segments of this scan, and the structure that each counts as.", _nothing)
        self.made = MadeBox(calls.made)
        self._labels = [label(text) for text in ("Scan", "Drawn in", "Segments", "Labels")]
        self.widget = qt.QWidget()
        self.widget.setObjectName("scan_detail")
        self._lay_out()

    def _lay_out(self) -> None:
        calls = self._calls
        tip = "Let this segment count as another structure, in this scan only."
        self.rename = button("Rename…", "segment_rename", tip, self._rename_clicked)
        self._show = button("Show", "scan_show", SHOW, lambda: calls.show_scan(self._scan.name))
        self._keep = qt.QCheckBox("Keep it loaded")
        self._keep.setObjectName("scan_keep")
        self._keep.setToolTip(KEEP)
        self._keep.toggled.connect(lambda checked=False: calls.keep_scan(self._scan.name, bool(checked)))
        tip = "Take this scan out of the list. Nothing is deleted from the scene or the disk."
        remove = button("Remove", "scan_remove", tip, lambda: calls.remove(self._scan.name))
        grid = qt.QGridLayout(self.widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.title, 0, 0, 1, 3)
        grid.addWidget(self.readout, 1, 0, 1, 3)
        grid.addWidget(self.problems.widget, 2, 0, 1, 3)
        grid.addWidget(row(self._show, remove, self._keep, None), 3, 0, 1, 3)
        for line, (text, box) in enumerate(zip(self._labels, (self.volume, self.segmentation, self.segment)), 4):
            grid.addWidget(text, line, 0)
            grid.addWidget(box.widget, line, 1, 1, 1 if box is self.segment else 2)
        grid.addWidget(self.rename, 6, 2)
        grid.addWidget(self._labels[3], 7, 0)
        grid.addWidget(self.made.chooser.widget, 7, 1)
        grid.addWidget(self.made.everywhere, 7, 2)

    def show(self, view: ScansView, scan: ScanView | None, readout: str) -> None:
        """Emits nothing. `readout`: the current cell in words."""
        self.widget.setVisible(scan is not None)
        if scan is None:
            return
        self._scan = scan
        set_text(self.title, f"{scan.name} ({scan.origin})" if scan.origin else scan.name)
        set_text(self.readout, readout)
        self.problems.show(scan.problems)
        self._show_whether_loaded(view, scan)
        self.volume.show(_choices(view.volumes), scan.volume)
        self.segmentation.show(_choices(view.segmentations), scan.segmentation)
        for part in (*self._labels[:2], self.volume.widget, self.segmentation.widget):
            part.setVisible(scan.in_scene)
        for part in (self._labels[2], self.segment.widget, self.rename):
            part.setVisible(bool(scan.segments))
        self._labels[3].setVisible(self.made.show(view, scan))

    def _show_whether_loaded(self, view: ScansView, scan: ScanView) -> None:
        """A scan that lies on disk can be kept once it is loaded."""
        reading, kept = scan.name == view.disk.reading, scan.name in view.disk.kept
        self._show.setEnabled(not reading)
        self._show.setToolTip(BEING_READ if reading else SHOW if scan.in_scene else SHOW_FROM_DISK)
        self._keep.setVisible(not scan.in_scene and (kept or scan.name == view.disk.shown))
        with Quiet(self._keep):
            self._keep.setChecked(kept)

    def point_at(self, structure: str) -> None:
        """Chooses the segment that counts as `structure`, else the one that was chosen."""
        segments = self._scan.segments
        chosen = self.segment.current()
        now = next((item.name for item in segments if chosen is not None and item.name == chosen.key), "")
        here = next((item.name for item in segments if item.structure == structure), "")
        self.segment.show([_segment(item) for item in segments], here or now or (segments[0].name if segments else ""))

    def _volume(self, key: str) -> None:
        self._calls.pick_pair(self._scan.name, key, self._scan.segmentation)

    def _segmentation(self, key: str) -> None:
        self._calls.pick_pair(self._scan.name, self._scan.volume, key)

    def _rename_clicked(self) -> None:
        chosen = self.segment.current()
        if chosen is not None:
            self._calls.rename(self._scan.name, chosen.key)


def _choices(nodes: Sequence[NodeView]) -> list[Choice]:
    return [NOTHING, *(Choice(node.id, node.name) for node in nodes)]


def _segment(item: SegmentView) -> Choice:
    counts = item.name if item.name == item.structure else f"{item.name} → {item.structure or LEFT_OUT}"
    return Choice(
        item.name, counts, f"The segment '{item.name}' counts as {item.structure or 'nothing: it is left out'}."
    )


def _nothing(key: str) -> None:
    """To look at another segment changes nothing; there are no links here."""
