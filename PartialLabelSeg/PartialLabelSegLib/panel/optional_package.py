"""Packages that one feature needs and Slicer does not bring: asked for when they are needed, and installed so that nothing else changes."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path

from .desk import ERROR, WARNING, Desk
from .install import Installed, Installer, InstallListeners
from .surroundings import worker_environment
from .view_models_decide import Working


def is_there(package: str) -> bool:
    """Whether the whole package can be found in this Python, which is the worker's; nothing is imported.

    pip writes a package's RECORD last, so that what a stopped installation left is offered again.
    """
    importlib.invalidate_caches()
    if importlib.util.find_spec(package) is None:
        return False
    try:
        return importlib.metadata.distribution(package).read_text("RECORD") is not None
    except importlib.metadata.PackageNotFoundError:
        return False


def pins() -> str:
    """pip's constraints that leave every package that is there in its version."""
    found = {str(item.metadata["Name"]): item.version for item in importlib.metadata.distributions()}
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()) if name != "None" and version)


class PackageOffer:
    """One installation at a time. what: what needs the package, as a person calls it."""

    def __init__(self, desk: Desk, package: str, what: str) -> None:
        self._desk = desk
        self.package, self.what = package, what
        self._installer = Installer(InstallListeners(self._installed, lambda line: None, self._progressed), package)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._then: Callable[[], object] = lambda: None
        self._working: Working | None = None

    def working(self) -> Working | None:
        """What goes on, and how far it is."""
        return self._working if self._installer.running() else None

    def when_there(self, then: Callable[[], object]) -> None:
        """Calls `then` where the package is there; else asks, and calls it after the installation."""
        if is_there(self.package):
            then()
        elif not self._installer.running() and self._agreed():
            self._then = then
            self._start()

    def cancel(self) -> None:
        self._installer.cancel()

    def _agreed(self) -> bool:
        text = (
            f"{self.what} needs the Python package {self.package}, which is not in this Slicer. It is downloaded and added, some megabytes; "
            "nothing that is there already is changed. No scan leaves this computer."
        )
        return self._desk.application.ask(f"Install {self.package}?", text, "Install", "Not now")

    def _start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="partiallabelseg-", ignore_cleanup_errors=True)
        kept = Path(self._folder.name) / "kept.txt"
        kept.write_text(pins(), encoding="utf-8")
        application = self._desk.application
        environment = worker_environment(application.startup_environment())
        steps = (("pip", "install", self.package, "--constraint", str(kept)),)
        self._installer.start(application.python_executable(), environment, steps)
        self._progressed(None, "")

    def _progressed(self, share: float | None, words: str) -> None:
        self._working = Working(f"Installing {self.package}…{f' {words}' if words else ''}", share)
        self._desk.application.say_status(self._working.words)
        self._desk.tell()

    def _installed(self, how: Installed) -> None:
        if self._folder is not None:
            self._folder.cleanup()
        self._folder, self._working = None, None
        then, self._then = self._then, lambda: None
        if how.done:
            importlib.invalidate_caches()
            then()
        elif how.cancelled:
            self._desk.say(how.sentence, WARNING)
        else:
            self._desk.say(f"{self.package} could not be installed: {how.sentence} {how.way_out}".rstrip(), ERROR)
        self._desk.tell()
