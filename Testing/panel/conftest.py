"""Slicer's scene and Qt for the panel's tests, off screen. Only these tests load them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host import environment

environment.draw_without_display()

from host import qt_host  # noqa: E402

# Before the panel's files are imported by the test files of this folder.
qt_host.install()

from PySide6 import QtCore, QtWidgets  # noqa: E402

from host.host_application import HostApplication  # noqa: E402
from host.slicer_host import SlicerHost  # noqa: E402
from host.watch import Watch  # noqa: E402
from host.window import Window  # noqa: E402
from panel import viewing  # noqa: E402
from panel.decide_samples import Recorder  # noqa: E402
from panel.rated_scene import AtKnee  # noqa: E402
from PartialLabelSegLib.panel.overlay import Overlay  # noqa: E402
from PartialLabelSegLib.panel.viewed import Viewed  # noqa: E402


@pytest.fixture(scope="session")
def qt_application() -> Any:
    """The one QApplication of the process."""
    application: Any = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["tests"])
    # One test's closed window would end the dialog of the next.
    application.setQuitOnLastWindowClosed(False)
    return application


@pytest.fixture(autouse=True)
def watch(qt_application: Any) -> Iterator[Watch]:
    """Fails a test in whose slots, observers or VTK filters something went wrong. `watch.forgive()` forgives what was expected."""
    watching = Watch()
    watching.start()
    yield watching
    complaints = watching.stop()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def pump(qt_application: Any) -> Callable[[int], None]:
    """`pump(ms)` lets Qt's events happen for a while, deletions too."""

    def run(milliseconds: int = 20) -> None:
        end = time.monotonic() + milliseconds / 1000
        while True:
            qt_application.processEvents()
            qt_application.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
            if time.monotonic() >= end:
                return
            time.sleep(0.002)

    return run


@pytest.fixture
def wait_until(pump: Callable[[int], None]) -> Callable[..., None]:
    """`wait_until(condition, seconds)` lets events happen until `condition()` holds, and fails when it does not in time."""

    def wait(condition: Callable[[], object], seconds: float = 10.0, what: str = "") -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds} s in vain for {what or condition}"
            pump(5)

    return wait


@pytest.fixture
def host(watch: Watch, pump: Callable[[int], None]) -> Iterator[SlicerHost]:
    """A fresh scene with Slicer's logics, closed after the test."""
    made = SlicerHost()
    yield made
    pump(0)
    made.close()


@pytest.fixture
def application(host: SlicerHost, tmp_path: Path) -> HostApplication:
    """The seam over the scene, without views."""
    documents = tmp_path / "documents"
    documents.mkdir()
    return HostApplication(host, documents)


@pytest.fixture
def window(host: SlicerHost, application: HostApplication, pump: Callable[[int], None]) -> Iterator[Window]:
    """A window with four views on the scene, which `application` then uses."""
    made = Window(host)
    application.window = made
    made.show()
    pump(20)
    yield made
    application.window = None
    made.close()
    pump(0)


@pytest.fixture
def knee(application: HostApplication, window: Window, wait_until: Callable[..., None]) -> Iterator[AtKnee]:
    """A knee in a window, with the raters' page open on it."""
    made = AtKnee(application, window, wait_until)
    yield made
    made.close()


@pytest.fixture
def actions() -> Recorder:
    """What a step asks of its controller, kept for assertions."""
    return Recorder()


@pytest.fixture(scope="session")
def viewed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case that was predicted. Not to be changed."""
    return viewing.write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def scan(host: SlicerHost) -> Any:
    """The volume node of that case."""
    return viewing.a_scan(host)


@pytest.fixture
def viewed(scan: Any, viewed_folder: Path) -> Viewed:
    """The case with its suggestions, as the step Look reads it."""
    return viewing.to_view(scan, viewed_folder)


@pytest.fixture
def overlay(application: HostApplication) -> Overlay:
    return Overlay(application)
