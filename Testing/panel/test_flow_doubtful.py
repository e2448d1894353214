"""A session with labels that were made quickly: said with clicks, weighed by the real worker, and the doubtful places looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from panel.showing import click_row, settle, texts
from PartialLabelSegLib.data.phantom import write_phantom_cohort
from PartialLabelSegLib.panel.doubts import weighed_in
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.view_models_decide import DOUBTS

Wait = Callable[..., None]
pytestmark = pytest.mark.slow


@pytest.fixture
def session(application: HostApplication, window: Window, wait_until: Wait) -> Iterator[PanelWindow]:
    made = PanelWindow(application, window, wait_until)
    yield made
    made.close()


def say_quick(session: PanelWindow, scan: str) -> None:
    """Of all labels of a scan, in the box below the table."""
    names = [row.name for row in session.panel.logic.scans.view().scans]
    session.find("scan_table").setCurrentCell(names.index(scan), 0)
    box = session.find("scan_made")
    box.setCurrentIndex(box.findData("quick"))
    settle()


def weights_of(session: PanelWindow, scan: str) -> list[str]:
    """The structures of a scan whose label was weighed."""
    found = weighed_in(session.desk.run, session.desk.facts, scan)
    return list(found.files) if found is not None else []


def test_quick_labels_are_weighed_and_what_is_doubted_is_looked_at(session: PanelWindow, tmp_path: Path) -> None:
    cohort = write_phantom_cohort(tmp_path / "cohort", cases=8, test_cases=0, share_labelled=0.8).parent
    session.application.answers.append(cohort)
    session.click("add_folder")
    session.until_read()
    scans = [scan.name for scan in session.desk.state.scans]
    for scan in scans[:2]:
        say_quick(session, scan)
    assert "of them quickly" in session.text("scans_summary")
    session.picture("doubtful_1_scans")
    session.click("step_learn")
    session.until(lambda: session.panel.logic.learn.torch.state.ready, what="PyTorch to be found")
    assert session.text("advice").startswith("Recommended: ")
    open_section(session.find("advanced"))
    doubtful = session.find("doubtful")
    doubtful.setCurrentIndex(max(0, doubtful.findData("weigh")))
    if session.find("bounds_size").isChecked():
        # Learning sizes is a matter of its own, and takes longer than all else together in a run this small.
        session.click("bounds_size")
    session.picture("doubtful_2_learn")
    session.click("learn")
    session.until_learned("waiting")
    session.until_shown()
    weighed = [name for name in scans if weights_of(session, name)]
    assert weighed and set(weighed) <= set(scans[:2]), "a scan for validation is not learned from"
    session.panel.logic.look.scan_chosen(weighed[0])
    session.until_shown()
    assert session.is_seen("look_doubts_list")
    structure = weights_of(session, weighed[0])[0]
    if session.is_seen("doubts"):
        structure = texts(session.find("doubts"))[0][0]
        click_row(session.find("doubts"), 0)
    else:
        session.panel.logic.look.structure_chosen(structure)
    session.until_shown()
    assert session.desk.state.structure == structure
    session.click(f"look_{DOUBTS}")
    session.until_shown()
    session.picture("doubtful_3_look")
    assert session.node(f"{weighed[0]} {session.desk.state.structure} weights of the label") is not None
