"""Long work in short steps (run/steps.py), driven while the window lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import qt

from ..run.failure import Failure
from ..run.steps import Steps, finish_now, one_after_another, scaled

__all__ = ["SLICE_SECONDS", "Stepper", "Steps", "finish_now", "one_after_another", "scaled"]
SLICE_SECONDS = 0.012


class Stepper:
    """Drives one work at a time from Qt's event loop, a slice of some 12 ms at each turn."""

    def __init__(self) -> None:
        self._timer = qt.QTimer()
        # Started anew after each turn: what became due meanwhile, such as the drawing of a view, comes first.
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._turn)
        self._work: Steps[Any] | None = None
        self._done: Callable[[Any], object] = _ignore
        self._failed: Callable[[str], object] = _ignore
        self._told: Callable[[float], object] = _ignore

    @property
    def busy(self) -> bool:
        return self._work is not None

    def start(
        self,
        work: Steps[Any],
        done: Callable[[Any], object],
        failed: Callable[[str], object],
        told: Callable[[float], object] | None = None,
    ) -> None:
        """Begins a work; one that is under way is given up first. `failed(sentence)` where it cannot be done; `told(share)` once a turn."""
        self.cancel()
        self._work, self._done, self._failed, self._told = work, done, failed, told or _ignore
        self._timer.start(0)

    def cancel(self) -> None:
        """Gives the work up; nobody is told."""
        self._timer.stop()
        work, self._work = self._work, None
        if work is not None:
            work.close()

    def _turn(self) -> None:
        work = self._work
        if work is None:
            return
        end = time.perf_counter() + SLICE_SECONDS
        share = 0.0
        try:
            while time.perf_counter() < end:
                share = next(work)
        except StopIteration as stop:
            self._end()(stop.value)
            return
        except Failure as failure:
            self._end(failed=True)(failure.sentence())
            return
        except OSError as error:
            reason = error.strerror or "the disk did not take it"
            self._end(failed=True)(
                f"A file could not be read or written ({reason}). Look at the disk's free space and permissions."
            )
            return
        except MemoryError:
            self._end(failed=True)(
                "The computer has not enough free memory for this scan. Close other scans or programs, and try again."
            )
            return
        except BaseException:
            self._end(failed=True)(
                "This could not be done because of a mistake in this module; the Python console says more."
            )
            raise
        self._timer.start(0)
        self._told(share)

    def _end(self, failed: bool = False) -> Callable[[Any], object]:
        self._timer.stop()
        self._work = None
        return self._failed if failed else self._done


def _ignore(_value: Any) -> None:
    pass
