"""The share gamma of the structure that is decided on: shown at once while the slider moves, kept with the scene once it rests."""

from __future__ import annotations

import qt

from .desk import Desk
from .look_logic import LookController

REST_MS = 400


class GammaKept:
    """Storing the state at each step of the slider would make it slow."""

    def __init__(self, desk: Desk, look: LookController) -> None:
        self._desk = desk
        self._look = look
        self._moved: tuple[str, float] | None = None
        self._rest = qt.QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._slot = self.keep
        self._rest.timeout.connect(self._slot)

    def now(self) -> float:
        """That of the structure that is shown."""
        structure = self._desk.state.structure
        if self._moved is not None and self._moved[0] == structure:
            return self._moved[1]
        return self._desk.state.gamma(structure)

    def move(self, gamma: float) -> None:
        """Only display nodes are touched."""
        self._moved = (self._desk.state.structure, float(gamma))
        self._look.set_gamma(float(gamma))
        self._rest.start()

    def show(self) -> None:
        """The views agree with it."""
        if self._look.gamma != self.now():
            self._look.set_gamma(self.now())

    def keep(self) -> None:
        """Stores what was set."""
        self._rest.stop()
        moved, self._moved = self._moved, None
        if moved is not None and moved[0]:
            self._desk.put(self._desk.state.with_gamma(*moved))

    def forget(self) -> None:
        self._rest.stop()
        self._moved = None

    def release(self) -> None:
        self.keep()
        self._rest.timeout.disconnect(self._slot)
