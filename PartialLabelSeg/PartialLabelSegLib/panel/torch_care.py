"""PyTorch as the step Learn sees it: looked for in the worker's Python, and installed there after asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .desk import ERROR, WARNING, Desk
from .install import (
    Installed,
    Installer,
    InstallListeners,
    extension_is_there,
    folder_complaint,
    no_extension,
    question,
    steps_from_extension,
    steps_from_folder,
)
from .surroundings import worker_environment
from .torch_probe import TorchProbe, TorchState
from .view_models import TorchView

WHEELS = "wheels"


class TorchCare:
    """`ask()` looks; `when_known(f)` calls f once the answer is there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.state = TorchState()
        self._probe = TorchProbe(self._found)
        self._installer = Installer(InstallListeners(self._installed, lambda line: desk.tell(), self._progressed))
        self._doing, self._share = "", None
        self._waiting: list[Callable[[], None]] = []

    _share: float | None

    @property
    def asked(self) -> bool:
        """Whether it was looked for, or is being."""
        return self._probe.asking() or self.state != TorchState()

    def ask(self) -> None:
        if not self._installer.running():
            application = self._desk.application
            self.state = TorchState()
            self._probe.ask(application.python_executable(), worker_environment(application.startup_environment()))
            self._desk.tell()

    def when_known(self, then: Callable[[], None]) -> None:
        """Calls `then` at once where the state is known, else after the answer."""
        if self.state != TorchState() and not self._probe.asking():
            then()
            return
        self._waiting.append(then)
        if not self._probe.asking():
            self.ask()

    def view(self) -> TorchView:
        installing = self._installer.running()
        state = "unknown" if self._probe.asking() else self.state.state
        view = TorchView(state, self.state.detail, installing, self._installer.output())
        return replace(view, doing=self._doing, progress=self._share) if installing else view

    def install(self, how: str) -> None:
        """Asks, then installs; how: from the extension, or from a folder of wheels."""
        desk = self._desk
        if self._installer.running() or desk.jobs.running:
            return
        if how == WHEELS:
            folder = desk.application.choose_folder("The folder with the PyTorch wheels")
            if folder is None:
                return
            complaint = folder_complaint(folder, self.state.python)
            if complaint:
                desk.say(complaint, WARNING)
                return
            steps = steps_from_folder(self.state, folder)
        elif not extension_is_there():
            desk.say(no_extension(), WARNING)
            return
        else:
            steps = steps_from_extension(self.state)
        if not desk.application.ask("Install PyTorch?", question(self.state), "Install", "Not now"):
            return
        self._doing, self._share = "", None
        environment = worker_environment(desk.application.startup_environment())
        self._installer.start(desk.application.python_executable(), environment, steps)
        desk.tell()

    def cancel_install(self) -> None:
        self._installer.cancel()

    def release(self) -> None:
        """A probe is dropped; an installation is stopped, for nobody could see it any more."""
        self._waiting.clear()
        self._probe.forget()
        self._installer.cancel()

    def _found(self, state: TorchState) -> None:
        self.state = state
        waiting, self._waiting = self._waiting, []
        self._desk.tell()
        for then in waiting:
            then()

    def _progressed(self, share: float | None, words: str) -> None:
        self._share, self._doing = share, words
        self._desk.tell()

    def _installed(self, how: Installed) -> None:
        text = f"{how.sentence} {how.way_out}".strip()
        self._desk.say(text, "note" if how.done or how.cancelled else ERROR)
        self.ask()
